"""What is kept between runs: never wrong, never in the way."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from container_updates.clock import Clock
from container_updates.state.store import Store
from tests.support.paths import ROOT


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_795_500_000.0

    def store(self, folder: Path, **options: Any) -> Store:
        return Store(str(folder), clock=Clock(wall=lambda: self.now), **options)


@pytest.fixture
def time() -> Time:
    return Time()


def keep(time: Time, folder: Path, value: bytes = b"kept") -> None:
    store = time.store(folder)
    store.put("manifest", "sha256:a", value, None)
    store.close()
    assert store.problems == []


def kept(time: Time, folder: Path) -> bytes | None:
    store = time.store(folder)
    found = store.get("manifest", "sha256:a")
    store.close()
    return found


def test_an_answer_is_good_for_its_time_in_this_run_and_the_next(time: Time, tmp_path: Path) -> None:
    store = time.store(tmp_path)
    store.put("head", "a", b"1", 600)
    assert store.get("head", "a") == b"1"
    store.close()
    time.now += 599
    assert time.store(tmp_path).get("head", "a") == b"1"
    time.now += 2
    assert time.store(tmp_path).get("head", "a") is None


def test_a_clock_that_was_set_back_makes_no_answer_young_again(time: Time, tmp_path: Path) -> None:
    store = time.store(tmp_path)
    store.put("head", "a", b"1", 600)
    store.close()
    time.now -= 3600
    assert time.store(tmp_path).get("head", "a") is None


def test_an_answer_is_never_older_than_this_run_allows_however_long_another_one_kept_it(
    time: Time, tmp_path: Path
) -> None:
    store = time.store(tmp_path, ttl=600)
    store.put("published", "a", b"1", 600)
    store.put("findings", "a", b"1", 600, since=time.now - 30)
    store.put("scheme", "a", b"http", 600)
    store.close()
    time.now += 31
    for ttl, published, findings in [(0, None, None), (31, None, None), (32, b"1", None), (600, b"1", b"1")]:
        after = time.store(tmp_path, ttl=ttl)
        assert (after.get("published", "a"), after.get("findings", "a")) == (published, findings)
        assert after.get("scheme", "a") == b"http", "what a host speaks is no answer about an image"


def test_what_is_made_of_answers_is_as_old_as_they_are(time: Time, tmp_path: Path) -> None:
    store = time.store(tmp_path)
    store.put("published", "a", b"1", 600)
    assert store.oldest(["published"]) == time.now
    store.close()
    time.now += 100
    after = time.store(tmp_path)
    assert after.oldest(["published"]) == time.now
    after.get("published", "a")
    assert after.oldest(["published"]) == time.now - 100


def test_a_clock_that_is_far_ahead_for_a_while_forgets_nothing(time: Time, tmp_path: Path) -> None:
    store = time.store(tmp_path)
    store.remember("waiting", "web", b"since")
    store.close()
    time.now += 20 * 365 * 86400
    for _ in range(3):
        ahead = time.store(tmp_path)
        ahead.remember("waiting", "db", b"since")
        ahead.close()
        time.now += 86400
    time.now -= 20 * 365 * 86400
    assert time.store(tmp_path).recall("waiting", "web") == b"since"


def test_the_facts_used_last_are_kept_where_there_are_too_many(time: Time, tmp_path: Path) -> None:
    store = time.store(tmp_path)
    for number in range(50_000):
        store.remember("waiting", str(number), b"1")
    store.close()
    time.now += 2 * 86400
    store = time.store(tmp_path)
    store.recall("waiting", "7")
    store.remember("waiting", "one more", b"1")
    store.close()
    with sqlite3.connect(tmp_path / "state.sqlite") as database:
        assert database.execute("SELECT count(*) FROM facts").fetchone() == (50_000,)
    assert time.store(tmp_path).recall("waiting", "7") == b"1"
    assert time.store(tmp_path).recall("waiting", "one more") == b"1"


@pytest.mark.parametrize("answers", [True, False])
def test_large_answers_do_not_pile_up_in_memory(time: Time, tmp_path: Path, answers: bool) -> None:
    store = time.store(tmp_path, answers=answers)
    tracemalloc.start()
    try:
        for number in range(30):
            store.put("manifest", str(number), os.urandom(2 << 20), None)
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()
    store.put("published", "a", b"1", 600)
    assert (store.get("manifest", "0") is not None) == answers
    assert store.get("published", "a") == b"1"


def test_what_lies_behind_a_digest_is_kept_for_good(time: Time, tmp_path: Path) -> None:
    keep(time, tmp_path)
    time.now += 10 * 365 * 86400
    assert kept(time, tmp_path) == b"kept"


def test_without_answers_facts_are_still_kept(time: Time, tmp_path: Path) -> None:
    keep(time, tmp_path)
    store = time.store(tmp_path, answers=False)
    assert store.get("manifest", "sha256:a") is None
    store.put("manifest", "sha256:b", b"new", None)
    store.remember("waiting", "web", b"since")
    store.close()
    after = time.store(tmp_path)
    assert after.get("manifest", "sha256:b") is None
    assert after.recall("waiting", "web") == b"since"


def test_facts_are_remembered_changed_and_forgotten(time: Time, tmp_path: Path) -> None:
    for value in (b"one", b"two", None):
        store = time.store(tmp_path)
        store.remember("waiting", "web", value)
        assert store.recall("waiting", "web") == value
        store.close()
        assert time.store(tmp_path).recall("waiting", "web") == value


def test_the_first_time_stays_the_first(time: Time, tmp_path: Path) -> None:
    store = time.store(tmp_path)
    first = store.first_seen("tag", "web")
    assert first == datetime.fromtimestamp(time.now, UTC)
    store.close()
    time.now += 86400
    assert time.store(tmp_path).first_seen("tag", "web") == first


def test_folder_and_file_are_their_owner_s_alone(time: Time, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "state"
    keep(time, folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("content", [b"not a database at all", b"SQLite format 3\0" + b"\xff" * 5000, b"\0" * 100])
def test_a_broken_file_is_set_aside_and_said_once(time: Time, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.sqlite").write_bytes(content)
    store = time.store(tmp_path)
    assert store.get("manifest", "sha256:a") is None
    store.put("manifest", "sha256:a", b"kept", None)
    store.close()
    [problem] = store.problems
    assert "is now state.sqlite.broken" in problem.message
    assert (tmp_path / "state.sqlite.broken").read_bytes() == content
    assert kept(time, tmp_path) == b"kept"


def test_a_file_that_breaks_in_the_middle_costs_no_run(time: Time, tmp_path: Path) -> None:
    store = time.store(tmp_path)
    for number in range(200):
        store.put("manifest", str(number), os.urandom(2000), None)
    store.close()
    file = tmp_path / "state.sqlite"
    raw = bytearray(file.read_bytes())
    for position in range(4096, len(raw), 4096):
        raw[position : position + 64] = b"\xff" * 64
    file.write_bytes(raw)
    again = time.store(tmp_path)
    for number in range(200):
        again.get("manifest", str(number))
    again.put("manifest", "sha256:a", b"kept", None)
    again.close()
    assert len(again.problems) == 1
    last = time.store(tmp_path)
    last.put("manifest", "sha256:b", b"new", None)
    last.close()
    assert last.problems == []


def test_another_program_s_database_is_not_written_to(time: Time, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "state.sqlite") as foreign:
        foreign.execute("CREATE TABLE theirs (value)")
    keep_with_problem = time.store(tmp_path)
    keep_with_problem.put("manifest", "sha256:a", b"kept", None)
    keep_with_problem.close()
    assert len(keep_with_problem.problems) == 1
    with sqlite3.connect(tmp_path / "state.sqlite.broken") as foreign:
        assert foreign.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


def test_a_newer_version_s_file_is_left_alone(time: Time, tmp_path: Path) -> None:
    keep(time, tmp_path)
    with sqlite3.connect(tmp_path / "state.sqlite") as database:
        database.execute("PRAGMA user_version = 99")
    store = time.store(tmp_path)
    assert store.get("manifest", "sha256:a") is None
    store.close()
    assert "newer version" in store.problems[0].message
    assert not (tmp_path / "state.sqlite.broken").exists()


@pytest.mark.parametrize("value", [None, 5, 1.5, "text"])
def test_values_of_another_type_are_no_answers(time: Time, tmp_path: Path, value: object) -> None:
    keep(time, tmp_path)
    with sqlite3.connect(tmp_path / "state.sqlite") as database:
        database.execute("UPDATE answers SET value = ?", (value,))
    assert kept(time, tmp_path) is None


def test_a_folder_that_cannot_be_made_is_said_once_and_the_run_has_its_own_memory(time: Time, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = time.store(tmp_path / "file" / "state")
    store.put("head", "a", b"1", 600)
    assert store.get("head", "a") == b"1"
    assert store.get("head", "b") is None
    store.remember("waiting", "web", b"1")
    store.close()
    assert len(store.problems) == 1
    assert "cannot be used, nothing is kept" in store.problems[0].message


def test_a_folder_that_others_may_write_to_is_not_trusted(time: Time, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    store = time.store(folder)
    assert store.get("head", "a") is None
    assert "others may write to the folder" in store.problems[0].message
    assert list(folder.iterdir()) == []


def test_a_link_in_place_of_the_file_is_not_followed(time: Time, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    (tmp_path / "target").touch()
    (folder / "state.sqlite").symlink_to(tmp_path / "target")
    store = time.store(folder)
    store.put("manifest", "sha256:a", b"kept", None)
    store.close()
    assert len(store.problems) == 1
    assert (tmp_path / "target").read_bytes() == b""


def test_a_locked_file_costs_this_run_its_memory_only(time: Time, tmp_path: Path) -> None:
    keep(time, tmp_path)
    other = sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    store = time.store(tmp_path)
    assert store.get("manifest", "sha256:a") == b"kept", "a writer keeps no reader away"
    store.put("manifest", "sha256:b", b"new", None)
    store.close()
    assert "locked" in store.problems[0].message
    other.close()
    assert kept(time, tmp_path) == b"kept"


_WRITER = """
import sys
from container_updates.clock import Clock
from container_updates.state.store import Store
for turn in range(10):
    store = Store(sys.argv[1], clock=Clock())
    store.get("manifest", "0")
    for number in range(20):
        store.put("manifest", f"{sys.argv[2]}-{turn}-{number}", b"x" * 100, None)
    store.close()
    assert not store.problems, store.problems
