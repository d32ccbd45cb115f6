"""What other projects and the real tools signed, through the whole plugin: engine, registry, policy, finding.

The right verdicts are those of the READMEs beside the assets (tests/assets/signatures).
"""

import base64
import fcntl
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from container_updates.demo import faults
from container_updates.demo.engine.kinds import CLASSIC, CONTAINERD
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.http import json_response
from container_updates.demo.registry.attached import beside, layer_of, refer
from container_updates.demo.registry.content import AMD64, OCI, PushedImage
from container_updates.demo.registry.server import RegistryServer
from container_updates.errors import PolicyError
from container_updates.model import State, Verdict
from tests.support import bundles, forge, paths
from tests.support.lab import Checked, Lab, lab
from tests.support.paths import ROOT
from tests.support.signed import BUNDLE, Signer

ASSETS = paths.ASSETS / "signatures"
KEYS = ASSETS / "real-signers" / "keys"
SIGNED = datetime(2026, 11, 24, 9, 0, tzinfo=UTC).timestamp()
"""While the short-lived certificates among the assets were valid."""
ONLY = ("signatures",)

A, B, RSA, P384, ED = ("a.pub", "b.pub", "rsa.pub", "p384.pub", "ed.pub")
ACME, OTHER, NOTATION_RSA = ("notation-acme-ca.crt", "notation-other-ca.crt", "notation-rsa.crt")
REAL = [
    ("classic-p256", "single", A, "signed"),
    ("classic-p256", "single", B, "unverifiable"),
    ("classic-p256", "single", None, "unverifiable"),
    ("classic-rsa", "single", RSA, "signed"),
    ("classic-two", "single", A, "signed"),
    ("classic-two", "single", B, "signed"),
    ("classic-index", "multi", A, "signed"),
    ("classic-p384", "single", P384, "signed"),
    ("classic-ed25519", "single", ED, "signed"),
    ("classic-moved", "single", A, "invalid-signature"),
    ("bundle-key-tag", "single", A, "signed"),
    ("bundle-key-api", "single", A, "signed"),
    ("bundle-key-api", "single", B, "unverifiable"),
    ("bundle-index", "multi", A, "signed"),
    ("att-classic", "single", A, "unsigned"),
    ("att-bundle", "single", A, "unsigned"),
    ("notation-jws-rsa", "single", NOTATION_RSA, "signed"),
    ("notation-cose-ec", "single", ACME, "signed"),
    ("notation-cose-ec", "single", OTHER, "unverifiable"),
    ("notation-expired", "single", ACME, "invalid-signature"),
    ("notation-index", "multi", ACME, "signed"),
]


ONLY_LISTED = {"bundle-key-api", "bundle-index"}
"""Pushed to a registry with the referrers API: without it nothing leads to the signature."""


@pytest.fixture(scope="module")
def alone() -> Iterator[None]:
    """The assets name their registries by port, so one session at a time may listen there."""
    with (Path(tempfile.gettempdir()) / "check_container_updates-tests-5101").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(params=[CLASSIC, CONTAINERD], ids=["classic", "containerd"])
def engine(request: pytest.FixtureRequest) -> Iterator[EngineServer]:
    with EngineServer(request.param) as started:
        yield started


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        started.time = SIGNED
        yield started


def policy(folder: Path, signer: str | None, images: str = "**") -> tuple[str, ...]:
    """A policy that names one signer by its file, or none at all."""
    if signer is None:
        return ()
    kind, member = ("notation", "ca") if signer.endswith(".crt") else ("key", "file")
    named = f'type = "{kind}"\n{member} = "{KEYS / signer}"'
    file = folder / "policy.toml"
    file.write_text(f'version = 1\n[[rule]]\nimages = ["{images}"]\n[[rule.signer]]\n{named}\n')
    return (str(file),)


