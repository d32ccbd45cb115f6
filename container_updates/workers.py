"""Work side by side under one deadline: what is not done by then is left, and nothing ever hangs on it.

Daemon threads of our own: those of `concurrent.futures` are waited for when the interpreter ends, and a thread that
sits in a stalled name lookup cannot be stopped.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from container_updates.clock import Deadline

Item = TypeVar("Item")
Result = TypeVar("Result")

_TICK = 0.1
"""Seconds. A signal that ends the deadline does not wake a waiting thread (PEP 475), so it looks up now and then."""
_PATIENCE = 0.002
"""Seconds that a first thread works alone: what is remembered is done by then, and many would only be in its way."""


def each(
    items: Sequence[Item],
    work: Callable[[Item], Result],
    *,
    jobs: int,
    deadline: Deadline,
    group: Callable[[Item], str] = lambda item: "",
    at_once: Callable[[str], int | None] = lambda group: None,
) -> list[Result | None]:
    """Return what `work` made of each item, None for those that it did not finish before the deadline.

    Groups take turns, and at most `at_once(group)` items of one are worked on at the same time (None: as many as there
    are threads). While others wait, none holds more than its share of the threads: half of them beside one other, a
    third beside two. So those that never answer do not keep the others waiting. An item whose work raises is one that
    was not finished.
    """
    most = min(jobs, len(items))
    queue = _Queue(items, group, at_once, most)
    results: list[Result | None] = [None] * len(items)
    done = threading.Semaphore(0)

    def labour() -> None:
        while (position := queue.take()) is not None:
            try:
                if not deadline.passed():
                    with suppress(Exception):  # a thread that dies takes the rest with it, and says so on stderr
                        results[position] = work(items[position])
            finally:
                queue.give_back(position)
                done.release()

    def start(count: int) -> int:
        """Start so many threads, or as many as the system has left; return how many."""
        for started in range(count):
            try:
                threading.Thread(target=labour, daemon=True).start()
            except RuntimeError:
                return started
        return count

    if start(min(1, most)) < min(1, most):
        labour()  # there is no thread but ours
    patience = _PATIENCE
    for _ in items:
        while not done.acquire(timeout=min(patience, deadline.remaining())):
            if deadline.passed():
                return list(results)
            if patience == _PATIENCE:
                start(most - 1)
                patience = _TICK
    return results


class _Queue(Generic[Item]):
    """Positions of items, the groups taking turns."""

    def __init__(
        self,
        items: Sequence[Item],
        group: Callable[[Item], str],
        at_once: Callable[[str], int | None],
        threads: int,
    ) -> None:
        self._groups = [group(item) for item in items]
        self._waiting: dict[str, deque[int]] = {}
        for position, name in enumerate(self._groups):
            self._waiting.setdefault(name, deque()).append(position)
        self._limits = {name: at_once(name) or len(items) for name in self._waiting}
        self._held = dict.fromkeys(self._waiting, 0)
        self._threads = threads
        self._turns = deque(self._waiting)
        """Groups of which items wait."""
        self._changed = threading.Condition()

    def take(self) -> int | None:
        """The next position; waits while all that is left is of groups at their limit. None: nothing is left."""
        with self._changed:
            while self._turns:
                for _ in range(len(self._turns)):
                    name = self._turns.popleft()
                    if self._held[name] < min(self._limits[name], self._share(name)):
                        self._held[name] += 1
                        position = self._waiting[name].popleft()
                        if self._waiting[name]:
                            self._turns.append(name)
                        else:
                            self._changed.notify_all()  # the others' shares are larger now
                        return position
                    self._turns.append(name)
                self._changed.wait()
            return None

    def _share(self, name: str) -> int:
        """The threads that a group may hold: all but for what those groups need of which items wait, too."""
        there = {*self._turns, name, *(group for group, held in self._held.items() if held)}
        return max(1, self._threads // len(there)) if {*self._turns} - {name} else self._threads

    def give_back(self, position: int) -> None:
        """Let the next one of the same group start."""
        with self._changed:
            self._held[self._groups[position]] -= 1
            self._changed.notify_all()
