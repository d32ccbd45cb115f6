"""Where the memory of signers lies, and the mark that says how far it got."""

from typing import Protocol

MEMORY_FILE = "memory.sqlite"
MARK = ("memory", "rows")
"""The fact that says how far the memory got: without it a lost one would look like a first run."""


class Facts(Protocol):
    """What outlives a run: the mark, and which policies were found right."""

    def recall(self, kind: str, key: str) -> bytes | None:
        """Return the fact, None for none."""
        ...

    def remember(self, kind: str, key: str, value: bytes | None) -> None:
        """Keep it."""
        ...
