"""notation's signatures: each check, by a signature that is right but for one thing."""

import base64
import json
from datetime import UTC, datetime, timedelta

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from container_updates.signing.crypto import der
from container_updates.signing.notation import envelopes, signature
from container_updates.signing.notation.envelopes import COSE, JWS
from container_updates.signing.signers import NotationSigner
from container_updates.signing.verdict import Validity
from tests.support import forge, stamp
from tests.support.forge import (
    AUTHENTIC,
    EXPIRY,
    LOGGED,
    NOW,
    SCHEME,
    certify,
    cose,
    expected,
    jws,
    notation_header,
    notation_signer,
    target,
)
from tests.support.signature_assets import ROOT, Layout, trust_store

CA = certify("Acme CA", authority=True)
LEAF = certify("release", CA)
ENVELOPE_DIGEST = "sha256:60043cf45eaebc4c0867fea485a039b598f52fd09fd5b07b0b2d2f88fad9d74e"
REAL = "real-signers"


def verify(leaf=LEAF, chain=None, header=None, *, signer=None, media_type=JWS, body=None, now=NOW, **more):
    body = body or jws(leaf, chain or [leaf, CA], header, **more)
    return signature.verify(media_type, body, expected(signer or notation_signer(CA), now=now))


@pytest.mark.parametrize(
    ("folder", "store", "states"),
    [
        ("notation/oci_layout/e2e-valid-signature", "notation/certs/e2e.crt", ["good"]),
        ("notation/oci_layout/e2e-valid-multiple-signatures", "notation/certs/e2e.crt", ["good", "unknown"]),
        ("notation/oci_layout/e2e-expired-signature", "notation/certs/e2e.crt", ["wrong"]),
        ("notation/oci_layout/e2e-invalid-signature", "notation/certs/e2e.crt", ["wrong"]),
        ("notation/oci_layout/e2e", "notation/certs/e2e.crt", []),
        (f"{REAL}/notation-cose-ec", f"{REAL}/keys/notation-acme-ca.crt", ["good"]),
        (f"{REAL}/notation-cose-ec", f"{REAL}/keys/notation-other-ca.crt", ["unknown"]),
        (f"{REAL}/notation-expired", f"{REAL}/keys/notation-acme-ca.crt", ["wrong"]),
        (f"{REAL}/notation-jws-rsa", f"{REAL}/keys/notation-rsa.crt", ["good"]),
    ],
)
def test_the_verdicts_on_what_the_real_notation_signed(folder, store, states):
    layout = Layout(folder)
    digests = [entry["digest"] for entry in layout.index["manifests"]]
    checked = [
        one
        for digest in digests
        for one in layout.signatures(digest, expected(trust_store(store), digest=digest, now=NOW))
    ]
    assert sorted(one.state.value for one in checked) == states, checked


def test_an_index_that_is_signed():
    layout = Layout(f"{REAL}/notation-index")
    digest = layout.tagged("multi")
    store = trust_store(f"{REAL}/keys/notation-acme-ca.crt")
    assert [one.state for one in layout.signatures(digest, expected(store, digest=digest))] == [Validity.GOOD]


@pytest.mark.parametrize(
    ("name", "state", "words"),
    [
        ("ca_valid_sig_env.json", Validity.GOOD, "signed by CN=Notation Test"),
        ("ca_expired_sig_env.json", Validity.WRONG, "expired"),
        ("ca_invalid_sig_env.json", Validity.WRONG, ""),
        ("ca_plugin_sig_env.json", Validity.WRONG, "SomeKey"),
        ("malformed.jws.sig", Validity.WRONG, "no valid JSON"),
    ],
)
def test_the_verdicts_on_the_envelopes_of_notation_go(name, state, words):
    body = (ROOT / "notation" / "envelopes" / name).read_bytes()
    chain = json.loads(body)["header"]["x5c"] if state is Validity.GOOD or "ca_" in name else [""]
    signer = NotationSigner("store", (base64.b64decode(chain[-1]),))
    checked = signature.verify(JWS, body, expected(signer, digest=ENVELOPE_DIGEST))
    assert checked.state is state, checked.reason
    assert words in checked.reason


