"""One HTTP exchange: bounded in time, size and redirects, and written down; it knows nothing of registries.

`connections`, and with it requests and urllib3, is imported by the first request of a run: a run whose answers are
known sends none, and those two packages cost more than all the rest of it.
"""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from container_updates import __version__
from container_updates.clock import Clock, Deadline
from container_updates.errors import BadAnswer, Inconclusive, NoConnection, NoTls, TimedOut, Unreachable
from container_updates.model import RequestRecord
from container_updates.registry.hosts import Hosts, Tls, authority
from container_updates.registry.http.headers import remaining, said
from container_updates.registry.http.room import LARGE, Room

if TYPE_CHECKING:
    from requests import Response

    from container_updates.registry.http.connections import Adapter
    from container_updates.state.store import Store

_MAX_REDIRECTS = 5
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0
_ANSWER_SECONDS = 20.0
_ERRORS_KEPT = 60.0
_SILENT = 2
"""Paths without an answer after which a host that never gave one is not asked again."""
_SHORTEST_PAUSE, _SHORT_PAUSE, _LONGEST_PAUSE = 0.25, 1.0, 5.0
"""Seconds before a 429 is asked again: at least; where it does not say; and at most."""
_MAX_ERROR_BODY = 64 * 1024
_CHUNK = 64 * 1024
_HEADERS = {"User-Agent": f"check_container_updates/{__version__}", "Accept-Encoding": "identity"}


