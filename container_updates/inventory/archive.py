"""The files of one container, by HEAD and GET of the archive API: nothing is run or written in it.

Source: Docker Engine API, `/containers/{id}/archive`; Podman answers alike. An archive that is not read to its end
blocks the engine's lists for everybody: who streams one closes it.
"""

import base64
import binascii
import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from container_updates.errors import InventoryError

if TYPE_CHECKING:
    from container_updates.inventory.connections.exchange import Connection

Kind = Literal["file", "folder", "link", "other"]
_FOLDER, _LINK = 1 << 31, 1 << 27
_OTHER = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19
"""Bits of Go's `os.FileMode`: devices, pipes, sockets, irregular files."""
_STAT = "X-Docker-Container-Path-Stat"
_MAX_STAT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Stat:
    """What the engine says of a path, without reading it."""

    kind: Kind
    size: int
    """Bytes; of a sparse file the apparent ones."""
    mtime: str
    """As the engine writes it, RFC 3339 with fractions."""
    target: str = ""
    """Where a link leads to."""


class Refused(InventoryError):
    """The engine, or a proxy before it, does not let anybody look into containers."""


class Archive:
    """One container's files; usable from several threads."""

    def __init__(self, connection: "Connection", path: str) -> None:
        self._connection = connection
        self._path = path

    def stat(self, path: str) -> Stat | None:
        """Return what is at an absolute path, None for nothing; a link is not followed. Raises `InventoryError`."""
        status, headers = self._connection.head(self._path, {"path": path})
        if status == 404:
            return None
        if status in (401, 403, 405):
            shown = self._connection.shown
            raise Refused(
                f"permission denied by {shown}: HTTP {status} for HEAD {self._path} (a socket proxy must let it pass)"
            )
        stat = _stat(headers) if status == 200 else None
        if stat is None:
            raise InventoryError(f"{self._connection.shown} does not say what {path} is (HTTP {status})")
        return stat

    def stream(self, path: str, limit: int) -> Generator[bytes, None, None]:
        """Yield a tar archive of what is at a path, of at most `limit` bytes; raises `InventoryError`. Close it."""
        return self._connection.get(self._path, limit, {"path": path}).stream()


def _stat(headers: Mapping[str, str]) -> Stat | None:
    text = headers.get(_STAT, "")
    if not text or len(text) > _MAX_STAT:
        return None
    try:
        told = json.loads(base64.b64decode(text, validate=False))
        mode, size = told["mode"], told["size"]
        target, mtime = told.get("linkTarget") or "", told.get("mtime") or ""
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not isinstance(mode, int) or not isinstance(size, int) or not isinstance(target, str):
        return None
    kind: Kind = "folder" if mode & _FOLDER else "link" if mode & _LINK else "other" if mode & _OTHER else "file"
    return Stat(kind, size, str(mtime), target)
