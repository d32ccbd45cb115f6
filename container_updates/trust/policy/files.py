"""The files that make up a policy, and whether they are still what they were."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from container_updates.errors import PolicyError
from container_updates.untrusted import files

MAX_FILE = 1 << 20
"""Bytes of a policy, a key, a certificate or a root."""

Source = tuple[str, str]
"""Path of a file or folder, and SHA-256 of its content or of the names in it."""


class Files:
    """The files of one policy, relative to it; remembers what was read."""

    def __init__(self, policy: Path) -> None:
        self.policy = policy
        self._sources: dict[str, str] = {}

    @property
    def sources(self) -> tuple[Source, ...]:
        """Everything that was read so far."""
        return tuple(self._sources.items())

    def path(self, name: str) -> Path:
        """Where a file that the policy names lies."""
        return self.policy.parent / name

    def read(self, path: Path, place: str) -> bytes:
        """Its bytes. Raises `PolicyError` with the place that names it where it cannot be read."""
        try:
            content = _content(path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no file name"
            raise PolicyError(f"{place}: cannot read {path}: {reason}") from None
        if len(content) > MAX_FILE:
            raise PolicyError(f"{place}: {path} is larger than 1 MiB")
        self._sources[str(path)] = sha256(content).hexdigest()
        return content

    def listed(self, folder: Path, place: str) -> list[Path]:
        """The files in a folder, sorted. Raises `PolicyError` where it cannot be read."""
        try:
            names = _names(folder)
        except OSError as error:
            raise PolicyError(f"{place}: cannot read {folder}: {error.strerror}") from None
        self._sources[str(folder)] = _digest_of(names)
        return [folder / name for name in names]


def unchanged(sources: Iterable[Source]) -> bool:
    """Whether every file and folder still has what it had."""
    try:
        return all(_digest(Path(path)) == digest for path, digest in sources)
    except (OSError, ValueError):
        return False


def _digest(path: Path) -> str:
    return _digest_of(_names(path)) if path.is_dir() else sha256(_content(path)).hexdigest()


def _content(path: Path) -> bytes:
    return files.read(path, MAX_FILE)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def _digest_of(names: Iterable[str]) -> str:
    return sha256("/".join(names).encode(errors="surrogateescape")).hexdigest()
