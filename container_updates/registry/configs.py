"""The config behind an image manifest: what the image says of itself."""

from typing import TYPE_CHECKING

from container_updates.reference import Reference
from container_updates.registry import manifests
from container_updates.registry.manifests import ImageConfig, Manifest

if TYPE_CHECKING:
    from container_updates.registry.client import Registry

MAX_CONFIG = 1024 * 1024
"""Bytes; one with a thousand history entries has a fifth of that."""


def of(registry: "Registry", reference: Reference, manifest: Manifest) -> ImageConfig | None:
    """Return the config of a platform's manifest; None where it has none, or one larger than 1 MiB.

    Raises `Inconclusive` where the registry does not have it, or it cannot be believed.
    """
    if manifest.config is None or manifest.config.size > MAX_CONFIG:
        return None
    return manifests.parse_config(registry.blob(reference, manifest.config.digest, MAX_CONFIG))