def test_the_cose_envelope_of_notation_go():
    body = (ROOT / "notation" / "envelopes" / "cose_signature.sig").read_bytes()
    chain = cbor2.loads(body).value[1][33]
    signer = NotationSigner("store", (chain[-1] if isinstance(chain, tuple | list) else chain,))
    digest = "sha256:19dbd2e48e921426ee8ace4dc892edfb2ecdc1d1a72d5416c83670c30acecef0"
    checked = signature.verify(COSE, body, expected(signer, digest=digest))
    assert (checked.state, checked.signer.identity) == (Validity.GOOD, "CN=alpine,O=Notary,L=Seattle,ST=WA,C=US")


def test_good_in_both_envelopes_and_revocation_is_said_to_be_skipped():
    for checked in (verify(), verify(body=cose(LEAF, [LEAF, CA]), media_type=COSE)):
        assert checked.state is Validity.GOOD, checked.reason
        assert checked.details["revocation"] == "skipped"
        assert checked.holds_until == datetime(2040, 1, 1, tzinfo=UTC)


def test_another_envelope_is_wrong():
    assert verify(media_type="application/octet-stream").state is Validity.WRONG


def test_a_content_type_other_than_notations_is_wrong():
    checked = verify(header=notation_header(cty="application/json"))
    assert (checked.state, checked.reason) == (Validity.WRONG, "the signed payload is of another type than notation's")


def test_a_payload_for_another_image_is_wrong():
    checked = verify(payload=target("sha256:" + "cd" * 32))
    assert (checked.state, checked.reason) == (Validity.WRONG, "signed for another image")


def test_the_algorithm_follows_from_the_key():
    checked = verify(header=notation_header(alg="ES384"))
    assert checked.state is Validity.WRONG
    assert "another algorithm" in checked.reason


@pytest.mark.parametrize("alg", ["none", "HS256", None])
def test_no_header_talks_us_into_another_algorithm(alg):
    assert verify(header=notation_header(alg=alg)).state is Validity.WRONG


@pytest.mark.parametrize(
    ("bits", "alg", "algorithm"), [(2048, "PS256", hashes.SHA256()), (3072, "PS384", hashes.SHA384())]
)
def test_rsa_signs_with_pss(bits, alg, algorithm):
    leaf = certify("rsa", CA, key=forge.rsa_key(bits))
    good = verify(
        leaf, header=notation_header(alg=alg), signature=lambda key, message: forge.pss(key, message, algorithm)
    )
    assert good.state is Validity.GOOD, good.reason


def test_rsa_with_pkcs1_is_wrong():
    leaf = certify("rsa", CA, key=forge.rsa_key())
    assert verify(leaf, header=notation_header(alg="PS256"), signature=forge.sign).state is Validity.WRONG


def test_an_rsa_key_that_is_too_small_is_wrong():
    leaf = certify("rsa", CA, key=forge.rsa_key(1024))
    assert verify(leaf, header=notation_header(alg="PS256"), signature=forge.pss).state is Validity.WRONG


@pytest.mark.parametrize(("curve", "alg"), [(ec.SECP384R1(), "ES384"), (ec.SECP521R1(), "ES512")])
def test_the_larger_curves(curve, alg):
    leaf = certify("large", CA, key=forge.new_key(curve))
    assert verify(leaf, header=notation_header(alg=alg)).state is Validity.GOOD


