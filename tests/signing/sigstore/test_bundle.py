"""Sigstore bundles and attestations: each check, by a bundle that is right but for one thing."""

import base64
import json

import pytest

from container_updates.signing.signers import KeylessSigner, KeySigner, SignedIdentity
from container_updates.signing.sigstore import bundle, cosign
from container_updates.signing.verdict import Validity
from tests.support import forge
from tests.support.forge import DIGEST, Instance, dsse, expected, key_bundle, new_key, spki, statement
from tests.support.signature_assets import ROOT, Layout, key

GITHUB = "https://token.actions.githubusercontent.com"
SLSA = frozenset({"https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"})
KUBEWARDEN = "oci/cosign-v3-sign-kubewarden.sigstore.json"
KUBEWARDEN_DIGEST = "sha256:c811d58de79c92f03214e63aa339484e488d694ae8a6283b5f3f17a9faf50172"
KUBEWARDEN_SIGNER = KeylessSigner(
    GITHUB, "https://github.com/kubewarden/kubewarden-controller/.github/workflows/release.yml@refs/tags/*"
)
MODULE_DIGEST = "sha256:06ce330900a7d6403bc8d88e5dfad6aeeb8ae40179f66bb89e69c8bf6f6b1a0b"
ANYBODY_AT_GITHUB = KeylessSigner(GITHUB, "https://github.com/**")


def stored(name):
    return (ROOT / "sigstore-bundle" / name).read_bytes()


def by(private_key):
    return KeySigner("acme.pub", spki(private_key))


def verify(private_key, content=None, *, envelope=None, signers=None, **more):
    envelope = envelope or dsse(private_key, content or statement())
    return bundle.verify(key_bundle(private_key, envelope), expected(*(signers or [by(private_key)]), **more))


@pytest.mark.parametrize(
    ("name", "digest", "wanted", "signer", "state"),
    [
        (KUBEWARDEN, KUBEWARDEN_DIGEST, None, KUBEWARDEN_SIGNER, Validity.GOOD),
        (KUBEWARDEN, MODULE_DIGEST, None, KUBEWARDEN_SIGNER, Validity.WRONG),
        (
            KUBEWARDEN,
            KUBEWARDEN_DIGEST,
            None,
            KeylessSigner(GITHUB, "https://github.com/kubewarden/*"),
            Validity.UNKNOWN,
        ),
        ("github/MODULE.bazel.intoto.jsonl", MODULE_DIGEST, SLSA, ANYBODY_AT_GITHUB, Validity.GOOD),
        ("github/MODULE-wrong-signer.bazel.intoto.jsonl", MODULE_DIGEST, SLSA, ANYBODY_AT_GITHUB, Validity.WRONG),
        (
            "github/custom-issuer.sigstore.json",
            "sha256:afa27b44d43b02a9fea41d13cedc2e4016cfcf87c5dbf990e593669aa8ce286d",
            SLSA,
            ANYBODY_AT_GITHUB,
            Validity.UNKNOWN,
        ),
        (
            "github/reusable-workflow-attestation.sigstore.json",
            "sha256:49a3aa6075e0f49f82843e74b5baa614ad2a588e6675612bf108a0a008c5ac25",
            SLSA,
            ANYBODY_AT_GITHUB,
            Validity.GOOD,
        ),
        (
            "oci/cosign-attest.sigstore.json",
            "sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4",
            frozenset({"https://cosign.sigstore.dev/attestation/v1"}),
            KeylessSigner("https://github.com/login/oauth", "cody@soyland.com"),
            Validity.GOOD,
        ),
    ],
)
def test_the_verdicts_on_keyless_bundles(name, digest, wanted, signer, state):
    more = {"predicate_types": wanted} if wanted else {}
    checked = bundle.verify(stored(name), expected(signer, digest=digest, **more))
    assert checked.state is state, checked.reason


