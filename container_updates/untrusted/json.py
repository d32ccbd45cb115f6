"""The one reader of hostile JSON: size, depth and parts are bounded before a parser makes objects of the bytes.

What is refused is one `Invalid`; each room makes its own error of it at its door.
"""

import json
import re
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn

MAX_DEPTH = 64
MAX_PARTS = 100_000
"""Members and elements of one document, at some 200 bytes each: an index with 1,000 entries has a fifth of that."""
MiB = 1024 * 1024

_LARGE = 64 * 1024
"""Bytes from which on documents are read one at a time, so that their memory does not add up."""
_SURROGATE = rb"\\u[dD][89a-fA-F]"
_TOKEN = rb'"[^"]*"?|[\[\]{},]'
_one_at_a_time = threading.Lock()


class Invalid(ValueError):
    """What is wrong with a document, to follow its name: `is no valid JSON`."""

    def __init__(self, reason: str, *, beyond: bool = False, page: bool = False, detail: str = "") -> None:
        super().__init__(reason)
        self.beyond = beyond
        """It is larger than is looked at, which does not make it wrong."""
        self.page = page
        """It is a web page."""
        self.detail = detail
        """What the parser says, with line and column; for somebody who can mend it."""


def read(
    body: bytes | str, *, limit: int = 4 * MiB, parts: int = MAX_PARTS, depth: int = MAX_DEPTH, lenient: bool = False
) -> Any:
    """Return the JSON value (RFC 8259) in `body`, of at most `limit` bytes; raises `Invalid` for anything else.

    Refused too are what parsers read differently: a member that is there twice, NaN and infinite numbers, and half a
    character (a lone surrogate), which nobody could print or store. `lenient` lets these pass, and turns bytes that
    are no UTF-8 into U+FFFD, so that they spoil only the name they stand in.
    """
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    if len(raw) > limit:
        raise Invalid(
            f"is larger than {limit // MiB} MiB" if limit >= MiB else f"is larger than {limit} bytes", beyond=True
        )
    with _turn(raw):
        _check_parts(raw, parts, depth)
        try:
            return _lenient(raw) if lenient else _strict(raw)
        except Invalid:
            raise
        except RecursionError:
            raise Invalid("is nested too deeply", beyond=True) from None
        except ValueError as error:
            page = raw.lstrip()[:1] == b"<"
            raise Invalid("is a web page" if page else "is no valid JSON", page=page, detail=_detail(error)) from None


def read_object(body: bytes | str, *, limit: int = 4 * MiB, parts: int = MAX_PARTS) -> dict[str, Any]:
    """Return the JSON object in `body`; raises as `read` does, and `Invalid` for another value."""
    value = read(body, limit=limit, parts=parts)
    if not isinstance(value, dict):
        raise Invalid("is no JSON object")
    return value


def _turn(raw: bytes) -> AbstractContextManager[Any]:
    return _one_at_a_time if len(raw) > _LARGE else nullcontext()


def _strict(raw: bytes) -> Any:
    value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_finite)
    if re.search(_SURROGATE, raw):
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _lenient(raw: bytes) -> Any:
    return json.loads(raw.decode("utf-8", "replace"))


def _check_parts(raw: bytes, parts: int, depth: int) -> None:
    """Raise `Invalid` beyond the bounds. Commas and brackets within texts count only where there are too many."""
    brackets = raw.count(b"[") + raw.count(b"{")
    if brackets <= depth and brackets + raw.count(b",") <= parts:
        return
    # Without escapes each quote begins or ends a text; pairs of backslashes first, as the parser takes them.
    plain = raw.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in raw else raw
    count = level = 0
    for token in re.finditer(_TOKEN, plain):
        kind = token[0][:1]
        if kind in b"[{":
            level += 1
            if level > depth:
                raise Invalid(f"is nested deeper than {depth} levels", beyond=True)
        elif kind in b"]}":
            level -= 1
        count += kind in b"[{,"
        if count > parts:
            raise Invalid(f"has more than {parts:,} parts", beyond=True)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Invalid("has a member twice")
    return members


def _no_number(text: str) -> NoReturn:
    raise Invalid(f"has {text}, which is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Invalid("has a number that is too large")
    return number


def _detail(error: ValueError) -> str:
    return str(error) if isinstance(error, json.JSONDecodeError) else ""