def test_ecdsa_in_der_instead_of_raw_is_wrong():
    assert verify(signature=forge.sign).state is Validity.WRONG


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crit": []}, "has to be critical"),
        ({"crit": None}, "has to be critical"),
        ({EXPIRY: "2030-01-01T00:00:00Z"}, "has to be critical"),
        ({"crit": [SCHEME, "acme.example"], "acme.example": 1}, "nobody here knows"),
        ({"crit": [SCHEME, EXPIRY]}, "is not there"),
        ({SCHEME: "notary.x500"}, "scheme"),
        ({SCHEME: None, "crit": []}, "scheme"),
        ({AUTHENTIC: "2025-06-01T12:00:00Z", "crit": [SCHEME, AUTHENTIC]}, "authentic signing time"),
        ({SCHEME: "notary.x509.signingAuthority"}, "authentic signing time"),
        ({SCHEME: "notary.x509.signingAuthority", AUTHENTIC: "2025-06-01T12:00:00Z"}, "has to be critical"),
        ({EXPIRY: "tomorrow", "crit": [SCHEME, EXPIRY]}, "no time"),
    ],
)
def test_a_header_that_is_not_as_specified_is_wrong(changes, words):
    checked = verify(header=notation_header(**changes))
    assert checked.state is Validity.WRONG
    assert words in checked.reason


@pytest.mark.parametrize("critical", [True, False])
def test_a_verification_plugin_cannot_be_run(critical):
    plugin = "io.cncf.notary.verificationPlugin"
    checked = verify(header=notation_header(**{plugin: "acme", "crit": [SCHEME, *([plugin] if critical else [])]}))
    assert checked.state is (Validity.UNKNOWN if critical else Validity.WRONG)


@pytest.mark.parametrize(("seconds", "state"), [(-1, Validity.GOOD), (0, Validity.WRONG), (1, Validity.WRONG)])
def test_the_signatures_expiry_to_the_second(seconds, state):
    header = notation_header(**{EXPIRY: "2027-01-01T00:00:00Z", "crit": [SCHEME, EXPIRY]})
    moment = datetime(2027, 1, 1, tzinfo=UTC)
    checked = verify(header=header, now=moment + timedelta(seconds=seconds))
    assert checked.state is state
    if state is Validity.GOOD:
        assert checked.holds_until == moment


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        (datetime(2020, 1, 1, tzinfo=UTC) - timedelta(seconds=1), Validity.WRONG),
        (datetime(2020, 1, 1, tzinfo=UTC), Validity.GOOD),
        (datetime(2040, 1, 1, tzinfo=UTC), Validity.GOOD),
        (datetime(2040, 1, 1, tzinfo=UTC) + timedelta(seconds=1), Validity.WRONG),
    ],
)
def test_the_certificates_time_to_the_second(moment, state):
    checked = verify(now=moment)
    assert checked.state is state
    if state is Validity.WRONG:
        assert "CN=release" in checked.reason


def test_the_real_certificate_that_was_valid_for_a_day():
    layout = Layout(f"{REAL}/notation-jws-rsa")
    digest, store = layout.tagged("single"), trust_store(f"{REAL}/keys/notation-rsa.crt")
    for moment, state in (
        (datetime(2026, 11, 23, 21, 15, 41, tzinfo=UTC), Validity.WRONG),
        (datetime(2026, 11, 23, 21, 15, 42, tzinfo=UTC), Validity.GOOD),
        (datetime(2026, 11, 24, 21, 15, 42, tzinfo=UTC), Validity.GOOD),
        (datetime(2026, 11, 24, 21, 15, 43, tzinfo=UTC), Validity.WRONG),
    ):
        (checked,) = layout.signatures(digest, expected(store, digest=digest, now=moment))
        assert checked.state is state, (moment, checked.reason)


def test_a_clock_a_year_off_says_which_certificate_is_outside_its_time():
    checked = verify(now=datetime(2041, 6, 1, tzinfo=UTC))
    assert (
        checked.reason
        == "certificate CN=release,O=Acme,C=DE expired at 2040-01-01T00:00:00Z (now 2041-06-01T00:00:00Z)"
    )


def test_without_its_root_a_chain_is_not_complete():
    middle = certify("middle", CA, authority=True)
    leaf = certify("release", middle)
    assert verify(leaf, [leaf, middle, CA]).state is Validity.GOOD
    checked = verify(leaf, [leaf, middle], signer=notation_signer(middle))
    assert checked.state is Validity.WRONG
    assert "not complete" in checked.reason


