"""Right signatures of the world as it is: other instances, other logs, other keys. Each was once called invalid."""

import base64
import hashlib
import json
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from nacl import bindings

from container_updates.signing.crypto import der
from container_updates.signing.signers import KeylessSigner, KeySigner
from container_updates.signing.sigstore import bundle, trusted_root
from container_updates.signing.verdict import SIGN_PREDICATE, Validity
from tests.support import bundles, forge, oracle, stamp
from tests.support.forge import DIGEST, LOGGED, Authority, Instance, Span, b64, expected, spki, statement
from tests.support.signature_assets import ROOT

OTHERS = ROOT / "sigstore-bundle" / "others"
STAGING = ROOT / "sigstore-conformance" / "roots" / "rekor2-checkpoint-cosigned.json"
RAW = bytes.fromhex(DIGEST.partition(":")[2])
ANYBODY = KeylessSigner("**", "**")


def verify_stored(name, *signers):
    """Under whatever the bundle says that it is about: digests and kind of statement are no question here."""
    body = (OTHERS / name).read_bytes()
    said = json.loads(body)
    if "dsseEnvelope" in said:
        content = json.loads(base64.b64decode(said["dsseEnvelope"]["payload"]))
        kinds = frozenset({SIGN_PREDICATE, content["predicateType"]})
        algorithm, value = next(iter(content["subject"][0]["digest"].items()))
        asked = expected(*signers, digest=f"{algorithm}:{value}", predicate_types=kinds)
    else:
        raw = base64.b64decode(said["messageSignature"]["messageDigest"]["digest"])
        asked = expected(*signers, digest=f"sha256:{raw.hex()}")
    return bundle.verify(body, asked)


def staging():
    return trusted_root.parse(STAGING.read_bytes())


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("dsse.sigstore.json", "brian@dehamer.com"),
        ("sigstore.js@2.0.0-provenance.sigstore.json", "https://github.com/sigstore/sigstore-js/"),
        ("sigstore-js-2.1.0-bundle-v0.1.json", "https://github.com/sigstore/sigstore-js/"),
    ],
)
def test_a_bundle_whose_log_entry_is_of_the_kind_intoto_is_good(name, identity):
    checked = verify_stored(name, ANYBODY)
    assert checked.state is Validity.GOOD, checked.reason
    assert checked.signer.identity.startswith(identity)


def test_a_release_of_python_is_good():
    checked = verify_stored("Python-3.12.5.tgz.sigstore", ANYBODY)
    assert (checked.state, checked.signer.identity) == (Validity.GOOD, "thomas@python.org"), checked.reason


def test_a_bundle_of_the_staging_instance_is_good_under_its_root_and_unverifiable_without():
    assert verify_stored("bundle_v3.txt.sigstore", replace(ANYBODY, root=staging())).state is Validity.GOOD
    assert verify_stored("bundle_v3.txt.sigstore", ANYBODY).state is Validity.UNKNOWN


def test_another_signature_s_log_entry_is_invalid_cve_2022_36056():
    checked = verify_stored("bundle_cve_2022_36056.txt.sigstore", replace(ANYBODY, root=staging()))
    assert (checked.state, checked.reason) == (Validity.WRONG, "the log entry is for another signature")


def test_npm_s_publish_attestation_by_key_is_good_with_npm_s_key():
    pem = (OTHERS / "publish_key.pub").read_text()
    npm = KeySigner("npm", der.pem_blocks(pem, "PUBLIC KEY")[0])
    checked = verify_stored("bundle-publish.json", npm)
    assert checked.state is Validity.GOOD, checked.reason


def test_an_identity_that_is_neither_address_nor_uri_is_read_under_its_own_instance_s_root():
    root = trusted_root.parse((OTHERS / "scaffolding.json").read_bytes())
    checked = verify_stored("othername.sigstore.json", replace(ANYBODY, root=root))
    assert checked.state is Validity.GOOD, checked.reason
    assert verify_stored("othername.sigstore.json", ANYBODY).state is Validity.UNKNOWN


