"""What can go wrong on the way, by name: each function returns a fault for `Server.fail`."""

import gzip
import json
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from container_updates.demo.http import Fault, Response, json_response

_HTML = b"<!DOCTYPE html><html><body><h1>Please log in to the network</h1></body></html>"


def status(code: int, error: str = "UNKNOWN", message: str = "", **headers: str) -> Fault:
    """Another status, with an error body as registries and engines write it; `retry_after="60"` becomes Retry-After."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    text = message or error.lower().replace("_", " ")
    body = {"errors": [{"code": error, "message": text, "detail": None}], "message": text}
    return lambda request, answer: json_response(body, code, named)


def too_many_requests(retry_after: str | None = "60") -> Fault:
    """429; `retry_after` in seconds or as an HTTP date."""
    headers = {} if retry_after is None else {"retry_after": retry_after}
    return status(429, "TOOMANYREQUESTS", "You have reached your pull rate limit", **headers)


def once(fault: Fault, times: int = 1) -> Fault:
    """`fault` for the first `times` requests, then all is well."""
    left = iter(range(times))
    lock = threading.Lock()

    def wearing_off(request: object, answer: Response) -> Response:
        with lock:
            due = next(left, None) is not None
        return fault(request, answer) if due else answer  # type: ignore[arg-type]

    return wearing_off


def header(name: str, value: str | None) -> Fault:
    """The right answer with this header set, or without it where `value` is None."""

    def changed(request: object, answer: Response) -> Response:
        kept = {key: text for key, text in answer.headers.items() if key.lower() != name.lower()}
        return replace(answer, headers=kept if value is None else {**kept, name: value})

    return changed


def no_digest() -> Fault:
    """A registry that does not send Docker-Content-Digest."""
    return header("Docker-Content-Digest", None)


def wrong_digest(digest: str = "sha256:" + "0" * 64) -> Fault:
    """A registry whose Docker-Content-Digest is not the body's."""
    return header("Docker-Content-Digest", digest)


def ratelimit(remaining: int, limit: int = 100, window: int = 21600) -> Fault:
    """The right answer with Docker Hub's headers: `remaining` of `limit` pulls left in `window` seconds."""

    def limited(request: object, answer: Response) -> Response:
        headers = {"ratelimit-limit": f"{limit};w={window}", "ratelimit-remaining": f"{remaining};w={window}"}
        return replace(answer, headers={**answer.headers, **headers})

    return limited


def redirect(url: str, code: int = 307) -> Fault:
    """To `url`, with the path that was asked for behind it."""
    return lambda request, answer: Response(code, b"", {"Location": url.rstrip("/") + request.target})


def endless_redirect() -> Fault:
    """From one place to the next for ever, on the same host."""
    return lambda request, answer: Response(307, b"", {"Location": f"{request.path}?hop={len(request.target)}"})


def body(content: bytes, content_type: str | None = None) -> Fault:
    """The right status and headers (unless `content_type` says otherwise) around another body."""

    def replaced(request: object, answer: Response) -> Response:
        kept = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
        return replace(
            answer, body=content, headers={**kept, **({"Content-Type": content_type} if content_type else {})}
        )

    return replaced


def edited(change: Callable[[Any], Any]) -> Fault:
    """The right answer's JSON after `change`, which returns the document to send."""

    def changed(request: object, answer: Response) -> Response:
        document = change(json.loads(_whole(answer)))
        return replace(answer, body=json.dumps(document).encode())

    return changed


def html(code: int = 200) -> Fault:
    """A captive portal's or a proxy's page in place of the answer."""
    return lambda request, answer: Response(code, _HTML, {"Content-Type": "text/html; charset=utf-8"})


def invalid_json() -> Fault:
    """Looks like JSON and is none."""
    return body(b'{"schemaVersion": 2, "manifests": [', "application/json")


def invalid_utf8() -> Fault:
    """JSON but for its bytes."""
    return body(b'{"name": "\xff\xfe\xc3\x28"}', "application/json")


def truncated() -> Fault:
    """Half of the body, then the connection closes."""

    def cut(request: object, answer: Response) -> Response:
        whole = _whole(answer)
        return replace(
            answer, body=whole[: len(whole) // 2], headers={**answer.headers, "Content-Length": str(len(whole))}
        )

    return cut


def huge(size: int = 3 << 30, *, announced: bool = False) -> Fault:
    """`size` bytes of body, made while they are sent; `announced` in a Content-Length or not."""

    def parts() -> Iterator[bytes]:
        block = b" " * 65536
        for _ in range(size // len(block)):
            yield block

    def grown(request: object, answer: Response) -> Response:
        headers = {**answer.headers, **({"Content-Length": str(size)} if announced else {})}
        return replace(answer, body=parts(), headers=headers)

    return grown


def bomb(size: int = 1 << 28) -> Fault:
    """A small gzip body (Content-Encoding) that unpacks to `size` bytes."""

    def packed(request: object, answer: Response) -> Response:
        body = gzip.compress(bytes(size), compresslevel=1, mtime=0)
        return replace(answer, body=body, headers={**answer.headers, "Content-Encoding": "gzip"})

    return packed


def drip(seconds: float = 1.0) -> Fault:
    """The right answer, a byte at a time with this pause before each."""

    def dripping(request: object, answer: Response) -> Response:
        whole = _whole(answer)
        parts = [whole[index : index + 1] for index in range(len(whole))]
        return replace(answer, body=parts, headers={**answer.headers, "Content-Length": str(len(whole))}, pause=seconds)

    return dripping


def silence() -> Fault:
    """The connection is accepted, the request read, and nothing follows."""
    return lambda request, answer: replace(answer, delay=math.inf)


def late(seconds: float) -> Fault:
    """The right answer after a while."""
    return lambda request, answer: replace(answer, delay=seconds)


def _whole(answer: Response) -> bytes:
    return answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