def test_a_chain_of_too_many_certificates_is_refused_before_any_is_read():
    body = json.loads(jws(LEAF, [LEAF, CA]))
    body["header"]["x5c"] = [forge.b64(b"no certificate")] * 17
    checked = verify(body=json.dumps(body).encode())
    assert (checked.state, checked.reason) == (Validity.WRONG, "a chain of 17 certificates")


def test_a_chain_out_of_order_is_wrong():
    middle = certify("middle", CA, authority=True)
    leaf = certify("release", middle)
    checked = verify(leaf, [leaf, CA, middle])
    assert checked.state is Validity.WRONG
    assert "out of order" in checked.reason


def test_a_certificate_that_its_issuer_did_not_sign_is_wrong():
    false = certify("release", CA, signed_by=forge.new_key())
    checked = verify(false)
    assert checked.state is Validity.WRONG
    assert "is not signed by" in checked.reason


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"flag": False, "signs_certificates": True}, "no authority's"),
        ({"flag": None, "signs_certificates": True}, "no authority's"),
        ({"authority": True, "signs_certificates": False}, "keyCertSign"),
    ],
)
def test_an_issuer_that_may_not_issue_is_wrong(fault, words):
    middle = certify("middle", CA, **fault)
    leaf = certify("release", middle)
    checked = verify(leaf, [leaf, middle, CA])
    assert checked.state is Validity.WRONG
    assert words in checked.reason


def test_a_chain_longer_than_an_authority_allows_is_wrong():
    ca = certify("short", authority=True, path_length=0)
    middle = certify("middle", ca, authority=True)
    leaf = certify("release", middle)
    checked = verify(leaf, [leaf, middle, ca], signer=notation_signer(ca))
    assert checked.state is Validity.WRONG
    assert "as long as this" in checked.reason


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"authority": True}, "an authority's own"),
        ({"key_usage": forge.usage(key_agreement=True)}, "digitalSignature"),
        ({"key_usage": forge.usage(digital_signature=True, key_cert_sign=True)}, "beyond signing"),
        ({"purposes": [forge.ExtendedKeyUsageOID.SERVER_AUTH]}, "another use"),
        ({"purposes": [forge.CODE_SIGNING, forge.ExtendedKeyUsageOID.TIME_STAMPING]}, "another use"),
        ({"purposes": [forge.CODE_SIGNING, forge.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]}, "another use"),
    ],
)
def test_a_signer_with_the_wrong_flags_or_usages_is_wrong(fault, words):
    checked = verify(certify("release", CA, **fault))
    assert checked.state is Validity.WRONG
    assert words in checked.reason


