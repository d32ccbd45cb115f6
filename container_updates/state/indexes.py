"""Indexes of package repositories, as tables: one SQLite file in the state directory beside what else is remembered.

An index is kept under the hash that its repository signed, so that it can never be another one; what was fetched of one
that is not whole yet is kept too. Where the file cannot be used, a run remembers for itself alone.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from container_updates.clock import Clock
from container_updates.model import Problem
from container_updates.state.database import Database

_FILE = "indexes.sqlite"
_APPLICATION_ID = 0x43435549
_SCHEMA = 1
_MAX_KEPT = 512 * 1024 * 1024
"""Bytes of all indexes together; the least recently used ones go."""
_ASKED_AT_ONCE = 500
_TABLES = (
    "CREATE TABLE indexes (id INTEGER PRIMARY KEY, key TEXT UNIQUE, size INTEGER, used REAL)",
    "CREATE TABLE entries (id INTEGER, name TEXT, packed TEXT, PRIMARY KEY (id, name)) WITHOUT ROWID",
    "CREATE TABLE parts (key TEXT PRIMARY KEY, body BLOB, used REAL)",
    "CREATE TABLE signed (url TEXT PRIMARY KEY, body BLOB, validators TEXT, asked REAL)",
)
_PARTS_KEPT = 7 * 86400.0
_SIGNED_KEPT = 90 * 86400.0


class Indexes:
    """Used from many threads."""

    def __init__(self, folder: str, *, clock: Clock, most: int = _MAX_KEPT) -> None:
        self._clock, self._most = clock, most
        self._database = Database(folder, _FILE, application=_APPLICATION_ID, schema=_SCHEMA, tables=_TABLES)
        self._lock = threading.RLock()
        self._memory: sqlite3.Connection | None = None

    @property
    def problems(self) -> list[Problem]:
        """What is to be said of the file."""
        return self._database.problems

    def has(self, key: str) -> bool:
        """Whether the index of this hash is there."""
        return self._id(key) is not None

    def write(self, key: str, rows: Iterable[tuple[str, str]]) -> None:
        """Keep an index: name and packed text, those of one name joined by line breaks; drops what was a part of it."""
        merged: dict[str, str] = {}
        for name, packed in rows:
            merged[name] = f"{merged[name]}\n{packed}" if name in merged else packed
        size = sum(len(name) + len(packed) + 16 for name, packed in merged.items())
        now = self._clock.wall()

        def insert(database: sqlite3.Connection) -> None:
            with database:
                row = database.execute("SELECT id FROM indexes WHERE key = ?", (key,)).fetchone()
                if row is None:
                    cursor = database.execute(
                        "INSERT INTO indexes (key, size, used) VALUES (?, ?, ?)", (key, size, now)
                    )
                    database.executemany(
                        "INSERT INTO entries VALUES (?, ?, ?)",
                        [(cursor.lastrowid, name, packed) for name, packed in merged.items()],
                    )
                database.execute("DELETE FROM parts WHERE key = ? OR used < ?", (key, now - _PARTS_KEPT))
                database.execute("DELETE FROM signed WHERE asked < ?", (now - _SIGNED_KEPT,))
                self._shrink(database, key)

        self._do(insert)

    def look_up(self, key: str, names: Sequence[str]) -> Mapping[str, str]:
        """Return packed text by name, without those names that the index does not have."""
        number = self._id(key)
        found: dict[str, str] = {}

        def select(database: sqlite3.Connection) -> None:
            for start in range(0, len(names), _ASKED_AT_ONCE):
                some = names[start : start + _ASKED_AT_ONCE]
                marks = ",".join("?" * len(some))
                query = f"SELECT name, packed FROM entries WHERE id = ? AND name IN ({marks})"  # noqa: S608 - marks
                found.update(database.execute(query, (number, *some)).fetchall())
            with database:
                database.execute("UPDATE indexes SET used = ? WHERE id = ?", (self._clock.wall(), number))

        if number is not None:
            self._do(select)
        return found

    def part(self, key: str) -> bytes:
        """Return what an earlier run had fetched of something, b"" for nothing."""
        row = self._row("SELECT body FROM parts WHERE key = ?", key)
        return bytes(row[0]) if row else b""

    def keep_part(self, key: str, body: bytes) -> None:
        """Keep what was fetched so far; b"" forgets it."""

        def store(database: sqlite3.Connection) -> None:
            with database:
                if body:
                    database.execute("INSERT OR REPLACE INTO parts VALUES (?, ?, ?)", (key, body, self._clock.wall()))
                else:
                    database.execute("DELETE FROM parts WHERE key = ?", (key,))

        self._do(store)

    def signed(self, url: str) -> tuple[bytes, str, float] | None:
        """Return what a repository answered last, what to ask for anything newer by, and when it was asked."""
        row = self._row("SELECT body, validators, asked FROM signed WHERE url = ?", url)
        return (bytes(row[0]), str(row[1]), float(row[2])) if row else None

    def keep_signed(self, url: str, body: bytes, validators: str) -> None:
        """Keep what a repository answered just now."""

        def store(database: sqlite3.Connection) -> None:
            with database:
                row = (url, body, validators, self._clock.wall())
                database.execute("INSERT OR REPLACE INTO signed VALUES (?, ?, ?, ?)", row)

        self._do(store)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()
            if self._memory is not None:
                self._memory.close()

    def _shrink(self, database: sqlite3.Connection, newest: str) -> None:
        kept = 0
        for number, key, size in database.execute("SELECT id, key, size FROM indexes ORDER BY used DESC").fetchall():
            kept += size
            if kept > self._most and key != newest:
                database.execute("DELETE FROM entries WHERE id = ?", (number,))
                database.execute("DELETE FROM indexes WHERE id = ?", (number,))

    def _id(self, key: str) -> int | None:
        row = self._row("SELECT id FROM indexes WHERE key = ?", key)
        return int(row[0]) if row else None

    def _row(self, query: str, key: str) -> tuple[Any, ...] | None:
        found: list[tuple[Any, ...]] = []
        self._do(lambda database: found.extend(database.execute(query, (key,)).fetchall()))
        return found[0] if found else None

    def _do(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Do something with the file; in memory where it cannot be used, and from then on."""
        with self._lock:
            if self._memory is None:
                with self._database.guarded():
                    database = self._database.open()
                    if database is not None:
                        work(database)
                        return
                self._memory = sqlite3.connect(":memory:", check_same_thread=False)
                for statement in _TABLES:
                    self._memory.execute(statement)
            work(self._memory)
