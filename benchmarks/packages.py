"""What the packages inside cost: an index as large as Debian's for 500 containers of 50 images, and a list of 30 MB."""

import json
import multiprocessing
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import Row, run
from container_updates.demo.engine.server import EngineServer
from tests.support.apt_world import Repository, SuiteOf, key, paragraph, publish

IMAGES, EACH = 50, 10
PACKAGES = 63_440
"""As many as Debian 12 has in main, of 790 bytes each."""
INSTALLED = 120
ROOT = Path(__file__).resolve().parents[1]


def rows(plugin: str, folder: str) -> Iterator[Row]:
    """CPU and memory of a first run for one container; requests and time of a known one for all; the list."""
    context = multiprocessing.get_context("spawn")  # a process counts the memory of the one that it was forked from
    ours, theirs = context.Pipe()
    served = context.Process(target=_serve, args=(theirs, f"{folder}/sbom.json"), daemon=True)
    served.start()
    host, repository = ours.recv()
    policy = Path(folder, "packages.toml")
    policy.write_text(f'version = 1\n[repositories]\nallow = ["http://{repository}/**"]\n')
    check = [plugin, f"--host={host}", f"--trust-policy={policy}", "--check=packages", "--timeout=120"]
    check.append(f"--state-dir={folder}/packages")
    cold = run([*check, "--include=name=c0-0"])
    fine = cold.cpu <= 1.5 and cold.memory <= 120 and cold.exit_code == 2
    yield "(q) indexes of Debian, cold", f"{cold.cpu:.2f} s CPU, {cold.memory:.0f} MB", "1.5 s, 120 MB", fine
    run(check)
    read, _, _ = _asked(ours)
    yield f"(q) databases read for {IMAGES * EACH} containers", str(read), f"at most {IMAGES}", read <= IMAGES
    known = run(check)
    _, files, asked = _asked(ours)
    told = f"{files} files, {asked} repositories, {known.wall:.2f} s"
    yield "(q) the same once they are known", told, "no file, no repository", files == asked == 0
    served.terminate()
    shutil.rmtree(f"{folder}/packages", ignore_errors=True)
    yield _list(f"{folder}/sbom.json")


def _asked(pipe: Any) -> tuple[int, int, int]:
    """Databases and files that were read, and requests to repositories, since the last time."""
    pipe.send(None)
    counted: tuple[int, int, int] = pipe.recv()
    return counted


def _serve(pipe: Any, listed: str) -> None:
    _write_list(listed)
    with Repository() as repository, EngineServer() as engine:
        _fill(repository, engine)
        pipe.send((engine.host, repository.netloc))
        while True:
            pipe.recv()
            read = {entry.path for entry in engine.requests(method="GET", path="dpkg%2Fstatus")}
            pipe.send((len(read), len(engine.requests(method="GET", path="/archive")), len(repository.log)))
            engine.log.clear()
            repository.log.clear()


def _fill(repository: Repository, engine: EngineServer) -> None:
    signing = key()
    main = [{"Package": f"lib{number}", "Version": "1.0-2", "Architecture": "amd64", "Installed-Size": "7",
             "Depends": "libc6 (>= 2.36), zlib1g (>= 1:1.2.0)", "Description": f"{number}-" * 90}
            for number in range(PACKAGES)]  # fmt: skip
    dated = datetime.now(UTC)
    for name, packages in (("bookworm", main), ("bookworm-updates", main[:50]), ("bookworm-security", main[:3000])):
        publish(repository, SuiteOf(name, packages=[("main", one) for one in packages]), signing, date=dated)
    status = "".join(
        paragraph({"Package": f"lib{number * 7}", "Status": "install ok installed", "Version": "1.0-1",
                   "Architecture": "amd64"}) for number in range(INSTALLED))  # fmt: skip
    base = f"http://{repository.netloc}/debian"
    suites = ("bookworm", "bookworm-updates", "bookworm-security")
    files = {
        "/var/lib/dpkg/status": status.encode(),
        "/etc/os-release": b"ID=debian\n",
        "/etc/apt/sources.list": "".join(f"deb {base} {suite} main\n" for suite in suites).encode(),
        "/etc/apt/trusted.gpg.d/archive.gpg": signing.public,
    }
    for image in range(IMAGES):
        engine.build(f"app{image}:1")
        for number in range(EACH):
            engine.run(f"c{image}-{number}", f"app{image}:1")
            engine.fill(f"c{image}-{number}", files)


_DIGEST = "ab" * 32


def _write_list(path: str) -> None:
    packages = [{"name": f"p{number}", "versionInfo": "1"} for number in range(5000)]
    files = [
        {"fileName": f"/usr/share/doc/{number}", "checksums": [{"checksumValue": "a" * 40}] * 3}
        for number in range(120_000)
    ]
    statement = {
        "predicateType": "https://spdx.dev/Document",
        "subject": [{"digest": {"sha256": _DIGEST}}],
        "predicate": {"packages": packages, "files": files},
    }
    Path(path).write_text(json.dumps(statement))


def _list(path: str) -> Row:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from container_updates.signing import sbom; "
        f"sys.exit(len(sbom.read(open({path!r}, 'rb').read(), 'sha256:{_DIGEST}')) != 5000)"
    )
    done = run(["-c", code])
    told = f"{Path(path).stat().st_size / 1e6:.0f} MB: {done.cpu:.2f} s, {done.memory:.0f} MB"
    fine = done.cpu <= 1 and done.memory <= 120 and not done.exit_code
    return "(q) a list of packages (SBOM)", told, "1 s, 120 MB", fine
