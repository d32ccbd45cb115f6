"""What is published: the registry client."""

from container_updates.registry.client import Published, Registry
from container_updates.registry.hosts import Hosts
from container_updates.registry.login.credentials import Credentials

__all__ = ["Credentials", "Hosts", "Published", "Registry"]
