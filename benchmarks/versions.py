"""The check `versions`: nothing while it is off, one page an image, and large or hostile lists of tags."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.lab import Lab
from benchmarks.measure import Row, run, side_by_side

ROOT = Path(__file__).resolve().parents[1]
FILES = (
    "chain/versions/link.py",
    "chain/versions/tag_version.py",
    "chain/versions/components.py",
    "chain/versions/newer.py",
    "chain/versions/choice.py",
    "chain/versions/look.py",
    "chain/versions/tag_filter.py",
    "chain/versions/alias.py",
    "registry/tags.py",
)
"""What only this check needs."""
OTHERS = "--check=updates,restarts"
TAGS = 50_000
PAIRS = 30
"""So many that their median is worth 2 %, where the machine does nothing else."""
PATTERN = """
import time
from container_updates.chain.versions.tag_filter import of
from container_updates.model import Image, Subject
from container_updates.reference import parse
from container_updates.settings import Settings
image = Image("", "sha256:" + "0" * 64, frozenset(), True)
subject = Subject(parse("app:1"), image, wishes=(("wud.tag.include", "(a+)+$"),))
started = time.process_time()
of(subject, Settings()).wanted("a" * 127 + "!")
print(time.process_time() - started)
"""


def rows(folder: str) -> Iterator[Row]:
    """Measure with state directories below `folder`."""
    yield from _off(folder)
    yield from _sixty(folder)
    yield from _many_tags(folder)
    seconds = float(_output(["-c", PATTERN]))
    yield "(g) (a+)+$ against a tag of 128 characters, import too", f"{seconds:.3f} s", "under 0.2 s", seconds < 0.2


def _off(folder: str) -> Iterator[Row]:
    """The same run by a copy of the plugin that has no such check at all."""
    copy = Path(folder, "without")
    shutil.copytree(ROOT / "container_updates", copy / "container_updates")
    shutil.copy(ROOT / "check_container_updates.py", copy)
    for name in FILES:
        (copy / "container_updates" / name).unlink()
    with Lab(60, 60) as lab:
        ours, theirs = (
            [*_plugin(where, lab, f"{folder}/{where.name}"), "--no-cache", OTHERS] for where in (ROOT, copy)
        )
        asked, codes = [], set()
        for plugin in (ours, theirs):
            codes.add(run(plugin).exit_code)
            asked.append(lab.requests().total())
        pairs = [
            side_by_side(1, ours, theirs) if pair % 2 else side_by_side(1, theirs, ours)[::-1] for pair in range(PAIRS)
        ]
    fine = asked[0] == asked[1] and codes == {0}
    yield "(f) versions off: requests, and of a plugin without it", f"{asked[0]}, {asked[1]}", "the same", fine
    ratio = median(one.cpu / other.cpu for one, other in pairs)
    yield "(f) versions off: CPU against a plugin without it", f"{ratio:.3f}x", "at most 1.02x", ratio <= 1.02


def _sixty(folder: str) -> Iterator[Row]:
    with Lab(60, 60) as lab:
        check = [*_plugin(ROOT, lab, f"{folder}/versions"), "--check=versions"]
        run(check)
        pages = lab.requests().total()
        run(check)
        kept = lab.requests().total()
    fine = pages <= 60 and kept == 0
    yield "(f) requests for versions, first and while cached", f"{pages}, {kept}", "at most 60, none", fine


def _many_tags(folder: str) -> Iterator[Row]:
    with Lab(1, 1, tags=TAGS) as lab:
        check = [*_plugin(ROOT, lab, f"{folder}/tags"), "--check=versions", "--no-cache", "-v"]
        right = f"newer version {TAGS - 1} (major)" in _output(check)
        runs = [run(check) for _ in range(3)]
    cpu, memory = min(one.cpu for one in runs), max(one.memory for one in runs)
    yield (
        f"(g) {TAGS} tags in one repository",
        f"{cpu:.2f} s CPU, right: {right}",
        "at most 1.5 s",
        cpu <= 1.5 and right,
    )
    yield f"(g) memory, {TAGS} tags", f"{memory:.0f} MB", "at most 120 MB", memory <= 120


def _plugin(where: Path, lab: Lab, state: str) -> list[str]:
    plugin = str(where / "check_container_updates.py")
    return [plugin, f"--host={lab.engine}", f"--state-dir={state}", f"--docker-config={state}"]


def _output(argv: Sequence[str]) -> str:
    return subprocess.run([sys.executable, *argv], capture_output=True, text=True, check=False, cwd=ROOT).stdout
