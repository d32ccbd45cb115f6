"""Now and the deadline; nothing else reads the time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """Handed in wherever time matters, so that any case can be replayed."""

    wall: Callable[[], float] = time.time
    """Seconds since the epoch; may jump."""
    steady: Callable[[], float] = time.monotonic
    """Seconds that never go back, for durations."""
    pause: Callable[[float], None] = time.sleep
    """Lets so many seconds pass."""

    def now(self) -> datetime:
        """The wall clock's time, in UTC."""
        return datetime.fromtimestamp(self.wall(), UTC)


class Deadline:
    """A point on the steady clock by which everything has to be said."""

    def __init__(self, seconds: float, clock: Clock, within: "Deadline | None" = None) -> None:
        self._clock = clock
        self._end = clock.steady() + seconds
        self._within = within

    def within(self, seconds: float) -> "Deadline":
        """Return a deadline for a part of the work: that many seconds from now, and never later than this one."""
        return Deadline(seconds, self._clock, self)

    def remaining(self) -> float:
        """Seconds left, never negative."""
        left = max(0.0, self._end - self._clock.steady())
        return left if self._within is None else min(left, self._within.remaining())

    def passed(self) -> bool:
        """Whether the time is up."""
        return self.remaining() <= 0.0

    def expire(self) -> None:
        """Let the time be up now (a signal asked for it)."""
        self._end = self._clock.steady()


FIRST_IMAGE = datetime(2013, 3, 1, tzinfo=UTC)
"""Docker's first release: a date before it is one that reproducible builds make up (1970, 1980, year 1)."""


def engine_date(seconds: int | None) -> datetime | None:
    """Return the moment that an engine's creation time tells, seconds since the epoch; None for what cannot be one."""
    try:
        moment = datetime.fromtimestamp(seconds or 0, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment >= FIRST_IMAGE else None


def rfc3339(moment: datetime) -> str:
    """`2026-11-23T20:15:00Z` (RFC 3339, whole seconds, UTC)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(text: str) -> float:
    """Return the seconds that an age stands for: `90`, `90s`, `1.5h`, `14d`, `2w`; raises ValueError."""
    return float(text[:-1]) * _UNITS[text[-1]] if text[-1:] in _UNITS else float(text)


def age(seconds: float) -> str:
    """Return whole days, hours, minutes or seconds, the largest that is not zero: `12d`, `3h`, `5m`, `40s`."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(0, int(seconds))}s"
