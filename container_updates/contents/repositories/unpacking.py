"""Compressed indexes as a stream of bytes: never more than was announced, however much a bomb holds."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from container_updates.contents.errors import Untrusted
from container_updates.contents.libraries import needed

MAX_SIZE = 1024 * 1024 * 1024
"""Bytes of an unpacked index."""
_CHUNK = 1024 * 1024
_MAX_MEMORY = 80 * 1024 * 1024
"""Bytes that xz may need for its dictionary (`xz -9` needs 65 MiB)."""

SUFFIXES = (".gz", ".xz", ".zst", ".bz2", "")
"""What can be unpacked, in the order of preference: a third more bytes as gz are unpacked in a third of xz's time."""


def unpacked(body: bytes, suffix: str, limit: int) -> Iterator[bytes]:
    """Yield what is in a compressed body; raises `Untrusted` where it is broken or more than `limit` bytes."""
    size = 0
    try:
        for chunk in _KINDS[suffix](body):
            size += len(chunk)
            if size > limit:
                raise Untrusted("an index is larger than it is announced")
            yield chunk
    except (lzma.LZMAError, zlib.error, OSError, EOFError, ValueError):
        raise Untrusted("an index cannot be unpacked") from None


def _plain(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), _CHUNK):
        yield body[start : start + _CHUNK]


def _xz(body: bytes) -> Iterator[bytes]:
    unread = body
    while unread:
        decoder = lzma.LZMADecompressor(memlimit=_MAX_MEMORY)
        yield from _bounded(decoder, unread)
        unread = decoder.unused_data.lstrip(b"\0")


def _bz2(body: bytes) -> Iterator[bytes]:
    yield from _bounded(bz2.BZ2Decompressor(), body)


def _bounded(decoder: Any, body: bytes) -> Iterator[bytes]:
    """The decompressors of lzma and bz2 keep what they were given until it is asked for."""
    while not decoder.eof:
        chunk = decoder.decompress(body, _CHUNK)
        if not chunk and decoder.needs_input:
            raise EOFError
        body = b""
        yield chunk


def _gz(body: bytes) -> Iterator[bytes]:
    while body:
        decoder = zlib.decompressobj(wbits=31)
        while not decoder.eof:
            chunk = decoder.decompress(body, _CHUNK)
            if not chunk and not decoder.unconsumed_tail and not decoder.eof:
                raise EOFError
            body = decoder.unconsumed_tail
            yield chunk
        body = decoder.unused_data.lstrip(b"\0")


def _zst(body: bytes) -> Iterator[bytes]:
    zstandard = needed("zstandard")
    decoder = zstandard.ZstdDecompressor(max_window_size=_MAX_MEMORY)
    try:
        yield from decoder.read_to_iter(body, write_size=_CHUNK)
    except zstandard.ZstdError:
        raise ValueError from None


_KINDS: dict[str, Callable[[bytes], Iterator[bytes]]] = {".xz": _xz, ".gz": _gz, ".zst": _zst, ".bz2": _bz2, "": _plain}
