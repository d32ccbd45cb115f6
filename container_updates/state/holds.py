"""Updates that an admin does not want, until another one is published: kept for good, in a file of their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from container_updates.model import Problem
from container_updates.state.database import Database

_FILE = "holds.sqlite"
_APPLICATION_ID = 0x43435548
_SCHEMA = 1
_TABLES = ("CREATE TABLE holds (image TEXT, digest TEXT, at REAL, PRIMARY KEY (image, digest))",)
UPDATES = "update"
"""Kind of the facts that say which update of an image waits."""
_MAX_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Hold:
    """One image whose update is not wanted."""

    digests: frozenset[str]
    """Of the update: of what the tag named, and of the manifest for each platform that waited for it."""
    at: float
    """Seconds since the epoch: when the admin said so."""


class Holds:
    """The file of the holds; `problems` has what is to be said of it."""

    def __init__(self, folder: str) -> None:
        self._database = Database(
            folder, _FILE, application=_APPLICATION_ID, schema=_SCHEMA, tables=_TABLES, durable=True
        )

    @property
    def problems(self) -> list[Problem]:
        """What is to be said of the file."""
        return self._database.problems

    def everything(self) -> Mapping[str, Hold]:
        """Return the holds by image, `Reference` as text; nothing is made where there is no file yet."""
        found: dict[str, Hold] = {}
        if not self._database.path.exists():
            return found
        with self._database.guarded():
            database = self._database.open()
            query = "SELECT image, digest, at FROM holds ORDER BY image LIMIT ?"
            for image, digest, at in database.execute(query, (_MAX_ROWS,)) if database else ():
                known = found.get(str(image), Hold(frozenset(), float(at)))
                found[str(image)] = Hold(known.digests | {str(digest)}, float(at))
        return found

    def hold(self, updates: Mapping[str, Iterable[str]], at: float) -> None:
        """Hold these digests of these images, in the place of what was held of them before."""
        rows = [(image, digest, at) for image, digests in updates.items() for digest in digests]
        with self._database.guarded():
            database = self._database.open()
            if database is not None:
                with database:
                    database.executemany("DELETE FROM holds WHERE image = ?", [(image,) for image in updates])
                    database.executemany("INSERT INTO holds VALUES (?, ?, ?)", rows)

    def release(self, images: Iterable[str]) -> None:
        """Hold nothing of these images any longer."""
        with self._database.guarded():
            database = self._database.open()
            if database is not None:
                with database:
                    database.executemany("DELETE FROM holds WHERE image = ?", [(image,) for image in images])

    def close(self) -> None:
        """Close the file."""
        self._database.close()
