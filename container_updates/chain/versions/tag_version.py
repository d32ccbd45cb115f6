"""What a tag says as a version, and which tags say the same kind of thing.

A tag is no version but has one in it, beside words for the base, the variant and the build: `1.27.3-alpine3.20-perl`.
`packaging` refuses such a tag, and `semver` takes the variant for a pre-release that is older than `1.27.3`: both read
versions, not tags. So the shape is ours: the words must be the same, the numbers decide.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_NOT_NUMBERS = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"(amd64|x86_64|x86|i[3-6]86|386|arm64v8|arm64|aarch64|arm32v[5-7]|arm[-_]?v[5-8]|ppc64le|s390x|riscv64)"
    r"|g?((?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{7,64}))(?![0-9A-Za-z])"
)
"""Architectures, which are words, and commits."""
_AS_WORD = str.maketrans("0123456789", "０１２３４５６７８９")
_AS_DIGITS = {new: old for old, new in _AS_WORD.items()}
_HASH = re.compile(r"[0-9a-f]{7,64}")
_TAG = re.compile(r"((?:[A-Za-z][^0-9]*)?)([0-9]+(?:\.[0-9]+)*)(.*)", re.DOTALL)
_BASE_FIRST = re.compile(r".*(?<![A-Za-z])(?!(?:v|r|b|p|ver|version|rel|release|build)$)[A-Za-z]+", re.IGNORECASE)
"""What stands before the version of a base, as in `alpine3.19-v16.11.0`; before one's own it is `v` or a word apart."""
_BEHIND_BASE = re.compile(r"(?:[-_][A-Za-z]+[０-９][A-Za-z０-９_]*)?[-_]v?(?=[0-9]+\.[0-9])")
_NO_VERSION = re.compile(
    r"(?i)(?:sha|sha256|git|commit)[-_.]?|(?:.*[-_.])?(?:pr|mr|pull|issue)[-_.]?"
    r"|(?:branch|feature|feat|fix|bugfix|hotfix|renovate|dependabot)[-_.].*"
)
_NO_NUMBER = re.compile(r"(?i)(?:.*[-_.])?(?:rev|build|ci|run|job)[-_.]?")
"""Before a single number: which build it was, of nobody knows what."""
_PRE_RELEASE = re.compile(
    r"[-._]?(dev|snapshot|nightly|canary|alpha|a(?=[-.]?[0-9])|beta|b(?=[-.]?[0-9])|milestone|m(?=[0-9])|eap|ea|pre|preview"
    r"|rc|cr)(?![A-Za-z])[-._]?([0-9]+(?:\.[0-9]+)*)?",
    re.IGNORECASE,
)
_RANKS = {"dev": 0, "snapshot": 0, "nightly": 0, "canary": 0, "alpha": 1, "a": 1, "beta": 2, "b": 2}
_RANKS |= {"milestone": 3, "m": 3, "ea": 3, "eap": 3, "pre": 4, "preview": 4, "rc": 5, "cr": 5}
_RELEASE = 9
_NUMBER = re.compile(r"[0-9]+|@[０-９]+")
_MAX_TAG = 128
_MAX_FIRST = 6
"""Digits of a first part that is no date: more has a timestamp or the number of a build."""


@dataclass(frozen=True, slots=True)
class Version:
    """A tag that has a version in it."""

    tag: str
    shape: tuple[str, int, bool, str]
    """Words before it, number of its parts, whether it is a date, and what follows with its numbers left out."""
    parts: tuple[int, ...]
    widths: tuple[int, ...]
    """Digits of each part; negative where their number counts: of a date, and mostly behind a leading zero."""
    stage: tuple[int, ...]
    """Of a pre-release its kind and number; of a release more than any of these."""
    numbers: tuple[int, ...]
    """Those of what follows: of the base, the build, the revision; for a commit its length, negative."""

    @property
    def is_release(self) -> bool:
        """Whether it is none of alpha, beta, rc and their like."""
        return self.stage[0] == _RELEASE

    @property
    def is_moving(self) -> bool:
        """Whether it is a build of the day, as `1.24-nightly` or `4.0.1-dev`, which some have beside the release."""
        return self.stage == (0, 0)

    @property
    def order(self) -> tuple[object, ...]:
        """Larger for the newer one of two of the same shape."""
        return self.parts, self.stage, self.numbers, self.tag

    def comparable(self, other: "Version") -> bool:
        """Whether `other` says the same kind of thing: `2024.05` and `2024.5` do not, `24.10` and `25.04` do."""
        if self.shape != other.shape:
            return False
        if self.widths != other.widths and not all(map(_alike, self.widths, other.widths)):
            return False
        if min(self.numbers, default=0) >= 0 and min(other.numbers, default=0) >= 0:
            return True
        return all(
            (one < 0) == (two < 0) or (self.parts != other.parts and _commit_length(one) == _commit_length(two))
            for one, two in zip(self.numbers, other.numbers, strict=True)
        )


