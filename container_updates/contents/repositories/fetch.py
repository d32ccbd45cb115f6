"""GETs to package repositories that a container names: to public addresses alone, few redirects, bounded, written down.

What stands inside the container decides on nothing but the URL: no proxy, login or certificate comes from there.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from container_updates import __version__
from container_updates.clock import Clock, Deadline
from container_updates.contents.errors import RepositoryUnreachable, Untrusted
from container_updates.errors import Inconclusive, TimedOut
from container_updates.model import RequestRecord
from container_updates.untrusted import addresses
from container_updates.untrusted.addresses import Reach

MiB = 1024 * 1024
_MAX_REDIRECTS = 3
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0
_MAX_RUN = 1024 * MiB
"""Bytes that one run fetches from all repositories together."""
_CHUNK = 256 * 1024
_HEADERS = {"User-Agent": f"check_container_updates/{__version__}", "Accept-Encoding": "identity"}


class Interrupted(TimedOut):
    """The time was up in the middle of a body; `body` is what had come of it."""

    def __init__(self, reason: str, body: bytes) -> None:
        super().__init__(reason)
        self.body = body


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, wholly read."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes


class _Headers(dict[str, str]):
    """Headers by name in any case."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        super().__init__((name.lower(), value) for name, value in pairs)

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class Fetcher:
    """Asks repositories from many threads; a host that does not answer is asked once a run."""

    def __init__(
        self,
        *,
        clock: Clock,
        deadline: Deadline,
        allowed: Callable[[str], bool] = lambda url: False,
        proxy: Callable[[str], str | None] = lambda url: None,
    ) -> None:
        """`allowed`: URLs that may lead to any address; `proxy`: by which proxy a URL is asked."""
        self._clock, self._deadline, self._allowed, self._proxy = clock, deadline, allowed, proxy
        self._lock = threading.Lock()
        self._dead: dict[str, Inconclusive] = {}
        self._left = _MAX_RUN
        self.requests: list[RequestRecord] = []

    def get(self, url: str, limit: int, headers: Mapping[str, str] = {}) -> Fetched:
        """Return the answer to `GET url`, a body of at most `limit` bytes, after 3 redirects at most.

        Raises `Untrusted` for a URL that is not allowed, `RepositoryUnreachable` and `TimedOut` (`Interrupted` once a
        part of the body is there).
        """
        for _ in range(_MAX_REDIRECTS + 1):
            answer = self._once(url, limit, headers)
            location = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not location:
                return answer
            url = urljoin(url, location)
        raise RepositoryUnreachable(f"{_host(url)} answers with more than {_MAX_REDIRECTS} redirects")

    def _once(self, url: str, limit: int, headers: Mapping[str, str]) -> Fetched:
        host = self._checked(url)
        if host in self._dead:
            raise self._dead[host]
        if self._deadline.passed():
            raise TimedOut("the time for the whole check was up")
        started, status, note = self._clock.steady(), None, ""
        try:
            with closing(self._connection(url)) as connection:
                path, login = (url, connection.login) if isinstance(connection, _ByProxy) else (_path(url), {})
                connection.request("GET", path, headers={**_HEADERS, "Host": _authority(url), **login, **headers})
                response = connection.getresponse()
                status = response.status
                return Fetched(status, _Headers(response.getheaders()), self._body(response, connection, limit, host))
        except Inconclusive as error:
            note = error.reason
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            failure = self._explained(error, host)
            note = failure.reason
            raise failure from None
        finally:
            shown = urlsplit(url)._replace(query="", fragment="").geturl()
            self.requests.append(RequestRecord("GET", shown, status, self._clock.steady() - started, note))

    def _body(
        self, response: http.client.HTTPResponse, connection: http.client.HTTPConnection, limit: int, host: str
    ) -> bytes:
        body = bytearray()
        try:
            while True:
                if connection.sock is not None:
                    connection.sock.settimeout(max(0.001, min(_READ_SECONDS, self._deadline.remaining())))
                chunk = response.read1(_CHUNK)
                if not chunk:
                    break
                body += chunk
                self._left -= len(chunk)
                if len(body) > limit:
                    raise RepositoryUnreachable(f"{host} answers with more than {limit} bytes")
                if self._left < 0:
                    raise RepositoryUnreachable(f"more than {_MAX_RUN // MiB} MiB to fetch in one run")
                if self._deadline.passed():
                    raise TimeoutError
        except TimeoutError:
            if self._deadline.passed() and response.status in (200, 206):
                raise Interrupted(f"the time was up while {host} was answering", bytes(body)) from None
            raise
        announced = response.headers.get("Content-Length", "")
        if announced.isdecimal() and len(body) < int(announced[:18]) and response.status in (200, 206):
            raise RepositoryUnreachable(f"{host} broke off in the middle of an answer")
        return bytes(body)

    def _checked(self, url: str) -> str:
        """Return the host; raises `Untrusted` for a URL that nobody should be led to."""
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            raise Untrusted(f"{url[:100]} is no URL") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            shown = f"{parts.scheme}:" if parts.scheme else url[:60]
            raise Untrusted(f"{shown} is no repository that is asked: http and https alone, without a login")
        if not url.isprintable() or " " in url or "\\" in parts.netloc:
            raise Untrusted("a repository's URL with blanks or control characters in it")
        if addresses.reach(parts.netloc) is not Reach.ANYWHERE and not self._allowed(url):
            raise _internal(parts.hostname, addresses.reach(parts.netloc))
        return parts.hostname

    def _connection(self, url: str) -> http.client.HTTPConnection:
        parts = urlsplit(url)
        timeout = max(0.001, min(_CONNECT_SECONDS, self._deadline.remaining()))
        proxy = None if addresses.is_loopback(parts.netloc) else self._proxy(url)
        if proxy is not None:
            return _by_proxy(parts.scheme, parts.hostname or "", parts.port, proxy, timeout)
        check = (lambda host, found: None) if self._allowed(url) else _public
        if parts.scheme == "https":
            tls = ssl.create_default_context()
            return _Https(parts.hostname or "", parts.port, timeout=timeout, check=check, context=tls)
        return _Http(parts.hostname or "", parts.port, timeout=timeout, check=check)

    def _explained(self, error: Exception, host: str) -> Inconclusive:
        failure: Inconclusive
        if self._deadline.passed():
            return TimedOut(f"the time for the whole check was up before {host} had answered")
        if isinstance(error, ssl.SSLCertVerificationError):
            failure = RepositoryUnreachable(f"the certificate of {host} is not accepted: {error.verify_message}")
        elif isinstance(error, ssl.SSLError):
            failure = RepositoryUnreachable(f"no TLS with {host}")
        elif isinstance(error, socket.gaierror):
            failure = RepositoryUnreachable(f"no address for {host}: {error.strerror or 'the name is not known'}")
        elif isinstance(error, TimeoutError):
            failure = RepositoryUnreachable(f"{host} did not answer in time")
        elif isinstance(error, OSError) and error.strerror:
            failure = RepositoryUnreachable(f"no connection to {host}: {error.strerror}")
        else:
            return RepositoryUnreachable(f"{host} did not answer in HTTP")
        with self._lock:
            self._dead[host] = failure
        return failure


