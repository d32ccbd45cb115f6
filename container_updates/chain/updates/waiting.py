"""Since when something has been waiting: the best of what registry, image and memory know."""

import json
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from container_updates.chain import Context
from container_updates.clock import FIRST_IMAGE, age, rfc3339
from container_updates.model import Subject
from container_updates.registry import Published

_KIND = "since"
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)")


class Since(NamedTuple):
    """A moment that is not after now, and who says so."""

    moment: datetime
    source: str
    """registry (its Last-Modified), created (the new image says so), engine, or first-seen (by this plugin)."""
    now: datetime

    @property
    def seconds(self) -> int:
        """How long ago."""
        return int((self.now - self.moment).total_seconds())

    @property
    def age(self) -> str:
        """The same for a person: `12d`."""
        return age(self.seconds)

    @property
    def words(self) -> str:
        """The same, with what it is worth: `since 12d`, `since 9d (first seen)`."""
        return f"since {self.age}{' (first seen)' * (self.source == 'first-seen')}"

    @property
    def ago(self) -> str:
        """The same as a point in time: `12d ago`."""
        return f"{self.age} ago" if self.seconds else "just now"

    def plain(self) -> dict[str, Any]:
        """As details of a finding."""
        return {"since": rfc3339(self.moment), "since_from": self.source, "age": self.seconds}


def published_since(
    subject: Subject, published: Published, created: datetime | None, context: Context
) -> tuple[datetime, str] | None:
    """Return from when on the published image could have been run and who says so; None where only we can know.

    What the new image says of itself (`created`) is not believed where that is before the running one was built, as
    with a tag moved back.
    """
    now = context.clock.now()
    if published.last_modified and FIRST_IMAGE <= published.last_modified <= now:
        return published.last_modified, "registry"
    if created and created <= now and created.timestamp() >= (subject.image.created or 0):
        return created, "created"
    return None


def waiting(
    what: str,
    subject: Subject,
    told: tuple[datetime, str] | None,
    context: Context,
    *,
    after: str = "",
) -> Since:
    """Return since when `what` is true of a running image: what is told now, or was at an earlier run.

    A tag that is pushed again and again waits since the first of the newer images: each of them was one to take.
    Each `what` is remembered by itself, so that a sibling of which another is true changes nothing; `after` begins it
    anew: which update the admin did not want, or of which base it is true.
    """
    now = context.clock.now()
    found = told or (now, "first-seen")
    key = _key(subject, what, after)
    kept = _kept(context.store.recall(_KIND, key))
    if found[0] < FIRST_IMAGE:
        found = kept or found  # a clock that has not been set yet is nothing to be remembered
    elif kept is None or found[0] < kept[0]:
        value = json.dumps([found[0].timestamp(), found[1]]).encode()
        context.store.remember(_KIND, key, value)
    else:
        found = kept
    return Since(min(now, found[0]), found[1], now)


def no_longer_waiting(subject: Subject, context: Context, *whats: str) -> None:
    """Forget since when that is true: what comes next begins anew."""
    for what in whats:
        key = _key(subject, what, "")
        if context.store.recall(_KIND, key) is not None:
            context.store.remember(_KIND, key, None)


def _key(subject: Subject, what: str, after: str) -> str:
    """The platform's own manifest belongs to it: in a containerd store an image's id is of all its platforms."""
    image = subject.image
    return "\n".join((what, str(subject.reference), image.id, image.manifest_digest or "", after))


def _kept(value: bytes | None) -> tuple[datetime, str] | None:
    try:
        moment, source = json.loads(value or b"")
        return datetime.fromtimestamp(moment, UTC), str(source)
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def real_date(text: str | None) -> datetime | None:
    """Return the moment that an image config's `created` tells (RFC 3339); None where it cannot be a real one."""
    match = _RFC3339.fullmatch(text or "")
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{match[1].upper().replace(' ', 'T')}{match[3].upper()}")
        return moment.astimezone(UTC) if moment >= FIRST_IMAGE else None
    except (ValueError, OverflowError):
        return None
