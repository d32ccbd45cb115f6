"""Debian's Podman by its API service: what its containers run, pods, folders, and registries.conf."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .daemons import Daemon, program, wait_until
from .plugin import Plugin, Run
from .published import Publisher, image, index, root_filesystem
from .registries import Registry


class Podman:
    """A Podman of its own storage, with its API service on a socket."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        storage = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]
        self._command = [program("podman", "podman"), *storage]
        self._command += ["--cgroup-manager", "cgroupfs", "--events-backend", "file"]
        (folder / "containers.conf").write_text(
            '[containers]\ndefault_ulimits = ["nofile=1024:1024","nproc=1024:1024"]\n'
        )
        (folder / "registries.conf").write_text(
            f'[[registry]]\nlocation = "{registry.name}"\ninsecure = true\n'
            f'[[registry]]\nprefix = "corp.example"\nlocation = "{registry.name}/corp"\ninsecure = true\n'
            f'[[registry]]\nlocation = "docker.io"\n'
            f'[[registry.mirror]]\nlocation = "{registry.name}/hubmirror"\ninsecure = true\n'
        )
        (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self._environment = {
            **os.environ,
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
        }
        self.socket = str(folder / "podman.sock")
        self.daemon = Daemon(
            [*self._command, "system", "service", "--time=0", f"unix://{self.socket}"],
            folder / "podman.log",
            self._environment,
        )

    def __call__(self, *arguments: str) -> str:
        """Run a command of podman's; raises RuntimeError with its words."""
        done = subprocess.run([*self._command, *arguments], env=self._environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def run(self, name: str, *arguments: str) -> None:
        """Start a container that sleeps."""
        self("run", "--detach", "--network=none", "--name", name, *arguments, "/bin/sleep", "3600")


@pytest.fixture(scope="module")
def podman(registry: Registry) -> Iterator[Podman]:
    """Podman, and what it started, for the tests of this file."""
    folder = Path(tempfile.mkdtemp(prefix="ccu-podman-", dir="/tmp"))
    started = Podman(folder, registry)
    try:
        with started.daemon:
            wait_until(lambda: Path(started.socket).exists(), "podman's API service listens")
            yield started
            started("rm", "--all", "--force", "--time=0")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def found(podman: Podman, registry: Registry, publisher: Publisher, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What the plugin says of a host with containers of every kind."""
    name = registry.name
    for repository in ("pod/single", "pod/again", "pod/outdated", "corp/app", "hubmirror/library/nginx"):
        publisher.push(repository, "1", image("1"))
    publisher.push("pod/idx", "1", index(image("1"), image("1", "arm64")))
    for repository, container in (("single", "single"), ("idx", "idx"), ("again", "again"), ("outdated", "outdated")):
        podman.run(container, f"{name}/pod/{repository}:1")
    podman.run("remapped", "corp.example/app:1")
    podman.run("mirrored", "docker.io/library/nginx:1")
    publisher.push("pod/again", "1", image("2"))
    podman("pull", f"{name}/pod/again:1")
    publisher.push("pod/outdated", "1", image("2"))
    podman("tag", f"{name}/pod/single:1", "localhost/mine:1")
    podman.run("local", "localhost/mine:1")
    rootfs = tmp_path_factory.mktemp("rootfs")
    subprocess.run(["tar", "-x", "-C", str(rootfs)], input=root_filesystem(), check=True)
    podman("run", "--detach", "--network=none", "--name", "folder", "--rootfs", str(rootfs), "/bin/sleep", "3600")
    plugin = Plugin(podman.socket, tmp_path_factory.mktemp("home"))
    return plugin("--check=updates,restarts", "-vvv")


def test_every_kind_of_container_has_its_right_verdict(found: Run) -> None:
    assert found.codes == {
        "single": "up-to-date",
        "idx": "up-to-date",
        "again": "up-to-date",
        "outdated": "outdated",
        "remapped": "up-to-date",
        "mirrored": "up-to-date",
        "local": "local-build",
        "folder": "local-build",
    }
    assert found.finding("folder")["message"] == "runs no image"


def test_what_was_pulled_again_waits_for_its_container(found: Run) -> None:
    pending = {
        container["name"]
        for container in found.report["containers"]
        for finding in container["findings"]
        if finding["code"] == "restart-pending"
    }
    assert pending == {"again"}


def test_the_digest_of_what_runs_is_known_also_where_its_tag_moved_on(found: Run) -> None:
    digests = {container["name"]: container.get("running_digests") for container in found.report["containers"]}
    assert digests["again"]
    assert digests["folder"] is None


def test_the_update_is_podman_s(podman: Podman, tmp_path: Path) -> None:
    shown = Plugin(podman.socket, tmp_path)("-v", "--include=name=outdated", output="nagios").stdout
    assert "podman pull" in shown


def test_the_infra_container_of_a_pod_is_not_counted(
    podman: Podman, registry: Registry, found: Run, tmp_path: Path
) -> None:
    program("catatonit", "catatonit")
    podman("pod", "create", "--name", "mypod", "--network=none")
    podman(
        "run", "--detach", "--pod", "mypod", "--name", "inpod", f"{registry.name}/pod/single:1", "/bin/sleep", "3600"
    )
    codes = Plugin(podman.socket, tmp_path)().codes
    assert codes["inpod"] == "up-to-date"
    assert not any(name.endswith("-infra") for name in codes)
