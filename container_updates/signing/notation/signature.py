"""notation's signatures (Notary Project, signature-specification.md and trust-store-trust-policy.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from container_updates.clock import rfc3339
from container_updates.signing.bounded import json_object, member
from container_updates.signing.notation import envelopes
from container_updates.signing.notation.envelopes import COSE, JWS, PREFIX, Envelope
from container_updates.signing.signers import NotationSigner
from container_updates.signing.verdict import (
    LOADING,
    Checked,
    Expected,
    Identity,
    Unknown,
    Wrong,
    named_or_stranger,
    verifier,
)

if TYPE_CHECKING:
    from cryptography import x509

_PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json"
_X509, _AUTHORITY = "notary.x509", "notary.x509.signingAuthority"
_SCHEME, _EXPIRY, _AUTHENTIC_TIME = f"{PREFIX}signingScheme", f"{PREFIX}expiry", f"{PREFIX}authenticSigningTime"
_PLUGIN, _PLUGIN_VERSION = f"{PREFIX}verificationPlugin", f"{PREFIX}verificationPluginMinVersion"
_KNOWN_CRITICAL = frozenset({_SCHEME, _EXPIRY, _AUTHENTIC_TIME, _PLUGIN, _PLUGIN_VERSION})


@verifier("notation")
def verify(media_type: str, body: bytes, expected: Expected) -> Checked | None:
    """The verdict on one envelope, by the media type of its layer. Revocation is not looked at; the details say so."""
    with LOADING:
        from container_updates.signing.crypto import certificates, keys

    read = {JWS: envelopes.read_jws, COSE: envelopes.read_cose}.get(media_type)
    if read is None:
        raise Wrong(f"the signature is no envelope but {media_type[:80]}")
    envelope = read(body)
    chain = certificates.load_chain(envelope.certificates)
    _check_signature(envelope, chain[0])
    scheme = _check_header(envelope)
    digest = _target(envelope, expected)
    _check_chain(chain)
    named = _named(chain, scheme, expected)
    until = _next_edge(envelope, chain, expected)
    try:
        signing = _check_times(envelope, chain, scheme, named, expected)
    except (Wrong, Unknown) as ended:
        ended.until = until
        raise
    subject, authority = certificates.name(chain[0]), certificates.name(chain[-1])
    fingerprint = keys.fingerprint(certificates.spki(chain[0]))
    identity = Identity("notation", subject, authority, fingerprint, named[0].name if named else None)
    return named_or_stranger(
        "notation",
        named,
        identity,
        expected,
        digest=digest,
        signed_at=signing.at,
        holds_until=until,
        details={"revocation": "skipped", **signing.details},
    )


@dataclass(frozen=True, slots=True)
class _Signing:
    at: datetime | None
    details: Mapping[str, Any] = field(default_factory=dict)


def _check_signature(envelope: Envelope, leaf: "x509.Certificate") -> None:
    """The algorithm follows from the key alone (signature-specification.md, "Signature Algorithm Requirements")."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    from container_updates.signing.crypto import keys

    key = leaf.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        size = {2048: 256, 3072: 384, 4096: 512}.get(key.key_size)
        name = f"PS{size}"
    elif isinstance(key, ec.EllipticCurvePublicKey):
        size = {"secp256r1": 256, "secp384r1": 384, "secp521r1": 512}.get(key.curve.name)
        name = f"ES{size}"
    else:
        size, name = None, ""
    if size is None or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        bits = f"an RSA key of {key.key_size} bits" if isinstance(key, rsa.RSAPublicKey) else "a key of a kind"
        raise Wrong(f"signed with {bits} that notation does not allow")
    if envelope.algorithm != name:
        raise Wrong(f"the envelope names another algorithm than its key's, {name}")
    algorithm = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}[size]
    if not keys.signed_raw(key, envelope.signature, envelope.signed_bytes, algorithm):
        raise Wrong("the signature's bytes are not by the certificate's key")


def _check_header(envelope: Envelope) -> str:
    """The signing scheme, once the protected header is what the specification wants."""
    attributes, critical = envelope.attributes, set(envelope.critical)
    if envelope.content_type != _PAYLOAD_TYPE:
        raise Wrong("the signed payload is of another type than notation's")
    unknown = [name for name in envelope.critical if name not in _KNOWN_CRITICAL]
    if unknown:
        raise Wrong(f"a critical attribute that nobody here knows: {str(unknown[0])[:80]}")
    if not critical <= set(attributes):
        raise Wrong("a critical attribute is not there")
    scheme = attributes.get(_SCHEME)
    if scheme not in (_X509, _AUTHORITY):
        raise Wrong("signed by a scheme that is not notation's")
    must = {_SCHEME} | ({_EXPIRY, _AUTHENTIC_TIME, _PLUGIN} & set(attributes))
    if not must <= critical:
        raise Wrong("an attribute that has to be critical is not")
    if (_AUTHENTIC_TIME in attributes) != (scheme == _AUTHORITY):
        raise Wrong("the authentic signing time does not go with the signing scheme")
    if _PLUGIN in attributes:
        raise Unknown("it asks for a verification plugin, which cannot be run here")
    return str(scheme)


def _target(envelope: Envelope, expected: Expected) -> str:
    target = json_object(envelope.payload, "the signed payload").get("targetArtifact")
    digest = member(target, "digest")
    if digest not in expected.digests:
        raise Wrong("signed for another image")
    said = member(target, "mediaType"), member(target, "size")
    if expected.described is not None and said != expected.described:
        raise Wrong("it names another media type or size than the image's manifest has")
    return str(digest)


