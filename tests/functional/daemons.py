"""Real daemons as child processes: started in the foreground, waited for, ended by their own process id."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import pytest

_SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/lib/nagios/plugins"

# What init gives a service: a plugin that it runs finds Debian's Python, whatever the tests themselves run in.
SERVICE_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def program(name: str, package: str, folder: str | None = None) -> str:
    """Return the path of a daemon or tool; without it the test is skipped, in CI it fails."""
    path = shutil.which(name, path=folder or _SEARCH_PATH)
    if path is None:
        unavailable(f"{name} is not installed (apt install {package})")
    return str(path)


def unavailable(reason: str) -> None:
    """Skip the test that needs what is not here; in CI nothing may be skipped, so fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    """A TCP port of the loopback address that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something accepts connections on that port of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(ready: Callable[[], bool], what: str, seconds: float = 180) -> None:
    """Look again and again until `ready`; fails the test with `what` when the time is up."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            pytest.fail(f"after {seconds:.0f} s still not: {what}", pytrace=False)
        time.sleep(0.05)


class Daemon:
    """A child process with its log in a file; a context manager that ends it and all it has started."""

    def __init__(self, argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.argv = list(argv)
        self.log = log
        self._out = log.open("wb")
        self._process = subprocess.Popen(
            self.argv,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ready_when(self, ready: Callable[[], bool], seconds: float = 180) -> Self:
        """Return once `ready`; fails the test with the end of the log where the daemon ended or took too long."""

        def checked() -> bool:
            if self._process.poll() is not None:
                pytest.fail(f"{self.argv[0]} ended with {self._process.returncode}: {self.tail()}", pytrace=False)
            return ready()

        wait_until(checked, f"{self.argv[0]} is ready: {self.tail()}", seconds)
        return self

    def tail(self) -> str:
        """The last lines of its log."""
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to its own session when that does not do within 20 seconds."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(20)
        self._out.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
