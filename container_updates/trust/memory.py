"""Who signed and built last time: rows that are only ever added, in an SQLite file of their own in the state directory.

A row is there once the run that made it has ended; whatever ends a run early costs that run's rows and no other.
"""

import json
import sqlite3
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from container_updates.clock import Clock, rfc3339
from container_updates.database import Broken, Database
from container_updates.model import Finding, Problem, Verdict
from container_updates.reference import Reference
from container_updates.trust import remembering, seen
from container_updates.trust.given import MARK, MEMORY_FILE, Facts
from container_updates.trust.remembering import Change, Met, Remembered, Row
from container_updates.trust.seen import NOBODY, Seen

_APPLICATION_ID = 0x4343554D
_SCHEMA = 1
_TABLES = (
    "CREATE TABLE rows (number INTEGER PRIMARY KEY AUTOINCREMENT, "
    "repository TEXT, role TEXT, event TEXT, signers TEXT, digest TEXT, at REAL)",
    "CREATE INDEX of_repository ON rows (repository, role)",
)
_ROWS_EACH = 256
"""Of one repository and role; those in force are never among what is beyond."""
_ROWS = 50_000
ROLES = {"signer": "signed by", "builder": "built by", "source": "built from"}
"""Role to the words before who it is."""
_Key = tuple[str, str]
"""Repository and role."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What the memory says of today's signers."""

    changed: Finding | None = None
    """To be told beside what else was found: signer-changed, or that nobody can say."""
    first: bool = False
    """Nothing was remembered of this repository and role: neither an alarm nor trust."""
    joined: frozenset[Seen] = frozenset()
    """Those who are new beside somebody who is not."""

    @property
    def words(self) -> str:
        """What is to be added to the message about who it was."""
        if self.first:
            return ", first seen"
        return f", new beside it: {seen.names(self.joined)}" if self.joined else ""

    def plain(self) -> dict[str, Any]:
        """The same for a finding's details; {} where there is nothing new."""
        if self.first:
            return {"first_seen": True}
        return {"joined": [one.plain() for one in seen.in_order(self.joined)]} if self.joined else {}


