"""cosign's classic signatures: simple signing payloads beside the image (cosign, specs/SIGNATURE_SPEC.md), and `.att`.

Everything but the payload stands in the layer's annotations. Nothing in them is trusted by itself: a certificate counts
by a root's word, a log entry by the log's signature, a key only where the admin named it.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from container_updates import reference
from container_updates.errors import InvalidReference
from container_updates.signing import statements
from container_updates.signing.bounded import MAX_CERTIFICATES, decode_base64, json_object, member
from container_updates.signing.crypto import der
from container_updates.signing.signers import SignedIdentity, Signer, allows
from container_updates.signing.verdict import LOADING, Checked, Expected, Wrong, named_or_stranger, verifier

if TYPE_CHECKING:
    from container_updates.signing.sigstore.material import Material

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
_SIGNATURE = "dev.cosignproject.cosign/signature"
_CERTIFICATE = "dev.sigstore.cosign/certificate"
_CHAIN = "dev.sigstore.cosign/chain"
_LOG_ENTRY = "dev.sigstore.cosign/bundle"
_TIMESTAMP = "dev.sigstore.cosign/rfc3161timestamp"
_PAYLOAD_TYPE = "cosign container image signature"


@verifier("cosign")
def verify(media_type: str, payload: bytes, annotations: Mapping[str, str], expected: Expected) -> Checked | None:
    """The verdict on one layer of a `.sig` manifest; None where it is no signature but another attachment."""
    if media_type != SIMPLE_SIGNING:
        return None
    digest, signed_name = _read(payload, expected)
    signature = decode_base64(annotations.get(_SIGNATURE), "the signature")
    material = _material(
        annotations,
        signature=signature,
        stamped=signature,
        message=payload,
        named=signed_name.name,
        signed_as=signed_name.name if signed_name.name != expected.reference.name else None,
    )
    with LOADING:
        from container_updates.signing.sigstore import proofs

    allowed = partial(_allowed, signed=signed_name, expected=expected)
    proof = proofs.prove(material, expected, allowed=allowed)
    checked = named_or_stranger(
        "cosign",
        proof.named,
        proof.signer,
        expected,
        digest=digest,
        signed_at=proof.signed_at,
        claims=proof.claims,
        details={**proof.details, **({"signed_as": material.signed_as} if material.signed_as else {})},
    )
    lacks = checked.lacks if proofs.may_be_named(expected, allowed) else None
    return replace(checked, reason=f"{checked.reason}{material.under}", lacks=lacks)


@verifier("cosign-attestation")
def verify_attestation(
    media_type: str, envelope: bytes, annotations: Mapping[str, str], expected: Expected
) -> Checked | None:
    """The verdict on one layer of a `.att` manifest; None where it is no statement of the kind that is looked for."""
    if media_type != DSSE:
        return None
    raw = json_object(envelope, "the envelope")
    if statements.is_of_another_kind(raw):
        return None
    dsse = statements.read_envelope(raw)
    if not statements.is_wanted(dsse, expected):
        return None
    digest = statements.check(dsse, expected)
    material = _material(
        annotations,
        signature=dsse.signature,
        message=dsse.signed_bytes(),
        payload=dsse.payload,
        envelope=envelope,
        stamped=envelope,
    )
    with LOADING:
        from container_updates.signing.sigstore import proofs

    proof = proofs.prove(material, expected)
    statements.check_source(dsse, proof.claims)
    return named_or_stranger(
        "cosign-attestation",
        proof.named,
        proof.signer,
        expected,
        digest=digest,
        signed_at=proof.signed_at,
        claims=proof.claims,
        statement=dsse.statement,
        details=proof.details,
    )


def _read(payload: bytes, expected: Expected) -> tuple[str, reference.Reference]:
    """The digest and the name that a simple signing payload is for (containers/image, signature-format)."""
    body = json_object(payload, "the signed payload")
    critical = body.get("critical")
    if member(critical, "type") != _PAYLOAD_TYPE:
        raise Wrong("the signed payload is of another type than a container image's")
    digest = member(critical, "image", "docker-manifest-digest")
    if digest not in expected.digests:
        raise Wrong("signed for another image")
    name = member(critical, "identity", "docker-reference")
    try:
        signed = reference.parse(name if isinstance(name, str) else "")
    except InvalidReference:
        raise Wrong("the signed payload names no repository") from None
    if isinstance(name, str) and ":" not in name.rpartition("/")[2] and "@" not in name:
        signed = replace(signed, tag=None)
    return digest, signed


def _allowed(signer: Signer, signed: reference.Reference, expected: Expected) -> bool:
    """Whether the name in the payload is one that this signer may sign under."""
    from container_updates.signing.sigstore.proofs import identity_of

    return allows(identity_of(signer) or SignedIdentity(), expected.reference, signed)


def _timestamp(text: str) -> bytes:
    stamp = json_object(text, "the timestamp").get("SignedRFC3161Timestamp")
    return decode_base64(stamp, "the timestamp")


def _material(annotations: Mapping[str, str], **signed: Any) -> "Material":
    with LOADING:
        from container_updates.signing.sigstore import rekor
        from container_updates.signing.sigstore.material import Material

    try:
        certificate = der.pem_blocks(annotations.get(_CERTIFICATE, ""), "CERTIFICATE")
        chain = der.pem_blocks(annotations.get(_CHAIN, ""), "CERTIFICATE")
    except ValueError:
        raise Wrong("the certificate is no PEM") from None
    if annotations.get(_CERTIFICATE) and len(certificate) != 1:
        raise Wrong("the certificate is no PEM")
    if len(chain) > MAX_CERTIFICATES:
        raise Wrong(f"a chain of {len(chain)} certificates")
    logged, stamp = annotations.get(_LOG_ENTRY), annotations.get(_TIMESTAMP)
    return Material(
        certificate=certificate[0] if certificate else None,
        chain=tuple(chain),
        log_entry=rekor.from_annotation(logged) if logged else None,
        timestamps=(_timestamp(stamp),) if stamp else (),
        **signed,
    )
