"""What was read of a container's packages, as a finding."""

from datetime import datetime
from typing import Any

from container_updates.clock import age, rfc3339
from container_updates.contents.pending import Inside, Pending
from container_updates.model import Finding, Verdict

_NAMED = 5
_LISTED = 500
_OLD = 30 * 86400.0
"""Seconds after which an index that has not changed is worth a word."""


def not_applicable() -> Finding:
    """Return the finding on a container without any package manager's database."""
    return Finding("packages", "not-applicable", Verdict.SKIPPED, "no package manager in it")


def finding(inside: Inside, now: datetime) -> Finding:
    """Return the finding on what was read and verified."""
    details: dict[str, Any] = {
        "packages": len(inside.pending),
        "installed": inside.count,
        "manager": inside.manager,
        "trust": inside.trust,
        "checked_at": rfc3339(now),
    }
    known = {
        "release": inside.release,
        "snapshot": inside.snapshot,
        "indexes_from": rfc3339(inside.oldest) if inside.oldest else "",
    }
    details |= {name: value for name, value in known.items() if value}
    words = _of_what(inside, now)
    if not inside.pending:
        message = f"no packages to update, {inside.count} installed{words}"
        return Finding("packages", "none-pending", Verdict.PASS, message, details)
    secure = sum(one.security for one in inside.pending)
    details |= {
        "security": secure,
        "held": [one.name for one in inside.pending if one.held],
        "pending": [one.plain() for one in inside.pending[:_LISTED]],
    }
    message = f"{_counted(len(inside.pending))} to update{_secure(secure)} ({_named(inside.pending)}){words}"
    if secure:
        # One finding for a container, which counts as both.
        details["besides"] = "packages-pending"
    return Finding("packages", "security-pending" if secure else "packages-pending", Verdict.FAIL, message, details)


def _counted(number: int) -> str:
    return f"{number} package{'s' * (number != 1)}"


def _secure(number: int) -> str:
    return f", {number} of them for security" if number else ""


def _named(pending: tuple[Pending, ...]) -> str:
    named = [f"{one.name} {one.installed} → {one.candidate}" for one in pending if not one.held][:_NAMED]
    held = [one.name for one in pending if one.held]
    more = len(pending) - len(held) - len(named)
    words = [", ".join([*named, *(["…"] if more > 0 else [])])] if named else []
    if held:
        others = f" and {len(held) - _NAMED} more" if len(held) > _NAMED else ""
        words.append(f"on hold: {', '.join(held[:_NAMED])}{others}")
    return "; ".join(words)


def _of_what(inside: Inside, now: datetime) -> str:
    words = [f", from a snapshot of {inside.snapshot}"] if inside.snapshot else []
    if inside.oldest is not None and not inside.snapshot and not inside.pending:
        seconds = (now - inside.oldest).total_seconds()
        words += [f", by an index that is {age(seconds)} old"] if seconds > _OLD else []
    return "".join([*words, *(f", {note}" for note in inside.notes)])
