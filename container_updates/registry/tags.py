"""All tags of a repository: page by page, bounded, and kept with their ETag (distribution-spec, Listing Tags)."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote

from container_updates.errors import BadAnswer, NotFound
from container_updates.reference import Reference, is_tag
from container_updates.registry.http.exchange import Answer
from container_updates.registry.http.headers import next_query
from container_updates.untrusted.json import Invalid, read_object

_MAX_PAGE = 8 * 1024 * 1024
"""Bytes: 50,000 tags of any length, from a registry that ignores how many were asked for."""
_PAGE = 1000
_MAX_PAGES = 100
_MAX_TAGS = 200_000

if TYPE_CHECKING:
    from container_updates.registry.client import Registry
    from container_updates.registry.hosts import Endpoint

Ask = Callable[[str, dict[str, str]], Answer]
"""Given a path below the repository, and headers: the answer, whatever its status."""


@dataclass(frozen=True, slots=True)
class TagList:
    """What a repository has."""

    tags: tuple[str, ...]
    whole: bool
    """False where a limit ended the listing."""
    written: float
    """When the registry said so, seconds since the epoch."""
    etag: str = ""
    """Of a list that came in one page."""

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        return 100 * len(self.tags)


def of(registry: "Registry", reference: Reference) -> TagList:
    """Return the tags of the reference's repository; kept for the time to live, and then asked for by their ETag."""
    return _of(registry, reference, None)


def of_registry(registry: "Registry", reference: Reference) -> TagList:
    """Return the same as the registry itself lists them: a mirror may list only what it was asked for before."""
    return _of(registry, reference, registry.upstream(reference))


def _of(registry: "Registry", reference: Reference, at: "Endpoint | None") -> TagList:
    def ask(path: str, headers: dict[str, str]) -> Answer:
        return registry.get(reference, path, headers=headers, limit=_MAX_PAGE, at=at)

    def found() -> TagList:
        now, kept = registry.clock.wall(), registry.recall("tags", reference, "tags", at=at)
        tags = find(ask, kept, now=now, ttl=registry.cache_ttl, host=reference.registry)
        if tags.written == now:
            registry.keep("tags", reference, "tags", pack(tags), None, at=at)
        return tags

    return registry.once("tags", reference, "of the registry" if at else "", found)


def find(ask: Ask, kept: bytes | None, *, now: float, ttl: float, host: str) -> TagList:
    """Return the list that was kept, where it is young enough or the registry says it is still right, else ask anew."""
    known = _unpack(kept)
    if known and known.written <= now < known.written + ttl:
        return known
    headers = {"Accept": "application/json"}
    if known and known.etag:
        headers["If-None-Match"] = known.etag
    return _ask_all(ask, headers, known, now, host)


def _ask_all(ask: Ask, headers: dict[str, str], known: TagList | None, now: float, host: str) -> TagList:
    found: dict[str, None] = {}
    path: str | None = f"tags/list?n={_PAGE}"
    etag = ""
    for page in range(_MAX_PAGES):
        answer = ask(path or "", headers)
        if answer.status == 304 and known and page == 0:
            return replace(known, written=now)
        names = _names(answer, host)
        before = len(found)
        found.update(dict.fromkeys(islice(filter(is_tag, names), _MAX_TAGS - before)))
        etag = answer.headers.get("ETag", "")[:200] if page == 0 else ""
        path = _next(answer, names)
        headers = {"Accept": "application/json"}
        if len(found) == _MAX_TAGS:
            break
        if path is None or (len(found) == before and page):
            # A registry that says the same again and again has said all.
            return TagList(tuple(found), path is None, now, etag)
    return TagList(tuple(found), False, now)


def pack(found: TagList) -> bytes:
    """As bytes for the store."""
    return json.dumps([found.written, found.etag, found.whole, found.tags]).encode()


def _unpack(kept: bytes | None) -> TagList | None:
    try:
        written, etag, whole, tags = json.loads(kept or b"")
        return TagList(tuple(map(str, tags)), bool(whole), float(written), str(etag))
    except (ValueError, TypeError):
        return None


def _names(answer: Answer, host: str) -> list[str]:
    if answer.status == 404:
        raise NotFound(f"{host} does not list the repository's tags", repository_answers=False)
    if answer.status != 200:
        raise BadAnswer(f"{host} answers HTTP {answer.status} when asked for tags", status=answer.status)
    try:
        names = read_object(answer.body, limit=_MAX_PAGE, parts=2 * _MAX_TAGS)["tags"]
    except Invalid as error:
        raise BadAnswer(f"{host} answers a list of tags that {error}") from None
    except KeyError:
        raise BadAnswer(f"{host} answers a list of tags that is none") from None
    if names is None:
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadAnswer(f"{host} answers a list of tags that is none")
    return names


def _next(answer: Answer, names: list[str]) -> str | None:
    """The next page: as the Link says; a full page without one may be of a registry that does not write it."""
    if "Link" in answer.headers:
        query = next_query(answer.headers["Link"])
        return f"tags/list?{query}" if query else None
    return f"tags/list?last={quote(names[-1])}&n={_PAGE}" if len(names) == _PAGE else None
