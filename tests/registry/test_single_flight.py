"""One question, however many want to know; an error is an answer, too."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from container_updates.clock import Clock, Deadline
from container_updates.errors import NotFound
from container_updates.registry.single_flight import Once


class Body:
    """Something large that was read."""


def once(**options: object) -> Once[object]:
    return Once(Deadline(20, Clock()), **options)  # type: ignore[arg-type]


def test_an_error_is_the_same_for_everybody_and_asked_for_once() -> None:
    asked, questions = [], once()

    def ask() -> object:
        asked.append(1)
        raise NotFound("gone", repository_answers=True)

    def wanted(_: int) -> NotFound:
        with pytest.raises(NotFound) as caught:
            questions.get("key", ask)
        return caught.value

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(wanted, range(8)))
    assert {(error.reason, error.repository_answers, error.status, str(error)) for error in found} == {
        ("gone", True, 404, "gone")
    }
    assert len(asked) == 1


def test_an_error_that_is_kept_for_the_run_keeps_nothing_that_was_read() -> None:
    """Neither by whoever raised it, nor by those whom it passed."""
    questions, read = once(), []

    def ask() -> object:
        body = Body()
        read.append(weakref.ref(body))
        try:
            raise ValueError(body)
        except ValueError:
            raise NotFound("gone", repository_answers=None) from None

    def passed() -> None:
        body = Body()
        read.append(weakref.ref(body))
        questions.get("key", ask)

    for _ in range(2):
        with pytest.raises(NotFound) as caught:
            passed()
        del caught
    gc.collect()
    assert len(read) == 3
    assert [body() for body in read] == [None] * 3


def test_what_is_too_large_to_be_kept_is_asked_for_again() -> None:
    asked, questions = [], once(keeps=lambda answer: answer == "small")
    for size in ("small", "large", "small", "large"):
        assert questions.get(size, lambda size=size: asked.append(size) or size) == size
    assert asked == ["small", "large", "large"]
