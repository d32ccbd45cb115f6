"""Ask once, however many threads want to know."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, TimeoutError
from typing import Generic, TypeVar

from container_updates.clock import Deadline
from container_updates.errors import CheckError, TimedOut

Result = TypeVar("Result")


class Once(Generic[Result]):
    """Answers of one run by key: the first that asks works, the others wait; an error is an answer, too."""

    def __init__(self, deadline: Deadline, keeps: Callable[[Result], bool] = lambda answer: True) -> None:
        """`keeps`: whether an answer is kept for the run, or only given to those who wait for it."""
        self._deadline = deadline
        self._keeps = keeps
        self._lock = threading.Lock()
        self._answers: dict[Hashable, Future[Result]] = {}

    def get(self, key: Hashable, ask: Callable[[], Result]) -> Result:
        """What `ask` returned or raised for this key; raises `TimedOut` when the deadline passes while waiting."""
        with self._lock:
            future = self._answers.get(key)
            first = future is None
            if future is None:
                future = self._answers[key] = Future()
        if first:
            try:
                answer = ask()
                if not self._keeps(answer):
                    self.forget(key)
                future.set_result(answer)
            except BaseException as error:
                error.__context__ = None
                future.set_exception(error.with_traceback(None))
        try:
            failed = future.exception(timeout=self._deadline.remaining())
        except TimeoutError:
            raise TimedOut("the time for the whole check was up before this was answered") from None
        if failed is not None:
            raise _copy(failed)
        return future.result()

    def forget(self, key: Hashable) -> None:
        """Let the next one ask again."""
        with self._lock:
            self._answers.pop(key, None)


def _copy(error: BaseException) -> BaseException:
    """Return one to be raised: the frames that it passes, and all that they have read, are not kept for the run."""
    if not isinstance(error, CheckError):
        return error
    copy = type(error).__new__(type(error), *error.args)
    copy.__dict__.update(error.__dict__)
    return copy
