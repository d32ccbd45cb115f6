"""The shared cache of docs/fleet.md, with Debian's nginx: hosts that check by themselves ask the registry once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from container_updates.demo.engine.server import EngineServer
from container_updates.demo.registry.server import RegistryServer

from .daemons import Daemon, answers, free_port, program
from .plugin import ROOT, Plugin

HOSTS, IMAGES = 8, 20


@pytest.fixture
def upstream() -> Iterator[RegistryServer]:
    """The registry behind the cache."""
    with RegistryServer() as started:
        yield started


@pytest.fixture
def cache(upstream: RegistryServer, tmp_path: Path) -> Iterator[str]:
    """The cache's URL: our configuration, with other addresses and folders."""
    port = free_port()
    text = (ROOT / "nginx" / "registry-cache.conf").read_text()
    for ours, here in (
        ("/var/cache/nginx/registry", str(tmp_path / "cache")),
        ("listen 127.0.0.1:5080", f"listen 127.0.0.1:{port}"),
        ("proxy_pass https://registry.example.com", f"proxy_pass http://{upstream.netloc}"),
    ):
        assert ours in text
        text = text.replace(ours, here)
    temporary = "".join(
        f"{kind}_temp_path {tmp_path / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off;\nuser root;\npid {tmp_path / 'pid'};\nerror_log {tmp_path / 'error.log'};\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{text}\n}}\n"
    )
    argv = [program("nginx", "nginx-light"), "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "error.log")]
    with Daemon(argv, tmp_path / "nginx.log") as daemon:
        daemon.ready_when(lambda: answers(port))
        yield f"http://127.0.0.1:{port}"


def check_all(upstream: RegistryServer, cache: str, tmp_path: Path, run: str) -> list[dict[str, str]]:
    """Let every host check for itself, with a memory of its own."""
    found = []
    images = [upstream.push_image(f"shop/app{number}", "1") for number in range(IMAGES)]
    upstream.log.clear()
    for number in range(HOSTS):
        folder = tmp_path / f"{run}{number}"
        folder.mkdir()
        with EngineServer() as engine:
            for position, image in enumerate(images):
                engine.pull(image)
                engine.run(f"app{position}", image.reference)
            plugin = Plugin(engine.host.removeprefix("unix://"), folder, (f"--mirror={upstream.netloc}={cache}",))
            found.append(plugin().codes)
    return found


def test_hosts_that_check_by_themselves_ask_the_registry_once(
    upstream: RegistryServer, cache: str, tmp_path: Path
) -> None:
    everything = [dict.fromkeys((f"app{number}" for number in range(IMAGES)), "up-to-date")] * HOSTS
    assert check_all(upstream, cache, tmp_path, "first") == everything
    assert len(upstream.log) <= 26
    assert check_all(upstream, cache, tmp_path, "again") == everything
    assert len(upstream.log) == 0


def test_what_is_asked_with_a_login_is_never_kept(upstream: RegistryServer, cache: str, tmp_path: Path) -> None:
    import requests

    upstream.push_image("shop/app", "1")
    url = f"{cache}/v2/shop/app/manifests/1"
    upstream.log.clear()
    for _ in range(2):
        requests.get(url, headers={"Authorization": "Bearer secret"}, timeout=20)
    requests.get(url, timeout=20)
    assert len(upstream.log) == 3
    requests.get(url, timeout=20)
    assert len(upstream.log) == 3
