"""Members of a policy file, each read with the place to name where it is not what it has to be."""

from collections.abc import Iterable, Mapping
from typing import Any

from container_updates.errors import PolicyError


def table(value: object, place: str, known: Iterable[str]) -> Mapping[str, Any]:
    """A table without members that nobody knows: a misspelt one would silently decide nothing."""
    if not isinstance(value, dict):
        raise PolicyError(f"{place}: not a table")
    for name in value:
        if name not in known:
            raise PolicyError(f"{place}: unknown member {name!r}")
    return value


def tables(value: object, place: str) -> list[Any]:
    """A list of tables, or nothing."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise PolicyError(f"{place}: not a list")
    return value


def text(members: Mapping[str, Any], name: str, place: str) -> str:
    """A text that is not empty."""
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise PolicyError(f"{place}: {name} {'is missing' if name not in members else 'is no text or empty'}")
    return value


def optional_text(members: Mapping[str, Any], name: str, place: str) -> str | None:
    """The same where it may be left out."""
    return text(members, name, place) if name in members else None


def texts(members: Mapping[str, Any], name: str, place: str) -> tuple[str, ...]:
    """A list of texts, none of them empty; a single text is a list of one; () where it is left out."""
    if name not in members:
        return ()
    value = members[name]
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(one, str) and one for one in values):
        raise PolicyError(f"{place}: {name} is no list of texts, or one of them is empty")
    return tuple(values)


def choice(members: Mapping[str, Any], name: str, place: str, allowed: Iterable[str]) -> str | None:
    """One of some words, or None where it is left out."""
    value = members.get(name)
    if value is not None and value not in allowed:
        raise PolicyError(f"{place}: {name} is none of {', '.join(allowed)}: {value!r}")
    return value
