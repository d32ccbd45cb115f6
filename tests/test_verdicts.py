"""Which findings are a WARNING, which CRITICAL, and what the thresholds change about it."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_updates.errors import UsageError
from container_updates.model import Metric, Outcome, Problem, State
from container_updates.settings import Settings
from container_updates.verdicts import METRICS, parse_threshold
from tests.support.report_cases import DAY, EVERY_CHECK, VERDICTS, container, finding, fine, outcome, outdated

ALL = Settings(checks=EVERY_CHECK)
INTERFACE_ORDER = [
    "containers",
    "images",
    "excluded",
    "outdated",
    "outdated_young",
    "held",
    "outdated_age",
    "restart_pending",
    "newer_versions",
    "stale_lines",
    "base_outdated",
    "oldest_image",
    "tag_gone",
    "signed",
    "source_verified",
    "source_claimed",
    "unsigned",
    "unverifiable",
    "invalid_signatures",
    "signer_changed",
    "unknown_source",
    "untrusted_registry",
    "source_mismatch",
    "packages_pending",
    "security_pending",
    "not_checked",
    "registry_requests",
    "ratelimit_remaining",
    "time",
]
NUMBERS = {"images": 3, "oldest_image": 40.0 * DAY, "registry_requests": 4, "ratelimit_remaining": 97, "time": 1.25}


def metric(judged: Outcome, name: str) -> Metric:
    return next(metric for metric in judged.metrics if metric.name == name)


def test_metrics_stand_in_the_order_of_the_interface() -> None:
    judged = outcome(fine(3), ALL, numbers=NUMBERS)
    assert [metric.name for metric in judged.metrics] == INTERFACE_ORDER


def test_a_check_that_was_not_asked_for_has_no_metric() -> None:
    names = {metric.name for metric in outcome(fine(3), Settings(checks=("updates",)), numbers=NUMBERS).metrics}
    assert names == {metric.name for metric in METRICS if metric.check in (None, "updates")}


DEFAULTS = {
    **dict.fromkeys(("outdated", "restart_pending", "tag_gone", "unsigned", "unverifiable"), ("", "0", None)),
    **dict.fromkeys(("unknown_source", "untrusted_registry", "packages_pending"), ("", "0", None)),
    **dict.fromkeys(("invalid_signatures", "signer_changed", "source_mismatch", "security_pending"), ("", None, "0")),
    **dict.fromkeys(("outdated_age", "oldest_image", "time"), ("s", None, None)),
}
"""The interface's table of metrics: unit, default warning, default critical; all others have none of them."""


def test_units_and_default_thresholds_are_those_of_the_interface() -> None:
    judged = outcome(fine(3), ALL, numbers=NUMBERS)
    found = {metric.name: (metric.unit, metric.warning, metric.critical) for metric in judged.metrics}
    assert found == {name: DEFAULTS.get(name, ("", None, None)) for name in INTERFACE_ORDER}


def test_a_threshold_for_one_metric_leaves_the_others_alone() -> None:
    judged = outcome(fine(3), replace(ALL, warning={"outdated": "5"}, critical={"outdated": "9"}), numbers=NUMBERS)
    assert (metric(judged, "outdated").warning, metric(judged, "outdated").critical) == ("5", "9")
    assert metric(judged, "unsigned").warning == "0"
    assert metric(judged, "signer_changed").critical == "0"


@pytest.mark.parametrize("unknown", [None, math.nan, math.inf, 1e300, 10**400])
def test_a_number_that_is_not_known_is_left_out(unknown: float | None) -> None:
    names = [metric.name for metric in outcome(fine(3), numbers={"ratelimit_remaining": unknown, "images": 2}).metrics]
    assert "ratelimit_remaining" not in names
    assert "images" in names


@pytest.mark.parametrize(
    ("code", "check", "state"),
    [
        ("outdated", "updates", State.WARNING),
        ("tag-gone", "updates", State.WARNING),
        ("restart-pending", "restarts", State.WARNING),
        ("newer-version", "versions", State.OK),
        ("base-outdated", "source", State.OK),
        ("unsigned", "signatures", State.WARNING),
        ("unverifiable", "signatures", State.WARNING),
        ("invalid-signature", "signatures", State.CRITICAL),
        ("signer-changed", "signatures", State.CRITICAL),
        ("unknown-source", "source", State.WARNING),
        ("untrusted-registry", "source", State.WARNING),
        ("source-mismatch", "source", State.CRITICAL),
        ("packages-pending", "packages", State.WARNING),
        ("security-pending", "packages", State.CRITICAL),
        ("unreachable", "updates", State.UNKNOWN),
        ("up-to-date", "updates", State.OK),
        ("outdated-young", "updates", State.OK),
        ("held", "updates", State.OK),
        ("local-build", "updates", State.OK),
        ("excluded", "updates", State.OK),
    ],
)
def test_default_state_of_each_finding(code: str, check: str, state: State) -> None:
    judged = outcome([container("web", finding(code, check))], ALL)
    assert judged.containers[0].findings[0].state is state
    assert judged.containers[0].state is state
    assert judged.state is state


