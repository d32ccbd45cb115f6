"""Sigstore bundles v0.1 to v0.3 (protobuf-specs, sigstore_bundle.proto): DSSE or a message, keyless or by key."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from container_updates.signing import statements
from container_updates.signing.bounded import MAX_CERTIFICATES, decode_base64, json_object, member
from container_updates.signing.sigstore.proofs import Material, Proof, prove
from container_updates.signing.sigstore.trusted_root import TrustedRoot
from container_updates.signing.verdict import (
    SIGN_PREDICATE,
    Checked,
    Expected,
    Unknown,
    Wrong,
    named_or_stranger,
    verifier,
)

if TYPE_CHECKING:
    from cryptography import x509

MEDIA_TYPES = (
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
)


@verifier("sigstore-bundle")
def verify(body: bytes, expected: Expected) -> Checked | None:
    """The verdict on one bundle; None where it is a statement of another kind than is looked for.

    A bundle with a certificate is the sigstore package's to judge; with a key, or of version 0.1 with no proof of
    inclusion but the log's promise, `proofs` judges it.
    """
    bundle = json_object(body, "the bundle")
    if bundle.get("mediaType") not in MEDIA_TYPES:
        raise Unknown(f"a bundle of a version that is not supported: {str(bundle.get('mediaType'))[:80]}")
    if "dsseEnvelope" in bundle:
        return _dsse(body, bundle, expected)
    if "messageSignature" in bundle:
        return _message(body, bundle, expected) if SIGN_PREDICATE in expected.predicate_types else None
    raise Wrong("the bundle holds no signature")


def _dsse(body: bytes, bundle: Mapping[str, Any], expected: Expected) -> Checked | None:
    envelope = statements.read_envelope(member(bundle, "dsseEnvelope") or {})
    if not statements.is_wanted(envelope, expected):
        return None
    material = _material(bundle, envelope.signature, message=envelope.signed_bytes(), logged_payload=envelope.payload)
    digest = statements.check(envelope, expected)
    proof = _prove(body, bundle, material, expected)
    statements.check_source(envelope, proof.claims)
    return _checked(proof, expected, digest=digest, statement=envelope.statement)


def _message(body: bytes, bundle: Mapping[str, Any], expected: Expected) -> Checked:
    """A signature over the image's manifest itself, of which the digest is all that has to be known."""
    said = decode_base64(member(bundle, "messageSignature", "messageDigest", "digest"), "the signed digest")
    if member(bundle, "messageSignature", "messageDigest", "algorithm") != "SHA2_256":
        raise Unknown("a bundle over another digest than SHA-256")
    digest = f"sha256:{said.hex()}"
    if digest not in expected.digests:
        raise Wrong("signed for another image")
    signature = decode_base64(member(bundle, "messageSignature", "signature"), "the signature")
    proof = _prove(body, bundle, _material(bundle, signature, digest=said), expected)
    return _checked(proof, expected, digest=digest)


def _checked(proof: Proof, expected: Expected, **facts: Any) -> Checked:
    return named_or_stranger(
        "sigstore-bundle",
        proof.named,
        proof.signer,
        expected,
        signed_at=proof.signed_at,
        claims=proof.claims,
        details=proof.details,
        **facts,
    )


def _prove(body: bytes, bundle: Mapping[str, Any], material: Material, expected: Expected) -> Proof:
    if material.certificate is None or (bundle["mediaType"] == MEDIA_TYPES[0] and not _has_inclusion(bundle)):
        return prove(material, expected)

    def by_sigstore(certificate: "x509.Certificate", root: TrustedRoot) -> datetime:
        from container_updates.signing.sigstore import keyless_bundle

        return keyless_bundle.check(body, material, certificate, root)

    return prove(material, expected, under_root=by_sigstore)


def _has_inclusion(bundle: Mapping[str, Any]) -> bool:
    return member(bundle, "verificationMaterial", "tlogEntries", 0, "inclusionProof", "checkpoint") is not None


def _material(bundle: Mapping[str, Any], signature: bytes, **signed: Any) -> Material:
    chain = _certificates(bundle)
    hint = member(bundle, "verificationMaterial", "publicKey", "hint")
    if not chain and member(bundle, "verificationMaterial", "publicKey") is None:
        raise Wrong("the bundle names neither a certificate nor a key")
    return Material(
        signature,
        certificate=chain[0] if chain else None,
        chain=tuple(chain[1:]),
        log_entry=_log_entry(bundle),
        hint=_hint(hint),
        **signed,
    )


def _certificates(bundle: Mapping[str, Any]) -> list[bytes]:
    """The signing certificate first: v0.3 has it alone, v0.1 and v0.2 have a chain."""
    single = member(bundle, "verificationMaterial", "certificate", "rawBytes")
    several = member(bundle, "verificationMaterial", "x509CertificateChain", "certificates") or []
    found = [single] if single is not None else [member(one, "rawBytes") for one in several]
    if len(found) > MAX_CERTIFICATES:
        raise Wrong(f"a chain of {len(found)} certificates")
    return [decode_base64(one, "a certificate of the bundle") for one in found]


def _hint(hint: object) -> str | None:
    """Cosign gives the base64 of the key's SHA-256; what others give is not compared."""
    try:
        raw = base64.b64decode(hint, validate=True) if isinstance(hint, str) else b""
    except ValueError:
        return None
    return f"sha256:{raw.hex()}" if len(raw) == hashlib.sha256().digest_size else None


def _log_entry(bundle: Mapping[str, Any]) -> Any:
    from container_updates.signing.sigstore import rekor

    entries = member(bundle, "verificationMaterial", "tlogEntries") or []
    if not entries:
        return None
    if len(entries) != 1:
        raise Wrong(f"the bundle has {len(entries)} log entries instead of one")
    return rekor.from_bundle(entries[0])
