"""check_container_updates: the chain of trust of every running container, as one monitoring check."""

__version__ = "0.1.0"
