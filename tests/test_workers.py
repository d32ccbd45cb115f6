"""Side by side under one deadline: nothing hangs, nobody waits for a slow neighbour."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_updates.clock import Clock, Deadline
from container_updates.workers import each


def soon() -> Deadline:
    return Deadline(30, Clock())


@given(st.lists(st.integers()), st.integers(1, 40))
def test_every_item_is_worked_on_once_and_answers_keep_their_order(items: list[int], jobs: int) -> None:
    seen: list[int] = []
    assert each(items, lambda item: (seen.append(item), item * 2)[1], jobs=jobs, deadline=soon()) == [
        item * 2 for item in items
    ]
    assert sorted(seen) == sorted(items)


def test_what_is_not_done_at_the_deadline_is_left() -> None:
    stuck, deadline = threading.Event(), soon()

    def work(item: str) -> str:
        if item == "slow":
            deadline.expire()
            stuck.wait()
        return item

    assert each(["fine", "slow", "late"], work, jobs=1, deadline=deadline) == ["fine", None, None]
    stuck.set()


def test_a_signal_in_the_middle_ends_the_wait() -> None:
    stuck, deadline = threading.Event(), soon()
    threading.Timer(0.05, deadline.expire).start()
    assert each(["slow"], lambda item: stuck.wait(), jobs=4, deadline=deadline) == [None]
    stuck.set()


def test_no_group_has_more_at_work_than_it_allows() -> None:
    lock, at_work, most = threading.Lock(), 0, 0
    together = threading.Event()

    def work(item: str) -> None:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
            if at_work == 3:
                together.set()
        together.wait(1)
        with lock:
            at_work -= 1

    each(["a"] * 20, work, jobs=10, deadline=soon(), group=str, at_once=lambda name: 3)
    assert most == 3


def test_a_slow_group_at_its_limit_leaves_the_others_their_turn() -> None:
    rest_is_done = threading.Event()
    done: list[str] = []

    def work(item: str) -> str:
        if item.startswith("slow"):
            assert rest_is_done.wait(20)
        done.append(item)
        if len(done) == 4:
            rest_is_done.set()
        return item

    items = ["slow1", "slow2", "slow3", "a", "b", "c", "d"]
    assert each(items, work, jobs=4, deadline=soon(), group=lambda item: item[:4], at_once=lambda name: 2) == items
    assert set(done[:4]) == {"a", "b", "c", "d"}


@pytest.mark.parametrize("silent", [["silent"], ["silent", "silent too"]], ids=["one", "two"])
def test_registries_that_never_answer_do_not_take_the_threads_of_those_that_do(silent: list[str]) -> None:
    """They are on loopback or behind a mirror, and have no limit of their own."""
    deadline, healthy = soon(), ["healthy"] * 40
    lock, answered = threading.Lock(), 0

    def work(item: str) -> str:
        nonlocal answered
        if item in silent:
            stuck.wait(20)
        with lock:
            answered += item == "healthy"
            if answered == len(healthy):
                deadline.expire()
        return item

    stuck = threading.Event()
    found = each([*silent * 40, *healthy], work, jobs=32, deadline=deadline, group=str)
    assert found[-40:] == healthy
    assert set(found[:-40]) == {None}
    stuck.set()


def test_a_registry_that_is_alone_gets_all_threads() -> None:
    together = threading.Barrier(8)
    assert each(["a"] * 8, lambda item: together.wait(20) >= 0, jobs=8, deadline=soon(), group=str) == [True] * 8


def test_work_that_raises_costs_its_own_item(capfd: pytest.CaptureFixture[str]) -> None:
    def work(item: int) -> int:
        return 1 // item

    assert each([1, 0, 1], work, jobs=1, deadline=soon()) == [1, None, 1]
    assert capfd.readouterr().err == ""


def test_nothing_is_begun_once_the_time_is_up() -> None:
    deadline = soon()
    deadline.expire()
    seen: list[int] = []
    assert each([1, 2], seen.append, jobs=2, deadline=deadline) == [None, None]
    assert seen == []


def test_work_goes_on_with_the_threads_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """TasksMax or ulimit -u is reached: with two threads, and with none but the caller's own."""
    start = threading.Thread.start
    for most in (0, 2):
        left = [None] * most

        def limited(thread: threading.Thread, left: list[None] = left) -> None:
            if not left:
                raise RuntimeError("can't start new thread")
            left.pop()
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", limited)
        assert each(range(9), lambda one: one * 2, jobs=8, deadline=Deadline(20, Clock())) == [*range(0, 18, 2)]
