"""GET and HEAD to an engine's socket: bounded in time and size, and failing with words that say what to do."""

import queue
import threading
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from container_updates.clock import Deadline
from container_updates.errors import InventoryError, causes
from container_updates.model import RequestRecord
from container_updates.settings import Settings
from container_updates.untrusted import jsonstream, tls
from container_updates.untrusted.urls import without_login

if TYPE_CHECKING:
    import requests

MiB = 1024 * 1024
_CHUNK = 64 * 1024
_CHUNKS_AHEAD = 16
_POLL = 0.2
"""Seconds after which a deadline that a signal moved is noticed."""
_MAX_REASON = 200
_ANOTHER = "another one: -H or DOCKER_HOST"


class Refused(InventoryError):
    """The engine, or a proxy before it, answered with another status than 200."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.status = status


class Connection:
    """One engine's HTTP side; usable from several threads."""

    def __init__(self, url: str, *, settings: Settings, deadline: Deadline) -> None:
        self.shown = without_login(url).rstrip("/")
        self.requests: list[RequestRecord] = []
        self._deadline = deadline
        self._session, self._base = _session(url, self.shown, settings)

    def get(self, path: str, limit: int, params: Mapping[str, str] | None = None) -> "Answer":
        """Start `GET path` and return its answer to come, at most `limit` bytes of it."""
        return Answer(self, path, limit, params or {})

    def head(self, path: str, params: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
        """Return status and headers of `HEAD path`, names in any case; raises `InventoryError`."""
        return Answer(self, path, 0, params, "HEAD").headed()


class Answer:
    """A request under way, read by a thread of its own: no silent or dripping socket can outlast the deadline."""

    def __init__(
        self, connection: Connection, path: str, limit: int, params: Mapping[str, str], method: str = "GET"
    ) -> None:
        self._connection = connection
        self._method = method
        self._left = False
        self._deadline = connection._deadline
        self._path = path
        self._limit = limit
        self._left_at_start = self._deadline.remaining()
        self._parts: queue.Queue[Any] = queue.Queue(_CHUNKS_AHEAD)
        threading.Thread(target=self._read, args=(params,), daemon=True).start()
        self.headers: Mapping[str, str] = {}

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
                raise Refused(self._refusal(status, self._first_bytes()), status)
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
            if isinstance(part, Exception):
                raise InventoryError(_words(part, self._connection.shown, self._path)) from None
            return part
        raise InventoryError(_silent(self._connection.shown, self._path))

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
        return f"{self._name}: HTTP {status}: {_one_line(message)}"

    def _not_an_engine(self, reason: str) -> InventoryError:
        return InventoryError(self._no_engine("HTML" if reason == "HTML" else f"GET {self._path}: {reason}"))

    def _no_engine(self, reason: str) -> str:
        return f"{self._connection.shown} answers, but is no Docker Engine ({reason}); {_ANOTHER}"

    def _read(self, params: Mapping[str, str]) -> None:
        """Hand on status and headers, then chunks, then None; or the exception that came instead."""
        connection = self._connection
        try:
            with connection._session.request(
                self._method,
                connection._base + self._path,
                params=params,
                timeout=max(self._deadline.remaining(), 0.001),
                stream=True,
                allow_redirects=False,
            ) as response:
                self._hand_on((response.status_code, response.headers))
                # Not decoded: nothing compressed was asked for, so that a decompression bomb is just no JSON.
                for chunk in response.raw.stream(_CHUNK, decode_content=False):
                    if not self._hand_on(chunk):
                        return
            self._hand_on(None)
        except Exception as error:  # a thread has nobody else to tell, and urllib3's own family leaks through requests
            self._hand_on(error)

    def _hand_on(self, part: object) -> bool:
        """Put a part where the asking thread waits; False where nobody wants it any more."""
        while not self._left and not self._deadline.passed():
            try:
                self._parts.put(part, timeout=_POLL)
            except queue.Full:
                continue
            return True
        return False


def _session(url: str, shown: str, settings: Settings) -> "tuple[requests.Session, str]":
    """Return a session and the base of its URLs, by docker's own socket adapter for unix://.

    docker's `APIClient` is such a session too, but it also reads the logins of config.json, and dies of a broken one.
    """
    import requests

    session = requests.Session()
    session.trust_env = False  # no .netrc, no proxy between an engine and its own host's check
    session.headers["Accept-Encoding"] = "identity"
    scheme, _, rest = url.partition("://")
    if scheme == "unix" and rest.strip("/"):
        from docker.transport import UnixHTTPAdapter

        session.mount("http+docker://", UnixHTTPAdapter("http+unix:///" + rest.lstrip("/")))
        return session, "http+docker://localhost"
    try:
        parts = urlsplit(url)
        complete = scheme in ("tcp", "http", "https") and bool(parts.hostname) and bool(parts.port)
    except ValueError:
        complete = False
    if not complete:
        raise InventoryError(f"{shown} is no engine URL: unix:///PATH, tcp://HOST:PORT or https://HOST:PORT")
    encrypted = scheme == "https" or (scheme == "tcp" and any((settings.tls_ca, settings.tls_cert, settings.tls_key)))
    if encrypted:
        _set_up_tls(session, settings)
    return session, f"http{'s' if encrypted else ''}://{parts.netloc}"


def _set_up_tls(session: "requests.Session", settings: Settings) -> None:
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            context = tls.context()
            context.check_hostname = settings.tls_verify
            super().init_poolmanager(*args, ssl_context=context, **kwargs)

    session.mount("https://", Adapter())
    for option, path in (
        ("--tls-ca", settings.tls_ca),
        ("--tls-cert", settings.tls_cert),
        ("--tls-key", settings.tls_key),
    ):
        try:
            if path:
                with open(path, "rb"):
                    pass
        except OSError as error:
            raise InventoryError(f"{option} {path}: {error.strerror}") from None
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise InventoryError("--tls-cert and --tls-key belong together")
    session.verify = (settings.tls_ca or True) if settings.tls_verify else False
    if settings.tls_cert and settings.tls_key:
        session.cert = (settings.tls_cert, settings.tls_key)
    if not settings.tls_verify:
        import urllib3

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


def _words(error: Exception, shown: str, path: str) -> str:
    """Say what a failed request means, from the first cause that tells; never urllib3's own text with its objects."""
    import ssl

    import requests
    import urllib3

    found = list(causes(error))
    for cause in found:
        match cause:
            case FileNotFoundError():
                return f"no engine at {shown}: no such socket (is Docker running? {_ANOTHER})"
            case PermissionError():
                return (
                    f"permission denied on {shown}: run as a member of group docker (equals root) "
                    "or use a read-only socket proxy"
                )
            case ConnectionRefusedError():
                return f"no engine at {shown}: nobody listens there (is Docker running? {_ANOTHER})"
            case ssl.SSLCertVerificationError():
                return f"no trusted TLS to {shown}: {cause.verify_message} (its CA: --tls-ca or DOCKER_CERT_PATH)"
            case ssl.SSLError():
                reason = _one_line(cause.reason or cause.strerror or "broken")
                return f"no TLS with {shown}: {reason} (client certificate: --tls-cert, --tls-key or DOCKER_CERT_PATH)"
            case TimeoutError():
                return _silent(shown, path)
    for cause in found:
        if isinstance(cause, requests.exceptions.InvalidSchema):
            return "the installed docker package is too old for the installed requests: docker >= 7.1 is needed"
        if isinstance(cause, OSError) and cause.strerror:
            return f"no engine at {shown}: {_one_line(cause.strerror)} ({_ANOTHER})"
    # Only now: urllib3 counts a refused connection among its timeouts.
    if any(isinstance(cause, urllib3.exceptions.TimeoutError) for cause in found):
        return _silent(shown, path)
    return f"{shown} breaks off GET {path}: no HTTP, or an incomplete answer ({type(found[-1]).__name__})"


def _silent(shown: str, path: str) -> str:
    return f"{shown} does not answer GET {path} in time (-t gives it longer)"


def _looks_like_html(text: str) -> bool:
    return text.lstrip()[:1] == "<"


def _one_line(value: object) -> str:
    return " ".join(str(value).split())[:_MAX_REASON]
