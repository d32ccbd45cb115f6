"""Which keys may vouch for a source: those that it names, else all that apt in the container trusts."""

import re
from collections.abc import Iterable

from container_updates.contents.apt.setup.names import used
from container_updates.contents.apt.setup.sources import Source
from container_updates.contents.files import Files, Tree
from container_updates.contents.repositories import openpgp
from container_updates.contents.repositories.openpgp import Certificate

_MAX_KEYRING = 4 * 1024 * 1024
_FINGERPRINT = re.compile(r"[0-9A-F]{40}!?")


class Keys:
    """The keys of one container."""

    def __init__(self, tree: Tree, files: Files) -> None:
        self._tree, self._files = tree, files
        self._read: dict[str, list[Certificate]] = {}

    def of(self, source: Source) -> list[Certificate]:
        """Return the keys that a source may be signed by (sources.list(5), Signed-By)."""
        wanted = source.signed_by
        if "-----BEGIN PGP" in wanted:
            # A line of the field that has only a dot stands for an empty one.
            lines = ["" if line.strip() == "." else line for line in wanted.split("\n")]
            return openpgp.certificates("\n".join(lines).encode())
        parts = wanted.replace(",", " ").split()
        if not parts:
            return self._trusted()
        found = [key for part in parts if part.startswith("/") for key in self._keyring(part)]
        prints = {part.upper().rstrip("!") for part in parts if _FINGERPRINT.fullmatch(part.upper())}
        return found + [key for key in self._trusted() if prints.intersection(key.keys)]

    def _trusted(self) -> list[Certificate]:
        names = [*used(self._tree, "trusted.gpg.d", "gpg", "asc", bare=False), "trusted.gpg"]
        links = sorted(path for path in self._tree.links if path.startswith("trusted.gpg.d/"))
        found = [key for name in names for key in openpgp.certificates(self._tree.files.get(name, b""))]
        return found + [key for path in links[:100] for key in self._keyring(f"/etc/apt/{path}")]

    def _keyring(self, path: str) -> list[Certificate]:
        if path not in self._read:
            inside = path.removeprefix("/etc/apt/")
            content = self._tree.files.get(inside) if path != inside else None
            if content is None:
                content = self._files.read(path, _MAX_KEYRING)
            self._read[path] = openpgp.certificates(content or b"")
        return self._read[path]


def in_keyring(content: bytes) -> list[Certificate]:
    """Return the keys of one keyring, binary or armored."""
    return openpgp.certificates(content)


def on_host(folders: Iterable[str]) -> list[Certificate]:
    """Return the keys in the keyrings of folders and files on this host; those that cannot be read are left out."""
    from pathlib import Path

    found: dict[str, Certificate] = {}
    for folder in folders:
        place = Path(folder)
        for path in sorted(place.iterdir()) if place.is_dir() else [place]:
            if path.suffix in (".gpg", ".asc", ".pgp"):
                try:
                    if path.stat().st_size <= _MAX_KEYRING:
                        found |= {key.fingerprint: key for key in openpgp.certificates(path.read_bytes())}
                except OSError:
                    continue
    return list(found.values())
