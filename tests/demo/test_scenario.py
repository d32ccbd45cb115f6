import docker
import pytest
import requests

from container_updates.clock import Clock
from container_updates.demo.engine.kinds import CLASSIC, CONTAINERD, PODMAN
from container_updates.demo.scenario import Demo


@pytest.mark.parametrize("kind", [CLASSIC, CONTAINERD, PODMAN])
def test_every_container_of_the_demo_has_its_finding(kind):
    with Demo(kind) as demo:
        client = docker.APIClient(base_url=demo.host, version="auto", timeout=5)
        assert {entry["Names"][0][1:] for entry in client.containers()} == set(demo.expected)


def test_the_demo_shows_every_finding_of_the_updates_check():
    with Demo() as demo:
        codes = {expected.get("updates") for expected in demo.expected.values()}
    assert codes >= {"up-to-date", "outdated", "tag-gone", "pinned", "held", "local-build", "excluded", "unresolvable"}
    assert codes >= {"rate-limited", "unauthorized", "unreachable"}


def test_the_demo_shows_every_verdict_on_signatures():
    with Demo() as demo:
        codes = {expected.get("signatures") for expected in demo.expected.values()}
    assert codes >= {"signed", "unsigned", "unverifiable", "invalid-signature", "accepted"}


def test_the_registry_says_since_when_an_update_is_there():
    clock = Clock(wall=lambda: 1_795_500_000.0)
    with Demo(clock=clock) as demo:
        url = f"{demo.registry.url}/v2/library/postgres/manifests/16"
        assert requests.head(url, timeout=5).headers["Last-Modified"] == "Thu, 12 Nov 2026 06:00:00 GMT"
