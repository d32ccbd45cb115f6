"""Which tags of a repository are newer than the running one, by what they say; the newest first."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from container_updates.chain.versions.components import Kind
from container_updates.chain.versions.tag_version import AS_DIGITS, Version, is_date, is_year, read

_NO_MAJOR = 1000
"""From here on a first part that nothing leads up to is a date or the number of a build."""
_LEVELS = {"major": 0, "minor": 1, "patch": 2}
_EXACT = 3
"""Parts from which on a version is a whole one, which a security patch may give one more: 26.0.2, 26.0.2.1."""
_YEARS_OF_A_SERIES = 3
"""So many years, beside so many other numbers, tell that a project went on as years where no `created` tells it."""
_NUMBERS_OF_A_SERIES = 2
_MIN_TIMESTAMP = 9
"""Digits of seconds since the epoch, which Red Hat puts behind a release that it builds anew: 1181.1724035907."""


class Newer:
    """The tags that are newer than the running one and of its shape, read no further than they are asked for.

    `created`: when the running image says that it was built. Pre-releases count only for a container that runs one.
    """

    def __init__(self, running: Version, tags: Collection[str], created: datetime | None) -> None:
        self._running = _with_bound_numbers(running, tags)
        self._tags = tags
        self._by_parts: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
        for parts, tag in led_by(running, tags):
            self._by_parts[parts].append(tag)
        self._counted = Counter(map(len, {*self._by_parts, running.parts}))
        followed = sorted(_followed(running, self._by_parts, created), reverse=True)
        self._parts = [parts for parts in followed if parts >= running.parts[: len(parts)] and self._may_cross(parts)]

    def newest_first(self, same: int = 0) -> Iterator[Version]:
        """Yield those with the running one's first `same` parts, the newest first.

        Of several builds of one version those with the running one's components come first.
        """
        running, kept = self._running, self._running.parts[:same]
        for parts in self._parts:
            if parts[:same] != kept:
                continue
            versions = filter(None, map(read, self._by_parts[parts]))
            found = [one for one in versions if _is_newer(one, running) and not self._is_other_name(one)]
            yield from sorted(found, key=lambda one: _preference(one, running), reverse=True)

    def _is_other_name(self, version: Version) -> bool:
        """Whether a tag is another name of a shorter one, or of a scheme that one tag alone has.

        Of one part more it is where all the shorter ones are there, too: 3.5.2.1, 3.5.2, 3.5 and 3 are one image.
        """
        running = self._running
        if len(version.parts) > len(running.parts):
            return all(tag in self._tags or tag == running.tag for tag in version.line_tags())
        pairs = zip(running.numbers, version.numbers, strict=True)
        if any(len(ours) > len(theirs) and _is_timestamp(theirs[0]) for ours, theirs in pairs):
            return self._rebuilt_by_moment < 2
        return False

    @cached_property
    def _rebuilt_by_moment(self) -> int:
        """How many tags end in a moment alone, as Red Hat's `9.6-1752587672` of late."""
        return sum(end.isdecimal() and _is_timestamp(int(end)) for end in map(_last_word, self._tags))

    def _may_cross(self, parts: tuple[int, ...]) -> bool:
        """Whether a version of one part more or less is of the same scheme.

        Not where the repository has both for each version, nor where the part is the number of a build, or the
        running version has no shorter name.
        """
        ours, theirs = len(self._running.parts), len(parts)
        if ours == theirs:
            return True
        if 2 * self._counted[max(ours, theirs)] > self._counted[min(ours, theirs)]:
            return False
        return parts[-1] < _NO_MAJOR if theirs > ours else self._running.parts[:-1] in self._by_parts


def parts_kept(running: Version, level: str) -> int:
    """Return how many of the running version's first parts a newer one has to have at a `--level`."""
    return 0 if running.is_day else _LEVELS[level]


