"""What a tag says as a version, and which tags say the same kind of thing.

A tag is no version but has one in it, beside words for the base, the variant and the build: `1.27.3-alpine3.20-perl`.
`packaging` refuses such a tag, and `semver` takes the variant for a pre-release that is older than `1.27.3`: both read
versions, not tags. So the shape is ours: the words must be the same, the numbers decide.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_ARCHITECTURE = r"(?:amd64|arm64v8|arm64|aarch64|arm32v[567]|armhf|armv[67]|i386|x86_64|x86|ppc64le|s390x|riscv64)"
_TAG = re.compile(rf"((?>(?:{_ARCHITECTURE}[-_.])?)(?:[A-Za-z][A-Za-z._-]*)?)([0-9]+(?:\.[0-9]+)*)(.*)", re.DOTALL)
_NO_VERSION = re.compile(r"(?i)(?:sha|sha256|git|commit|rev|pr|mr|pull|branch|feature|issue|build|ci|run|job)[-_.]?")
_HASH = re.compile(r"[0-9a-f]{7,64}")
_HASH_PART = re.compile(r"(?<![0-9A-Za-z])g?(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{7,40}(?![0-9A-Za-z])")
_PRE_RELEASE = re.compile(
    r"[-._]?(dev|snapshot|nightly|canary|alpha|a(?=[0-9])|beta|b(?=[0-9])|milestone|m(?=[0-9])|ea|pre|preview|rc|cr)"
    r"(?![A-Za-z])[-._]?([0-9]+(?:\.[0-9]+)*)?",
    re.IGNORECASE,
)
_RANKS = {"dev": 0, "snapshot": 0, "nightly": 0, "canary": 0, "alpha": 1, "a": 1, "beta": 2, "b": 2}
_RANKS |= {"milestone": 3, "m": 3, "ea": 3, "pre": 4, "preview": 4, "rc": 5, "cr": 5}
_RELEASE = 9
_NUMBER = re.compile(r"[0-9]+")
_MAX_DIGITS = 14
"""A timestamp to the second; what is longer is no version."""


@dataclass(frozen=True, slots=True)
class Version:
    """A tag that has a version in it."""

    tag: str
    shape: tuple[str, int, bool, str]
    """Words before it, number of its parts, whether it is a date, and what follows with its numbers left out."""
    parts: tuple[int, ...]
    widths: tuple[int, ...]
    """Digits of each part; negative where their number counts: of a date, and behind a leading zero."""
    stage: tuple[int, ...]
    """Of a pre-release its kind and number; of a release more than any of these."""
    numbers: tuple[int, ...]
    """Those of what follows: of the base, the build, the revision."""

    @property
    def is_release(self) -> bool:
        """Whether it is none of alpha, beta, rc and their like."""
        return self.stage[0] == _RELEASE

    @property
    def order(self) -> tuple[object, ...]:
        """Larger for the newer one of two of the same shape."""
        return self.parts, self.stage, self.numbers, self.tag

    def comparable(self, other: "Version") -> bool:
        """Whether `other` says the same kind of thing: `2024.05` and `2024.5` do not, `24.10` and `25.04` do."""
        return self.shape == other.shape and all(
            one == two or (one > 0 and two > 0) or abs(one) == abs(two)
            for one, two in zip(self.widths, other.widths, strict=True)
        )


@lru_cache(maxsize=200_000)
def read(tag: str) -> Version | None:
    """Return the version in `tag`; None for `latest`, `stable`, a commit, and whatever else has none."""
    if _HASH.fullmatch(tag) and not (tag.isdecimal() and _is_date(tag)) and not (tag.isdecimal() and len(tag) < 7):
        return None
    found = _TAG.fullmatch(tag)
    if found is None:
        return None
    prefix, core, rest = found.groups()
    commit = _HASH_PART.search(tag)
    if _NO_VERSION.fullmatch(prefix) or (commit and commit.start() <= found.start(2) < commit.end()):
        return None
    digits = core.split(".")
    if any(len(part) > _MAX_DIGITS for part in digits) or (len(digits[0]) > 6 and not _is_date(digits[0])):
        return None
    stage: tuple[int, ...] = (_RELEASE,)
    pre = _PRE_RELEASE.match(rest)
    if pre:
        numbers = [int(number) for number in (pre[2] or "0").split(".") if len(number) <= _MAX_DIGITS]
        stage = (_RANKS[pre[1].lower()], *numbers)
        rest = rest[pre.end() :]
    words = _HASH_PART.sub("@", rest)
    suffix = _NUMBER.sub("#", words)
    if any(len(number) > _MAX_DIGITS for number in _NUMBER.findall(words)):
        return None
    return Version(
        tag=tag,
        shape=(prefix, len(digits), _is_date(digits[0]) or _is_year(digits[0]), suffix),
        parts=tuple(map(int, digits)),
        widths=tuple(-len(part) if _is_date(part) or part[:-1].startswith("0") else len(part) for part in digits),
        stage=stage,
        numbers=tuple(map(int, _NUMBER.findall(words))),
    )


def step(old: Version, new: Version) -> str:
    """Return how far it is: major, minor or patch by the first part that differs, other where only the rest does."""
    for position, (one, two) in enumerate(zip(old.parts, new.parts, strict=True)):
        if one != two:
            return ("major", "minor", "patch")[min(position, 2)]
    return "patch" if old.stage != new.stage else "other"


def _is_year(digits: str) -> bool:
    return len(digits) == 4 and 1990 <= int(digits) < 2100


def _is_date(digits: str) -> bool:
    """`20240501`, alone or with hours, minutes and seconds behind it."""
    if len(digits) not in (8, 10, 12, 14):
        return False
    return _is_year(digits[:4]) and 1 <= int(digits[4:6]) <= 12 and 1 <= int(digits[6:8]) <= 31
