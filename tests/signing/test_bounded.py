"""What strangers send may be large, deep or broken: it is refused before a parser sees it, and nothing else happens."""

import json

import cbor2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from container_updates.signing import bounded
from container_updates.signing.crypto import der
from container_updates.signing.notation import signature
from container_updates.signing.notation.envelopes import COSE, JWS
from container_updates.signing.sigstore import bundle, cosign
from container_updates.signing.verdict import Unknown, Validity, Wrong
from container_updates.untrusted.json import MAX_DEPTH
from tests.support.forge import SIMPLE, b64, certify, dsse, expected, key_bundle, key_signed, new_key, spki, statement


def test_json_within_the_bounds_is_read():
    deep = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert bounded.json_object(f'{{"a": {deep}}}', "it")["a"] is not None
    assert bounded.json_object(json.dumps({"a": "[" * 500}), "it") == {"a": "[" * 500}


@pytest.mark.parametrize(
    "text",
    [
        '{"a": ' + "[" * 65 + "]" * 65 + "}",
        '{"a": ' + "[" * 100_000 + "}",
        '{"a": [' + "1," * 300_000 + "1]}",
    ],
)
def test_json_that_is_too_deep_or_has_too_many_parts_is_not_looked_at(text):
    with pytest.raises(Unknown):
        bounded.json_object(text, "it")


@pytest.mark.parametrize(
    "text", ["", "[]", "1", "{", '{"a": 1, "a": 2}', '{"a": NaN}', "\x00", b"\xff\xfe", '{"a": ' + "1" * 5000 + "}"]
)
def test_what_is_no_json_object_is_wrong(text):
    with pytest.raises(Wrong):
        bounded.json_object(text, "it")


def test_a_blob_larger_than_the_cap_is_not_looked_at():
    large = b"{" + b" " * bounded.MAX_BLOB + b"}"
    assert cosign.verify(SIMPLE, large, {}, expected()).state is Validity.UNKNOWN
    assert bundle.verify(large, expected()).state is Validity.UNKNOWN
    for media_type in (JWS, COSE):
        assert signature.verify(media_type, large, expected()).state is Validity.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [b"\x81" * 65 + b"\x00", b"\xd8\x12" * 65 + b"\x00", cbor2.dumps(list(range(10_001)))],
)
def test_cbor_that_is_too_deep_or_has_too_many_parts_is_not_looked_at(body):
    with pytest.raises(Unknown):
        bounded.check_cbor(body, "it")


@pytest.mark.parametrize(
    "body", [b"", b"\x82\x00", b"\x9f\x00\xff", b"\x00\x00", b"\x5b" + b"\xff" * 8, b"\x9b" + b"\xff" * 8]
)
def test_cbor_that_is_cut_short_or_endless_is_wrong(body):
    with pytest.raises(Wrong):
        bounded.check_cbor(body, "it")


def test_der_that_is_too_deep_or_too_large_is_refused():
    nested = b""
    for _ in range(der.MAX_DEPTH + 2):
        nested = der.sequence(nested)
    for body in (nested, b"\x04\x83\x02\x00\x00" + bytes(0x20000), b"\x30\x80\x00\x00", b"", b"\x30\x01"):
        with pytest.raises(ValueError, match=r".+"):
            der.check(body)


def test_what_is_a_public_key_is_told_without_a_library():
    key = spki(new_key())
    assert der.check_public_key(key) == "ECDSA"
    for other in (certify("x").der, key[:-1], key + b"\0", b"", b"\x30\x00", b"\x30\x02\x30\x00", b"\x05\x00"):
        with pytest.raises(ValueError, match=r".+"):
            der.check_public_key(other)


class Hostile(dict):
    """Annotations that fail in a way that nobody foresaw, with text that nobody should see."""

    def get(self, key, default=None):
        raise RuntimeError("SECRET")


def test_an_unforeseen_error_makes_one_signature_unverifiable_and_tells_its_type_alone():
    payload, _ = key_signed(new_key())
    checked = cosign.verify(SIMPLE, payload, Hostile(), expected())
    assert (checked.state, checked.reason) == (Validity.UNKNOWN, "could not be checked (RuntimeError)")


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"", b"\xd2\x84\x40\xa0\x40\x40", b"\xd2\x00", b'{"payload": 1}', b"\xa0"]
)
def test_scraps_are_never_good_and_never_a_crash(body):
    for checked in (
        bundle.verify(body, expected()),
        signature.verify(JWS, body, expected()),
        signature.verify(COSE, body, expected()),
        cosign.verify(SIMPLE, body, {}, expected()),
        cosign.verify_attestation(cosign.DSSE, body, {}, expected()),
    ):
        assert checked.state is not Validity.GOOD
        assert "Error" not in checked.reason, checked.reason


def test_a_chain_of_too_many_certificates_is_refused_before_any_is_read():
    payload, annotations = key_signed(new_key())
    pem = certify("x").certificate.public_bytes(Encoding.PEM).decode()
    annotations["dev.sigstore.cosign/certificate"] = pem
    annotations["dev.sigstore.cosign/chain"] = pem * (bounded.MAX_CERTIFICATES + 1)
    checked = cosign.verify(SIMPLE, payload, annotations, expected())
    assert (checked.state, checked.reason) == (Validity.WRONG, "a chain of 17 certificates")


def test_a_bundle_with_too_many_certificates_is_refused_before_any_is_read():
    private_key = new_key()
    chain = {"certificates": [{"rawBytes": b64(b"no certificate")}] * (bounded.MAX_CERTIFICATES + 1)}
    body = key_bundle(private_key, dsse(private_key, statement()), x509CertificateChain=chain)
    checked = bundle.verify(body, expected())
    assert (checked.state, checked.reason) == (Validity.WRONG, "a chain of 17 certificates")
