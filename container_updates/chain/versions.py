"""Is there a newer version: the newest tag of the same shape in the repository, for this container's platform."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from container_updates.chain import Context, patterns, shapes
from container_updates.chain.shapes import Version
from container_updates.errors import NotFound
from container_updates.model import Finding, Subject, Verdict
from container_updates.registry import manifests, tags

_MAX_CONFIG = 1024 * 1024
_MOST_ASKED = 3
"""Tags that are looked at for the platform before it is given up."""
_MOST_NAMED = 10
_LEVELS = {"major": 0, "minor": 1, "patch": 2}
_VERSION_LABEL = "org.opencontainers.image.version"


def examine(subject: Subject, context: Context) -> Iterator[Finding]:
    """Yield the one finding about a subject; raises `Inconclusive` where the tags cannot be listed or filtered."""
    reference = subject.reference
    if reference.tag is None or reference.digest is not None:
        yield _finding("pinned", Verdict.SKIPPED, f"{reference} pinned to a digest", subject)
        return
    if context.pulled(subject.image) is False:
        yield _finding("not-a-version", Verdict.SKIPPED, f"{reference} built here", subject)
        return
    chosen = patterns.of(subject, context.settings)
    running = shapes.read(chosen.transformed(reference.tag))
    if running is None:
        yield _finding("not-a-version", Verdict.SKIPPED, f"{reference} names no version", subject)
        return
    listed = tags.of(context.registry, reference)
    names = {chosen.transformed(tag): tag for tag in listed.tags if tag != reference.tag and chosen.wanted(tag)}
    newer = newest_first(running, names, context.settings.level)
    named = _for_platform(subject, [names[version.tag] for version in newer], context)
    words = "" if listed.whole else ", of more tags than are looked at"
    if named is None:
        yield _finding("newest", Verdict.PASS, f"{reference} newest of its kind{words}", subject)
        return
    version = next(version for version in newer if names[version.tag] == named)
    how_far = shapes.step(running, version)
    candidates = [names[one.tag] for one in newer[newer.index(version) :][:_MOST_NAMED]]
    message = f"{reference} newer version {named} ({how_far}){words}"
    details = {"newest": named, "step": how_far, "candidates": candidates}
    yield _finding("newer-version", Verdict.FAIL, message, subject, details)


def newest_first(running: Version, tags: Iterable[str], level: str) -> list[Version]:
    """Return the tags that are newer than the running one, of its shape, and within the level; the newest first.

    Pre-releases count only for a container that runs one.
    """
    same = _LEVELS[level]
    found = []
    for tag in tags:
        version = shapes.read(tag)
        if version is None or not running.comparable(version) or version.parts[:same] != running.parts[:same]:
            continue
        if (version.is_release or not running.is_release) and version.order[:3] > running.order[:3]:
            found.append(version)
    return sorted(found, key=lambda version: version.order, reverse=True)


def _for_platform(subject: Subject, tags: list[str], context: Context) -> str | None:
    """Return the first tag that has an image for the running one's platform."""
    platform = subject.image.platform or (context.details(subject.image).platform if tags else None)
    for tag in tags[:_MOST_ASKED]:
        wanted = replace(subject.reference, tag=tag)
        try:
            published = context.registry.published(wanted)
            manifest = context.registry.manifest(wanted, published.digest)
            if manifest.is_index:
                fits = platform is None or manifests.for_platform(manifest, platform) is not None
            elif manifest.config is None or manifest.config.size > _MAX_CONFIG:
                fits = False
            else:
                body = context.registry.blob(wanted, manifest.config.digest, _MAX_CONFIG)
                theirs = manifests.parse_config(body).platform
                fits = platform is None or (theirs.os, theirs.architecture) == (platform.os, platform.architecture)
        except NotFound:
            continue  # listed, and gone by now
        if fits:
            return tag
    return None


def _finding(
    code: str, verdict: Verdict, message: str, subject: Subject, details: dict[str, Any] | None = None
) -> Finding:
    """What a moving tag really is stands in the details, where the image says it."""
    label = subject.image.labels.get(_VERSION_LABEL, "")[:100]
    known = {"version": label} if label and label != subject.reference.tag else {}
    return Finding("versions", code, verdict, message, {**(details or {}), **known})
