"""Real Docker Engines: Debian's with the classic store, and one with the containerd store, built from source."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import requests

from .daemons import Daemon, program, unavailable
from .published import root_filesystem

ENGINE29 = "CONTAINER_UPDATES_ENGINE29"
"""Environment variable: folder with dockerd, containerd and its shim, as `make test-engine29` builds them."""


class Engine:
    """A running engine and what tests do with it; the plugin itself gets the logging proxy's socket."""

    def __init__(self, socket: str, *, containerd_store: bool) -> None:
        self.socket = socket
        self.containerd_store = containerd_store
        self.api = docker.APIClient(f"unix://{socket}", version="auto", timeout=120)

    def pull(self, reference: str, login: Mapping[str, str] | None = None) -> None:
        """Pull, as `docker pull` does; raises RuntimeError with the engine's words."""
        repository, _, tag = reference.partition("@") if "@" in reference else reference.rpartition(":")
        for line in self.api.pull(
            repository, tag, stream=True, decode=True, auth_config=dict(login) if login else None
        ):
            if "error" in line:
                raise RuntimeError(f"{reference}: {line['error']}")

    def push(self, reference: str) -> None:
        """Push, as `docker push` does."""
        repository, _, tag = reference.rpartition(":")
        for line in self.api.push(repository, tag, stream=True, decode=True):
            if "error" in line:
                raise RuntimeError(f"{reference}: {line['error']}")

    def build(self, repository: str, tag: str) -> str:
        """An image that was never pulled, by `docker import`; returns its id."""
        imported = self.api.import_image_from_data(root_filesystem(), repository=repository, tag=tag)
        assert "error" not in imported, imported
        return str(self.api.inspect_image(f"{repository}:{tag}")["Id"])

    def run(self, image: str, name: str, labels: Mapping[str, str] | None = None) -> str:
        """Run a container without network; returns its id.

        Debian's runc cannot start containers for the newer engine, so there they are only created.
        """
        container = self.api.create_container(
            image,
            command=["/bin/sleep", "3600"],
            name=name,
            labels=dict(labels or {}),
            host_config=self.api.create_host_config(network_mode="none"),
        )
        if not self.containerd_store:
            self.api.start(container)
        return str(container["Id"])

    def image_id(self, reference: str) -> str:
        """What the engine calls the image that has this name today."""
        return str(self.api.inspect_image(reference)["Id"])

    def clean(self) -> None:
        """Remove all containers and images, so that the next test starts with an empty host."""
        for container in self.api.containers(all=True):
            self.api.remove_container(container["Id"], force=True)
        for image in self.api.images(all=True):
            with contextlib.suppress(docker.errors.APIError):
                self.api.remove_image(image["Id"], force=True)


@contextlib.contextmanager
def classic(mirror: str) -> Iterator[Engine]:
    """Debian's docker.io, with a mirror for Docker Hub."""
    dockerd = program("dockerd", "docker.io")
    with _started([dockerd, f"--registry-mirror={mirror}"], os.environ["PATH"]) as socket:
        yield Engine(socket, containerd_store=False)


@contextlib.contextmanager
def containerd_store(mirror: str) -> Iterator[Engine]:
    """Docker 29 from the folder that the environment names."""
    folder = os.environ.get(ENGINE29)
    if not folder:
        unavailable(f"no engine with the containerd store: make test-engine29 builds it and sets {ENGINE29}")
    assert folder
    for name in ("dockerd", "containerd", "containerd-shim-runc-v2"):
        program(name, "make test-engine29", folder)
    argv = [str(Path(folder) / "dockerd"), "--ip6tables=false", f"--registry-mirror={mirror}"]
    with _started(argv, f"{folder}:{os.environ['PATH']}") as socket:
        yield Engine(socket, containerd_store=True)


@contextlib.contextmanager
def _started(argv: list[str], path: str) -> Iterator[str]:
    if os.geteuid() != 0:
        unavailable("dockerd must be started by root")
    # A short path, because a unix socket's may have 108 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="engine-"))
    socket = folder / "docker.sock"
    arguments = [
        *argv,
        f"--host=unix://{socket}",
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'pid'}",
        "--bridge=none",
        "--iptables=false",
        "--insecure-registry=127.0.0.0/8",
    ]
    try:
        # Images come from loopback only: no proxy of this machine may stand between.
        env = {"PATH": f"{path}:/usr/sbin:/sbin", "HOME": str(folder)}
        with Daemon(arguments, folder / "dockerd.log", env) as daemon:
            daemon.ready_when(lambda: _pings(str(socket)), seconds=90)
            try:
                yield str(socket)
            finally:
                Engine(str(socket), containerd_store=False).clean()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _pings(socket: str) -> bool:
    if not os.path.exists(socket):
        return False
    try:
        client: Any = docker.APIClient(f"unix://{socket}", version="1.41", timeout=10)
        return bool(client.ping())
    except (requests.RequestException, docker.errors.DockerException):
        return False
