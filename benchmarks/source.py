"""What the check of the source costs: 60 images with provenance, against the same run without it; and hostile ones."""

import shutil
from collections.abc import Iterator
from statistics import median

from benchmarks.lab import Lab
from benchmarks.measure import Row, run

IMAGES = 60
TIMES = 7
HOSTILE = ("32 MB", "10,000 materials", "1,000 subjects", "10,000 deep")


def rows(plugin: str, folder: str) -> Iterator[Row]:
    """Requests and time of a first run, and of a cached one; memory for each hostile provenance."""
    with Lab(IMAGES, IMAGES, attested_by=folder) as lab:
        base = [plugin, f"--host={lab.engine}", f"--docker-config={folder}/none", f"--trust-policy={folder}/built.toml"]
        without = [*base, f"--state-dir={folder}/unbuilt", "--check=updates,restarts,signatures"]
        checked = [*base, f"--state-dir={folder}/built", "--check=updates,restarts,signatures,source"]
        first: dict[str, list[float]] = {"built": [], "unbuilt": []}
        asked = {}
        for _ in range(TIMES):
            for name, command in (("built", checked), ("unbuilt", without)):
                shutil.rmtree(f"{folder}/{name}", ignore_errors=True)
                lab.requests()
                first[name].append(run(command).wall)
                asked[name] = lab.requests().total()
        more = (median(first["built"]) - median(first["unbuilt"])) / IMAGES * 1000
        yield "(p) 60 images with provenance, first time", f"{more:.1f} ms an image more", "at most 10 ms", more <= 10
        requests = (asked["built"] - asked["unbuilt"]) / IMAGES
        yield "(p) requests for it", f"{requests:.2f} an image more", "at most 3", requests <= 3
        run(checked)
        silent = lab.requests().total()
        yield "(p) requests while cached", str(silent), "none", silent == 0
    for kind in HOSTILE:
        with Lab(2, 2, attested_by=folder, hostile=kind) as lab:
            shutil.rmtree(f"{folder}/hostile", ignore_errors=True)
            done = run(
                [
                    *(
                        plugin,
                        f"--host={lab.engine}",
                        f"--docker-config={folder}/none",
                        f"--state-dir={folder}/hostile",
                    ),
                    *(f"--trust-policy={folder}/built.toml", "--timeout=30"),
                ]
            )
            told = f"{done.memory:.0f} MB, {done.wall:.1f} s"
            fine = done.memory < 120 and done.wall < 30 and done.exit_code in (1, 2)
            yield f"(p) provenance, hostile: {kind}", told, "under 120 MB and 30 s", fine
