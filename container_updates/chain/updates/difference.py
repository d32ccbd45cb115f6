"""How a published image differs from the running one: the platform decides, not the index."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from container_updates.chain import Context
from container_updates.chain.updates.waiting import real_date
from container_updates.errors import Inconclusive, NotFound, Unresolvable
from container_updates.model import Platform, Subject
from container_updates.registry import Published, configs, manifests
from container_updates.registry.manifests import Descriptor, ImageConfig, Manifest

_MAX_NAMELESS = 8


@dataclass(frozen=True, slots=True)
class Place:
    """One image, and the index that lists it."""

    index: Manifest | None
    digest: str
    """Of the platform's own manifest."""


class Difference(NamedTuple):
    """What is published and does not run."""

    config: ImageConfig | None
    """Of the published image for the running one's platform."""
    words: str = ""
    digest: str = ""
    """Of the manifest for the running one's platform, where there is one."""
    published: Place | None = None
    """Where it is."""

    @property
    def created(self) -> datetime | None:
        """When it says it was built."""
        return real_date(self.config.created) if self.config else None


def difference(subject: Subject, published: Published, context: Context) -> Difference | None:
    """Return how the published image differs from the running one, None if for its platform it is the same."""
    image, reference = subject.image, subject.reference
    if published.digest in image.digests:
        return None
    index, manifest = None, context.registry.manifest(reference, published.digest)
    if manifest.is_index:
        index = manifest
        platform = image.platform or context.details(subject.image).platform
        if platform is None:
            return _of_any_platform(subject, manifest, context)
        entry = _for_platform(subject, manifest, platform, context)
        if entry is None:
            return Difference(None, f", and no longer for {platform}")
        if entry.digest in image.digests or entry.digest == _manifest_of_index(subject, context):
            return None
        if _is_older_arm(subject, manifest, platform, context):
            return None
        manifest = context.registry.manifest(reference, entry.digest)
    elif manifest.digest == _manifest_of_index(subject, context):
        return None
    if image.id_is_config and manifest.config and manifest.config.digest == image.id:
        return None
    config = _config(subject, manifest, context)
    if config and _same_content(subject, config, context):
        return None
    return Difference(config, digest=manifest.digest, published=Place(index, manifest.digest))


def _is_older_arm(subject: Subject, index: Manifest, platform: Platform, context: Context) -> bool:
    """Whether what runs is an index's entry for an older ARM than the default.

    Many configs say `arm` alone, which counts as v7, though their index has them as v6 or v5 and an engine on such a
    machine pulled that one. Only what is the very same image decides.
    """
    image = subject.image
    if platform.architecture != "arm" or platform.variant:
        return False
    for variant in ("v6", "v5"):
        entry = manifests.for_platform(index, replace(platform, variant=variant))
        if entry is None:
            continue
        if entry.digest in image.digests:
            return True
        if image.id_is_config:
            manifest = context.registry.manifest(subject.reference, entry.digest)
            if manifest.config is not None and manifest.config.digest == image.id:
                return True
    return False


def _of_any_platform(subject: Subject, published: Manifest, context: Context) -> Difference | None:
    """Compare with every platform's image, where nobody says which one it is that runs; raises `Unresolvable`."""
    theirs = {entry.digest for entry in published.entries}
    ours = set(subject.image.digests)
    for digest in subject.image.digests:
        try:
            ours |= {entry.digest for entry in context.registry.manifest(subject.reference, digest).entries}
        except NotFound:
            continue
    if ours & theirs and (subject.image.digests & theirs or ours >= theirs):
        return None
    if ours & theirs:
        raise Unresolvable("the engine does not say for which platform the image is")
    return Difference(None)


def _manifest_of_index(subject: Subject, context: Context) -> str | None:
    """Return the running platform manifest's digest, where the engine knows only the index it pulled."""
    image = subject.image
    if image.id_is_config or image.manifest_digest:
        return image.manifest_digest
    try:
        index = context.registry.manifest(subject.reference, image.id)
    except NotFound:
        return None
    platform = image.platform or context.details(subject.image).platform
    entry = _for_platform(subject, index, platform, context) if platform else None
    return entry.digest if entry else index.digest


def _for_platform(subject: Subject, index: Manifest, platform: Platform, context: Context) -> Descriptor | None:
    """Return the entry that the engine runs; one that names no platform is for the one that its config names.

    An index in an index is such an entry, too (OCI image-spec, image-index.md: `platform` is optional; containerd,
    `images.Manifest`).
    """
    found = manifests.for_platform(index, platform)
    nameless = [entry for entry in index.entries if entry.platform is None]
    if found or not nameless:
        return found
    entries: list[Descriptor] = []
    for entry in nameless[:_MAX_NAMELESS]:
        manifest = context.registry.manifest(subject.reference, entry.digest)
        if manifest.is_index:
            entries += manifest.entries
        elif config := configs.of(context.registry, subject.reference, manifest):
            entries.append(entry._replace(platform=config.platform))
    return manifests.for_platform(index._replace(entries=tuple(entries)), platform)


def _same_content(subject: Subject, config: ImageConfig, context: Context) -> bool:
    """Whether all that an image consists of is the same, where the engine's index is no longer there to be compared."""
    image = subject.image
    if image.id_is_config or image.manifest_digest:
        return False
    try:
        context.registry.manifest(subject.reference, image.id)
    except NotFound:
        details = context.details(image)
        ours = (details.layers, details.created, details.settings)
        return bool(details.layers) and ours == (config.layers, config.created, config.settings)
    return False


def _config(subject: Subject, manifest: Manifest, context: Context) -> ImageConfig | None:
    """Return what the published image says of itself; it is not needed to tell that it is another one."""
    try:
        return configs.of(context.registry, subject.reference, manifest)
    except Inconclusive:
        return None
