"""Registries that want to know who asks: htpasswd, tokens, TLS, with the logins of a docker config.json."""

import base64
import json
from pathlib import Path

import pytest

from .certificates import Authority
from .engine import Engine
from .plugin import Plugin
from .published import Publisher, image, index
from .registries import PASSWORD, USER, Registry
from .token_server import TokenServer

LOGIN = {"username": USER, "password": PASSWORD}


@pytest.fixture
def docker_config(tmp_path: Path, htpasswd_registry: Registry, token_registry: Registry) -> str:
    """The option for a folder whose config.json knows both registries."""
    return logged_in(tmp_path / "docker", PASSWORD, htpasswd_registry, token_registry)


def logged_in(folder: Path, password: str, *registries: Registry) -> str:
    """Write a config.json as `docker login` does; returns the option."""
    return docker_config_for(folder, *(registry.name for registry in registries), password=password)


def docker_config_for(folder: Path, *hosts: str, password: str = PASSWORD) -> str:
    """Write a config.json with a login for these hosts; returns the option."""
    folder.mkdir()
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    auths = {host: {"auth": auth} for host in hosts}
    (folder / "config.json").write_text(json.dumps({"auths": auths}))
    return f"--docker-config={folder}"


def run_two(engine: Engine, publisher: Publisher, registry: Registry, folder: str) -> None:
    """Containers `same` and `changed` of a registry that needs a login."""
    for name in ("same", "changed"):
        publisher.push(f"{folder}/{name}", "1", index(image("1")))
        engine.pull(f"{registry.name}/{folder}/{name}:1", LOGIN)
        engine.run(f"{registry.name}/{folder}/{name}:1", name)
    publisher.push(f"{folder}/changed", "1", index(image("2")))


def test_htpasswd_with_the_login_of_config_json(
    engine: Engine, publisher: Publisher, htpasswd_registry: Registry, plugin: Plugin, docker_config: str
) -> None:
    run_two(engine, publisher, htpasswd_registry, "basic")

    result = plugin(docker_config)

    assert result.codes == {"same": "up-to-date", "changed": "outdated"}
    assert result.exit_code == 1


def test_without_a_login_it_is_unauthorized_and_neither_outdated_nor_up_to_date(
    engine: Engine,
    publisher: Publisher,
    htpasswd_registry: Registry,
    token_registry: Registry,
    plugin: Plugin,
    token_server: TokenServer,
) -> None:
    publisher.push("login/app", "1", index(image("1")))
    for container, registry in (("basic", htpasswd_registry), ("token", token_registry)):
        engine.pull(f"{registry.name}/login/app:1", LOGIN)
        engine.run(f"{registry.name}/login/app:1", container)

    result = plugin()

    assert result.codes == {"basic": "unauthorized", "token": "unauthorized"}
    assert result.exit_code == 3
    assert result.metric("not_checked") == 2


def test_a_wrong_password_is_unauthorized_and_in_no_output(
    engine: Engine, publisher: Publisher, htpasswd_registry: Registry, plugin: Plugin, tmp_path: Path
) -> None:
    run_two(engine, publisher, htpasswd_registry, "wrong")
    option = logged_in(tmp_path / "docker", "not-the-right-one", htpasswd_registry)

    assert plugin(option).codes == {"same": "unauthorized", "changed": "unauthorized"}
    loud = plugin(option, "-vvv", output="nagios")
    assert loud.exit_code == 3
    encoded = base64.b64encode(f"{USER}:not-the-right-one".encode()).decode()
    for secret in ("not-the-right-one", encoded):
        assert secret not in loud.stdout + loud.stderr


@pytest.mark.parametrize("member", ["token", "access_token"])
def test_one_token_for_all_repositories_of_a_registry(
    engine: Engine,
    publisher: Publisher,
    token_registry: Registry,
    plugin: Plugin,
    docker_config: str,
    token_server: TokenServer,
    member: str,
) -> None:
    """The realm has upper-case letters in its path, as GitLab's has."""
    token_server.member = member
    run_two(engine, publisher, token_registry, f"tokens/{member.replace('_', '-')}/nested")
    token_server.requests.clear()

    result = plugin(docker_config)

    assert result.codes == {"same": "up-to-date", "changed": "outdated"}
    assert len(token_server.requests) == 1
    assert len(token_server.requests[0]) == 2


@pytest.mark.parametrize("how", ["denied", "withheld"])
def test_a_denied_repository_costs_only_itself(
    engine: Engine,
    publisher: Publisher,
    token_registry: Registry,
    plugin: Plugin,
    docker_config: str,
    token_server: TokenServer,
    how: str,
) -> None:
    """`denied`: one refused scope makes the shared request fail; `withheld`: its token lacks that scope in silence."""
    run_two(engine, publisher, token_registry, how)
    publisher.push(f"{how}/secret", "1", index(image("1")))
    engine.pull(f"{token_registry.name}/{how}/secret:1", LOGIN)
    engine.run(f"{token_registry.name}/{how}/secret:1", "secret")
    getattr(token_server, how).add(f"{how}/secret")

    result = plugin(docker_config)

    assert result.codes == {"same": "up-to-date", "changed": "outdated", "secret": "unauthorized"}
    assert result.exit_code == 1


def test_a_public_repository_needs_a_token_but_no_login(
    engine: Engine, publisher: Publisher, token_registry: Registry, plugin: Plugin, token_server: TokenServer
) -> None:
    publisher.push("public/app", "1", index(image("1")))
    engine.pull(f"{token_registry.name}/public/app:1")
    engine.run(f"{token_registry.name}/public/app:1", "app")

    assert plugin().codes == {"app": "up-to-date"}


def test_tls_with_a_ca_of_its_own(
    engine: Engine,
    publisher: Publisher,
    tls_registry: Registry,
    plugin: Plugin,
    authority: Authority,
    tmp_path: Path,
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.pem)
    run_two(engine, publisher, tls_registry, "tls")

    result = plugin(f"--ca-file={tls_registry.name}={ca}")

    assert result.codes == {"same": "up-to-date", "changed": "outdated"}


def test_another_ca_than_the_registry_s_is_an_error_where_a_ca_was_named(
    engine: Engine, publisher: Publisher, tls_registry: Registry, plugin: Plugin, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(Authority("another CA").pem)
    publisher.push("tls/other", "1", index(image("1")))
    engine.pull(f"{tls_registry.name}/tls/other:1")
    engine.run(f"{tls_registry.name}/tls/other:1", "app")

    result = plugin(f"--ca-file={tls_registry.name}={ca}")

    assert result.codes == {"app": "unreachable"}
    assert result.exit_code == 3
