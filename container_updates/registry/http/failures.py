"""Why there was no answer, in the words an admin reads.

Never the libraries' own texts: they may quote a proxy's password.
"""

import http.client
import socket
import ssl

from requests import exceptions
from urllib3.exceptions import ConnectTimeoutError, LocationParseError

from container_updates.errors import (
    BadAnswer,
    Inconclusive,
    NoCertificate,
    NoConnection,
    NoHttp,
    NoTls,
    PlainText,
    TimedOut,
    Unreachable,
    causes,
)
from container_updates.registry.http.proxies import Proxy

_PROXY_ERRORS = (exceptions.ProxyError, exceptions.InvalidProxyURL, exceptions.InvalidSchema)


def explain(error: Exception, host: str, proxy: Proxy | None = None) -> Inconclusive:
    """Return the error of ours that says what `error` means for a request to `host`, by this proxy."""
    found = list(causes(error))
    if proxy and any(isinstance(cause, _PROXY_ERRORS) for cause in found):
        return NoConnection(f"{proxy} {_wrong_with_proxy(found, proxy, host)}")
    for cause in found:
        if isinstance(cause, Inconclusive):
            return cause
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NoCertificate(f"the certificate of {host} is not accepted: {cause.verify_message}")
        if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return Unreachable(f"{host} closed the TLS connection without an answer")
        if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
            return PlainText(f"no TLS with {host}: it speaks plain HTTP (see --insecure-registry)")
        if isinstance(cause, ssl.SSLError):
            return NoTls(f"no TLS with {host}: {(cause.reason or 'handshake failed').replace('_', ' ').lower()}")
        if isinstance(cause, http.client.IncompleteRead):
            return BadAnswer(f"{host} broke off in the middle of an answer")
        if isinstance(cause, http.client.HTTPException) and not isinstance(cause, ConnectionError):
            return NoHttp(f"{host} did not answer in HTTP")
    if any(isinstance(cause, exceptions.SSLError) for cause in found):
        return NoCertificate(f"the certificate of {host} is not accepted: it is for another host")
    for cause in found:
        if isinstance(cause, socket.gaierror):
            return NoConnection(f"no address for {host}: {cause.strerror or 'the name is not known'}")
        if isinstance(cause, exceptions.ConnectTimeout):
            return NoConnection(f"no connection to {host} in time")
        if isinstance(cause, exceptions.Timeout | TimeoutError):
            return TimedOut(f"{host} did not answer in time")
        if isinstance(cause, ConnectionRefusedError):
            return NoConnection(f"{host} refuses connections")
        if isinstance(cause, ConnectionError) and not isinstance(cause, exceptions.RequestException):
            return Unreachable(f"{host} closed the connection without an answer")
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, exceptions.RequestException):
            return NoConnection(f"no connection to {host}: {cause.strerror}")
    if any(isinstance(cause, exceptions.ConnectionError) for cause in found):
        return Unreachable(f"{host} closed the connection without an answer")
    return NoHttp(f"{host} did not answer in HTTP")


def _wrong_with_proxy(found: list[BaseException], proxy: Proxy, host: str) -> str:
    """What is wrong with a proxy, as the end of a sentence about it."""
    for cause in found:
        text = str(cause)
        if isinstance(cause, exceptions.InvalidSchema):
            return "needs the Python package PySocks" if "SOCKS" in text else "is of a kind that is not known"
        if isinstance(cause, exceptions.InvalidProxyURL | LocationParseError):
            return "is no URL"
        if isinstance(cause, OSError) and text.startswith("Tunnel connection failed: "):
            return _refused_tunnel(text.removeprefix("Tunnel connection failed: ")[:3], host)
        if isinstance(cause, socket.gaierror):
            return f"has no address: {cause.strerror or 'the name is not known'}"
        if isinstance(cause, ConnectionRefusedError):
            return "refuses connections"
        if isinstance(cause, ssl.SSLError):
            reason = (cause.reason or "handshake failed").replace("_", " ").lower()
            return f"does not speak TLS as an https:// proxy has to: {reason}"
    if any(isinstance(cause, TimeoutError | exceptions.Timeout | ConnectTimeoutError) for cause in found):
        return "does not answer in time"
    strange = any(isinstance(cause, http.client.HTTPException) and not isinstance(cause, OSError) for cause in found)
    return "did not answer in HTTP" if strange else f"closed the connection without leading to {host}"


def _refused_tunnel(status: str, host: str) -> str:
    """What the status of an answer to CONNECT says (RFC 9110, 9.3.6)."""
    if status == "407":
        return "wants a login (HTTP 407)"
    if status == "403":
        return f"does not allow a way to {host} (HTTP 403)"
    if status in ("502", "503", "504"):
        return f"finds no way to {host} (HTTP {status})"
    return f"is a web server and no proxy, or a proxy that does not let CONNECT pass (HTTP {status})"
