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


def test_a_service_is_judged_by_its_tag_on_its_engine_and_by_its_manager(
    swarm: Engine, publisher: Publisher, registry: Registry, plugin: Plugin
) -> None:
    """The digest beside the tag is the manager's, whoever asks for the service."""
    digest = publisher.push("swarm/web", "1", index(image("1")))
    reference = f"{registry.name}/swarm/web:1@{digest}"
    types = docker.types
    task = types.TaskTemplate(types.ContainerSpec(reference, command=["/bin/sleep", "3600"]))
    swarm.api.create_service(task, name="shop_web", networks=["host"])
    mode = types.ServiceMode("replicated", replicas=0)
    swarm.api.create_service(task, name="shop_none", networks=["host"], mode=mode)
    wait_until(lambda: bool(swarm.api.containers()), "the service's task runs")

    assert plugin("--include", "service=shop_web").codes == {"shop_web.1": "up-to-date"}
    assert plugin("--inventory=swarm").codes == {"shop_web": "up-to-date", "shop_none": "up-to-date"}

    publisher.push("swarm/web", "1", index(image("2")))
    assert plugin("--no-cache").codes == {"shop_web.1": "outdated"}
    result = plugin("--inventory=swarm", "--no-cache")
    assert result.codes == {"shop_web": "outdated", "shop_none": "outdated"}
    [row] = [one for one in result.report["containers"] if one["name"] == "shop_web"]
    assert row["members"] == ["shop_web.1"]
    shown = plugin("--inventory=swarm", "--no-cache", "-v", output="nagios").stdout
    assert f"docker service update --image {registry.name}/swarm/web:1 --force shop_web" in shown


def test_an_engine_that_is_no_manager_says_so(engine: Engine, plugin: Plugin) -> None:
    result = plugin("--inventory=swarm", output="nagios")
    assert result.exit_code == 3
    assert "is no manager of a swarm" in result.stdout
