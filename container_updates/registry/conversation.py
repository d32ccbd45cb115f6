"""What is asked of a registry host over a run: a first question alone, then many at once, until it has had enough."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from container_updates.clock import Clock, Deadline, rfc3339
from container_updates.errors import (
    BadAnswer,
    Inconclusive,
    NoCertificate,
    NoHttp,
    NoTls,
    PlainText,
    RateLimited,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from container_updates.registry.hosts import Endpoint, Hosts
from container_updates.registry.http.exchange import Answer, Transport
from container_updates.registry.http.headers import remaining, retry_at
from container_updates.registry.login.authorization import Auth, Place, Reply
from container_updates.untrusted.addresses import is_loopback

if TYPE_CHECKING:
    from container_updates.state.store import Store

_AT_ONCE = 8
_POLITE = 3.0
"""Seconds that the others wait for the answer to a host's first question: only that path may be slow."""
_WORDS = {
    410: "says that {} is gone for good",
    412: "holds {} back by a rule of its own, about vulnerabilities or signatures for instance",
    451: "does not give {} out for legal reasons",
}
"""Final answers that mean neither that something is there nor that it is not."""
_SCHEME_KEPT = 7 * 86400.0


@dataclass(slots=True)
class _Host:
    """What this run knows of a host."""

    scheme: str | None = None
    asked: bool = False
    heard: bool = False
    """It has answered in this run, by the scheme that works."""
    followed: bool = False
    """It may be asked without verified TLS, as it is in an insecure network of the engine."""
    answered: threading.Event = field(default_factory=threading.Event)
    at_once: threading.Semaphore | None = None
    limited: RateLimited | None = None
    pulls_left: int | None = None