class Answer(NamedTuple):
    """What came back, wholly read."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes
    url: str = ""
    """Where it came from in the end."""


class Transport:
    """Sends requests from many threads; connections are kept, hosts that do not answer are not asked again."""

    def __init__(self, hosts: Hosts, store: "Store", clock: Clock, deadline: Deadline, jobs: int) -> None:
        self._hosts = hosts
        self._store = store
        self._clock = clock
        self._deadline = deadline
        self._jobs = jobs
        self.room = Room(deadline)
        """For what is read, and what comes of it, until the turn of the thread that reads is over."""
        self._lock = threading.Lock()
        self._adapters: dict[Tls | None, Adapter] = {}
        self._dead: dict[str, Inconclusive] = {}
        self._recalled: set[str] = set()
        self._silent: dict[str, int] = {}
        """Origins to the questions that they left open; -1 once they answered one."""
        self._proxy = lru_cache(maxsize=None)(hosts.proxies.of)
        self.requests: list[RequestRecord] = []

    def send(
        self,
        method: str,
        url: str,
        *,
        asked: str,
        headers: Mapping[str, str],
        limit: int,
        form: Mapping[str, str] | None = None,
        elsewhere: Callable[[str], str | None] = lambda url: None,
    ) -> Answer:
        """Return the answer to a request made on behalf of the registry host `asked`; a body has at most `limit` bytes.

        A connection that breaks, a server error and a 429 that is over in a moment are tried once more. Redirects of
        GET and HEAD are followed, 5 at most; once they lead to another place, with the Authorization that `elsewhere`
        has for that URL. Raises `Unreachable`, `TimedOut`, `BadAnswer`.
        """
        for _ in range(_MAX_REDIRECTS + 1):
            answer = self._twice(method, url, asked, headers, limit, form)
            location = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not location or form is not None:
                return answer
            target = self._redirected(url, location)
            if _origin(target) != _origin(url):
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
                if shown := elsewhere(target):
                    headers["Authorization"] = shown
            url = target
        raise BadAnswer(f"{asked} answers with more than {_MAX_REDIRECTS} redirects", status=answer.status)

    def _redirected(self, url: str, location: str) -> str:
        try:
            target = urljoin(url, location)
            parts = urlsplit(target)
            _ = parts.port
        except ValueError:
            raise BadAnswer("a redirect to what is no URL") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise BadAnswer("a redirect to what is no http or https URL")
        here, host = urlsplit(url), authority(parts.scheme, parts.netloc)
        reason = self._hosts.objection(here.scheme, authority(here.scheme, here.netloc), parts.scheme, host)
        if reason:
            raise BadAnswer(f"a redirect to a server {reason}: {host}")
        return target

    def _twice(
        self,
        method: str,
        url: str,
        asked: str,
        headers: Mapping[str, str],
        limit: int,
        form: Mapping[str, str] | None,
    ) -> Answer:
        self._recall(url)
        for last in (False, True):
            try:
                answer = self._once(method, url, asked, headers, limit, form)
            except Unreachable as error:
                if last or isinstance(error, NoTls):
                    self._bury(url, error)
                    raise
            except TimedOut as error:
                self._bury(url, error)
                raise
            else:
                self._silent[_origin(url)] = -1
                again = 0.0 if answer.status >= 500 and answer.status not in (501, 505) else self._moment(answer)
                if last or again is None:
                    return answer
                self._clock.pause(again)
            self._recall(url)
        raise AssertionError

    def _moment(self, answer: Answer) -> float | None:
        """The seconds after which a 429 is over, if that is a moment and the time is there; else None."""
        if answer.status != 429 or remaining(answer.headers.get("ratelimit-remaining")) == 0:
            return None
        seconds = said(answer.headers.get("Retry-After"), self._clock.now(), answer.body)
        seconds = _SHORT_PAUSE if seconds is None else max(seconds, _SHORTEST_PAUSE)
        return seconds if seconds <= _LONGEST_PAUSE and seconds < self._deadline.remaining() else None

    def forget(self, host: str) -> None:
        """Ask a host again that was not asked in the way in which it answers."""
        self._dead.pop(f"https://{host}", None)

    def _recall(self, url: str) -> None:
        """Raise what is known of a host or a path that does not answer: in this run, or within the last minute."""
        if self._deadline.passed():
            raise TimedOut("the time for the whole check was up")
        for place in (_origin(url), url):
            if place not in self._recalled and "?" not in place:
                self._recalled.add(place)
                with suppress(ValueError, TypeError):
                    code, reason = json.loads(self._store.get("error", place) or "")
                    self._dead[place] = (TimedOut if code == TimedOut.code else Unreachable)(str(reason))
            if place in self._dead:
                raise self._dead[place]

    def _bury(self, url: str, error: Inconclusive) -> None:
        """Remember a host to which there is no connection; else a path: the others may be as quick as ever."""
        if self._deadline.passed():
            return  # it had no time to answer, which proves nothing
        origin = _origin(url)
        place = origin if isinstance(error, NoConnection | NoTls) else url
        self._dead[place] = error
        if not isinstance(error, NoTls) and "?" not in place:  # whoever corrects a CA file wants to see that at once
            self._store.put("error", place, json.dumps([error.code, error.reason]).encode(), _ERRORS_KEPT)
        if place == url and self._silent.get(origin, 0) >= 0:
            self._silent[origin] = self._silent.get(origin, 0) + 1
            if self._silent[origin] >= _SILENT:
                self._dead[origin] = error  # for this run: it has not said a word in it

    def _once(
        self,
        method: str,
        url: str,
        asked: str,
        headers: Mapping[str, str],
        limit: int,
        form: Mapping[str, str] | None,
    ) -> Answer:
        from container_updates.registry.http import connections
        from container_updates.registry.http.failures import explain

        parts = urlsplit(url)
        host = authority(parts.scheme, parts.netloc)
        seen = parts._replace(query="", fragment="").geturl()
        started = self._clock.steady()
        until = min(_ANSWER_SECONDS, self._deadline.remaining())
        status: int | None = None
        proxy = self._proxy(parts.scheme, host)
        try:
            tls = self._hosts.tls(host, asked) if parts.scheme == "https" else None
            with connections.time_left(lambda: started + until - self._clock.steady(), _READ_SECONDS):
                response = self._adapter(tls).send(
                    connections.prepare(method, url, {**_HEADERS, **headers}, form),
                    stream=True,
                    timeout=(max(0.001, min(_CONNECT_SECONDS, until)), max(0.001, min(_READ_SECONDS, until))),
                    verify=tls is None or tls.verified,
                    proxies={parts.scheme: proxy.url} if proxy else {},
                )
                try:
                    status = response.status_code
                    if status == 407 and proxy:
                        raise NoConnection(f"{proxy} wants a login", status=status)
                    answer = Answer(status, response.headers, _read(response, method, host, limit, self.room), url)
                except BaseException:
                    response.close()
                    raise
        except connections.FAILURES as error:
            failure = explain(error, host, proxy)
            if self._deadline.passed():
                failure = TimedOut(f"the time for the whole check was up before {host} had answered")
            self._record(method, seen, status, started, failure.reason)
            raise failure from None
        self._record(method, seen, status, started, "")
        return answer

    def _record(self, method: str, url: str, status: int | None, started: float, note: str) -> None:
        self.requests.append(RequestRecord(method, url, status, self._clock.steady() - started, note))

    def _adapter(self, tls: Tls | None) -> "Adapter":
        from container_updates.registry.http.connections import Adapter

        with self._lock:
            if tls not in self._adapters:
                self._adapters[tls] = Adapter(tls, self._jobs)
            return self._adapters[tls]


def _read(response: "Response", method: str, host: str, limit: int, room: Room) -> bytes:
    """The body, at most `limit` bytes; of an error answer what fits."""
    failed = response.status_code >= 300
    if failed:
        limit = _MAX_ERROR_BODY
    announced = response.headers.get("Content-Length", "")
    length = int(announced) if announced.isdecimal() and len(announced) < 20 else None
    if method == "HEAD":
        response.raw.read(1)  # nothing comes; this gives the connection back
        return b""
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        raise BadAnswer(f"{host} answers in an encoding that was not asked for", status=response.status_code)
    body, taken = bytearray(), 0
    if length is None or length <= limit or failed:
        while chunk := response.raw.read(min(_CHUNK, limit + 1 - len(body)), decode_content=False):
            body += chunk
            if len(body) > limit:
                break
            if len(body) > LARGE and not taken:
                taken = room.take(min(limit, length or limit))
    room.correct(taken, len(body))
    if len(body) > limit or (length or 0) > limit:
        response.close()
        if not failed:
            raise BadAnswer(f"{host} answers with more than {limit} bytes")
        return bytes(body[:limit])
    if length is not None and len(body) < length:
        raise BadAnswer(f"{host} answers with {len(body)} of the {length} bytes it announced")
    return bytes(body)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{authority(parts.scheme, parts.netloc)}"