def test_a_critical_extension_that_nobody_reads_is_unknown():
    extension = forge.x509.UnrecognizedExtension(forge.x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    checked = verify(certify("release", CA, extensions=[(extension, True)]))
    assert checked.state is Validity.UNKNOWN


def test_a_chain_to_no_named_authority_is_unknown():
    assert verify(signer=notation_signer(certify("other", authority=True))).state is Validity.UNKNOWN
    nobody = signature.verify(JWS, jws(LEAF, [LEAF, CA]), expected())
    assert (nobody.state, nobody.signer) == (Validity.UNKNOWN, None)
    assert "no policy names" in nobody.reason


@pytest.mark.parametrize(
    ("identity", "state"),
    [
        ("x509.subject: C=DE, O=Acme", Validity.GOOD),
        ("x509.subject: CN=release,O=Acme,C=DE", Validity.GOOD),
        ("x509.subject: C=DE, O=Acm", Validity.UNKNOWN),
        ("x509.subject: C=DE, O=Acme, OU=x", Validity.UNKNOWN),
        ("x509.subject: O=release", Validity.UNKNOWN),
    ],
)
def test_identities_are_parts_of_the_subject_word_for_word(identity, state):
    checked = verify(signer=notation_signer(CA, identities=(identity,)))
    assert checked.state is state
    if state is Validity.UNKNOWN:
        assert "whom the policy does not name" in checked.reason


def by_authority(moment):
    crit = [SCHEME, AUTHENTIC]
    return notation_header(**{SCHEME: "notary.x509.signingAuthority", AUTHENTIC: moment, "crit": crit})


def test_a_signing_authority_needs_its_own_trust_store():
    header = by_authority("2025-06-01T12:00:00Z")
    assert verify(header=header).state is Validity.UNKNOWN
    assert verify(header=header, signer=NotationSigner("store", (), (CA.der,))).state is Validity.GOOD
    assert verify(signer=NotationSigner("store", (), (CA.der,))).state is Validity.UNKNOWN


def test_a_signing_authority_is_believed_when_it_signed_where_the_policy_says_so():
    later = datetime(2041, 1, 1, tzinfo=UTC)
    header = by_authority("2025-06-01T12:00:00Z")
    believing = NotationSigner("store", (), (CA.der,))
    checked = verify(header=header, signer=believing, now=later)
    assert (checked.state, checked.signed_at) == (Validity.GOOD, LOGGED)
    doubting = NotationSigner("store", (), (CA.der,), believes_time=False)
    assert verify(header=header, signer=doubting, now=later).state is Validity.WRONG
    assert verify(header=by_authority("2019-06-01T12:00:00Z"), signer=believing).state is Validity.WRONG


def stamped(tsa, *certificates, over=None, **more):
    """The unprotected header with a timestamp over the signature, or over something else."""
    return lambda made: {
        "io.cncf.notary.timestampSignature": forge.b64(stamp.token(tsa, over or made, *certificates, **more))
    }


TSA_ROOT, TSA = stamp.authority()
LATER = datetime(2041, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("unprotected", "state"),
    [
        (None, Validity.WRONG),
        (stamped(TSA, TSA), Validity.GOOD),
        (stamped(TSA, TSA, TSA_ROOT), Validity.GOOD),
        (stamped(TSA, TSA, over=b"something else"), Validity.WRONG),
        (stamped(TSA, TSA, key=forge.new_key()), Validity.WRONG),
        (stamped(TSA), Validity.WRONG),
        (stamped(TSA, TSA, moment=datetime(2019, 1, 1, tzinfo=UTC)), Validity.WRONG),
        (stamped(TSA, TSA, moment=datetime(2040, 6, 1, tzinfo=UTC)), Validity.WRONG),
        (lambda made: {"io.cncf.notary.timestampSignature": "AAAA"}, Validity.WRONG),
    ],
)
def test_a_timestamp_for_a_certificate_that_expired_since(unprotected, state):
    signer = notation_signer(CA, timestamp_authorities=(TSA_ROOT.der,))
    checked = verify(signer=signer, now=LATER, unprotected=unprotected)
    assert checked.state is state, checked.reason
    if state is Validity.GOOD:
        assert checked.signed_at == LOGGED


@pytest.mark.parametrize(("accuracy", "state"), [(1, Validity.GOOD), (2, Validity.WRONG)])
@pytest.mark.parametrize("edge", ["start", "end"])
def test_a_timestamp_counts_with_all_that_it_may_be_off(edge, accuracy, state):
    inside = timedelta(seconds=1 if edge == "start" else -1)
    leaf = certify("short", CA, start=LOGGED, end=LOGGED + timedelta(days=1))
    moment = (LOGGED if edge == "start" else LOGGED + timedelta(days=1)) + inside
    signer = notation_signer(CA, timestamp_authorities=(TSA_ROOT.der,))
    unprotected = stamped(TSA, TSA, moment=moment, accuracy=accuracy)
    assert verify(leaf, signer=signer, now=LATER, unprotected=unprotected).state is state


def test_a_timestamp_by_nobody_whom_the_policy_names_is_unknown():
    assert verify(signer=notation_signer(CA), now=LATER, unprotected=stamped(TSA, TSA)).state is Validity.UNKNOWN


def test_a_self_signed_timestamp_authority_that_comes_along_is_not_believed():
    false_root, false = stamp.authority()
    signer = notation_signer(CA, timestamp_authorities=(TSA_ROOT.der,))
    checked = verify(signer=signer, now=LATER, unprotected=stamped(false, false, false_root, TSA_ROOT))
    assert checked.state is not Validity.GOOD


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ({"purposes": [forge.CODE_SIGNING]}, "is for another use than time stamping"),
        (
            {"purposes": [forge.CODE_SIGNING, forge.ExtendedKeyUsageOID.TIME_STAMPING]},
            "is for another use than time stamping",
        ),
        ({"purposes": []}, "does not say that it is for time stamping"),
        ({"key_usage": forge.usage(key_agreement=True)}, "lacks the key usage digitalSignature"),
        ({"authority": True}, "signs although it is an authority's own"),
    ],
)
def test_a_timestamp_by_a_certificate_for_something_else_is_wrong(faults, words):
    root, tsa = stamp.authority(**faults)
    signer = notation_signer(CA, timestamp_authorities=(root.der,))
    checked = verify(signer=signer, now=LATER, unprotected=stamped(tsa, tsa))
    assert checked.state is Validity.WRONG
    assert words in checked.reason


