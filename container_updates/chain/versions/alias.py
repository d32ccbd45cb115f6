"""What a moving tag really is: the version that `latest` or `1.27` stood for when what runs was published."""

import re
from collections.abc import Iterable
from dataclasses import replace
from heapq import nlargest

from container_updates.chain import Context
from container_updates.chain.source import labels
from container_updates.chain.versions import tag_version
from container_updates.chain.versions.tag_version import Version
from container_updates.errors import Inconclusive
from container_updates.model import Subject
from container_updates.registry import tags

_PLAIN = re.compile(r"v?[0-9]+(?:\.[0-9]+)+")
_MOST_ASKED = 3
"""Tags whose digest is looked at, the newest first: what runs is most often one of them."""


def by_label(subject: Subject) -> str | None:
    """Return what the running image says; None where it says nothing that its tag does not."""
    label = labels.claimed(subject.image.labels, labels.VERSION)
    return label if label != subject.reference.tag else None


def within(subject: Subject, listed: Iterable[str], context: Context) -> str | None:
    """Return the tag of the same image that is more exact than the running `1.27`: `1.27.3`."""
    running = tag_version.read(subject.reference.tag or "")
    if running is None:
        return None
    before, count, dated, suffix = running.shape
    longer = (tag_version.read(tag) for parts, tag in tag_version.led_by(running, listed) if parts == running.parts)
    exact = [
        one
        for one in longer
        if one and len(one.parts) > count and one.shape == (before, len(one.parts), dated, suffix) and one.is_release
    ]
    return _same_image(exact, subject, context) if running.is_release else None


def latest(subject: Subject, context: Context) -> str | None:
    """Return the newest version that is the same image as the running `latest`; None where none is, or nobody tells."""
    if subject.reference.tag != "latest":
        return None
    try:
        listed = tags.of(context.registry, subject.reference).tags
    except Inconclusive:
        return None
    return _same_image(filter(None, map(tag_version.read, filter(_PLAIN.fullmatch, listed))), subject, context)


def _same_image(versions: Iterable[Version], subject: Subject, context: Context) -> str | None:
    for version in nlargest(_MOST_ASKED, versions, key=_order):
        try:
            published = context.registry.published(replace(subject.reference, tag=version.tag))
        except Inconclusive:
            continue
        if published.digest in subject.image.digests:
            return version.tag
    return None


def _order(version: Version) -> tuple[object, ...]:
    return version.order