def test_a_root_that_the_policy_brings_judges_keyless_bundles_too():
    from container_updates.signing.sigstore import trusted_root

    path = ROOT / "sigstore-bundle" / "trusted_root.public-good.json"
    root = trusted_root.parse(path.read_bytes())
    signer = KeylessSigner(GITHUB, KUBEWARDEN_SIGNER.identity, root)
    checked = bundle.verify(stored(KUBEWARDEN), expected(signer, digest=KUBEWARDEN_DIGEST))
    assert checked.state is Validity.GOOD


def test_a_keyless_bundle_of_another_instance_is_unknown():
    other = Instance()
    checked = bundle.verify(stored(KUBEWARDEN), expected(other.signer(), digest=KUBEWARDEN_DIGEST))
    assert checked.state is Validity.UNKNOWN
    assert not checked.named


def test_an_attestation_is_no_signature():
    digest = "sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4"
    assert bundle.verify(stored("oci/cosign-attest.sigstore.json"), expected(digest=digest)) is None


def test_a_signature_is_no_attestation():
    assert bundle.verify(stored(KUBEWARDEN), expected(digest=KUBEWARDEN_DIGEST, predicate_types=SLSA)) is None


@pytest.mark.parametrize("folder", ["bundle-key-tag", "bundle-key-api"])
def test_bundles_with_a_key_by_the_real_cosign(folder):
    layout = Layout(f"real-signers/{folder}")
    digest = layout.tagged("single")
    checked = layout.signatures(digest, expected(key("real-signers/keys/a.pub"), digest=digest))
    assert [one.state for one in checked] == [Validity.GOOD]
    checked = layout.signatures(digest, expected(key("real-signers/keys/b.pub"), digest=digest))
    assert [one.state for one in checked] == [Validity.UNKNOWN]


def test_provenance_by_the_real_cosign_is_no_signature_but_an_attestation():
    layout = Layout("real-signers/att-bundle")
    digest = layout.tagged("single")
    signer = key("real-signers/keys/a.pub")
    assert layout.signatures(digest, expected(signer, digest=digest)) == [None]
    (checked,) = layout.signatures(digest, expected(signer, digest=digest, predicate_types=SLSA))
    assert checked.state is Validity.GOOD
    assert checked.statement["predicate"]["runDetails"]["builder"]["id"] == "https://ci.example.com/builder"


@pytest.mark.parametrize("version", ["v1.5.0", "v1.10.0", "v2.0.0"])
def test_classic_attestations_of_the_slsa_generator(version):
    layout = Layout(f"cosign-classic-att/{version}")
    image, attestations = (entry["digest"] for entry in layout.index["manifests"])
    signer = KeylessSigner(
        GITHUB,
        "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml"
        f"@refs/tags/{version}",
    )
    (layer,) = json.loads(layout.blob(attestations))["layers"]
    wanted = frozenset({"https://slsa.dev/provenance/v0.2"})
    for digest, state in ((image, Validity.GOOD), (DIGEST, Validity.WRONG)):
        checked = cosign.verify_attestation(
            layer["mediaType"],
            layout.blob(layer["digest"]),
            layer["annotations"],
            expected(signer, digest=digest, predicate_types=wanted),
        )
        assert checked.state is state, checked.reason
        if state is Validity.GOOD:
            assert checked.claims["source_repository"] == "https://github.com/slsa-framework/example-package"


def test_a_bundle_by_a_named_key_is_good_without_log_or_timestamp():
    private_key = new_key()
    assert verify(private_key).state is Validity.GOOD


def test_a_bundle_that_names_a_key_but_is_not_by_it_is_invalid():
    private_key = new_key()
    checked = verify(private_key, envelope=dsse(new_key(), statement()))
    assert (checked.state, checked.reason) == (
        Validity.WRONG,
        "the signature's bytes are not by the key that it names",
    )


