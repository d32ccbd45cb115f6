"""Pulled and not restarted: what the engine has under the tag is not what runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from container_updates.demo.engine.kinds import CLASSIC, CONTAINERD, PODMAN
from container_updates.demo.registry.content import AMD64, ARM64
from container_updates.model import State
from tests.support.lab import Checked, Lab, lab

BOTH = ("updates", "restarts")
KINDS = {"classic": CLASSIC, "containerd": CONTAINERD, "podman": PODMAN}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path, request.param) as started:
        yield started


def both(checked: Checked, name: str = "web") -> tuple[str, str]:
    return checked.finding(name).code, checked.finding(name, "restarts").code


def test_what_runs_is_what_the_engine_has(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    assert both(host.check(checks=BOTH)) == ("up-to-date", "running-current")


def test_published_but_not_pulled_needs_no_restart(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    host.registry.push_image("app/web", "1", created="2026-11-05T00:00:00Z")
    assert both(host.check(checks=BOTH)) == ("outdated", "running-current")


def test_pulled_and_not_recreated_is_one_line_that_says_so(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    new = host.registry.push_image("app/web", "1", created="2026-11-05T00:00:00Z")
    host.engine.pull(new)
    checked = host.check(checks=BOTH)
    assert both(checked) == ("up-to-date", "restart-pending")
    finding = checked.finding("web", "restarts")
    assert finding.details["pulled_digest"] == new.digest
    assert finding.message == f"{new.reference} restart pending: pulled, not recreated (docker restart does not help)"
    assert (checked.metric("outdated"), checked.metric("restart_pending")) == (0, 1)
    assert checked.outcome.state is State.WARNING


def test_asked_for_updates_alone_the_old_container_is_outdated(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    host.engine.pull(host.registry.push_image("app/web", "1", created="2026-11-05T00:00:00Z"))
    assert host.check(checks=("updates",)).codes == {"web": "outdated"}


def test_pulled_and_published_again_since_is_both(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    host.engine.pull(host.registry.push_image("app/web", "1", created="2026-11-05T00:00:00Z"))
    host.registry.push_image("app/web", "1", created="2026-11-09T00:00:00Z")
    checked = host.check(checks=BOTH)
    assert both(checked) == ("outdated", "restart-pending")
    assert (checked.metric("outdated"), checked.metric("restart_pending")) == (1, 1)


def test_recreated_all_is_well(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    new = host.registry.push_image("app/web", "1", created="2026-11-05T00:00:00Z")
    host.engine.pull(new)
    host.engine.remove_container("web")
    host.engine.run("web", new.reference)
    assert both(host.check(checks=BOTH)) == ("up-to-date", "running-current")


def test_a_pull_that_brought_an_attestation_only_needs_no_restart(host: Lab) -> None:
    images = [host.registry.push_image("app/web", platform=platform) for platform in (AMD64, ARM64)]
    host.run("web", host.registry.push_index("app/web", "1", images))
    host.engine.pull(host.registry.push_index("app/web", "1", images, attestations=True))
    assert both(host.check(checks=BOTH)) == ("up-to-date", "running-current")


def test_restarts_ask_no_registry(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    host.engine.pull(host.registry.push_image("app/web", "1", created="2026-11-05T00:00:00Z"))
    checked = host.check(checks=("restarts",))
    assert checked.finding("web", "restarts").code == "restart-pending"
    assert host.registry.requests() == []


def test_what_is_pinned_or_stopped_has_no_restart_to_wait_for(host: Lab) -> None:
    image = host.registry.push_image("app/web", "1")
    both_names = f"{image.reference}@{image.digest}"
    host.engine.pull(image, both_names)
    host.engine.run("pinned", both_names)
    host.run("job", host.registry.push_image("app/job", "1"))
    host.engine.remove_container("job")
    host.engine.run("job", f"{host.registry.host}/app/job:1", state="exited")
    host.engine.pull(host.registry.push_image("app/job", "1", created="2026-11-05T00:00:00Z"))
    checked = host.check(checks=BOTH, all_containers=True)
    assert both(checked, "pinned") == ("pinned", "not-applicable")
    assert both(checked, "job") == ("outdated", "not-applicable")


@pytest.mark.parametrize(
    ("state", "seen", "code"),
    [
        ("paused", False, "restart-pending"),
        ("restarting", False, "restart-pending"),
        ("created", True, "not-applicable"),
        ("exited", True, "not-applicable"),
        ("dead", True, "not-applicable"),
    ],
)
def test_what_does_not_run_is_seen_with_all_alone_and_waits_for_nothing(
    tmp_path: Path, state: str, seen: bool, code: str
) -> None:
    with lab(tmp_path) as host:
        old = host.registry.push_image("app/job", "1")
        host.engine.pull(old)
        host.engine.run("job", old.reference, state=state)
        host.engine.pull(host.registry.push_image("app/job", "1", created="2026-11-05T00:00:00Z"))
        running = [judged.container.name for judged in host.check(checks=BOTH).outcome.containers]
        assert running == ([] if seen else ["job"])
        checked = host.check(checks=BOTH, all_containers=True)
        assert checked.finding("job", "restarts").code == code
        assert checked.metric("restart_pending") == (code == "restart-pending")


def test_how_long_it_waits_is_remembered(tmp_path: Path) -> None:
    with lab(tmp_path) as host:
        host.run("web", host.registry.push_image("app/web", "1"))
        host.engine.pull(host.registry.push_image("app/web", "1", created="2026-11-05T00:00:00Z"))
        host.check(checks=BOTH)
        host.time += 3 * 86400
        finding = host.check(checks=BOTH).finding("web", "restarts")
    assert (finding.details["age"], finding.details["since_from"]) == (3 * 86400, "first-seen")
    assert "pulled at least 3d ago" in finding.message
