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


def start(swarm: Engine, name: str, image: str) -> None:
    """Create a service and return once its one container runs."""
    types = docker.types
    task = types.TaskTemplate(types.ContainerSpec(image, command=["/bin/sleep", "3600"]))
    swarm.api.create_service(task, name=name, networks=["host"])
    mine = {"label": f"com.docker.swarm.service.name={name}"}
    wait_until(lambda: bool(swarm.api.containers(filters=mine)), "the service's task runs")


def test_a_service_s_task_is_outdated_once_its_tag_has_moved_on(
    swarm: Engine, publisher: Publisher, registry: Registry, plugin: Plugin
) -> None:
    """The digest is its manager's; one without a tag is a pin."""
    digest = publisher.push("swarm/web", "1", index(image("1")))
    tagged = f"{registry.name}/swarm/web:1@{digest}"
    start(swarm, "shop_web", tagged)
    start(swarm, "pinned", f"{registry.name}/swarm/web@{digest}")

    assert plugin().codes == {"shop_web.1": "up-to-date", "pinned.1": "pinned"}

    new = publisher.push("swarm/web", "1", index(image("2")))
    result = plugin("--no-cache")
    assert result.codes == {"shop_web.1": "outdated", "pinned.1": "pinned"}
    assert result.finding("shop_web.1")["details"]["published_digest"] == new
    assert result.exit_code == 1
