"""The memory's rows in SQLite: read, added, and, beyond their limits, taken away."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from container_updates.state.database import Broken
from container_updates.trust.memory import history, identity
from container_updates.trust.memory.history import Row

TABLES = (
    "CREATE TABLE rows (number INTEGER PRIMARY KEY AUTOINCREMENT, "
    "repository TEXT, role TEXT, event TEXT, signers TEXT, digest TEXT, at REAL)",
    "CREATE INDEX of_repository ON rows (repository, role)",
)
Key = tuple[str, str]
"""Repository and role."""
_EACH = 256
"""Rows of one repository and role, besides those in force."""
_ALL = 50_000
"""Rows of all of them. Those in force never go, but past this many a repository that is new is not taken in."""


def check(database: sqlite3.Connection) -> None:
    """Raises `Broken` for pages that do not fit together."""
    [fine] = database.execute("PRAGMA quick_check(1)").fetchone()
    if fine != "ok":
        raise Broken("the file's pages do not fit together")


def got(database: sqlite3.Connection) -> int:
    """The highest number that a row ever had."""
    row = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'rows'").fetchone()
    return int(row[0]) if row else 0


def go_on_from(database: sqlite3.Connection, number: int) -> None:
    """Let the next row of an empty file have the number after this one."""
    with database:
        database.execute("DELETE FROM sqlite_sequence")
        database.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('rows', ?)", (number,))


def count(database: sqlite3.Connection) -> int:
    """How many there are."""
    return int(database.execute("SELECT count(*) FROM rows").fetchone()[0])


def of(database: sqlite3.Connection, key: Key) -> list[Row]:
    """Those of one repository and role, in their order. Raises `Broken`."""
    query = "SELECT number, event, signers, digest, at FROM rows WHERE repository = ? AND role = ? ORDER BY number"
    return [_row(row) for row in database.execute(query, key)]


def everything(database: sqlite3.Connection) -> dict[Key, list[Row]]:
    """All of them. Raises `Broken`."""
    found: dict[Key, list[Row]] = {}
    query = "SELECT repository, role, number, event, signers, digest, at FROM rows ORDER BY number"
    for repository, role, *row in database.execute(query):
        found.setdefault((repository, role), []).append(_row(row))
    return found


def add(database: sqlite3.Connection, key: Key, new: Sequence[Row]) -> None:
    """Add rows, and let go of what they make superfluous beyond the limit."""
    database.executemany(
        "INSERT INTO rows (repository, role, event, signers, digest, at) VALUES (?, ?, ?, ?, ?, ?)",
        [(*key, row.event, json.dumps([one.kept() for one in row.signers]), row.digest, row.at) for row in new],
    )
    [beyond] = database.execute(
        "SELECT count(*) - ? FROM rows WHERE repository = ? AND role = ?", (_EACH, *key)
    ).fetchone()
    if beyond > 0:
        _delete(database, history.superseded(of(database, key))[:beyond])


def is_full(database: sqlite3.Connection) -> bool:
    """Whether nothing new is to be taken in, once the oldest superseded rows of all repositories are gone."""
    beyond = count(database) - _ALL
    if beyond <= 0:
        return False
    numbers = sorted(number for rows in everything(database).values() for number in history.superseded(rows))
    # More than has to go: this looks at everything, and is not to be done again by the next run.
    _delete(database, numbers[: beyond + _ALL // 10])
    return len(numbers) < beyond


def _row(columns: Sequence[Any]) -> Row:
    number, event, signers, digest, at = columns
    try:
        return Row(int(number), str(event), tuple(map(identity.of, json.loads(signers))), str(digest), float(at))
    except (ValueError, TypeError, AttributeError):
        raise Broken("a row that is none") from None


def _delete(database: sqlite3.Connection, numbers: Sequence[int]) -> None:
    database.executemany("DELETE FROM rows WHERE number = ?", [(number,) for number in numbers])
