"""The signatures of other projects through the whole plugin, from registries with the referrers API and without it.

The right verdicts are those of the READMEs beside the assets (tests/assets/signatures).
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import cbor2
import pytest

from container_updates.demo.engine.kinds import CONTAINERD
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.registry.attached import beside, layer_of, refer
from container_updates.demo.registry.content import AMD64, ARM64, OCI, PushedImage
from container_updates.demo.registry.server import RegistryServer
from container_updates.model import Finding
from tests.support import forge, paths
from tests.support.lab import Lab
from tests.support.signed import BUNDLE, COSE, JWS, NOTATION, Signer

ASSETS = paths.ASSETS / "signatures"
ONLY = ("signatures",)
GITHUB = "https://token.actions.githubusercontent.com"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(params=[True, False], ids=["api", "no-api"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    with RegistryServer(referrers_api=request.param) as registry, EngineServer(CONTAINERD) as engine:
        yield Lab(engine, registry, tmp_path, time=datetime(2026, 11, 24, 4, tzinfo=UTC).timestamp())


def verdict(host: Lab, image: PushedImage, *, policy: str | None = None) -> Finding:
    """What the plugin says of a container of this image; `policy` is our TOML's signers, or a policy.json."""
    host.run("web", image)
    given: tuple[str, ...] = ()
    if policy is not None:
        file = host.folder / "policy"
        rule = 'version = 1\n[[rule]]\nimages = ["**"]\n'
        file.write_text(policy if policy.startswith("{") else f"{rule}[[rule.signer]]\n{policy}\n")
        given = (str(file),)
    return host.check(checks=ONLY, trust_policies=given).finding("web", "signatures")


def known_by(host: Lab, digest: str, media_type: str = OCI.manifest) -> PushedImage:
    """An image of which no more is known than the digest that a signature is for; its tag names it."""
    name = f"{host.registry.host}/app/web:1"
    config = "sha256:" + sha256(digest.encode()).hexdigest()
    return PushedImage(name, digest, media_type, 400, config, AMD64, "2026-01-01T00:00:00Z", {}, ())


def keyless(issuer: str, identity: str) -> str:
    return f'type = "keyless"\nissuer = "{issuer}"\nidentity = "{identity}"'


def by_key(name: str) -> str:
    return f'type = "key"\nfile = "{ASSETS / name}"'


def podman(repository: str, **requirement: Any) -> str:
    """A policy.json: these signatures are of another registry's name."""
    identity = {"type": "exactRepository", "dockerRepository": repository}
    return json.dumps({"default": [{"type": "sigstoreSigned", **requirement, "signedIdentity": identity}]})


def simple_signing(host: Lab, folder: str) -> PushedImage:
    """A `dir:` of containers/image, in the registry."""
    source = ASSETS / "cosign-classic-sig" / folder
    parsed = json.loads((source / "signature-1").read_bytes().partition(b"\n")[2])
    manifest = source / "manifest.json"
    if manifest.exists():
        digest = host.registry.put_manifest("app/web", manifest.read_bytes(), DOCKER_MANIFEST, "1")
        image = known_by(host, digest, DOCKER_MANIFEST)
    else:
        image = host.registry.push_image("app/web", "1")
    payload = base64.b64decode(parsed["payload"])
    beside(host.registry, image, [layer_of(host.registry, image, parsed["mimeType"], payload, parsed["annotations"])])
    return image


KEY = {"keyPath": str(ASSETS / "cosign-classic-sig" / "cosign.pub")}
KEY_2 = {"keyPath": str(ASSETS / "cosign-classic-sig" / "cosign2.pub")}
LOGGED = {"rekorPublicKeyPath": str(ASSETS / "cosign-classic-sig" / "rekor.pub")}
FULCIO = {
    "fulcio": {
        "caPath": str(ASSETS / "cosign-classic-sig" / "fulcio_v1.crt.pem"),
        "oidcIssuer": "https://github.com/login/oauth",
        "subjectEmail": "mitr@redhat.com",
    },
    **LOGGED,
}
KEY_1, FULCIO_1 = "192.168.64.2:5000/cosign-signed/key-1", "192.168.64.2:5000/cosign-signed/fulcio-rekor-1"
MITR = ("https://github.com/login/oauth", "mitr@redhat.com")
KUBEWARDEN = "oci/cosign-v3-sign-kubewarden.sigstore.json"
SAMPLE = "192.168.64.2:5000/cosign-signed-single-sample"


