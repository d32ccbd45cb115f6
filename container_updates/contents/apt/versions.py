"""Debian's order of versions (deb-version(7)), by python-debian."""

from functools import cmp_to_key
from typing import Any

from container_updates.contents.errors import Unsupported
from container_updates.contents.libraries import needed


def compare(one: str, other: str) -> int:
    """Return a negative number where `one` is older, 0 where they are equal; raises `Unsupported` for no version."""
    if one == other:
        return 0
    try:
        return int(_compare()(one, other))
    except ValueError:
        raise Unsupported(f"{one[:60]} or {other[:60]} is no version of a Debian package") from None


newest_first: Any = cmp_to_key(lambda one, other: -compare(one, other))
"""Key to sort versions by."""


def _compare() -> Any:
    return needed("debian.debian_support").version_compare
