"""What a tag says as a version.

A tag is no version but has one in it, beside words for the base, the variant and the build: `1.27.3-alpine3.20-perl`.
`packaging` refuses such a tag, and `semver` takes the variant for a pre-release that is older than `1.27.3`: both read
versions, not tags. So the shape is ours: the words must be the same, the numbers decide.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from container_updates.chain.versions.components import Kind, split

_NOT_NUMBERS = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"(amd64|x86_64|x86|i[3-6]86|386|arm64v8|arm64|aarch64|arm32v[5-7]|arm[-_]?v[5-8]|ppc64le|s390x|riscv64)"
    r"|g?((?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{7,64}))(?![0-9A-Za-z])"
)
"""Architectures, which are words, and commits."""
_AS_WORD = str.maketrans("0123456789", "０１２３４５６７８９")
AS_DIGITS = {new: old for old, new in _AS_WORD.items()}
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
_LETTER = re.compile(r"[A-Za-z](?![A-Za-z0-9])")
"""Glued behind the last part, as in `1.1.1w` and `2024a`."""
_RANKS = {"dev": 0, "snapshot": 0, "nightly": 0, "canary": 0, "alpha": 1, "a": 1, "beta": 2, "b": 2}
_RANKS |= {"milestone": 3, "m": 3, "ea": 3, "eap": 3, "pre": 4, "preview": 4, "rc": 5, "cr": 5}
_RELEASE = 9
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
    """Of a pre-release its kind and number; of a release more than any of these, and its letter: the w of `1.1.1w`."""
    numbers: tuple[tuple[int, ...], ...]
    """Those of what follows: of the base, the build, the revision; for a commit its length, negative."""
    kinds: tuple[Kind, ...]
    """What each of these numbers means."""
    core: str
    """The version's own numbers as they are written: `2026.07.1`."""

    @property
    def is_release(self) -> bool:
        """Whether it is none of alpha, beta, rc and their like."""
        return self.stage[0] == _RELEASE

    @property
    def is_moving(self) -> bool:
        """Whether it is a build of the day, as `1.24-nightly` or `4.0.1-dev`, which some have beside the release."""
        return self.stage == (0, 0)

    @property
    def is_day(self) -> bool:
        """Whether its first part is a whole date, as `20240501` or `2024-05-01`: a day has no major and no minor."""
        return self.shape[2] and (self.parts[0] > 9999 or (self.shape[3].startswith("-#-#") and len(self.parts) == 1))

    @property
    def order(self) -> tuple[object, ...]:
        """Larger for the newer one of two of the same shape."""
        return self.parts, self.stage, self.numbers, self.tag

    def line_tags(self) -> list[str]:
        """Return the tags that would name the same with fewer parts: `4.0-22-trixie`, `4-22-trixie`.

        None where a base stands in front.
        """
        before, found, rest = self.tag.partition(self.core)
        if not found or not self.shape[3].endswith("\n"):
            return []
        digits = self.core.split(".")
        return [f"{before}{'.'.join(digits[:count])}{rest}" for count in range(len(digits) - 1, 0, -1)]


def read(tag: str) -> Version | None:
    """Return the version in `tag`; None for `latest`, `stable`, a commit, and whatever else has none."""
    if len(tag) > _MAX_TAG or (_HASH.fullmatch(tag) and not is_date(tag)):
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
            base, core, rest = prefix + core + behind[0], found[2], found[3]
    return _version(tag, prefix, base, core, rest)


def _version(tag: str, prefix: str, base: str, core: str, rest: str) -> Version | None:
    before, digits = _before(prefix), core.split(".")
    if before is None or (prefix and len(digits) == 1 and _NO_NUMBER.fullmatch(prefix)):
        return None
    first = len(digits[0])
    dated = first >= 4 and (is_date(digits[0]) or is_year(digits[0]))
    if first > _MAX_FIRST and not dated:
        return None
    stage, suffix, numbers, kinds = _following(rest, base)
    return Version(
        tag=tag,
        shape=(before, len(digits), dated, suffix),
        parts=tuple(map(int, digits)),
        widths=tuple(-len(one) if _counts(one, dated or len(digits) < 3) else len(one) for one in digits),
        stage=stage,
        numbers=numbers,
        kinds=kinds,
        core=core,
    )


@lru_cache(maxsize=1000)
def _before(prefix: str) -> str | None:
    """Return the words before a version, None where they say that none follows."""
    return None if _NO_VERSION.fullmatch(prefix) else split(prefix)[0]


@lru_cache(maxsize=1000)
def _following(rest: str, base: str) -> tuple[tuple[int, ...], str, tuple[tuple[int, ...], ...], tuple[Kind, ...]]:
    """Return the stage, and what follows a version with its numbers apart.

    Most tags of a repository have few such ends, and all the numbers are in front.
    """
    stage: tuple[int, ...] = (_RELEASE,)
    told = rest
    pre, letter = _PRE_RELEASE.match(rest), _LETTER.match(rest)
    if letter:
        told = f"*{rest[1:]}"
        stage = (_RELEASE, ord(letter[0].lower()))
    elif pre:
        told = rest[pre.end() :]
        told = f"-{told[1:]}" if told.startswith(".") else told
        stage = (_RANKS[pre[1].lower()], *map(int, (pre[2] or "0").split(".")))
    return stage, *split(f"{told}\n{base}")


def _counts(part: str, padded: bool) -> bool:
    """Whether its number of digits says what kind a part is: of a date, and where zeros are padded.

    Of three parts and more nobody writes one version in two ways: `19.03.15` was followed by `20.10.0` and `23.0.0`.
    """
    return (padded and part[0] == "0" and len(part) > 1) or (len(part) >= 8 and is_date(part))


def _masked(found: re.Match[str]) -> str:
    """An architecture as a word, a commit as its length."""
    return (found[1] or f"@{len(found[2])}").translate(_AS_WORD)


def is_year(digits: str) -> bool:
    """Whether four digits may be a year."""
    return len(digits) == 4 and 1990 <= int(digits) < 2100


def is_date(digits: str) -> bool:
    """Whether digits are `20240501`, alone or with hours, minutes and seconds behind it."""
    if len(digits) not in (8, 10, 12, 14) or not digits.isdecimal():
        return False
    return is_year(digits[:4]) and 1 <= int(digits[4:6]) <= 12 and 1 <= int(digits[6:8]) <= 31
