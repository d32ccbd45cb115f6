"""What a repository signs: the Release file of a suite, which names every index by its hash."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from container_updates.clock import rfc3339
from container_updates.contents.apt.setup.config import is_yes
from container_updates.contents.apt.setup.stanzas import paragraphs
from container_updates.contents.errors import Untrusted

_FUTURE = 10
"""Seconds that a date may lie ahead (apt.conf(5), Acquire::Max-FutureTime)."""
_HASH = {"sha256": re.compile(r"[0-9a-f]{64}"), "sha512": re.compile(r"[0-9a-f]{128}")}
_MAX_FILES = 200_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that Release lists."""

    path: str
    algorithm: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Release:
    """A Release file whose signature was right."""

    fields: Mapping[str, str]
    files: Mapping[str, Entry] = field(repr=False)

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    @property
    def by_hash(self) -> bool:
        """Whether indexes can be fetched by their hash (Acquire-By-Hash)."""
        return is_yes(self["acquire-by-hash"])

    @property
    def date(self) -> datetime | None:
        """When it was made."""
        return _moment(self["date"])

    def check(self, now: datetime, *, valid_until: bool) -> None:
        """Raise `Untrusted` where it is from the future, or expired."""
        made, until = self.date, _moment(self["valid-until"])
        if made is not None and (made - now).total_seconds() > _FUTURE:
            raise Untrusted(f"its Release file is of {rfc3339(made)}, which is yet to come")
        if valid_until and until is not None and now >= until:
            raise Untrusted(f"its Release file expired on {rfc3339(until)}")

    def wanted(self, architectures: list[str], components: tuple[str, ...]) -> list[tuple[str, str]]:
        """Return component and architecture of the indexes that apt fetches from it, in its order.

        What the release does not have, apt leaves out with a warning; packages for every architecture are listed with
        each, unless there is an index of their own that says so (Debian's repository format, "Architectures").
        """
        has = self["architectures"].split()
        fetched = [one for one in architectures if not has or one in has]
        separate = self["no-support-for-architecture-all"].lower() != "packages"
        if "all" in has and separate and "all" not in fetched:
            fetched.append("all")
        return [(component, architecture) for component in components for architecture in fetched]


def parse(text: str) -> Release:
    """Read the text that was signed. Raises `Untrusted` where no strong hash is in it."""
    fields = next(paragraphs(text), {})
    files: dict[str, Entry] = {}
    for algorithm in ("sha512", "sha256"):
        for line in fields.get(algorithm, "").splitlines()[:_MAX_FILES]:
            parts = line.split()
            if len(parts) == 3 and _HASH[algorithm].fullmatch(parts[0]) and parts[1].isdecimal() and len(parts[1]) < 16:
                files[parts[2]] = Entry(parts[2], algorithm, parts[0], int(parts[1]))
    if not files and any(name in fields for name in ("md5sum", "sha1")):
        raise Untrusted("its Release file has only weak hashes (MD5, SHA-1)")
    short = {name: value for name, value in fields.items() if name not in ("sha256", "sha512", "sha1", "md5sum")}
    return Release(short, files)


def _moment(text: str) -> datetime | None:
    """A date as RFC 1123 has it, in UTC."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
