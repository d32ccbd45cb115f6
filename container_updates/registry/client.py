"""The registry client: what a tag names today, and what lies behind a digest."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import quote

from container_updates.clock import Clock, Deadline
from container_updates.errors import BadAnswer, Inconclusive, NotFound, Unresolvable
from container_updates.model import Problem, RequestRecord
from container_updates.reference import Reference, is_digest
from container_updates.registry import manifests
from container_updates.registry.conversation import Conversation, at_once
from container_updates.registry.hosts import Endpoint, Hosts
from container_updates.registry.http.exchange import Answer, Transport
from container_updates.registry.http.headers import http_date
from container_updates.registry.http.room import LARGE
from container_updates.registry.login.authorization import Auth
from container_updates.registry.login.credentials import Credentials
from container_updates.registry.manifests import ACCEPT, MAX_MANIFEST, Manifest
from container_updates.registry.single_flight import Once

if TYPE_CHECKING:
    from container_updates.state.store import Store

_ACCEPT = {"Accept": ", ".join(ACCEPT)}
_ANY = {"Accept": "*/*"}
_SMALL = 64 * 1024
_ERRORS_KEPT = 60.0
_NO_HEAD = frozenset({404, 405, 501})

T = TypeVar("T")


class Published(NamedTuple):
    """What a tag names in its registry."""

    digest: str
    last_modified: datetime | None
    """When the registry says it was put there (`Last-Modified`), if it does."""
    mirror: str | None
    """The mirror that answered instead of the registry: its host, and path where it has one."""


class Registry:
    """Asks registries, from many threads at once; each question is asked once a run.

    Every method raises a subclass of `Inconclusive` where no answer can be believed, `NotFound` for a 404.
    """

    def __init__(
        self,
        *,
        hosts: Hosts,
        credentials: Credentials,
        store: "Store",
        clock: Clock,
        deadline: Deadline,
        cache_ttl: float,
        jobs: int = 32,
    ) -> None:
        self._hosts = hosts
        self._credentials = credentials
        self._store = store
        self.cache_ttl = cache_ttl
        self._transport = Transport(hosts, store, clock, deadline, jobs)
        self._auth = Auth(
            transport=self._transport,
            hosts=hosts,
            credentials=credentials,
            store=store,
            clock=clock,
            deadline=deadline,
        )
        self._conversation = Conversation(
            transport=self._transport, auth=self._auth, hosts=hosts, store=store, clock=clock, deadline=deadline
        )
        self._published: Once[Published] = Once(deadline)
        self._contents: Once[bytes] = Once(deadline, keeps=lambda content: len(content) <= LARGE)
        self._lists: Once[Any] = Once(deadline, keeps=lambda found: getattr(found, "size", 0) <= LARGE)
        self.clock = clock
        self._silent: dict[str, Problem] = {}

    @property
    def requests(self) -> list[RequestRecord]:
        """Everything that was asked, token requests included."""
        return self._transport.requests

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with a file, a helper or a mirror rather than with one image."""
        return [*self._hosts.problems, *self._credentials.problems, *self._silent.values()]

    @property
    def ratelimit_remaining(self) -> int | None:
        """The smallest `ratelimit-remaining` that a registry said; None if none did."""
        return self._conversation.ratelimit_remaining

    def turn(self) -> AbstractContextManager[None]:
        """All that this thread asks about one subject: large answers have their room in memory until its end."""
        return self._transport.room.turn()

    def at_once(self, registry: str) -> int | None:
        """How many questions about this registry may be open at the same time; None for no limit of its own."""
        with suppress(Inconclusive):
            return at_once(self._hosts.endpoints(registry)[0])
        return None

    def expect(self, references: Iterable[Reference]) -> None:
        """Announce what the run will ask for, so that one token request a registry can name it all."""
        repositories: defaultdict[str, set[str]] = defaultdict(set)
        for reference in references:
            with suppress(Inconclusive):  # said when it is asked for
                for endpoint in self._hosts.endpoints(reference.registry, reference.repository):
                    repositories[endpoint.login_name].add(reference.repository)
        for login_name, names in repositories.items():
            self._auth.expect(login_name, names)

    def published(self, reference: Reference) -> Published:
        """What the reference's tag names today, by HEAD; by GET and the body's hash where HEAD does not say it."""
        if reference.tag is None:
            raise Unresolvable("a digest alone has no tag to ask for")
        key = (reference.registry, reference.repository, reference.tag)
        return self._published.get(key, lambda: self._find_published(reference))

    def manifest(self, reference: Reference, digest: str) -> Manifest:
        """The manifest or index with this digest, verified against it; kept for good."""

        def ask(endpoint: Endpoint) -> bytes:
            answer = self._get_manifest(endpoint, reference, digest)
            manifest = manifests.parse(answer.body, answer.headers.get("Content-Type"), digest)
            return f"{manifest.media_type}\n".encode() + answer.body

        kept = self._content("manifest", reference, digest, ask)
        media_type, _, body = kept.partition(b"\n")
        return manifests.parse(body, media_type.decode("latin-1"), digest)

    def has(self, reference: Reference, digest: str) -> bool:
        """Whether the registry itself, not a mirror, has a manifest by this digest now; False where it does not say."""
        *_, upstream = self._hosts.endpoints(reference.registry, reference.repository)
        try:
            answer = self._ask(upstream, "HEAD", reference.repository, f"manifests/{digest}", headers=_ACCEPT)
        except Inconclusive:
            return False
        return answer.status == 200

    def blob(self, reference: Reference, digest: str, limit: int) -> bytes:
        """The blob with this digest, verified against it; kept for good. At most `limit` bytes."""

        def ask(endpoint: Endpoint) -> bytes:
            answer = self._ask(endpoint, "GET", reference.repository, f"blobs/{digest}", limit=limit)
            if answer.status == 404:
                raise NotFound(f"{endpoint.host} does not have the blob {digest}", repository_answers=None)
            _ok(endpoint, answer)
            return _verified(endpoint, answer.body, digest)

        return self._content("blob", reference, digest, ask)

    def once(self, kind: str, reference: Reference, name: str, find: Callable[[], T]) -> T:
        """What `find` returns, asked once a run for a repository and a name in it, however many want to know."""
        found: T = self._lists.get((kind, reference.registry, reference.repository, name), find)
        return found

    def upstream(self, reference: Reference) -> Endpoint:
        """Where the registry itself is asked, none of its mirrors."""
        return self._hosts.endpoints(reference.registry, reference.repository)[-1]

    def trust_server(self, reference: Reference, url: str | None) -> Endpoint:
        """Where Content Trust data of the repository is asked for; `url` as a policy names it."""
        return self._hosts.trust_server(reference.registry, url)

    def get(
        self, reference: Reference, path: str, *, headers: dict[str, str], limit: int, at: Endpoint | None = None
    ) -> Answer:
        """The answer to GET /v2/REPOSITORY/PATH, whatever its status; of a mirror only what it has.

        `at`: of that endpoint instead of the registry's.
        """
        if at is not None:
            return self._ask(at, "GET", reference.repository, path, headers=headers, limit=limit)

        def ask(endpoint: Endpoint) -> Answer:
            answer = self._ask(endpoint, "GET", reference.repository, path, headers=headers, limit=limit)
            if endpoint.mirror and not endpoint.final and answer.status not in (200, 304):
                raise NotFound(f"{endpoint.host} does not have it", repository_answers=None)
            return answer

        return self._first(reference, ask)

    def recall(self, kind: str, reference: Reference, name: str, *, at: Endpoint | None = None) -> bytes | None:
        """What `keep` was given for a name in this repository, by a run with the same login."""
        return self._kept(kind, self._kept_under(reference, name, at))

    def keep(
        self,
        kind: str,
        reference: Reference,
        name: str,
        value: bytes,
        ttl: float | None,
        *,
        at: Endpoint | None = None,
        since: float | None = None,
    ) -> None:
        """Keep an answer for `ttl` seconds; None: for good. `since`: it is of answers that are known for longer."""
        self._store.put(kind, self._kept_under(reference, name, at), value, ttl, since=since)

    def _find_published(self, reference: Reference) -> Published:
        for endpoint in self._hosts.endpoints(reference.registry, reference.repository):
            key = self._key(endpoint, reference, reference.tag or "")
            kept = self._kept("published", key)
            if kept and (published := _unpack(kept, endpoint)):
                return published
        key = self._kept_under(reference, reference.tag or "", None)
        if (kept := self._kept("not-found", key)) and (missing := _unpack_missing(kept)):
            raise missing
        try:
            return self._first(reference, lambda endpoint: self._ask_published(endpoint, reference))
        except NotFound as error:
            value = json.dumps([error.reason, error.repository_answers]).encode()
            self._store.put("not-found", key, value, min(self.cache_ttl, _ERRORS_KEPT))
            raise

    def _ask_published(self, endpoint: Endpoint, reference: Reference) -> Published:
        tag = reference.tag or ""
        answer = self._ask(endpoint, "HEAD", reference.repository, f"manifests/{tag}", headers=_ACCEPT)
        digest = answer.headers.get("Docker-Content-Digest", "").strip()
        if answer.status not in _NO_HEAD:
            _ok(endpoint, answer)
        if answer.status != 200 or not is_digest(digest):
            answer = self._get_manifest(endpoint, reference, tag)
            manifest = manifests.parse(answer.body, answer.headers.get("Content-Type"))
            digest = answer.headers.get("Docker-Content-Digest", "").strip()
            digest = digest if is_digest(digest) else manifest.digest
            value = f"{manifest.media_type}\n".encode() + _verified(endpoint, answer.body, digest)
            self._store.put("manifest", self._key(endpoint, reference, digest), value, None)
        modified = http_date(answer.headers.get("Last-Modified"))
        published = Published(digest, modified, _address(endpoint) if endpoint.mirror else None)
        self._store.put("published", self._key(endpoint, reference, tag), _pack(published), self.cache_ttl)
        return published

    def _get_manifest(self, endpoint: Endpoint, reference: Reference, name: str) -> Answer:
        """GET by tag or digest; a digest's body is verified against it."""
        path = f"manifests/{name}"
        answer = self._ask(endpoint, "GET", reference.repository, path, headers=_ACCEPT, limit=MAX_MANIFEST)
        if answer.status == 404:
            unclear = endpoint.mirror and not endpoint.final
            exists = None if unclear else self._repository_answers(endpoint, reference.repository, answer.body)
            raise NotFound(f"{endpoint.host} has no {reference.repository} {name}", repository_answers=exists)
        _ok(endpoint, answer)
        if is_digest(name):
            _verified(endpoint, answer.body, name)
        return answer

    def _repository_answers(self, endpoint: Endpoint, repository: str, body: bytes) -> bool | None:
        """Whether a repository exists that has just answered 404 (distribution-spec, Error Codes)."""
        code = manifests.error_code(body) or ""
        if code == "NAME_UNKNOWN":
            return False
        # MANIFEST_UNKNOWN alone proves nothing: distribution 2.8 says so of repositories that do not exist, too.
        unclear = True if code == "MANIFEST_UNKNOWN" or code.startswith("TAG") else None
        try:
            status = self._ask(endpoint, "GET", repository, "tags/list?n=1", limit=MAX_MANIFEST).status
        except Inconclusive:
            return unclear
        return {200: True, 404: False}.get(status, unclear)

    def _content(self, kind: str, reference: Reference, digest: str, ask: Callable[[Endpoint], bytes]) -> bytes:
        """What is kept under a digest, or what the first endpoint that has it answers."""

        def find() -> bytes:
            *_, upstream = self._hosts.endpoints(reference.registry, reference.repository)
            key = self._key(upstream, reference, digest)
            kept = self._kept(kind, key)
            if kept is not None and manifests.has_digest(
                kept.partition(b"\n")[2] if kind == "manifest" else kept, digest
            ):
                return kept
            value = self._first(reference, ask)
            self._store.put(kind, key, value, None)
            return value

        if not is_digest(digest):
            raise BadAnswer("what is to be read has no valid digest")
        return self._contents.get((kind, reference.registry, reference.repository, digest), find)

    def _first(self, reference: Reference, ask: Callable[[Endpoint], T]) -> T:
        """What the first endpoint answers that can; the registry's own error if none does."""
        *mirrors, upstream = self._hosts.endpoints(reference.registry, reference.repository)
        for mirror in mirrors:
            try:
                return ask(mirror)
            except Inconclusive as error:
                if not isinstance(error, NotFound):
                    self._silent.setdefault(mirror.host, Problem(mirror.host, error.code, f"mirror: {error.reason}"))
        return ask(upstream)

    def _ask(
        self,
        endpoint: Endpoint,
        method: str,
        repository: str,
        path: str,
        *,
        headers: dict[str, str] = _ANY,
        limit: int = _SMALL,
    ) -> Answer:
        """One question about a repository: /v2/REPOSITORY/PATH."""
        return self._conversation.ask(
            endpoint,
            method,
            f"/v2/{quote(endpoint.names + repository, safe='/:')}/{path}",
            repository=repository,
            headers=headers,
            limit=limit,
        )

    def _kept(self, kind: str, key: str) -> bytes | None:
        """What the store has; before it is read nobody knows whether it is large."""
        taken = self._transport.room.take(MAX_MANIFEST)
        value = self._store.get(kind, key)
        self._transport.room.correct(taken, len(value) if value and len(value) > LARGE else 0)
        return value

    def _kept_under(self, reference: Reference, name: str, at: Endpoint | None) -> str:
        """The key of what any of the registry's endpoints may have answered: it is not that of other mirrors."""
        if at is not None:
            return self._key(at, reference, name)
        *mirrors, upstream = self._hosts.endpoints(reference.registry, reference.repository)
        return "\n".join([self._key(upstream, reference, name), *map(_address, mirrors)])

    def _key(self, endpoint: Endpoint, reference: Reference, name: str) -> str:
        """A cache key; what one login was told is never told to another."""
        login = self._auth.login(self._conversation.place(endpoint), reference.repository)
        parts = [login.key if login else "", name]
        if not is_digest(name):
            parts = [_address(endpoint), reference.repository, *parts]
        return "\n".join(parts)


