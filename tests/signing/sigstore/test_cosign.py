"""cosign's classic signatures: each check, by a signature that is right but for one thing."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from nacl import bindings

from container_updates.signing.signers import KeylessSigner, KeySigner, SignedIdentity
from container_updates.signing.sigstore import cosign
from container_updates.signing.sigstore.trusted_root import Span
from container_updates.signing.verdict import Validity
from tests.support import forge, stamp
from tests.support.forge import (
    LOGGED,
    SIMPLE,
    Instance,
    expected,
    hashedrekord,
    key_signed,
    keyless_signed,
    simple_payload,
    spki,
)
from tests.support.signature_assets import Layout, SimpleSigning, key

RED_HAT = KeylessSigner("https://github.com/login/oauth", "mitr@redhat.com")


@pytest.fixture(scope="module")
def instance():
    return Instance()


@pytest.fixture(scope="module")
def certified(instance):
    return instance.certificate()


def verify(signed, *signers, **more):
    payload, annotations = signed
    return cosign.verify(SIMPLE, payload, annotations, expected(*signers, **more))


def by(private_key, **more):
    return KeySigner("acme.pub", spki(private_key), **more)


@pytest.mark.parametrize(
    ("folder", "signer", "state"),
    [
        ("dir-img-cosign-valid", key("cosign-classic-sig/cosign.pub"), Validity.GOOD),
        ("dir-img-cosign-valid", key("cosign-classic-sig/cosign2.pub"), Validity.UNKNOWN),
        ("dir-img-cosign-key-rekor-valid", key("cosign-classic-sig/cosign2.pub"), Validity.GOOD),
        ("dir-img-cosign-key-rekor-valid", key("cosign-classic-sig/cosign.pub"), Validity.UNKNOWN),
        ("dir-img-cosign-fulcio-rekor-valid", RED_HAT, Validity.GOOD),
        ("dir-img-cosign-modified-manifest", key("cosign-classic-sig/cosign.pub"), Validity.WRONG),
        ("dir-img-cosign-no-manifest", key("cosign-classic-sig/cosign.pub"), Validity.WRONG),
    ],
)
def test_the_verdicts_of_containers_image(folder, signer, state):
    material = SimpleSigning(folder)
    name = json.loads(material.payload)["critical"]["identity"]["docker-reference"]
    checked = material.verify(expected(signer, digest=material.digest, image=name))
    assert checked.state is state, checked.reason


def test_another_attachment_beside_the_image_is_no_signature():
    material = SimpleSigning("dir-img-cosign-other-attachment")
    assert material.verify(expected(digest=material.digest)) is None


def test_a_keyless_signature_tells_who_signed_and_when():
    material = SimpleSigning("dir-img-cosign-fulcio-rekor-valid")
    checked = material.verify(
        expected(RED_HAT, digest=material.digest, image="192.168.64.2:5000/cosign-signed/fulcio-rekor-1")
    )
    assert checked.signed_at.isoformat() == "2023-01-20T20:51:33+00:00"
    assert (checked.signer.identity, checked.signer.issuer) == ("mitr@redhat.com", "https://github.com/login/oauth")


@pytest.mark.parametrize(
    ("folder", "keys", "states"),
    [
        ("classic-p256", ["a"], [Validity.GOOD]),
        ("classic-rsa", ["rsa"], [Validity.GOOD]),
        ("classic-p384", ["p384"], [Validity.GOOD]),
        ("classic-ed25519", ["ed"], [Validity.GOOD]),
        ("classic-moved", ["a"], [Validity.WRONG]),
        ("classic-two", ["a", "b"], [Validity.GOOD, Validity.GOOD]),
        ("classic-two", ["b"], [Validity.GOOD, Validity.UNKNOWN]),
    ],
)
def test_the_verdicts_on_what_the_real_cosign_signed(folder, keys, states):
    layout = Layout(f"real-signers/{folder}")
    signers = [key(f"real-signers/keys/{name}.pub") for name in keys]
    digest = layout.tagged("single")
    checked = layout.signatures(digest, expected(*signers, digest=digest, image=f"127.0.0.1:5101/real/{folder}"))
    assert sorted(one.state.value for one in checked) == sorted(state.value for state in states), checked


def prehashed(private_key, message):
    """As cosign signs by Ed25519 (RFC 8032 section 5.1, Ed25519ph)."""
    seed, public = private_key.private_bytes_raw(), private_key.public_key().public_bytes_raw()
    state = bindings.crypto_sign_ed25519ph_state()
    bindings.crypto_sign_ed25519ph_update(state, message)
    return bindings.crypto_sign_ed25519ph_final_create(state, seed + public)


def test_an_ed25519_key_of_cosign_signs_what_is_hashed_before():
    private_key, payload = ed25519.Ed25519PrivateKey.generate(), forge.simple_payload()
    signed = {"dev.cosignproject.cosign/signature": forge.b64(prehashed(private_key, payload))}
    assert verify((payload, signed), by(private_key)).state is Validity.GOOD
    assert verify((payload, signed), by(ed25519.Ed25519PrivateKey.generate())).state is Validity.UNKNOWN
    other = {"dev.cosignproject.cosign/signature": forge.b64(prehashed(private_key, payload + b" "))}
    assert verify((payload, other), by(private_key)).state is not Validity.GOOD


@pytest.mark.parametrize(
    ("private_key", "algorithm"),
    [
        (forge.new_key(), None),
        (forge.new_key(ec.SECP384R1()), hashes.SHA256()),
        (forge.new_key(ec.SECP384R1()), hashes.SHA384()),
        (forge.new_key(ec.SECP521R1()), hashes.SHA512()),
        (forge.rsa_key(), None),
        (ed25519.Ed25519PrivateKey.generate(), None),
    ],
)
def test_a_named_key_of_every_kind_is_good(private_key, algorithm):
    checked = verify(
        key_signed(private_key, algorithm=algorithm) if algorithm else key_signed(private_key), by(private_key)
    )
    assert checked.state is Validity.GOOD, checked.reason
    assert checked.signer.fingerprint.startswith("sha256:")


@pytest.mark.parametrize("algorithm", [hashes.SHA512(), hashes.SHA1()])
def test_a_hash_that_neither_fits_the_curve_nor_is_sha256_is_refused(algorithm):
    private_key = forge.new_key()
    assert verify(key_signed(private_key, algorithm=algorithm), by(private_key)).state is Validity.UNKNOWN


def test_a_key_that_nobody_named_is_unknown_and_the_words_say_why():
    signed = key_signed(forge.new_key())
    assert verify(signed).reason == "signed with a key, no policy says whose"
    assert verify(signed, by(forge.new_key())).reason == "signed with a key that the policy does not name"


def test_one_of_two_signatures_by_the_other_key_keeps_both_apart():
    a, b = forge.new_key(), forge.new_key()
    assert verify(key_signed(a), by(b), by(a)).named == (by(a),)


def test_line_breaks_in_the_base64_are_nothing_wrong():
    private_key = forge.new_key()
    payload, annotations = key_signed(private_key)
    text = annotations["dev.cosignproject.cosign/signature"]
    annotations["dev.cosignproject.cosign/signature"] = text[:40] + "\n" + text[40:] + "\n"
    assert verify((payload, annotations), by(private_key)).state is Validity.GOOD


def test_the_payloads_type_has_to_be_an_images():
    private_key = forge.new_key()
    checked = verify(key_signed(private_key, simple_payload(kind="atomic container signature")), by(private_key))
    assert (checked.state, checked.reason) == (
        Validity.WRONG,
        "the signed payload is of another type than a container image's",
    )


def test_a_signature_for_another_digest_is_invalid():
    private_key = forge.new_key()
    checked = verify(key_signed(private_key, simple_payload(digest="sha256:" + "cd" * 32)), by(private_key))
    assert (checked.state, checked.reason) == (Validity.WRONG, "signed for another image")


COPIED = simple_payload(repository="ghcr.io/acme/origin")
HERE = SignedIdentity("here")


def test_an_image_that_was_copied_with_its_signature_is_signed_by_the_key_that_is_named():
    private_key = forge.new_key()
    checked = verify(key_signed(private_key, COPIED), by(private_key))
    assert checked.state is Validity.GOOD
    assert checked.reason.endswith(", signed as ghcr.io/acme/origin")
    assert checked.details["signed_as"] == "ghcr.io/acme/origin"


def test_an_image_that_was_copied_with_its_signature_is_signed_by_the_identity_that_is_named(instance, certified):
    checked = verify(keyless_signed(instance, certified, COPIED), instance.signer())
    assert checked.state is Validity.GOOD
    assert checked.reason.endswith(", signed as ghcr.io/acme/origin")


def test_a_copied_signature_by_nobody_who_is_named_is_unverifiable_and_says_for_what_it_is(instance, certified):
    private_key = forge.new_key()
    for checked in (
        verify(key_signed(private_key, COPIED)),
        verify(key_signed(private_key, COPIED), by(forge.new_key())),
        verify(key_signed(private_key, COPIED), known_keys=(by(private_key),)),
        verify(keyless_signed(instance, certified, COPIED), by(forge.new_key())),
    ):
        assert checked.state is Validity.UNKNOWN, checked.reason
    assert "signed as ghcr.io/acme/origin" in verify(key_signed(private_key, COPIED)).reason


def test_a_rule_may_demand_that_a_signature_names_the_repository(instance, certified):
    private_key = forge.new_key()
    signed = key_signed(private_key, COPIED)
    assert verify(signed, by(private_key, identity=HERE)).state is Validity.WRONG
    assert verify(key_signed(private_key), by(private_key, identity=HERE)).state is Validity.GOOD
    for glob, state in (
        ("ghcr.io/acme/*", Validity.GOOD),
        ("ghcr.io/acme", Validity.WRONG),
        ("ghcr.io/*", Validity.WRONG),
    ):
        assert verify(signed, by(private_key, identity=SignedIdentity("glob", glob))).state is state
    demanding = replace(instance.signer(), signed_identity=HERE)
    assert verify(keyless_signed(instance, certified, COPIED), demanding).state is Validity.WRONG


def test_where_a_name_is_demanded_a_stranger_cannot_be_accepted_under_another_one():
    private_key = forge.new_key()
    demanding = by(forge.new_key(), identity=HERE)
    checked = verify(key_signed(private_key, COPIED), demanding, known_keys=(by(private_key),))
    assert (checked.state, checked.lacks) == (Validity.UNKNOWN, None)
    here = verify(key_signed(private_key), demanding, known_keys=(by(private_key),))
    assert (here.state, here.lacks) == (Validity.UNKNOWN, "name")


@pytest.mark.parametrize(
    ("identity", "signed_name", "good"),
    [
        (
            SignedIdentity("exactRepository", "registry.example.com/acme/origin"),
            "registry.example.com/acme/origin",
            True,
        ),
        (SignedIdentity("exactRepository", "registry.example.com/acme/origin"), "registry.example.com/acme/app", False),
        (SignedIdentity("exactReference", "registry.example.com/origin:7"), "registry.example.com/origin:7", True),
        (SignedIdentity("exactReference", "registry.example.com/origin:7"), "registry.example.com/origin:8", False),
        (SignedIdentity("remapIdentity", "registry.example.com", "origin.example"), "origin.example/acme/app:1", True),
        (SignedIdentity("remapIdentity", "registry.example.com/ac", "o.example"), "o.example/me/app:1", False),
        (SignedIdentity("matchExact"), "registry.example.com/acme/app:1", True),
        (SignedIdentity("matchExact"), "registry.example.com/acme/app:2", False),
        (SignedIdentity("matchRepoDigestOrExact"), "registry.example.com/acme/app:1", True),
        (SignedIdentity("matchRepoDigestOrExact"), "registry.example.com/acme/app", False),
        (SignedIdentity("matchRepository"), "registry.example.com/acme/app:other", True),
    ],
)
def test_under_which_name_a_policy_allows_to_sign(identity, signed_name, good):
    private_key = forge.new_key()
    signed = key_signed(private_key, simple_payload(repository=signed_name))
    checked = verify(signed, by(private_key, identity=identity))
    assert checked.state is (Validity.GOOD if good else Validity.WRONG), checked.reason


def test_keyless_good_and_what_it_proves(instance, certified):
    checked = verify(keyless_signed(instance, certified), instance.signer())
    assert checked.state is Validity.GOOD, checked.reason
    assert checked.signed_at == LOGGED
    assert checked.signer.identity == forge.IDENTITY


def test_a_certificate_that_expired_long_ago_is_good_by_the_logs_time(instance, certified):
    later = forge.NOW + timedelta(days=3650)
    assert verify(keyless_signed(instance, certified), instance.signer(), now=later).state is Validity.GOOD


def test_a_stranger_who_is_proven_is_named(instance, certified):
    other = KeylessSigner(forge.ISSUER, "https://github.com/acme/other", instance.root)
    checked = verify(keyless_signed(instance, certified), other)
    assert checked.state is Validity.UNKNOWN
    assert checked.reason == f"signed by {forge.IDENTITY} ({forge.ISSUER}), whom the policy does not name"
    assert checked.signer.identity == forge.IDENTITY


@pytest.mark.parametrize("issuer", ["https://token.actions.githubusercontent.com/evil", "x" + forge.ISSUER])
def test_an_issuer_that_only_contains_the_named_one_is_a_stranger(instance, issuer):
    signed = keyless_signed(instance, instance.certificate(issuer=issuer))
    assert verify(signed, instance.signer()).state is Validity.UNKNOWN


@pytest.mark.parametrize("identity", [forge.IDENTITY + "/evil", "https://evil.example/" + forge.IDENTITY])
def test_an_identity_that_only_contains_the_named_one_is_a_stranger(instance, identity):
    signed = keyless_signed(instance, instance.certificate(identity=identity))
    assert verify(signed, instance.signer()).state is Validity.UNKNOWN


def test_a_glob_is_anchored_at_both_ends_and_stays_within_a_part(instance, certified):
    signed = keyless_signed(instance, certified)
    good = instance.signer(identity="https://github.com/acme/app/.github/workflows/*@refs/tags/*")
    short = instance.signer(identity="https://github.com/acme/*")
    assert verify(signed, good).state is Validity.GOOD
    assert verify(signed, short).state is Validity.UNKNOWN


def test_a_keyless_signature_without_a_log_entry_is_invalid(instance, certified):
    checked = verify(keyless_signed(instance, certified, with_log=False), instance.signer())
    assert (checked.state, checked.reason) == (
        Validity.WRONG,
        "it has no log entry, which says when it was signed",
    )


def bound_to_other(instance, certified, part):
    """The log's entry is right in itself, but about something else."""
    payload = simple_payload()
    other_payload, other = simple_payload(repository="x.example/y"), instance.certificate()
    _, annotations = keyless_signed(instance, certified, payload)
    signature = forge.base64.b64decode(annotations["dev.cosignproject.cosign/signature"])
    pem = certified.certificate.public_bytes(Encoding.PEM)
    body = hashedrekord(
        other_payload if part == "payload" else payload,
        forge.sign(certified.key, payload) if part == "signature" else signature,
        other.certificate.public_bytes(Encoding.PEM) if part == "key" else pem,
    )
    annotations["dev.sigstore.cosign/bundle"] = instance.log(body)
    return payload, annotations


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("payload", "the log entry is for other bytes"),
        ("signature", "the log entry is for another signature"),
        ("key", "the log entry is for another key"),
    ],
)
def test_a_log_entry_about_something_else_is_invalid(instance, certified, part, reason):
    checked = verify(bound_to_other(instance, certified, part), instance.signer())
    assert (checked.state, checked.reason) == (Validity.WRONG, reason)


