"""The sentence on a phone: what is wrong, the worst three by name."""

from dataclasses import replace

import pytest

from container_updates.model import Finding, Problem, Verdict
from container_updates.report.headline import WRONG, headline, worst_first
from container_updates.settings import Selector, Settings
from container_updates.verdicts import parse_threshold
from tests.support.report_cases import (
    DAY,
    EVERY_CHECK,
    HOSTILE,
    VERDICTS,
    Examined,
    container,
    finding,
    fine,
    infested,
    on_host,
    outcome,
    outdated,
)

ALL = Settings(checks=EVERY_CHECK)
GONE = Problem("tcp://b:2376", "unreachable", "connection refused")


def sentence(examined: list[Examined], settings: Settings = ALL, **given: object) -> str:
    return headline(outcome(examined, settings, **given), settings)  # type: ignore[arg-type] # outcome's own


def limits(*texts: str) -> dict[str, str]:
    return dict(parse_threshold(text, EVERY_CHECK) for text in texts)


def unsigned(name: str) -> Examined:
    return container(name, finding(), finding("unsigned", "signatures"))


# -- something is wrong --------------------------------------------------------------------------------------------


def test_the_worst_three_by_name_longest_wait_first() -> None:
    examined = [outdated("cache", 1), outdated("web", 12), outdated("proxy", 0.5), outdated("db", 3), *fine(54)]
    assert sentence(examined) == "4 of 58 containers outdated (web 12d, db 3d, cache 1d)"


def test_what_has_waited_since_the_same_second_stands_in_the_order_of_names() -> None:
    """A second more or less of an age depends on the moment of the run alone."""
    since = "2026-11-11T20:15:00Z"
    examined = [
        container(name, finding("outdated", age=seconds, since=since))
        for name, seconds in (("web", 12 * DAY + 1), ("db", 12 * DAY), ("cache", 12 * DAY + 1))
    ]
    assert sentence(examined) == "3 of 3 containers outdated (cache 12d, db 12d, web 12d)"


def test_three_names_in_all_however_many_things_are_wrong() -> None:
    examined = [outdated("web", 12), outdated("db", 3), unsigned("a"), unsigned("b"), *fine(6)]
    assert sentence(examined) == "2 of 10 containers outdated (web 12d, db 3d), 2 unsigned (a)"


def test_critical_stands_before_warning_before_unknown() -> None:
    examined = [
        container("open", finding("unreachable")),
        *(outdated(f"web{number}", 9) for number in range(4)),
        container("forged", finding("invalid-signature", "signatures")),
    ]
    assert sentence(examined) == (
        "1 of 6 containers with an invalid signature (forged), 4 outdated (web0 9d, web1 9d), "
        "1 not checked: unreachable"
    )


def test_a_container_is_counted_once_for_each_thing_that_is_wrong() -> None:
    twice = container("web", finding("unreachable"), finding("unreachable", "signatures"))
    assert sentence([twice]) == "1 of 1 container not checked: unreachable (web)"
    both = container("web", finding("outdated", age=DAY), finding("unsigned", "signatures"))
    assert sentence([both]) == "1 of 1 container outdated (web 1d), 1 unsigned (web)"


def test_reasons_that_differ_stand_with_the_names() -> None:
    examined = [container("a", finding("unauthorized")), container("b", finding("rate-limited")), *fine(3)]
    assert sentence(examined) == "2 of 5 containers not checked (a unauthorized, b rate-limited)"


def test_an_age_that_is_not_known_is_not_made_up() -> None:
    assert sentence([container("web", finding("outdated"))]) == "1 of 1 container outdated (web)"


@pytest.mark.parametrize("code", WRONG)
def test_there_are_words_for_every_failure(code: str) -> None:
    check = next(check for check, codes in VERDICTS[Verdict.FAIL].items() if code in codes)
    metric = {"invalid-signature": "invalid_signatures", "newer-version": "newer_versions"}.get(code)
    settings = Settings(checks=EVERY_CHECK, warning={metric or code.replace("-", "_"): "0"})
    assert (
        sentence([container("web", finding(code, check)), *fine(1)], settings)
        == f"1 of 2 containers {WRONG[code]} (web)"
    )


def test_no_failure_of_the_interface_lacks_words() -> None:
    assert {code for codes in VERDICTS[Verdict.FAIL].values() for code in codes} == set(WRONG)


def test_a_limit_that_no_container_explains_is_named() -> None:
    settings = Settings(checks=EVERY_CHECK, warning=limits("oldest_image=52w"), critical=limits("time=20"))
    text = sentence(fine(2), settings, numbers={"oldest_image": 400.0 * DAY, "time": 21.5})
    assert text == "oldest_image 400d (limit 364d), time 21s (limit 20s)"


def test_a_plain_limit_is_printed_as_it_was_given() -> None:
    settings = Settings(warning=limits("ratelimit_remaining=10:"))
    assert sentence(fine(2), settings, numbers={"ratelimit_remaining": 3}) == "ratelimit_remaining 3 (limit 10:)"


def test_an_age_limit_is_explained_by_the_container_that_broke_it() -> None:
    settings = Settings(warning=limits("outdated="), critical=limits("outdated_age=14d"))
    text = sentence([outdated("old", 15), *fine(2)], settings)
    assert text == "1 of 3 containers outdated (old 15d)"


