"""An embedded host in a process of its own, so that its work is not counted as the plugin's.

Started as `python -m benchmarks.lab CONTAINERS IMAGES OUTDATED ROUND_TRIP TAGS FOLDER`;
answers each line it reads with one of JSON. With a FOLDER all images are signed, a third each in cosign's classic way,
as bundles and by notation, and a policy that names the signer is written there.
"""

import json
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from container_updates.demo import faults
from container_updates.demo.content import PushedImage
from container_updates.demo.engine import EngineServer
from container_updates.demo.kinds import CLASSIC
from container_updates.demo.registry import RegistryServer


class Lab:
    """`with Lab(60, 60, outdated=6) as lab:` — `engine` is its URL, `registry` its host."""

    def __init__(
        self,
        containers: int,
        images: int,
        *,
        outdated: int = 0,
        round_trip: float = 0.0,
        tags: int = 0,
        signed_by: str = "",
    ) -> None:
        asked = (containers, images, outdated, round_trip, tags, signed_by)
        argv = [sys.executable, "-m", "benchmarks.lab", *map(str, asked)]
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


def _serve(containers: int, images: int, outdated: int, round_trip: float, tags: int, signed_by: str) -> None:
    with ExitStack() as stack:
        registry = stack.enter_context(RegistryServer())
        engine = stack.enter_context(EngineServer(CLASSIC))
        pushed = [registry.push_image(f"bench/app{number}", "1") for number in range(images)]
        if signed_by:
            _sign(registry, pushed, Path(signed_by))
        for image in pushed:
            engine.pull(image)
        for number in range(containers):
            engine.run(f"app-{number}", pushed[number % images].reference)
        for number in range(outdated):
            registry.push_image(f"bench/app{number}", "1", created="2026-11-20T00:00:00Z")
        for tag in range(2, tags):
            registry.retag("bench/app0", str(tag), pushed[0].digest)
        if round_trip:
            registry.fail(faults.late(round_trip))
        _say({"engine": engine.host, "registry": registry.host})
        seen = 0
        for _ in sys.stdin:
            entries = registry.requests()
            _say(Counter(entry.method for entry in entries[seen:]))
            seen = len(entries)


def _sign(registry: RegistryServer, images: list[PushedImage], folder: Path) -> None:
    from tests.signed import Signer

    signer = Signer(registry)
    signer.policy(folder)
    ways = (signer.classic, signer.bundle, signer.notation)
    for number, image in enumerate(images):
        ways[number % len(ways)](image)


def _say(answer: Any) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    numbers = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
    _serve(*numbers, sys.argv[6])
