"""Engines behind ssh, with a program in the place of ssh that does what it is to do: carry bytes, or complain."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from container_updates.clock import Clock, Deadline
from container_updates.errors import InventoryError
from container_updates.inventory import reading
from container_updates.inventory.connections.ssh import Ssh
from container_updates.settings import Settings
from tests.inventory.conftest import PreparedEngine, answers, ask, by_name

Serve = Callable[..., PreparedEngine]
CARRY = """
import os, select, socket
with socket.socket(socket.AF_UNIX) as engine:
    engine.connect({path!r})
    ends = {{0: engine.fileno(), engine.fileno(): 1}}
    while ends:
        for end in select.select(list(ends), [], [])[0]:
            data = os.read(end, 65536)
            if not data:
                raise SystemExit
            os.write(ends[end], data)
"""


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a program in the place of ssh, which writes down its arguments; returns where."""

    def put(program: str) -> Path:
        script = tmp_path / "ssh"
        seen = tmp_path / "arguments"
        script.write_text(
            f"#!{sys.executable} -S\nimport sys\nopen({str(seen)!r}, 'a').write(repr(sys.argv[1:]) + '\\n')\n{program}"
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return seen

    return put


def test_all_requests_go_through_one_child(serve: Serve, ssh: Callable[[str], Path]) -> None:
    record = {"Id": "c" * 64, "Names": ["/web"], "Image": "nginx:1", "ImageID": "sha256:" + "a" * 64}
    served = serve(answers([record]))
    seen = ssh(CARRY.format(path=served.url.removeprefix("unix://")))
    inventory = ask("ssh://admin@db7:2222")
    assert set(by_name(inventory)) == {"web"}
    assert len(served.asked) == 4
    (arguments,) = map(eval, seen.read_text().splitlines())
    assert arguments[:4] == ["-T", "-o", "BatchMode=yes", "-o"]
    assert arguments[4].startswith("ConnectTimeout=")
    assert arguments[5:] == ["-l", "admin", "-p", "2222", "--", "db7", "docker system dial-stdio"]
    inventory.close()


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/run/user/1000/docker.sock", "docker --host unix:///run/user/1000/docker.sock system dial-stdio"),
        ("/run/podman/podman.sock", "podman --url unix:///run/podman/podman.sock system dial-stdio"),
        ("/run/a;reboot", "docker --host 'unix:///run/a;reboot' system dial-stdio"),
    ],
)
def test_a_path_is_the_socket_on_the_other_side(path: str, command: str) -> None:
    assert Ssh(f"ssh://Db7{path}", "")._remote == command
    assert Ssh(f"ssh://Db7{path}", "")._target == ["--", "Db7"]


@pytest.mark.parametrize(
    "url",
    [
        "ssh://-oProxyCommand=reboot",
        "ssh://-oProxyCommand=reboot@db7",
        "ssh://a;reboot",
        "ssh://$(reboot)",
        "ssh://user:secret@db7",
        "ssh://",
        "ssh:///run/docker.sock",
        "ssh://db7:x",
        "ssh://db7?x",
        "ssh://db7#x",
    ],
)
def test_what_ssh_could_take_for_something_else_is_refused(url: str, ssh: Callable[[str], Path]) -> None:
    seen = ssh("")
    with pytest.raises(InventoryError) as caught:
        ask(url)
    assert "secret" not in str(caught.value)
    assert not seen.exists()


def test_ssh_s_own_words_are_the_error(ssh: Callable[[str], Path]) -> None:
    ssh("import sys\nsys.exit('Warning: x\\nadmin@db7: Permission denied (publickey).')")
    with pytest.raises(InventoryError) as caught:
        ask("ssh://admin@db7").containers()
    assert str(caught.value) == "no engine at ssh://db7: admin@db7: Permission denied (publickey)."


def test_an_ssh_that_hangs_ends_with_the_deadline_and_does_not_outlive_the_check(ssh: Callable[[str], Path]) -> None:
    seen = ssh("import os, time\nopen(sys.argv[0] + '.pid', 'w').write(str(os.getpid()))\ntime.sleep(600)")
    inventory = ask("ssh://db7", seconds=1.0)
    with pytest.raises(InventoryError, match="does not answer GET /version in time"):
        inventory.containers()
    inventory.close()
    pid = seen.with_name("ssh.pid")
    if pid.exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)


def test_no_ssh_on_this_machine_says_which_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InventoryError, match="apt install openssh-client"):
        ask("ssh://db7").containers()


def test_a_fleet_closes_what_it_opened(serve: Serve, ssh: Callable[[str], Path]) -> None:
    served = serve(answers())
    ssh(CARRY.format(path=served.url.removeprefix("unix://")))
    with ExitStack() as opened:
        fleet = reading.read(Settings(hosts=("ssh://db7",)), Deadline(20, Clock()), opened)
        (child,) = fleet.inventories[0]._connection._endpoint.connect.__self__._children  # type: ignore[attr-defined]
        assert child.poll() is None
    assert child.poll() is not None