def test_github_s_attestation_of_a_private_repository_is_unverifiable_without_its_root():
    for signers in ((), (ANYBODY,)):
        checked = verify_stored("github_provenance_demo-0.0.12-py3-none-any-bundle.jsonl", *signers)
        assert checked.state is Validity.UNKNOWN
        assert "Fulcio Intermediate l2" in checked.reason
        assert "of a root that is not here, or newer than the public-good root here" in checked.reason


class Private(Instance):
    """An instance with its own Fulcio and a timestamp authority, without any log: GitHub's, or one in a company."""

    def __post_init__(self):
        super().__post_init__()
        self.tsa_root, self.tsa = stamp.authority()

    @property
    def root(self):
        return replace(self.logged_root, logs=(), certificate_logs=None)

    @property
    def logged_root(self):
        stamping = (Authority((self.tsa.der, self.tsa_root.der)),)
        return replace(super().root, timestamp_authorities=stamping)

    def bundle(self, *stamps, **more):
        certified = self.certificate(with_sct=False, **more)
        message = bundles.over_manifest(certified.key)
        made = [bundles.stamped(tsa, message["signature"], tsa, **faults) for tsa, faults in stamps]
        material = bundles.certificate(certified) | (bundles.timestamps(*made) if made else {})
        return bundles.bundle(material, message=message)


@pytest.fixture(scope="module")
def private():
    return Private()


@pytest.fixture(scope="module")
def instance():
    return Instance()


def test_a_private_instance_without_logs_is_good_by_its_timestamp(private):
    checked = bundle.verify(private.bundle((private.tsa, {})), expected(private.signer()))
    assert (checked.state, checked.signed_at) == (Validity.GOOD, LOGGED), checked.reason


def test_a_private_instance_s_signature_without_a_timestamp_is_invalid(private):
    checked = bundle.verify(private.bundle(), expected(private.signer()))
    assert (checked.state, checked.reason) == (
        Validity.WRONG,
        "neither a log nor a timestamp authority says when it was signed",
    )


def test_a_timestamp_of_an_authority_that_is_not_in_the_root_is_unverifiable(private):
    _, stranger = stamp.authority()
    checked = bundle.verify(private.bundle((stranger, {})), expected(private.signer()))
    assert checked.state is Validity.UNKNOWN
    assert "its timestamp is of an authority that no root here knows" in checked.reason


def test_another_timestamp_certificate_of_the_same_authority_is_not_the_one_in_the_root(private):
    second = forge.certify(
        "tsa 2", private.tsa_root, purposes=[forge.ExtendedKeyUsageOID.TIME_STAMPING], purposes_critical=True
    )
    assert bundle.verify(private.bundle((second, {})), expected(private.signer())).state is Validity.UNKNOWN


def test_one_right_timestamp_beside_a_foreign_one_is_enough(private):
    _, stranger = stamp.authority()
    body = private.bundle((stranger, {}), (private.tsa, {}))
    assert bundle.verify(body, expected(private.signer())).state is Validity.GOOD


def test_every_trusted_timestamp_has_to_be_within_the_certificate_s_time(private):
    late = {"moment": LOGGED + timedelta(hours=1)}
    body = private.bundle((private.tsa, {}), (private.tsa, late))
    checked = bundle.verify(body, expected(private.signer()))
    assert checked.state is Validity.WRONG
    assert "expired at" in checked.reason


def test_a_root_with_neither_log_nor_timestamp_authority_makes_unverifiable(private):
    root = replace(private.root, timestamp_authorities=())
    checked = bundle.verify(private.bundle((private.tsa, {})), expected(replace(private.signer(), root=root)))
    assert checked.state is Validity.UNKNOWN
    assert "neither a log nor a timestamp authority" in checked.reason


