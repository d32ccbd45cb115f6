"""Metadata of The Update Framework as Notary v1 writes it: canonical JSON, keys, roles and who signed.

Own code: python-tuf reads neither Notary's keys (certificates, raw Ed25519, `private: null` in the key id) nor its
signatures (raw ECDSA, a `method` each). What is signed is the canonical JSON of `signed`, not the bytes themselves.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from container_updates.clock import rfc3339
from container_updates.signing.bounded import MAX_CERTIFICATES, decode_base64, json_object, member
from container_updates.signing.crypto import der
from container_updates.signing.verdict import Unknown, Wrong

if TYPE_CHECKING:
    from cryptography import x509

    from container_updates.signing.crypto.keys import PublicKey

MAX_DOCUMENT = 5 * 1024 * 1024
"""Bytes of one role's metadata."""
RELEASES = "targets/releases"
_TYPES = {"root": "Root", "timestamp": "Timestamp", "snapshot": "Snapshot", "targets": "Targets", RELEASES: "Targets"}
_METHODS = {
    "ecdsa": "ecdsa",
    "ecdsa-x509": "ecdsa",
    "rsa": "rsapss",
    "rsa-x509": "rsapss",
    "ed25519": "eddsa",
}
"""Each kind of key makes signatures of one method."""
_MAX_SIGNATURES = 100
_LARGEST = 2**63 - 1
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})")
_ED25519_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """A public key, with its certificate where it has one."""

    id: str
    """SHA-256 of the canonical JSON of type and value, in hex."""
    method: str
    public: "PublicKey"
    certificate: "x509.Certificate | None" = None

    @property
    def fingerprint(self) -> str:
        """Of the key alone: the same key in another wrapping has another id, and yet is no second signer."""
        from container_updates.signing.crypto import keys

        return keys.fingerprint(keys.der_of(self.public))

    @property
    def names(self) -> frozenset[str]:
        """What a policy may call it, `sha256:…`: its id, that without certificate, its or the certificate's SHA-256."""
        from container_updates.signing.crypto import certificates, keys

        if self.certificate is None:
            return frozenset({f"sha256:{self.id}", self.fingerprint})
        kind, public = self.method.replace("rsapss", "rsa"), base64.b64encode(keys.der_of(self.public)).decode()
        bare = keys.fingerprint(canonical(_bare(kind, public), "a key"))
        certificate = keys.fingerprint(certificates.to_der(self.certificate))
        return frozenset({f"sha256:{self.id}", self.fingerprint, bare, certificate})


@dataclass(frozen=True, slots=True)
class Role:
    """Who may sign a role's metadata, and how many of them have to."""

    name: str
    keys: Mapping[str, Key]
    """By id."""
    threshold: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """One role's metadata as it was read; nothing of it is proven yet."""

    role: str
    version: int
    expires: datetime
    signed: Mapping[str, Any]
    signed_bytes: bytes
    signatures: tuple[tuple[object, object, bytes], ...]
    """Key id, method and signature."""


def read(body: bytes, role: str) -> Metadata:
    """The metadata of a role (TUF specification, section 4). Raises `Wrong`, `Unknown` beyond the bounds."""
    if len(body) > MAX_DOCUMENT:
        raise Unknown(f"{role} is larger than {MAX_DOCUMENT >> 20} MiB")
    outer = json_object(body, role)
    signed, signatures = outer.get("signed"), outer.get("signatures")
    if not isinstance(signed, dict) or not isinstance(signatures, list):
        raise Wrong(f"{role} is no signed metadata")
    if len(signatures) > _MAX_SIGNATURES:
        raise Unknown(f"{role} has more signatures than are looked at")
    if signed.get("_type") != _TYPES[role]:
        raise Wrong(f"what is there as {role} is another role's metadata")
    return Metadata(
        role,
        _count(signed.get("version"), f"the version of {role}"),
        _time(signed.get("expires"), role),
        signed,
        canonical(signed, role),
        tuple(
            (member(one, "keyid"), member(one, "method"), decode_base64(member(one, "sig"), f"a signature of {role}"))
            for one in signatures
        ),
    )


def role_of(definition: object, known: object, name: str) -> Role:
    """A role as root, or targets for a delegation, defines it; `known` are the keys beside it. Raises `Wrong`.

    An id that has no key, or whose key is of a kind that is not known here, signs nothing.
    """
    ids = member(definition, "keyids")
    if not isinstance(ids, list) or not isinstance(known, dict):
        raise Wrong(f"the role {name} is not defined")
    if len(ids) > _MAX_SIGNATURES:
        raise Unknown(f"the role {name} has more keys than are looked at")
    threshold = _count(member(definition, "threshold"), f"the threshold of {name}")
    keys = {one: _key(one, known[one]) for one in ids if isinstance(one, str) and one in known}
    return Role(name, {one: key for one, key in keys.items() if key is not None}, threshold)


