"""Proxies that write down every request, for a unix socket or a TCP port, with a round trip that a test sets."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from typing import Self

_CHUNK = 65536


@dataclass
class RequestLog:
    """Cuts one direction of a connection into HTTP/1.1 requests and keeps method and target of each."""

    requests: list[tuple[str, str]]
    _pending: bytes = b""
    _body: int = 0
    _blind: bool = field(default=False)

    def feed(self, data: bytes) -> None:
        """Take the next bytes that the client sent."""
        if self._blind:
            return
        self._pending += data
        while self._pending:
            skipped = min(self._body, len(self._pending))
            self._body -= skipped
            self._pending = self._pending[skipped:]
            head, end, rest = self._pending.partition(b"\r\n\r\n")
            if self._body or not end:
                return
            self._pending = rest
            self._head(head.decode("latin-1"))

    def _head(self, head: str) -> None:
        line, *headers = head.split("\r\n")
        method, target, _ = line.split(" ", 2)
        self.requests.append((method, target))
        for name, _, value in (header.partition(":") for header in headers):
            if name.lower() == "content-length":
                self._body = int(value)
            # A body of unknown length is no request of ours; what follows it on this connection cannot be told apart.
            if name.lower() in ("transfer-encoding", "upgrade"):
                self._blind = True


class LoggingProxy:
    """A proxy in a thread of its own; `requests` grows while it runs, `round_trip` (seconds) may be changed."""

    def __init__(self, *, upstream: str | int, socket: str | None = None) -> None:
        """Listen on the unix socket, or else a free loopback port, for an upstream socket path or loopback port."""
        self.requests: list[tuple[str, str]] = []
        self.round_trip = 0.0
        self.port = 0
        self._upstream = upstream
        self.socket = socket
        self._ended = asyncio.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def methods(self) -> set[str]:
        """The methods that were used."""
        return {method for method, _ in self.requests}

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._listening.wait(10):
            raise RuntimeError("the logging proxy does not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self.socket is not None:
            await asyncio.start_unix_server(self._connection, self.socket)
        else:
            server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=256)
            self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._ended.wait()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.sleep(self.round_trip)  # the handshake, which the kernel did for us at once
            if isinstance(self._upstream, str):
                up_reader, up_writer = await asyncio.open_unix_connection(self._upstream)
            else:
                up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
            log = RequestLog(self.requests)
            await asyncio.gather(self._copy(reader, up_writer, log), self._copy(up_reader, writer, None))
        writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: RequestLog | None) -> None:
        try:
            while data := await reader.read(_CHUNK):
                if log is not None:
                    log.feed(data)
                await asyncio.sleep(self.round_trip / 2)
                writer.write(data)
                await writer.drain()
        finally:
            with contextlib.suppress(OSError):
                writer.close()