def test_every_failure_of_the_interface_counts_toward_a_metric() -> None:
    for check, codes in VERDICTS[next(verdict for verdict in VERDICTS if verdict.value == "fail")].items():
        for code in codes:
            judged = outcome([container("web", finding(code, check))], ALL)
            assert any(metric.value == 1 for metric in judged.metrics if metric.name not in ("containers",)), code


def test_counts_are_of_containers_however_many_findings_they_have() -> None:
    twice = container("web", finding("unreachable"), finding("timeout", "signatures"))
    judged = outcome([twice, *fine(2)], ALL)
    assert metric(judged, "not_checked").value == 1
    assert metric(judged, "containers").value == 3


def test_the_same_code_of_another_check_is_not_counted() -> None:
    judged = outcome([container("web", finding("up-to-date"), finding("pinned", "versions"))], ALL)
    assert metric(judged, "held").value == 0
    assert judged.state is State.OK


def test_as_many_as_the_range_allows_are_fine() -> None:
    three = [outdated("web", 12), outdated("db", 3), outdated("cache", 1)]
    judged = outcome(three, Settings(warning={"outdated": "3"}))
    assert judged.state is State.OK
    assert {container.state for container in judged.containers} == {State.OK}
    assert outcome(three, Settings(warning={"outdated": "2"})).state is State.WARNING


def test_critical_above_none_fires_at_one() -> None:
    # nagiosplugin reads the number 0 as "no limit"; only the text "0" means none.
    name, spec = parse_threshold("outdated=0", EVERY_CHECK)
    assert outcome([outdated("web", 1)], Settings(critical={name: spec})).state is State.CRITICAL


def test_an_empty_range_takes_a_default_away() -> None:
    name, spec = parse_threshold("outdated=", EVERY_CHECK)
    judged = outcome([outdated("web", 12)], Settings(warning={name: spec}))
    assert judged.state is State.OK
    assert metric(judged, "outdated").warning is None
    assert metric(judged, "outdated").value == 1


def test_an_age_threshold_judges_each_container_by_its_own_age() -> None:
    limit = dict([parse_threshold("outdated_age=14d", EVERY_CHECK)])
    judged = outcome([outdated("old", 15), outdated("new", 1)], Settings(critical=limit))
    assert [container.state for container in judged.containers] == [State.CRITICAL, State.WARNING]
    assert metric(judged, "outdated_age").value == 15 * DAY
    assert metric(judged, "outdated_age").state is State.CRITICAL


def test_a_container_is_as_bad_as_its_worst_finding() -> None:
    judged = outcome([container("web", finding(), finding("unsigned", "signatures"), finding("timeout"))], ALL)
    assert judged.containers[0].state is State.WARNING


def test_critical_outranks_unknown() -> None:
    mixed = [container("a", finding("unreachable")), container("b", finding("invalid-signature", "signatures"))]
    assert outcome(mixed, ALL).state is State.CRITICAL


def test_warning_outranks_unknown_and_unknown_outranks_ok() -> None:
    unknown = container("a", finding("unreachable"))
    assert outcome([unknown, outdated("b", 1)]).state is State.WARNING
    assert outcome([unknown, *fine(5)]).state is State.UNKNOWN


@pytest.mark.parametrize("word", ["ok", "unknown", "warning", "critical"])
def test_not_checked_counts_as_the_admin_says(word: str) -> None:
    judged = outcome([container("web", finding("unreachable")), *fine(2)], Settings(not_checked=word))
    assert judged.state is State[word.upper()]
    assert judged.containers[0].state is State[word.upper()]
    assert outcome(fine(2), Settings(not_checked=word)).state is State.OK


def test_ranges_for_not_checked_win() -> None:
    three = [container(f"web{number}", finding("unreachable")) for number in range(3)]
    assert outcome(three, Settings(warning={"not_checked": "5"}, not_checked="critical")).state is State.OK
    assert outcome(three, Settings(warning={"not_checked": "2"}, not_checked="ok")).state is State.WARNING
    assert outcome(three, Settings(critical={"not_checked": "2"}, not_checked="ok")).state is State.CRITICAL


def test_a_critical_range_alone_never_makes_an_open_question_ok() -> None:
    one = [container("web", finding("unreachable"))]
    assert outcome(one, Settings(critical={"not_checked": "5"})).state is State.UNKNOWN


def test_an_engine_that_could_not_be_read_is_unknown_and_hides_nothing_worse() -> None:
    broken = [Problem("tcp://b:2376", "unreachable", "no answer")]
    assert outcome(fine(3), unread=broken, engines=2).state is State.UNKNOWN
    assert outcome([outdated("web", 1)], unread=broken, engines=2).state is State.WARNING
    assert outcome(fine(3), problems=broken).state is State.OK


