"""What stands before registries in the field: one host for several of them, that hides things or sends people on."""

import http.client
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from .registries import Registry

_HOP = {"connection", "transfer-encoding", "content-length", "host"}


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    authorization: str | None


class Front:
    """A reverse proxy on loopback.

    Repositories under a name of `routes` are at its registry, all else at `registry`. `hidden`: the status that
    strangers get instead of a 401, but for /v2/. `redirect`: the status by which everybody is sent to the registry.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        routes: dict[str, Registry] | None = None,
        hidden: int | None = None,
        redirect: int | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self._registry, self._routes, self._hidden, self._redirect = registry, routes or {}, hidden, redirect
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def name(self) -> str:
        """Host and port as they stand in a reference."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _behind(self, path: str) -> Registry:
        return next((one for name, one in self._routes.items() if path.startswith(f"/v2/{name}/")), self._registry)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                shown = self.headers.get("Authorization")
                front.requests.append(Request(self.command, self.path, shown))
                behind = front._behind(self.path)
                if front._redirect:
                    self._send(front._redirect, [("Location", behind.url + self.path)], b"")
                    return
                connection = http.client.HTTPConnection("127.0.0.1", behind.port, timeout=30)
                connection.putrequest(self.command, self.path, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in _HOP:
                        connection.putheader(name, value)  # several Accepts, too
                connection.endheaders()
                answer = connection.getresponse()
                if answer.status == 401 and front._hidden and shown is None and self.path != "/v2/":
                    self._send(front._hidden, [], b"")
                else:
                    headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
                    self._send(answer.status, headers, answer.read(), answer.getheader("Content-Length"))
                connection.close()

            do_HEAD = do_GET  # noqa: N815

            def _send(
                self, status: int, headers: list[tuple[str, str]], body: bytes, length: str | None = None
            ) -> None:
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", length or str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler
