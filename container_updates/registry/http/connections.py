"""Connections that are reused, end in time and look at certificates as `Hosts` says."""

import http.client
import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
import requests.adapters
import requests.utils
import urllib3
import urllib3.connection
import urllib3.exceptions

from container_updates.errors import CheckError, NoTls
from container_updates.registry.hosts import Tls
from container_updates.untrusted import tls

FAILURES = (
    CheckError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)
"""All that sending a request and reading its answer may raise."""
_HOSTS = 64
_MAX_INTERIM = 10
_limit = threading.local()


def prepare(
    method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None
) -> requests.PreparedRequest:
    """Return a request that an `Adapter` can send."""
    return requests.Request(method, url, headers=headers, data=form).prepare()


@contextmanager
def time_left(seconds: Callable[[], float], at_once: float) -> Iterator[None]:
    """Let everything this thread reads from a registry meanwhile end when `seconds()` is down to 0.

    A socket's own timeout starts anew with each byte, so that a server could hold a thread by sending one now and then.
    `at_once` is the longest silence between two bytes, in seconds.
    """
    _limit.seconds, _limit.at_once = seconds, at_once
    try:
        yield
    finally:
        del _limit.seconds, _limit.at_once


class Adapter(requests.adapters.HTTPAdapter):
    """Connections that share one way of looking at certificates; None for those without TLS."""

    def __init__(self, looked_at: Tls | None, jobs: int) -> None:
        self._context = _context(looked_at) if looked_at else None
        super().__init__(pool_connections=_HOSTS, pool_maxsize=jobs, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pools upon our connections and TLS settings."""
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        """The same for connections through a proxy."""
        pools = super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)
        pools.pool_classes_by_scheme = _POOLS
        return pools

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the certificates to the context alone: requests would read its bundle anew for every connection."""
        conn.cert_reqs = "CERT_REQUIRED" if verify else "CERT_NONE"


class _Reader(io.RawIOBase):
    """A socket's bytes until the time is up."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._file = sock.makefile("rb", buffering=0)
        self._seconds, self._at_once = _limit.seconds, _limit.at_once

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._seconds()
        if left <= 0:
            raise TimeoutError("the time for this answer is up")
        self._socket.settimeout(min(left, self._at_once))
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_Reader(sock))

    def _read_status(self) -> tuple[str, int, str]:
        """Pass over what comes before the answer, as 103 Early Hints (RFC 9110, 15.2): http.client knows 100 alone."""
        for _ in range(_MAX_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 101 < status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise http.client.BadStatusLine("too many interim answers")


class _HttpConnection(urllib3.connection.HTTPConnection):
    response_class = _Response


class _HttpsConnection(urllib3.connection.HTTPSConnection):
    response_class = _Response

    def _tunnel(self) -> None:
        """Let what goes wrong before there is a way through the proxy be the proxy's fault."""
        try:
            super()._tunnel()
        except (http.client.HTTPException, OSError) as error:
            raise urllib3.exceptions.ProxyError("no way through the proxy", error) from error


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


_POOLS = {"http": _HttpPool, "https": _HttpsPool}


def _context(looked_at: Tls) -> ssl.SSLContext:
    try:
        return tls.context(
            verified=looked_at.verified, system=True, ca_files=looked_at.ca_files, certificates=looked_at.certificates
        )
    except ValueError as error:
        raise NoTls(str(error)) from None
