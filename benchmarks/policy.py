"""A trust policy of thousands of rules, and a file that nobody ever writes to: neither may take the check's time."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, run
from container_updates.trust.policy.load import load

_KINDS = {"exact rules": "registry.example.com/team/app{:04}", "patterns": "registry.example.com/team/app{:04}/*"}
_TIMEOUT = 2


def rows(plugin: str, folder: str) -> Iterator[Row]:
    """Yield how loading grows from 500 to 2,000 rules, and how long a named pipe keeps the plugin."""
    for kind, glob in _KINDS.items():
        few, many = (_loaded(folder, glob, count) for count in (500, 2000))
        measured = f"{many / few:.1f}x ({few * 1000:.0f} ms to {many * 1000:.0f} ms)"
        yield f"(n) loading 500 and 2,000 {kind} of a policy", measured, "at most 8x", many <= 8 * few
    pipe = os.path.join(folder, "pipe")
    os.mkfifo(pipe)
    waited = run([plugin, f"--timeout={_TIMEOUT}", f"--state-dir={folder}/pipe-state", f"--trust-policy={pipe}"]).wall
    what = f"(n) -t {_TIMEOUT} with a named pipe as policy"
    yield what, f"{waited:.2f} s", f"at most {_TIMEOUT} s", waited <= _TIMEOUT


def _loaded(folder: str, glob: str, count: int) -> float:
    file = Path(folder) / "rules.toml"
    rules = (f'[[rule]]\nimages = ["{glob.format(number)}"]\nsignatures = "accepted"\n' for number in range(count))
    file.write_text(f"version = 1\n{''.join(rules)}")
    started = time.perf_counter()
    load([str(file)])
    return time.perf_counter() - started
