"""How a registry asks for a login, and where logins are kept."""
