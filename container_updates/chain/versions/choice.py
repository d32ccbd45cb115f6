"""Which of the newer tags to tell: the newest image for here that is no older content, of all and of the own line."""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from container_updates.chain.versions.look import Look
from container_updates.chain.versions.newer import Newer, parts_kept, stands_for_line
from container_updates.chain.versions.tag_version import Version
from container_updates.errors import BadAnswer, Inconclusive, NotFound

MOST_ASKED = 10
"""Tags that are looked at before it is given up."""
_MOST_NAMED = 10
_MOST_IN_LINE = 3
_OLDER = timedelta(days=183)
"""So much before the running image's content, a higher number is no newer version."""
_STALE = timedelta(days=365)
_LINE_PARTS = 2
"""Parts at most of a tag that stands on a version line, as `9.4`, `15-alpine`, `3.18`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is newer."""

    newest: Version | None = None
    candidates: tuple[Version, ...] = ()
    """The newest one and those behind it, ten at most."""
    in_line: Version | None = None
    """The newest of the running version's own line."""
    line: str = ""
    """The name of a line that has no build any more while others go on: `9.4`."""
    line_since: datetime | None = None
    """When the last build of that line was made."""
    unfit: int = 0
    """Tags that were looked at and have no image for the running one's platform, where there is no newest."""
    all_seen: bool = True
    """False where more tags than were looked at might be newer."""


def choose(
    running: Version,
    tags: Collection[str],
    level: str,
    created: datetime | None,
    look: Callable[[str], Look],
    now: datetime,
) -> Choice:
    """Return what is newer than the running version among `tags`.

    `created`: when the running image says it was built; `look` tells what a tag names, and may raise `Inconclusive`.
    """
    return _Choosing(running, tags, level, created, look, now).choose()


@dataclass(frozen=True, slots=True)
class _Found:
    version: Version | None = None
    created: datetime | None = None
    rest: tuple[Version, ...] = ()
    unfit: int = 0
    all_seen: bool = True


class _Choosing:
    def __init__(
        self,
        running: Version,
        tags: Collection[str],
        level: str,
        created: datetime | None,
        look: Callable[[str], Look],
        now: datetime,
    ) -> None:
        self._running, self._created, self._look, self._now = running, created, look, now
        self._newer = Newer(running, tags, created)
        self._same = parts_kept(running, level)
        self._floating = stands_for_line(running, tags)
        # A date belongs to no line, and of a single number nobody knows.
        self._line = running.parts if self._floating else () if running.shape[2] else running.parts[:-1]

    def choose(self) -> Choice:
        floor = self._created - _OLDER if self._created else None
        newest = self._first(self._newer.newest_first(self._same), floor, MOST_ASKED)
        in_line = _Found()
        if self._line and not self._floating and len(self._line) >= self._same:
            if newest.version is None or self._is_in_line(newest.version):
                in_line = newest
            else:
                in_line = self._newest_in_line(floor)
                if in_line.created and newest.created and newest.created < in_line.created - _STALE:
                    # What is a year older than the newest of the own line is of a line that has ended.
                    floor = in_line.created - _STALE
                    newest = self._first(self._newer.newest_first(self._same), floor, MOST_ASKED)
        told = len(self._running.parts) <= _LINE_PARTS and bool(self._line)
        since = None
        if told:
            with suppress(Inconclusive):
                since = self._ended(in_line, floor)
        return Choice(
            newest=newest.version,
            candidates=newest.rest,
            in_line=in_line.version if told else None,
            line=self._line_name() if since else "",
            line_since=since,
            unfit=newest.unfit,
            all_seen=newest.all_seen,
        )

    def _newest_in_line(self, floor: datetime | None) -> _Found:
        """Return the newest of the own line; nothing where nobody tells, which does not hide the newest of all."""
        try:
            return self._first(self._newer.newest_first(len(self._line)), floor, _MOST_IN_LINE)
        except Inconclusive:
            return _Found()

    def _first(self, versions: Iterator[Version], floor: datetime | None, most: int) -> _Found:
        """Return the first version that is an image for here, built after `floor`; at most `most` are looked at.

        The older tags of a line whose newest is too old are not looked at. Raises `BadAnswer` where one was no image,
        and none is right.
        """
        odd: BadAnswer | None = None
        passed: set[tuple[int, ...]] = set()
        asked = unfit = 0
        for version in versions:
            if _line_of(version) in passed:
                continue
            if asked == most:
                if odd:
                    raise odd
                return _Found(unfit=unfit, all_seen=False)
            asked += 1
            try:
                seen = self._look(version.tag)
            except NotFound:
                continue  # listed, and gone by now
            except BadAnswer as error:
                odd = error  # one that is no image must not hide the others
                continue
            if seen.runs:
                return _Found()
            if not seen.fits:
                unfit += 1
            elif floor and self._is_older(version, seen.created, floor, after_older=bool(passed)):
                passed.add(_line_of(version))
            else:
                rest = (one for one in versions if _line_of(one) not in passed)
                return _Found(version, seen.created, (version, *islice(rest, _MOST_NAMED - 1)))
        if odd:
            raise odd
        return _Found(unfit=unfit)

    def _is_older(self, version: Version, created: datetime | None, floor: datetime, *, after_older: bool) -> bool:
        """Whether a version's content is too old; of another line, behind older ones, one without a date is, too."""
        if created is None:
            return after_older and _line_of(version) != _line_of(self._running)
        return created < floor

    def _ended(self, in_line: _Found, floor: datetime | None) -> datetime | None:
        """Return when the line had its last build, where that was more than a year ago and others go on."""
        last = in_line.created
        if in_line.version is None:
            if self._created is None or self._created > self._now - _STALE:
                return None
            seen = self._look(self._running.tag)
            last = self._created if seen.runs else seen.created
        if last is None or last > self._now - _STALE:
            return None
        others = (one for one in self._newer.newest_first() if not self._is_in_line(one))
        going_on = self._first(others, floor, _MOST_IN_LINE)
        return last if going_on.created and going_on.created > self._now - _STALE else None

    def _is_in_line(self, version: Version) -> bool:
        return version.parts[: len(self._line)] == self._line

    def _line_name(self) -> str:
        if self._floating:
            return self._running.tag
        before = self._running.tag.partition(self._running.core)[0]
        return before + ".".join(self._running.core.split(".")[: len(self._line)])


def _line_of(version: Version) -> tuple[int, ...]:
    return version.parts[:-1] or version.parts
