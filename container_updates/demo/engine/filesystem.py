"""The files of an embedded container, as the archive API tells them."""

import base64
import json
import posixpath
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from container_updates.demo.http import Response

_MODES = {"file": 0o644, "folder": 1 << 31 | 0o755, "link": 1 << 27 | 0o777, "pipe": 1 << 25, "device": 1 << 26}
_TYPES = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "pipe": tarfile.FIFOTYPE}


@dataclass(frozen=True, slots=True)
class Special:
    """What is no plain file: a link, a pipe, a device, or a file that is larger than what it holds."""

    kind: Literal["file", "link", "pipe", "device"]
    target: str = ""
    size: int = 0
    """Zeros that a file consists of."""


class Filesystem:
    """Absolute paths to contents; the folders above them are there, too."""

    def __init__(self, files: Mapping[str, bytes | Special], mtime: int) -> None:
        self._files = dict(files)
        self._mtime = mtime

    def head(self, path: str) -> Response | None:
        """`HEAD /containers/NAME/archive`; None for a path that is not there."""
        found = self._find(path)
        if found is None:
            return None
        _, kind, size, target = found
        told = {
            "name": posixpath.basename(path),
            "size": size,
            "mode": _MODES[kind],
            "mtime": datetime.fromtimestamp(self._mtime, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "linkTarget": target,
        }
        stat = base64.b64encode(json.dumps(told).encode()).decode()
        return Response(200, b"", {"X-Docker-Container-Path-Stat": stat, "Content-Type": "application/x-tar"})

    def archive(self, path: str) -> Response | None:
        """`GET /containers/NAME/archive`."""
        head, found = self.head(path), self._find(path)
        if head is None or found is None:
            return None
        return Response(200, self._tar(found[0]), head.headers)

    def _find(self, path: str) -> tuple[str, str, int, str] | None:
        """Real path, kind, size and target; links among the folders above are followed, the last one is not."""
        path = posixpath.normpath("/" + path.lstrip("/"))
        for _ in range(20):
            parent = path
            while (parent := posixpath.dirname(parent)) != "/":
                entry = self._files.get(parent)
                if isinstance(entry, Special) and entry.kind == "link":
                    there = posixpath.join(posixpath.dirname(parent), entry.target)
                    path = posixpath.normpath(there + path[len(parent) :])
                    break
            else:
                break
        entry = self._files.get(path)
        if isinstance(entry, bytes):
            return path, "file", len(entry), ""
        if entry is not None:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.target)) if entry.target else ""
            return path, entry.kind, entry.size, target
        if path == "/" or any(name.startswith(path + "/") for name in self._files):
            return path, "folder", 4096, ""
        return None

    def _tar(self, path: str) -> Iterator[bytes]:
        top = posixpath.basename(path) or "/"
        inside = {name: entry for name, entry in self._files.items() if name == path or name.startswith(path + "/")}
        if path not in inside:
            yield self._header(top + "/", "folder", 0)
        for name, entry in sorted(inside.items()):
            shown = top + name[len(path) :]
            if isinstance(entry, bytes):
                yield self._header(shown, "file", len(entry)) + entry + b"\0" * (-len(entry) % 512)
            elif entry.kind == "file":
                yield self._header(shown, "file", entry.size)
                for _ in range(0, entry.size, 65536):
                    yield b"\0" * 65536
            else:
                yield self._header(shown, entry.kind, 0, entry.target)
        yield b"\0" * 1024

    def _header(self, name: str, kind: str, size: int, target: str = "") -> bytes:
        info = tarfile.TarInfo(name)
        info.type, info.size, info.mtime = _TYPES.get(kind, tarfile.CHRTYPE), size, self._mtime
        info.linkname = target
        return info.tobuf(tarfile.GNU_FORMAT)