def test_a_root_with_a_certificate_log_demands_its_timestamp(private):
    root = replace(private.root, certificate_logs=private.logged_root.certificate_logs)
    checked = bundle.verify(private.bundle((private.tsa, {})), expected(replace(private.signer(), root=root)))
    assert (checked.state, checked.reason) == (Validity.WRONG, "the certificate has no timestamp of a certificate log")


def test_a_root_with_a_log_demands_an_entry_whatever_the_timestamp_says(private):
    root = replace(private.root, logs=private.logged_root.logs)
    checked = bundle.verify(private.bundle((private.tsa, {})), expected(replace(private.signer(), root=root)))
    assert (checked.state, checked.reason) == (Validity.WRONG, "it has no log entry, which says when it was signed")


def test_the_next_authority_of_an_instance_is_unverifiable_until_the_root_knows_it():
    """It has the same name, and another key."""
    root_ca = forge.certify("fulcio root", authority=True)
    key_ids = [forge.x509.SubjectKeyIdentifier(bytes([number]) * 20) for number in (1, 2)]
    today, tomorrow = (forge.certify("fulcio", root_ca, authority=True, extensions=[(one, False)]) for one in key_ids)
    known = Private(root_ca=root_ca)
    named = forge.x509.AuthorityKeyIdentifier(key_ids[1].digest, None, None)
    signed = known.bundle((known.tsa, {}), ca=tomorrow, extensions=[(named, False)])
    known.ca = today
    checked = bundle.verify(signed, expected(known.signer()))
    assert checked.state is Validity.UNKNOWN
    assert "newer than the root that the policy names" in checked.reason
    known.ca = tomorrow
    assert bundle.verify(signed, expected(known.signer())).state is Validity.GOOD


def as_json(root, **changes):
    """The trusted_root.json of an instance of our own, whose authorities have no commonName."""

    def authority(one):
        chain = {"certificates": [{"rawBytes": b64(certificate)} for certificate in one.chain]}
        return {"subject": {"organization": "Acme"}, "certChain": chain}

    def log(one):
        return {"publicKey": {"rawBytes": b64(one.public_key)}, "logId": {"keyId": b64(one.key_id)}}

    return json.dumps(
        {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "certificateAuthorities": [authority(one) for one in root.authorities],
            "tlogs": [log(one) for one in root.logs],
            "ctlogs": [log(one) for one in root.certificate_logs or ()],
            "timestampAuthorities": [authority(one) for one in root.timestamp_authorities],
            **changes,
        }
    ).encode()


def logged(instance, certified):
    """A keyless message signature with an entry in the log of Rekor v1."""
    message = bundles.over_manifest(certified.key)
    pem = certified.certificate.public_bytes(forge.Encoding.PEM)
    entry = bundles.hashedrekord(pem, message["signature"], RAW)
    material = bundles.certificate(certified) | bundles.logged(instance.log_key, entry, promised_at=LOGGED)
    return bundles.bundle(material, message=message)


def test_a_private_root_whose_subject_has_no_common_name_is_read(private):
    root = trusted_root.parse(as_json(private.root))
    assert root.certificate_logs is None
    signer = replace(private.signer(), root=root)
    assert bundle.verify(private.bundle((private.tsa, {})), expected(signer)).state is Validity.GOOD


def test_a_certificate_log_with_an_rsa_key_as_pkcs1_is_read():
    instance = Instance(ct_key=forge.rsa_key())
    pkcs1 = instance.ct_key.public_key().public_bytes(forge.Encoding.DER, forge.serialization.PublicFormat.PKCS1)
    key_id = hashlib.sha256(spki(instance.ct_key)).digest()
    listed = {"publicKey": {"rawBytes": b64(pkcs1)}, "logId": {"keyId": b64(key_id)}}
    root = trusted_root.parse(as_json(instance.root, ctlogs=[listed]))
    assert root.left_out == ()
    signer = replace(instance.signer(), root=root)
    checked = bundle.verify(logged(instance, instance.certificate()), expected(signer))
    assert checked.state is Validity.GOOD, checked.reason