class Memory:
    """For all plugins of a user, and used from many threads. `close` writes what this run has met."""

    def __init__(self, folder: str, *, facts: Facts, clock: Clock, keys: Iterable[bytes] = ()) -> None:
        """`keys` are the policy's, in DER: they are remembered with those who signed by them."""
        self._database = Database(
            folder,
            MEMORY_FILE,
            application=_APPLICATION_ID,
            schema=_SCHEMA,
            tables=_TABLES,
            renews=False,
            durable=True,
        )
        self._facts = facts
        self._clock = clock
        self._keys = {fingerprint(key): b64encode(key).decode() for key in keys}
        self._lock = threading.RLock()
        self._begun = False
        self._mark = 0
        self._lost: str | None = None
        self._unreadable: str | None = None
        self._told: set[tuple[Reference, str]] = set()
        self._remembered: dict[_Key, Remembered] = {}
        self._met: dict[_Key, Met] = {}

    @property
    def problems(self) -> list[Problem]:
        """What is to be said of the file."""
        return self._database.problems

    def compare(
        self, reference: Reference, role: str, now: frozenset[Seen] | None, digest: str, *, named: bool
    ) -> Compared:
        """Compare who it is `now` with who it was, and remember it.

        `role`: signer, builder or source. `now` is empty where there provably is nobody, and None where that could
        not be checked: then nothing is compared. `named`: the policy names one of them, which ends every doubt; then
        `now` should hold only those whom it names. `digest`: of what runs.
        """
        if now is None:
            return Compared()
        now = now or frozenset({NOBODY})
        key = (reference.name, role)
        with self._lock:
            before = self._of(key)
            if before is None:
                return Compared(self._unsaid(reference, digest))
            met = self._met.setdefault(key, Met())
            met.digests.add(digest)
            if not named and before.changed(now):
                met.changes[now] = digest
                return Compared(_changed(reference, role, before, now, digest))
            for one in now:
                met.seen.setdefault(replace(one, key=self._keys.get(one.fingerprint or "")), digest)
            first = now.isdisjoint(before.known)
            joined = frozenset() if first else now - before.known.keys()
            return Compared(self._unsaid(reference, digest), first, joined)

    def accepted(self, reference: Reference, role: str) -> Mapping[Seen, datetime]:
        """Whom the admin accepted by `--accept`, and when."""
        with self._lock:
            before = self._of((reference.name, role)) or Remembered()
            return {
                one.seen: datetime.fromtimestamp(one.accepted, UTC)
                for one in before.known.values()
                if one.accepted is not None
            }

    def keys(self, reference: Reference) -> dict[bytes, str]:
        """Keys by which the repository was signed, in DER, and what the policy called them."""
        with self._lock:
            before = self._of((reference.name, "signer")) or Remembered()
            keys = [(one.seen.name or one.seen.fingerprint or "", one.seen.key) for one in before.known.values()]
            return {b64decode(key): name for name, key in keys if key}

    def everything(self) -> Mapping[_Key, Remembered]:
        """All that is remembered, by repository and role, in their order; empty where it cannot be read."""
        rows: dict[_Key, list[Row]] = {}
        with self._lock:
            self._begin()
            if self._lost is None and self._unreadable is None:
                with self._database.guarded():
                    database = self._database.open()
                    if database is not None:
                        query = "SELECT repository, role, number, event, signers, digest, at FROM rows ORDER BY number"
                        for repository, role, *row in database.execute(query):
                            rows.setdefault((repository, role), []).append(_row(row))
                self._judge()
        if self._lost is not None:
            return {}
        return {key: remembering.read(rows[key]) for key in sorted(rows)}

    def accept(self, wanted: Callable[[str], bool]) -> list[tuple[str, str, Remembered, Change]]:
        """Accept the changes of every repository that is `wanted`, at once; return them with what was before."""
        pending = [
            (repository, role, remembered, change)
            for (repository, role), remembered in self.everything().items()
            if wanted(repository)
            for change in remembered.pending.values()
        ]
        written = False
        with self._lock, self._database.guarded():
            database = self._database.open()
            if pending and database is not None:
                with database:
                    database.execute("BEGIN IMMEDIATE")
                    for repository, role, _, change in pending:
                        now = tuple(seen.in_order(change.now))
                        row = Row(0, remembering.ACCEPTED, now, change.row.digest, self._clock.wall())
                        _insert(database, (repository, role), row)
                written = True
        return pending if written else []

    def close(self) -> None:
        """Write what this run has met, in one transaction, and how far the memory got."""
        with self._lock:
            if self._met and self._unreadable is None:
                with self._database.guarded():
                    if self._lost is not None:
                        self._begin_anew()
                    database = self._database.open()
                    if database is not None:
                        got = self._write(database)
                        self._facts.remember(*MARK, str(got).encode())
            self._database.close()

    def _of(self, key: _Key) -> Remembered | None:
        """What earlier runs remember; None where that cannot be read."""
        if key not in self._remembered:
            self._begin()
            if self._unreadable is None and self._lost is None:
                with self._database.guarded():
                    database = self._database.open()
                    if database is not None:
                        self._remembered[key] = remembering.read(_rows(database, key))
                self._judge()
        if self._unreadable is not None:
            return None
        return self._remembered.get(key, Remembered())

    def _begin(self) -> None:
        """Look once whether the file can be believed."""
        if self._begun:
            return
        self._begun = True
        # The mark first: another run may write both meanwhile, the file before the mark.
        self._mark = _number(self._facts.recall(*MARK))
        there = _is_there(self._database)
        with self._database.guarded():
            database = self._database.open()
            if database is not None:
                _check(database)
                if _got(database) < self._mark:
                    raise Broken("the file is missing, cut off or an older one")
        self._judge(there)

    def _judge(self, there: bool = True) -> None:
        """What a file that failed means: lost, or unreadable today, or, where there never was one, nothing."""
        if self._lost is None and self._database.broken is not None:
            self._lost = self._database.broken
            self._remembered.clear()
            self._database.say(f"what was remembered of signers is lost: {self._lost}")
        elif self._unreadable is None and self._database.problems and self._lost is None:
            told = self._database.problems[0].message
            self._unreadable = told if there or self._mark else ""

    def _unsaid(self, reference: Reference, digest: str) -> Finding | None:
        """Said once of a container, whatever was asked of it."""
        if (reference, digest) in self._told or not (self._lost or self._unreadable):
            return None
        self._told.add((reference, digest))
        state = f"was lost ({self._lost})" if self._lost else f"cannot be read ({self._unreadable})"
        reason = f"what was remembered of its signers {state}: whether they changed cannot be said"
        return Finding(
            "signatures",
            "bad-answer",
            Verdict.INCONCLUSIVE,
            f"{reference} not checked: {reason}",
            {"reason": reason, "of": "memory"},
        )

    def _begin_anew(self) -> None:
        """In the place of a file that was lost, unless another run has done that already.

        The rows are counted on from the mark, so that no other run takes the new file for one that was cut off.
        """
        with self._database.alone():
            self._database.again()
            empty = False
            with self._database.guarded():
                database = self._database.open()
                if database is not None:
                    _check(database)
                    if _got(database) >= max(self._mark, 1):
                        return
                    empty = not database.execute("SELECT count(*) FROM rows").fetchone()[0]
            if not empty:
                self._database.set_aside()
                self._database.again()
            database = self._database.open()
            if database is not None:
                with database:
                    database.execute("DELETE FROM sqlite_sequence")
                    database.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('rows', ?)", (self._mark,))

    def _write(self, database: sqlite3.Connection) -> int:
        """Return how far the memory got."""
        now = self._clock.wall()
        with database:
            database.execute("BEGIN IMMEDIATE")
            for key, met in self._met.items():
                before = remembering.read(_rows(database, key))
                for row in remembering.additions(before, met, now):
                    _insert(database, key, row)
                _shrink(database, key)
            _shrink_all(database)
            return _got(database)


