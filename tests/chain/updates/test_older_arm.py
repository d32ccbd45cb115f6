"""An ARM image whose config does not say its variant is the one of its index that really runs."""

import json
from pathlib import Path

import pytest

from container_updates.demo.engine.kinds import CLASSIC, CONTAINERD, PODMAN, Kind
from container_updates.demo.registry.content import OCI, PushedImage, PushedIndex
from container_updates.model import Platform
from tests.support.lab import Lab, lab

ARM = Platform("linux", "arm")
KINDS = pytest.mark.parametrize("kind", [CLASSIC, CONTAINERD, PODMAN], ids=["classic", "containerd", "podman"])


def image(host: Lab, content: str) -> PushedImage:
    """One that says `arm` and no variant."""
    return host.registry.push_image("app/web", platform=ARM, layers=[content.encode()])


def publish(host: Lab, runs: str, **variants: PushedImage) -> PushedIndex:
    """An index that has images by their variants; an engine that pulls it runs the one of `runs`."""
    entries = [
        {
            "mediaType": OCI.manifest,
            "digest": one.digest,
            "size": one.size,
            "platform": {"os": "linux", "architecture": "arm", "variant": variant},
        }
        for variant, one in variants.items()
    ]
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI.index, "manifests": entries}).encode()
    digest = host.registry.put_manifest("app/web", body, OCI.index, "1")
    reference = f"{host.registry.host}/app/web:1"
    return PushedIndex(reference, digest, OCI.index, len(body), (variants[runs],))


@KINDS
@pytest.mark.parametrize("runs", ["v5", "v6", "v7"])
def test_another_variant_that_changed_is_no_update(tmp_path: Path, kind: Kind, runs: str) -> None:
    with lab(tmp_path, kind) as host:
        variants = {variant: image(host, variant) for variant in ("v5", "v6", "v7")}
        before = publish(host, runs, **variants)
        host.engine.pull(before, platform=ARM)
        host.engine.run("web", before.reference)
        others = {variant: image(host, f"new {variant}") for variant in variants if variant != runs}
        publish(host, runs, **{**variants, **others})
        assert host.check().codes == {"web": "up-to-date"}


@KINDS
@pytest.mark.parametrize("runs", ["v6", "v7"])
def test_the_running_variant_that_changed_is_one(tmp_path: Path, kind: Kind, runs: str) -> None:
    with lab(tmp_path, kind) as host:
        variants = {variant: image(host, variant) for variant in ("v6", "v7")}
        before = publish(host, runs, **variants)
        host.engine.pull(before, platform=ARM)
        host.engine.run("web", before.reference)
        publish(host, runs, **{**variants, runs: image(host, "new")})
        assert host.check().codes == {"web": "outdated"}