@pytest.mark.parametrize(
    ("folder", "policy", "code"),
    [
        ("dir-img-cosign-valid", podman(SAMPLE, **KEY), "signed"),
        ("dir-img-cosign-valid", podman(SAMPLE, **KEY_2), "unverifiable"),
        ("dir-img-cosign-valid", podman(SAMPLE, **KEY, **LOGGED), "unverifiable"),
        ("dir-img-cosign-valid", by_key("cosign-classic-sig/cosign.pub"), "signed"),
        ("dir-img-cosign-key-rekor-valid", podman(KEY_1, **KEY_2), "signed"),
        ("dir-img-cosign-key-rekor-valid", podman(KEY_1, **KEY_2, **LOGGED), "signed"),
        ("dir-img-cosign-key-rekor-valid", podman(KEY_1, **KEY), "unverifiable"),
        ("dir-img-cosign-fulcio-rekor-valid", podman(FULCIO_1, **FULCIO), "signed"),
        ("dir-img-cosign-fulcio-rekor-valid", keyless(*MITR), "signed"),
        ("dir-img-cosign-modified-manifest", podman(SAMPLE, **KEY), "invalid-signature"),
        ("dir-img-cosign-no-manifest", podman(SAMPLE, **KEY), "invalid-signature"),
        ("dir-img-cosign-other-attachment", podman(SAMPLE, **KEY), "unsigned"),
    ],
)  # fmt: skip
def test_classic_signatures_of_containers_image(host: Lab, folder: str, policy: str, code: str) -> None:
    found = verdict(host, simple_signing(host, folder), policy=policy)
    assert found.code == code, found


@pytest.mark.parametrize("version", ["v1.5.0", "v1.10.0", "v2.0.0"])
def test_classic_attestations_are_no_signature(host: Lab, version: str) -> None:
    layout = ASSETS / "cosign-classic-att" / version
    index, attestation = (entry["digest"] for entry in json.loads((layout / "index.json").read_bytes())["manifests"])
    host.registry.load_oci_layout(layout, "app/web")
    host.registry.retag("app/web", "1", index)
    host.registry.retag("app/web", f"{index.replace(':', '-')}.att", attestation)
    image = known_by(host, index, OCI.index)
    identity = "https://github.com/slsa-framework/slsa-github-generator/**"
    assert verdict(host, image, policy=keyless(GITHUB, identity)).code == "unsigned"


@pytest.mark.parametrize(
    ("name", "identity", "code"),
    [
        (KUBEWARDEN, "https://github.com/kubewarden/kubewarden-controller/**", "signed"),
        (KUBEWARDEN, "https://github.com/kubewarden/kubewarden", "unverifiable"),
        ("oci/cosign-attest.sigstore.json", "https://github.com/**", "unsigned"),
        ("github/MODULE.bazel.intoto.jsonl", "https://github.com/**", "unsigned"),
        ("github/MODULE-wrong-signer.bazel.intoto.jsonl", "https://github.com/**", "unsigned"),
        ("github/custom-issuer.sigstore.json", "https://github.com/**", "unsigned"),
        ("github/reusable-workflow-attestation.sigstore.json", "https://github.com/**", "unsigned"),
    ],
)  # fmt: skip
def test_keyless_bundles(host: Lab, name: str, identity: str, code: str) -> None:
    body = (ASSETS / "sigstore-bundle" / name).read_bytes()
    payload = json.loads(base64.b64decode(json.loads(body)["dsseEnvelope"]["payload"]))
    image = known_by(host, f"sha256:{payload['subject'][0]['digest']['sha256']}")
    refer(host.registry, image, BUNDLE, BUNDLE, body)
    found = verdict(host, image, policy=keyless(GITHUB, identity))
    assert found.code == code, found


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ca_valid_sig_env.json", "signed"),
        ("ca_expired_sig_env.json", "invalid-signature"),
        ("ca_invalid_sig_env.json", "invalid-signature"),
        ("ca_plugin_sig_env.json", "invalid-signature"),
        ("malformed.jws.sig", "invalid-signature"),
        ("cose_signature.sig", "signed"),
    ],
)
def test_envelopes_of_notation(host: Lab, name: str, code: str) -> None:
    body = (ASSETS / "notation" / "envelopes" / name).read_bytes()
    good = (ASSETS / "notation" / "envelopes" / "ca_valid_sig_env.json").read_bytes()
    if name.startswith("cose"):
        _, unprotected, payload, _ = cbor2.loads(body).value
        certificate = unprotected[33][-1] if isinstance(unprotected[33], list | tuple) else unprotected[33]
    else:
        envelope = json.loads(good)
        payload = base64.urlsafe_b64decode(envelope["payload"] + "==")
        certificate = base64.b64decode(envelope["header"]["x5c"][-1])
    (host.folder / "ca.crt").write_bytes(certificate)
    image = known_by(host, json.loads(payload)["targetArtifact"]["digest"])
    refer(host.registry, image, NOTATION, COSE if name.startswith("cose") else JWS, body)
    found = verdict(host, image, policy=f'type = "notation"\nca = "{host.folder / "ca.crt"}"')
    assert found.code == code, found


