"""Is there a newer version: the newest tag of the same shape in the repository, for this container's platform."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from container_updates.chain import Context
from container_updates.chain.updates import change
from container_updates.chain.versions import alias, tag_filter, tag_version
from container_updates.chain.versions.tag_version import Version
from container_updates.errors import BadAnswer, NotFound
from container_updates.model import Finding, Platform, Subject, Verdict
from container_updates.reference import Reference
from container_updates.registry import configs, manifests, tags

_MOST_ASKED = 3
"""Tags that are looked at for the platform before it is given up."""
_MOST_NAMED = 10
_NO_MAJOR = 1000
"""From here on a first part that nothing leads up to is a date or the number of a build."""
_LEVELS = {"major": 0, "minor": 1, "patch": 2}


def examine(subject: Subject, context: Context) -> Iterator[Finding]:
    """Yield the one finding about a subject; raises `Inconclusive` where the tags cannot be listed or filtered."""
    reference = subject.reference
    if reference.tag is None or reference.digest is not None:
        yield Finding("versions", "pinned", Verdict.SKIPPED, f"{reference} pinned to a digest")
        return
    if context.pulled(subject.image) is False:
        yield Finding("versions", "not-a-version", Verdict.SKIPPED, f"{reference} built here")
        return
    chosen = tag_filter.of(subject, context.settings)
    running = tag_version.read(chosen.transformed(reference.tag))
    if running is None:
        known, name = _really(alias.by_label(subject) or alias.latest(subject, context), subject)
        yield Finding("versions", "not-a-version", Verdict.SKIPPED, f"{name} names no version", known)
        return
    listed = tags.of(context.registry, reference)
    names = {chosen.transformed(tag): tag for tag in listed.tags if tag != reference.tag and chosen.wanted(tag)}
    newer = newest_first(running, names, context.settings.level)
    named = _for_platform(subject, [names[version.tag] for version in newer], context)
    known, name = _really(alias.by_label(subject) or alias.within(subject, listed.tags, context), subject)
    words = "" if listed.whole else f", looking at the first {len(listed.tags)} tags only"
    if named is None:
        none = f", none of the {min(len(newer), _MOST_ASKED)} newest tags is for its platform" if newer else ""
        yield Finding("versions", "newest", Verdict.PASS, f"{name} newest of its kind{none}{words}", known)
        return
    version = next(version for version in newer if names[version.tag] == named)
    how_far = tag_version.step(running, version)
    candidates = [names[one.tag] for one in newer[newer.index(version) :][:_MOST_NAMED]]
    details: dict[str, Any] = {"newest": named, "step": how_far, "candidates": candidates, **known}
    link = change.to_version(subject, named)
    if link:
        details["change"] = {"link": link}
    message = f"{name} newer version {named} ({how_far}){words}"
    yield Finding("versions", "newer-version", Verdict.FAIL, message, details)


def _really(version: str | None, subject: Subject) -> tuple[dict[str, str], str]:
    """Return what a moving tag really is as a detail, and the reference with it for a person."""
    if version is None:
        return {}, str(subject.reference)
    return {"version": version}, f"{subject.reference} ({version})"


def newest_first(running: Version, tags: Iterable[str], level: str) -> list[Version]:
    """Return tags that are newer than the running one, of its shape, and within the level; the newest first.

    Pre-releases count only for a container that runs one. At least as many as are asked for or named, where there are.
    """
    same = _LEVELS[level]
    by_parts: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for parts, tag in tag_version.led_by(running, tags):
        by_parts[parts].append(tag)
    last = _last_of_series(running, {parts[0] for parts in by_parts})
    newest: list[Version] = []
    for parts in sorted(by_parts, reverse=True):
        if parts < running.parts or len(newest) >= _MOST_ASKED + _MOST_NAMED:
            break
        if parts[0] <= last and parts[:same] == running.parts[:same]:
            read = filter(None, map(tag_version.read, by_parts[parts]))
            newer = sorted((one for one in read if _is_newer(one, running)), key=_order, reverse=True)
            # Who runs the build of the day takes the next one rather than the release beside it.
            newest += sorted(newer, key=lambda one: not (running.is_moving and one.is_moving))
    return newest


def _is_newer(version: Version, running: Version) -> bool:
    return (
        running.comparable(version)
        and (version.is_release or not running.is_release)
        and version.order[:3] > running.order[:3]
    )


def _order(version: Version) -> tuple[object, ...]:
    return version.order


def _last_of_series(running: Version, firsts: Iterable[int]) -> int:
    """Return up to where first parts lead on from the running one's: not to a `231128` or `4512` beside 16 to 18."""
    last = running.parts[0]
    for first in sorted(first for first in firsts if first > last):
        if not running.shape[0] and first >= _NO_MAJOR and len(str(first)) > len(str(last)) + 1:
            break
        last = first
    return last


def _for_platform(subject: Subject, tags: list[str], context: Context) -> str | None:
    """Return the first tag that has an image for the running one's platform."""
    platform = subject.image.platform or (context.details(subject.image).platform if tags else None)
    odd: BadAnswer | None = None
    for tag in tags[:_MOST_ASKED]:
        try:
            if _fits(replace(subject.reference, tag=tag), platform, context):
                return tag
        except NotFound:
            continue  # listed, and gone by now
        except BadAnswer as error:
            odd = error  # one that is no image must not hide the others
    if odd:
        raise odd
    return None


def _fits(wanted: Reference, platform: Platform | None, context: Context) -> bool:
    published = context.registry.published(wanted)
    if platform is None:
        return True
    manifest = context.registry.manifest(wanted, published.digest)
    if manifest.is_index:
        return manifests.for_platform(manifest, platform) is not None
    config = configs.of(context.registry, wanted, manifest)
    if config is None:
        return False
    theirs = config.platform
    return (theirs.os, theirs.architecture) == (platform.os, platform.architecture)
