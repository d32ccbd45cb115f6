"""How apt is set up in a container: what /etc/apt says."""
