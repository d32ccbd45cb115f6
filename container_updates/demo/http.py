"""The ground both embedded servers stand on: HTTP/1.1 on loopback, a record of every request, and faults on demand."""

import json
import math
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked."""

    method: str
    target: str
    """As sent, with the query."""
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter, None where it was not given."""
        return next(iter(self.query.get(name, ())), None)


@dataclass(frozen=True, slots=True)
class Response:
    """What is sent back. Without a Content-Length header of its own it gets the body's, or ends with the connection."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the status line; infinity: never an answer."""
    pause: float = 0.0
    """Seconds before each part of the body."""


class LogEntry(NamedTuple):
    """One request as it came in. `path` has the query, `headers` names in lower case; status 0: never answered."""

    method: str
    path: str
    status: int
    headers: dict[str, str]


Fault = Callable[[Request, Response], Response]
"""Given a request and the right answer to it, says what is sent instead."""


def json_response(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose body is `document` as JSON."""
    return Response(status, json.dumps(document).encode(), {"Content-Type": "application/json", **(headers or {})})


class Server:
    """A context manager that listens on `port` of `address` (0: any) or on `_unix_socket`, and calls `answer`."""

    def __init__(self, *, address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.log: list[LogEntry] = []
        self.latency = 0.0
        """Seconds before each answer."""
        self._address = address
        self._port = port
        self._unix_socket: str | None = None
        self._tls = tls
        self._faults: list[tuple[Callable[[Request], bool], Fault]] = []
        self._stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._listener: socket.socket | None = None

    def answer(self, request: Request) -> Response:
        """The right answer to `request`; called in a thread of its own for each connection."""
        raise NotImplementedError

    def fail(self, fault: Fault, *, method: str | None = None, path: str = "") -> None:
        """Let `fault` change the answers to requests with this method whose path matches the regular expression."""
        pattern = re.compile(path)
        self._faults.append(
            (lambda request: method in (None, request.method) and bool(pattern.search(request.path)), fault)
        )

    def heal(self) -> None:
        """Take all faults away."""
        self._faults.clear()

    def requests(self, *, method: str | None = None, path: str = "") -> list[LogEntry]:
        """The record's entries with this method whose path matches the regular expression."""
        return [entry for entry in list(self.log) if method in (None, entry.method) and re.search(path, entry.path)]

    @property
    def port(self) -> int:
        """The TCP port; the server must be running."""
        assert self._listener is not None, "the server is not running"  # noqa: S101 - a mistake in the caller's code
        return int(self._listener.getsockname()[1])

    @property
    def netloc(self) -> str:
        """Host and port as in a URL, IPv6 in brackets; the server must be running."""
        return f"[{self._address}]:{self.port}" if ":" in self._address else f"{self._address}:{self.port}"

    def __enter__(self) -> Self:
        if self._unix_socket is not None:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(self._unix_socket)
            self._listener.listen(128)
        else:
            family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
            self._listener = socket.create_server((self._address, self._port), family=family, backlog=128)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopping.set()
        for connection in [self._listener, *self._connections]:
            if connection is not None:
                # shutdown wakes the thread that waits in accept or recv; close alone does not
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                with suppress(OSError):
                    connection.close()

    def respond(self, request: Request) -> Response:
        """The answer with all faults applied; puts the request into the record."""
        response = self.answer(request)
        for matches, fault in list(self._faults):
            if matches(request):
                response = fault(request, response)
        status = 0 if math.isinf(response.delay) else response.status
        self.log.append(LogEntry(request.method, request.target, status, dict(request.headers)))
        return response

    def wait(self, seconds: float) -> None:
        """Let time pass, or until the server stops."""
        if seconds > 0:
            self._stopping.wait(None if math.isinf(seconds) else seconds)
            if self._stopping.is_set():
                raise ConnectionAbortedError

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # a client that goes away, or does not like the certificate, is no news to anybody
        with suppress(OSError, ValueError):
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self._connections.add(connection)
            _Conversation(connection, ("", 0), self)  # type: ignore[arg-type]  # it needs no socketserver
        self._connections.discard(connection)
        with suppress(OSError):
            connection.close()


class _Conversation(BaseHTTPRequestHandler):
    """The requests of one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    server: Server  # type: ignore[assignment]

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        url = urlsplit(self.path)
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 1 << 20))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = parse_qs(url.query, keep_blank_values=True)
        request = Request(self.command, self.path, url.path, query, headers, body)
        response = self.server.respond(request)
        self.server.wait(self.server.latency + response.delay)
        self._send(request, response)

    def _send(self, request: Request, response: Response) -> None:
        names = {name.lower() for name in response.headers}
        whole = response.body if isinstance(response.body, bytes) else None
        try:
            phrase = HTTPStatus(response.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [
            f"HTTP/1.1 {response.status} {phrase}",
            *(f"{name}: {value}" for name, value in response.headers.items()),
        ]
        if "content-length" not in names:
            if whole is not None:
                lines.append(f"Content-Length: {len(whole)}")
            else:
                self.close_connection = True
        elif whole is None or len(whole) != int(response.headers.get("Content-Length", -1)):
            self.close_connection = True
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if request.method == "HEAD":
            self.wfile.write(head)
        elif whole is not None and response.pause == 0:
            self.wfile.write(head + whole)
        else:
            self.wfile.write(head)
            parts: Iterable[bytes] = response.body if not isinstance(response.body, bytes) else [response.body]
            for part in parts:
                self.server.wait(response.pause)
                self.wfile.write(part)

    def log_message(self, format: str, *args: object) -> None:
        pass