@pytest.mark.parametrize(("more", "signers"), [(0, 2), (0, 0), (16, 1)])
def test_a_timestamp_of_several_signers_or_very_many_certificates_is_wrong(more, signers):
    signer = notation_signer(CA, timestamp_authorities=(TSA_ROOT.der,))
    others = [certify(f"other {number}") for number in range(more)]
    checked = verify(signer=signer, now=LATER, unprotected=stamped(TSA, TSA, *others, signers=signers))
    assert (checked.state, checked.reason) == (
        Validity.WRONG,
        "the timestamp has not exactly one signer, or too many certificates",
    )


def test_a_timestamp_from_after_its_authoritys_certificate_is_wrong():
    root, tsa = stamp.authority(end=LOGGED - timedelta(seconds=1))
    signer = notation_signer(CA, timestamp_authorities=(root.der,))
    checked = verify(signer=signer, now=LATER, unprotected=stamped(tsa, tsa))
    assert checked.state is Validity.WRONG
    assert "certificate CN=tsa,O=Acme,C=DE expired" in checked.reason


@pytest.mark.parametrize("check", ["expiry", "authenticTimestamp"])
def test_what_a_level_only_logs_is_noted(check):
    header = notation_header(**{EXPIRY: "2026-01-01T00:00:00Z", "crit": [SCHEME, EXPIRY]})
    signer = notation_signer(CA, logged=frozenset({check}))
    checked = verify(header=header, signer=signer) if check == "expiry" else verify(signer=signer, now=LATER)
    assert checked.state is Validity.GOOD
    assert "expired" in checked.details["notes"][0]


def test_the_issuer_of_a_broken_certificate_in_the_chain_is_wrong():
    body = json.loads(jws(LEAF, [LEAF, CA]))
    body["header"]["x5c"][1] = forge.b64(b"\x30\x03\x02\x01\x05")
    assert verify(body=json.dumps(body).encode()).state is Validity.WRONG
    body["header"]["x5c"] = []
    assert verify(body=json.dumps(body).encode()).state is Validity.WRONG


RSA_CA = certify("RSA CA", authority=True, key=forge.rsa_key())


@pytest.mark.parametrize("hashed_by", ["MD5", "SHA-1"])
def test_a_chain_that_is_signed_with_a_broken_hash_is_wrong_and_says_so(hashed_by):
    leaf = forge.weakly_signed(certify("release", RSA_CA), hashed_by)
    checked = verify(leaf, [leaf, RSA_CA], signer=notation_signer(RSA_CA))
    assert checked.state is Validity.WRONG
    assert checked.reason == f"certificate CN=release,O=Acme,C=DE is signed with {hashed_by}"

    root = forge.weakly_signed(RSA_CA, hashed_by)
    leaf = certify("release", RSA_CA)
    checked = verify(leaf, [leaf, root], signer=notation_signer(root))
    assert (checked.state, checked.reason) == (
        Validity.WRONG,
        f"certificate CN=RSA CA,O=Acme,C=DE is signed with {hashed_by}",
    )