def test_nothing_running_is_ok() -> None:
    judged = outcome([])
    assert judged.state is State.OK
    assert metric(judged, "containers").value == 0


def test_a_limit_on_a_given_number_decides_the_whole() -> None:
    low = outcome(fine(2), Settings(warning={"ratelimit_remaining": "10:"}), numbers={"ratelimit_remaining": 3})
    assert low.state is State.WARNING
    assert metric(low, "ratelimit_remaining").state is State.WARNING


def test_a_negative_number_without_a_limit_is_no_alarm() -> None:
    # An empty nagiosplugin range starts at 0: a clock that jumped back would be CRITICAL.
    assert outcome(fine(1), numbers={"oldest_image": -5.0}).state is State.OK


@pytest.mark.parametrize("hostile", [math.nan, math.inf, "12d", None, [1]])
def test_an_age_that_is_no_number_costs_nothing(hostile: object) -> None:
    judged = outcome([container("web", finding("outdated", age=hostile))], Settings(critical={"outdated_age": "5"}))
    assert judged.state is State.WARNING
    assert metric(judged, "outdated_age").value == 0


def test_pending_packages_are_counted_as_packages() -> None:
    both = [container(name, finding("packages-pending", "packages", packages=4)) for name in ("a", "b")]
    assert metric(outcome(both, ALL), "packages_pending").value == 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", ("outdated", "5")),
        ("", ("outdated", "")),
        ("unsigned=", ("unsigned", "")),
        ("tag_gone=@1:3", ("tag_gone", "@1:3")),
        ("ratelimit_remaining=10:", ("ratelimit_remaining", "10:")),
        ("outdated_age=14d", ("outdated_age", "1209600")),
        ("outdated_age=~:14d", ("outdated_age", "~:1209600")),
        ("outdated_age=@1d:2d", ("outdated_age", "@86400:172800")),
        ("oldest_image=1.5h", ("oldest_image", "5400")),
        ("oldest_image=52w", ("oldest_image", "31449600")),
        ("time=90s", ("time", "90")),
        ("time=20m", ("time", "1200")),
        ("time=20", ("time", "20")),
    ],
)
def test_thresholds_as_the_interface_writes_them(text: str, expected: tuple[str, str]) -> None:
    assert parse_threshold(text, EVERY_CHECK) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "5:3",
        "outdated=x",
        "outdated=5d",
        "outdated=1:2:3",
        "outdated=~",
        "outdated=1e3",
        "outdated=0x10",
        "outdated=1_000",
        "outdated= 5",
        "outdated=٣",
        "outdated=nan",
        "outdated=" + "9" * 400,
        "outdated_age=1y",
        "nonsense=5",
        "=5",
        "\n\x1b[2J=5",
    ],
)
def test_a_broken_threshold_is_one_line_that_says_so(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_threshold(text, EVERY_CHECK)
    assert str(error.value).startswith("threshold")
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500


def test_a_metric_of_a_check_that_does_not_exist_is_unknown() -> None:
    with pytest.raises(UsageError, match="unknown metric 'unsigned'"):
        parse_threshold("unsigned=5", ("updates",))


@given(st.text())
def test_no_text_raises_anything_but_our_own_error(text: str) -> None:
    try:
        name, spec = parse_threshold(text, EVERY_CHECK)
    except UsageError:
        return
    assert outcome(fine(1), Settings(warning={name: spec}, critical={name: spec})).metrics


@given(st.decimals(0, 10**8, places=3), st.sampled_from(list("smhdw")))
def test_an_age_is_turned_into_seconds(number: Decimal, unit: str) -> None:
    _, spec = parse_threshold(f"outdated_age={number}{unit}", EVERY_CHECK)
    assert set(spec) <= set("0123456789.")
    assert float(spec) == pytest.approx(float(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[unit])


@given(
    st.integers(0, 40),
    st.integers(0, 50),
    st.integers(0, 50),
    st.sampled_from(["{end}", "{start}:", "~:{end}", "{start}:{end}", "@{start}:{end}"]),
)
def test_a_range_alerts_where_the_guidelines_say(count: int, start: int, end: int, form: str) -> None:
    start, end = sorted((start, end))
    name, spec = parse_threshold(f"outdated={form.format(start=start, end=end)}", EVERY_CHECK)
    inside = (count >= start or "{start}" not in form) and (count <= end or "{end}" not in form)
    alerts = inside if form.startswith("@") else not inside
    judged = outcome([outdated(f"web{number}", 1) for number in range(count)], Settings(warning={name: spec}))
    assert metric(judged, "outdated").state is (State.WARNING if alerts else State.OK)