def stands_for_line(running: Version, tags: Iterable[str]) -> bool:
    """Whether a tag of one or two parts names whatever is the newest of its line: beside `9.4` there is a `9.4.2`."""
    if len(running.parts) >= _EXACT or running.shape[2]:
        return False
    behind = f"{running.tag}-"
    return any((tag.startswith(behind) and tag[len(behind) :][:1].isdecimal()) for tag in tags) or any(
        True for _ in more_exact(running, tags)
    )


def more_exact(running: Version, tags: Iterable[str]) -> Iterator[Version]:
    """Yield the tags that say the same with more parts, and the same words behind them: of `1.27` the `1.27.3`."""
    before, found, _ = running.tag.partition(running.core)
    lead = f"{before}{found}."
    for tag in tags:
        if tag.startswith(lead):
            version = read(tag)
            if version and (version.shape[0], version.shape[3]) == (running.shape[0], running.shape[3]):
                yield version


def comparable(running: Version, other: Version) -> bool:
    """Whether `other` says the same kind of thing: `2024.05` and `2024.5` do not, `24.10` and `25.04` do."""
    ours, theirs = running.shape, other.shape
    if (ours[0], ours[3]) != (theirs[0], theirs[3]) or not _same_count(ours[1], theirs[1]):
        return False
    # Where years follow numbers, their zeros say nothing.
    if ours[2] == theirs[2] and running.widths != other.widths:
        if not all(map(_alike, running.widths, other.widths)):
            return False
    elif ours[2] and not theirs[2]:
        return False
    return all(map(_same_kind, running.numbers, other.numbers)) and _commits_fit(running, other)


def led_by(running: Version, tags: Iterable[str]) -> Iterator[tuple[tuple[int, ...], str]]:
    """Yield the tags that can be comparable to the running one, each behind its version's parts.

    Reading all of 50,000 tags to their ends takes a second; what stands in front says which ones are worth it.
    """
    before, count, _, suffix = running.shape
    # A commit behind a dot may begin with a digit, as one more part would.
    if "#" in before or not suffix.endswith("\n") or suffix.startswith(".#"):
        versions = (one for one in map(read, tags) if one and comparable(running, one))
        yield from ((version.parts, version.tag) for version in versions)
        return
    fewest, most = (max(count - 1, _EXACT), count + 1) if count >= _EXACT else (count, count)
    numbers = rf"([0-9]+(?:\.[0-9]+){{{fewest - 1},{most - 1}}})(?!\.?[0-9])"
    start = re.compile(re.escape(before.translate(AS_DIGITS)) + numbers)
    for tag in tags:
        found = start.match(tag)
        if found:
            yield tuple(map(int, found[1].split("."))), tag


def step(old: Version, new: Version) -> str:
    """Return how far it is: major, minor or patch by the first part that differs, other where only the rest does."""
    if old.is_day:
        return "other"
    for position, (one, two) in enumerate(zip(old.parts, new.parts, strict=False)):
        if one != two:
            return ("major", "minor", "patch")[min(position, 2)]
    return "patch" if (old.stage, len(old.parts)) != (new.stage, len(new.parts)) else "other"


def _with_bound_numbers(running: Version, tags: Collection[str]) -> Version:
    """Return the running version with all its numbers as components where a shorter tag has the very same ones.

    Beside `4.0.12-22-trixie` there is a `4-22-trixie`: 22 counts no builds of 4.0.12.
    """
    if Kind.REVISION not in running.kinds or not any(tag in tags for tag in running.line_tags()):
        return running
    kinds = tuple(Kind.RUNTIME if kind is Kind.REVISION else kind for kind in running.kinds)
    return replace(running, kinds=kinds)


def _is_newer(version: Version, running: Version) -> bool:
    if not comparable(running, version) or (running.is_release and not version.is_release):
        return False
    pairs = [*zip(running.kinds, running.numbers, version.numbers, strict=True)]
    if any(theirs < ours for kind, ours, theirs in pairs if kind is not Kind.REVISION):
        return False
    now, then = (running.parts, running.stage), (version.parts, version.stage)
    if now != then:
        return then > now
    if any(theirs != ours for kind, ours, theirs in pairs if kind is Kind.RUNTIME):
        return False
    for _, ours, theirs in pairs:
        if len(ours) != len(theirs) and _release(ours) == _release(theirs):
            return False  # the same release, with and without the moment of its rebuild
    return version.numbers > running.numbers


