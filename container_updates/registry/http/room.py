"""Room in memory for large answers: what all threads hold of them at once is bounded, whatever a registry sends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from container_updates.clock import Deadline
from container_updates.errors import TimedOut

LARGE = 64 * 1024
"""Bytes up to which an answer needs no room: hardly any real one is larger."""
_ROOM = 80 * 1024 * 1024
_M_MMAP_THRESHOLD = -3
_COPIES = 5
"""How often a large answer is in memory at most: as it is read, kept, decoded, and as what is made of it."""


class Room:
    """Shares of the memory, by thread: a turn gives back at its end what was taken during it."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._taken = 0
        self._met = False
        self._changed = threading.Condition()
        self._mine = threading.local()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Work whose large answers are forgotten at its end."""
        self._mine.share = 0
        try:
            yield
        finally:
            with self._changed:
                self._taken -= self._mine.share
                self._changed.notify_all()
            del self._mine.share

    def take(self, size: int) -> int:
        """Take room for an answer of `size` bytes and return what was taken; raises `TimedOut`.

        Who has some already is given more at once, so that nobody waits for whom he keeps waiting.
        """
        share = self._share()
        if share is None:
            return 0
        wanted = size * _COPIES
        with self._changed:
            while not share and self._taken and self._taken + wanted > _ROOM:
                if not self._changed.wait(self._deadline.remaining()) and self._deadline.passed():
                    raise TimedOut("the time for the whole check was up while large answers were read")
            self._add(wanted)
        return wanted

    def correct(self, taken: int, size: int) -> None:
        """Give back what an answer of `size` bytes does not need of what was taken for it."""
        if taken:
            if size and not self._met:
                self._met = True
                _return_what_is_freed()
            with self._changed:
                self._add(size * _COPIES - taken)
                self._changed.notify_all()

    def _share(self) -> int | None:
        share: int | None = getattr(self._mine, "share", None)
        return share

    def _add(self, amount: int) -> None:
        self._taken += amount
        self._mine.share += amount


def _return_what_is_freed() -> None:
    """Let glibc return each large block to the system once it is freed.

    By itself it learns from the first that large blocks come and go, and from then on keeps them, for each thread.
    (mallopt(3), M_MMAP_THRESHOLD; other C libraries have none of this, and no such habit.)
    """
    with suppress(ImportError, OSError, AttributeError, TypeError):
        import ctypes

        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE)