def test_a_hash_that_is_not_on_the_list_binds_nothing(instance, certified):
    payload, annotations = keyless_signed(instance, certified)
    signature = forge.base64.b64decode(annotations["dev.cosignproject.cosign/signature"])
    body = hashedrekord(payload, signature, certified.certificate.public_bytes(Encoding.PEM))
    body["spec"]["data"]["hash"] = {"algorithm": "md5", "value": forge.hashlib.md5(payload).hexdigest()}
    annotations["dev.sigstore.cosign/bundle"] = instance.log(body)
    assert verify((payload, annotations), instance.signer()).state is Validity.WRONG


def test_a_promise_that_the_log_did_not_sign_is_invalid(instance, certified):
    checked = verify(keyless_signed(instance, certified, log_key=forge.new_key()), instance.signer())
    assert (checked.state, checked.reason) == (Validity.WRONG, "the log entry is not signed by the log that it names")


def test_a_log_that_no_root_knows_is_unknown(instance, certified):
    checked = verify(keyless_signed(instance, certified, log_id="ab" * 32), instance.signer())
    assert checked.state is Validity.UNKNOWN


def test_a_log_entry_from_after_the_log_was_closed_is_invalid():
    closed = Instance(log_span=Span(None, LOGGED - timedelta(days=1)))
    assert verify(keyless_signed(closed, closed.certificate()), closed.signer()).state is Validity.WRONG


