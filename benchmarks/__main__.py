"""Measures everything and prints one table."""

import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks import fleet, hostile, packages, policy, signatures, source, versions
from benchmarks.lab import Lab
from benchmarks.measure import Row, run, side_by_side

PLUGIN = str(Path(__file__).resolve().parents[1] / "check_container_updates.py")
FLOOR = str(Path(__file__).with_name("floor.py"))
ROUND_TRIP = 0.04
TIMES = 7


def main() -> int:
    """Print the table; 1 where a target is not met."""
    met = True
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            *_version(),
            *_sixty(folder),
            *signatures.rows(PLUGIN, folder),
            *source.rows(PLUGIN, folder),
            *packages.rows(PLUGIN, folder),
            *_inspected(folder),
            *_thousands(folder),
            *versions.rows(folder),
            *policy.rows(PLUGIN, folder),
            *hostile.rows(PLUGIN, folder),
            *fleet.rows(PLUGIN, folder),
        ]
    for what, measured, target, reached in rows:
        print(f"{what:<58} {measured:<44} {target:<22} {'met' if reached else 'NOT MET'}")
        met &= reached
    _profile()
    return 0 if met else 1


def _version() -> Iterator[Row]:
    bare, version = side_by_side(TIMES * 2, ["-c", "pass"], [PLUGIN, "--version"])
    allowed = 2 * bare.wall + 0.05
    yield (
        "(e) --version against bare python",
        f"{version.wall * 1000:.0f} ms, bare {bare.wall * 1000:.0f} ms",
        f"2x + 50 ms = {allowed * 1000:.0f} ms",
        version.wall <= allowed,
    )


def _sixty(folder: str) -> Iterator[Row]:
    with Lab(60, 60, outdated=6, round_trip=ROUND_TRIP) as lab:
        state = f"{folder}/sixty"
        check = _check(lab, state)
        colds, stales, floors, knowns, imports = [], [], [], [], []
        for _ in range(TIMES):
            # In turns, so that noise meets all of them.
            shutil.rmtree(state, ignore_errors=True)
            lab.requests()
            colds.append(run(check))
            asked = lab.requests()
            floors.append(run([FLOOR, lab.engine]))
            same = lab.requests()
            run([*check, "--cache-ttl=0"])
            lab.requests()
            stales.append(run([*check, "--cache-ttl=0"]))
            again = lab.requests().total()
            run(check)
            lab.requests()
            knowns += [run(check), run(check)]
            silent = lab.requests().total()
            imports += [run(["-c", "import docker, nagiosplugin"]), run(["-c", "import docker, nagiosplugin"])]
        cold, stale, floor, known, imported = (
            median(one.wall for one in found) for found in (colds, stales, floors, knowns, imports)
        )
        yield _ratio("(a) 60 images, 6 outdated, 40 ms round trip, first run", cold, "bare script", floor, 1.0)
        yield "(a) requests of the bare script", f"{same.total()}, {dict(same)}", "72", same.total() == 72
        yield _ratio("(a) the same, its answers out of date", stale, "bare script", floor, 0.4)
        most = 60 + 2 + 3 * 6
        fine = asked.total() <= most and not set(asked) - {"GET", "HEAD"}
        yield "(c) requests, cold", f"{asked.total()}, {dict(asked)}", f"at most {most}", fine
        yield "(c) requests, next run with its answers out of date", str(again), "at most 61", again <= 61
        yield _ratio("(b) everything known", known, "import docker, nagiosplugin", imported, 0.75)
        cpu = median(one.cpu for one in knowns)
        yield "(b) CPU while known", f"{cpu * 1000:.0f} ms", "at most 100 ms", cpu <= 0.1
        yield "(b) requests while known", str(silent), "none", silent == 0
        memory = max(one.memory for one in colds)
        yield "(d) memory, 60 containers", f"{memory:.0f} MB", "at most 36 MB", memory <= 36


def _inspected(folder: str) -> Iterator[Row]:
    """Every image is outdated, so that the engine has to be asked for each."""
    with Lab(400, 400, outdated=400, engine_round_trip=ROUND_TRIP) as lab:
        found = run(_check(lab, f"{folder}/inspected"))
    measured = f"{found.wall:.1f} s, exit {found.exit_code}"
    yield "(i) 400 images that the engine inspects in 40 ms each", measured, "at most 5 s", found.wall <= 5


def _thousands(folder: str) -> Iterator[Row]:
    cpu = {}
    for count in (1_000, 10_000):
        with Lab(count, 300) as lab:
            run(_check(lab, f"{folder}/{count}"))  # the registry's side is not what grows
            found = side_by_side(3, _check(lab, f"{folder}/{count}"))[0]
            cpu[count] = found.cpu
    yield "(d) memory, 10,000 containers of 300 images", f"{found.memory:.0f} MB", "at most 60 MB", found.memory <= 60
    growth = cpu[10_000] / cpu[1_000]
    measured = f"{growth:.1f}x ({cpu[1_000]:.2f} s to {cpu[10_000]:.2f} s)"
    yield "(d) CPU from 1,000 to 10,000 containers", measured, "at most 12x", growth <= 12


def _check(lab: Lab, state: str) -> list[str]:
    return [PLUGIN, f"--host={lab.engine}", f"--state-dir={state}", f"--docker-config={state}", "--check=updates"]


def _ratio(what: str, ours: float, name: str, theirs: float, most: float) -> Row:
    ratio = ours / theirs
    measured = f"{ratio:.2f}x ({ours * 1000:.0f} ms, {name} {theirs * 1000:.0f} ms)"
    return what, measured, f"at most {most}x", ratio <= most


def _profile() -> None:
    """Where a start goes: seconds of import by the package that is imported."""
    code = "import container_updates.check, docker.transport, container_updates.report.nagios, sqlite3"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    spent: defaultdict[str, int] = defaultdict(int)
    for line in done.stderr.splitlines()[1:]:
        own, _, name = line.removeprefix("import time:").split("|")
        spent[name.strip().partition(".")[0]] += int(own)
    ranked = sorted(spent.items(), key=lambda item: -item[1])[:10]
    print("\nimports, ms each package itself:", ", ".join(f"{name} {own / 1000:.0f}" for name, own in ranked))


if __name__ == "__main__":
    raise SystemExit(main())
