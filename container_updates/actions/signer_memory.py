"""What is remembered of signers and holds, for a person at a terminal: listed (`--memory`), or accepted (`--accept`).

No engine and no registry is asked.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from container_updates import reference
from container_updates.clock import Clock, rfc3339
from container_updates.errors import CheckError, InvalidReference, UsageError
from container_updates.report import json
from container_updates.report.text import safe
from container_updates.settings import Settings
from container_updates.signing.signers import matches
from container_updates.state.holds import Hold, Holds
from container_updates.state.store import Store
from container_updates.trust.memory import identity
from container_updates.trust.memory.history import Known, Remembered
from container_updates.trust.memory.signer_memory import ROLES, Memory

_SCHEMA = 1


def answer(settings: Settings, clock: Clock) -> str:
    """Return what is to be printed; raises `CheckError` where the memory cannot be read, or nothing can be accepted."""
    with (
        closing(Store(settings.state_dir, clock=clock)) as store,
        closing(Memory(settings.state_dir, facts=store, clock=clock)) as memory,
        closing(Holds(settings.state_dir)) as holds,
    ):
        remembered = memory.everything()
        if not memory.problems:
            accepts = bool(settings.accept)
            listed = "" if accepts else _listed(remembered, holds.everything(), settings.output)
            text = _accepted(memory, settings.accept) if accepts else listed
        for problem in (*memory.problems, *holds.problems):
            raise CheckError(f"{problem.where}: {problem.message}")
        return text


def _accepted(memory: Memory, images: tuple[str, ...]) -> str:
    globs = [_glob(image) for image in images]
    waiting = {repository for (repository, _), one in memory.everything().items() if one.pending}
    for image, glob in zip(images, globs, strict=True):
        if not any(matches(glob, repository) for repository in waiting):
            raise UsageError(
                f"--accept {image}: no changed signer of such an image waits to be accepted (see --memory)"
            )
    accepted = memory.accept(lambda repository: any(matches(glob, repository) for glob in globs))
    lines = []
    for repository, role, before, change in accepted:
        now, was = identity.names(change.now), identity.names(before.in_force)
        by = ROLES[role]
        met = f"seen on {_day(change.row.at)} in {change.row.digest[:19]}"
        lines.append(f"{safe(repository)}: accepted that it is {by} {safe(now)}, {met}; before {by} {safe(was)}\n")
    return "".join(lines)


def _glob(image: str) -> str:
    """As the policy has it: a pattern, or the repository that a name means as it is given to docker."""
    if "*" in image:
        return image
    try:
        return reference.parse(image).name
    except InvalidReference as error:
        raise UsageError(f"--accept {image}: {error}") from None


def _listed(remembered: Mapping[tuple[str, str], Remembered], holds: Mapping[str, Hold], form: str) -> str:
    if form == "json":
        signers = [_plain(*key, one) for key, one in remembered.items()]
        held = [
            {"image": image, "digests": sorted(one.digests), "held_at": _time(one.at)} for image, one in holds.items()
        ]
        return json.line({"schema": _SCHEMA, "remembered": signers, "holds": held})
    rows = [row for (repository, role), one in remembered.items() for row in _rows(repository, role, one)]
    for image, hold in holds.items():
        until = f"the update is held until another one is published, or --unhold {safe(image, 120)}"
        rows += [
            (safe(image, 120), "hold", f"on {_day(hold.at)}", digest[:19], until) for digest in sorted(hold.digests)
        ]
    if not rows:
        return "nothing is remembered of signers, builders and holds\n"
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) + "\n"
        for row in rows
    )


def _rows(repository: str, role: str, remembered: Remembered) -> Iterator[tuple[str, ...]]:
    place = (safe(repository, 120), role)
    for one in _in_order(remembered):
        accepted = f", accepted on {_day(one.accepted)}" if one.accepted is not None else ""
        yield (
            *place,
            f"{_day(one.first.at)} to {_day(one.last.at)}",
            one.last.digest[:19],
            f"{safe(str(one.seen))}{accepted}",
        )
    for change in remembered.pending.values():
        words = f"CHANGED to {safe(identity.names(change.now))}: is that right? Then --accept {place[0]}"
        yield (*place, f"on {_day(change.row.at)}", change.row.digest[:19], words)


def _plain(repository: str, role: str, remembered: Remembered) -> dict[str, Any]:
    return {
        "repository": repository,
        "role": role,
        "known": [
            {
                **one.seen.plain(),
                "first_seen": _time(one.first.at),
                "first_digest": one.first.digest,
                "last_seen": _time(one.last.at),
                "last_digest": one.last.digest,
                **({} if one.accepted is None else {"accepted_at": _time(one.accepted)}),
            }
            for one in _in_order(remembered)
        ],
        "changes": [
            {
                "before": [one.plain() for one in identity.in_order(remembered.in_force)],
                "now": [one.plain() for one in identity.in_order(change.now)],
                "digest": change.row.digest,
                "seen": _time(change.row.at),
            }
            for change in remembered.pending.values()
        ],
    }


def _in_order(remembered: Remembered) -> list[Known]:
    return sorted(remembered.known.values(), key=lambda one: (one.first.at, str(one.seen)))


def _time(at: float) -> str:
    return rfc3339(datetime.fromtimestamp(at, UTC))


def _day(at: float) -> str:
    return _time(at)[:10]