class Conversation:
    """Asks endpoints, satisfies what they demand, and says in our own errors why there is no answer."""

    def __init__(
        self, *, transport: Transport, auth: Auth, hosts: Hosts, store: "Store", clock: Clock, deadline: Deadline
    ) -> None:
        self._transport = transport
        self._where = hosts
        self._auth = auth
        self._store = store
        self._clock = clock
        self._deadline = deadline
        self._lock = threading.Lock()
        self._hosts: dict[Endpoint, _Host] = {}
        self.ratelimit_remaining: int | None = None

    def place(self, endpoint: Endpoint) -> Place:
        """The endpoint with the scheme that works there, as far as it is known."""
        return _place(endpoint, self._host(endpoint).scheme or endpoint.schemes[0])

    def ask(
        self, endpoint: Endpoint, method: str, path: str, *, repository: str, headers: Mapping[str, str], limit: int
    ) -> Answer:
        """Return the endpoint's answer to a question about a repository, whatever its status below 500.

        Only 401 and 403 (`Unauthorized`, after a token of the repository's own was tried), 429 (`RateLimited`, also
        for all later questions) and 5xx but 501 (`Unreachable`) are errors here. `path` begins with a slash.
        """
        host = self._host(endpoint)
        with self._turn(endpoint, host):
            self._stop_if_limited(endpoint, host, repository, method, path)
            return self._tried(endpoint, host, method, path, repository, headers, limit)

    def _tried(
        self,
        endpoint: Endpoint,
        host: _Host,
        method: str,
        path: str,
        repository: str,
        headers: Mapping[str, str],
        limit: int,
    ) -> Answer:
        """Ask by each scheme that may work there until one does."""
        schemes = self._schemes(endpoint, host)
        doubtful: Reply | None = None
        failures: list[Inconclusive] = []

        def heard(answer: Answer) -> None:
            self._count(host, answer)
            if answer.status != 400:  # what servers say to http where they speak TLS
                host.heard = True
                host.answered.set()  # those who wait have their answer; the token they ask for together

        while True:
            place = _place(endpoint, schemes.pop(0))
            try:
                reply = self._auth.ask(
                    place, method, endpoint.prefix + path, repository, headers=headers, limit=limit, heard=heard
                )
            except (Unreachable, TimedOut, NoHttp) as error:
                failures.append(error)
                if not (schemes or host.heard or host.followed) and self._where.follow_engine(endpoint, error):
                    host.followed, host.scheme = True, None
                    self._transport.forget(endpoint.host)
                    schemes = self._schemes(endpoint, host)
                if doubtful and not schemes:
                    return self._judged(endpoint, host, repository, doubtful)
                if not schemes or host.heard or self._deadline.passed():
                    raise _most_telling(failures) from None
            except RateLimited as error:  # by the token server
                raise self._limit(endpoint, host, repository, error.retry_at) from None
            else:
                if reply.answer.status != 400 or not schemes:
                    self._works(endpoint, host, place.scheme)
                    return self._judged(endpoint, host, repository, reply)
                doubtful = reply

    def _judged(self, endpoint: Endpoint, host: _Host, repository: str, reply: Reply) -> Answer:
        answer, status = reply.answer, reply.answer.status
        who = endpoint.host if reply.place.host == endpoint.host else f"{reply.place.host} (for {endpoint.host})"
        if status in (401, 403):
            why = self._auth.refusal(reply, repository)
            raise Unauthorized(f"{who} refuses {repository}: {why} (HTTP {status})", status=status)
        if status == 429:
            until = retry_at(answer.headers.get("Retry-After"), self._clock.now(), answer.body)
            raise self._limit(endpoint, host, repository, until)
        if status >= 500 and status != 501:
            raise Unreachable(f"{who}: server error (HTTP {status})", status=status)
        if 300 <= status < 400 and status != 304:  # which is an answer to a question with an ETag
            raise BadAnswer(f"{who} answers with a redirect without Location (HTTP {status})", status=status)
        if status in _WORDS:
            raise BadAnswer(f"{who} {_WORDS[status].format(repository)} (HTTP {status})", status=status)
        return answer

    @contextmanager
    def _turn(self, endpoint: Endpoint, host: _Host) -> Iterator[None]:
        """Let one thread find out what the host demands while the others wait for that, then some at once."""
        with self._lock:
            first, host.asked = not host.asked, True
        known = self._auth.knows(endpoint.host) and (host.scheme or self._store.get("scheme", endpoint.host))
        if not (first or known):
            host.answered.wait(min(_POLITE, self._deadline.remaining()))
        if host.at_once and not host.at_once.acquire(timeout=self._deadline.remaining()):
            raise TimedOut(f"{endpoint.host} did not answer in time")
        try:
            yield
        finally:
            if host.at_once:
                host.at_once.release()
            if first:
                host.answered.set()

    def _host(self, endpoint: Endpoint) -> _Host:
        with self._lock:
            if endpoint not in self._hosts:
                limit = at_once(endpoint)
                host = _Host(at_once=threading.Semaphore(limit) if limit else None)
                if len(endpoint.schemes) == 1:
                    host.scheme = endpoint.schemes[0]
                self._hosts[endpoint] = host
            return self._hosts[endpoint]

    def _schemes(self, endpoint: Endpoint, host: _Host) -> list[str]:
        if host.scheme:
            return [host.scheme]
        kept = self._store.get("scheme", endpoint.host) or b""
        schemes = ("https", "http") if host.followed else endpoint.schemes
        return sorted(schemes, key=lambda scheme: scheme.encode() != kept)

    def _works(self, endpoint: Endpoint, host: _Host, scheme: str) -> None:
        if host.scheme is None:
            host.scheme = scheme
            self._store.put("scheme", endpoint.host, scheme.encode(), _SCHEME_KEPT)

    def _count(self, host: _Host, answer: Answer) -> None:
        left = remaining(answer.headers.get("ratelimit-remaining"))
        if left is not None:
            host.pulls_left = left
            with self._lock:
                known = self.ratelimit_remaining
                self.ratelimit_remaining = left if known is None else min(left, known)

    def _stop_if_limited(self, endpoint: Endpoint, host: _Host, repository: str, method: str, path: str) -> None:
        if host.limited is None:
            host.limited = self._remembered_limit(endpoint, repository)
        if host.limited:
            raise host.limited
        if host.pulls_left == 0 and method == "GET" and "/manifests/" in path:
            # A GET of a manifest counts as a pull at Docker Hub, a HEAD does not: the 429 would end the HEADs, too.
            raise RateLimited(f"{endpoint.host} has no pulls left for now", retry_at=retry_at(None, self._clock.now()))

    def _limit(self, endpoint: Endpoint, host: _Host, repository: str, until: datetime | None) -> RateLimited:
        until = until or retry_at(None, self._clock.now())
        seconds = (until - self._clock.now()).total_seconds()
        if seconds > 0:
            key = self._limit_key(endpoint, repository)
            self._store.put("ratelimit", key, json.dumps(until.timestamp()).encode(), seconds)
        host.limited = _limited(endpoint.host, until)
        return host.limited

    def _remembered_limit(self, endpoint: Endpoint, repository: str) -> RateLimited | None:
        kept = self._store.get("ratelimit", self._limit_key(endpoint, repository))
        try:
            until = datetime.fromtimestamp(json.loads(kept), UTC) if kept else None
        except (ValueError, TypeError, OverflowError, OSError):
            return None
        return _limited(endpoint.host, until) if until and until > self._clock.now() else None

    def _limit_key(self, endpoint: Endpoint, repository: str) -> str:
        """Registries count by login, and by address without one."""
        login = self._auth.login(self.place(endpoint), repository)
        return f"{endpoint.host}\n{login.key if login else ''}"


def at_once(endpoint: Endpoint) -> int | None:
    """How many questions an endpoint is asked at the same time; None for any number."""
    return None if endpoint.mirror or is_loopback(endpoint.host) else _AT_ONCE


def _place(endpoint: Endpoint, scheme: str) -> Place:
    return Place(scheme, endpoint.host, endpoint.login_name, endpoint.names)


def _most_telling(failures: list[Inconclusive]) -> Inconclusive:
    """Return what is wrong, of why http and https gave no answer: no TLS is no news of a plain registry."""
    secure = next((one for one in failures if isinstance(one, NoTls)), None)
    plain = next((one for one in failures if not isinstance(one, NoTls)), None)
    if secure is None or plain is None:
        return failures[0]
    certain = isinstance(secure, NoCertificate) or (isinstance(plain, NoHttp) and not isinstance(secure, PlainText))
    return secure if certain else plain


def _limited(host: str, until: datetime) -> RateLimited:
    return RateLimited(f"{host} answers no more questions before {rfc3339(until)}", status=429, retry_at=until)
