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


def start(swarm: Engine, name: str, image: str, **labels: str) -> str:
    """Create a service and return its one container's name once it runs."""
    types = docker.types
    task = types.TaskTemplate(types.ContainerSpec(image, command=["/bin/sleep", "3600"]))
    swarm.api.create_service(task, name=name, networks=["host"], labels=labels)
    mine = {"label": f"com.docker.swarm.service.name={name}"}
    wait_until(lambda: bool(swarm.api.containers(filters=mine)), "the service's task runs")
    [found] = [container["Names"][0].removeprefix("/") for container in swarm.api.containers(filters=mine)]
    return str(found)


def test_a_service_s_task_is_outdated_once_its_tag_has_moved_on(
    swarm: Engine, publisher: Publisher, registry: Registry, plugin: Plugin
) -> None:
    """The digest is its manager's; one without a tag is a pin."""
    digest = publisher.push("swarm/web", "1", index(image("1")))
    tagged = f"{registry.name}/swarm/web:1@{digest}"
    web = start(swarm, "shop_web", tagged)
    pinned = start(swarm, "pinned", f"{registry.name}/swarm/web@{digest}")

    assert plugin().codes == {web: "up-to-date", pinned: "pinned"}

    new = publisher.push("swarm/web", "1", index(image("2")))
    result = plugin("--no-cache")
    assert result.codes == {web: "outdated", pinned: "pinned"}
    assert result.finding(web)["details"]["published_digest"] == new
    assert result.exit_code == 1