def test_an_authority_that_was_closed_when_it_was_logged_is_invalid():
    closed = Instance(authority_span=Span(None, LOGGED - timedelta(days=1)))
    assert verify(keyless_signed(closed, closed.certificate()), closed.signer()).state is Validity.WRONG


@pytest.mark.parametrize("seconds", [-301, 301])
def test_logged_outside_the_certificates_ten_minutes_is_invalid(instance, certified, seconds):
    signed = keyless_signed(instance, certified, moment=LOGGED + timedelta(seconds=seconds))
    checked = verify(signed, instance.signer())
    assert checked.state is Validity.WRONG
    assert "certificate" in checked.reason
    assert "signed" in checked.reason


@pytest.mark.parametrize("seconds", [-300, 300])
def test_logged_at_the_certificates_first_and_last_second_is_good(instance, certified, seconds):
    signed = keyless_signed(instance, certified, moment=LOGGED + timedelta(seconds=seconds))
    assert verify(signed, instance.signer()).state is Validity.GOOD


def test_a_certificate_of_an_unknown_authority_is_unknown_even_with_its_chain(instance):
    stranger = Instance(ct_key=instance.ct_key, log_key=instance.log_key)
    stranger.ca = forge.certify("somebody", stranger.root_ca, authority=True)
    payload, annotations = keyless_signed(stranger, stranger.certificate())
    chain = stranger.ca.certificate.public_bytes(Encoding.PEM) + stranger.root_ca.certificate.public_bytes(Encoding.PEM)
    annotations["dev.sigstore.cosign/chain"] = chain.decode()
    checked = verify((payload, annotations), instance.signer())
    assert checked.state is Validity.UNKNOWN
    assert "no root here knows" in checked.reason


