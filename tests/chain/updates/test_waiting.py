"""Since when an update waits: dates that can be real ones, and never a negative age."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_updates.chain.updates.waiting import real_date
from container_updates.clock import age, duration, engine_date
from container_updates.demo import faults
from container_updates.demo.engine.kinds import CONTAINERD
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.registry.content import AMD64, ARM64
from container_updates.model import State
from tests.support.lab import Lab, lab

DAY = 86400


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def outdated(host: Lab, before: str, after: str) -> None:
    host.run("web", host.registry.push_image("app/web", "1", created=before))
    host.registry.push_image("app/web", "1", created=after)


@pytest.mark.parametrize(
    ("created", "age_now", "source"),
    [
        ("2026-11-12T10:00:00Z", 12 * DAY, "created"),
        ("1970-01-01T00:00:00Z", 0, "first-seen"),
        ("1980-01-01T00:00:01Z", 0, "first-seen"),
        ("0001-01-01T00:00:00Z", 0, "first-seen"),
        ("2031-01-01T00:00:00Z", 0, "first-seen"),
        ("2026-09-01T00:00:00Z", 0, "first-seen"),
        ("garbage", 0, "first-seen"),
        ("", 0, "first-seen"),
    ],
    ids=["real", "1970", "1980", "year 1", "future", "older than what runs", "garbage", "none"],
)
def test_a_creation_date_is_believed_where_it_can_be_one(host: Lab, created: str, age_now: int, source: str) -> None:
    outdated(host, "2026-10-01T00:00:00Z", created)
    host.time = at("2026-11-24T10:00:00+00:00")
    details = host.check().finding("web").details
    assert (details["age"], details["since_from"]) == (age_now, source)


def test_state_lost_the_age_falls_back_and_says_so(host: Lab) -> None:
    outdated(host, "1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z")
    host.check()
    host.time += 9 * DAY
    assert host.check().finding("web").details["age"] == 9 * DAY
    for file in (host.folder / "state").iterdir():
        file.unlink()
    details = host.check().finding("web").details
    assert (details["age"], details["since_from"]) == (0, "first-seen")


def test_a_clock_that_is_set_back_makes_no_negative_age(host: Lab) -> None:
    outdated(host, "1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z")
    host.check()
    host.time -= 30 * DAY
    checked = host.check()
    assert checked.finding("web").details["age"] == 0
    assert checked.metric("outdated_age") == 0


def test_a_clock_that_was_not_set_yet_is_forgotten(host: Lab) -> None:
    """A small board wakes up in 1970, and is told the time a minute later."""
    outdated(host, "1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z")
    now, host.time = host.time, 60.0
    assert host.check().finding("web").details["age"] == 0
    host.time = now
    assert host.check().finding("web").details["age"] == 0
    host.time = 60.0
    assert host.check().finding("web").details["age"] == 0
    host.time = now + DAY
    assert host.check().finding("web").details["age"] == DAY


def test_an_age_that_only_this_plugin_knows_says_so(host: Lab) -> None:
    outdated(host, "1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z")
    host.check()
    host.time += 9 * DAY
    assert " outdated since 9d (first seen), runs sha256:" in host.check().finding("web").message


def test_it_waits_since_the_first_of_the_newer_ones(host: Lab) -> None:
    outdated(host, "2026-10-01T00:00:00Z", "2026-11-10T00:00:00Z")
    host.time = at("2026-11-20T00:00:00+00:00")
    host.check()
    host.registry.push_image("app/web", "1", created="2026-11-19T00:00:00Z")
    assert host.check().finding("web").details["age"] == 10 * DAY


def test_once_up_to_date_the_wait_begins_anew(host: Lab) -> None:
    first = host.registry.push_image("app/web", "1", created="1970-01-01T00:00:00Z")
    host.run("web", first)
    host.registry.push_image("app/web", "1", created="1970-01-01T00:00:01Z")
    host.check()
    host.registry.retag("app/web", "1", first.digest)
    assert host.check().codes == {"web": "up-to-date"}
    host.registry.push_image("app/web", "1", created="1970-01-01T00:00:02Z")
    host.time += 5 * DAY
    assert host.check().finding("web").details["age"] == 0


def test_a_held_sibling_keeps_no_outdated_one_young(host: Lab) -> None:
    """The tag is pushed every hour: the newest image is always an hour old, and the first of them is not."""
    first = host.registry.push_image("app/web", "1", created="2026-11-20T00:00:00Z")
    host.run("web", first)
    host.engine.run("kept", first.reference, labels={"wud.watch.digest": "false"})
    codes = []
    for hour in range(60):
        host.time = at("2026-11-20T12:00:00+00:00") + hour * 3600
        host.registry.push_image("app/web", "1", created=datetime.fromtimestamp(host.time - 60, UTC).isoformat())
        if hour % 6 == 0:
            codes.append(host.check(min_age=2 * DAY).codes["web"])
    assert codes == ["outdated-young"] * 8 + ["outdated"] * 2


def test_a_sibling_whose_engine_has_pulled_the_update_takes_no_age_away(host: Lab) -> None:
    """A stopped container beside a running one of the same image: the running one waits for a restart only."""
    outdated(host, "2026-10-01T00:00:00Z", "1970-01-01T00:00:00Z")
    host.engine.run("stopped", host.check().container("web").image, state="exited")
    host.check(all_containers=True)
    host.time += 3 * DAY
    newer = host.registry.push_image("app/web", "1", created="1970-01-01T00:00:01Z")
    host.engine.pull(newer)
    every = {"all_containers": True, "checks": ("updates", "restarts")}
    assert host.check(**every).codes == {"web": "up-to-date", "stopped": "outdated"}
    host.time += DAY
    assert host.check(**every).finding("stopped").details["age"] == 4 * DAY


def test_a_tag_that_was_away_for_a_while_makes_no_update_young(host: Lab) -> None:
    outdated(host, "1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z")
    host.registry.push_image("app/web", "2")
    host.check()
    host.time += 3 * DAY
    published = str(host.check().finding("web").details["published_digest"])
    host.registry.delete_tag("app/web", "1")
    gone = host.check()
    assert gone.codes == {"web": "tag-gone"}
    host.registry.retag("app/web", "1", published)
    host.time += DAY
    assert host.check().finding("web").details["age"] == 4 * DAY
    host.registry.delete_tag("app/web", "1")
    host.time += DAY
    assert "noticed just now" in host.check().finding("web").message


def test_another_platform_s_sibling_takes_no_age_away(tmp_path: Path) -> None:
    """In a containerd store an image's id is that of its index, the same on every machine."""
    with lab(tmp_path, CONTAINERD) as host, EngineServer(CONTAINERD, platform=ARM64) as other:
        kept, old = (host.registry.push_image("app/web", platform=one) for one in (AMD64, ARM64))
        index = host.registry.push_index("app/web", "1", [kept, old])
        for engine in (host.engine, other):
            engine.pull(index)
            engine.run("web", index.reference)
        new = host.registry.push_image("app/web", platform=ARM64, created="1970-01-01T00:00:00Z")
        host.registry.push_index("app/web", "1", [kept, new])
        hosts = (host.engine.host, other.host)
        host.check(hosts=hosts)
        host.time += 5 * DAY
        found = [one.findings[0].finding for one in host.check(hosts=hosts).outcome.containers]
        assert [(one.code, one.details.get("age")) for one in found] == [("up-to-date", None), ("outdated", 5 * DAY)]


