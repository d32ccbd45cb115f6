"""Reading what strangers wrote: sizes, depth and form are checked before any parser sees the bytes."""

import base64
import binascii
import re
from typing import Any

from container_updates.signing.verdict import Unknown, Wrong
from container_updates.untrusted.json import MAX_DEPTH, Invalid, read_object

MAX_BLOB = 32 * 1024 * 1024
"""Bytes of one signature's blob."""
MAX_SIGNATURES = 100
"""Signatures looked at for one image."""
MAX_CERTIFICATES = 16
_MAX_CBOR_ITEMS = 10_000


def json_object(body: bytes | str, what: str) -> dict[str, Any]:
    """The JSON object in `body`. Raises `Wrong` for another shape or a member twice, `Unknown` beyond the bounds."""
    try:
        return read_object(body, limit=MAX_BLOB)
    except Invalid as error:
        raise (Unknown if error.beyond else Wrong)(f"{what} {error}") from None


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


def map_size(body: bytes, what: str) -> int:
    """How many labels a CBOR map has, each time that one is given; raises `Wrong` for what is no map."""
    major, size, _ = _cbor_head(body, 0, what)
    if major != 5:
        raise Wrong(f"{what} is no map")
    return size


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
