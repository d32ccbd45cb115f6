"""Large answers wait for room in memory; nobody waits for ever, and small ones never."""

import threading

import pytest

from container_updates.clock import Clock, Deadline
from container_updates.errors import TimedOut
from container_updates.registry.http.room import Room

MiB = 1024 * 1024


def room(seconds: float = 20.0) -> Room:
    return Room(Deadline(seconds, Clock()))


def test_all_threads_together_hold_no_more_than_there_is_room_for() -> None:
    shared, lock = room(), threading.Lock()
    held = most = 0

    def work() -> None:
        nonlocal held, most
        for _ in range(20):
            with shared.turn():
                shared.take(4 * MiB)
                with lock:
                    held += 1
                    most = max(most, held)
                with lock:
                    held -= 1

    threads = [threading.Thread(target=work) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert 1 <= most <= 4


def test_who_has_some_is_given_more_so_that_nobody_waits_for_ever() -> None:
    shared = room()
    both = threading.Barrier(2)

    def work() -> None:
        with shared.turn():
            shared.take(8 * MiB)
            both.wait(20)
            shared.take(8 * MiB)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


def test_one_that_is_larger_than_all_the_room_is_read_alone() -> None:
    shared = room()
    with shared.turn():
        assert shared.take(400 * MiB)


def test_what_turned_out_to_be_small_is_given_back_at_once() -> None:
    shared, done = room(), threading.Event()
    with shared.turn():
        shared.correct(shared.take(400 * MiB), 0)

        def other() -> None:
            with shared.turn():
                shared.take(400 * MiB)
                done.set()

        threading.Thread(target=other, daemon=True).start()
        assert done.wait(20)


def test_waiting_for_room_ends_with_the_deadline() -> None:
    shared, errors = room(0.05), []

    def other() -> None:
        with shared.turn():
            try:
                shared.take(4 * MiB)
            except TimedOut as error:
                errors.append(error)

    with shared.turn():
        shared.take(400 * MiB)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(20)
    assert len(errors) == 1


def test_outside_of_a_turn_nothing_is_counted() -> None:
    shared = room(0.0)
    assert shared.take(400 * MiB) == 0
    assert shared.take(400 * MiB) == 0


def test_a_turn_that_fails_gives_back_what_it_took() -> None:
    shared = room(0.0)

    def fail() -> None:
        with shared.turn():
            shared.take(400 * MiB)
            raise ValueError

    for _ in range(3):
        with pytest.raises(ValueError, match=r"^$"):
            fail()