def _preference(version: Version, running: Version) -> tuple[object, ...]:
    """Larger for the one to take, of those with the same parts."""
    pairs = [*zip(running.kinds, running.numbers, version.numbers, strict=True)]
    kept = sum(kind is Kind.RUNTIME and ours == theirs for kind, ours, theirs in pairs)
    releases = tuple(_release(theirs) for theirs in version.numbers)
    same_form = sum(len(ours) == len(theirs) for _, ours, theirs in pairs)
    # Who runs the build of the day takes the next one rather than the release beside it.
    moving = running.is_moving and version.is_moving
    return moving, version.stage, kept, releases, same_form, version.numbers, version.tag


def _release(number: tuple[int, ...]) -> tuple[int, ...]:
    """Return a number without the seconds at which Red Hat built it anew: 1181.1724035907 is 1181."""
    return number[:1] if len(number) == 2 and _is_timestamp(number[1]) else number


def _is_timestamp(number: int) -> bool:
    return len(str(number)) >= _MIN_TIMESTAMP


def _last_word(tag: str) -> str:
    return tag.rpartition("-")[2]


def _followed(running: Version, found: Collection[tuple[int, ...]], created: datetime | None) -> list[tuple[int, ...]]:
    """Return those parts that the running one's lead up to: not `231128` or `4512` beside 16 to 18, nor any year.

    A project that went on as years (5.26 to 2026.07) did so after the running image was made.
    """
    if running.shape[2]:
        return [*found]
    years = {parts for parts in found if is_year(str(parts[0]))}
    others = {parts for parts in found if parts not in years and not is_date(str(parts[0]))}
    last = _last_of_series(running, {parts[0] for parts in others})
    on = [parts for parts in others if parts[0] <= last]
    if created is None:
        several = len({parts[0] for parts in years}) >= _YEARS_OF_A_SERIES and len(on) >= _NUMBERS_OF_A_SERIES
        return [*on, *years] if several else on
    return [*on, *(parts for parts in years if _later(parts, created))]


def _later(parts: Sequence[int], than: datetime) -> bool:
    if len(parts) > 1 and 1 <= parts[1] <= 12:
        return (parts[0], parts[1]) > (than.year, than.month)
    return parts[0] > than.year


def _last_of_series(running: Version, firsts: Iterable[int]) -> int:
    """Return up to where first parts lead on from the running one's."""
    last = running.parts[0]
    for first in sorted(first for first in firsts if first > last):
        if not running.shape[0] and first >= _NO_MAJOR and len(str(first)) > len(str(last)) + 1:
            break
        last = first
    return last


def _same_count(one: int, two: int) -> bool:
    return one == two or (min(one, two) >= _EXACT and abs(one - two) == 1)


def _alike(one: int, two: int) -> bool:
    return one == two or (one > 0 and two > 0) or abs(one) == abs(two)


def _same_kind(one: Sequence[int], two: Sequence[int]) -> bool:
    """Whether two numbers of what follows a version can be compared; a rebuild's timestamp may be there or not."""
    if len(one) == len(two) or _same_count(len(one), len(two)):
        return True
    return len(_release(tuple(one))) == len(_release(tuple(two)))


def _commits_fit(running: Version, other: Version) -> bool:
    """Whether commits stand in the same places; one that has no letter looks like a number."""
    pairs = [(one[0], two[0]) for one, two in zip(running.numbers, other.numbers, strict=True)]
    if all(one >= 0 and two >= 0 for one, two in pairs):
        return True
    return all(
        (one < 0) == (two < 0) or (running.parts != other.parts and _commit_length(one) == _commit_length(two))
        for one, two in pairs
    )


def _commit_length(number: int) -> int:
    """Return the length of a commit, or of a number that may be one."""
    return -number if number < 0 else 0 if is_date(str(number)) else len(str(number))
