"""What a tag of the running image's repository names: for this platform, the very image that runs, and how old."""

from dataclasses import dataclass, replace
from datetime import datetime

from container_updates.chain import Context
from container_updates.chain.updates.waiting import real_date
from container_updates.model import Subject
from container_updates.registry import manifests

_MAX_CONFIG = 1024 * 1024
_IMAGES = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
"""Media types of an image's config; a Helm chart's or another artifact's is something else."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of the image behind a tag."""

    fits: bool
    """Whether it is an image for the running one's platform."""
    runs: bool = False
    """Whether it is the very image that runs."""
    created: datetime | None = None
    """When it says that it was built; None where that is not known, or cannot be true."""


def look(subject: Subject, tag: str, context: Context) -> Look:
    """Return what a tag names: one HEAD, and for another image its manifest and config, which are kept for good.

    Raises `Inconclusive`: `NotFound` for a tag that is listed and gone by now.
    """
    image, wanted = subject.image, replace(subject.reference, tag=tag)
    published = context.registry.published(wanted)
    if published.digest in image.digests:
        return Look(True, True)
    manifest = context.registry.manifest(wanted, published.digest)
    platform = image.platform or context.details(image).platform
    if manifest.is_index:
        if platform is None:
            return Look(True)
        entry = manifests.for_platform(manifest, platform)
        if entry is None:
            return Look(False)
        if entry.digest in image.digests or entry.digest == image.manifest_digest:
            return Look(True, True)
        manifest = context.registry.manifest(wanted, entry.digest)
    if manifest.config is None or manifest.config.media_type not in _IMAGES or manifest.config.size > _MAX_CONFIG:
        return Look(False)
    if image.id_is_config and manifest.config.digest == image.id:
        return Look(True, True)
    config = manifests.parse_config(context.registry.blob(wanted, manifest.config.digest, _MAX_CONFIG))
    theirs = (config.platform.os, config.platform.architecture)
    fits = manifest.is_index or (theirs == (platform.os, platform.architecture) if platform else all(theirs))
    return Look(fits, created=real_date(config.created))
