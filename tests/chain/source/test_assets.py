"""Provenance by other projects and real tools, through the whole plugin: the verdicts of the READMEs beside them."""

import fcntl
import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from container_updates.demo.engine.kinds import CLASSIC
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.registry import attached
from container_updates.demo.registry.content import AMD64, OCI, PushedImage, PushedIndex
from container_updates.demo.registry.server import RegistryServer
from container_updates.model import Finding
from tests.support import paths
from tests.support.built import BUNDLE
from tests.support.lab import Lab, lab

ASSETS = paths.ASSETS / "signatures"
EXAMPLE = "https://github.com/slsa-framework/example-package"
GITHUB = "https://token.actions.githubusercontent.com"
MODULE = "sha256:06ce330900a7d6403bc8d88e5dfad6aeeb8ae40179f66bb89e69c8bf6f6b1a0b"
CUSTOM = "sha256:afa27b44d43b02a9fea41d13cedc2e4016cfcf87c5dbf990e593669aa8ce286d"
WHEEL = "sha256:49a3aa6075e0f49f82843e74b5baa614ad2a588e6675612bf108a0a008c5ac25"
AT_GITHUB = f'[[rule.signer]]\ntype = "keyless"\nissuer = "{GITHUB}"\nidentity = "https://github.com/**"'


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


def source(host: Lab, image: Any, rule: str | None = None) -> Finding:
    host.run("web", image)
    trust: tuple[str, ...] = ()
    if rule is not None:
        file = host.folder / "policy.toml"
        file.write_text(f'version = 1\n[[rule]]\nimages = ["**"]\n{rule}\n')
        trust = (str(file),)
    return host.check(checks=("source",), trust_policies=trust).finding("web", "source")


def slsa_generator(registry: RegistryServer, version: str) -> PushedIndex:
    """`cosign save` of an image: its index, and the tag `.att`."""
    folder = ASSETS / "cosign-classic-att" / version
    registry.load_oci_layout(folder, "slsa/example")
    index, attestations = (entry["digest"] for entry in json.loads((folder / "index.json").read_bytes())["manifests"])
    held = registry.repositories["slsa/example"]
    held.tags |= {"1": index, index.replace(":", "-") + ".att": attestations}
    body = held.manifests[index][0]
    (entry,) = (one for one in json.loads(body)["manifests"] if one["platform"]["os"] == "linux")
    manifest = json.loads(held.manifests[entry["digest"]][0])
    config = json.loads(held.blobs[manifest["config"]["digest"]])
    image = PushedImage(
        f"{registry.host}/slsa/example:1",
        entry["digest"],
        entry["mediaType"],
        entry["size"],
        manifest["config"]["digest"],
        AMD64,
        config["created"],
        config["config"]["Labels"],
        tuple(config["rootfs"]["diff_ids"]),
    )
    return PushedIndex(image.reference, index, OCI.index, len(body), (image,))


@pytest.mark.parametrize("version", ["v1.5.0", "v1.10.0", "v2.0.0"])
@pytest.mark.parametrize(
    "rule",
    [
        None,
        'source = ["https://github.com/slsa-framework/*"]\nprovenance = "required"\n[[rule.signer]]\ntype = "keyless"\n'
        f'issuer = "{GITHUB}"\nidentity = "https://github.com/slsa-framework/slsa-github-generator/**"',
    ],
    ids=["no-policy", "policy"],
)
def test_slsa_s_generator_proves_repository_commit_and_builder(host: Lab, version: str, rule: str | None) -> None:
    found = source(host, slsa_generator(host.registry, version), rule)
    assert found.code == "source-verified", found.message
    assert found.details["repository"] == EXAMPLE
    assert len(found.details["revision"]) == 40
    assert found.details["builder"].endswith(f"generator_container_slsa3.yml@refs/tags/{version}")
    assert found.details["link"] == f"{EXAMPLE}/tree/{found.details['revision']}"
    assert "label" in {claim["evidence"] for claim in found.details["claims"]}


@pytest.mark.parametrize("version", ["v1.10.0"])
def test_of_another_source_or_builder_than_allowed_it_is_a_mismatch(host: Lab, version: str) -> None:
    image = slsa_generator(host.registry, version)
    assert source(host, image, 'source = ["https://github.com/acme/*"]').code == "source-mismatch"
    host.engine.remove_container("web")
    assert source(host, image, 'builders = ["https://github.com/acme/**"]').code == "source-mismatch"


