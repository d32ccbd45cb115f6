"""All tags of a repository: page by page, bounded, and kept with their ETag (distribution-spec, Listing Tags)."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from container_updates.errors import BadAnswer, NotFound
from container_updates.reference import is_tag
from container_updates.registry.transport import Answer

MAX_PAGE = 16 * 1024 * 1024
_PAGE = 1000
_MAX_PAGES = 100
_MAX_TAGS = 500_000

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
        found.update(dict.fromkeys(filter(is_tag, names)))
        etag = answer.headers.get("ETag", "")[:200] if page == 0 else ""
        path = _next(answer, names)
        headers = {"Accept": "application/json"}
        if path is None or (len(found) == before and page):
            # A registry that says the same again and again has said all.
            return TagList(tuple(found), path is None, now, etag)
        if len(found) > _MAX_TAGS:
            break
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
        names = json.loads(answer.body)["tags"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BadAnswer(f"{host} answers a list of tags that is none") from None
    if names is None:
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadAnswer(f"{host} answers a list of tags that is none")
    return names


def _next(answer: Answer, names: list[str]) -> str | None:
    """The next page: as the Link says; a full page without one may be of a registry that does not write it."""
    link = answer.headers.get("Link", "")
    target, _, relation = link.partition(";")
    if "next" in relation and target.strip().startswith("<"):
        try:
            query = urlsplit(target.strip(" <>")).query
        except ValueError:
            return None
        # Only what it asks for is taken from it, never where: the next page is where this one was.
        return f"tags/list?{query}" if query and query.isprintable() and len(query) < 2000 else None
    return f"tags/list?last={quote(names[-1])}&n={_PAGE}" if len(names) == _PAGE else None
