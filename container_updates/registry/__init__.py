"""What is published: the registry client."""

from container_updates.registry.client import Published, Registry
from container_updates.registry.credentials import Credentials
from container_updates.registry.hosts import Hosts

__all__ = ["Credentials", "Hosts", "Published", "Registry"]