def test_the_staging_instance_s_root_with_its_pkcs1_key_is_read_whole():
    assert staging().left_out == ()
    assert len(staging().certificate_logs) == 3


def test_a_key_of_a_root_that_cannot_be_read_is_left_out_and_told_where_it_is_missed(instance):
    broken = [{"publicKey": {"rawBytes": b64(b"no key")}, "logId": {"keyId": b64(b"x" * 32)}}]
    sound = json.loads(as_json(instance.root))
    root = trusted_root.parse(as_json(instance.root, ctlogs=[*broken, *sound["ctlogs"]]))
    assert root.left_out == ("certificate log 1",)
    signer = replace(instance.signer(), root=root)
    assert bundle.verify(logged(instance, instance.certificate()), expected(signer)).state is Validity.GOOD

    root = trusted_root.parse(as_json(instance.root, tlogs=broken))
    checked = bundle.verify(logged(instance, instance.certificate()), expected(replace(signer, root=root)))
    assert checked.state is Validity.UNKNOWN
    assert "transparency log 1 cannot be read" in checked.reason


def test_a_root_whose_only_log_cannot_be_read_still_demands_an_entry(private):
    broken = [{"publicKey": {"rawBytes": b64(b"no key")}, "logId": {"keyId": b64(b"x" * 32)}}]
    signer = replace(private.signer(), root=trusted_root.parse(as_json(private.root, tlogs=broken)))
    assert bundle.verify(private.bundle((private.tsa, {})), expected(signer)).state is Validity.WRONG


def test_a_root_whose_only_certificate_log_cannot_be_read_does_not_do_without_one(private):
    broken = [{"publicKey": {"rawBytes": b64(b"no key")}, "logId": {"keyId": b64(b"x" * 32)}}]
    signer = replace(private.signer(), root=trusted_root.parse(as_json(private.root, ctlogs=broken)))
    assert bundle.verify(private.bundle((private.tsa, {})), expected(signer)).state is Validity.WRONG


def test_a_log_of_a_root_without_the_start_of_its_time_is_left_out(instance):
    sound = json.loads(as_json(instance.root))
    sound["tlogs"][0]["publicKey"]["validFor"] = {"end": "2030-01-01T00:00:00Z"}
    assert trusted_root.parse(json.dumps(sound).encode()).left_out == ("transparency log 1",)


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"mediaType": "x"}', b"\xff", b"[" * 1000])
def test_what_is_no_trusted_root_is_refused_in_words(content):
    with pytest.raises(ValueError, match=r"is no |no Sigstore|nested"):
        trusted_root.parse(content)


def by_key(private_key, material, message):
    return bundles.bundle(bundles.public_key(private_key) | material, message=message)


def test_a_message_signature_by_key_with_a_log_entry_is_good(instance):
    private_key = forge.new_key()
    message = bundles.over_manifest(private_key)
    signer = KeySigner("acme.pub", spki(private_key), log=instance.root)
    for digest, state in ((RAW, Validity.GOOD), (b"o" * 32, Validity.WRONG)):
        entry = bundles.hashedrekord(forge.pem(private_key), message["signature"], digest)
        material = bundles.logged(instance.log_key, entry, promised_at=LOGGED)
        checked = bundle.verify(by_key(private_key, material, message), expected(signer))
        assert checked.state is state, checked.reason
    assert checked.reason == "the log entry is for other bytes"