def pulled(registry: RegistryServer, repository: str, tag: str, digest: str) -> PushedImage:
    """As the engine is told of an image that a layout brought into the registry."""
    body, media_type = registry.repositories[repository].manifests[digest]
    return PushedImage(
        reference=f"{registry.host}/{repository}:{tag}",
        digest=digest,
        media_type=media_type,
        size=len(body),
        config_digest="sha256:" + sha256(digest.encode()).hexdigest(),
        platform=AMD64,
        created="2026-11-23T00:00:00Z",
        labels={},
        layers=(),
    )


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("referrers_api", [True, False], ids=["api", "no-api"])
@pytest.mark.parametrize(("folder", "tag", "signer", "code"), REAL, ids=[f"{case[0]}-{case[2]}" for case in REAL])
def test_what_the_real_tools_signed(
    engine: EngineServer, tmp_path: Path, referrers_api: bool, folder: str, tag: str, signer: str | None, code: str
) -> None:
    layout = ASSETS / "real-signers" / folder
    port = 5101 if folder.startswith(("classic", "att-classic", "bundle-key-tag")) else 5102
    if not referrers_api and folder in ONLY_LISTED:
        code = "unsigned"
    with RegistryServer(port=port, referrers_api=referrers_api) as registry:
        repository = f"real/{folder}"
        tags = registry.load_oci_layout(layout, repository)
        image = pulled(registry, repository, tag, tags[tag])
        host = Lab(engine, registry, tmp_path, time=SIGNED)
        host.run("web", image)
        checked = host.check(checks=ONLY, trust_policies=policy(tmp_path, signer))
    finding = checked.finding("web", "signatures")
    assert finding.code == code, finding
    assert finding.message.startswith(image.reference)


def test_nothing_there_is_unsigned_and_costs_five_requests_at_most(host: Lab) -> None:
    images = [host.registry.push_image("app/web", platform=AMD64)]
    host.run("web", host.registry.push_index("app/web", "1", images))
    checked = host.check(checks=ONLY, no_cache=False)
    assert checked.finding("web", "signatures").code == "unsigned"
    assert checked.outcome.state is State.WARNING
    assert len(host.registry.requests()) == 5
    again = host.check(checks=ONLY, no_cache=False)
    assert again.finding("web", "signatures").code == "unsigned"
    assert len(host.registry.requests()) == 5


def test_without_the_referrers_api_that_is_learnt_once(tmp_path: Path) -> None:
    with RegistryServer(referrers_api=False) as registry, EngineServer(CLASSIC) as engine:
        host = Lab(engine, registry, tmp_path)
        for name in ("one", "two", "three"):
            host.run(name, registry.push_image(f"app/{name}", "1"))
        codes = {host.check(checks=ONLY, jobs=1).finding(name, "signatures").code for name in ("one", "two", "three")}
        assert codes == {"unsigned"}
        first = registry.requests(path="/referrers/")
        assert len(first) <= 3
        host.check(checks=ONLY, no_cache=False, jobs=1)
        asked = len(registry.requests(path="/referrers/"))
        host.time += 3600
        host.check(checks=ONLY, no_cache=False, jobs=1)
        assert len(registry.requests(path="/referrers/")) == asked


@pytest.mark.parametrize("path", ["/referrers/", r"\.sig$"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.status(403, "DENIED"), "unauthorized"),
        (faults.status(500), "unreachable"),
        (faults.html(), "bad-answer"),
    ],
    ids=["denied", "broken", "html"],
)
def test_no_answer_is_never_unsigned(host: Lab, path: str, fault: faults.Fault, code: str) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    host.registry.fail(fault, path=path)
    checked = host.check(checks=ONLY)
    assert checked.finding("web", "signatures").code == code
    assert checked.outcome.state is State.UNKNOWN


