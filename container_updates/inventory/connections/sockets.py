"""From an engine's URL to a connected socket: unix, TCP, and TLS on top of TCP."""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from container_updates.clock import Deadline
from container_updates.errors import InventoryError
from container_updates.settings import Settings
from container_updates.untrusted import files

if TYPE_CHECKING:
    import ssl

_BACKLOG_WAIT = 0.02
"""Seconds between two tries at a unix socket whose backlog is full (connect(2): EAGAIN)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine listens."""

    connect: Callable[[Deadline], socket.socket]
    """Return a connected socket before the deadline, which is its timeout too; raises `OSError`."""
    host: str = "localhost"
    """What the header `Host` says."""
    path: str = ""
    """What comes before every path of the API."""
    headers: dict[str, str] = field(default_factory=dict)
    one_by_one: bool = False
    """Whether connections are so costly that requests wait for each other on one."""
    complaint: Callable[[], str] = lambda: ""
    """What the way in itself said about a failure, one line; "" for nothing."""
    close: Callable[[], None] = lambda: None
    """End what was started for the connections."""


def endpoint(url: str, shown: str, settings: Settings) -> Endpoint:
    """Return where a URL (unix://, tcp://, http://, https://, ssh://) leads to; raises `InventoryError` for any other.

    `shown` is the URL as it may be printed. Nothing is connected yet.
    """
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme == "ssh":
        from container_updates.inventory.connections.ssh import Ssh

        way = Ssh(url, shown)
        return Endpoint(way.connect, one_by_one=True, complaint=way.complaint, close=way.close)
    if scheme == "unix" and rest.strip("/"):
        path = "/" + rest.lstrip("/")
        return Endpoint(lambda deadline: _unix(path, deadline))
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if scheme not in ("tcp", "http", "https") or not host or not port:
        raise InventoryError(
            f"{shown} is no engine URL: unix:///PATH, tcp://HOST:PORT, https://HOST:PORT or ssh://HOST"
        )
    address = (host, port)
    encrypted = scheme == "https" or (scheme == "tcp" and _wants_tls(settings))
    return Endpoint(
        tls_connector(address, _tls_context(settings) if encrypted else None),
        host=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        path=parts.path.rstrip("/"),
        headers=basic(unquote(parts.username), unquote(parts.password or "")) if parts.username is not None else {},
    )


def tls_connector(
    address: tuple[str, int], context: "ssl.SSLContext | None", name: str = ""
) -> Callable[[Deadline], socket.socket]:
    """Return what connects to an address, with TLS where there is a context; `name`: another one than the address's."""
    if context is None:
        return lambda deadline: socket.create_connection(address, timeout=_left(deadline))

    def connect(deadline: Deadline) -> socket.socket:
        plain = socket.create_connection(address, timeout=_left(deadline))
        try:
            return context.wrap_socket(plain, server_hostname=name or address[0])
        except BaseException:
            plain.close()
            raise

    return connect


def _unix(path: str, deadline: Deadline) -> socket.socket:
    """Connect to a unix socket; one whose backlog is full is tried again, as a blocking connect would wait."""
    while True:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(_left(deadline))
        try:
            made.connect(path)
            return made
        except BlockingIOError:
            made.close()
            if deadline.passed():
                raise TimeoutError("its backlog is full") from None
            threading.Event().wait(_BACKLOG_WAIT)
        except BaseException:
            made.close()
            raise


def _left(deadline: Deadline) -> float:
    """Return the seconds left as a socket's timeout, for which 0 would mean something else."""
    return max(deadline.remaining(), 0.001)


def _wants_tls(settings: Settings) -> bool:
    return any((settings.tls_ca, settings.tls_cert, settings.tls_key))


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header for a login (RFC 7617)."""
    from base64 import b64encode

    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def _tls_context(settings: Settings) -> "ssl.SSLContext":
    import ssl

    for option, path in (
        ("--tls-ca", settings.tls_ca),
        ("--tls-cert", settings.tls_cert),
        ("--tls-key", settings.tls_key),
    ):
        try:
            if path:
                files.check(path)
        except OSError as error:
            raise InventoryError(f"{option} {path}: {error.strerror}") from None
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise InventoryError("--tls-cert and --tls-key belong together")
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca)
    except ssl.SSLError:
        raise InventoryError(f"--tls-ca {settings.tls_ca}: no certificate in PEM") from None
    # As `untrusted.tls` says for the registries; without urllib3, which an engine needs nothing of.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not settings.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.tls_cert:
        try:
            # An empty password: OpenSSL would otherwise ask for one on the terminal.
            context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
        except ssl.SSLError as error:
            reason = error.reason or "no certificate in PEM"
            raise InventoryError(f"--tls-cert {settings.tls_cert}, --tls-key {settings.tls_key}: {reason}") from None
    return context