def test_what_the_admin_allows_is_not_in_the_way() -> None:
    settings = Settings(checks=EVERY_CHECK, warning=limits("unsigned="))
    assert sentence([unsigned("a"), outdated("web", 12)], settings) == "1 of 2 containers outdated (web 12d)"


# -- places that are no container ----------------------------------------------------------------------------------


def test_an_engine_that_is_gone_is_the_news_when_the_rest_is_fine() -> None:
    text = sentence(fine(3), unread=[GONE], engines=2)
    assert text == "1 of 2 engines not read (tcp://b:2376), 3 containers up to date"


def test_an_engine_that_is_gone_stands_behind_what_is_worse() -> None:
    text = sentence([outdated("web", 12)], unread=[GONE], problems=[GONE], engines=2)
    assert (
        text == "1 of 1 container outdated (web 12d), 1 of 2 engines not read (tcp://b:2376), 1 problem (tcp://b:2376)"
    )


def test_engines_that_are_gone_stand_before_what_is_not_known_of_the_others() -> None:
    gone = [Problem(name, "unreachable", "no answer") for name in ("db7", "web3", "web4", "web5")]
    text = sentence([container("web", finding("timeout"))], unread=gone, engines=50)
    assert text == "4 of 50 engines not read (db7, web3, web4, …), 1 of 1 container not checked: timeout (web)"


# -- many hosts ----------------------------------------------------------------------------------------------------


def test_a_fleet_is_told_by_image_and_no_name_three_times() -> None:
    examined = []
    for number in range(50):
        for name, days in (("shop/app", 23), ("shop/db", 12), ("cache", 2)):
            one, findings = outdated(name.rpartition("/")[2], days)
            one = replace(one, image=f"registry.example.com/{name}:1")
            examined.append(on_host(f"host{number}", (one, findings)))
    assert sentence(examined) == (
        "3 images outdated in 150 containers on 50 hosts (shop/app 23d on 50, shop/db 12d on 50, cache 2d on 50)"
    )


def test_a_few_containers_of_several_hosts_are_told_by_name_and_host() -> None:
    examined = [on_host("db7", outdated("web", 12)), on_host("web3", outdated("web", 3)), on_host("db7", fine(1)[0])]
    assert sentence(examined) == "2 of 3 containers outdated (web@db7 12d, web@web3 3d)"


# -- nothing is wrong ----------------------------------------------------------------------------------------------


def test_all_up_to_date() -> None:
    assert sentence(fine(58)) == "58 containers up to date"
    assert sentence(fine(1)) == "1 container up to date"


def test_every_container_is_accounted_for() -> None:
    examined = [
        *fine(2),
        container("built", finding("local-build")),
        container("left", finding("excluded")),
        container("fixed", finding("pinned")),
        container("waits", finding("held")),
        container("fresh", finding("outdated-young")),
    ]
    assert sentence(examined) == (
        "2 containers up to date, 1 pinned, 1 held, 1 with a young update, 1 local, 1 excluded"
    )


def test_allowed_updates_are_still_told() -> None:
    settings = Settings(warning=limits("5"))
    assert sentence([outdated("web", 12), *fine(2)], settings) == "2 containers up to date, 1 outdated"


def test_what_could_not_be_checked_is_never_called_fine() -> None:
    settings = Settings(not_checked="ok")
    assert sentence([container("a", finding("unreachable"))], settings) == "1 container not checked"
    assert (
        sentence([container("a", finding("timeout")), *fine(2)], settings) == "2 containers up to date, 1 not checked"
    )


def test_without_the_check_for_updates() -> None:
    settings = Settings(checks=("signatures",))
    assert (
        sentence([container("web", finding("signed", "signatures"))], settings) == "1 container checked, nothing wrong"
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(), "no running containers"),
        (Settings(all_containers=True), "no containers"),
        (Settings(include=(Selector("name", "x*"),)), "no running containers match --include"),
    ],
)
def test_nothing_to_check_says_why(settings: Settings, words: str) -> None:
    assert sentence([], settings) == words


# -- outside text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_outside_text_is_harmless_and_short(hostile: str) -> None:
    text = headline(infested(hostile, ALL), ALL)
    assert text.isprintable()
    assert not set("|<>") & set(text)
    assert text.startswith("1 of 3 containers outdated (")
    assert len(text) < 250


def test_a_long_name_leaves_room_for_the_others() -> None:
    text = sentence([outdated("a" * 64, 9), outdated("b" * 64, 8), outdated("c" * 64, 7)])
    assert text == f"3 of 3 containers outdated ({'a' * 27}… 9d, {'b' * 27}… 8d, {'c' * 27}… 7d)"


def test_worst_first_by_state_wait_and_name() -> None:
    examined = [
        container("z"),
        container("open", finding("unreachable")),
        outdated("b", 1),
        outdated("a", 1),
        outdated("old", 5),
        container("odd", Finding("updates", "outdated", Verdict.FAIL, "", {"age": float("nan")})),
    ]
    ordered = [judged.container.name for judged in worst_first(outcome(examined).containers)]
    assert ordered == ["old", "a", "b", "odd", "open", "z"]