def test_a_chain_above_which_stands_a_small_rsa_key_is_wrong_and_says_so():
    small = certify("small CA", authority=True, key=forge.rsa_key(1024))
    leaf = certify("release", small)
    checked = verify(leaf, [leaf, small], signer=notation_signer(small))
    assert (checked.state, checked.reason) == (
        Validity.WRONG,
        "certificate CN=small CA,O=Acme,C=DE has an RSA key of 1024 bits, less than 2048",
    )


@pytest.mark.parametrize("hashed_by", ["MD5", "SHA-1"])
def test_a_timestamp_by_a_certificate_that_is_signed_with_a_broken_hash_is_wrong(hashed_by):
    purposes = [forge.ExtendedKeyUsageOID.TIME_STAMPING]
    tsa = forge.weakly_signed(certify("tsa", RSA_CA, purposes=purposes, purposes_critical=True), hashed_by)
    signer = notation_signer(CA, timestamp_authorities=(RSA_CA.der,))
    checked = verify(signer=signer, now=LATER, unprotected=stamped(tsa, tsa))
    assert (checked.state, checked.reason) == (
        Validity.WRONG,
        f"certificate CN=tsa,O=Acme,C=DE is signed with {hashed_by}",
    )


def test_a_trusted_timestamp_root_is_believed_whatever_it_is_signed_with_itself():
    """Such as DigiCert's, of 2006 with SHA-1: nobody checks a root by its own signature."""
    purposes = [forge.ExtendedKeyUsageOID.TIME_STAMPING]
    tsa = certify("tsa", RSA_CA, purposes=purposes, purposes_critical=True)
    root = forge.weakly_signed(RSA_CA, "SHA-1")
    signer = notation_signer(CA, timestamp_authorities=(root.der,))
    assert verify(signer=signer, now=LATER, unprotected=stamped(tsa, tsa)).state is Validity.GOOD


_, FOREIGN = stamp.authority()
BEFORE = datetime(2019, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("unprotected", "words"),
    [
        (stamped(TSA, TSA), None),
        (None, "it has no timestamp, which the trust policy demands (verifyTimestamp)"),
        (lambda made: {"io.cncf.notary.timestampSignature": "AAAA"}, "the timestamp cannot be read"),
        (stamped(FOREIGN, FOREIGN), "its timestamp is of an authority that no policy names"),
        (stamped(TSA, TSA, over=b"something else"), "the timestamp is not by its authority, or for another signature"),
        (stamped(TSA, TSA, moment=BEFORE), "is not valid before 2020-01-01T00:00:00Z (stamped 2019"),
    ],
)
def test_a_trust_policy_with_timestamp_authorities_demands_a_right_timestamp_always(unprotected, words):
    signer = notation_signer(CA, timestamp_authorities=(TSA_ROOT.der,), verify_timestamp="always")
    checked = verify(signer=signer, unprotected=unprotected)
    assert checked.state is (Validity.WRONG if words else Validity.GOOD), checked.reason
    assert (words or "signed by") in checked.reason


@pytest.mark.parametrize(
    ("unprotected", "now", "state"),
    [
        (None, NOW, Validity.GOOD),
        (stamped(FOREIGN, FOREIGN), NOW, Validity.GOOD),
        (stamped(TSA, TSA), LATER, Validity.GOOD),
        (None, LATER, Validity.WRONG),
        (stamped(FOREIGN, FOREIGN), LATER, Validity.WRONG),
    ],
)
def test_a_trust_policy_may_demand_a_timestamp_only_after_the_certificate_s_end(unprotected, now, state):
    signer = notation_signer(CA, timestamp_authorities=(TSA_ROOT.der,), verify_timestamp="afterCertExpiry")
    assert verify(signer=signer, now=now, unprotected=unprotected).state is state


def test_a_trust_policy_without_timestamp_authorities_takes_an_expired_certificate_for_expired():
    signer = notation_signer(CA, verify_timestamp="always")
    assert verify(signer=signer).state is Validity.GOOD
    checked = verify(signer=signer, now=LATER, unprotected=stamped(TSA, TSA))
    assert checked.state is Validity.WRONG
    assert "expired at" in checked.reason