@pytest.mark.parametrize("kind", ["hashedrekord of a message", "hashedrekord of an envelope", "dsse"])
def test_an_entry_of_rekor_v2_beside_a_key_is_good_with_the_root_that_has_the_log(kind):
    instance = Instance(log_key=ed25519.Ed25519PrivateKey.generate())
    private_key, other = forge.new_key(), forge.new_key()
    envelope, message = None, None
    if kind == "hashedrekord of a message":
        message = bundles.over_manifest(private_key)
        entries = [bundles.hashedrekord_v2(who, message["signature"], RAW) for who in (private_key, other)]
        entries.append(bundles.hashedrekord_v2(private_key, message["signature"], b"o" * 32))
    else:
        envelope = forge.dsse(private_key, statement())
        made, hashed = envelope["signatures"][0]["sig"], hashlib.sha256(bundles.pae(envelope)).digest()
        if kind == "dsse":
            entries = [bundles.dsse_v2(private_key, envelope), bundles.dsse_v2(other, envelope)]
            entries.append(bundles.dsse_v2(private_key, {**envelope, "payload": b64(b"{}")}))
        else:
            entries = [bundles.hashedrekord_v2(who, made, hashed) for who in (private_key, other)]
            entries.append(bundles.hashedrekord_v2(private_key, made, b"o" * 32))
    signer = KeySigner("acme.pub", spki(private_key), log=instance.root)
    for number, entry in enumerate(entries):
        material = bundles.public_key(private_key) | bundles.logged(instance.log_key, entry)
        body = bundles.bundle(material, envelope=envelope, message=message)
        checked = bundle.verify(body, expected(signer))
        assert checked.state is (Validity.WRONG if number else Validity.GOOD), checked.reason
        without = bundle.verify(body, expected(replace(signer, log=None)))
        assert without.state is (Validity.WRONG if number else Validity.UNKNOWN)


def test_an_entry_of_the_kind_intoto_has_to_be_about_this_envelope(instance):
    private_key, other = forge.new_key(), forge.new_key()
    envelope = forge.dsse(private_key, statement())
    signer = KeySigner("acme.pub", spki(private_key), log=instance.root)
    for entry, state in (
        (bundles.intoto_v2(private_key, envelope), Validity.GOOD),
        (bundles.intoto_v2(private_key, {**envelope, "payload": b64(b"{}")}), Validity.WRONG),
        (bundles.intoto_v2(private_key, forge.dsse(private_key, statement())), Validity.WRONG),
        (bundles.intoto_v2(other, envelope), Validity.WRONG),
    ):
        material = bundles.public_key(private_key) | bundles.logged(instance.log_key, entry, promised_at=LOGGED)
        checked = bundle.verify(bundles.bundle(material, envelope=envelope), expected(signer))
        assert checked.state is state, checked.reason


def test_a_key_and_a_private_log_are_good_with_the_root_of_the_policy(instance):
    private_key = forge.new_key()
    message = bundles.over_manifest(private_key)
    entry = bundles.hashedrekord(forge.pem(private_key), message["signature"], RAW)
    body = by_key(private_key, bundles.logged(instance.log_key, entry, promised_at=LOGGED), message)
    assert bundle.verify(body, expected(KeySigner("a", spki(private_key), log=instance.root))).state is Validity.GOOD
    checked = bundle.verify(body, expected(KeySigner("a", spki(private_key))))
    assert checked.state is Validity.UNKNOWN
    assert "in a transparency log that no root here knows" in checked.reason


def test_a_key_whose_root_has_timestamps_alone_needs_one(private):
    private_key = forge.new_key()
    message = bundles.over_manifest(private_key)
    signer = KeySigner("a", spki(private_key), log=private.root)
    right = bundles.timestamps(bundles.stamped(private.tsa, message["signature"], private.tsa))
    checked = bundle.verify(by_key(private_key, right, message), expected(signer))
    assert (checked.state, checked.signed_at) == (Validity.GOOD, LOGGED)
    checked = bundle.verify(by_key(private_key, {}, message), expected(signer))
    assert (checked.state, checked.reason) == (Validity.UNKNOWN, "no timestamp, which the policy demands")
    wrong = bundles.timestamps(bundles.stamped(private.tsa, b64(b"other"), private.tsa))
    assert bundle.verify(by_key(private_key, wrong, message), expected(signer)).state is Validity.WRONG


