"""What earlier runs were told and what they met: one SQLite file in the state directory, for all plugins of a user.

Nothing here ever stops a check: where the file cannot be used the run remembers for itself alone, and says so once.
"""

import sqlite3
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from container_updates.clock import Clock
from container_updates.model import Problem
from container_updates.state.database import Database

_FILE = "state.sqlite"
_APPLICATION_ID = 0x43435550
_SCHEMA = 1
_MAX_VALUE = 4 * 1024 * 1024 + 1024
_MAX_KEPT = 64 * 1024 * 1024
"""Bytes of what is kept for good."""
_MOST_FACTS = 50_000
"""Those used last are kept, whatever a clock says that is wrong for a while; a host with 500 containers has a tenth."""
_MOST_PENDING = 8 * 1024 * 1024
"""Bytes of this run's answers that wait in memory to be written."""
_LARGE = 64 * 1024
_TOUCHED = 86400.0
"""Seconds after which a use is written down again."""
_TABLES = (
    "CREATE TABLE answers "
    "(kind TEXT, key TEXT, value BLOB, written REAL, expires REAL, used REAL, PRIMARY KEY (kind, key))",
    "CREATE TABLE facts (kind TEXT, key TEXT, value BLOB, used REAL, PRIMARY KEY (kind, key))",
)

PASSING = ("published", "not-found", "referrers", "attached", "findings")
"""Kinds of answers about what may be another thing tomorrow."""

_Key = tuple[str, str]