"""


def test_several_plugins_write_at_once_and_nothing_is_lost(time: Time, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", _WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*argv, str(number)], cwd=ROOT, stderr=subprocess.PIPE) for number in range(4)]
    for writer in writers:
        assert writer.communicate()[1] == b""
    with sqlite3.connect(tmp_path / "state.sqlite") as database:
        assert database.execute("SELECT count(*) FROM answers").fetchone() == (4 * 10 * 20,)


_FULL = """
import resource, signal, sys
from container_updates.clock import Clock
from container_updates.state.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
store = Store(sys.argv[1], clock=Clock())
for number in range(100):
    store.put("manifest", str(number), b"x" * 10_000, None)
store.close()
print(len(store.problems), store.problems[0].message)
"""


def test_a_full_disk_is_said_once(tmp_path: Path) -> None:
    assert signal.SIGXFSZ
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("1 cannot be used, nothing is kept: ")
    assert done.stderr == ""


def test_what_is_too_large_is_not_kept(time: Time, tmp_path: Path) -> None:
    keep(time, tmp_path, b"x" * (5 << 20))
    assert kept(time, tmp_path) is None


def test_there_is_a_limit_and_what_was_used_least_goes_first(time: Time, tmp_path: Path) -> None:
    block = b"x" * (4 << 20)
    for number in range(10):
        store = time.store(tmp_path)
        store.put("blob", f"old{number}", block, None)
        store.close()
        time.now += 1
    time.now += 2 * 86400
    used = time.store(tmp_path)
    assert used.get("blob", "old0") == block
    used.close()
    store = time.store(tmp_path)
    for number in range(8):
        store.put("blob", f"new{number}", block, None)
    store.close()
    last = time.store(tmp_path)
    assert last.get("blob", "old0") == block
    assert last.get("blob", "old1") is None
    assert last.get("blob", "new7") == block


def test_many_threads_share_one_store(time: Time, tmp_path: Path) -> None:
    keep(time, tmp_path)
    store = time.store(tmp_path)
    found: list[bytes | None] = []

    def ask(number: int) -> None:
        for turn in range(50):
            store.put("head", f"{number}-{turn}", b"1", 600)
            found.append(store.get("manifest", "sha256:a"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    assert set(found) == {b"kept"}
    assert len(found) == 400
    assert store.problems == []