@pytest.mark.parametrize("folder", ["unsigned-index", "no-provenance-index", "unsigned-image"])
def test_attestations_of_buildkit_are_no_signature(host: Lab, folder: str) -> None:
    tags = host.registry.load_oci_layout(ASSETS / "buildkit" / folder, "app/web")
    image = known_by(host, tags["test"], host.registry.repositories["app/web"].manifests[tags["test"]][1])
    host.registry.retag("app/web", "1", image.digest)
    assert verdict(host, image).code == "unsigned"


def test_referrers_of_every_other_kind_are_no_signature(host: Lab) -> None:
    """Among them a tag in place of the API that is a plain image, artifacts in a circle, and an index of artifacts."""
    tags = host.registry.load_oci_layout(ASSETS / "referrers" / "testrepo", "app/web")
    found = {}
    for tag, digest in tags.items():
        if tag.startswith("sha256-"):
            continue
        image = known_by(host, digest, host.registry.repositories["app/web"].manifests[digest][1])
        host.registry.retag("app/web", "1", digest)
        host.run("web", image)
        found[tag] = host.check(checks=ONLY).finding("web", "signatures")
        host.engine.remove_container("web")
    assert {tag: one.code for tag, one in found.items()} == dict.fromkeys(found, "unsigned"), found
    assert {"mirror", "loop", "child"} <= set(found)


# Cases that real registries could have, with keys of our own.


@pytest.fixture
def signer(host: Lab) -> Signer:
    return Signer(host.registry)


@pytest.fixture
def image(host: Lab) -> PushedImage:
    return host.registry.push_image("app/web", "1")


def signed_by(host: Lab, signer: Signer, image: PushedImage) -> Finding:
    host.run("web", image)
    policies = (str(signer.policy(host.folder)),)
    return host.check(checks=ONLY, trust_policies=policies).finding("web", "signatures")


def test_attestations_alone_are_no_signature(host: Lab, signer: Signer, image: PushedImage) -> None:
    statement = forge.statement(image.digest, "https://slsa.dev/provenance/v1")
    body = forge.key_bundle(signer.key, forge.dsse(signer.key, statement))
    refer(host.registry, image, BUNDLE, BUNDLE, body)
    envelope = json.dumps(forge.dsse(signer.key, statement)).encode()
    layer = layer_of(host.registry, image, "application/vnd.dsse.envelope.v1+json", envelope)
    beside(host.registry, image, [layer], "att")
    beside(host.registry, image, [layer])
    assert signed_by(host, signer, image).code == "unsigned"


