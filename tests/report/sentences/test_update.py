"""How to bring a container up to date, and who must not be surprised by it."""

from dataclasses import replace

import pytest

from container_updates.model import Container, JudgedContainer, JudgedFinding, State
from container_updates.report import nagios
from container_updates.report.sentences import update
from container_updates.settings import Settings
from tests.support.report_cases import HOSTILE, container, finding, fine, outcome, outdated


def judged(code: str, check: str = "updates", **changes: object) -> JudgedContainer:
    plain, _ = container("web", image="registry.example.com/acme/web:1")
    return JudgedContainer(
        replace(plain, **changes), (JudgedFinding(finding(code, check), State.WARNING),), State.WARNING
    )


@pytest.mark.parametrize(
    ("found", "command"),
    [
        (
            judged("outdated"),
            "docker pull registry.example.com/acme/web:1, then remove web and run it again as it was started",
        ),
        (judged("restart-pending", "restarts"), "remove web and run it again as it was started"),
        (
            judged("outdated", project="shop", service="front"),
            "docker compose -p shop pull front && docker compose -p shop up -d front",
        ),
        (judged("restart-pending", "restarts", project="shop", service="front"), "docker compose -p shop up -d front"),
        (
            judged("outdated", service="shop_web", labels={"com.docker.swarm.service.name": "shop_web"}),
            "docker service update --image registry.example.com/acme/web:1 --force shop_web",
        ),
        (judged("held"), ""),
        (judged("outdated-young"), ""),
        (judged("tag-gone"), ""),
        (judged("up-to-date"), ""),
    ],
)
def test_the_command_for_each_way_to_run_containers(found: JudgedContainer, command: str) -> None:
    assert update.commands([found]) == command


def test_three_are_told_and_the_rest_counted() -> None:
    many = [judged("outdated", project="shop", service=f"s{number}") for number in range(5)]
    assert update.commands([*many, *many]).count(" && ") == 3
    assert update.commands(many).endswith("; and 2 more")


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_stays_one_word_of_a_shell(hostile: str) -> None:
    shown = update.commands([judged("outdated", project=hostile or "x", service=hostile or "x", name=hostile)])
    assert shown.isprintable()
    assert "$(id)" not in shown or "'" in shown


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"com.centurylinklabs.watchtower.enable": "false"}, "Watchtower leaves it alone"),
        ({"com.centurylinklabs.watchtower.monitor-only": "True"}, "Watchtower leaves it alone"),
        ({"com.centurylinklabs.watchtower.enable": "true"}, ""),
        ({}, ""),
    ],
)
def test_watchtower_s_labels_are_told_at_v(labels: dict[str, str], words: str) -> None:
    plain, findings = container("web")
    told: Container = replace(plain, labels=labels)
    assert update.left_alone(told) == words
    report = nagios.render(outcome([(told, findings)]), Settings(verbose=1))
    assert ("Watchtower" in report) == bool(words)


def test_what_was_reported_before_is_counted_and_not_listed() -> None:
    whole = outcome([outdated("web", 12), outdated("db", 3), *fine(2)])
    first, *rest = whole.containers
    told = replace(whole, containers=(replace(first, reported=True), *rest))
    lines = nagios.render(told, Settings(new_only=True)).splitlines()
    assert lines[0].startswith("CONTAINER_UPDATES WARNING - 2 of 4 containers outdated (web 12d, db 3d)")
    assert lines[1].startswith("[WARNING] db: ")
    assert lines[2:] == ["and 1 reported before"]
