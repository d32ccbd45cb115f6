"""Is what runs still what its tag names in the registry? The platform decides, not the index."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from container_updates.chain import Context
from container_updates.chain.since import real_date, since
from container_updates.clock import age, rfc3339
from container_updates.errors import Inconclusive, InventoryError, NotFound, Unauthorized, Unresolvable
from container_updates.model import Finding, ImageDetails, Subject, Verdict
from container_updates.reference import DOCKER_HUB
from container_updates.registry import Published, manifests
from container_updates.registry.manifests import ImageConfig, Manifest

_MAX_CONFIG = 1024 * 1024


def asks(subject: Subject, context: Context) -> bool:
    """Whether the registry is asked about this subject at all."""
    return subject.reference.tag is not None and context.pulled(subject.image) is not False


def examine(subject: Subject, context: Context) -> Iterator[Finding]:
    """Yield the one finding about a subject; raises `Inconclusive` where there is no answer to believe."""
    reference = subject.reference
    if reference.tag is None:
        yield _finding("pinned", Verdict.PASS, f"{reference} pinned")
    elif not asks(subject, context):
        yield _local_build(subject)
    elif reference.digest is not None:
        yield _pinned(subject, context)
    else:
        yield _tagged(subject, context)


def _tagged(subject: Subject, context: Context) -> Finding:
    reference = subject.reference
    try:
        published = context.registry.published(reference)
    except NotFound as error:
        if error.repository_answers:
            return _tag_gone(subject, context)
        if _unknown_to_docker_hub(subject):
            return _local_build(subject)
        raise Unresolvable(error.reason, status=error.status) from None
    except Unauthorized:
        # Docker Hub's answer for a repository that does not exist.
        if _unknown_to_docker_hub(subject):
            return _local_build(subject)
        raise
    difference = _difference(subject, published, context)
    if difference is None:
        return _finding("up-to-date", Verdict.PASS, f"{reference} up to date", _mirror(published))
    return _outdated(subject, published, difference, context)


def _pinned(subject: Subject, context: Context) -> Finding:
    """Judge `name:tag@digest`: what runs cannot change, but the admin may want to know where the tag is now."""
    reference = subject.reference
    try:
        published = context.registry.published(reference)
        difference = None
        if published.digest != reference.digest:
            difference = _difference(subject, published, context)
    except NotFound as error:
        gone = "its tag is gone" if error.repository_answers else f"where its tag is now is not known: {error.reason}"
        return _finding("pinned", Verdict.PASS, f"{reference} pinned, {gone}")
    except Inconclusive as error:
        words = f"{reference} pinned, where its tag is now is not known: {error.reason}"
        return _finding("pinned", Verdict.PASS, words)
    if difference is None:
        return _finding("pinned", Verdict.PASS, f"{reference} pinned", _mirror(published))
    moment, _ = since(subject, published, difference.created, context)
    return _finding(
        "held",
        Verdict.PASS,
        f"{reference} held, its tag names {_short(published.digest)} since {_waited(moment, context)}",
        {"tag_digest": published.digest, "tag_moved": rfc3339(moment), **_mirror(published)},
    )


def _outdated(subject: Subject, published: Published, difference: "_Difference", context: Context) -> Finding:
    moment, source = since(subject, published, difference.created, context)
    running = _running_digest(subject)
    runs = f", runs {_short(running)}" if running else ""
    words = f"{subject.reference} outdated since {_waited(moment, context)}{runs}, published {_short(published.digest)}"
    details: dict[str, Any] = {
        "published_digest": published.digest,
        "since": rfc3339(moment),
        "since_from": source,
        "age": _seconds(moment, context),
        **_mirror(published),
    }
    if running:
        details["running_digest"] = running
    if difference.created:
        details["created"] = rfc3339(difference.created)
    return _finding("outdated", Verdict.FAIL, words + difference.words, details)


def _tag_gone(subject: Subject, context: Context) -> Finding:
    name = f"{subject.reference.name}:{subject.reference.tag}"
    first = min(context.clock.now(), context.store.first_seen("tag-gone", name))
    return _finding(
        "tag-gone",
        Verdict.FAIL,
        f"{subject.reference} tag is gone from the registry, noticed {_waited(first, context)} ago",
        {"since": rfc3339(first)},
    )


def _local_build(subject: Subject) -> Finding:
    return _finding("local-build", Verdict.SKIPPED, f"{subject.reference} built here, never pulled or pushed")


def _unknown_to_docker_hub(subject: Subject) -> bool:
    """Whether a name without a registry may be a local build's: nobody but Docker publishes under `library/`."""
    reference = subject.reference
    return (
        subject.image.pulled is None
        and reference.registry == DOCKER_HUB
        and reference.repository.startswith("library/")
    )


