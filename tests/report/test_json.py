"""JSON as scripts rely on it: the members of the interface, sorted, safe to show, never cut."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container_updates.model import Container, Outcome, Problem
from container_updates.report import render
from container_updates.settings import Settings
from tests.support.report_cases import (
    DAY,
    DIGEST,
    ENGINE,
    EVERY_CHECK,
    HOSTILE,
    container,
    finding,
    fine,
    infested,
    outcome,
)

SETTINGS = Settings(checks=EVERY_CHECK, output="json", verbose=3)
STATES = {"OK", "UNKNOWN", "WARNING", "CRITICAL"}
VERDICTS = {"pass", "fail", "inconclusive", "skipped"}
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
DETAILS = st.dictionaries(
    TEXT,
    st.recursive(
        SCALAR,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


def sorted_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in members]
    assert names == sorted(set(names))
    return dict(members)


def strict(constant: str) -> None:
    pytest.fail(f"{constant} is no JSON (RFC 8259)")


def read(judged: Outcome) -> dict[str, Any]:
    text = render(judged, SETTINGS)
    assert text.endswith("}\n")
    assert text[:-1].isprintable()
    loaded = json.loads(text.encode(), object_pairs_hook=sorted_object, parse_constant=strict)
    assert_members(loaded)
    return dict(loaded)


def assert_members(report: Mapping[str, Any]) -> None:
    """The interface's members, all of them and no other, each of its type."""
    assert set(report) == {"schema", "state", "summary", "checked_at", "containers", "metrics", "errors", "chain"}
    assert report["schema"] == 1
    assert report["state"] in STATES
    for judged in report["containers"]:
        always = {"engine", "id", "name", "image", "state", "findings"}
        assert always <= set(judged) <= always | {"platform", "running_digests"}
        assert all(isinstance(judged[name], str) for name in always - {"findings"})
        assert judged["state"] in STATES
        for found in judged["findings"]:
            assert set(found) == {"check", "code", "verdict", "state", "message", "details"}
            assert found["check"] in EVERY_CHECK
            assert found["verdict"] in VERDICTS
            assert found["state"] in STATES
            assert isinstance(found["message"], str)
            assert isinstance(found["details"], dict)
    for metric in report["metrics"]:
        assert set(metric) == {"name", "value", "unit", "warning", "critical", "state"}
        assert isinstance(metric["value"], int | float)
        assert metric["unit"] in ("", "s")
        assert all(metric[name] is None or isinstance(metric[name], str) for name in ("warning", "critical"))
        assert metric["state"] in STATES
    for error in report["errors"]:
        assert set(error) == {"where", "code", "message"}
        assert all(isinstance(value, str) for value in error.values())


def test_the_sample_of_the_interface() -> None:
    details = {"published_digest": "sha256:0a39", "since": "2026-11-11T20:15:00Z", "age": 12 * DAY}
    web = container("web", finding("outdated", message="docker.io/library/nginx:1.27 outdated since 12d", **details))
    unreachable = Problem("registry.example.com", "unreachable", "no answer")
    report = read(outcome([web, *fine(57)], SETTINGS, problems=[unreachable]))
    assert report["state"] == "WARNING"
    assert report["summary"] == "1 of 58 containers outdated (web 12d), 1 problem (registry.example.com)"
    assert report["checked_at"] == "2026-11-23T20:15:00Z"
    assert report["containers"][0] == {
        "engine": ENGINE,
        "id": "4f" * 32,
        "name": "web",
        "image": "docker.io/library/nginx:1.27",
        "platform": "linux/amd64",
        "running_digests": [DIGEST],
        "state": "WARNING",
        "findings": [
            {
                "check": "updates",
                "code": "outdated",
                "verdict": "fail",
                "state": "WARNING",
                "message": "docker.io/library/nginx:1.27 outdated since 12d",
                "details": details,
            }
        ],
    }
    assert {"name": "outdated", "value": 1, "unit": "", "warning": "0", "critical": None, "state": "WARNING"} in report[
        "metrics"
    ]
    assert report["errors"] == [{"where": "registry.example.com", "code": "unreachable", "message": "no answer"}]


def test_containers_stay_in_the_order_of_the_engine() -> None:
    names = [judged["name"] for judged in read(outcome([container("b"), container("c"), container("a")]))["containers"]]
    assert names == ["b", "c", "a"]


def test_nothing_running_is_an_empty_list() -> None:
    report = read(outcome([]))
    assert report["containers"] == report["errors"] == []
    assert report["state"] == "OK"


def test_what_is_not_known_is_left_out() -> None:
    nameless = Container(ENGINE, "4f" * 32, "web", DIGEST, None, problem="its image has no single name")
    judged = outcome([(nameless, [finding("unresolvable", status=None, reason="no name", retry_at=None)])])
    found = read(judged)["containers"][0]
    assert "platform" not in found
    assert "running_digests" not in found
    assert found["image"] == DIGEST
    assert found["findings"][0]["details"] == {"reason": "no name"}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 1e300, 10**5000], ids=range(5))
def test_a_number_that_json_has_not_is_left_out(number: float) -> None:
    judged = outcome([container("web", finding("outdated", age=number, change={"size": number, "version": "2"}))])
    assert read(judged)["containers"][0]["findings"][0]["details"] == {"change": {"version": "2"}}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_outside_text_comes_through_whole_and_without_reaching_a_terminal(hostile: str) -> None:
    report = read(infested(hostile, SETTINGS))
    raw = re.sub("[\ud800-\udfff]", "\ufffd", hostile)
    found = report["containers"][0]
    assert found["name"] == found["engine"] == found["id"] == found["findings"][0]["message"] == raw
    assert found["findings"][0]["details"] == {"age": 12 * DAY, "label": raw, "list": [raw]}
    assert report["errors"][1] == {"where": raw, "code": raw, "message": raw}
    assert "|" not in report["summary"]


@settings(max_examples=50)
@given(DETAILS)
def test_no_details_at_all_break_it(details: dict[str, Any]) -> None:
    report = read(outcome([container("web", finding("outdated", age=5, odd=details))]))
    assert report["containers"][0]["findings"][0]["details"]["age"] == 5


def test_it_is_never_cut() -> None:
    settings = Settings(output="json", max_output=100)
    assert len(json.loads(render(outcome(fine(500)), settings))["containers"]) == 500


def test_every_state_and_verdict_has_its_word() -> None:
    codes = ("up-to-date", "outdated", "unreachable", "excluded")
    examined = [container(code, finding(code)) for code in codes]
    forged = container("forged", finding("invalid-signature", "signatures"))
    found = [judged["findings"][0] for judged in read(outcome([*examined, forged], SETTINGS))["containers"]]
    assert [each["verdict"] for each in found] == ["pass", "fail", "inconclusive", "skipped", "fail"]
    assert [each["state"] for each in found] == ["OK", "WARNING", "UNKNOWN", "OK", "CRITICAL"]