def test_a_bundle_by_a_key_that_nobody_named_is_unknown():
    assert verify(new_key(), signers=[by(new_key())]).state is Validity.UNKNOWN


def test_a_statement_about_another_image_is_invalid():
    checked = verify(new_key(), statement(digest="sha256:" + "cd" * 32))
    assert (checked.state, checked.reason) == (Validity.WRONG, "signed for another image")


def test_a_statement_of_an_unknown_type_is_invalid():
    checked = verify(new_key(), statement(_type="https://in-toto.io/Statement/v9"))
    assert (checked.state, checked.reason) == (Validity.WRONG, "the signed statement is of another type")


def test_a_bundle_over_another_payload_signs_another_thing():
    private_key = new_key()
    assert verify(private_key, envelope=dsse(private_key, statement(), "application/octet-stream")) is None


@pytest.mark.parametrize("signatures", [0, 2])
def test_an_envelope_needs_exactly_one_signature(signatures):
    private_key = new_key()
    checked = verify(private_key, envelope=dsse(private_key, statement(), signatures=signatures))
    assert (checked.state, checked.reason) == (Validity.WRONG, "the envelope has not exactly one signature")


def test_a_payload_type_that_was_not_signed_is_invalid():
    private_key = new_key()
    envelope = dsse(private_key, statement(), "text/plain")
    envelope["payloadType"] = "application/vnd.in-toto+json"
    assert verify(private_key, envelope=envelope).state is Validity.WRONG


def test_an_unknown_version_of_bundles_is_unknown():
    body = json.loads(key_bundle(new_key(), dsse(new_key(), statement())))
    body["mediaType"] = "application/vnd.dev.sigstore.bundle.v9+json"
    assert bundle.verify(json.dumps(body).encode(), expected()).state is Validity.UNKNOWN


def message_bundle(private_key, digest=DIGEST):
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    raw = bytes.fromhex(digest.partition(":")[2])
    signature = private_key.sign(raw, ec.ECDSA(utils.Prehashed(SHA256())))
    body = json.loads(key_bundle(private_key, {}))
    del body["dsseEnvelope"]
    said = {"algorithm": "SHA2_256", "digest": forge.b64(raw)}
    body["messageSignature"] = {"messageDigest": said, "signature": forge.b64(signature)}
    return json.dumps(body).encode()


def test_a_message_signature_over_the_manifest():
    private_key = new_key()
    assert bundle.verify(message_bundle(private_key), expected(by(private_key))).state is Validity.GOOD
    false = json.loads(message_bundle(private_key, "sha256:" + "cd" * 32))
    false["messageSignature"]["messageDigest"]["digest"] = forge.b64(bytes.fromhex("ab" * 32))
    assert bundle.verify(json.dumps(false).encode(), expected(by(private_key))).state is Validity.WRONG


def test_a_message_signature_over_a_blob_that_is_not_the_image_signs_another_thing():
    private_key = new_key()
    assert bundle.verify(message_bundle(private_key, "sha256:" + "cd" * 32), expected(by(private_key))) is None


def test_a_message_signature_that_does_not_say_over_what_may_be_over_the_manifest():
    private_key = new_key()
    body = json.loads(message_bundle(private_key))
    del body["messageSignature"]["messageDigest"]
    assert bundle.verify(json.dumps(body).encode(), expected(by(private_key))).state is Validity.GOOD


def test_a_message_signature_is_no_attestation():
    assert bundle.verify(message_bundle(new_key()), expected(predicate_types=SLSA)) is None


