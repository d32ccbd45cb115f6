"""Work that several containers need, done once a run."""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

_Known = TypeVar("_Known")


class Once:
    """Work by key: the first that asks does it, the others wait, and an error is an answer, too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Hashable, tuple[threading.Lock, list[Any]]] = {}

    def get(self, key: Hashable, work: Callable[[], _Known]) -> _Known:
        """Return what `work` returned or raised for this key."""
        with self._lock:
            lock, known = self._known.setdefault(key, (threading.Lock(), []))
        with lock:
            if not known:
                try:
                    known += [work(), None]
                except Exception as error:
                    known += [None, error]
        if known[1] is not None:
            raise known[1]
        return known[0]  # type: ignore[no-any-return]
