"""What follows from rows that were only ever added: who is in force, what has changed, and which rows may go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from container_updates.trust.memory.identity import Seen, in_order

SEEN, CHANGED, ENDED, ACCEPTED = "seen", "changed", "ended", "accepted"
_REFRESHED = 86400.0
"""Seconds after which a sighting is written down again: that is how exact the last one is."""
_DIGESTS = 64
"""Images of one signer that are told apart between two days."""
_PROBATION_DIGESTS, _PROBATION = 3, 14 * 86400.0
"""Images, and seconds, for which somebody new has to sign beside the others before he counts alone."""
MOST_IN_FORCE = 32
"""Signers of one repository; one more beside them is no news, but is not remembered either."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the memory."""

    number: int
    event: str
    """seen; changed and its ended; accepted."""
    signers: tuple[Seen, ...]
    """One; of `changed`, `ended` and `accepted` all together."""
    digest: str
    at: float


@dataclass(frozen=True, slots=True)
class Known:
    """A signer in force."""

    seen: Seen
    first: Row
    last: Row
    accepted: float | None = None
    digests: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()
    """Marks of the policies under which it was seen, lately."""
    joined: bool = False
    """Whether it came beside others, and not in their place or at the very beginning."""
    named: Row | None = None
    """When the policy first named it."""
    beside: Mapping[str, int] = field(default_factory=dict)
    """The first images that it signed, with the number of the row."""

    @property
    def counts_alone(self) -> bool:
        """Whether an image may be signed by it alone: else one could put his signature beside the right one, and wait.

        It came first, or was accepted or named, or has been there for long enough.
        """
        if not self.joined or self.accepted is not None or self.named is not None:
            return True
        return len(self.beside) >= _PROBATION_DIGESTS and self.last.at - self.first.at >= _PROBATION

    def is_news(self, seen: Seen, digest: str) -> bool:
        """Whether it has not been seen at this image, or under this policy, lately."""
        return digest not in self.digests or (seen.policy is not None and seen.policy not in self.policies)


@dataclass(frozen=True, slots=True)
class Change:
    """Another signer than those in force, whom neither admin nor policy has named yet."""

    now: frozenset[Seen]
    row: Row


@dataclass(frozen=True, slots=True)
class Remembered:
    """All that is known of a repository in one role."""

    known: Mapping[Seen, Known] = field(default_factory=dict)
    pending: Mapping[frozenset[Seen], Change] = field(default_factory=dict)

    @property
    def first(self) -> bool:
        """Whether nothing is remembered."""
        return not self.known

    @property
    def in_force(self) -> frozenset[Seen]:
        """Those that one of today's has to be among.

        That nobody signed, or somebody unknown, counts only as long as it went on beside the signers that are
        known better: from then on it would be a step back.
        """
        return frozenset(one.seen for one in self.known.values() if one.counts_alone and not self._outdone(one))

    def changed(self, now: frozenset[Seen]) -> bool:
        """Whether these are others than before.

        One of those in force is enough (keys are changed by signing with both for a while), and so is it that there
        is more to be known than before: from unsigned to signed, from somebody to a name.
        """
        before = self.in_force
        if not before or before & now:
            return False
        return max(one.rank for one in now) <= max(one.rank for one in before)

    def is_open(self, policy: str, *, doubtful: bool) -> bool:
        """Whether nobody has disproved that it is as before: only the policy is another one than when it was proven.

        `doubtful`: there is a signature of which nobody can say whose it is. Content Trust is only asked for where a
        policy names a root.
        """
        known = [one for one in self.known.values() if one.seen in self.in_force and one.policies]
        trust_data = [one for one in known if one.seen.kind == "content-trust"]
        # One root that this policy names is enough: then the trust data was asked for, whoever else signs it.
        unasked = bool(trust_data) and all(policy not in one.policies for one in trust_data)
        return unasked or (doubtful and any(policy not in one.policies for one in known))

    def _outdone(self, one: Known) -> bool:
        better = [other.first.at for other in self.known.values() if other.seen.rank > one.seen.rank]
        return one.accepted is None and bool(better) and one.last.at < min(better)