def old_bundle(instance, certified, content):
    """v0.1: a chain, and the log's promise without a proof of inclusion."""
    envelope = dsse(certified.key, content)
    payload = base64.b64decode(envelope["payload"])
    pem = certified.certificate.public_bytes(forge.Encoding.PEM)
    body = {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "payloadHash": {"algorithm": "sha256", "value": forge.hashlib.sha256(payload).hexdigest()},
            "signatures": [{"signature": envelope["signatures"][0]["sig"], "verifier": forge.b64(pem)}],
        },
    }
    logged = json.loads(instance.log(body))
    entry = {
        "logIndex": str(logged["Payload"]["logIndex"]),
        "logId": {"keyId": forge.b64(bytes.fromhex(logged["Payload"]["logID"]))},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": str(logged["Payload"]["integratedTime"]),
        "inclusionPromise": {"signedEntryTimestamp": logged["SignedEntryTimestamp"]},
        "canonicalizedBody": logged["Payload"]["body"],
    }
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "verificationMaterial": {
            "x509CertificateChain": {"certificates": [{"rawBytes": forge.b64(certified.der)}]},
            "tlogEntries": [entry],
        },
        "dsseEnvelope": envelope,
    }


@pytest.fixture(scope="module")
def instance():
    return Instance()


def test_an_old_keyless_bundle_with_the_logs_promise_alone(instance):
    old = old_bundle(instance, instance.certificate(), statement())
    checked = bundle.verify(json.dumps(old).encode(), expected(instance.signer()))
    assert checked.state is Validity.GOOD, checked.reason
    assert checked.signed_at == forge.LOGGED


def test_without_a_trusted_time_a_keyless_bundle_is_invalid(instance):
    old = old_bundle(instance, instance.certificate(), statement())
    old["verificationMaterial"]["tlogEntries"] = []
    checked = bundle.verify(json.dumps(old).encode(), expected(instance.signer()))
    assert (checked.state, checked.reason) == (Validity.WRONG, "it has no log entry, which says when it was signed")


def test_an_old_bundle_without_the_logs_promise_has_no_time(instance):
    old = old_bundle(instance, instance.certificate(), statement())
    del old["verificationMaterial"]["tlogEntries"][0]["inclusionPromise"]
    checked = bundle.verify(json.dumps(old).encode(), expected(instance.signer()))
    assert (checked.state, checked.reason) == (
        Validity.WRONG,
        "the log entry has neither the log's promise nor a proof of inclusion",
    )


def test_an_integrated_time_without_the_logs_promise_is_no_time():
    body = json.loads(stored(KUBEWARDEN))
    material = body["verificationMaterial"]
    del material["tlogEntries"][0]["inclusionPromise"]
    material.pop("timestampVerificationData", None)
    checked = bundle.verify(json.dumps(body).encode(), expected(KUBEWARDEN_SIGNER, digest=KUBEWARDEN_DIGEST))
    assert checked.state is Validity.WRONG


def test_a_bundle_of_today_without_a_log_entry_is_invalid():
    """Whatever the timestamp beside it says."""
    body = json.loads(stored(KUBEWARDEN))
    body["verificationMaterial"]["tlogEntries"] = []
    checked = bundle.verify(json.dumps(body).encode(), expected(KUBEWARDEN_SIGNER, digest=KUBEWARDEN_DIGEST))
    assert (checked.state, checked.reason) == (Validity.WRONG, "it has no log entry, which says when it was signed")


