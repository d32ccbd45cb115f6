"""Sigstore bundles v0.1 to v0.3 (protobuf-specs, sigstore_bundle.proto): DSSE or a message, keyless or by key."""

import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from container_updates.signing import statements
from container_updates.signing.bounded import MAX_CERTIFICATES, decode_base64, json_object, member
from container_updates.signing.verdict import (
    LOADING,
    SIGN_PREDICATE,
    Checked,
    Expected,
    Unknown,
    Wrong,
    named_or_stranger,
    verifier,
)

if TYPE_CHECKING:
    from container_updates.signing.sigstore.material import Material

MEDIA_TYPES = (
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
)
_SHA256 = "SHA2_256"


@verifier("sigstore-bundle")
def verify(body: bytes, expected: Expected) -> Checked | None:
    """The verdict on one bundle; None where it signs something else than what is looked for.

    That is a statement of another kind, an envelope of another payload, or a blob that is not the image's manifest.
    """
    bundle = json_object(body, "the bundle")
    if bundle.get("mediaType") not in MEDIA_TYPES:
        raise Unknown(f"a bundle of a version that is not supported: {str(bundle.get('mediaType'))[:80]}")
    if "dsseEnvelope" in bundle:
        return _dsse(bundle, expected)
    if "messageSignature" in bundle:
        return _message(bundle, expected) if SIGN_PREDICATE in expected.predicate_types else None
    raise Wrong("the bundle holds no signature")


def _dsse(bundle: Mapping[str, Any], expected: Expected) -> Checked | None:
    raw = member(bundle, "dsseEnvelope") or {}
    if statements.is_of_another_kind(raw):
        return None
    envelope = statements.read_envelope(raw)
    if not statements.is_wanted(envelope, expected):
        return None
    digest = statements.check(envelope, expected)
    material = _material(bundle, envelope.signature, message=envelope.signed_bytes(), payload=envelope.payload)
    return _proven(material, expected, digest, envelope)


def _message(bundle: Mapping[str, Any], expected: Expected) -> Checked | None:
    """A signature over the image's manifest itself, of which the digest is all that has to be known."""
    manifests = {digest: bytes.fromhex(digest[7:]) for digest in expected.digests if digest.startswith("sha256:")}
    said = member(bundle, "messageSignature", "messageDigest")
    if said is not None:
        if member(said, "algorithm") != _SHA256:
            raise Unknown("a bundle over another digest than SHA-256")
        raw = decode_base64(member(said, "digest"), "the signed digest")
        manifests = {digest: known for digest, known in manifests.items() if known == raw}
    if not manifests:
        return None
    signature = decode_base64(member(bundle, "messageSignature", "signature"), "the signature")
    digest, raw = min(manifests.items())
    return _proven(_material(bundle, signature, digest=raw), expected, digest)


def _proven(
    material: "Material", expected: Expected, digest: str, envelope: statements.Envelope | None = None
) -> Checked:
    with LOADING:
        from container_updates.signing.sigstore import proofs

    proof = proofs.prove(material, expected)
    if envelope is not None:
        statements.check_source(envelope, proof.claims)
    return named_or_stranger(
        "sigstore-bundle",
        proof.named,
        proof.signer,
        expected,
        digest=digest,
        signed_at=proof.signed_at,
        claims=proof.claims,
        statement=envelope.statement if envelope else None,
        details=proof.details,
    )


def _material(bundle: Mapping[str, Any], signature: bytes, **signed: Any) -> "Material":
    with LOADING:
        from container_updates.signing.sigstore import rekor
        from container_updates.signing.sigstore.material import Material

    chain = _certificates(bundle)
    if not chain and member(bundle, "verificationMaterial", "publicKey") is None:
        raise Wrong("the bundle names neither a certificate nor a key")
    entries = member(bundle, "verificationMaterial", "tlogEntries") or []
    if len(entries) > 1:
        raise Unknown(f"a bundle with {len(entries)} log entries, of which one alone is supported")
    entry = rekor.from_bundle(entries[0]) if entries else None
    if entry is not None and entry.proof is None and bundle["mediaType"] != MEDIA_TYPES[0]:
        raise Wrong("the log entry has no proof of inclusion")
    return Material(
        signature,
        certificate=chain[0] if chain else None,
        chain=tuple(chain[1:]),
        log_entry=entry,
        timestamps=_timestamps(bundle),
        stamped=signature,
        hint=_hint(member(bundle, "verificationMaterial", "publicKey", "hint")),
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


def _timestamps(bundle: Mapping[str, Any]) -> tuple[bytes, ...]:
    stamps = member(bundle, "verificationMaterial", "timestampVerificationData", "rfc3161Timestamps") or []
    return tuple(decode_base64(member(one, "signedTimestamp"), "the timestamp") for one in stamps)


def _hint(hint: object) -> str | None:
    """Cosign gives the base64 of the key's SHA-256; what others give is not compared."""
    try:
        raw = base64.b64decode(hint, validate=True) if isinstance(hint, str) else b""
    except ValueError:
        return None
    return f"sha256:{raw.hex()}" if len(raw) == hashlib.sha256().digest_size else None
