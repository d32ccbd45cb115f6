"""Indexes of packages: read as a stream, reduced to what decides on a candidate."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from container_updates.contents.apt.fields import fields, identity
from container_updates.contents.apt.status import source_of

_MAX_PARAGRAPH = 4 * 1024 * 1024
_MAX_NAME = 255
_MAX_VERSION = 1000


@dataclass(frozen=True, slots=True)
class Available:
    """One version of one package that an index lists."""

    architecture: str
    version: str
    source: str
    identity: int
    size: int
    """Bytes of the package's file; 0 where it is not known."""
    multi_arch: str


def rows(chunks: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Yield name and packed versions (`unpack`) of every paragraph; raises `ValueError` for one that is too large."""
    rest = b"\n"
    for chunk in chunks:
        # Cut at the last paragraph's end: what follows belongs to the next chunk.
        whole, separator, rest = (rest + chunk).rpartition(b"\n\n")
        if separator:
            yield from _rows(whole)
            rest = b"\n" + rest
        else:
            rest = whole + separator + rest
        if len(rest) > _MAX_PARAGRAPH:
            raise ValueError("a paragraph is larger than 4 MiB")
    yield from _rows(rest)


def _rows(whole: bytes) -> Iterator[tuple[str, str]]:
    for paragraph in whole.split(b"\n\n"):
        found = fields(paragraph if paragraph.startswith(b"\n") else b"\n" + paragraph)
        told = found.get
        name, version = told(b"Package", b""), told(b"Version", b"")
        if not 0 < len(name) <= _MAX_NAME or not 0 < len(version) <= _MAX_VERSION:
            continue
        source = told(b"Source", b"").partition(b" ")[0]
        hashed = b"%x" % identity(found)
        values = (told(b"Architecture", b""), version, source, hashed, told(b"Size", b""), told(b"Multi-Arch", b""))
        yield name.decode("utf-8", "replace"), b"\t".join(values).decode("utf-8", "replace")


def unpack(name: str, packed: str) -> Iterator[Available]:
    """Yield the versions in what `rows` packed, or several of it joined by line breaks."""
    for line in packed.split("\n"):
        parts = line.split("\t")
        if len(parts) == 6:
            architecture, version, source, hashed, size, multi_arch = parts
            yield Available(
                architecture,
                version,
                source_of(source, name),
                int(hashed, 16),
                int(size) if size.isdecimal() and len(size) < 16 else 0,
                multi_arch,
            )