def test_a_proof_of_inclusion_that_does_not_fit_is_invalid():
    body = json.loads(stored(KUBEWARDEN))
    proof = body["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    proof["hashes"][0] = forge.b64(b"\0" * 32)
    checked = bundle.verify(json.dumps(body).encode(), expected(KUBEWARDEN_SIGNER, digest=KUBEWARDEN_DIGEST))
    assert checked.state is Validity.WRONG


def test_a_keyless_bundle_by_somebody_who_calls_himself_fulcio_is_invalid():
    """With a log entry that is right, and another's: key, certificate and signature fit each other."""
    body = json.loads(stored(KUBEWARDEN))
    material = body["verificationMaterial"]
    real = forge.x509.load_der_x509_certificate(base64.b64decode(material["certificate"]["rawBytes"]))
    false = forge.certify(real.issuer, authority=True, issuer_name=real.issuer)
    identity = real.extensions.get_extension_for_class(forge.x509.SubjectAlternativeName).value[0].value
    certified = Instance().certificate(identity=identity, ca=false)
    material["certificate"]["rawBytes"] = forge.b64(certified.der)
    body["dsseEnvelope"] = dsse(certified.key, statement(KUBEWARDEN_DIGEST))
    checked = bundle.verify(json.dumps(body).encode(), expected(KUBEWARDEN_SIGNER, digest=KUBEWARDEN_DIGEST))
    assert checked.state is Validity.WRONG


COMMIT = "9f3c0e5a6d1b4c2e8f7a6b5c4d3e2f1a0b9c8d7e"


def workflow(repository, commit=None):
    """As GitHub's own provenance has it."""
    used = [{"uri": f"git+{repository}@refs/tags/v1", "digest": {"gitCommit": commit}}] if commit else []
    parameters = {"workflow": {"repository": repository, "ref": "refs/tags/v1"}}
    return {"buildDefinition": {"externalParameters": parameters, "resolvedDependencies": used}}


def config_source(uri, commit=None):
    """As SLSA v0.2 has it."""
    return {"invocation": {"configSource": {"uri": uri, **({"digest": {"sha1": commit}} if commit else {})}}}


@pytest.mark.parametrize(
    ("version", "predicate", "state"),
    [
        ("v1", workflow("https://github.com/acme/app"), Validity.GOOD),
        ("v1", workflow("https://github.com/acme/app", COMMIT), Validity.GOOD),
        ("v1", workflow("https://github.com/evil/app"), Validity.WRONG),
        ("v1", workflow("https://github.com/acme/app", "0" * 40), Validity.WRONG),
        ("v0.2", config_source("git+https://github.com/acme/app@refs/tags/v1"), Validity.GOOD),
        ("v0.2", config_source("git+https://github.com/evil/app@refs/tags/v1"), Validity.WRONG),
        ("v0.2", config_source("git+https://github.com/acme/app@refs/tags/v1", "0" * 40), Validity.WRONG),
    ],
)
def test_the_source_in_the_predicate_has_to_be_the_certificates(instance, version, predicate, state):
    proven = [
        (forge.x509.UnrecognizedExtension(forge.x509.ObjectIdentifier(oid), forge.utf8(value)), False)
        for oid, value in (
            ("1.3.6.1.4.1.57264.1.12", "https://github.com/acme/app"),
            ("1.3.6.1.4.1.57264.1.13", COMMIT),
        )
    ]
    certified = instance.certificate(extensions=proven)
    content = statement(predicate_type=f"https://slsa.dev/provenance/{version}", predicate=predicate)
    old = json.dumps(old_bundle(instance, certified, content)).encode()
    checked = bundle.verify(old, expected(instance.signer(), predicate_types=SLSA))
    assert checked.state is state, checked.reason


def logged_by_key(private_key, log, *, size=5, at=3):
    """A key's bundle whose log entry has a proof of inclusion and no promise, as Rekor v2 gives it."""
    envelope = dsse(private_key, statement())
    payload = base64.b64decode(envelope["payload"])
    body = json.dumps(
        {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "payloadHash": {"algorithm": "sha256", "value": forge.hashlib.sha256(payload).hexdigest()},
                "signatures": [
                    {"signature": envelope["signatures"][0]["sig"], "verifier": forge.b64(forge.pem(private_key))}
                ],
            },
        }
    ).encode()
    leaves = [body if number == at else b"other %d" % number for number in range(size)]
    root, hashes = merkle(leaves, at)
    text = f"log.example\n{size}\n{forge.b64(root)}\n"
    log_id = forge.hashlib.sha256(spki(log)).digest()
    note = f"{text}\n\u2014 log.example {forge.b64(log_id[:4] + forge.sign(log, text.encode()))}\n"
    return envelope, {
        "logIndex": "3",
        "logId": {"keyId": forge.b64(log_id)},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "canonicalizedBody": forge.b64(body),
        "inclusionProof": {
            "logIndex": str(at),
            "treeSize": str(size),
            "rootHash": forge.b64(root),
            "hashes": [forge.b64(one) for one in hashes],
            "checkpoint": {"envelope": note},
        },
    }


