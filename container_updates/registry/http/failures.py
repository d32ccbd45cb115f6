"""Why there was no answer, in the words an admin reads.

Never the libraries' own texts: they may quote a proxy's password.
"""

import http.client
import socket
import ssl

from requests import exceptions

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


def explain(error: Exception, host: str) -> Inconclusive:
    """Return the error of ours that says what `error` means for a request to `host`."""
    found = list(causes(error))
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
    if any(isinstance(cause, exceptions.ProxyError) for cause in found):
        return NoConnection(f"the proxy does not lead to {host}")
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
