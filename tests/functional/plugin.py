"""Runs the plugin as Icinga does: a process of its own, one pipe for each stream, an environment of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "check_container_updates.py"


@dataclass(frozen=True)
class Run:
    """What came out of one run."""

    exit_code: int
    stdout: str
    stderr: str

    @cached_property
    def report(self) -> dict[str, Any]:
        """The JSON that `--output json` gave."""
        report: dict[str, Any] = json.loads(self.stdout)
        return report

    @property
    def codes(self) -> dict[str, str]:
        """Code of the finding about updates, by container name."""
        return {
            container["name"]: finding["code"]
            for container in self.report["containers"]
            for finding in container["findings"]
            if finding["check"] == "updates"
        }

    def finding(self, name: str) -> dict[str, Any]:
        """The finding about updates of one container."""
        [found] = [
            finding
            for container in self.report["containers"]
            if container["name"] == name
            for finding in container["findings"]
            if finding["check"] == "updates"
        ]
        assert isinstance(found, dict)
        return found

    def metric(self, name: str) -> float:
        """The value of one metric."""
        [value] = [metric["value"] for metric in self.report["metrics"] if metric["name"] == name]
        return float(value)


@dataclass
class Plugin:
    """The plugin with the socket and the state directory of one test."""

    socket: str
    folder: Path
    options: tuple[str, ...] = ()

    def __call__(self, *arguments: str, output: str = "json", env: dict[str, str] | None = None) -> Run:
        """Run it with these further options."""
        check = [] if any(argument.startswith("--check=") for argument in arguments) else ["--check=updates"]
        argv = [f"--host=unix://{self.socket}", f"--output={output}", *check, *self.options, *arguments]
        return run([sys.executable, str(PLUGIN), *argv], self.folder, env)


def run(argv: Sequence[str], home: Path, env: dict[str, str] | None = None) -> Run:
    """Run a command with a small environment: no settings of this machine, `home` as home and state directory."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_STATE_HOME": str(home / "state"), **(env or {})}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    return Run(done.returncode, done.stdout, done.stderr)