def _check_chain(chain: Sequence["x509.Certificate"]) -> None:
    """Complete, in order, with the flags and key usages of "Certificate Requirements"."""
    from container_updates.signing.crypto import certificates

    certificates.check_order(chain)
    if not certificates.is_self_issued(chain[-1]):
        raise Wrong(f"the chain is not complete: {certificates.name(chain[-1])} is no root")
    certificates.check_leaf_usage(chain[0], certificates.CODE_SIGNING)


def _named(chain: Sequence["x509.Certificate"], scheme: str, expected: Expected) -> tuple[NotationSigner, ...]:
    """The admin's signers whose trust store has a certificate of the chain, and whose identities have its subject."""
    from container_updates.signing.crypto import certificates
    from container_updates.signing.notation import identities

    present = {certificates.to_der(one) for one in chain}
    trusted = [
        signer
        for signer in expected.signers
        if isinstance(signer, NotationSigner)
        and present.intersection(signer.authorities if scheme == _X509 else signer.signing_authorities)
    ]
    if not trusted:
        lacking = "no trust store here has" if expected.signers else "no policy names"
        raise Unknown(f"signed with a certificate of {certificates.name(chain[-1])}, which {lacking}")
    return tuple(signer for signer in trusted if identities.is_one_of(chain[0], signer.identities))


def _check_times(
    envelope: Envelope,
    chain: Sequence["x509.Certificate"],
    scheme: str,
    named: tuple[NotationSigner, ...],
    expected: Expected,
) -> _Signing:
    """Neither signature nor certificates are outside their time, save where every signer only wants that noted."""
    from container_updates.signing.crypto import certificates

    logged = frozenset.intersection(*(signer.logged for signer in named)) if named else frozenset[str]()
    notes: list[str] = []
    expiry = envelope.attributes.get(_EXPIRY)
    if expiry is not None and expected.now >= expiry:
        words = f"the signature expired at {rfc3339(expiry)}"
        if "expiry" not in logged:
            raise Wrong(words)
        notes.append(words)
    signed_at = None
    try:
        if scheme == _AUTHORITY and all(signer.believes_time for signer in named):
            signed_at = envelope.attributes[_AUTHENTIC_TIME]
            certificates.check_time(chain, signed_at, "signed")
        else:
            signed_at = _check_now_or_stamped(envelope, chain, named, expected)
    except Wrong as wrong:
        if "authenticTimestamp" not in logged:
            raise
        notes.append(str(wrong))
    details: dict[str, Any] = {"notes": notes} if notes else {}
    claimed = envelope.attributes.get(f"{PREFIX}signingTime")
    if claimed is not None and signed_at is None:
        details["claimed_signing_time"] = rfc3339(claimed)
    return _Signing(signed_at, details)


def _next_edge(envelope: Envelope, chain: Sequence["x509.Certificate"], expected: Expected) -> datetime | None:
    """When the next certificate begins or ends to be valid, or the signature expires: the verdict may change then."""
    from container_updates.signing.crypto import certificates

    edges = [edge for one in chain for edge in certificates.validity(one)]
    expiry = envelope.attributes.get(_EXPIRY)
    return min((edge for edge in [*edges, *([expiry] if expiry else [])] if edge >= expected.now), default=None)


def _check_now_or_stamped(
    envelope: Envelope, chain: Sequence["x509.Certificate"], named: tuple[NotationSigner, ...], expected: Expected
) -> datetime | None:
    """Valid now; or, expired since, when a timestamp of a named authority says that it was signed.

    Where a trust policy has timestamp authorities and wants a stamp `always`, that alone counts, as notation has it.
    """
    from container_updates.signing.crypto import certificates

    demanded = [one for one in named if one.verify_timestamp and one.timestamp_authorities]
    if named and all(one in demanded and one.verify_timestamp == "always" for one in named):
        return _stamped(envelope, chain, named, strict=True)
    try:
        certificates.check_time(chain, expected.now, "now")
    except Wrong:
        ended = any(certificates.validity(one)[1] < expected.now for one in chain)
        without = named and all(one.verify_timestamp and not one.timestamp_authorities for one in named)
        if envelope.timestamp is None or not ended or without:
            raise
    else:
        return None
    return _stamped(envelope, chain, named, strict=bool(named) and len(demanded) == len(named))


def _stamped(
    envelope: Envelope, chain: Sequence["x509.Certificate"], named: tuple[NotationSigner, ...], *, strict: bool
) -> datetime:
    """The latest time at which it was signed, its certificates being valid; `strict`: any other authority is wrong."""
    from container_updates.signing.crypto import certificates, timestamps

    if envelope.timestamp is None:
        raise Wrong("it has no timestamp, which the trust policy demands (verifyTimestamp)")
    roots = [root for signer in named for root in signer.timestamp_authorities]
    try:
        stamp = timestamps.check(timestamps.response_of(envelope.timestamp), envelope.signature, roots)
    except Unknown as unknown:
        if strict:
            raise Wrong(str(unknown)) from None
        raise
    for moment in (stamp.at - stamp.margin, stamp.at + stamp.margin):
        certificates.check_time(chain, moment, "stamped")
    return stamp.at + stamp.margin
