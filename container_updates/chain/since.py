"""Since when something has been waiting: the best of what registry, image and memory know."""

import re
from datetime import UTC, datetime

from container_updates.chain import Context
from container_updates.model import Subject
from container_updates.registry import Published

_FIRST_IMAGE = datetime(2013, 3, 1, tzinfo=UTC)
"""Docker's first release: a date before it is one that reproducible builds make up (1970, 1980, year 1)."""
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)")


def since(subject: Subject, published: Published, created: datetime | None, context: Context) -> tuple[datetime, str]:
    """Return from when on the published image could have been run, and who says so.

    That is `registry` (its Last-Modified), `created` (what the new image says of itself, unless that is before the
    running one was built, as with a tag moved back) or `first-seen` (by this plugin); never later than now.
    """
    now = context.clock.now()
    if published.last_modified and _FIRST_IMAGE <= published.last_modified <= now:
        return published.last_modified, "registry"
    if created and created <= now and created.timestamp() >= (subject.image.created or 0):
        return created, "created"
    key = f"{subject.reference.name}:{subject.reference.tag}\n{published.digest}"
    return min(now, context.store.first_seen("outdated", key)), "first-seen"


def real_date(text: str | None) -> datetime | None:
    """Return the moment that an image config's `created` tells (RFC 3339); None where it cannot be a real one."""
    match = _RFC3339.fullmatch(text or "")
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{match[1].upper().replace(' ', 'T')}{match[3].upper()}")
        return moment.astimezone(UTC) if moment >= _FIRST_IMAGE else None
    except (ValueError, OverflowError):
        return None


def was_built(seconds: int) -> bool:
    """Whether an engine's creation time, seconds since the epoch, can be a real one."""
    return seconds >= _FIRST_IMAGE.timestamp()