def led_by(running: Version, tags: Iterable[str]) -> Iterator[tuple[tuple[int, ...], str]]:
    """Yield the tags that can be comparable to the running one, each behind its version's parts.

    Reading all of 50,000 tags to their ends takes a second; what stands in front says which ones are worth it.
    """
    before, count, _, suffix = running.shape
    if "#" in before or not suffix.endswith("\n"):
        versions = filter(running.comparable, filter(None, map(read, tags)))
        yield from ((version.parts, version.tag) for version in versions)
        return
    start = re.compile(rf"{re.escape(before.translate(_AS_DIGITS))}([0-9]+(?:\.[0-9]+){{{count - 1}}})")
    for tag in tags:
        found = start.match(tag)
        if found:
            yield tuple(map(int, found[1].split("."))), tag


def read(tag: str) -> Version | None:
    """Return the version in `tag`; None for `latest`, `stable`, a commit, and whatever else has none."""
    if len(tag) > _MAX_TAG or (_HASH.fullmatch(tag) and not _is_date(tag)):
        return None
    found = _TAG.fullmatch(_NOT_NUMBERS.sub(_masked, tag))
    if found is None:
        return None
    prefix, core, rest = found.groups()
    base = ""
    if prefix and _BASE_FIRST.fullmatch(prefix):
        behind = _BEHIND_BASE.match(rest)
        found = behind and _TAG.fullmatch(rest, behind.end())
        if behind and found:
            base, core, rest = core + behind[0], found[2], found[3]
    return _version(tag, prefix, base, core, rest)


def step(old: Version, new: Version) -> str:
    """Return how far it is: major, minor or patch by the first part that differs, other where only the rest does."""
    for position, (one, two) in enumerate(zip(old.parts, new.parts, strict=True)):
        if one != two:
            return ("major", "minor", "patch")[min(position, 2)]
    return "patch" if old.stage != new.stage else "other"


def _version(tag: str, prefix: str, base: str, core: str, rest: str) -> Version | None:
    before, digits = _before(prefix), core.split(".")
    if before is None or (prefix and len(digits) == 1 and _NO_NUMBER.fullmatch(prefix)):
        return None
    first = len(digits[0])
    dated = first >= 4 and (_is_date(digits[0]) or _is_year(digits[0]))
    if first > _MAX_FIRST and not dated:
        return None
    stage, suffix, numbers = _following(rest, base)
    return Version(
        tag=tag,
        shape=(before, len(digits), dated, suffix),
        parts=tuple(map(int, digits)),
        widths=tuple(-len(one) if _counts(one, dated or len(digits) < 3) else len(one) for one in digits),
        stage=stage,
        numbers=numbers,
    )


@lru_cache(maxsize=1000)
def _before(prefix: str) -> str | None:
    """Return the words before a version, None where they say that none follows."""
    return None if _NO_VERSION.fullmatch(prefix) else _NUMBER.sub("#", prefix)


@lru_cache(maxsize=1000)
def _following(rest: str, base: str) -> tuple[tuple[int, ...], str, tuple[int, ...]]:
    """Return the stage, and what follows a version with its numbers apart.

    Most tags of a repository have few such ends, and all the numbers are in front.
    """
    stage: tuple[int, ...] = (_RELEASE,)
    told = rest
    pre = _PRE_RELEASE.match(rest)
    if pre:
        told = rest[pre.end() :]
        told = f"-{told[1:]}" if told.startswith(".") else told
        stage = (_RANKS[pre[1].lower()], *map(int, (pre[2] or "0").split(".")))
    words = f"{told}\n{base}"
    numbers = _NUMBER.findall(words)
    return stage, _NUMBER.sub("#", words), tuple(-int(one[1:]) if one[0] == "@" else int(one) for one in numbers)


def _counts(part: str, padded: bool) -> bool:
    """Whether its number of digits says what kind a part is: of a date, and where zeros are padded.

    Of three parts and more nobody writes one version in two ways: `19.03.15` was followed by `20.10.0` and `23.0.0`.
    """
    return (padded and part[0] == "0" and len(part) > 1) or (len(part) >= 8 and _is_date(part))


def _alike(one: int, two: int) -> bool:
    return one == two or (one > 0 and two > 0) or abs(one) == abs(two)


def _masked(found: re.Match[str]) -> str:
    """An architecture as a word, a commit as its length."""
    return (found[1] or f"@{len(found[2])}").translate(_AS_WORD)


def _commit_length(number: int) -> int:
    """Of one of a version's numbers that is a commit, or may be one that happens to have no letter."""
    return -number if number < 0 else 0 if _is_date(str(number)) else len(str(number))


def _is_year(digits: str) -> bool:
    return len(digits) == 4 and 1990 <= int(digits) < 2100


def _is_date(digits: str) -> bool:
    """`20240501`, alone or with hours, minutes and seconds behind it."""
    if len(digits) not in (8, 10, 12, 14) or not digits.isdecimal():
        return False
    return _is_year(digits[:4]) and 1 <= int(digits[4:6]) <= 12 and 1 <= int(digits[6:8]) <= 31