@pytest.mark.parametrize("order", [sorted, lambda one: sorted(one, reverse=True)], ids=["der", "reversed"])
def test_a_timestamp_whose_certificates_are_in_any_order_is_read(private, order):
    certified = private.certificate(with_sct=False)
    message = bundles.over_manifest(certified.key)
    made = bundles.stamped(private.tsa, message["signature"], private.tsa, private.tsa_root, order=order)
    body = bundles.bundle(bundles.certificate(certified) | bundles.timestamps(made), message=message)
    checked = bundle.verify(body, expected(private.signer()))
    assert checked.state is Validity.GOOD, checked.reason


def prehashed(private_key, message):
    seed, public = private_key.private_bytes_raw(), private_key.public_key().public_bytes_raw()
    state = bindings.crypto_sign_ed25519ph_state()
    bindings.crypto_sign_ed25519ph_update(state, message)
    return bindings.crypto_sign_ed25519ph_final_create(state, seed + public)


def test_an_ed25519_key_signs_a_bundle_as_cosign_does_with_what_is_hashed_before():
    private_key = ed25519.Ed25519PrivateKey.generate()
    signer = KeySigner("ed.pub", spki(private_key))
    envelope = forge.dsse(private_key, statement())
    for message, state in ((bundles.pae(envelope), Validity.GOOD), (b"something else", Validity.WRONG)):
        envelope["signatures"][0]["sig"] = b64(prehashed(private_key, message))
        checked = bundle.verify(bundles.bundle(bundles.public_key(private_key), envelope=envelope), expected(signer))
        assert checked.state is state, checked.reason
    assert checked.reason == "the signature's bytes are not by the key that it names"


@pytest.mark.parametrize(("seconds", "state"), [(-1, Validity.WRONG), (0, Validity.GOOD), (1, Validity.GOOD)])
def test_a_log_of_rekor_v2_has_to_be_in_use_at_the_time_of_the_timestamp(seconds, state):
    """Its entries have no time of their own."""
    known = Private(log_span=Span(None, LOGGED + timedelta(seconds=seconds)))
    certified = known.certificate()
    message = bundles.over_manifest(certified.key)
    entry = bundles.hashedrekord_v2(certified, message["signature"], RAW)
    stamped = bundles.stamped(known.tsa, message["signature"], known.tsa)
    material = bundles.certificate(certified) | bundles.logged(known.log_key, entry) | bundles.timestamps(stamped)
    signer = replace(known.signer(), root=known.logged_root)
    checked = bundle.verify(bundles.bundle(material, message=message), expected(signer))
    assert checked.state is state, checked.reason


def test_a_log_entry_of_another_kind_than_it_says_is_invalid(instance):
    body = json.loads(logged(instance, instance.certificate()))
    body["verificationMaterial"]["tlogEntries"][0]["kindVersion"]["version"] = "0.0.2"
    checked = bundle.verify(json.dumps(body).encode(), expected(instance.signer()))
    assert (checked.state, checked.reason) == (Validity.WRONG, "the log entry is of another kind than it says")


