"""GET and HEAD to an engine's socket: bounded in time and size, and failing with words that say what to do."""

import http.client
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from math import inf
from typing import Any
from urllib.parse import urlencode

from container_updates.clock import Deadline
from container_updates.errors import InventoryError
from container_updates.inventory.connections.failures import ANOTHER, one_line, silent, words
from container_updates.inventory.connections.sockets import Endpoint, endpoint
from container_updates.model import RequestRecord
from container_updates.settings import Settings
from container_updates.untrusted import jsonstream
from container_updates.untrusted.urls import without_login

MiB = 1024 * 1024
_ITEMS = ("items",)
_LISTED = (_ITEMS, ("metadata", "continue"))
"""What counts of a Kubernetes list: its elements, and where the next page begins."""
_CHUNK = 64 * 1024
_CHUNKS_AHEAD = 16
_POLL = 0.2
"""Seconds after which a deadline that a signal moved is noticed."""


class Refused(InventoryError):
    """The engine, or a proxy before it, answered with another status than 200."""

    def __init__(self, words: str, status: int, told: Mapping[str, Any] | None = None) -> None:
        super().__init__(words)
        self.status = status
        self.told = told or {}
        """The JSON object that came with it, an empty one for anything else."""


class Connection:
    """One engine's HTTP side; usable from several threads."""

    def __init__(
        self, url: str, *, settings: Settings, deadline: Deadline, patience: float = inf, at: Endpoint | None = None
    ) -> None:
        """Connect to nothing yet; raises `InventoryError` for a URL or TLS files that lead nowhere.

        `patience`: seconds that each request may take.
        """
        self.shown = without_login(url).rstrip("/")
        self.requests: list[RequestRecord] = []
        self.deadline = deadline
        self.patience = patience
        self._endpoint = at or endpoint(url, self.shown, settings)
        self._what = "API server" if at else ""
        self._idle: list[_Client] = []
        self._last: threading.Thread | None = None
        self._lock = threading.Lock()

    def get(
        self,
        path: str,
        limit: int,
        params: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> "EngineAnswer":
        """Start `GET path` and return its answer to come, at most `limit` bytes of it."""
        return EngineAnswer(self, path, limit, params or {}, headers=headers or {})

    def head(self, path: str, params: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
        """Return status and headers of `HEAD path`, names in any case; raises `InventoryError`."""
        return EngineAnswer(self, path, 0, params, "HEAD").headed()

    def close(self) -> None:
        """End what was started for it; requests under way fail."""
        self._endpoint.close()

    def _start(self, read: Callable[[threading.Thread | None], None]) -> None:
        """Let a thread begin, which is given the one that it has to wait for where all share one connection."""
        with self._lock:
            reader = threading.Thread(target=read, args=(self._last,), daemon=True)
            self._last = reader if self._endpoint.one_by_one else None
            try:
                reader.start()
            except RuntimeError:
                raise InventoryError(f"{self.shown} cannot be asked: this system has no more threads for us") from None

    def _exchange(
        self, method: str, target: str, more: Mapping[str, str], deadline: Deadline
    ) -> "tuple[_Client, http.client.HTTPResponse]":
        """Send a request, on a connection that is open already where there is one; raises what http.client raises."""
        headers = {
            "Host": self._endpoint.host,
            "Accept-Encoding": "identity",
            "User-Agent": "check_container_updates",
            **self._endpoint.headers,
            **more,
        }
        while True:
            used = True
            try:
                client = self._idle.pop()
            except IndexError:
                client, used = _Client(self._endpoint, deadline), False
            try:
                if used:
                    client.sock.settimeout(max(deadline.remaining(), 0.001))
                client.request(method, self._endpoint.path + target, headers=headers)
                return client, client.getresponse()
            except (ConnectionError, http.client.BadStatusLine):
                client.close()
                if not used:  # the engine may have closed an idle one in the meantime
                    raise
            except BaseException:
                client.close()
                raise

    def _keep(self, client: "_Client") -> None:
        """Keep a connection whose answer was read to its end, unless the engine closes it."""
        if client.sock is not None:
            self._idle.append(client)


class EngineAnswer:
    """A request under way, read by a thread of its own: no silent or dripping socket can outlast the deadline."""

    def __init__(
        self,
        connection: Connection,
        path: str,
        limit: int,
        params: Mapping[str, str],
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._connection = connection
        self._method = method
        self._left = False
        self._deadline = connection.deadline.within(connection.patience)
        self._path = path
        self._limit = limit
        self._left_at_start = self._deadline.remaining()
        self._parts: queue.Queue[Any] = queue.Queue(_CHUNKS_AHEAD)
        self.headers: Mapping[str, str] = {}
        self._headers = headers or {}
        self._target = f"{path}?{urlencode(params)}" if params else path
        connection._start(self._read)

    def json(self) -> Any:
        """Return the decoded answer; raises `InventoryError`, of kind `Refused` for a status that is not 200."""
        try:
            return jsonstream.value(self._body())
        except ValueError as error:
            raise self._not_an_engine(str(error)) from None

    def records(self, most: int) -> Iterator[Any]:
        """Yield the elements of the array answered, one at a time and at most `most`; raises like `json`."""
        try:
            for count, record in enumerate(jsonstream.elements(self._body())):
                if count >= most:
                    raise InventoryError(f"{self._name}: more than {most} records")
                yield record
        except ValueError as error:
            raise self._not_an_engine(str(error)) from None

    def items(self, most: int, rest: dict[str, Any]) -> Iterator[Any]:
        """Yield the elements of the object's array `items`, the other members in `rest`; raises like `json`."""
        try:
            count = 0
            for path, value in jsonstream.picked(self._body(), _LISTED):
                if path == _ITEMS:
                    count += 1
                    if count > most:
                        raise InventoryError(f"{self._name}: more than {most} records")
                    yield value
                else:
                    rest[path[0]] = {path[1]: value}
        except ValueError as error:
            raise self._not_an_engine(str(error)) from None

    def stream(self) -> Generator[bytes, None, None]:
        """Yield the bytes as they come; raises like `json`. Close it: a stream left unread blocks the engine."""
        try:
            yield from self._body()
        finally:
            self._left = True

    def headed(self) -> tuple[int, Mapping[str, str]]:
        """Return status and headers, whatever the status; raises `InventoryError` where nothing came."""
        status, note = None, ""
        try:
            status, self.headers = self._next()
            return status, self.headers
        except InventoryError as error:
            note = str(error)
            raise
        finally:
            self._record(status, note)

    @property
    def _name(self) -> str:
        return f"{self._connection.shown}, {self._method} {self._path}"

    def _record(self, status: int | None, note: str) -> None:
        seconds = self._left_at_start - self._deadline.remaining()
        url = self._connection.shown + self._path
        self._connection.requests.append(RequestRecord(self._method, url, status, seconds, note))

    def _body(self) -> Iterator[bytes]:
        status, note = None, ""
        try:
            status, self.headers = self._next()
            if status != 200:
                text = self._first_bytes()
                raise Refused(self._refusal(status, text), status, _object(text))
            size = 0
            while (chunk := self._next()) is not None:
                size += len(chunk)
                if size > self._limit:
                    raise InventoryError(f"{self._name}: answers more than {self._limit // MiB} MiB")
                yield chunk
        except InventoryError as error:
            note = str(error)
            raise
        finally:
            self._record(status, note)

    def _next(self) -> Any:
        while not self._deadline.passed():
            try:
                part = self._parts.get(timeout=min(_POLL, self._deadline.remaining()))
            except queue.Empty:
                continue
            if isinstance(part, InventoryError):
                raise part
            if isinstance(part, Exception):
                complaint = self._connection._endpoint.complaint()
                if complaint and not isinstance(part, TimeoutError):
                    raise InventoryError(f"no engine at {self._connection.shown}: {complaint}") from None
                raise InventoryError(words(part, self._connection.shown, self._path, self._connection._what)) from None
            return part
        raise InventoryError(silent(self._connection.shown, self._path))

    def _first_bytes(self) -> str:
        first = self._next()
        return first.decode("utf-8", "replace") if first else ""

    def _refusal(self, status: int, text: str) -> str:
        shown = self._connection.shown
        if status in (401, 403):
            return f"permission denied by {shown}: HTTP {status} for GET {self._path} (a socket proxy must let it pass)"
        if "HTTPS server" in text:
            return f"{shown} wants TLS: --tls-ca, --tls-cert, --tls-key or DOCKER_CERT_PATH"
        try:
            message = jsonstream.value(iter([text.encode()]))["message"]
        except (ValueError, TypeError, KeyError):
            if status == 404 or _looks_like_html(text):
                return self._no_engine("HTML" if _looks_like_html(text) else f"HTTP {status} for GET {self._path}")
            message = "no reason given"
        return f"{self._name}: HTTP {status}: {one_line(message)}"

    def _not_an_engine(self, reason: str) -> InventoryError:
        return InventoryError(self._no_engine("HTML" if reason == "HTML" else f"GET {self._path}: {reason}"))

    def _no_engine(self, reason: str) -> str:
        return f"{self._connection.shown} answers, but is no Docker Engine ({reason}); {ANOTHER}"

    def _read(self, before: threading.Thread | None) -> None:
        """Hand on status and headers, then chunks, then None; or the exception that came instead."""
        connection = self._connection
        try:
            if before is not None:
                before.join(self._deadline.remaining())
            client, response = connection._exchange(self._method, self._target, self._headers, self._deadline)
            whole = False
            try:
                whole = self._hand_on((response.status, response.headers)) and self._read_body(response)
            finally:
                response.close()
                connection._keep(client) if whole and not response.will_close else client.close()
        except Exception as error:  # a thread has nobody else to tell
            self._hand_on(error)

    def _read_body(self, response: http.client.HTTPResponse) -> bool:
        """Hand on the body and None; False where it was not read to its end, because nobody wants it any more.

        Not decoded: nothing compressed was asked for, so that a decompression bomb is just no JSON.
        """
        while chunk := response.read1(_CHUNK):
            if not self._hand_on(chunk):
                return False
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        return self._hand_on(None)

    def _hand_on(self, part: object) -> bool:
        """Put a part where the asking thread waits; False where nobody wants it any more."""
        while not self._left and not self._deadline.passed():
            try:
                self._parts.put(part, timeout=_POLL)
            except queue.Full:
                continue
            return True
        return False


class _Client(http.client.HTTPConnection):
    """HTTP over a socket that somebody else makes."""

    def __init__(self, endpoint: Endpoint, deadline: Deadline) -> None:
        super().__init__("localhost")  # only a name: the header `Host` is the endpoint's
        self._endpoint = endpoint
        self._deadline = deadline

    def connect(self) -> None:
        """Take the endpoint's socket in the place of one of http.client's own."""
        self.sock = self._endpoint.connect(self._deadline)

    def __del__(self) -> None:
        self.close()


def _object(text: str) -> dict[str, Any]:
    try:
        value = jsonstream.value(iter([text.encode()]))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _looks_like_html(text: str) -> bool:
    return text.lstrip()[:1] == "<"