Check = Callable[[str, ipaddress.IPv4Address | ipaddress.IPv6Address], None]


def _public(host: str, found: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if addresses.reach_of(found) is not Reach.ANYWHERE:
        raise _internal(host, addresses.reach_of(found))


def _internal(host: str, reach: Reach) -> Untrusted:
    return Untrusted(
        f"{host} is {reach.value}, which no container may lead to ([repositories] allow of a trust policy)"
    )


class _Guarded(http.client.HTTPConnection):
    """Connects only to an address that was looked at: what a name stands for may change from one look-up to another."""

    _check: Check

    def connect(self) -> None:
        last: Exception = OSError(0, "no address")
        for family, kind, protocol, _, address in _looked_up(self.host, self.port):
            self._check(self.host, ipaddress.ip_address(str(address[0]).partition("%")[0]))
            connected = socket.socket(family, kind, protocol)
            try:
                connected.settimeout(self.timeout)
                connected.connect(address)
            except OSError as error:
                connected.close()
                last = error
                continue
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock = connected
            return
        raise last


def _looked_up(host: str, port: int) -> Iterator[Any]:
    yield from socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[:4]


class _Http(_Guarded):
    def __init__(self, host: str, port: int | None, *, timeout: float, check: Check) -> None:
        super().__init__(host, port, timeout=timeout)
        self._check = check


class _Https(_Http):
    default_port = 443

    def __init__(self, host: str, port: int | None, *, timeout: float, check: Check, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=timeout, check=check)
        self._context = context

    def connect(self) -> None:
        super().connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)


class _ByProxy(http.client.HTTPConnection):
    """A connection to a proxy that is given whole URLs."""

    login: Mapping[str, str] = {}


def _by_proxy(scheme: str, host: str, port: int | None, proxy: str, timeout: float) -> http.client.HTTPConnection:
    """The proxy is the admin's: it resolves the name, and decides what may be reached."""
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    login = {}
    if parts.username:
        from base64 import b64encode

        plain = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        login = {"Proxy-Authorization": f"Basic {b64encode(plain).decode()}"}
    if scheme == "https":
        tunnel = http.client.HTTPSConnection(parts.hostname or "", parts.port or 3128, timeout=timeout)
        tunnel.set_tunnel(host, port or 443, login)
        return tunnel
    connection = _ByProxy(parts.hostname or "", parts.port or 3128, timeout=timeout)
    connection.login = login
    return connection


def _path(url: str) -> str:
    parts = urlsplit(url)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return f"{path}?{parts.query}" if parts.query else path


def _authority(url: str) -> str:
    return urlsplit(url).netloc


def _host(url: str) -> str:
    return urlsplit(url).hostname or url[:60]
