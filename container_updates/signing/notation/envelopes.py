"""notation's two envelopes, read into one form (Notary Project, signature-envelope-jws.md and -cose.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from container_updates.signing.bounded import check_cbor, decode_base64, decode_base64url, json_object, map_size, member
from container_updates.signing.verdict import LOADING, Wrong

JWS = "application/jose+json"
COSE = "application/cose"
PREFIX = "io.cncf.notary."
_COSE_SIGN1 = 18
_COSE_ALGORITHMS = {-37: "PS256", -38: "PS384", -39: "PS512", -7: "ES256", -35: "ES384", -36: "ES512"}
_ALGORITHM, _CRITICAL, _CONTENT_TYPE, _CHAIN = 1, 2, 3, 33


@dataclass(frozen=True, slots=True)
class Envelope:
    """A notation signature; nothing of it is proven yet."""

    payload: bytes
    content_type: object
    algorithm: object
    """By its JWS name, whichever the envelope."""
    critical: tuple[object, ...]
    attributes: Mapping[object, Any]
    """The protected header without what belongs to JOSE or COSE themselves; times are datetimes."""
    certificates: tuple[bytes, ...]
    """DER, the signer's first."""
    signature: bytes
    signed_bytes: bytes
    """What the signature is over."""
    timestamp: bytes | None
    """An RFC 3161 token over the signature, unprotected."""


def read_jws(body: bytes) -> Envelope:
    """A JWS in flattened JSON serialization (RFC 7515 section 7.2.2). Raises `Wrong`."""
    outer = json_object(body, "the envelope")
    if not set(outer) <= {"payload", "protected", "header", "signature"}:
        raise Wrong("the envelope is no flattened JWS")
    encoded_header, encoded_payload = outer.get("protected"), outer.get("payload")
    header = json_object(decode_base64url(encoded_header, "the protected header"), "the protected header")
    payload = decode_base64url(encoded_payload, "the payload")
    certificates = member(outer, "header", "x5c")
    stamp = member(outer, "header", f"{PREFIX}timestampSignature")
    return Envelope(
        payload,
        header.get("cty"),
        header.get("alg"),
        _list(header.get("crit")),
        {name: _time(name, value) for name, value in header.items() if name not in ("alg", "cty", "crit")},
        tuple(decode_base64(one, "a certificate of the chain") for one in _list(certificates)),
        decode_base64url(outer.get("signature"), "the signature"),
        f"{encoded_header}.{encoded_payload}".encode("ascii"),
        decode_base64(stamp, "the timestamp") if stamp is not None else None,
    )


def read_cose(body: bytes) -> Envelope:
    """A COSE_Sign1 (RFC 9052 section 4.2), with the chain in `x5chain` (RFC 9360). Raises `Wrong`."""
    outer = _cbor(body, "the envelope")
    parts = getattr(outer, "value", None)
    if getattr(outer, "tag", None) != _COSE_SIGN1 or not isinstance(parts, list | tuple) or len(parts) != 4:
        raise Wrong("the envelope is no COSE_Sign1")
    protected, unprotected, payload, signature = parts
    if not all(isinstance(one, bytes) for one in (protected, payload, signature)) or not _is_map(unprotected):
        raise Wrong("the envelope is no COSE_Sign1")
    header = _cbor(protected, "the protected header")
    if not _is_map(header):
        raise Wrong("the protected header is no map")
    if len(header) != map_size(protected, "the protected header"):
        raise Wrong("the protected header has a label twice")
    chain = unprotected.get(_CHAIN)
    certificates = (chain,) if isinstance(chain, bytes) else _list(chain)
    stamp = unprotected.get(f"{PREFIX}timestampSignature")
    if not all(isinstance(one, bytes) for one in (*certificates, stamp or b"")):
        raise Wrong("the chain or the timestamp is no bytes")
    return Envelope(
        payload,
        header.get(_CONTENT_TYPE),
        _COSE_ALGORITHMS.get(header.get(_ALGORITHM)),
        _list(header.get(_CRITICAL)),
        {
            name: _time(name, value)
            for name, value in header.items()
            if name not in (_ALGORITHM, _CRITICAL, _CONTENT_TYPE)
        },
        certificates,
        signature,
        _sig_structure(protected, payload),
        stamp,
    )


def _cbor(body: bytes, what: str) -> Any:
    with LOADING:
        import cbor2

    check_cbor(body, what)
    try:
        return cbor2.loads(body)
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError):
        raise Wrong(f"{what} is no valid CBOR") from None


def _sig_structure(protected: bytes, payload: bytes) -> bytes:
    """RFC 9052 section 4.4."""
    import cbor2

    return bytes(cbor2.dumps(["Signature1", protected, b"", payload]))


def _time(name: object, value: Any) -> Any:
    """Times as datetimes: RFC 3339 text in JWS, epoch-based CBOR time (which the library reads) in COSE."""
    if name not in (f"{PREFIX}signingTime", f"{PREFIX}authenticSigningTime", f"{PREFIX}expiry"):
        return value
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Wrong(f"{str(name).removeprefix(PREFIX)} is no time") from None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise Wrong(f"{str(name).removeprefix(PREFIX)} is no time")
    return value.astimezone(UTC)


def _list(value: object) -> tuple[Any, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise Wrong("a list in the header is none")
    return tuple(value)


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping)
