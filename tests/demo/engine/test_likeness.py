"""The same scenarios as in the recordings, played on the embedded engine, have to give the same answers."""

import json
import re

import docker
import pytest

from container_updates.demo.engine.kinds import CLASSIC, CONTAINERD, PODMAN
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.registry.content import ARM64
from container_updates.demo.registry.server import RegistryServer
from tests.support import paths

ASSETS = paths.ASSETS / "engines"
CASES = {
    "docker-20.10-classic-store": (CLASSIC, "rec/"),
    "docker-29-containerd-store": (CONTAINERD, "rec/"),
    "podman-4.3": (PODMAN, "rec/p"),
}


def play(engine, registry, prefix, name_of_local):
    """What was done when the engines were recorded; returns the digests that the registry published."""
    single = registry.push_image(f"{prefix}single", "t", labels={"salt": "s"})
    amd64 = registry.push_image(f"{prefix}multi", labels={"salt": "m"})
    multi = registry.push_index(f"{prefix}multi", "t", [amd64, registry.push_image(f"{prefix}multi", platform=ARM64)])
    old = registry.push_image(f"{prefix}moved", "t", labels={"salt": "o"})
    by_digest = f"{registry.host}/{prefix}single@{single.digest}"
    for image in (single, multi, old):
        engine.pull(image)
    engine.build(name_of_local)
    for name, image in (("single", single), ("multi", multi), ("moved", old)):
        engine.run(name, image.reference)
    engine.run("local", name_of_local)
    if engine.kind is PODMAN:
        engine.run("pinned", by_digest)
    else:
        copy = f"{registry.host}/{prefix}copy:t"
        engine.pull(single, copy)
        engine.run("copy", copy)
        engine.run("byid", single.config_digest if engine.kind is CLASSIC else single.digest)
        engine.run("pinned", f"{single.reference}@{single.digest}")
        engine.run("digestonly", by_digest)
    new = registry.push_image(f"{prefix}moved", "t", labels={"salt": "n"})
    engine.pull(new)
    return {
        "single": single.digest,
        "multi": multi.digest,
        "multi-amd64": amd64.digest,
        "moved-old": old.digest,
        "moved-new": new.digest,
    }


def view(engine, published, host):
    """What matters of all answers, with digests and hosts replaced by what they stand for."""
    client = docker.APIClient(base_url=engine.host, version=engine.kind.api, timeout=5)
    containers = {entry["Names"][0][1:]: entry for entry in client.containers(all=True)}
    images = client.images()
    seen = {
        "containers": {
            name: [
                entry["Image"],
                entry["ImageID"],
                entry.get("ImageManifestDescriptor", {}).get("digest"),
                client.inspect_container(name)["Config"]["Image"],
            ]
            for name, entry in containers.items()
        },
        "images": [[image["Id"], names(image)] for image in images],
        "inspects": {
            name: names(client.inspect_image(containers[name]["ImageID"]))
            for name in ("single", "multi", "local", "moved")
        },
    }
    symbols = {digest: f"<{name}>" for name, digest in published.items()}
    for name in ("single", "multi", "local", "moved"):
        symbols.setdefault(containers[name]["ImageID"], f"<id of {name}>")
    text = json.dumps(seen, sort_keys=True).replace(host, "HOST")
    text = re.sub("sha256:[0-9a-f]{64}", lambda match: symbols.get(match[0], "<other>"), text)
    answer = json.loads(text)
    for _, texts in answer["images"]:
        for group in texts:
            (group or []).sort()
    answer["images"].sort(key=str)
    return answer


def names(image):
    return [image["RepoTags"], image["RepoDigests"]]


@pytest.mark.parametrize("case", CASES)
def test_the_embedded_engine_answers_as_the_recorded_one(case):
    kind, prefix = CASES[case]
    recorded = json.loads((ASSETS / f"{case}.json").read_text())
    recorded["published"].setdefault("multi-amd64", recorded["published"].get("amd64"))
    with EngineServer() as real, EngineServer(kind) as played, RegistryServer() as registry:
        real.load_recording(recorded)
        published = play(played, registry, prefix, "localhost/built:1" if kind is PODMAN else "local/built:1")
        expected = view(real, recorded["published"], "127.0.0.1:5101")
        found = view(played, published, registry.host)
        if kind is PODMAN:  # its image inspect was not recorded
            del expected["inspects"], found["inspects"]
    assert found == expected
