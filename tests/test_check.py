"""Whole runs against the embedded lab: nothing is lost, nothing hangs, nothing is made up."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from container_updates import check
from container_updates.chain import DEFAULT_CHECKS
from container_updates.clock import Clock, Deadline
from container_updates.demo import faults
from container_updates.demo.engine.kinds import CLASSIC, CONTAINERD, Kind
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.registry.auth import BearerAuth
from container_updates.demo.registry.server import RegistryServer
from container_updates.demo.scenario import Demo
from container_updates.errors import InventoryError
from container_updates.model import State
from container_updates.report import render
from container_updates.settings import Settings
from tests.support.lab import Checked, Lab, lab


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


@pytest.mark.parametrize("kind", [CLASSIC, CONTAINERD], ids=["classic", "containerd"])
def test_the_demo_finds_what_it_was_made_to_show(tmp_path: Path, kind: Kind) -> None:
    with Demo(kind) as demo:
        state = str(tmp_path / "state")
        settings = Settings(
            hosts=(demo.host,),
            state_dir=state,
            docker_config=str(tmp_path),
            checks=DEFAULT_CHECKS,
            trust_policies=(demo.write_policy(str(tmp_path)),),
        )
        clock = Clock()
        found = Checked(check.run(settings, clock=clock, deadline=Deadline(20, clock)))
        for server in (demo.engine, demo.registry, demo.busy_registry):
            assert {entry.method for entry in server.requests()} <= {"GET", "HEAD"}
        assert set(found.codes) == set(demo.expected)
        for name, expected in demo.expected.items():
            told = {(one.finding.check, one.finding.code) for one in found.judged(name).findings}
            assert set(expected.items()) <= told, name


def test_the_demo_shows_pending_packages_and_what_an_update_brings(tmp_path: Path) -> None:
    pytest.importorskip("debian.debian_support", reason="the extra packages is not installed")
    with Demo() as demo:
        settings = Settings(
            hosts=(demo.host,),
            state_dir=str(tmp_path / "state"),
            docker_config=str(tmp_path),
            checks=("updates", "packages"),
            trust_policies=(demo.write_policy(str(tmp_path)),),
        )
        clock = Clock()
        found = Checked(check.run(settings, clock=clock, deadline=Deadline(20, clock)))
    inside = found.finding("web", "packages")
    assert (inside.code, inside.details["packages"], inside.details["security"]) == ("security-pending", 2, 2)
    brought = found.finding("db").details["change"]["packages"]
    assert [(one["name"], one["after"]) for one in brought["packages"]] == [
        ("openssl", "3.0.15-1"),
        ("postgresql-16", "16.6-1"),
    ]


def test_many_containers_of_one_image_are_one_question(host: Lab) -> None:
    image = host.registry.push_image("app/web", "1")
    for number in range(30):
        host.run(f"web{number}", image)
    checked = host.check()
    assert set(checked.codes.values()) == {"up-to-date"}
    assert (checked.metric("containers"), checked.metric("images")) == (30, 1)
    assert len(host.registry.requests(path="manifests")) == 1


def test_excluded_containers_are_counted_and_asked_nowhere(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"), {"diun.enable": "false"})
    checked = host.check()
    assert checked.codes == {"web": "excluded"}
    assert (checked.metric("excluded"), checked.metric("containers")) == (1, 1)
    assert host.registry.requests() == []
    assert checked.outcome.state is State.OK


def test_a_dead_registry_costs_its_own_containers_only(host: Lab) -> None:
    with RegistryServer() as other:
        image = other.push_image("app/dead", "1")
        host.run("dead", image)
    host.run("web", host.registry.push_image("app/web", "1"))
    checked = host.check()
    assert checked.codes == {"dead": "unreachable", "web": "up-to-date"}
    assert checked.outcome.state is State.UNKNOWN


def test_one_denied_repository_in_a_shared_token_request_costs_itself_only(tmp_path: Path) -> None:
    with (
        RegistryServer(auth=BearerAuth(deny={"app/denied"})) as registry,
        EngineServer(CLASSIC) as engine,
    ):
        host = Lab(engine, registry, tmp_path)
        for name in ("web", "denied", "db"):
            host.run(name, registry.push_image(f"app/{name}", "1"))
        assert host.check().codes == {"web": "up-to-date", "denied": "unauthorized", "db": "up-to-date"}


def test_what_one_link_knew_when_the_time_was_up_is_told(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    host.registry.fail(host.silence(), path=r"\.sig$|/referrers/")
    checked = host.check(checks=("updates", "signatures"))
    assert checked.finding("web").code == "up-to-date"
    assert checked.finding("web", "signatures").code == "timeout"


def test_a_silent_registry_is_a_timeout_and_the_rest_is_told(host: Lab) -> None:
    with RegistryServer() as silent:
        host.run("slow", silent.push_image("app/slow", "1"))
        silent.fail(host.silence(after=1))
        host.run("web", host.registry.push_image("app/web", "1"))
        checked = host.check()
    assert checked.codes == {"slow": "timeout", "web": "up-to-date"}
    assert checked.metric("not_checked") == 1


def test_a_name_lookup_that_stalls_costs_its_own_containers_only(host: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can stop a thread that sits in the resolver: the check goes on without it."""
    ended, look_up = threading.Event(), socket.getaddrinfo

    def stalled(name: str, *arguments: Any, **more: Any) -> Any:
        if name == "stalled.example.test":
            host.wait_for(1)
            host.deadline.expire()
            ended.wait(60)
        return look_up(name, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", stalled)
    host.run("web", host.registry.push_image("app/web", "1"))
    host.engine.pull(host.registry.push_image("app/slow", "1"), "stalled.example.test/app/slow:1")
    host.engine.run("slow", "stalled.example.test/app/slow:1")
    checked = host.check(timeout=600)
    ended.set()
    assert checked.codes == {"web": "up-to-date", "slow": "timeout"}


def test_a_registry_that_drips_cannot_hold_the_check(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    host.registry.push_image("app/web", "1", created="2026-01-01T00:00:00Z")
    host.registry.fail(faults.drip(0.3), method="GET")
    assert host.check(timeout=1.0).codes == {"web": "timeout"}


def test_a_signal_ends_the_run_at_once_with_what_is_known(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    asked = threading.Event()
    with RegistryServer() as silent:
        host.run("slow", silent.push_image("app/slow", "1"))
        wait = faults.silence()
        silent.fail(lambda request, answer: (asked.set(), wait(request, answer))[1])
        settings = Settings(hosts=(host.engine.host,), state_dir=str(host.folder / "state"), timeout=600)
        deadline = Deadline(settings.timeout, host.clock)
        killer = threading.Thread(target=lambda: (asked.wait(10), deadline.expire()))
        killer.start()
        found = Checked(check.run(settings, clock=host.clock, deadline=deadline))
        killer.join()
    assert found.codes["slow"] == "timeout"
    assert found.metric("time") < 60


def test_a_wrong_digest_in_a_header_is_found_out_before_anybody_is_woken(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    host.registry.fail(faults.wrong_digest(), method="HEAD")
    checked = host.check()
    assert checked.codes == {"web": "bad-answer"}
    assert checked.metric("outdated") == 0


def test_rate_limits_stop_the_questions_and_tell_until_when(host: Lab) -> None:
    for number in range(40):
        host.run(f"web{number}", host.registry.push_image(f"app/web{number}", "1"))
    host.registry.fail(faults.too_many_requests("3600"), path="manifests")
    checked = host.check(jobs=4, no_cache=False)
    assert set(checked.codes.values()) == {"rate-limited"}
    assert len(host.registry.requests(path="manifests")) <= 4
    again = host.check(jobs=4, no_cache=False)
    assert set(again.codes.values()) == {"rate-limited"}
    assert again.metric("registry_requests") == 0
    assert again.finding("web0").details["retry_at"] == checked.finding("web0").details["retry_at"]


def test_what_is_left_of_a_rate_limit_is_a_metric(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    host.registry.fail(faults.ratelimit(37))
    assert host.check().metric("ratelimit_remaining") == 37


def test_several_engines_are_one_report(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    with EngineServer(CONTAINERD) as second:
        Lab(second, host.registry, host.folder).run("db", host.registry.push_image("app/db", "1"))
        checked = host.check(hosts=(host.engine.host, second.host))
    assert checked.codes == {"web": "up-to-date", "db": "up-to-date"}
    assert checked.container("db").engine != checked.container("web").engine


def test_one_engine_that_cannot_be_read_is_unknown_and_the_others_are_told(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    checked = host.check(hosts=(host.engine.host, "unix:///nowhere/docker.sock"))
    assert checked.codes == {"web": "up-to-date"}
    assert checked.outcome.state is State.UNKNOWN
    [problem] = checked.outcome.problems
    assert "no such socket" in problem.message


def test_no_engine_at_all_is_an_error_that_says_what_to_do(host: Lab) -> None:
    with pytest.raises(InventoryError, match="no such socket"):
        host.check(hosts=("unix:///nowhere/docker.sock",))


def test_a_broken_config_json_is_named_and_the_rest_goes_on(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    (host.folder / "config.json").write_text("{")
    checked = host.check()
    assert checked.codes == {"web": "up-to-date"}
    assert [problem.where for problem in checked.outcome.problems] == [str(host.folder / "config.json")]


def test_a_state_directory_that_cannot_be_used_is_said_once(host: Lab) -> None:
    for name in ("web", "db"):
        host.run(name, host.registry.push_image(f"app/{name}", "1"))
    checked = host.check(state_dir="/proc/nowhere", no_cache=False)
    assert set(checked.codes.values()) == {"up-to-date"}
    assert len(checked.outcome.problems) == 1


def test_the_age_of_the_oldest_image_is_a_metric(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1", created="2026-11-14T00:00:00Z"))
    host.run("db", host.registry.push_image("app/db", "1", created="0001-01-01T00:00:00Z"))
    age = host.check().metric("oldest_image")
    assert 9 * 86400 < age < 12 * 86400


def test_an_answer_is_never_older_than_this_run_s_cache_ttl(host: Lab) -> None:
    """Whatever an earlier run wanted to believe for longer, and what was made of its answers."""
    host.run("web", host.registry.push_image("app/web", "1"))
    checks = ("updates", "signatures")
    assert host.check(no_cache=False, checks=checks).finding("web").code == "up-to-date"
    new = host.registry.push_image("app/web", "1", created="2026-11-20T00:00:00Z")
    host.time += 50
    assert host.check(no_cache=False, checks=checks).finding("web").code == "up-to-date"
    host.time += 10
    checked = host.check(no_cache=False, checks=checks, cache_ttl=60)
    assert checked.finding("web").details["published_digest"] == new.digest
    host.registry.push_image("app/web", "1", created="2026-11-21T00:00:00Z")
    assert host.check(no_cache=False, cache_ttl=0).finding("web").details["published_digest"] != new.digest


def test_a_mirror_that_answered_is_named_at_v(host: Lab) -> None:
    image = host.registry.push_image("app/web", "1")
    host.run("web", image)
    _, _, port = host.registry.host.partition(":")
    mirrors = {host.registry.host: (f"http://localhost:{port}",)}
    outcome = host.check(mirrors=mirrors).outcome
    assert f"answered by the mirror localhost:{port}" in render(outcome, Settings(verbose=1))
    assert "mirror" not in render(outcome, Settings())
    assert "mirror" not in render(host.check().outcome, Settings(verbose=1))
