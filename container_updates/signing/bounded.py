"""Reading what strangers wrote: sizes, depth and form are checked before any parser sees the bytes."""

import base64
import binascii
import json
import re
from typing import Any

from container_updates.signing.verdict import Unknown, Wrong

MAX_BLOB = 32 * 1024 * 1024
"""Bytes of one signature's blob."""
MAX_SIGNATURES = 100
"""Signatures looked at for one image."""
MAX_CERTIFICATES = 16
MAX_DEPTH = 64
_MAX_JSON_PARTS = 300_000
_MAX_CBOR_ITEMS = 10_000
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def json_object(body: bytes | str, what: str) -> dict[str, Any]:
    """The JSON object in `body`. Raises `Wrong` for another shape or a member twice, `Unknown` beyond the bounds."""
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    check_size(raw, what)
    brackets = raw.count(b"[") + raw.count(b"{")
    if brackets + raw.count(b",") > _MAX_JSON_PARTS:
        raise Unknown(f"{what} has more parts than are looked at")
    if brackets > MAX_DEPTH and _json_depth(raw) > MAX_DEPTH:
        raise Unknown(f"{what} is nested deeper than {MAX_DEPTH} levels")
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Wrong(f"{what} is no valid JSON") from None
    if not isinstance(value, dict):
        raise Wrong(f"{what} is no JSON object")
    return value


def check_size(body: bytes, what: str) -> None:
    """Raises `Unknown` for more than a signature's blob may have: not looked at is not wrong."""
    if len(body) > MAX_BLOB:
        raise Unknown(f"{what} is larger than {MAX_BLOB >> 20} MiB")


def decode_base64(text: object, what: str) -> bytes:
    """The bytes of standard base64 in its one right form (RFC 4648 section 3.5), as it stands or with line breaks.

    cosign's own may hold line breaks. Raises `Wrong`.
    """
    if not isinstance(text, str):
        raise Wrong(f"{what} is missing or no text")
    plain = re.sub(r"[\r\n]", "", text)
    try:
        decoded = base64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError):
        raise Wrong(f"{what} is no base64") from None
    if base64.b64encode(decoded) != plain.encode():
        raise Wrong(f"{what} is no base64 in its one right form")
    return decoded


def decode_base64url(text: object, what: str) -> bytes:
    """The bytes of base64url without padding in its one right form (RFC 7515 section 2). Raises `Wrong`."""
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise Wrong(f"{what} is no base64url")
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise Wrong(f"{what} is no base64url") from None
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != text.encode():
        raise Wrong(f"{what} is no base64url")
    return decoded


def member(value: Any, *path: str | int) -> Any:
    """What stands at `path` in parsed JSON, or None where it leads nowhere."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def check_cbor(body: bytes, what: str) -> None:
    """Raises `Wrong` unless `body` is one CBOR item of definite lengths (RFC 8949), `Unknown` beyond the bounds."""
    check_size(body, what)
    open_items, position, items = [1], 0, 0
    while open_items:
        if open_items[-1] == 0:
            open_items.pop()
            continue
        open_items[-1] -= 1
        items += 1
        if len(open_items) > MAX_DEPTH or items > _MAX_CBOR_ITEMS:
            raise Unknown(f"{what} is nested deeper, or has more parts, than is looked at")
        major, argument, position = _cbor_head(body, position, what)
        if major in (2, 3):
            position += argument
        elif major == 4:
            open_items.append(argument)
        elif major == 5:
            open_items.append(2 * argument)
        elif major == 6:
            open_items.append(1)
        if position > len(body) or open_items[-1] > len(body):
            raise Wrong(f"{what} is cut short")
    if position != len(body):
        raise Wrong(f"{what} has bytes behind its end")


def _cbor_head(body: bytes, position: int, what: str) -> tuple[int, int, int]:
    if position >= len(body):
        raise Wrong(f"{what} is cut short")
    major, short = body[position] >> 5, body[position] & 31
    position += 1
    if short < 24:
        return major, short, position
    if short > 27:
        raise Wrong(f"{what} is no CBOR of definite lengths")
    width = 1 << (short - 24)
    return major, int.from_bytes(body[position : position + width], "big"), position + width


def _json_depth(raw: bytes) -> int:
    depth = deepest = 0
    for token in _BRACKETS.finditer(raw):
        first = token.group()[:1]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is given twice")
    return members


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
