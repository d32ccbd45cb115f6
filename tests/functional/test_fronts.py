"""One host for several registries, registries that hide from strangers, and hosts that send everybody elsewhere."""

from pathlib import Path

import pytest

from .engine import Engine
from .front import Front
from .plugin import Plugin
from .published import Publisher, image, index
from .registries import Registry
from .test_logins import LOGIN, docker_config_for
from .token_server import TokenServer


def run(engine: Engine, publisher: Publisher, host: str, names: list[str], login: dict[str, str] | None) -> None:
    """Containers of these repositories; that of each second one is outdated then."""
    for number, name in enumerate(names):
        publisher.push(name, "1", index(image("1")))
        engine.pull(f"{host}/{name}:1", login)
        engine.run(f"{host}/{name}:1", name.replace("/", "-"))
        if number % 2:
            publisher.push(name, "1", index(image("2")))


def expected(names: list[str]) -> dict[str, str]:
    return {name.replace("/", "-"): "outdated" if number % 2 else "up-to-date" for number, name in enumerate(names)}


NAMES = ["open/one", "closed/one", "open/two", "closed/two", "closed/three", "open/three"]


@pytest.mark.parametrize("closed", ["token", "htpasswd"])
def test_open_and_closed_repositories_of_one_host(
    engine: Engine,
    publisher: Publisher,
    registry: Registry,
    token_registry: Registry,
    htpasswd_registry: Registry,
    token_server: TokenServer,
    plugin: Plugin,
    tmp_path: Path,
    closed: str,
) -> None:
    behind = token_registry if closed == "token" else htpasswd_registry
    with Front(behind, routes={"open": registry}) as front:
        run(engine, publisher, front.name, NAMES, LOGIN)
        found = expected(NAMES)

        strangers = plugin("--no-cache")
        assert strangers.codes == {name: code if "open" in name else "unauthorized" for name, code in found.items()}

        option = docker_config_for(tmp_path / "docker", front.name)
        for _ in range(4):
            assert plugin("--no-cache", option).codes == found


@pytest.mark.parametrize("hidden", [401, 403, 404])
def test_a_registry_that_hides_from_strangers_and_tells_at_v2_alone_that_it_wants_a_login(
    engine: Engine,
    publisher: Publisher,
    token_registry: Registry,
    token_server: TokenServer,
    plugin: Plugin,
    tmp_path: Path,
    hidden: int,
) -> None:
    names = [f"hidden{hidden}/one", f"hidden{hidden}/two"]
    with Front(token_registry, hidden=hidden) as front:
        run(engine, publisher, front.name, names, LOGIN)

        strangers = plugin("--no-cache")
        assert set(strangers.codes.values()) <= {"unauthorized", "unresolvable"}  # what cannot be seen is not judged

        front.requests.clear()
        assert plugin("--no-cache", docker_config_for(tmp_path / "docker", front.name)).codes == expected(names)
        assert [request.path for request in front.requests].count("/v2/") == 1


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_host_that_sends_everybody_to_a_registry_that_wants_a_token(
    engine: Engine,
    publisher: Publisher,
    token_registry: Registry,
    token_server: TokenServer,
    plugin: Plugin,
    tmp_path: Path,
    status: int,
) -> None:
    """The engine pulls through it as the plugin asks: with a token for the host that wants one, and that host alone."""
    names = [f"public/vanity{status}/one", f"public/vanity{status}/two"]
    with Front(token_registry, redirect=status) as front:
        run(engine, publisher, front.name, names, None)
        front.requests.clear()

        assert plugin("--no-cache", docker_config_for(tmp_path / "docker", front.name)).codes == expected(names)

        assert front.requests
        assert {request.authorization for request in front.requests} == {None}