def test_a_certificate_by_somebody_who_calls_himself_fulcio_is_invalid(instance):
    false = Instance(ct_key=instance.ct_key, log_key=instance.log_key)
    assert verify(keyless_signed(false, false.certificate()), instance.signer()).state is Validity.WRONG


def test_an_intermediate_from_the_annotation_may_link_to_a_known_root(instance):
    below = forge.certify("fulcio of a team", instance.root_ca, authority=True)
    payload, annotations = keyless_signed(instance, instance.certificate(ca=below))
    assert verify((payload, annotations), instance.signer()).state is not Validity.GOOD
    annotations["dev.sigstore.cosign/chain"] = below.certificate.public_bytes(Encoding.PEM).decode()
    assert verify((payload, annotations), instance.signer()).state is Validity.GOOD


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"with_sct": False}, "the certificate has no timestamp of a certificate log"),
        ({"ct_key": forge.new_key()}, "the certificate log's timestamp is not signed by that log"),
    ],
)
def test_a_certificate_that_no_certificate_log_has_is_invalid(instance, fault, reason):
    checked = verify(keyless_signed(instance, instance.certificate(**fault)), instance.signer())
    assert (checked.state, checked.reason) == (Validity.WRONG, reason)


def test_a_certificate_log_that_no_root_knows_is_unknown(instance):
    other = forge.Log(b"o" * 32, forge.spki(forge.new_key()))
    signer = KeylessSigner(forge.ISSUER, forge.IDENTITY, replace(instance.root, certificate_logs=(other,)))
    checked = verify(keyless_signed(instance, instance.certificate()), signer)
    assert checked.state is Validity.UNKNOWN


