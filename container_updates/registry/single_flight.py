"""Ask once, however many threads want to know."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, TimeoutError
from typing import Generic, TypeVar

from container_updates.clock import Deadline
from container_updates.errors import TimedOut

Answer = TypeVar("Answer")


class Once(Generic[Answer]):
    """Answers of one run by key: the first that asks works, the others wait; an error is an answer, too."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._lock = threading.Lock()
        self._answers: dict[Hashable, Future[Answer]] = {}

    def get(self, key: Hashable, ask: Callable[[], Answer]) -> Answer:
        """What `ask` returned or raised for this key; raises `TimedOut` when the deadline passes while waiting."""
        with self._lock:
            future = self._answers.get(key)
            first = future is None
            if future is None:
                future = self._answers[key] = Future()
        if first:
            try:
                future.set_result(ask())
            except BaseException as error:
                future.set_exception(error)
                raise
        try:
            return future.result(timeout=self._deadline.remaining())
        except TimeoutError:
            raise TimedOut("the time for the whole check was up before this was answered") from None

    def forget(self, key: Hashable) -> None:
        """Let the next one ask again."""
        with self._lock:
            self._answers.pop(key, None)
