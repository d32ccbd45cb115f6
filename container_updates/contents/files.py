"""Files of a container, read from outside: type and size first, links inside the container only, everything bounded."""

import io
import posixpath
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from container_updates.contents.errors import Unsupported
from container_updates.inventory.archive import Archive, Stat

MiB = 1024 * 1024
_MAX_LINKS = 8
_ATTEMPTS = 2
"""How often a file is read that changes meanwhile."""
_MAX_ENTRIES = 20_000
_OVERHEAD = 256 * 1024
"""Bytes of a tar archive around one file: headers, padding, and what is left over at its end."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder as it was read, paths relative to it."""

    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    """Path to the target, as it is written."""


class Files:
    """The files of one container. Raises `InventoryError` where the engine does not answer."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def find(self, path: str) -> tuple[str, Stat] | None:
        """Return where a path leads to, after its links, and what is there; None for nothing.

        Raises `Unsupported` for more than 8 links.
        """
        for _ in range(_MAX_LINKS + 1):
            stat = self._archive.stat(path)
            if stat is None or stat.kind != "link":
                return None if stat is None else (path, stat)
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), stat.target))
            if path.startswith("//"):
                path = path[1:]
        raise Unsupported(f"the links at {path} do not end")

    def read(self, path: str, limit: int) -> bytes | None:
        """Return a regular file's bytes, None where there is nothing.

        Raises `Unsupported` for anything that is no file, is larger than `limit`, or changes while it is read.
        """
        for _ in range(_ATTEMPTS):
            found = self.find(path)
            if found is None:
                return None
            content = self._read(*found, limit)
            if len(content) == found[1].size:
                return content
        raise Unsupported(f"{path} changed while it was read")

    def _read(self, path: str, stat: Stat, limit: int) -> bytes:
        if stat.kind != "file":
            raise Unsupported(f"{path} is no file")
        if not 0 <= stat.size <= limit:
            raise Unsupported(f"{path} is larger than {limit // MiB} MiB")
        contents = [content for _, member, content in self._members(path, limit + _OVERHEAD) if member.isfile()]
        if len(contents) != 1:
            raise Unsupported(f"{path} is no file")
        return contents[0]

    def tree(self, path: str, limit: int) -> Tree | None:
        """Return the files and links below a folder, None where there is none; at most `limit` bytes together.

        What is neither a file nor a link is left out. Raises `Unsupported`.
        """
        found = self.find(path)
        if found is None:
            return None
        path, stat = found
        if stat.kind != "folder":
            raise Unsupported(f"{path} is no folder")
        tree = Tree()
        for name, member, content in self._members(path, limit):
            if member.isfile():
                tree.files[name] = content
            elif member.issym():
                tree.links[name] = member.linkname
            elif member.islnk() and _inside(member.linkname) in tree.files:
                tree.files[name] = tree.files[_inside(member.linkname)]
        return tree

    def _members(self, path: str, limit: int) -> Iterator[tuple[str, tarfile.TarInfo, bytes]]:
        """Yield name below the path, header and content of what the archive of a path holds, `limit` bytes at most."""
        with closing(self._archive.stream(path, limit + _OVERHEAD)) as chunks:
            reader = _Reader(chunks, limit, path)
            try:
                with tarfile.open(fileobj=reader, mode="r|") as archive:
                    for count, member in enumerate(archive):
                        if count >= _MAX_ENTRIES:
                            raise Unsupported(f"{path} has more than {_MAX_ENTRIES} entries")
                        file = archive.extractfile(member) if member.isfile() else None
                        content = file.read(limit + 1) if file else b""
                        if len(content) > limit:  # a sparse one: it is larger than its archive
                            raise Unsupported(f"{path} is larger than {limit // MiB} MiB")
                        archive.members.clear()  # type: ignore[attr-defined]  # else every header is kept
                        yield _inside(member.name), member, content
            except (tarfile.TarError, ValueError, EOFError, OverflowError, RecursionError):
                raise Unsupported(f"{path} comes as a broken archive") from None
            for _ in chunks:  # the padding at its end
                pass


class _Reader(io.RawIOBase):
    """The chunks of a stream as a file that `tarfile` reads."""

    def __init__(self, chunks: Iterator[bytes], limit: int, path: str) -> None:
        self._chunks, self._left, self._limit, self._path = chunks, limit, limit, path
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        parts, missing = [], self._left + 1 if size is None or size < 0 else size
        while missing > 0:
            self._rest = self._rest or next(self._chunks, b"")
            if not self._rest:
                break
            part, self._rest = self._rest[:missing], self._rest[missing:]
            parts.append(part)
            missing -= len(part)
            self._left -= len(part)
            if self._left < 0:
                raise Unsupported(f"{self._path} is larger than {self._limit // MiB} MiB")
        return b"".join(parts)


def _inside(name: str) -> str:
    """Return the path without the folder's own name, which the archive begins with."""
    return name.strip("/").partition("/")[2]
