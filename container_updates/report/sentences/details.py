"""Members of a finding's details, whatever they turn out to be, as text that is safe to print."""

from collections.abc import Mapping
from typing import Any

from container_updates.report.text import safe

_MOST = 30
"""Items of a list that are told."""


def shown(value: object) -> str:
    """Return a text, "" for what is none."""
    return safe(value) if isinstance(value, str) else ""


def several(value: object) -> list[Any]:
    """Return the first items of a list, none of what is no list."""
    return [*value[:_MOST]] if isinstance(value, list | tuple) else []


def text(details: object, member: str) -> str:
    """Return a text, "" where there is none."""
    return shown(details.get(member)) if isinstance(details, Mapping) else ""


def items(details: object, member: str) -> list[Any]:
    """Return the first items of a list, none where it is no list."""
    return several(details.get(member)) if isinstance(details, Mapping) else []


def moment(details: object, member: str) -> str:
    """Return `2026-11-11 20:15 UTC` of a time as the details have it (RFC 3339 in UTC), "" where there is none."""
    told = text(details, member)
    return f"{told[:10]} {told[11:16]} UTC" if len(told) == len("2026-11-11T20:15:00Z") else told


def sentence(words: str) -> str:
    """Return `words` as a sentence."""
    words = safe(words)
    return f"{words[:1].upper()}{words[1:]}" + ("" if words.endswith((".", "…")) else ".")
