"""An embedded host in a process of its own, so that its work is not counted as the plugin's.

Started as `python -m benchmarks.lab JSON`; answers each line it reads with one of JSON.
"""

import json
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from container_updates.demo import faults
from container_updates.demo.engine.kinds import CLASSIC
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.registry.attached import Pushed
from container_updates.demo.registry.content import PushedImage
from container_updates.demo.registry.server import RegistryServer


class Lab:
    """`with Lab(60, 60, outdated=6) as lab:` — `engine` is its URL, `registry` its host."""

    def __init__(
        self,
        containers: int,
        images: int,
        *,
        outdated: int = 0,
        round_trip: float = 0.0,
        engine_round_trip: float = 0.0,
        tags: int = 0,
        signed_by: str = "",
        attested_by: str = "",
        hostile: str = "",
    ) -> None:
        """`signed_by` and `attested_by` are folders, into which a policy is written that names the signer.

        Signed: a third of the images each in cosign's classic way, as bundles and by notation. Attested: a third each
        has provenance under cosign's tag, as a bundle, and BuildKit's. `hostile` makes one of the provenances so.
        """
        asked = {
            "containers": containers,
            "images": images,
            "outdated": outdated,
            "round_trip": round_trip,
            "engine_round_trip": engine_round_trip,
            "tags": tags,
            "signed_by": signed_by,
            "attested_by": attested_by,
            "hostile": hostile,
        }
        argv = [sys.executable, "-m", "benchmarks.lab", json.dumps(asked)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        answer = self._read()
        self.engine: str = answer["engine"]
        self.registry: str = answer["registry"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.communicate()

    def requests(self) -> Counter[str]:
        """Requests that the registry got since the last call, by method."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Counter(self._read())

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def _serve(
    containers: int,
    images: int,
    outdated: int,
    round_trip: float,
    engine_round_trip: float,
    tags: int,
    signed_by: str,
    attested_by: str,
    hostile: str,
) -> None:
    with ExitStack() as stack:
        registry = stack.enter_context(RegistryServer())
        engine = stack.enter_context(EngineServer(CLASSIC))
        pushed = [registry.push_image(f"bench/app{number}", "1") for number in range(images)]
        if signed_by:
            _sign(registry, pushed, Path(signed_by))
        published: list[Pushed] = [*pushed]
        if attested_by:
            published = _attest(registry, pushed, Path(attested_by), hostile)
        for image in published:
            engine.pull(image)
        for number in range(containers):
            engine.run(f"app-{number}", published[number % images].reference)
        for number in range(outdated):
            registry.push_image(f"bench/app{number}", "1", created="2026-11-20T00:00:00Z")
        if tags:
            newer = registry.push_image("bench/app0", str(tags - 1), created="2026-11-20T00:00:00Z")
        for tag in range(2, tags - 1):
            registry.retag("bench/app0", str(tag), newer.digest)
        if round_trip:
            registry.fail(faults.late(round_trip))
        if engine_round_trip:
            engine.fail(faults.late(engine_round_trip))
        _say({"engine": engine.host, "registry": registry.host})
        seen = 0
        for _ in sys.stdin:
            entries = registry.requests()
            _say(Counter(entry.method for entry in entries[seen:]))
            seen = len(entries)


def _sign(registry: RegistryServer, images: list[PushedImage], folder: Path) -> None:
    from tests.support.signed import Signer

    signer = Signer(registry)
    signer.policy(folder)
    ways = (signer.classic, signer.bundle, signer.notation)
    for number, image in enumerate(images):
        ways[number % len(ways)](image)


def _attest(registry: RegistryServer, images: list[PushedImage], folder: Path, hostile: str) -> list[Pushed]:
    from tests.support import built, forge

    key = forge.new_key()
    (folder / "builder.pub").write_bytes(forge.pem(key))
    signer = '[[rule.signer]]\ntype = "key"\nfile = "builder.pub"\n'
    (folder / "built.toml").write_text(f'version = 1\n[[rule]]\nimages = ["**"]\n{signer}')
    published: list[Pushed] = []
    for number, image in enumerate(images):
        predicate = built.HOSTILE[hostile]() if hostile else built.v1()
        if number % 3 == 0:
            built.attest(registry, image, key, predicate)
        elif number % 3 == 1:
            built.attest_by_bundle(registry, image, key, predicate)
        attested = number % 3 == 2
        published.append(built.with_buildkit(registry, "1", image, built.git_context()) if attested else image)
    return published


def _say(answer: Any) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve(**json.loads(sys.argv[1]))
