"""What a moving tag really is: the version that `latest`, `stable` or `1.27` stood for when what runs was published."""

import re
from collections.abc import Iterable
from dataclasses import replace
from heapq import nlargest

from container_updates.chain import Context
from container_updates.chain.source import labels, local_base
from container_updates.chain.versions import inherited, newer, tag_version
from container_updates.chain.versions.tag_version import Version
from container_updates.errors import Inconclusive, Unresolvable
from container_updates.model import Subject
from container_updates.reference import is_tag
from container_updates.registry import tags
from container_updates.registry.tags import TagList

_IMAGE_LABELS = "Config/Labels/"
_MOST_ASKED = 3
"""Tags whose digest is looked at, the newest first: what runs is most often one of them."""
_WORDS = re.compile(r"[A-Za-z]+(?:[-_.][A-Za-z]+)*")
_MOVING = frozenset({"latest", "stable", "lts", "current", "mainline", "release"})
"""Words that stand for a version; what is left of the tag is the variant: `alpine` of `stable-alpine`."""
_BEFORE = re.compile(r"(?i)(?:version-?|release[-.]?|v)?")
_DAY = re.compile(r"-#-#(?:[Tt]#-#-#[Zz])?")
"""What follows the year of `2024-05-01` and of MinIO's `RELEASE.2024-05-01T01-11-10Z`."""
_REBUILD = re.compile(r"-(?:ls|r|b|build)?#$")


def by_path(subject: Subject) -> str | None:
    """Return the tag that really runs, where a label of the container says which of its image's labels has it.

    The path leads through an image inspect as Drydock and What's up Docker write it, `Config/Labels/NAME`; raises
    `Unresolvable` for any other path and where the image has no such label.
    """
    label, path = subject.wished("dd.inspect.tag.path", "wud.inspect.tag.path")
    if path is None:
        return None
    name = path.strip().removeprefix(_IMAGE_LABELS)
    if name == path.strip():
        raise Unresolvable(f"label {label} is not {_IMAGE_LABELS}NAME, which is all that is heeded")
    tag = subject.image.labels.get(name, "")
    if not is_tag(tag):
        raise Unresolvable(f"label {label} leads to no tag: its image has no label {name} with one")
    return tag


def version_of(subject: Subject, listed: TagList | None, context: Context) -> str | None:
    """Return the exact tag or version of what runs, None where its own tag says as much, or nobody tells.

    `listed`: the repository's tags, where they are known already; else they are asked for.
    """
    tag = subject.reference.tag or ""
    running = tag_version.read(tag)
    if running is None and not _WORDS.fullmatch(tag):
        return None
    try:
        names = (listed or tags.of(context.registry, subject.reference)).tags
    except Inconclusive:
        return None
    told = inherited.own_version(subject.image.labels, subject.reference)
    if told and _is_more(told, running, names) and not _is_of_base(told, subject, context):
        return told
    if running is not None:
        return _same_image(nlargest(_MOST_ASKED, _longer(running, names), key=_order), subject, context)
    found = _of_variant(tag, names)
    dated = [one for one in found if one.shape[2]]
    others = [one for one in found if not one.shape[2]]
    newest = [one for kind in (others, dated) for one in nlargest(_MOST_ASKED, kind, key=_order)]
    return _same_image(newest, subject, context)


def _is_of_base(told: str, subject: Subject, context: Context) -> bool:
    """Whether an image of the same engine, upon whose layers this one lies, claims the same version."""
    bases = local_base.within_engine(subject, context)
    return any(labels.claimed(base.labels, labels.VERSION) == told for base in bases)


def _is_more(told: str, running: Version | None, names: Iterable[str]) -> bool:
    """Whether a label says more than the tag: beside `latest` it has to name a tag that is there."""
    if running is None:
        return not {told, f"v{told}", told.removeprefix("v")}.isdisjoint(names)
    version = tag_version.read(told)
    return version is not None and len(version.parts) > len(running.parts)


def _longer(running: Version, names: Iterable[str]) -> Iterable[Version]:
    """Yield the more exact tags of a `1.27`: 1.27.3, and with the same words behind it."""
    if not running.is_release or running.shape[2]:
        return
    yield from (one for one in newer.more_exact(running, names) if one.is_release)


def _of_variant(tag: str, names: Iterable[str]) -> list[Version]:
    """Return the versions of the variant that a tag without numbers names: of `alpine` those that end in it."""
    words = [word for word in tag.lower().split("-") if word not in _MOVING]
    suffix = "".join(f"-{word}" for word in words)
    found = []
    for name in names:
        if not name.lower().endswith(suffix) and suffix:
            continue
        version = tag_version.read(name)
        if version is None or not version.is_release or not _BEFORE.fullmatch(version.shape[0]):
            continue
        if len(version.parts) == 1 and not version.is_day:
            continue
        behind = version.shape[3].rstrip("\n").lower()
        behind = _DAY.sub("", behind, count=1) if version.is_day else behind
        if behind == suffix or _REBUILD.sub("", behind) == suffix:
            found.append(version)
    return found


def _same_image(versions: Iterable[Version], subject: Subject, context: Context) -> str | None:
    for version in versions:
        try:
            published = context.registry.published(replace(subject.reference, tag=version.tag))
        except Inconclusive:
            continue
        if published.digest in subject.image.digests:
            return version.tag
    return None


def _order(version: Version) -> tuple[object, ...]:
    return version.order
