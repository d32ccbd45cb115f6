"""The command line and the environment as settings."""