def check_signed(metadata: Metadata, role: Role) -> tuple[Key, ...]:
    """Those of the role's keys that signed, as many as its threshold wants. Raises `Wrong`."""
    from cryptography.hazmat.primitives.hashes import SHA256

    from container_updates.signing.crypto import keys

    found: dict[str, Key] = {}
    for key_id, method, signature in metadata.signatures:
        key = role.keys.get(key_id) if isinstance(key_id, str) else None
        if key is None or key.method != method or key.fingerprint in found:
            continue
        if keys.signed_raw(key.public, signature, metadata.signed_bytes, SHA256()):
            found[key.fingerprint] = key
    if len(found) < role.threshold:
        enough = f"{role.threshold} keys" if role.threshold > 1 else "a key"
        raise Wrong(f"{metadata.role} of the trust data is not signed by {enough} of the role {role.name}")
    return tuple(found.values())


def check_listed(body: bytes, listed: object, role: str) -> None:
    """Raises `Wrong` unless the bytes have the length and every hash that their parent lists."""
    if member(listed, "length") != len(body):
        raise Wrong(f"{role} has another length than is signed for it")
    for name, algorithm in (("sha256", hashlib.sha256), ("sha512", hashlib.sha512)):
        given = member(listed, "hashes", name)
        if given is None and name == "sha512":
            continue
        if decode_base64(given, f"the {name} of {role}") != algorithm(body).digest():
            raise Wrong(f"{role} is other content than is signed for it")


def check_expiry(metadata: Metadata, now: datetime) -> None:
    """Raises `Wrong` from the moment on that the metadata names (TUF specification, section 5)."""
    if now >= metadata.expires:
        raise Wrong(f"{metadata.role} of the trust data expired at {rfc3339(metadata.expires)}")


def sha256_of(listed: object) -> str | None:
    """The SHA-256 that a parent or a target lists, in hex; None where it lists none."""
    given = member(listed, "hashes", "sha256")
    if given is None:
        return None
    value = decode_base64(given, "a sha256")
    if len(value) != hashlib.sha256().digest_size:
        raise Wrong("a sha256 of another length")
    return value.hex()


def canonical(value: object, what: str) -> bytes:
    """Canonical JSON as securesystemslib and Notary write it: sorted members, nothing between, no floats."""
    try:
        return _canonical(value).encode()
    except (TypeError, UnicodeEncodeError):
        raise Wrong(f"{what} has no canonical form") from None


def _bare(kind: str, public: str) -> dict[str, object]:
    """What a key's id is made of: Notary has a private part in it that is never there."""
    return {"keytype": kind, "keyval": {"private": None, "public": public}}


def _canonical(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_canonical(name)}:{_canonical(value[name])}" for name in sorted(value)) + "}"
    raise TypeError


def _key(given_id: str, definition: object) -> Key | None:
    """The key, None for a kind that is not known here. Raises `Wrong` for one that is not what its id says."""
    kind, public = member(definition, "keytype"), member(definition, "keyval", "public")
    if not isinstance(kind, str) or kind not in _METHODS or not isinstance(public, str):
        return None
    if hashlib.sha256(canonical(_bare(kind, public), "a key")).hexdigest() != given_id:
        raise Wrong("a key of the trust data is another one than its id says")
    content = decode_base64(public, "a key")
    try:
        if kind.endswith("-x509"):
            return _certified(given_id, _METHODS[kind], content)
        return Key(given_id, _METHODS[kind], _public(_METHODS[kind], content))
    except Unknown:
        return None


def _certified(given_id: str, method: str, content: bytes) -> Key:
    """What signs is the first certificate of a bundle; the others are its issuers, and no anchor here."""
    from container_updates.signing.crypto import certificates

    try:
        blocks = der.pem_blocks(content.decode("ascii", "replace"), "CERTIFICATE")
    except ValueError:
        blocks = []
    if not 1 <= len(blocks) <= MAX_CERTIFICATES:
        raise Wrong("the certificate of a key of the trust data cannot be read")
    certificate = certificates.load(blocks[0], "the certificate of a key of the trust data")
    return Key(given_id, method, _public(method, certificates.spki(certificate)), certificate)


def _public(method: str, content: bytes) -> "PublicKey":
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    from container_updates.signing.crypto import keys

    if method == "eddsa":
        if len(content) != _ED25519_BYTES:
            raise Wrong("a key of the trust data is no Ed25519 key")
        return ed25519.Ed25519PublicKey.from_public_bytes(content)
    key = keys.load(content)
    if not isinstance(key, {"ecdsa": ec.EllipticCurvePublicKey, "rsapss": rsa.RSAPublicKey}[method]):
        raise Wrong("a key of the trust data is of another kind than it says")
    return key


def _count(value: object, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _LARGEST:
        raise Wrong(f"{what} is no number from 1 on")
    return value


def _time(value: object, role: str) -> datetime:
    """RFC 3339, as Go writes it: nanoseconds, and any offset."""
    try:
        if not isinstance(value, str) or not _TIME.fullmatch(value):
            raise ValueError
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Wrong(f"{role} does not say when it expires") from None