@pytest.mark.parametrize("status", [400, 410])
@pytest.mark.parametrize("path", ["/referrers/", r"\.sig$"])
def test_a_status_that_means_nothing_here_is_never_unsigned(host: Lab, path: str, status: int) -> None:
    """Not even where its body is a list of referrers that is right and empty."""
    image = host.registry.push_image("app/web", "1")
    nothing = {"schemaVersion": 2, "mediaType": OCI.index, "manifests": []}
    host.registry.fail(lambda request, answer: json_response(nothing, status), path=path)
    host.run("web", image)
    checked = host.check(checks=ONLY)
    assert checked.finding("web", "signatures").code == "bad-answer"
    assert checked.outcome.state is State.UNKNOWN


def test_a_local_build_is_asked_nowhere(host: Lab) -> None:
    host.engine.build(f"{host.registry.host}/app/own:dev")
    host.engine.run("own", f"{host.registry.host}/app/own:dev")
    assert host.check(checks=ONLY).finding("own", "signatures").code == "local-build"
    assert host.registry.requests() == []


def test_what_the_admin_accepts_is_asked_nowhere(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    file = host.folder / "policy.toml"
    file.write_text('version = 1\n[[rule]]\nimages = ["**"]\nsignatures = "accepted"\n')
    checked = host.check(checks=ONLY, trust_policies=(str(file),))
    assert checked.finding("web", "signatures").code == "accepted"
    assert host.registry.requests() == []


def test_a_referrer_that_is_about_another_image_is_not_this_one_s(host: Lab) -> None:
    image = host.registry.push_image("app/web", "1")
    other = host.registry.push_image("app/web", "2", created="2026-01-01T00:00:00Z")
    bundle = (ASSETS / "sigstore-bundle" / "oci" / "cosign-v3-sign-kubewarden.sigstore.json").read_bytes()
    refer(host.registry, other, BUNDLE, BUNDLE, bundle)
    listed = host.registry.repositories["app/web"].referrers
    listed[image.digest] = listed[other.digest]  # a listing is a hint, and this one is wrong
    host.run("web", image)
    assert host.check(checks=ONLY).finding("web", "signatures").code == "unsigned"


def test_a_keyless_signature_of_another_image_beside_this_one_is_invalid(host: Lab) -> None:
    image = host.registry.push_image("app/web", "1")
    bundle = (ASSETS / "sigstore-bundle" / "oci" / "cosign-v3-sign-kubewarden.sigstore.json").read_bytes()
    refer(host.registry, image, BUNDLE, BUNDLE, bundle)
    host.run("web", image)
    assert host.check(checks=ONLY).finding("web", "signatures").code == "invalid-signature"


def test_a_keyless_signature_is_the_signer_s_whom_the_policy_names(host: Lab) -> None:
    """The image itself is not among the assets: its digest is all that the engine and a signature need."""
    digest = "sha256:c811d58de79c92f03214e63aa339484e488d694ae8a6283b5f3f17a9faf50172"
    bundle = (ASSETS / "sigstore-bundle" / "oci" / "cosign-v3-sign-kubewarden.sigstore.json").read_bytes()
    image = PushedImage(
        f"{host.registry.host}/app/web:1",
        digest,
        OCI.manifest,
        400,
        "sha256:" + "c" * 64,
        AMD64,
        "2026-01-01T00:00:00Z",
        {},
        (),
    )
    refer(host.registry, image, BUNDLE, BUNDLE, bundle)
    host.run("web", image)
    unnamed = host.check(checks=ONLY).finding("web", "signatures")
    assert unnamed.code == "unverifiable"
    assert "kubewarden-controller" in unnamed.message
    file = host.folder / "policy.toml"
    rule = (
        'version = 1\n[[rule]]\nimages = ["**"]\n[[rule.signer]]\ntype = "keyless"\n'
        'issuer = "https://token.actions.githubusercontent.com"\n'
        'identity = "https://github.com/kubewarden/kubewarden-controller/.github/workflows/release.yml@refs/tags/*"\n'
    )
    file.write_text(rule)
    named = host.check(checks=ONLY, trust_policies=(str(file),)).finding("web", "signatures")
    assert named.code == "signed"
    file.write_text(rule.replace("kubewarden-controller", "another"))
    assert host.check(checks=ONLY, trust_policies=(str(file),)).finding("web", "signatures").code == "unverifiable"


@pytest.mark.parametrize(
    ("folder", "signer", "code"),
    [
        ("dir-img-cosign-valid", "cosign.pub", "signed"),
        ("dir-img-cosign-valid", "cosign2.pub", "unverifiable"),
        ("dir-img-cosign-modified-manifest", "cosign.pub", "invalid-signature"),
        ("dir-img-cosign-other-attachment", "cosign.pub", "unsigned"),
    ],
)
def test_cosign_s_classic_signatures_of_another_project(host: Lab, folder: str, signer: str, code: str) -> None:
    parsed = json.loads((ASSETS / "cosign-classic-sig" / folder / "signature-1").read_bytes().partition(b"\n")[2])
    body = (ASSETS / "cosign-classic-sig" / folder / "manifest.json").read_bytes()
    payload = base64.b64decode(parsed["payload"])
    digest = host.registry.put_manifest("app/web", body, "application/vnd.docker.distribution.manifest.v2+json", "1")
    image = pulled(host.registry, "app/web", "1", digest)
    beside(host.registry, image, [layer_of(host.registry, image, parsed["mimeType"], payload, parsed["annotations"])])
    host.run("web", image)
    file = host.folder / "policy.json"
    key = str(ASSETS / "cosign-classic-sig" / signer)
    identity = {"type": "exactRepository", "dockerRepository": "192.168.64.2:5000/cosign-signed-single-sample"}
    requirement = {"type": "sigstoreSigned", "keyPath": key, "signedIdentity": identity}
    file.write_text(json.dumps({"default": [requirement]}))
    found = host.check(checks=ONLY, trust_policies=(str(file),)).finding("web", "signatures")
    assert found.code == code, found


@pytest.mark.parametrize(
    ("folder", "code"),
    [
        ("e2e", "unsigned"),
        ("e2e-valid-signature", "signed"),
        ("e2e-valid-multiple-signatures", "signed"),
        ("e2e-expired-signature", "invalid-signature"),
        ("e2e-invalid-signature", "invalid-signature"),
    ],
)
def test_notation_s_own_layouts(host: Lab, folder: str, code: str) -> None:
    host.registry.load_oci_layout(ASSETS / "notation" / "oci_layout" / folder, "app/web")
    known = host.registry.repositories["app/web"].manifests
    digest = next(digest for digest in known if digest.startswith("sha256:b8479de3"))
    host.registry.retag("app/web", "1", digest)
    host.run("web", pulled(host.registry, "app/web", "1", digest))
    file = host.folder / "policy.toml"
    ca = ASSETS / "notation" / "certs" / "e2e.crt"
    file.write_text(f'version = 1\n[[rule]]\nimages = ["**"]\n[[rule.signer]]\ntype = "notation"\nca = "{ca}"\n')
    found = host.check(checks=ONLY, trust_policies=(str(file),)).finding("web", "signatures")
    assert found.code == code, found


def test_a_broken_policy_ends_the_check_before_any_request(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    file = host.folder / "policy.toml"
    file.write_text("version = 1\n[[rule]]\nimages = []\n")
    with pytest.raises(PolicyError, match=r"policy\.toml"):
        host.check(checks=ONLY, trust_policies=(str(file),))
    assert host.engine.requests() == []


def test_more_signatures_than_are_looked_at_are_counted(host: Lab) -> None:
    image = host.registry.push_image("app/web", "1")
    layer = layer_of(host.registry, image, forge.SIMPLE, b"{}")
    beside(host.registry, image, [layer] * 130)
    host.run("web", image)
    finding = host.check(checks=ONLY).finding("web", "signatures")
    assert finding.details["signatures_not_looked_at"] == 30
    assert len(finding.details["signatures"]) == 100


def test_nothing_of_cryptography_is_loaded_where_nothing_is_signed(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    argv = [f"--host={host.engine.host}", "--check=signatures", f"--state-dir={host.folder}/s"]
    script = f"import sys; from container_updates import cli; cli.main({argv!r}, {{}})\n"
    script += "print([*{'cryptography', 'sigstore', 'cbor2', 'joserfc'} & {*sys.modules}])"
    root = ROOT
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=root)
    assert "1 unsigned" in done.stdout or "unsigned" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def copied(host: Lab, key: Any, *names: str) -> PushedImage:
    """An image with signatures for other names: as the registry that it was copied from, or was built for, has it."""
    image = host.registry.push_image("mirror/app", "1")
    layers = [
        layer_of(host.registry, image, forge.SIMPLE, *forge.key_signed(key, forge.simple_payload(image.digest, name)))
        for name in names
    ]
    beside(host.registry, image, layers)
    host.run("app", image)
    return image


def test_an_image_copied_with_its_signature_is_signed_by_the_key_that_is_named(host: Lab) -> None:
    signer = Signer(host.registry)
    copied(host, signer.key, "ghcr.io/acme/app", "registry.redhat.io/acme/app")
    found = host.check(checks=ONLY, trust_policies=(str(signer.policy(host.folder)),)).finding("app", "signatures")
    assert found.code == "signed"
    assert "signed as ghcr.io/acme/app" in found.message
    assert found.details["signatures"][0]["signed_as"] == "ghcr.io/acme/app"


def test_a_copied_signature_that_nobody_is_named_for_is_unverifiable(host: Lab) -> None:
    copied(host, Signer(host.registry).key, "ghcr.io/acme/app", "registry.redhat.io/acme/app")
    named = str(Signer(host.registry).policy(host.folder))
    for policies in ((), (named,)):
        checked = host.check(checks=ONLY, trust_policies=policies)
        assert checked.finding("app", "signatures").code == "unverifiable"
        assert checked.outcome.state is State.WARNING


def test_where_the_name_is_demanded_one_signature_under_it_is_enough(host: Lab) -> None:
    signer = Signer(host.registry)
    copied(host, signer.key, "ghcr.io/acme/app", f"{host.registry.host}/mirror/app")
    file = signer.policy(host.folder)

    def code(name: str) -> str:
        rule = f'version = 1\n[[rule]]\nimages = ["**"]\nsigned-as = "{name}"\n'
        file.write_text(f'{rule}[[rule.signer]]\ntype = "key"\nfile = "signer.pub"\n')
        return host.check(checks=ONLY, trust_policies=(str(file),)).finding("app", "signatures").code

    assert [code("here"), code("ghcr.io/acme/*"), code("quay.io/**")] == ["signed", "signed", "invalid-signature"]


REFUSALS = {
    "400": faults.status(400),
    "403": faults.status(403, "DENIED"),
    "406": faults.status(406),
    "500": faults.status(500),
    "html": faults.html(),
}


@pytest.mark.parametrize("fault", REFUSALS.values(), ids=REFUSALS.keys())
def test_where_the_referrers_api_fails_a_good_signature_under_its_tag_is_enough(host: Lab, fault: Any) -> None:
    signer = Signer(host.registry)
    for name in ("classic", "notation"):
        image = host.registry.push_image(f"app/{name}", "1")
        getattr(signer, name)(image)
        host.run(name, image)
    listed = host.registry.repositories["app/notation"].referrers
    [(digest, entries)] = listed.items()
    index = {"schemaVersion": 2, "mediaType": OCI.index, "manifests": entries}
    host.registry.put_manifest("app/notation", json.dumps(index).encode(), OCI.index, digest.replace(":", "-"))
    host.run("bare", host.registry.push_image("app/bare", "1"))
    host.registry.fail(fault, path="/referrers/")
    checked = host.check(checks=ONLY, trust_policies=(str(signer.policy(host.folder)),))
    assert checked.finding("classic", "signatures").code == "signed"
    assert checked.finding("notation", "signatures").code == "signed"
    assert checked.finding("bare", "signatures").verdict is Verdict.INCONCLUSIVE
    assert host.check(checks=ONLY).finding("classic", "signatures").verdict is Verdict.INCONCLUSIVE


def test_a_good_signature_is_enough_whatever_the_other_listings_answer(host: Lab) -> None:
    signer = Signer(host.registry)
    image = host.registry.push_image("app/web", "1")
    signer.bundle(image)
    host.run("web", image)
    host.registry.fail(faults.status(500), path=r"\.sig$")
    policies = (str(signer.policy(host.folder)),)
    assert host.check(checks=ONLY, trust_policies=policies).finding("web", "signatures").code == "signed"
    assert host.check(checks=ONLY).finding("web", "signatures").code == "unreachable"


def attached(host: Lab, image: PushedImage, count: int, artifact_type: str, media_type: str) -> None:
    """As many attachments of one kind, each another one."""
    for number in range(count):
        refer(host.registry, image, artifact_type, media_type, json.dumps({"scan": number}).encode())


@pytest.mark.parametrize(
    "artifact_type", ["application/spdx+json", "application/sarif+json", "application/vnd.acme.scan"]
)
def test_a_signature_behind_hundreds_of_scans_is_found(host: Lab, artifact_type: str) -> None:
    signer = Signer(host.registry)
    image = host.registry.push_image("app/web", "1")
    attached(host, image, 201, artifact_type, "application/json")
    signer.notation(image)
    host.run("web", image)
    policies = (str(signer.policy(host.folder)),)
    assert host.check(checks=ONLY, trust_policies=policies).finding("web", "signatures").code == "signed"


def test_a_signature_behind_hundreds_of_attestations_as_bundles_is_found_by_what_the_listing_says(host: Lab) -> None:
    signer = Signer(host.registry)
    image = host.registry.push_image("app/web", "1")
    attached(host, image, 201, BUNDLE, BUNDLE)
    for entry in host.registry.repositories["app/web"].referrers[image.digest]:
        entry["annotations"] = {"dev.sigstore.bundle.predicateType": "https://spdx.dev/Document"}
    signer.bundle(image)
    host.run("web", image)
    policies = (str(signer.policy(host.folder)),)
    assert host.check(checks=ONLY, trust_policies=policies).finding("web", "signatures").code == "signed"


def test_more_attachments_than_are_looked_at_are_counted_and_never_unsigned(host: Lab) -> None:
    image = host.registry.push_image("app/web", "1")
    attached(host, image, 203, "application/vnd.acme.scan", "application/json")
    host.run("web", image)
    found = host.check(checks=ONLY).finding("web", "signatures")
    assert found.code == "unverifiable"
    assert found.details["signatures_not_looked_at"] == 3
    assert "3 attachments" in found.message


def of_an_sbom(key: Any, image: PushedImage) -> list[bytes]:
    """Bundles of cosign sign-blob and of others over an SBOM, attached to an image that it is about."""
    said = json.loads(forge.key_bundle(key, forge.dsse(key, {"SPDXID": "x"}, "application/spdx+json")))
    return [
        json.dumps(said).encode(),
        bundles.bundle(bundles.public_key(key), message=bundles.over_manifest(key, "sha256:" + "5b" * 32)),
    ]


def test_bundles_over_an_sbom_beside_an_image_are_ignored_and_counted(host: Lab) -> None:
    signer = Signer(host.registry)
    image = host.registry.push_image("app/web", "1")
    for bundle in of_an_sbom(signer.key, image):
        refer(host.registry, image, BUNDLE, BUNDLE, bundle)
    host.run("web", image)
    policies = (str(signer.policy(host.folder)),)
    found = host.check(checks=ONLY, trust_policies=policies).finding("web", "signatures")
    assert (found.code, found.details["signing_something_else"]) == ("unsigned", 2)
    assert "not signed, though 2 attached bundles sign something else" in found.message
    signer.bundle(image)
    found = host.check(checks=ONLY, trust_policies=policies, no_cache=True).finding("web", "signatures")
    assert (found.code, found.details["signing_something_else"]) == ("signed", 2)


def in_another_repository(host: Lab, signer: Signer, image: PushedImage, repository: str) -> None:
    """The signature as `cosign sign` puts it with COSIGN_REPOSITORY."""
    payload, annotations = forge.key_signed(signer.key, forge.simple_payload(image.digest, image.reference[:-2]))
    elsewhere = replace(image, reference=f"{host.registry.host}/{repository}:1")
    beside(host.registry, elsewhere, [layer_of(host.registry, elsewhere, forge.SIMPLE, payload, annotations)])


def test_signatures_may_lie_in_another_repository(host: Lab) -> None:
    signer = Signer(host.registry)
    for name in ("web", "bare"):
        host.run(name, host.registry.push_image(f"acme/{name}", "1"))
        if name == "web":
            in_another_repository(host, signer, host.registry.push_image("acme/web", "1"), "signatures/acme/web")
    file = signer.policy(host.folder)
    assert host.check(checks=ONLY, trust_policies=(str(file),)).finding("web", "signatures").code == "unsigned"
    place = f"{host.registry.host}/signatures/{{repository}}"
    file.write_text(file.read_text().replace("[[rule]]\n", f'[[rule]]\nsignatures-in = "{place}"\n'))
    checked = host.check(checks=ONLY, trust_policies=(str(file),))
    assert checked.finding("web", "signatures").code == "signed"
    assert checked.finding("bare", "signatures").code == "unsigned"


class TestBehindAMirror:
    """An engine that pulls through a mirror; the registry itself cannot be reached from here."""

    @pytest.fixture
    def origin(self) -> str:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            return f"127.0.0.1:{unused.getsockname()[1]}"

    def mirrored(self, host: Lab, origin: str, name: str) -> PushedImage:
        image = host.registry.push_image(f"app/{name}", "1")
        host.run(name, replace(image, reference=f"{origin}/app/{name}:1"))
        return image

    def check(self, host: Lab, origin: str, policy: str, **settings: Any) -> Checked:
        mirrors = {origin: (f"http://{host.registry.host}",)}
        return host.check(**{"checks": ONLY, "mirrors": mirrors, "trust_policies": (policy,), **settings})

    @pytest.mark.parametrize("referrers_api", [True, False], ids=["api", "no-api"])
    def test_a_good_signature_that_the_mirror_has_is_enough(
        self, tmp_path: Path, origin: str, referrers_api: bool
    ) -> None:
        with RegistryServer(referrers_api=referrers_api) as registry, EngineServer(CLASSIC) as engine:
            host = Lab(engine, registry, tmp_path)
            signer = Signer(registry)
            signer.classic(self.mirrored(host, origin, "web"))
            self.mirrored(host, origin, "bare")
            checked = self.check(host, origin, str(signer.policy(tmp_path)))
            assert checked.finding("web", "signatures").code == "signed"
            assert checked.finding("bare", "signatures").code == "unreachable"

    def test_what_a_mirror_that_speaks_for_the_registry_does_not_have_is_not_there(
        self, host: Lab, origin: str
    ) -> None:
        signer = Signer(host.registry)
        signer.classic(self.mirrored(host, origin, "web"))
        self.mirrored(host, origin, "bare")
        file = signer.policy(host.folder)
        speaks = f'version = 1\n[registries]\nmirror-is-registry = ["{host.registry.host}"]\n'
        file.write_text(file.read_text().replace("version = 1\n", speaks))
        for no_cache in (True, False, False):
            checked = self.check(host, origin, str(file), no_cache=no_cache)
            assert checked.finding("web", "signatures").code == "signed"
            assert checked.finding("bare", "signatures").code == "unsigned"
            assert not [request for request in checked.outcome.requests if origin in request.url]