def test_several_bundles_in_one_manifest_and_in_several(host: Lab, signer: Signer, image: PushedImage) -> None:
    stranger = Signer(host.registry)
    stranger.bundle(image)
    attestation = forge.dsse(signer.key, forge.statement(image.digest, "https://slsa.dev/provenance/v1"))
    refer(host.registry, image, BUNDLE, BUNDLE, forge.key_bundle(signer.key, attestation))
    refer(host.registry, image, BUNDLE, BUNDLE, b"{}")
    assert signed_by(host, signer, image).code == "unverifiable"
    signer.bundle(image)
    host.engine.remove_container("web")
    found = signed_by(host, signer, image)
    assert found.code == "signed"
    assert len(found.details["signatures"]) == 3, "the good one, the stranger's and the broken one"


@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3"])
def test_bundles_of_every_version_by_a_key(host: Lab, signer: Signer, image: PushedImage, version: str) -> None:
    media_type = f"application/vnd.dev.sigstore.bundle+json;version={version}"
    body = json.loads(forge.key_bundle(signer.key, forge.dsse(signer.key, forge.statement(image.digest))))
    refer(host.registry, image, media_type, media_type, json.dumps({**body, "mediaType": media_type}).encode())
    assert signed_by(host, signer, image).code == "signed"


def test_a_bundle_that_signs_the_manifest_itself(host: Lab, signer: Signer, image: PushedImage) -> None:
    manifest = host.registry.repositories["app/web"].manifests[image.digest][0]
    message = {
        "messageDigest": {"algorithm": "SHA2_256", "digest": forge.b64(sha256(manifest).digest())},
        "signature": forge.b64(forge.sign(signer.key, manifest)),
    }
    material = {"publicKey": {"hint": ""}}
    bundle = {"mediaType": BUNDLE, "verificationMaterial": material, "messageSignature": message}
    refer(host.registry, image, BUNDLE, BUNDLE, json.dumps(bundle).encode())
    assert signed_by(host, signer, image).code == "signed"


def test_a_classic_signature_with_certificate_chain_and_timestamp_by_nobody_known(
    host: Lab, signer: Signer, image: PushedImage
) -> None:
    """All that comes along is its maker's own: nothing of it is believed."""
    instance = forge.Instance()
    name = f"{host.registry.host}/app/web"
    payload, annotations = forge.keyless_signed(
        instance, instance.certificate(), forge.simple_payload(image.digest, name)
    )
    chain = [instance.ca, instance.root_ca]
    pem = "".join(one.certificate.public_bytes(forge.Encoding.PEM).decode() for one in chain)
    stamp = json.dumps({"SignedRFC3161Timestamp": forge.b64(b"0\x00")})
    annotations |= {"dev.sigstore.cosign/chain": pem, "dev.sigstore.cosign/rfc3161timestamp": stamp}
    beside(host.registry, image, [layer_of(host.registry, image, forge.SIMPLE, payload, annotations)])
    found = signed_by(host, signer, image)
    assert found.code == "unverifiable", found
    assert "no root here knows" in found.message


def test_a_signature_beside_an_index_that_only_claims_to_list_what_runs(host: Lab, signer: Signer) -> None:
    """The tag names an index today that lists another image for this platform: its signature is not this one's."""
    running = host.registry.push_image("app/web", "1")
    other = host.registry.push_image("app/web", created="2026-11-20T00:00:00Z")
    host.run("web", running)
    index = host.registry.push_index("app/web", "1", [other])
    signer.bundle(index)
    policies = (str(signer.policy(host.folder)),)
    assert host.check(checks=ONLY, trust_policies=policies).finding("web", "signatures").code == "unsigned"
    host.registry.push_index("app/web", "1", [running])
    signer.bundle(host.registry.push_index("app/web", "1", [running]))
    assert host.check(checks=ONLY, trust_policies=policies).finding("web", "signatures").code == "signed"


def test_a_signature_of_another_platform_s_image_is_not_this_one_s(host: Lab, signer: Signer) -> None:
    """Both are in the index that runs; only what runs here counts, or the index as a whole."""
    other = host.registry.push_image("app/web", platform=ARM64)
    running = host.registry.push_image("app/web", platform=AMD64)
    index = host.registry.push_index("app/web", "1", [other, running])
    signer.bundle(other)
    assert signed_by(host, signer, index).code == "unsigned"
    signer.bundle(running)
    host.engine.remove_container("web")
    assert signed_by(host, signer, index).code == "signed"