def test_a_signing_authority_needs_no_timestamp_whatever_the_trust_policy_says():
    signer = notation_signer(
        CA, signing_authorities=(CA.der,), timestamp_authorities=(TSA_ROOT.der,), verify_timestamp="always"
    )
    assert verify(header=by_authority("2025-06-01T12:00:00Z"), signer=signer).state is Validity.GOOD


def test_a_level_that_only_logs_times_notes_that_a_timestamp_is_missing():
    signer = notation_signer(
        CA,
        timestamp_authorities=(TSA_ROOT.der,),
        verify_timestamp="always",
        logged=frozenset({"authenticTimestamp"}),
    )
    checked = verify(signer=signer)
    assert checked.state is Validity.GOOD
    assert checked.details["notes"] == ["it has no timestamp, which the trust policy demands (verifyTimestamp)"]


@pytest.mark.parametrize(
    ("name", "when", "state"),
    [
        ("jwsWithTimestamp", "always", Validity.GOOD),
        ("jwsWithTimestamp", "afterCertExpiry", Validity.GOOD),
        ("coseWithTimestamp", "always", Validity.GOOD),
        ("jwsExpiredWithTimestamp", "always", Validity.GOOD),
        ("jwsExpiredWithTimestamp", "afterCertExpiry", Validity.GOOD),
        ("coseExpiredWithTimestamp", "afterCertExpiry", Validity.GOOD),
        ("withoutTimestamp", "always", Validity.WRONG),
        ("withoutTimestamp", "afterCertExpiry", Validity.GOOD),
        ("timestampBeforeNotBefore", "always", Validity.WRONG),
        ("timestampAfterNotAfter", "always", Validity.WRONG),
        ("timestampAfterNotAfter", "afterCertExpiry", Validity.WRONG),
    ],
)
def test_the_timestamps_of_a_real_authority_in_notation_go_s_envelopes(name, when, state):
    """Of GlobalSign, whose tokens have their certificates in another order than DER's."""
    body = (ROOT / "notation" / "timestamps" / f"{name}.sig").read_bytes()
    media_type = JWS if body.startswith(b"{") else COSE
    read = {JWS: envelopes.read_jws, COSE: envelopes.read_cose}[media_type](body)
    tsa = (ROOT / "notation" / "certs" / "globalsignTSARoot.cer").read_bytes()
    roots = der.pem_blocks(tsa.decode("latin-1"), "CERTIFICATE") or [tsa]
    signer = NotationSigner(
        "store", (read.certificates[-1],), timestamp_authorities=tuple(roots), verify_timestamp=when
    )
    digest = json.loads(read.payload)["targetArtifact"]["digest"]
    checked = signature.verify(media_type, body, expected(signer, digest=digest))
    assert checked.state is state, checked.reason


def test_a_signed_label_that_is_given_twice_is_wrong():
    """Two readers may take different ones: whoever made it wants them to disagree."""
    whole = cbor2.loads(forge.cose(LEAF, [LEAF, CA]))
    protected, *rest = whole.value
    size, entry = protected[0], cbor2.dumps({3: "application/vnd.cncf.notary.payload.v1+json"})[1:]
    twice = bytes([size + 1]) + protected[1:] + entry
    body = cbor2.dumps(cbor2.CBORTag(18, [twice, *rest]))
    checked = signature.verify(COSE, body, expected(notation_signer(CA)))
    assert (checked.state, checked.reason) == (Validity.WRONG, "the protected header has a label twice")


def test_the_target_s_media_type_and_size_are_the_manifest_s():
    body = jws(LEAF, [LEAF, CA])
    kind = "application/vnd.oci.image.manifest.v1+json"
    for described, state in (
        ((kind, 1), Validity.GOOD),
        ((kind, 2), Validity.WRONG),
        (("text/plain", 1), Validity.WRONG),
    ):
        checked = signature.verify(JWS, body, expected(notation_signer(CA), described=described))
        assert checked.state is state, checked.reason