class Store:
    """Answers with a time to live, contents by digest, and facts that outlive both; used from many threads.

    `close` writes what this run has learnt. With `answers=False` answers are neither taken from the file nor left
    there, facts are. `ttl`: seconds after which no answer of a passing kind is taken from the file, however long the
    run that left it there wanted to believe it.
    """

    def __init__(self, folder: str, *, clock: Clock, answers: bool = True, ttl: float | None = None) -> None:
        self._database = Database(folder, _FILE, application=_APPLICATION_ID, schema=_SCHEMA, tables=_TABLES)
        self._clock = clock
        self._keeps_answers = answers
        self._ttl = ttl
        self._lock = threading.RLock()
        self._answers: dict[_Key, tuple[bytes, float | None, float]] = {}
        """Of this run: value, when it ends, and since when it is known."""
        self._pending = 0
        """Bytes of these."""
        self._ends: dict[str, float] = {}
        """By kind: when the first of the answers that were taken from the file ends."""
        self._oldest: dict[str, float] = {}
        """By kind: since when the oldest of them is known."""
        self._facts: dict[_Key, bytes | None] = {}
        self._touched: dict[str, list[_Key]] = {"answers": [], "facts": []}

    @property
    def problems(self) -> list[Problem]:
        """What is to be said of the file."""
        return self._database.problems

    def get(self, kind: str, key: str) -> bytes | None:
        """Return what was put under this key; None where it never was, or is too old."""
        with self._lock:
            now = self._clock.wall()
            if (kind, key) in self._answers:
                value, expires, _ = self._answers[kind, key]
                return value if expires is None or expires > now else None
            if not self._keeps_answers:
                return None
            row = self._row("answers", "value, written, expires, used", (kind, key))
            if row is None:
                return None
            kept, written, expires, used = row
            # Written after now: the clock was set back, and how old it is nobody can tell.
            if not isinstance(kept, bytes) or (expires is not None and not written <= now < expires):
                return None
            if self._ttl is not None and kind in PASSING and now - written >= self._ttl:
                return None
            if expires is not None:
                self._ends[kind] = min(expires, self._ends.get(kind, expires))
                self._oldest[kind] = min(written, self._oldest.get(kind, written))
            elif not used <= now < used + _TOUCHED:
                self._touched["answers"].append((kind, key))
            return kept

    def earliest_end(self, kinds: Iterable[str]) -> float | None:
        """Return when the first answer of these kinds that earlier runs left ends; None where none was taken.

        What is made of answers and kept itself must not outlive them.
        """
        with self._lock:
            return min((self._ends[kind] for kind in kinds if kind in self._ends), default=None)

    def oldest(self, kinds: Iterable[str]) -> float:
        """Return since when the oldest answer of these kinds is known that earlier runs left; now where none was taken.

        What is made of answers is no younger than they are.
        """
        with self._lock:
            return min((self._oldest[kind] for kind in kinds if kind in self._oldest), default=self._clock.wall())

    def put(self, kind: str, key: str, value: bytes, ttl: float | None, *, since: float | None = None) -> None:
        """Keep an answer for `ttl` seconds; None: for good, as far as there is room. `since`: known for longer."""
        if len(value) <= _MAX_VALUE:
            with self._lock:
                now = self._clock.wall()
                self._answers[kind, key] = value, None if ttl is None else now + ttl, now if since is None else since
                self._pending += len(value)
                if self._pending > _MOST_PENDING:
                    self._relieve()

    def recall(self, kind: str, key: str) -> bytes | None:
        """Return the fact remembered under this key, None for none."""
        with self._lock:
            if (kind, key) not in self._facts:
                row = self._row("facts", "value, used", (kind, key))
                if row is None or not isinstance(row[0], bytes):
                    return None
                if not row[1] <= self._clock.wall() < row[1] + _TOUCHED:
                    self._touched["facts"].append((kind, key))
                return row[0]
            return self._facts[kind, key]

    def facts(self, kind: str) -> dict[str, bytes]:
        """Return every fact of a kind that earlier runs remembered, by key."""
        with self._lock, self._database.guarded():
            database = self._database.open()
            if database is not None:
                rows = database.execute("SELECT key, value FROM facts WHERE kind = ? ORDER BY key", (kind,)).fetchall()
                return {str(key): value for key, value in rows if isinstance(value, bytes)}
        return {}

    def remember(self, kind: str, key: str, value: bytes | None) -> None:
        """Remember a fact while it is asked for from time to time; None forgets it."""
        if value is None or len(value) <= _MAX_VALUE:
            with self._lock:
                self._facts[kind, key] = value

    def first_seen(self, kind: str, key: str) -> datetime:
        """Return when this was first asked, which is now if it never was."""
        with self._lock:
            with suppress(ValueError, OverflowError, OSError):
                return datetime.fromtimestamp(float(self.recall(kind, key) or ""), UTC)
            now = self._clock.now()
            self.remember(kind, key, str(now.timestamp()).encode())
            return now

    def close(self) -> None:
        """Write what is new, in one transaction."""
        with self._lock:
            if any((self._answers if self._keeps_answers else None, self._facts, *self._touched.values())):
                self._write()
            self._database.close()

    def _relieve(self) -> None:
        """Write what waits, or let go of the large ones where nothing is written: they can be asked for again."""
        if self._keeps_answers:
            self._write()
            self._answers.clear()
        else:
            self._answers = {key: kept for key, kept in self._answers.items() if len(kept[0]) <= _LARGE}
        self._pending = 0

    def _row(self, table: str, columns: str, key: _Key) -> tuple[Any, ...] | None:
        with self._database.guarded():
            database = self._database.open()
            if database is not None:
                query = f"SELECT {columns} FROM {table} WHERE kind = ? AND key = ?"  # noqa: S608 - our own names
                row: tuple[Any, ...] | None = database.execute(query, key).fetchone()
                return row
        return None

    def _write(self) -> None:
        now = self._clock.wall()
        answers = self._answers if self._keeps_answers else {}
        with self._database.guarded():
            database = self._database.open()
            if database is None:
                return
            with database:
                database.executemany(
                    "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)",
                    [(*key, value, since, expires, now) for key, (value, expires, since) in answers.items()],
                )
                database.executemany(
                    "INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?)",
                    [(*key, value, now) for key, value in self._facts.items() if value is not None],
                )
                forgotten = [key for key, value in self._facts.items() if value is None]
                database.executemany("DELETE FROM facts WHERE kind = ? AND key = ?", forgotten)
                for table, keys in self._touched.items():
                    query = f"UPDATE {table} SET used = ? WHERE kind = ? AND key = ?"  # noqa: S608 - our own names
                    database.executemany(query, [(now, *key) for key in keys])
                database.execute("DELETE FROM answers WHERE expires <= ?", (now,))
                most = "SELECT rowid FROM facts ORDER BY used DESC LIMIT -1 OFFSET ?"
                database.execute(f"DELETE FROM facts WHERE rowid IN ({most})", (_MOST_FACTS,))  # noqa: S608 - our own
                if any(expires is None for _, expires, _ in answers.values()):
                    _shrink(database)


def _shrink(database: sqlite3.Connection) -> None:
    """Let go of what was kept for good and not used for the longest time, once there is too much of it."""
    kept = 0
    query = "SELECT kind, key, length(value) FROM answers WHERE expires IS NULL ORDER BY used DESC"
    for kind, key, size in database.execute(query).fetchall():
        kept += size
        if kept > _MAX_KEPT:
            database.execute("DELETE FROM answers WHERE kind = ? AND key = ?", (kind, key))
