"""Paragraphs as bytes, for files of megabytes: only the fields that decide on a candidate, in one pass."""

import re
from functools import cache
from zlib import crc32

_RELATIONS = (b"Installed-Size", b"Depends", b"Pre-Depends", b"Conflicts", b"Breaks", b"Replaces")
_LOWER = bytes(range(256)).lower()
_BLANKS = b" \t\n\r\v\f"


@cache
def _pattern() -> re.Pattern[bytes]:
    names = (b"Package", b"Status", b"Version", b"Architecture", b"Source", b"Size", b"Multi-Arch", *_RELATIONS)
    return re.compile(rb"\n(" + b"|".join(names) + rb"):[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)")


def fields(paragraph: bytes) -> dict[bytes, bytes]:
    """Return the fields that are needed, by name; `paragraph` begins with a line break."""
    return dict(_pattern().findall(paragraph))


def identity(found: dict[bytes, bytes]) -> int:
    """Return by what apt tells two builds of one version apart: sizes and relations, without dpkg's reformatting.

    (apt, `debListParser::VersionHash`)
    """
    whole = b"\0".join([found[name] for name in _RELATIONS if name in found])
    return crc32(whole.translate(_LOWER, _BLANKS).replace(b"<=", b"<").replace(b">=", b">"))
