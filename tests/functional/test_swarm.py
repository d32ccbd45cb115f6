"""A real Swarm service: its manager writes tag and digest into every task."""

from collections.abc import Iterator

import docker
import pytest

from .daemons import free_port, wait_until
from .engine import Engine
from .plugin import Plugin
from .published import Publisher, image, index
from .registries import Registry


@pytest.fixture
def swarm(engine: Engine) -> Iterator[Engine]:
    """The engine as manager and only node of a swarm."""
    engine.api.init_swarm(advertise_addr="127.0.0.1", listen_addr=f"127.0.0.1:{free_port()}")
    yield engine
    engine.api.leave_swarm(force=True)


def test_a_service_s_task_is_held_once_its_tag_has_moved_on(
    swarm: Engine, publisher: Publisher, registry: Registry, plugin: Plugin
) -> None:
    digest = publisher.push("swarm/web", "1", index(image("1")))
    reference = f"{registry.name}/swarm/web:1@{digest}"
    types = docker.types
    task = types.TaskTemplate(types.ContainerSpec(reference, command=["/bin/sleep", "3600"]))
    swarm.api.create_service(task, name="shop_web", networks=["host"])
    wait_until(lambda: bool(swarm.api.containers()), "the service's task runs")
    [name] = [container["Names"][0].removeprefix("/") for container in swarm.api.containers()]

    assert plugin("--include", "service=shop_web").codes == {name: "pinned"}

    new = publisher.push("swarm/web", "1", index(image("2")))
    result = plugin("--no-cache")
    assert result.codes == {name: "held"}
    assert result.finding(name)["details"]["tag_digest"] == new
    assert result.exit_code == 0