def merkle(leaves, at):
    """Root and audit path, straight from the definition (RFC 6962 section 2.1)."""
    sha = forge.hashlib.sha256
    if len(leaves) == 1:
        return sha(b"\0" + leaves[0]).digest(), []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = leaves[:split], leaves[split:]
    inner, path = merkle(left, at) if at < split else merkle(right, at - split)
    other = merkle(right, 0)[0] if at < split else merkle(left, 0)[0]
    pair = inner + other if at < split else other + inner
    return sha(b"\1" + pair).digest(), [*path, other]


@pytest.mark.parametrize(("size", "at"), [(1, 0), (2, 1), (5, 3), (5, 4), (8, 0), (13, 12), (13, 7)])
def test_a_proof_of_inclusion_beside_a_key(instance, size, at):
    private_key = new_key()
    envelope, entry = logged_by_key(private_key, instance.log_key, size=size, at=at)
    signer = KeySigner("acme.pub", spki(private_key), log=instance.root)
    body = key_bundle(private_key, envelope, tlogEntries=[entry])
    assert bundle.verify(body, expected(signer)).state is Validity.GOOD


def set_hash(entry):
    entry["inclusionProof"]["hashes"][0] = forge.b64(b"\0" * 32)


def set_size(entry):
    entry["inclusionProof"]["treeSize"] = "6"


def set_index(entry):
    entry["inclusionProof"]["logIndex"] = "2"


def cut_hashes(entry):
    entry["inclusionProof"]["hashes"].pop()


def set_root(entry):
    entry["inclusionProof"]["rootHash"] = forge.b64(b"\0" * 32)


@pytest.mark.parametrize("fault", [set_hash, set_size, set_index, cut_hashes, set_root])
def test_a_proof_beside_a_key_that_does_not_fit_is_invalid(instance, fault):
    private_key = new_key()
    envelope, entry = logged_by_key(private_key, instance.log_key)
    fault(entry)
    signer = KeySigner("acme.pub", spki(private_key), log=instance.root)
    body = key_bundle(private_key, envelope, tlogEntries=[entry])
    assert bundle.verify(body, expected(signer)).state is Validity.WRONG


def test_a_checkpoint_by_somebody_else_is_invalid(instance):
    private_key = new_key()
    envelope, entry = logged_by_key(private_key, new_key())
    entry["logId"]["keyId"] = forge.b64(forge.hashlib.sha256(spki(instance.log_key)).digest())
    signer = KeySigner("acme.pub", spki(private_key), log=instance.root)
    body = key_bundle(private_key, envelope, tlogEntries=[entry])
    assert bundle.verify(body, expected(signer)).state is Validity.WRONG


def test_a_bundle_names_no_repository_where_the_policy_demands_one():
    private_key = forge.new_key()
    body = forge.key_bundle(private_key, forge.dsse(private_key, forge.statement()))
    signer = KeySigner("acme.pub", forge.spki(private_key), SignedIdentity("here"))
    checked = bundle.verify(body, forge.expected(signer))
    assert (checked.state, checked.reason) == (
        Validity.UNKNOWN,
        "it names no repository, which the policy demands (signed-as)",
    )
    provenance = forge.dsse(private_key, forge.statement(predicate_type="https://slsa.dev/provenance/v1"))
    wanted = forge.expected(signer, predicate_types=frozenset({"https://slsa.dev/provenance/v1"}))
    assert bundle.verify(forge.key_bundle(private_key, provenance), wanted).state is Validity.GOOD