def test_a_right_promise_beside_a_wrong_proof_of_inclusion_is_invalid(instance):
    body = json.loads(logged(instance, instance.certificate()))
    assert bundle.verify(json.dumps(body).encode(), expected(instance.signer())).state is Validity.GOOD
    body["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["hashes"] = [b64(b"0" * 32)]
    assert bundle.verify(json.dumps(body).encode(), expected(instance.signer())).state is Validity.WRONG


def test_a_right_proof_of_inclusion_beside_a_wrong_promise_is_invalid(instance):
    body = json.loads(logged(instance, instance.certificate()))
    body["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = str(int(LOGGED.timestamp()) + 1)
    checked = bundle.verify(json.dumps(body).encode(), expected(instance.signer()))
    assert (checked.state, checked.reason) == (Validity.WRONG, "the log entry is not signed by the log that it names")


def test_an_old_bundle_that_brings_authorities_along_is_judged_by_the_root_here_all_the_same():
    """Those before v0.3 had a pool of certificates, some with the root; nothing is believed because of it."""
    body = (ROOT / "sigstore-conformance" / "bundles" / "bundle-with-root-cert_fail.json").read_bytes()
    raw = base64.b64decode(json.loads(body)["messageSignature"]["messageDigest"]["digest"])
    checked = bundle.verify(body, expected(ANYBODY, digest=f"sha256:{raw.hex()}"))
    assert (checked.state, checked.signer.identity) == (Validity.GOOD, "a@tny.town")
    other = Instance()
    false = json.loads(logged(other, other.certificate()))
    chain = [{"rawBytes": b64(one)} for one in (other.ca.der, other.root_ca.der)]
    leaf = false["verificationMaterial"].pop("certificate")
    false["verificationMaterial"]["x509CertificateChain"] = {"certificates": [leaf, *chain]}
    assert bundle.verify(json.dumps(false).encode(), expected(ANYBODY)).state is Validity.UNKNOWN


def test_an_rsa_key_below_2048_bits_is_no_keyless_signer_s(instance):
    certified = instance.certificate(key=forge.rsa_key(1024))
    payload, annotations = forge.keyless_signed(instance, certified)
    from container_updates.signing.sigstore import cosign

    checked = cosign.verify(forge.SIMPLE, payload, annotations, expected(instance.signer()))
    assert checked.state is Validity.WRONG
    assert "RSA key of 1024 bits" in checked.reason


@pytest.mark.parametrize("which", ["authority", "timestamp authority"])
def test_a_small_rsa_key_above_a_signer_or_a_timestamp_is_invalid(which):
    small = forge.certify("small", authority=True, key=forge.rsa_key(1024))
    known = Private(root_ca=small) if which == "authority" else Private()
    if which == "timestamp authority":
        purposes = [forge.ExtendedKeyUsageOID.TIME_STAMPING]
        known.tsa_root, known.tsa = small, forge.certify("tsa", small, purposes=purposes, purposes_critical=True)
    checked = bundle.verify(known.bundle((known.tsa, {})), expected(known.signer()))
    assert checked.state is Validity.WRONG
    assert "certificate CN=small,O=Acme,C=DE has an RSA key of 1024 bits, less than 2048" in checked.reason


def test_a_named_signer_counts_under_his_own_root_alone():
    """Right under the public-good root, and by that name: but the policy has another root for him."""
    folder = ROOT / "sigstore-conformance"
    root = trusted_root.parse((folder / "roots" / "invalid-ct-key_fail.json").read_bytes())
    body = (folder / "bundles" / "invalid-ct-key_fail.json").read_bytes()
    digest = json.loads((folder / "cases.json").read_text())["invalid-ct-key_fail"]["digest"]
    checked = bundle.verify(body, expected(replace(ANYBODY, root=root), digest=digest))
    assert (checked.state, checked.signer, checked.lacks) == (Validity.UNKNOWN, None, None)
    assert checked.reason.startswith("its certificate is in a certificate log that no root here knows")
    assert bundle.verify(body, expected(ANYBODY, digest=digest)).state is Validity.GOOD


@pytest.mark.parametrize(
    ("origin", "state"), [("log.example", Validity.GOOD), ("", Validity.WRONG), ("log.example\n\n", Validity.WRONG)]
)
def test_a_checkpoint_has_a_log_s_name_and_nothing_more_than_its_form_allows(instance, origin, state):
    private_key = forge.new_key()
    message = bundles.over_manifest(private_key)
    entry = bundles.hashedrekord(forge.pem(private_key), message["signature"], RAW)
    body = by_key(private_key, bundles.logged(instance.log_key, entry, origin=origin), message)
    checked = bundle.verify(body, expected(KeySigner("a", spki(private_key), log=instance.root)))
    assert checked.state is state, checked.reason


@pytest.mark.parametrize("hashed_by", ["MD5", "SHA-1"])
def test_an_authority_that_is_signed_with_a_broken_hash_is_invalid_and_says_so(hashed_by):
    known = Private(root_ca=forge.certify("rsa root", authority=True, key=forge.rsa_key()))
    known.ca = forge.weakly_signed(known.ca, hashed_by)
    checked = bundle.verify(known.bundle((known.tsa, {})), expected(known.signer()))
    assert (checked.state, checked.reason) == (
        Validity.WRONG,
        f"certificate CN=fulcio,O=Acme,C=DE is signed with {hashed_by}",
    )


def test_a_bundle_with_several_log_entries_is_not_called_invalid(instance):
    body = json.loads(logged(instance, instance.certificate()))
    body["verificationMaterial"]["tlogEntries"] *= 2
    assert bundle.verify(json.dumps(body).encode(), expected(instance.signer())).state is Validity.UNKNOWN


@pytest.fixture
def fresh_root():
    trusted_root.public_good.cache_clear()
    yield
    trusted_root.public_good.cache_clear()


@pytest.mark.usefixtures("fresh_root")
def test_the_shipped_root_is_the_public_good_one_and_says_of_when_it_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "sigstore", None)
    root = trusted_root.public_good()
    assert str(root) == f"the public-good root here (of {trusted_root.SHIPPED_DATE})"
    assert root.left_out == ()
    assert [len(part) for part in (root.authorities, root.logs, root.certificate_logs)] == [2, 2, 2]


@pytest.mark.usefixtures("fresh_root")
@pytest.mark.parametrize("version", ["99.1.0", "0.5.0"])
def test_the_root_of_an_installed_sigstore_package_counts_where_that_is_newer(monkeypatch, tmp_path, version):
    package = tmp_path / "sigstore"
    place = package / "_store" / "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev"
    place.mkdir(parents=True)
    (place / "trusted_root.json").write_bytes(as_json(Instance().root))
    (package / "__init__.py").write_text(f'__version__ = "{version}"\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "sigstore"]:
        monkeypatch.delitem(sys.modules, name)
    words = "of sigstore 99.1.0" if version == "99.1.0" else f"of {trusted_root.SHIPPED_DATE}"
    assert str(trusted_root.public_good()) == f"the public-good root here ({words})"


@pytest.mark.parametrize(
    ("name", "root", "difference"),
    [
        ("bundle_v3.txt.sigstore", STAGING, None),
        ("bundle_cve_2022_36056.txt.sigstore", STAGING, None),
        (
            "Python-3.12.5.tgz.sigstore",
            None,
            "of v0.1: the log's promise is enough",
        ),
        ("tsa-bundle.sigstore", OTHERS / "tsa-root.json", None),
        ("dsse.sigstore.json", None, "the sigstore package knows no intoto entries"),
        ("sigstore.js@2.0.0-provenance.sigstore.json", None, "the sigstore package knows no intoto entries"),
    ],
)
def test_the_sigstore_package_says_the_same_of_the_bundles_of_other_projects(name, root, difference):
    body = (OTHERS / name).read_bytes()
    said = json.loads(body).get("messageSignature", {}).get("messageDigest", {}).get("digest", "")
    signer = replace(ANYBODY, root=trusted_root.parse(root.read_bytes()) if root else None)
    checked, theirs = verify_stored(name, signer), oracle.refuses(body, base64.b64decode(said).hex(), root)
    assert ((checked.state is Validity.GOOD) == (theirs is None)) == (difference is None), (checked, theirs)
