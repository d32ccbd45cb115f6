"""Who signed and built last time: rows that are only ever added, in an SQLite file of their own in the state directory.

A row is there once the run that made it has ended; whatever ends a run early costs that run's rows and no other.
"""

import sqlite3
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from container_updates.clock import Clock, rfc3339
from container_updates.model import Finding, Problem, Verdict
from container_updates.reference import Reference
from container_updates.state.database import Broken, Database
from container_updates.trust.memory import history, identity, table
from container_updates.trust.memory.history import Change, Met, Remembered, Row
from container_updates.trust.memory.identity import NOBODY, Seen, fingerprint
from container_updates.trust.memory.mark import MARK, MEMORY_FILE, Facts
from container_updates.trust.memory.table import Key

_APPLICATION_ID = 0x4343554D
_SCHEMA = 1
ROLES = {"signer": "signed by", "builder": "built by", "source": "built from"}
"""Role to the words before who it is."""


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
        return f", new beside it: {identity.names(self.joined)}" if self.joined else ""

    def plain(self) -> dict[str, Any]:
        """The same for a finding's details; {} where there is nothing new."""
        if self.first:
            return {"first_seen": True}
        return {"joined": [one.plain() for one in identity.in_order(self.joined)]} if self.joined else {}


class Memory:
    """For all plugins of a user, and used from many threads. `close` writes what this run has met."""

    def __init__(
        self, folder: str, *, facts: Facts, clock: Clock, keys: Iterable[bytes] = (), policy: str = "none"
    ) -> None:
        """`keys` are the policy's, in DER: they are remembered with those who signed by them. `policy`: its mark."""
        self._database = Database(
            folder,
            MEMORY_FILE,
            application=_APPLICATION_ID,
            schema=_SCHEMA,
            tables=table.TABLES,
            renews=False,
            durable=True,
        )
        self._facts = facts
        self._clock = clock
        self._policy = policy
        self._keys = {fingerprint(key): b64encode(key).decode() for key in keys}
        self._lock = threading.RLock()
        self._begun = False
        self._mark = 0
        self._lost: str | None = None
        self._unreadable: str | None = None
        self._got = 0
        self._told: set[tuple[Reference, str]] = set()
        self._changes: dict[tuple[Reference, str], set[str | None]] = {}
        self._remembered: dict[Key, Remembered] = {}
        self._met: dict[Key, Met] = {}

    @property
    def problems(self) -> list[Problem]:
        """What is to be said of the file."""
        return self._database.problems

    def compare(
        self,
        reference: Reference,
        role: str,
        now: frozenset[Seen] | None,
        digest: str,
        *,
        named: bool,
        doubtful: bool = False,
    ) -> Compared:
        """Compare who it is `now` with who it was, and remember it.

        `role`: signer, builder or source. `now` is empty where there provably is nobody, and None where that could
        not be checked: then nothing is compared. `named`: the policy names one of them, which ends every doubt; then
        `now` should hold only those whom it names. `digest`: of what runs. `doubtful`: something is signed, and
        nobody can say by whom (`identity.is_doubtful`): where the policy is another one since, nothing is compared.
        """
        if now is None:
            return Compared()
        now = now or frozenset({NOBODY})
        key = (reference.name, role)
        with self._lock:
            before = self._of(key)
            if before is None:
                return Compared(self._unsaid(reference, digest))
            if not named and before.changed(now) and before.is_open(self._policy, doubtful=doubtful):
                return Compared(self._unsaid(reference, digest))
            met = self._met.setdefault(key, Met())
            met.digests.add(digest)
            if not named and before.changed(now):
                met.changes[now] = digest
                return Compared(self._once(reference, role, before, now, digest))
            for one in now:
                key_itself, mark = self._keys.get(one.fingerprint or ""), "policy" if named else None
                met.seen.setdefault(replace(one, key=key_itself, policy=self._policy, named=mark), digest)
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

    def everything(self) -> Mapping[Key, Remembered]:
        """All that is remembered, by repository and role, in their order; empty where it cannot be read."""
        found: dict[Key, list[Row]] = {}
        with self._lock:
            self._begin()
            if self._lost is None and self._unreadable is None:
                with self._database.guarded():
                    database = self._database.open()
                    if database is not None:
                        found = table.everything(database)
                self._judge()
        return {key: history.read(found[key]) for key in sorted(found)}

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
                        now = tuple(identity.in_order(change.now))
                        row = Row(0, history.ACCEPTED, now, change.row.digest, self._clock.wall())
                        table.add(database, (repository, role), [row])
                    self._got = table.got(database)
                written = True
        return pending if written else []

    def close(self) -> None:
        """Write what this run has met, in one transaction, and how far the memory got."""
        with self._lock:
            if self._unreadable is None and self._has_news():
                with self._database.guarded():
                    if self._lost is not None:
                        self._begin_anew()
                    database = self._database.open()
                    if database is not None:
                        self._got = self._write(database)
            if self._got > self._mark:
                self._facts.remember(*MARK, str(self._got).encode())
            self._database.close()

    def _has_news(self) -> bool:
        """Whether there is anything to write: most runs meet what the last one met."""
        now = self._clock.wall()
        return any(
            history.additions(self._remembered.get(key, Remembered()), met, now) for key, met in self._met.items()
        )

    def _of(self, key: Key) -> Remembered | None:
        """What earlier runs remember; None where that cannot be read."""
        if key not in self._remembered:
            self._begin()
            if self._unreadable is None and self._lost is None:
                with self._database.guarded():
                    database = self._database.open()
                    if database is not None:
                        self._remembered[key] = history.read(table.of(database, key))
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
                table.check(database)
                self._got = table.got(database)
                if self._got < self._mark:
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

    def _once(
        self, reference: Reference, role: str, before: Remembered, now: frozenset[Seen], digest: str
    ) -> Finding | None:
        """What has changed, unless that follows from what was told of the container already.

        With another signer nobody is proven to have built it any more; and a workflow that signs is the builder too.
        """
        who = {one.identity for one in now}
        told = self._changes.setdefault((reference, digest), set())
        follows = bool(told) and who <= told | {None}
        told |= who
        return None if follows else _changed(reference, role, before, now, digest)

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
                    table.check(database)
                    if table.got(database) >= max(self._mark, 1):
                        return
                    empty = not table.count(database)
            if not empty:
                self._database.set_aside()
                self._database.again()
            database = self._database.open()
            if database is not None:
                table.go_on_from(database, self._mark)

    def _write(self, database: sqlite3.Connection) -> int:
        """Return how far the memory got."""
        now = self._clock.wall()
        with database:
            database.execute("BEGIN IMMEDIATE")
            full = table.is_full(database)
            for key, met in self._met.items():
                before = history.read(table.of(database, key))
                new = history.additions(before, met, now)
                if new and not (full and before.first):
                    table.add(database, key, new)
            if full:
                self._database.say("is full: repositories that it does not have are not remembered")
            return table.got(database)


def _changed(reference: Reference, role: str, before: Remembered, now: frozenset[Seen], digest: str) -> Finding:
    """Names both sides."""
    was = identity.in_order(before.in_force)
    last = max(before.known[one].last.at for one in was)
    day = rfc3339(datetime.fromtimestamp(last, UTC))[:10]
    by = ROLES[role]
    message = f"{reference} {by} {identity.names(now)}, until {day} {by.split()[-1]} {identity.names(was)}"
    details = {
        "role": role,
        "before": [one.plain() for one in was],
        "now": [one.plain() for one in identity.in_order(now)],
        "digest": digest,
    }
    return Finding("signatures", "signer-changed", Verdict.FAIL, message, details)


def _is_there(database: Database) -> bool:
    try:
        return database.path.stat().st_size > 0
    except OSError:
        return False


def _number(fact: bytes | None) -> int:
    try:
        return int(fact or b"0")
    except ValueError:
        return 0
