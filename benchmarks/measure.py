"""Processes, measured: wall time, CPU time and peak memory of each, and medians of several."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

Row = tuple[str, str, str, bool]
"""What, measured, target, met."""


@dataclass(frozen=True)
class Run:
    """One process."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system."""
    memory: float
    """Peak resident set, MB."""
    exit_code: int


def run(argv: Sequence[str]) -> Run:
    """Run a Python command; its output is thrown away."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *argv], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)


def side_by_side(times: int, *commands: Sequence[str]) -> list[Run]:
    """Run the commands in turns, so that noise meets all of them; return the medians of each."""
    runs: list[list[Run]] = [[] for _ in commands]
    for _ in range(times):
        for command, found in zip(commands, runs, strict=True):
            found.append(run(command))
    return [
        Run(
            median(one.wall for one in found),
            median(one.cpu for one in found),
            median(one.memory for one in found),
            max(one.exit_code for one in found),
        )
        for found in runs
    ]
