"""An engine behind a real sshd on loopback, by a key that may do nothing else."""

import getpass
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .daemons import Daemon, answers, free_port, program, wait_until
from .engine import Engine
from .plugin import Plugin, Run, run
from .published import Publisher, image
from .registries import Registry

CARRY = """
import os, select, socket, sys
engine = socket.socket(socket.AF_UNIX)
engine.connect(sys.argv[1])
ends = {0: engine.fileno(), engine.fileno(): 1}
while True:
    for end in select.select(list(ends), [], [])[0]:
        data = os.read(end, 65536)
        if not data:
            sys.exit()
        os.write(ends[end], data)
"""
"""What `docker system dial-stdio` does, for a machine without Docker's client."""


@pytest.fixture
def sshd(engine: Engine, tmp_path: Path) -> Iterator[int]:
    """A port on which sshd takes one key, for one forced command: the README's least right."""
    server, keygen = program("sshd", "openssh-server"), program("ssh-keygen", "openssh-client")
    for name in ("host", "client"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    (tmp_path / "carry.py").write_text(CARRY)
    command = f"{shlex.quote(sys.executable)} {tmp_path / 'carry.py'} {engine.socket}"
    key = (tmp_path / "client.pub").read_text()
    (tmp_path / "authorized").write_text(f'restrict,command="{command}" {key}')
    port = free_port()
    Path("/run/sshd").mkdir(exist_ok=True)
    (tmp_path / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {tmp_path / 'host'}\nAuthorizedKeysFile {tmp_path / 'authorized'}\n"
        f"StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\nUsePAM no\n"
        "PermitRootLogin prohibit-password\nMaxStartups 100\n"
    )
    (tmp_path / ".ssh").mkdir()
    known = f"[127.0.0.1]:{port} {(tmp_path / 'host.pub').read_text()}"
    (tmp_path / "known").write_text(known)
    (tmp_path / "ssh").write_text(
        '#!/bin/sh\nexec {} -F none -i {} -o UserKnownHostsFile={} -o StrictHostKeyChecking=yes "$@"\n'.format(
            program("ssh", "openssh-client"), tmp_path / "client", tmp_path / "known"
        )
    )
    (tmp_path / "ssh").chmod(0o755)
    with Daemon([server, "-D", "-e", "-f", str(tmp_path / "sshd_config")], tmp_path / "sshd.log"):
        wait_until(lambda: answers(port), "sshd listens")
        yield port


def check(folder: Path, *arguments: str) -> Run:
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    argv = [sys.executable, str(Path(__file__).resolve().parents[2] / "check_container_updates.py"), *arguments]
    return run(argv, folder, environment)


def test_an_engine_behind_ssh_is_read_like_any_other(
    engine: Engine, sshd: int, registry: Registry, publisher: Publisher, plugin: Plugin, tmp_path: Path
) -> None:
    publisher.push("ssh/app", "1", image("1"))
    reference = f"{registry.name}/ssh/app:1"
    engine.pull(reference)
    engine.run(reference, "behind-ssh")
    host = f"ssh://{getpass.getuser()}@127.0.0.1:{sshd}"
    done = check(tmp_path, f"--host={host}", "--output=json", "--check=updates")
    assert done.codes["behind-ssh"] == "up-to-date"
    several = check(tmp_path, f"--host=north={host}", "--host=unix:///nowhere", "--check=updates", "-v")
    assert "behind-ssh@north" in several.stdout


def test_a_key_that_is_not_let_in_is_ssh_s_own_sentence(engine: Engine, sshd: int, tmp_path: Path) -> None:
    (tmp_path / "authorized").write_text("")
    done = check(tmp_path, f"--host=ssh://{getpass.getuser()}@127.0.0.1:{sshd}")
    assert done.exit_code == 3
    assert "Permission denied (publickey)" in done.stdout
    assert done.stderr == ""
