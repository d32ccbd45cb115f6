"""The read-only socket proxy that the README recommends, with a real haproxy."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from .daemons import Daemon, program
from .engine import Engine
from .plugin import ROOT, Plugin
from .published import Publisher, image, index
from .registries import Registry


@pytest.fixture
def read_only(engine: Engine) -> Iterator[str]:
    """The socket of haproxy with our configuration; only its paths and owner are others."""
    folder = Path(engine.socket).parent
    door = folder / "read-only.sock"
    config = (ROOT / "haproxy" / "haproxy.cfg").read_text()
    for ours, here in (
        ("/run/docker-read-only.sock user root group nagios mode 660", str(door)),
        ("/var/run/docker.sock", engine.socket),
    ):
        assert ours in config
        config = config.replace(f"unix@{ours}", f"unix@{here}")
    file = folder / "haproxy.cfg"
    file.write_text(config)
    with Daemon([program("haproxy", "haproxy"), "-db", "-f", str(file)], folder / "haproxy.log") as daemon:
        daemon.ready_when(door.exists)
        yield str(door)
    door.unlink(missing_ok=True)


def test_the_plugin_works_through_it(
    engine: Engine, publisher: Publisher, registry: Registry, read_only: str, tmp_path: Path
) -> None:
    publisher.push("door/app", "1", index(image("1")))
    engine.pull(f"{registry.name}/door/app:1")
    engine.run(f"{registry.name}/door/app:1", "app")
    engine.run(engine.image_id(f"{registry.name}/door/app:1"), "by-id")
    publisher.push("door/app", "1", index(image("2")))

    result = Plugin(read_only, tmp_path)()

    assert result.codes == {"app": "outdated", "by-id": "outdated"}
    assert result.exit_code == 1


def test_whatever_is_no_question_of_ours_is_refused(engine: Engine, read_only: str) -> None:
    engine.build("door/own", "1")
    container = engine.run("door/own:1", "own")

    assert _ask(read_only, "GET", "/version") == 200
    assert _ask(read_only, "GET", f"/v1.41/containers/{container}/json") == 200
    refused = [
        ("POST", "/v1.41/containers/create"),
        ("POST", f"/v1.41/containers/{container}/stop"),
        ("POST", f"/v1.41/containers/{container}/json"),
        ("DELETE", f"/v1.41/containers/{container}"),
        ("PUT", f"/containers/{container}/archive"),
        ("GET", f"/v1.41/containers/{container}/archive?path=/etc/shadow"),
        ("GET", f"/v1.41/containers/{container}/logs?stdout=1"),
        ("GET", f"/v1.41/containers/{container}/export"),
        ("GET", "/v1.41/images/get?names=door/own"),
        ("GET", "/v1.41/secrets"),
        ("GET", f"/containers/json/../{container}/export"),
    ]
    assert {asked: _ask(read_only, *asked) for asked in refused} == dict.fromkeys(refused, 403)
    assert engine.api.inspect_container(container)["State"]["Running"]


def _ask(path: str, method: str, target: str) -> int:
    """Status of one request over a unix socket, the target as it stands."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(path)
        connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n".encode())
        return int(connection.recv(64).split(b" ")[1])
