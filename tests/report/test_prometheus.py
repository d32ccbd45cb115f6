"""Prometheus' text exposition format, as node_exporter's textfile collector reads it."""

import re

import pytest

from container_updates.report.prometheus import render
from container_updates.settings import Settings
from tests.support.report_cases import DAY, HOSTILE, container, finding, infested, outcome, outdated

ALL = Settings(checks=("updates", "signatures"), output="prometheus")
SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\.)*"(?:,[a-z]+="(?:[^"\\\n]|\\.)*")*\})? -?[0-9.]+')
"""A line of the format, as narrow as ours need to be."""


def samples(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in lines), lines
    found = [line.rpartition(" ") for line in lines]
    assert len({name for name, _, _ in found}) == len(found), "a series stands there once"
    return {name: float(value) for name, _, value in found}


def test_metrics_and_the_state_of_every_finding() -> None:
    judged = outcome([outdated("web", 12), container("db")], ALL, numbers={"registry_requests": 2})
    found = samples(render(judged, ALL))
    assert found["container_updates_check_state"] == 1
    assert found["container_updates_outdated"] == 1
    assert found["container_updates_outdated_age_seconds"] == 12 * DAY
    assert found["container_updates_registry_requests"] == 2
    where = 'image="docker.io/library/nginx:1.27",host="unix:///var/run/docker.sock",check="updates"'
    assert found[f'container_updates_state{{container="web",{where},code="outdated"}}'] == 1
    assert found[f'container_updates_state{{container="db",{where},code="up-to-date"}}'] == 0


def test_every_name_is_a_gauge_that_is_explained_before_its_samples() -> None:
    lines = render(outcome([outdated("web", 12)], ALL), ALL).splitlines()
    explained: set[str] = set()
    for line in lines:
        if line.startswith("# TYPE "):
            assert line.endswith(" gauge")
            explained.add(line.split()[2])
        elif not line.startswith("#"):
            assert re.split(r"[{ ]", line)[0] in explained
    assert len(explained) == sum(line.startswith("# HELP ") for line in lines)


def test_unknown_is_3_and_worse_than_nothing_else() -> None:
    judged = outcome([container("web", finding("timeout"))], ALL)
    assert samples(render(judged, ALL))["container_updates_check_state"] == 3


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_outside_text_stays_within_its_label(hostile: str) -> None:
    assert samples(render(infested(hostile, ALL), ALL))