def test_a_signer_s_certificate_that_is_an_authority_s_is_invalid(instance):
    authority = (forge.x509.BasicConstraints(True, None), True)
    checked = verify(keyless_signed(instance, instance.certificate(extensions=[authority])), instance.signer())
    assert checked.state is Validity.WRONG
    assert "although it is an authority's own" in checked.reason


def test_a_certificate_log_that_was_closed_is_invalid():
    closed = Instance(ct_span=Span(None, LOGGED - timedelta(days=1)))
    assert verify(keyless_signed(closed, closed.certificate()), closed.signer()).state is Validity.WRONG


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"purposes": [forge.ExtendedKeyUsageOID.SERVER_AUTH]}, "for another use than code signing"),
        ({"purposes": []}, "does not say that it is for code signing"),
        ({"key_usage": forge.usage(key_agreement=True)}, "lacks the key usage digitalSignature"),
    ],
)
def test_a_certificate_for_something_else_than_code_is_invalid(instance, fault, words):
    checked = verify(keyless_signed(instance, instance.certificate(**fault)), instance.signer())
    assert checked.state is Validity.WRONG
    assert words in checked.reason


def test_a_signature_that_is_not_by_the_certificates_key_is_invalid(instance, certified):
    payload, annotations = keyless_signed(instance, certified)
    annotations["dev.cosignproject.cosign/signature"] = forge.b64(forge.sign(forge.new_key(), payload))
    checked = verify((payload, annotations), instance.signer())
    assert (checked.state, checked.reason) == (
        Validity.WRONG,
        "the signature's bytes are not by the certificate's key",
    )