def _address(endpoint: Endpoint) -> str:
    """Host and path: one host may be a registry, and mirrors of others below it."""
    return f"{endpoint.host}{endpoint.prefix}{'/' + endpoint.names if endpoint.names else ''}"


def _ok(endpoint: Endpoint, answer: Answer) -> None:
    if answer.status != 200:
        raise BadAnswer(f"{endpoint.host} answers HTTP {answer.status}", status=answer.status)


def _verified(endpoint: Endpoint, body: bytes, digest: str) -> bytes:
    if not manifests.has_digest(body, digest):
        raise BadAnswer(f"{endpoint.host} answers content that does not match its digest {digest}")
    return body


def _pack(published: Published) -> bytes:
    modified = published.last_modified
    return json.dumps([published.digest, modified.timestamp() if modified else None]).encode()


def _unpack(kept: bytes, endpoint: Endpoint) -> Published | None:
    try:
        digest, modified = json.loads(kept)
        moment = None if modified is None else datetime.fromtimestamp(modified, UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    if not isinstance(digest, str) or not is_digest(digest):
        return None
    return Published(digest, moment, _address(endpoint) if endpoint.mirror else None)


def _unpack_missing(kept: bytes) -> NotFound | None:
    try:
        reason, repository_answers = json.loads(kept)
    except (ValueError, TypeError):
        return None
    known = repository_answers is not None
    return NotFound(str(reason), repository_answers=bool(repository_answers) if known else None)