def test_a_leap_day_and_the_end_of_summer_time_are_days_like_others(host: Lab) -> None:
    outdated(host, "2028-01-01T00:00:00Z", "2028-02-28T12:00:00+01:00")
    host.time = at("2028-03-01T11:00:00+00:00")
    assert host.check().finding("web").details["age"] == 2 * DAY
    host.registry.push_image("app/two", "1", created="2028-01-01T00:00:00Z")
    host.run("two", host.registry.push_image("app/two", "1", created="2028-01-01T00:00:00Z"))
    host.registry.push_image("app/two", "1", created="2028-10-28T12:00:00+02:00")
    host.time = at("2028-10-29T12:00:00+01:00")
    assert host.check().finding("two").details["age"] == DAY + 3600


def test_a_young_update_is_no_alarm_and_is_counted_apart(host: Lab) -> None:
    outdated(host, "2026-10-01T00:00:00Z", "2026-11-23T10:00:00Z")
    host.time = at("2026-11-24T10:00:00+00:00")
    young = host.check(min_age=duration("2d"))
    assert (young.codes, young.outcome.state) == ({"web": "outdated-young"}, State.OK)
    assert " outdated since 1d, no alarm before 2d, runs sha256:" in young.finding("web").message
    assert (young.metric("outdated"), young.metric("outdated_young")) == (0, 1)
    host.time += 2 * DAY
    assert host.check(min_age=duration("2d")).codes == {"web": "outdated"}


def test_an_age_of_its_own_can_be_critical(host: Lab) -> None:
    outdated(host, "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")
    host.time = at("2026-11-24T00:00:00+00:00")
    assert host.check(critical={"outdated_age": str(14 * DAY)}).outcome.state is State.CRITICAL
    assert host.check(critical={"outdated_age": str(30 * DAY)}).outcome.state is State.WARNING


def test_a_date_of_the_registry_that_cannot_be_real_is_not_believed(host: Lab) -> None:
    outdated(host, "2026-10-01T00:00:00Z", "2026-11-12T10:00:00Z")
    host.time = at("2026-11-24T10:00:00+00:00")
    for date in ("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2038 00:00:00 GMT", "yesterday"):
        host.registry.heal()
        host.registry.fail(faults.header("Last-Modified", date), path="manifests/1$")
        assert host.check().finding("web").details["since_from"] == "created"


@given(st.text())
def test_no_text_is_more_than_a_date_or_none(text: str) -> None:
    assert real_date(text) is None or isinstance(real_date(text), datetime)


@given(st.datetimes(min_value=datetime(2014, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(0, 9))
def test_dates_come_through_with_any_fraction(moment: datetime, digits: int) -> None:
    moment = moment.replace(microsecond=0)
    fraction = f".{'1' * digits}" if digits else ""
    assert real_date(f"{moment.isoformat()}{fraction}Z") == moment.replace(tzinfo=UTC)


@given(st.one_of(st.none(), st.integers()))
def test_an_engine_s_seconds_are_a_date_or_none(seconds: int | None) -> None:
    found = engine_date(seconds)
    assert found is None or int(found.timestamp()) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("1.5h", 5400), ("14d", 14 * DAY), ("2w", 14 * DAY)]
)
def test_an_age_in_words_is_seconds(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@given(st.integers(-10, 10**9))
def test_an_age_is_told_in_its_largest_unit(seconds: int) -> None:
    assert (
        duration(age(seconds))
        <= max(seconds, 0)
        < duration(age(seconds)) + {"s": 1, "m": 60, "h": 3600, "d": DAY}[age(seconds)[-1]]
    )
