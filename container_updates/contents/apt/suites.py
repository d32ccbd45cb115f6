"""Suites of repositories: their signed Release and the indexes that it names, each fetched and verified once."""

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

from container_updates.clock import Clock, Deadline
from container_updates.contents.apt import packages, release
from container_updates.contents.apt.release import Entry, Release
from container_updates.contents.apt.setup.preferences import Index
from container_updates.contents.apt.setup.sources import Source, architectures
from container_updates.contents.errors import ReleaseGone, RepositoryUnreachable, Untrusted
from container_updates.contents.once import Once
from container_updates.contents.repositories import openpgp, signatures, unpacking
from container_updates.contents.repositories.fetch import Fetched, Fetcher, Interrupted, MiB
from container_updates.contents.repositories.openpgp import Certificate
from container_updates.errors import TimedOut
from container_updates.state.indexes import Indexes

_MAX_RELEASE = 16 * MiB
_MAX_INDEX = 256 * MiB
_TABLE = "1"
"""Goes up with what `packages.rows` packs."""
_SNAPSHOT = re.compile(r"/([0-9]{8}T[0-9]{6}Z)(?:/|$)")


@dataclass(frozen=True, slots=True)
class Listed:
    """One index of a suite, as pins see it, and under what it is kept."""

    index: Index
    key: str


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite that was verified."""

    source: Source
    trust: str
    """host, or container where only a key of the container's own vouches for it."""
    date: datetime | None
    snapshot: str
    """Date of the snapshot that it is, "" for none."""
    listed: tuple[Listed, ...]


def is_security(index: Index) -> bool:
    """Whether an index is of a suite for security updates: Debian's and Ubuntu's names and labels."""
    names = (index.suite, index.archive, index.codename)
    return index.label == "Debian-Security" or any(
        name.endswith(("-security", "/updates")) or "-security/" in name for name in names
    )