@pytest.mark.parametrize(
    ("name", "digest", "rule", "code"),
    [
        ("MODULE.bazel.intoto.jsonl", MODULE, None, "source-verified"),
        ("MODULE.bazel.intoto.jsonl", MODULE, AT_GITHUB, "source-verified"),
        ("MODULE-wrong-signer.bazel.intoto.jsonl", MODULE, None, "source-mismatch"),
        ("MODULE-wrong-signer.bazel.intoto.jsonl", MODULE, AT_GITHUB, "source-mismatch"),
        ("custom-issuer.sigstore.json", CUSTOM, None, "source-claimed"),
        ("custom-issuer.sigstore.json", CUSTOM, AT_GITHUB, "source-claimed"),
        ("custom-issuer.sigstore.json", CUSTOM, 'provenance = "required"', "unknown-source"),
        ("reusable-workflow-attestation.sigstore.json", WHEEL, None, "source-verified"),
    ],
)
def test_github_s_artifact_attestations(host: Lab, name: str, digest: str, rule: str | None, code: str) -> None:
    """What they are about is no image; its digest is all that the engine and an attestation need."""
    image = PushedImage(
        f"{host.registry.host}/app/web:1",
        digest,
        OCI.manifest,
        1,
        "sha256:" + "c" * 64,
        AMD64,
        "2026-01-01T00:00:00Z",
        {},
        (),
    )
    attached.refer(host.registry, image, BUNDLE, BUNDLE, (ASSETS / "sigstore-bundle" / "github" / name).read_bytes())
    found = source(host, image, rule)
    assert found.code == code, found.message
    if code == "source-mismatch":
        assert "aspect-build/rules_lint" in found.message
        assert "loosebazooka/aa-test" in found.message
    if rule is None and code == "source-verified":
        assert found.message.endswith(f": certified by {GITHUB}, first seen")
    if name.startswith("reusable"):
        assert found.details["repository"] == "https://github.com/malancas/attest-demo"


@pytest.mark.parametrize(("folder", "port", "api"), [("att-classic", 5101, False), ("att-bundle", 5102, True)])
def test_attestations_by_the_real_cosign(tmp_path: Path, folder: str, port: int, api: bool) -> None:
    # The assets name their registries by port, so one session at a time may listen there.
    with (Path(tempfile.gettempdir()) / "check_container_updates-tests-5101").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with RegistryServer(port=port, referrers_api=api) as registry, EngineServer(CLASSIC) as engine:
            host = Lab(engine, registry, tmp_path)
            tags = registry.load_oci_layout(ASSETS / "real-signers" / folder, f"real/{folder}")
            body, media_type = registry.repositories[f"real/{folder}"].manifests[tags["single"]]
            image = PushedImage(
                f"{registry.host}/real/{folder}:single",
                tags["single"],
                media_type,
                len(body),
                "sha256:" + hashlib.sha256(body).hexdigest(),
                AMD64,
                "2026-11-01T00:00:00Z",
                {},
                (),
            )
            key = ASSETS / "real-signers" / "keys" / "a.pub"
            found = source(host, image, f'[[rule.signer]]\ntype = "key"\nfile = "{key}"')
    assert found.code == "source-verified", found.message
    assert found.details["repository"] == "https://git.example.com/acme/app"
    assert found.details["builder"] == "https://ci.example.com/builder"
    assert found.details["revision"] == "9f3c0e5a6d1b4c2e8f7a6b5c4d3e2f1a0b9c8d7e"


@pytest.mark.parametrize(
    ("folder", "code"),
    [
        ("unsigned-index", "source-claimed"),
        ("no-provenance-index", "unknown-source"),
        ("unsigned-image", "unknown-source"),
    ],
)
def test_what_is_not_signed_is_never_verified(host: Lab, folder: str, code: str) -> None:
    """BuildKit's own: provenance of a git checkout, SBOM only, nothing."""
    layout = paths.ASSETS / "buildkit" / folder
    tags = host.registry.load_oci_layout(layout, "library/test-image")
    (digest,) = tags.values()
    held = host.registry.repositories["library/test-image"]
    held.tags["test"] = digest
    body, media_type = held.manifests[digest]
    image = _as_pulled(host.registry, digest)
    pulled = PushedIndex(image.reference, digest, media_type, len(body), (image,)) if media_type == OCI.index else image
    found = source(host, pulled)
    assert found.code == code
    if code == "source-claimed":
        assert found.details["repository"] == "https://github.com/docker/image-signer-verifier"
        assert found.details["evidence"] == "buildkit"


def _as_pulled(registry: RegistryServer, digest: str) -> PushedImage:
    held = registry.repositories["library/test-image"]
    document = json.loads(held.manifests[digest][0])
    if "manifests" in document:
        digest = next(one["digest"] for one in document["manifests"] if one["platform"]["architecture"] == "amd64")
        document = json.loads(held.manifests[digest][0])
    config = json.loads(held.blobs[document["config"]["digest"]])
    return PushedImage(
        f"{registry.host}/library/test-image:test",
        digest,
        OCI.manifest,
        len(held.manifests[digest][0]),
        document["config"]["digest"],
        AMD64,
        config["created"],
        {},
        tuple(config["rootfs"]["diff_ids"]),
    )