def _changed(reference: Reference, role: str, before: Remembered, now: frozenset[Seen], digest: str) -> Finding:
    """Names both sides."""
    was = seen.in_order(before.in_force)
    last = max(before.known[one].last.at for one in was)
    day = rfc3339(datetime.fromtimestamp(last, UTC))[:10]
    by = ROLES[role]
    message = f"{reference} {by} {seen.names(now)}, until {day} {by.split()[-1]} {seen.names(was)}"
    details = {
        "role": role,
        "before": [one.plain() for one in was],
        "now": [one.plain() for one in seen.in_order(now)],
        "digest": digest,
    }
    return Finding("signatures", "signer-changed", Verdict.FAIL, message, details)


def _check(database: sqlite3.Connection) -> None:
    """Raises `Broken` for pages that do not fit together."""
    [fine] = database.execute("PRAGMA quick_check(1)").fetchone()
    if fine != "ok":
        raise Broken("the file's pages do not fit together")


def _rows(database: sqlite3.Connection, key: _Key) -> list[Row]:
    query = "SELECT number, event, signers, digest, at FROM rows WHERE repository = ? AND role = ? ORDER BY number"
    return [_row(row) for row in database.execute(query, key)]


def _row(columns: Sequence[Any]) -> Row:
    number, event, signers, digest, at = columns
    try:
        return Row(int(number), str(event), tuple(map(seen.of, json.loads(signers))), str(digest), float(at))
    except (ValueError, TypeError, AttributeError):
        raise Broken("a row that is none") from None


def _insert(database: sqlite3.Connection, key: _Key, row: Row) -> None:
    signers = json.dumps([one.kept() for one in row.signers])
    database.execute(
        "INSERT INTO rows (repository, role, event, signers, digest, at) VALUES (?, ?, ?, ?, ?, ?)",
        (*key, row.event, signers, row.digest, row.at),
    )


def _shrink(database: sqlite3.Connection, key: _Key) -> None:
    rows = _rows(database, key)
    beyond = len(rows) - _ROWS_EACH
    if beyond > 0:
        _delete(database, remembering.superseded(rows)[:beyond])


def _shrink_all(database: sqlite3.Connection) -> None:
    """The oldest superseded rows of all repositories, once there are too many."""
    [count] = database.execute("SELECT count(*) FROM rows").fetchone()
    if count > _ROWS:
        keys = database.execute("SELECT DISTINCT repository, role FROM rows").fetchall()
        numbers = sorted(number for key in keys for number in remembering.superseded(_rows(database, key)))
        # More than has to go: this looks at everything, and is not to be done again by the next run.
        _delete(database, numbers[: count - _ROWS * 9 // 10])


def _delete(database: sqlite3.Connection, numbers: list[int]) -> None:
    database.executemany("DELETE FROM rows WHERE number = ?", [(number,) for number in numbers])


def _got(database: sqlite3.Connection) -> int:
    """The highest number that a row ever had."""
    row = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'rows'").fetchone()
    return int(row[0]) if row else 0


def _is_there(database: Database) -> bool:
    try:
        return database.path.stat().st_size > 0
    except OSError:
        return False


def fingerprint(key: bytes) -> str:
    """`sha256:…` of a public key's DER, as `Identity.fingerprint` has it."""
    return f"sha256:{sha256(key).hexdigest()}"


def _number(fact: bytes | None) -> int:
    try:
        return int(fact or b"0")
    except ValueError:
        return 0