class Suites:
    """Everything of one run about suites; used from many threads."""

    def __init__(
        self,
        fetcher: Fetcher,
        indexes: Indexes,
        *,
        host_keys: Sequence[Certificate],
        clock: Clock,
        deadline: Deadline,
        cache_ttl: float,
    ) -> None:
        self._fetcher, self._indexes, self._clock, self._deadline = fetcher, indexes, clock, deadline
        self._host_keys = tuple(host_keys)
        self._host = frozenset(one.fingerprint for one in host_keys)
        self._cache_ttl = cache_ttl
        self._tools = signatures.tools()
        self._once = Once()
        self._lock = threading.Lock()
        self._to_fetch, self._fetched = 0, 0

    def read(
        self,
        source: Source,
        configured: Sequence[str],
        keys: Sequence[Certificate],
        ended: Callable[[str], str | None] = lambda suite: None,
    ) -> Suite:
        """Return a suite with all its indexes in the state directory.

        `keys` are the container's own; `ended` says when a suite's release came to its end. Raises `Untrusted`,
        `RepositoryUnreachable`, `ReleaseGone` and `TimedOut`.
        """
        signed = self._once.get(("signed", source.release), lambda: self._signed(source))
        if signed is None:
            end = ended(source.suite)
            if end is not None:
                raise ReleaseGone(
                    f"{source.uri} no longer has {source.suite}, whose end was {end}: no update will come"
                )
            raise RepositoryUnreachable(f"{source.uri} has no {source.suite} (HTTP 404)", status=404)
        asked = (source.release, tuple(sorted(one.fingerprint for one in keys)))
        text, trust = self._once.get(("verified", *asked), lambda: self._verified(signed, keys))
        found = self._once.get(("parsed", source.release), lambda: release.parse(text.decode("utf-8", "replace")))
        found.check(self._clock.now(), valid_until=source.valid_until)
        listed = []
        for component, architecture, entry, path in self._wanted(source, found, configured):
            work = partial(self._kept, source, found, entry, path)
            key = self._once.get(("index", entry.digest), work)
            listed.append(Listed(self._index(source, found, component, architecture), key))
        return Suite(source, trust, found.date, _snapshot(source), tuple(listed))

    def look_up(self, listed: Listed, names: Sequence[str]) -> Mapping[str, list[packages.Available]]:
        """Return the versions that an index has of some packages."""
        found = self._indexes.look_up(listed.key, names)
        return {name: [*packages.unpack(name, packed)] for name, packed in found.items()}

    def _signed(self, source: Source) -> tuple[bytes, bytes] | None:
        """Text and signature of a suite's Release; None where the repository has neither form of it."""
        whole = self._asked(source.release + "InRelease")
        if whole is not None:
            return openpgp.cleartext(whole)
        text = self._asked(source.release + "Release")
        if text is None:
            return None
        signature = self._asked(source.release + "Release.gpg")
        if signature is None:
            raise Untrusted(f"{source.uri} {source.suite} is not signed")
        return text, signature

    def _asked(self, url: str) -> bytes | None:
        """What is at a URL, None for nothing: of this run's or an earlier one's asking within the time to live."""
        kept = self._indexes.signed(url)
        headers: dict[str, str] = {}
        if kept is not None:
            body, validators, asked = kept
            if 0 <= self._clock.wall() - asked < self._cache_ttl:
                return body or None
            headers = _conditions(validators) if body else {}
        answer = self._fetcher.get(url, _MAX_RELEASE, headers)
        if answer.status == 304 and kept is not None and headers:
            self._indexes.keep_signed(url, kept[0], kept[1])
            return kept[0]
        if answer.status in (404, 410):
            self._indexes.keep_signed(url, b"", "")
            return None
        _ok(answer, url)
        self._indexes.keep_signed(url, answer.body, _validators(answer))
        return answer.body

    def _verified(self, signed: tuple[bytes, bytes], keys: Sequence[Certificate]) -> tuple[bytes, str]:
        text, signature = signed
        signers = signatures.verify(text, signature, [*self._host_keys, *keys], self._tools, self._deadline)
        return text, "host" if self._host.intersection(signers) else "container"

    def _wanted(self, source: Source, found: Release, configured: Sequence[str]) -> list[tuple[str, str, Entry, str]]:
        """Component, architecture, entry and path of every index that apt would fetch and the release has."""
        if source.flat:
            wanted = [("", "", "Packages")]
        else:
            pairs = found.wanted(architectures(source, configured), source.components)
            wanted = [(component, one, f"{component}/binary-{one}/Packages") for component, one in pairs]
        entries = []
        for component, architecture, path in wanted:
            for suffix in unpacking.SUFFIXES:
                entry = found.files.get(path + suffix)
                if entry is not None:
                    entries.append((component, architecture, entry, path))
                    break
        return entries

    def _index(self, source: Source, found: Release, component: str, architecture: str) -> Index:
        return Index(
            archive=found["suite"],
            codename=found["codename"],
            version=found["version"],
            origin=found["origin"],
            label=found["label"],
            component=component,
            architecture=architecture,
            site=urlsplit(source.uri).hostname or "",
            not_automatic=found["notautomatic"].lower() == "yes",
            but_automatic_upgrades=found["butautomaticupgrades"].lower() == "yes",
            suite=source.suite,
        )

    def _kept(self, source: Source, found: Release, entry: Entry, path: str) -> str:
        """Have an index as a table; returns its key."""
        key = f"apt{_TABLE} {entry.algorithm}:{entry.digest}"
        if not self._indexes.has(key):
            suffix = entry.path[len(path) :]
            plain = found.files.get(path)
            limit = plain.size if plain is not None else unpacking.MAX_SIZE
            body = self._fetch(source, found, entry, key) if entry.size else b""
            try:
                self._indexes.write(key, packages.rows(unpacking.unpacked(body, suffix, limit) if body else ()))
            except ValueError as error:
                raise Untrusted(f"{source.release}{entry.path}: {error}") from None
        return key

    def _fetch(self, source: Source, found: Release, entry: Entry, key: str) -> bytes:
        if entry.size > _MAX_INDEX:
            raise Untrusted(f"{source.release}{entry.path} is larger than {_MAX_INDEX // MiB} MiB")
        with self._lock:
            self._to_fetch += entry.size
        urls = [source.release + entry.path]
        folder = entry.path.rpartition("/")[0]
        if source.by_hash == "force" or (source.by_hash != "no" and (found.by_hash or source.by_hash == "yes")):
            by_hash = f"by-hash/{entry.algorithm.upper()}/{entry.digest}"
            urls.insert(0, source.release + (f"{folder}/{by_hash}" if folder else by_hash))
        for url in urls:
            body = self._resumed(url, entry, key)
            if body is None:
                continue
            if len(body) != entry.size or _hash(entry.algorithm, body) != entry.digest:
                self._indexes.keep_part(key, b"")
                raise Untrusted(f"{url} is not what its Release file names (another size or hash)")
            with self._lock:
                self._fetched += entry.size
            return body
        raise RepositoryUnreachable(f"{urls[-1]} is not there (HTTP 404)", status=404)

    def _resumed(self, url: str, entry: Entry, key: str) -> bytes | None:
        """The body at a URL, from where an earlier run had to stop; None where there is nothing."""
        before = self._indexes.part(key)
        if len(before) > entry.size:
            before = b""
        if len(before) == entry.size:
            return before
        headers = {"Range": f"bytes={len(before)}-"} if before else {}
        try:
            answer = self._fetcher.get(url, entry.size - len(before) if before else entry.size, headers)
        except Interrupted as error:
            if error.body:
                self._indexes.keep_part(key, before + error.body)
            with self._lock:
                come = self._fetched + len(before) + len(error.body)
                words = f"{come / 1e6:.1f} of at least {self._to_fetch / 1e6:.1f} MB of indexes are fetched"
            raise TimedOut(f"{error.reason}: {words}, and the next run goes on from there") from None
        if answer.status == 404:
            return None
        if answer.status == 416:
            self._indexes.keep_part(key, b"")
        _ok(answer, url)
        return before + answer.body if answer.status == 206 else answer.body


def _ok(answer: Fetched, url: str) -> None:
    if answer.status not in (200, 206):
        raise RepositoryUnreachable(f"{url} answers HTTP {answer.status}", status=answer.status)


def _validators(answer: Fetched) -> str:
    """What a later request can ask by whether anything changed."""
    return json.dumps([answer.headers.get("ETag"), answer.headers.get("Last-Modified")])


def _conditions(validators: str) -> dict[str, str]:
    try:
        etag, modified = json.loads(validators)
    except (ValueError, TypeError):
        return {}
    known = {"If-None-Match": etag, "If-Modified-Since": modified}
    return {name: value for name, value in known.items() if isinstance(value, str)}


def _snapshot(source: Source) -> str:
    match = _SNAPSHOT.search(source.uri)
    if match is None and source.snapshot:
        return source.snapshot if source.snapshot.lower() not in ("enable", "disable", "no") else ""
    return f"{match[1][:4]}-{match[1][4:6]}-{match[1][6:8]}" if match else ""


def _hash(algorithm: str, body: bytes) -> str:
    import hashlib

    return hashlib.new(algorithm, body).hexdigest()
