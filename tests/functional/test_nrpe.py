"""A real NRPE daemon with our command line, asked by the real check_nrpe; and the sudoers file."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .daemons import Daemon, answers, free_port, program, unavailable
from .engine import Engine
from .plugin import PLUGIN, ROOT
from .proxies import LoggingProxy
from .published import Publisher, image, index
from .registries import Registry

OURS = (ROOT / "nrpe" / "check_container_updates.cfg").read_text()
SUDOERS = (ROOT / "nrpe" / "sudoers").read_text()


@pytest.fixture
def nrpe(engine: Engine) -> Iterator[int]:
    """The port of an nrpe daemon under its own user, which may not be root.

    It runs our line, but instead of sudo with a copy of the plugin and a socket that this user can open, and with
    Debian's own Python and packages.
    """
    daemon = program("nrpe", "nagios-nrpe-server")
    if os.geteuid() != 0:
        unavailable("nrpe must be started by root")
    port = free_port()
    user = pwd.getpwnam("nagios")
    with tempfile.TemporaryDirectory(prefix="nrpe-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy(PLUGIN, folder)
        shutil.copytree(ROOT / "container_updates", folder / "container_updates")
        (folder / "state").mkdir(mode=0o700)
        os.chown(folder / "state", user.pw_uid, user.pw_gid)
        door = stack.enter_context(LoggingProxy(upstream=engine.socket, socket=str(folder / "docker.sock")))
        Path(str(door.socket)).chmod(0o666)
        ours = OURS.replace(
            "/usr/bin/sudo -n /usr/lib/nagios/plugins/check_container_updates",
            f"/usr/bin/python3 {folder / PLUGIN.name}",
        )
        ours = ours.replace("--state-dir=/var/lib/check_container_updates", f"--state-dir={folder / 'state'}")
        ours = re.sub(
            r"^(command\[.*)$", rf"\1 --check=updates,restarts --host=unix://{door.socket}", ours, flags=re.MULTILINE
        )
        config = folder / "nrpe.cfg"
        config.write_text(
            f"server_address=127.0.0.1\nserver_port={port}\nallowed_hosts=127.0.0.1\ndont_blame_nrpe=0\n"
            f"nrpe_user=nagios\nnrpe_group=nagios\npid_file={folder / 'nrpe.pid'}\ncommand_timeout=60\n{ours}"
        )
        running = stack.enter_context(Daemon([daemon, "-f", "-c", str(config)], folder / "console.log"))
        running.ready_when(lambda: answers(port))
        yield port


def test_check_nrpe_gets_state_output_and_perfdata(
    engine: Engine, publisher: Publisher, registry: Registry, nrpe: int
) -> None:
    publisher.push("nrpe/app", "1", index(image("1")))
    engine.pull(f"{registry.name}/nrpe/app:1")
    engine.run(f"{registry.name}/nrpe/app:1", "app")
    check_nrpe = program("check_nrpe", "nagios-nrpe-plugin")
    argv = [check_nrpe, "-H", "127.0.0.1", "-p", str(nrpe), "-t", "45:3", "-c", "check_container_updates"]

    ok = subprocess.run(argv, capture_output=True, text=True, timeout=180)
    assert ok.returncode == 0, ok.stdout
    assert ok.stdout.startswith("CONTAINER_UPDATES OK - ")
    assert "containers=1" in ok.stdout.partition("|")[2]

    publisher.push("nrpe/other", "1", index(image("1")))
    engine.pull(f"{registry.name}/nrpe/other:1")
    engine.run(f"{registry.name}/nrpe/other:1", "other")
    publisher.push("nrpe/other", "1", index(image("2")))
    warning = subprocess.run(argv, capture_output=True, text=True, timeout=180)
    assert warning.returncode == 1, warning.stdout
    assert warning.stdout.startswith("CONTAINER_UPDATES WARNING - 1 of 2 containers outdated (other")
    assert "[WARNING] other: " in warning.stdout


def test_the_timeouts_fit_into_each_other() -> None:
    plugin = int(re.search(r"^command\[.*--timeout=(\d+)", OURS, re.MULTILINE)[1])  # type: ignore[index]
    check_nrpe = int(re.search(r"check_nrpe .*-t (\d+):3", OURS)[1])  # type: ignore[index]
    daemon = int(re.search(r"command_timeout of nrpe.cfg \((\d+) s\)", OURS)[1])  # type: ignore[index]
    assert plugin < check_nrpe < daemon


def test_sudo_allows_exactly_the_line_that_nrpe_runs(tmp_path: Path) -> None:
    [command] = re.findall(r"^command\[check_container_updates\]=/usr/bin/sudo -n (.*)$", OURS, re.MULTILINE)
    assert f"nagios ALL=(root) NOPASSWD: {command}\n" in SUDOERS
    visudo = program("visudo", "sudo")
    file = tmp_path / "sudoers"
    file.write_text(SUDOERS)
    file.chmod(0o440)
    checked = subprocess.run([visudo, "--check", f"--file={file}"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
