"""Only the news: what the last report of a service had is counted, not listed; states and metrics stay whole."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_updates.demo import faults
from container_updates.model import State
from container_updates.report import nagios
from container_updates.settings import Settings
from tests.support.lab import Lab, lab
from tests.support.paths import ROOT

DAY = 86400


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


def outdated(host: Lab, name: str, day: int = 5) -> None:
    host.run(name, host.registry.push_image(f"app/{name}", "1"))
    publish(host, name, day)


def publish(host: Lab, name: str, day: int) -> None:
    host.registry.push_image(f"app/{name}", "1", created=f"2026-11-{day:02}T00:00:00Z")


def listed(host: Lab, **changes: object) -> list[str]:
    """The names that a report of the news lists, and how many it counts."""
    checked = host.check(new_only=True, checks=("updates", "restarts"), **changes)
    _, *lines = nagios.render(checked.outcome, Settings(new_only=True)).splitlines()
    return [line.partition(": ")[0].rpartition(" ")[2] if line.startswith("[") else line for line in lines]


def test_what_was_reported_is_counted(host: Lab) -> None:
    outdated(host, "web")
    outdated(host, "db")
    assert listed(host) == ["db", "web"]
    assert listed(host) == ["and 2 reported before"]
    outdated(host, "cache")
    assert listed(host) == ["cache", "and 2 reported before"]


def test_what_had_no_room_in_the_report_is_news_again(host: Lab) -> None:
    for name in ("web", "db", "cache"):
        outdated(host, name)
    small = Settings(new_only=True, max_output=256, perfdata=False)

    def report() -> str:
        checked = host.check(new_only=True, left_out=lambda outcome: nagios.left_out(outcome, small))
        return nagios.render(checked.outcome, small)

    first, second, third = report(), report(), report()
    told = [line.split(":")[0] for text in (first, second, third) for line in text.splitlines() if line[0] == "["]
    assert sorted(told) == ["[WARNING] cache", "[WARNING] db", "[WARNING] web"]
    assert "… and " in first
    assert "and 3 reported before" in report()


def test_states_and_metrics_stay_whole(host: Lab) -> None:
    outdated(host, "web")
    host.check(new_only=True)
    checked = host.check(new_only=True)
    assert (checked.outcome.state, checked.metric("outdated")) == (State.WARNING, 1)


def test_days_that_pass_are_no_news(host: Lab) -> None:
    outdated(host, "web")
    listed(host)
    host.time += 3 * DAY
    assert listed(host) == ["and 1 reported before"]


def test_another_update_is_news_and_so_is_a_worse_state(host: Lab) -> None:
    outdated(host, "web")
    listed(host)
    publish(host, "web", 6)
    assert listed(host) == ["web"]
    assert listed(host) == ["and 1 reported before"]
    assert listed(host, critical={"outdated_age": str(DAY)}) == ["web"]


def test_what_was_well_in_between_is_news(host: Lab) -> None:
    image = host.registry.push_image("app/web", "1")
    host.run("web", image)
    publish(host, "web", 5)
    listed(host)
    host.registry.retag("app/web", "1", image.digest)
    assert listed(host) == []
    publish(host, "web", 5)
    assert listed(host) == ["web"]


def test_services_are_kept_apart(host: Lab) -> None:
    outdated(host, "web")
    assert listed(host, service="day") == ["web"]
    assert listed(host, service="night") == ["web"]
    assert listed(host, service="day") == ["and 1 reported before"]


def test_a_report_of_everything_takes_no_news_away(host: Lab) -> None:
    outdated(host, "web")
    host.check()
    assert listed(host) == ["web"]


def test_a_rate_limit_that_is_told_again_with_another_time_is_no_news(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    host.registry.fail(faults.too_many_requests("60"))
    assert listed(host) == ["web"]
    host.time += 3600
    assert listed(host) == ["and 1 reported before"]


def test_a_memory_that_is_damaged_makes_everything_news(host: Lab) -> None:
    outdated(host, "web")
    listed(host)
    with sqlite3.connect(host.folder / "state" / "state.sqlite") as database:
        database.execute("UPDATE facts SET value = ? WHERE kind = 'reported'", (b"{",))
    database.close()
    assert listed(host) == ["web"]


def test_held_stands_at_v_with_what_it_misses_and_excluded_is_named_at_vv(host: Lab) -> None:
    host.run("kept", host.registry.push_image("app/kept", "1"), {"wud.watch.digest": "false"})
    publish(host, "kept", 5)
    host.run("off", host.registry.push_image("app/off", "1"), {"wud.watch": "false"})
    checked = host.check()
    assert (checked.outcome.state, checked.metric("held"), checked.metric("excluded")) == (State.OK, 1, 1)
    quiet, loud, louder = (nagios.render(checked.outcome, Settings(verbose=level)) for level in range(3))
    assert quiet.startswith("CONTAINER_UPDATES OK - 1 container held, 1 excluded")
    assert "kept" not in quiet
    [line] = [line for line in loud.splitlines() if "kept" in line]
    assert " held by label wud.watch.digest=false, its tag names sha256:" in line
    assert line.endswith("; created 2026-11-01 → 2026-11-05")
    assert f"\n[OK] off: {host.registry.host}/app/off:1 excluded by label wud.watch=false\n" in louder
    assert "To update" not in louder


def test_a_check_that_is_off_is_not_even_imported(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1.0"))
    host.registry.push_image("app/web", "1.1")
    argv = ["-H", host.engine.host, "--state-dir", str(host.folder / "other"), "--docker-config", str(host.folder)]
    argv.append("--check=updates,restarts")
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        f"from container_updates import cli; cli.main({argv!r}, {{}})\n"
        "ours = ('versions', 'shapes', 'patterns', 'moving', 'tags', 're2', 'signatures')\n"
        "print([name for name in sys.modules if name.rpartition('.')[2] in ours])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.startswith("CONTAINER_UPDATES OK - ")
    assert done.stdout.splitlines()[-1] == "[]"
    assert [entry.method for entry in host.registry.requests()] == ["HEAD"]