@dataclass(frozen=True, slots=True)
class _Difference:
    """What is published and does not run."""

    config: ImageConfig | None
    """Of the published image for the running one's platform."""
    words: str = ""

    @property
    def created(self) -> datetime | None:
        """When it says it was built."""
        return real_date(self.config.created) if self.config else None


def _difference(subject: Subject, published: Published, context: Context) -> _Difference | None:
    """Return how the published image differs from the running one, None if for its platform it is the same."""
    image, reference = subject.image, subject.reference
    if published.digest in image.digests:
        return None
    manifest = context.registry.manifest(reference, published.digest)
    if manifest.is_index:
        platform = image.platform or _details(subject, context).platform
        if platform is None:
            raise Unresolvable("the engine does not say for which platform the image is")
        entry = manifests.for_platform(manifest, platform)
        if entry is None:
            return _Difference(None, f", and no longer for {platform}")
        if entry.digest in image.digests or entry.digest == _manifest_of_index(subject, context):
            return None
        manifest = context.registry.manifest(reference, entry.digest)
    elif manifest.digest == _manifest_of_index(subject, context):
        return None
    if image.id_is_config and manifest.config and manifest.config.digest == image.id:
        return None
    config = _config(subject, manifest, context)
    if config and _same_content(subject, config, context):
        return None
    return _Difference(config)


def _manifest_of_index(subject: Subject, context: Context) -> str | None:
    """Return the running platform manifest's digest, where the engine knows only the index it pulled."""
    image = subject.image
    if image.id_is_config or image.manifest_digest:
        return image.manifest_digest
    try:
        index = context.registry.manifest(subject.reference, image.id)
    except NotFound:
        return None
    platform = image.platform or _details(subject, context).platform
    entry = manifests.for_platform(index, platform) if platform else None
    return entry.digest if entry else index.digest


def _same_content(subject: Subject, config: ImageConfig, context: Context) -> bool:
    """Whether layers and creation time are the same, where the engine's index is no longer there to be compared."""
    image = subject.image
    if image.id_is_config or image.manifest_digest:
        return False
    try:
        context.registry.manifest(subject.reference, image.id)
    except NotFound:
        details = _details(subject, context)
        return bool(details.layers) and (details.layers, details.created) == (config.layers, config.created)
    return False


def _config(subject: Subject, manifest: Manifest, context: Context) -> ImageConfig | None:
    """Return what the published image says of itself; it is not needed to tell that it is another one."""
    if manifest.config is None or manifest.config.size > _MAX_CONFIG:
        return None
    try:
        return manifests.parse_config(context.registry.blob(subject.reference, manifest.config.digest, _MAX_CONFIG))
    except Inconclusive:
        return None


def _details(subject: Subject, context: Context) -> ImageDetails:
    try:
        return context.inventories[subject.image.engine].details(subject.image)
    except InventoryError as error:
        raise Unresolvable(f"the engine does not tell about its image: {error}") from None


def _running_digest(subject: Subject) -> str | None:
    """Return the digest a person would pull it by."""
    image = subject.image
    return image.id if image.id in image.digests else min(image.digests, default=None)


def _finding(code: str, verdict: Verdict, message: str, details: dict[str, Any] | None = None) -> Finding:
    return Finding("updates", code, verdict, message, details or {})


def _mirror(published: Published) -> dict[str, Any]:
    return {"mirror": published.mirror} if published.mirror else {}


def _seconds(moment: datetime, context: Context) -> int:
    return int((context.clock.now() - moment).total_seconds())


def _waited(moment: datetime, context: Context) -> str:
    return age(_seconds(moment, context))


def _short(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:12]}"
