"""What the check of signatures costs: 60 signed images, against the same run without it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.lab import Lab
from benchmarks.measure import Row, Run, run, side_by_side

IMAGES = 60
TIMES = 7
_COSIGN = Path(os.environ.get("CONTAINER_UPDATES_SIGNERS", ""), "2.6.4", "cosign")


def rows(plugin: str, folder: str) -> Iterator[Row]:
    """First run, cached run, memory; and cosign's own time for an image, where it is built."""
    policy = f"{folder}/policy.toml"
    with Lab(IMAGES, IMAGES, signed_by=folder) as lab:
        base = [plugin, f"--host={lab.engine}", f"--docker-config={folder}/none"]
        without = [*base, f"--state-dir={folder}/without", "--check=updates,restarts"]
        checked = [*base, f"--state-dir={folder}/with", "--check=updates,restarts,signatures"]
        checked.append(f"--trust-policy={policy}")
        first: dict[str, list[Run]] = {"with": [], "without": []}
        memory = 0.0
        for _ in range(TIMES):
            for name, command in (("with", checked), ("without", without)):
                shutil.rmtree(f"{folder}/{name}", ignore_errors=True)
                done = run(command)
                first[name].append(done)
                memory = max(memory, done.memory)
                assert done.exit_code == 0, f"{command} ended with {done.exit_code}"
        more = _more(first, "wall")
        told = f"{more:.1f} ms an image more, CPU {_more(first, 'cpu'):.1f} ms"
        yield "(s) 60 signed images, first time", told, "at most 15 ms", more <= 15
        run(checked)  # what the first run remembered of the signers is news to this one
        lab.requests()
        kept, bare = side_by_side(TIMES * 3, checked, without)
        silent = lab.requests().total()
        ratio = kept.cpu / bare.cpu
        told = f"{ratio:.3f}x CPU ({kept.cpu * 1000:.0f} ms, without {bare.cpu * 1000:.0f} ms), {silent} requests"
        yield "(s) 60 signed images, cached", told, "at most 1.05x, none", ratio <= 1.05 and silent == 0
        yield "(s) memory, 60 signed images", f"{memory:.0f} MB", "at most 90 MB", memory <= 90
        if _COSIGN.is_file():
            seconds = median(_cosign(lab.registry, f"{folder}/signer.pub", number) for number in range(0, 15, 3))
            yield "(s) beside it: cosign verify --key", f"{seconds * 1000:.0f} ms an image", "", True


def _more(first: dict[str, list[Run]], what: str) -> float:
    """Milliseconds an image that a run with the check takes more."""
    with_it, without = (median(getattr(one, what) for one in first[name]) for name in ("with", "without"))
    return (with_it - without) / IMAGES * 1000


def _cosign(registry: str, key: str, number: int) -> float:
    argv = [str(_COSIGN), "verify", "--key", key, "--insecure-ignore-tlog", "--allow-http-registry"]
    started = time.perf_counter()
    subprocess.run([*argv, f"{registry}/bench/app{number}:1"], check=True, capture_output=True)
    return time.perf_counter() - started