def read(rows: Iterable[Row]) -> Remembered:
    """What rows of one repository and role, in their order, tell."""
    known: dict[Seen, Known] = {}
    pending: dict[frozenset[Seen], Change] = {}
    for row in rows:
        now = frozenset(row.signers)
        if row.event == CHANGED:
            pending[now] = Change(now, row)
            continue
        if row.event in (ENDED, ACCEPTED):
            pending.pop(now, None)
        if row.event in (SEEN, ACCEPTED):
            for seen in row.signers:
                before = known.get(seen)
                joins = before is None and any(
                    one.counts_alone and one.seen.rank >= seen.rank and one.first.at < row.at for one in known.values()
                )
                known[seen] = _sighted(before, seen, row, joins)
    remembered = Remembered(known)
    return replace(remembered, pending={now: one for now, one in pending.items() if remembered.changed(now)})


def _sighted(before: Known | None, seen: Seen, row: Row, joins: bool) -> Known:
    accepted = row.at if row.event == ACCEPTED else None
    named = row if seen.named else None
    policies = frozenset({seen.policy} if seen.policy else ())
    if before is None:
        digests, beside = frozenset({row.digest}), {row.digest: row.number}
        return Known(seen, row, row, accepted, digests, policies, joins, named, beside)
    seen = seen if seen.key else replace(seen, key=before.seen.key)
    fresh = row.at - before.last.at < _REFRESHED and len(before.digests) < _DIGESTS
    digests = before.digests | {row.digest} if fresh else frozenset({row.digest})
    beside = {**before.beside}
    if len(beside) < _PROBATION_DIGESTS:
        beside.setdefault(row.digest, row.number)
    return Known(
        seen,
        before.first,
        row,
        accepted or before.accepted,
        digests,
        before.policies | policies if fresh else policies,
        before.joined,
        before.named or named,
        beside,
    )


@dataclass(slots=True)
class Met:
    """What one run met of a repository and role."""

    seen: dict[Seen, str] = field(default_factory=dict)
    """With the image's digest."""
    changes: dict[frozenset[Seen], str] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)
    """Of every image that was looked at."""


def additions(before: Remembered, met: Met, at: float) -> list[Row]:
    """The rows that a run adds.

    What stays as it was is written down once a day. A change is over once its image turns out to be another one's,
    or was not met for two days: another run may only look at a part of what runs here.
    """
    seen, changes = met.seen, met.changes
    new = [one for one in seen if one not in before.known][: max(0, MOST_IN_FORCE - len(before.known))]
    rows = []
    for one, digest in seen.items():
        known = before.known.get(one)
        again = known is not None and (bool(new) or not _is_fresh(known.last, at) or known.is_news(one, digest))
        if again or one in new:
            rows.append(Row(0, SEEN, (one,), digest, at))
    for now, digest in changes.items():
        if now not in before.pending or not _is_fresh(before.pending[now].row, at):
            rows.append(Row(0, CHANGED, tuple(in_order(now)), digest, at))
    for now, change in before.pending.items():
        over = change.row.digest in met.digests or at - change.row.at > 2 * _REFRESHED
        if now not in changes and over:
            rows.append(Row(0, ENDED, tuple(in_order(now)), change.row.digest, at))
    return rows


def _is_fresh(row: Row, at: float) -> bool:
    return row.at <= at < row.at + _REFRESHED


def superseded(rows: Sequence[Row]) -> list[int]:
    """The numbers of those rows without which the rest tells the same, oldest first."""
    remembered = read(rows)
    needed = {change.row.number for change in remembered.pending.values()}
    for known in remembered.known.values():
        needed |= {known.first.number, known.last.number}
        needed |= {*known.beside.values()} if known.joined else set()
        needed |= {known.named.number} if known.named else set()
        accepted = [row.number for row in rows if row.event == ACCEPTED and known.seen in row.signers]
        needed |= set(accepted[-1:])
    return [row.number for row in rows if row.number not in needed]
