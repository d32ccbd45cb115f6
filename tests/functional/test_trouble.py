"""Registries that are dead, broken or strange, beside good ones: only their own containers are not checked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .daemons import Daemon, answers, free_port, program
from .engine import Engine
from .plugin import Plugin
from .proxies import LoggingProxy
from .published import Publisher, image, index
from .registries import Registry

# The engine must be able to pull what the plugin then cannot ask about, so the trouble is for others than engines.
_HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s

frontend strange
    bind 127.0.0.1:{port}
    acl engine hdr_sub(user-agent) -i docker/ containerd/
    http-request return status 400 if !engine {{ path_beg /v2/status/400/ }}
    http-request return status 401 if !engine {{ path_beg /v2/status/401/ }}
    http-request return status 403 if !engine {{ path_beg /v2/status/403/ }}
    http-request return status 429 hdr Retry-After 3600 if !engine {{ path_beg /v2/status/429/ }}
    http-request return status 500 if !engine {{ path_beg /v2/status/500/ }}
    http-request return status 200 content-type text/html string <html>Login</html> if !engine {{ path_beg /v2/html/ }}
    http-request deny deny_status 405 if !engine METH_HEAD {{ path_beg /v2/nohead/405/ }}
    http-request deny deny_status 404 if !engine METH_HEAD {{ path_beg /v2/nohead/404/ }}
    acl without path_beg /v2/nodigest/
    http-request set-var(txn.strip) bool(true) if !engine without
    http-response del-header Docker-Content-Digest if {{ var(txn.strip) -m bool }}
    default_backend registry

backend registry
    http-request set-header Host 127.0.0.1:{port}
    server registry 127.0.0.1:{upstream}
"""


@pytest.fixture(scope="module")
def strange_registry(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a real registry behind a real haproxy that answers strangely by repository."""
    folder = tmp_path_factory.mktemp("strange")
    port = free_port()
    config = folder / "haproxy.cfg"
    config.write_text(_HAPROXY.format(port=port, upstream=registry.port))
    with Daemon([program("haproxy", "haproxy"), "-db", "-f", str(config)], folder / "log") as daemon:
        daemon.ready_when(lambda: answers(port))
        yield f"127.0.0.1:{port}"


def _run(engine: Engine, publisher: Publisher, registry: str, repository: str, container: str) -> None:
    publisher.push(repository, "1", index(image("1")))
    engine.pull(f"{registry}/{repository}:1")
    engine.run(f"{registry}/{repository}:1", container)


@pytest.mark.parametrize("status", [404, 405])
def test_a_registry_without_head_is_asked_by_get(
    engine: Engine, publisher: Publisher, strange_registry: str, plugin: Plugin, status: int
) -> None:
    _run(engine, publisher, strange_registry, f"nohead/{status}/same", "same")
    _run(engine, publisher, strange_registry, f"nohead/{status}/changed", "changed")
    publisher.push(f"nohead/{status}/changed", "1", index(image("2")))

    assert plugin().codes == {"same": "up-to-date", "changed": "outdated"}


def test_without_the_digest_header_the_body_is_hashed(
    engine: Engine, publisher: Publisher, strange_registry: str, plugin: Plugin
) -> None:
    _run(engine, publisher, strange_registry, "nodigest/same", "same")
    _run(engine, publisher, strange_registry, "nodigest/changed", "changed")
    publisher.push("nodigest/changed", "1", index(image("2")))

    assert plugin().codes == {"same": "up-to-date", "changed": "outdated"}


@pytest.mark.parametrize(
    ("repository", "code"),
    [
        ("status/400/app", "bad-answer"),
        ("status/401/app", "unauthorized"),
        ("status/403/app", "unauthorized"),
        ("status/429/app", "rate-limited"),
        ("status/500/app", "unreachable"),
        ("html/app", "bad-answer"),
    ],
)
def test_an_error_is_neither_success_nor_outdated(
    engine: Engine,
    publisher: Publisher,
    registry: Registry,
    strange_registry: str,
    plugin: Plugin,
    repository: str,
    code: str,
) -> None:
    _run(engine, publisher, strange_registry, repository, "app")
    _run(engine, publisher, registry.name, "beside/good", "good")

    result = plugin()

    assert result.codes == {"app": code, "good": "up-to-date"}
    assert result.exit_code == 3
    assert result.metric("not_checked") == 1
    text = plugin(output="nagios").stdout
    assert text.startswith("CONTAINER_UPDATES UNKNOWN - ")
    assert "[UNKNOWN] app: " in text


def test_a_dead_registry_beside_good_ones_costs_only_its_own_containers(
    engine: Engine, publisher: Publisher, registry: Registry, plugin: Plugin, tmp_path: Path
) -> None:
    with LoggingProxy(upstream=registry.port) as dying:
        _run(engine, publisher, f"127.0.0.1:{dying.port}", "dead/app", "dead")
    _run(engine, publisher, registry.name, "alive/same", "same")
    _run(engine, publisher, registry.name, "alive/changed", "changed")
    publisher.push("alive/changed", "1", index(image("2")))

    result = plugin()

    assert result.codes == {"dead": "unreachable", "same": "up-to-date", "changed": "outdated"}
    assert result.exit_code == 1
    assert plugin("--not-checked=critical").exit_code == 2
