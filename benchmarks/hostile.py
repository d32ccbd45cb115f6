"""What a hostile registry can make of memory: documents as large as are taken, many at once.

Started as `python -m benchmarks.hostile KIND`, it serves one; answers its first line with the engine's address.
"""

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator

from benchmarks.measure import Row, run
from container_updates.demo import faults
from container_updates.demo.engine.kinds import CLASSIC
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.registry.attached import refer
from container_updates.demo.registry.content import OCI
from container_updates.demo.registry.server import RegistryServer

MANIFEST = 4 * 1024 * 1024
TAGS = 8 * 1024 * 1024
IMAGES = 24
_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MOST = 200
"""MB of the whole process."""


def rows(plugin: str, folder: str) -> Iterator[Row]:
    """Measure each kind with state directories below `folder`."""
    for kind, (_, check) in KINDS.items():
        argv = [sys.executable, "-m", "benchmarks.hostile", kind]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as lab:
            assert lab.stdout is not None
            host = f"--host={lab.stdout.readline().strip()}"
            state = f"{folder}/hostile"
            done = run([plugin, host, f"--state-dir={state}", f"--docker-config={state}", f"--check={check}", "-t60"])
            lab.communicate()
        what = f"(h) memory, hostile registry: {IMAGES} x {kind}"
        fine = done.memory <= MOST and done.exit_code in (1, 2, 3)
        yield what, f"{done.memory:.0f} MB, {done.wall:.1f} s, CPU {done.cpu:.1f} s", f"at most {MOST} MB", fine


def _objects(number: int) -> bytes:
    return _manifest(number, b'"layers": [' + b",".join([b"{}"] * (MANIFEST // 3 - 100)) + b"]")


def _texts(number: int) -> bytes:
    annotations = {f"{number} {name}": "x" * 4000 for name in range(1000)}
    return _manifest(number, b'"layers": [], "annotations": ' + json.dumps(annotations).encode())


def _wide(number: int) -> bytes:
    """One character in it makes each of the others four bytes."""
    text = "\U0001f40b" + "x" * (MANIFEST - 1000)
    return _manifest(number, b'"layers": [], "annotations": ' + json.dumps({"a": text}, ensure_ascii=False).encode())


def _manifest(number: int, rest: bytes) -> bytes:
    config = {"mediaType": OCI.config, "digest": f"sha256:{number:064x}", "size": 1}
    return b'{"schemaVersion": 2, "mediaType": "%s", "config": %s, %s}' % (
        OCI.manifest.encode(),
        json.dumps(config).encode(),
        rest,
    )


def _list_of_tags(number: int) -> bytes:
    tags = b",".join(b'"1.%d.%d"' % (number, tag) for tag in range(TAGS // 14))
    return b'{"name": "app", "tags": [' + tags[: TAGS - 100].rpartition(b",")[0] + b"]}"


def _long_tags(number: int) -> bytes:
    tags = b",".join(b'"1.%d.%d-%s"' % (number, tag, b"x" * 100) for tag in range(TAGS // 118))
    return b'{"name": "app", "tags": [' + tags[: TAGS - 100].rpartition(b",")[0] + b"]}"


def _bundle(number: int) -> bytes:
    """A bundle whose statement is nothing but parts."""
    statement = b'{"subject": [' + b",".join([b"{}"] * (MANIFEST // 3)) + b"]}"
    envelope = {"payload": base64.b64encode(statement).decode(), "payloadType": "application/vnd.in-toto+json"}
    return json.dumps({"mediaType": _BUNDLE, "dsseEnvelope": envelope, "number": number}).encode()


KINDS: dict[str, tuple[Callable[[int], bytes], str]] = {
    "4 MiB manifests of {}": (_objects, "updates"),
    "4 MiB manifests of texts": (_texts, "updates"),
    "4 MiB manifests of one wide text": (_wide, "updates"),
    "8 MiB of short tags": (_list_of_tags, "versions"),
    "8 MiB of long tags": (_long_tags, "versions"),
    "5 MiB of signature": (_bundle, "signatures,source"),
}


def _serve(kind: str) -> None:
    make, check = KINDS[kind]
    with RegistryServer() as registry, EngineServer(CLASSIC) as engine:
        for number in range(IMAGES):
            name = f"app/web{number}"
            image = registry.push_image(name, "1.0.0")
            engine.pull(image)
            engine.run(f"web{number}", image.reference)
            if check == "updates":
                registry.put_manifest(name, make(number), OCI.manifest, "1.0.0")
            elif check == "signatures,source":
                refer(registry, image, _BUNDLE, _BUNDLE, make(number))
            else:
                registry.fail(faults.body(make(number)), path=f"/{name}/tags/list$")
        print(engine.host, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve(sys.argv[1])