def test_an_own_pki_from_the_annotations_proves_nothing():
    root = forge.certify("own root", authority=True)
    leaf = forge.certify("own signer", root)
    payload, annotations = key_signed(leaf.key)
    annotations["dev.sigstore.cosign/certificate"] = leaf.certificate.public_bytes(Encoding.PEM).decode()
    annotations["dev.sigstore.cosign/chain"] = root.certificate.public_bytes(Encoding.PEM).decode()
    for signers in ((), (by(forge.new_key()),), (RED_HAT,)):
        assert verify((payload, annotations), *signers).state is Validity.UNKNOWN


def test_a_key_in_the_log_entry_proves_who_but_not_that_he_may(instance):
    private_key = forge.new_key()
    payload, annotations = key_signed(private_key)
    signature = forge.base64.b64decode(annotations["dev.cosignproject.cosign/signature"])
    annotations["dev.sigstore.cosign/bundle"] = instance.log(hashedrekord(payload, signature, forge.pem(private_key)))
    assert verify((payload, annotations), by(forge.new_key())).state is Validity.UNKNOWN


@pytest.mark.parametrize(
    ("over", "span", "words"),
    [
        (None, Span(), ""),
        (b"something else", Span(), "the timestamp is not by its authority, or for another signature"),
        (None, Span(None, LOGGED - timedelta(seconds=1)), "the timestamp authority was not in use"),
    ],
)
def test_a_timestamp_of_the_roots_authority_stands_for_a_log_entry(instance, certified, over, span, words):
    tsa_root, tsa = stamp.authority()
    payload, annotations = keyless_signed(instance, certified, with_log=False)
    signature = forge.base64.b64decode(annotations["dev.cosignproject.cosign/signature"])
    token = stamp.token(tsa, over or signature, tsa)
    response = forge.b64(stamp.tlv(0x30, stamp.tlv(0x30, b"\x02\x01\x00"), token))
    annotations["dev.sigstore.cosign/rfc3161timestamp"] = json.dumps({"SignedRFC3161Timestamp": response})
    root = forge.TrustedRoot(
        instance.root.authorities,
        (),
        instance.root.certificate_logs,
        (forge.Authority((tsa.der, tsa_root.der), span),),
    )
    checked = verify((payload, annotations), KeylessSigner(forge.ISSUER, forge.IDENTITY, root))
    assert checked.state is (Validity.WRONG if words else Validity.GOOD), checked.reason
    assert words in checked.reason


@pytest.mark.parametrize("part", ["payload", "signature", "key"])
def test_a_log_entry_beside_a_key_has_to_be_about_it_too(instance, part):
    private_key = forge.new_key()
    payload, annotations = key_signed(private_key)
    signature = forge.base64.b64decode(annotations["dev.cosignproject.cosign/signature"])
    body = hashedrekord(
        b"other" if part == "payload" else payload,
        forge.sign(private_key, payload) if part == "signature" else signature,
        forge.pem(forge.new_key()) if part == "key" else forge.pem(private_key),
    )
    annotations["dev.sigstore.cosign/bundle"] = instance.log(body)
    assert verify((payload, annotations), by(private_key, log=instance.root)).state is Validity.WRONG


def test_a_policy_that_demands_a_log_entry_gets_one(instance):
    private_key = forge.new_key()
    payload, annotations = key_signed(private_key)
    signer = by(private_key, log=instance.root)
    checked = verify((payload, annotations), signer)
    assert (checked.state, checked.reason) == (Validity.UNKNOWN, "no log entry, which the policy demands")
    signature = forge.base64.b64decode(annotations["dev.cosignproject.cosign/signature"])
    annotations["dev.sigstore.cosign/bundle"] = instance.log(hashedrekord(payload, signature, forge.pem(private_key)))
    checked = verify((payload, annotations), signer)
    assert (checked.state, checked.signed_at) == (Validity.GOOD, LOGGED)
