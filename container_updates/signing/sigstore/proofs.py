"""Who made a signature: a key that the admin named, or a certificate that Fulcio issued at a time that a log proves.

What cosign's classic signatures and bundles with a public key or without a proof of inclusion have in common.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from container_updates.signing.signers import KeylessSigner, KeySigner, SignedIdentity, Signer
from container_updates.signing.sigstore.trusted_root import TrustedRoot, public_good
from container_updates.signing.verdict import SIGN_PREDICATE, Expected, Identity, Unknown, Wrong, missing_package

if TYPE_CHECKING:
    from cryptography import x509

    from container_updates.signing.sigstore.rekor import Entry, Signed

_OneSigner = TypeVar("_OneSigner", bound=Signer)


@dataclass(frozen=True, slots=True)
class Material:
    """A signature and all that came along with it; nothing of it is proven yet."""

    signature: bytes = b""
    message: bytes = b""
    """The bytes that the signature is over."""
    digest: bytes | None = None
    """Instead of `message`: its SHA-256, where no more is known."""
    logged_payload: bytes = b""
    """The bytes that a log entry's hash is over: for DSSE the payload alone."""
    envelope: bytes | None = None
    """DSSE as it was stored, where it was."""
    certificate: bytes | None = None
    chain: tuple[bytes, ...] = ()
    """Certificates that may link the certificate to a root; never trusted by themselves."""
    log_entry: "Entry | None" = None
    timestamp: bytes | None = None
    """An RFC 3161 response, over `stamped`."""
    stamped: bytes = b""
    hint: str | None = None
    """The fingerprint that a bundle gives for its public key."""
    named: str | None = None
    """Simple signing: the repository and tag in the payload."""
    signed_as: str | None = None
    """Simple signing: the repository in the payload, where that is another than what runs."""

    @property
    def under(self) -> str:
        """For the end of a sentence: under which other name it was signed."""
        return f", signed as {self.signed_as}" if self.signed_as else ""


@dataclass(frozen=True, slots=True)
class Proof:
    """Who signed, and when."""

    signer: Identity
    named: tuple[Signer, ...] = ()
    signed_at: datetime | None = None
    claims: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


UnderRoot = Callable[["x509.Certificate", TrustedRoot], datetime]
"""Proves a certificate's signature under one root and says when it was made."""


def prove(
    material: Material,
    expected: Expected,
    *,
    allowed: Callable[[Signer], bool] | None = None,
    under_root: UnderRoot | None = None,
) -> Proof:
    """Who made the signature.

    `allowed` says whether a signer's signature may carry the name that it carries (None: it carries none);
    `under_root` judges a keyless one in place of the log's promise. Raises `Wrong` for anything that is not right,
    `Unknown` where no key or root here tells.
    """
    fitting = tuple(
        signer for signer in expected.signers if isinstance(signer, KeySigner) and _signed(signer.public_key, material)
    )
    allowed = allowed or partial(_may_be_nameless, expected=expected)
    if fitting:
        return _by_key(material, _only_allowed(fitting, allowed, material))
    if material.certificate is not None:
        return _by_certificate(material, expected, allowed, under_root or _by_promise(material))
    _check_hint(material, expected)
    known = next((key for key in expected.known_keys if _signed(key.public_key, material)), None)
    stranger = _by_key(material, (known,)).signer if known else _logged_signer(material)
    lacks = "name" if may_be_named(expected, allowed) else None
    if known:
        reason = f"signed with {stranger}, a key that is not named for this image{material.under}"
        raise Unknown(reason, signer=stranger, lacks=lacks)
    reason = f"{_no_key(material, expected)}{material.under}"
    if stranger is None:
        raise Unknown(reason)
    raise Unknown(f"{reason} ({stranger})", signer=stranger, lacks=lacks)


def _by_key(material: Material, named: tuple[KeySigner, ...]) -> Proof:
    from container_updates.signing.crypto import keys
    from container_updates.signing.sigstore import rekor

    signer = named[0]
    identity = Identity("key", fingerprint=keys.fingerprint(signer.public_key), name=signer.name)
    entry = material.log_entry
    if entry is None:
        if all(one.log for one in named):
            raise Unknown("no log entry, which the policy demands", signer=identity)
        return Proof(identity, tuple(one for one in named if one.log is None))
    rekor.check_about(entry, _signed_by(material, signer.public_key))
    try:
        root = signer.log or public_good()
    except ImportError as missing:
        return Proof(identity, named, details={"log": f"not checked: {missing_package(missing)}"})
    logged_at = rekor.check(entry, root)
    return Proof(identity, named, logged_at, details={"log_index": entry.log_index})


def _by_certificate(
    material: Material, expected: Expected, allowed: Callable[[Signer], bool], under_root: UnderRoot
) -> Proof:
    from container_updates.signing.crypto import certificates
    from container_updates.signing.sigstore import fulcio

    certificate = certificates.load(material.certificate or b"", "the signer's certificate")
    if not _signed(certificates.spki(certificate), material):
        raise Wrong("the signature's bytes are not by the certificate's key")
    proven: list[KeylessSigner] = []
    signed_at, keyless, unproven = None, None, Unknown("no root to check it against")
    for root in _roots(expected):
        try:
            signed_at = under_root(certificate, root)
        except Unknown as unknown:
            unproven = unknown
            continue
        keyless = fulcio.read(certificate)
        proven += fulcio.named_by(keyless, [one for one in _keyless(expected) if _root_of(one) == root])
    if keyless is None:
        raise unproven
    named = _only_allowed(tuple(proven), allowed, material) if proven else ()
    index = {} if material.log_entry is None else {"log_index": material.log_entry.log_index}
    return Proof(keyless.identity, named, signed_at, keyless.claims, index)


def _by_promise(material: Material) -> UnderRoot:
    """Keyless as cosign's annotations have it: the log's signed promise gives the time, our own code does the rest."""
    from container_updates.signing.crypto import certificates
    from container_updates.signing.sigstore import fulcio, rekor

    entry = material.log_entry
    pool = [certificates.load(body, "a certificate of the chain") for body in material.chain]

    def prove_under(certificate: "x509.Certificate", root: TrustedRoot) -> datetime:
        if entry is None:
            fulcio.known(certificate, root)
            stamped_at = _stamped_at(material, root)
            fulcio.check_chain(certificate, pool, root, stamped_at)
            return stamped_at
        rekor.check_about(entry, _signed_by(material, material.certificate or b""))
        logged_at = rekor.check_promise(entry, root)
        fulcio.check_chain(certificate, pool, root, logged_at)
        return logged_at

    return prove_under


def _stamped_at(material: Material, root: TrustedRoot) -> datetime:
    """When one of the root's timestamp authorities saw the signature."""
    if material.timestamp is None:
        raise Wrong("neither a log entry nor a timestamp says when it was signed")
    from container_updates.signing.crypto import timestamps

    for authority in root.timestamp_authorities:
        try:
            stamped_at, _ = timestamps.check(material.timestamp, material.stamped, authority.chain[-1:])
        except Unknown:
            continue
        if not authority.span.covers(stamped_at):
            raise Wrong("the timestamp authority was not in use at the time of its timestamp")
        return stamped_at
    raise Unknown("its timestamp is of an authority that no root here knows")


def _keyless(expected: Expected) -> list[KeylessSigner]:
    return [signer for signer in expected.signers if isinstance(signer, KeylessSigner)]


def _roots(expected: Expected) -> list[TrustedRoot]:
    """Every root that a named keyless signer brings, and the public-good one where it is installed."""
    roots = [_root_of(signer) for signer in _keyless(expected)]
    try:
        roots.append(public_good())
    except ImportError:
        if not roots:
            raise
    return list(dict.fromkeys(roots))


def _root_of(signer: KeylessSigner) -> TrustedRoot:
    return signer.root or public_good()


def _signed(public_key: bytes, material: Material) -> bool:
    from container_updates.signing.crypto import keys

    key = keys.load(public_key)
    if material.digest is not None:
        return keys.signed_digest(key, material.signature, material.digest)
    return keys.signed(key, material.signature, material.message)


def _signed_by(material: Material, public_key: bytes) -> "Signed":
    from container_updates.signing.sigstore.rekor import Signed

    verifier = material.certificate or public_key
    return Signed(material.signature, verifier, material.logged_payload, material.envelope)


def _only_allowed(
    signers: tuple[_OneSigner, ...], allowed: Callable[[Signer], bool], material: Material
) -> tuple[_OneSigner, ...]:
    """Those who may sign under the name in the payload; at least one, else the policy demands another name."""
    permitted = tuple(signer for signer in signers if allowed(signer))
    if not permitted and material.named is None:
        raise Unknown("it names no repository, which the policy demands (signed-as)")
    if not permitted:
        raise Wrong(f"signed for another image: {material.named}")
    return permitted


def may_be_named(expected: Expected, allowed: Callable[[Signer], bool]) -> bool:
    """Whether a stranger's signature lacks no more than a signer who is named: the name in it may be signed under."""
    return not expected.signers or any(allowed(signer) for signer in expected.signers)


def _may_be_nameless(signer: Signer, expected: Expected) -> bool:
    """Only of signatures a policy may demand that they name the repository: provenance never does."""
    identity = identity_of(signer)
    return SIGN_PREDICATE not in expected.predicate_types or identity is None or not identity.needs_name


def identity_of(signer: Signer) -> SignedIdentity | None:
    """Under which names a signer's signatures may be; None for a kind that names no repository."""
    if isinstance(signer, KeySigner):
        return signer.identity
    return signer.signed_identity if isinstance(signer, KeylessSigner) else None


def _check_hint(material: Material, expected: Expected) -> None:
    """Raises `Wrong` where the signature names a key of the policy and is not by it."""
    from container_updates.signing.crypto import keys

    named = [signer for signer in expected.signers if isinstance(signer, KeySigner)]
    if any(material.hint == keys.fingerprint(signer.public_key) for signer in named):
        raise Wrong("the signature's bytes are not by the key that it names")


def _logged_signer(material: Material) -> Identity | None:
    """Whose key it is by the log's word, where there is an entry: a stranger's, but a proven one."""
    from container_updates.signing.crypto import keys
    from container_updates.signing.sigstore import rekor

    entry = material.log_entry
    if entry is None:
        return None
    public_key = rekor.logged_key(entry)
    if not _signed(public_key, material):
        raise Wrong("the signature's bytes are not by the key in its log entry")
    rekor.check_about(entry, _signed_by(material, public_key))
    try:
        rekor.check(entry, public_good())
    except ImportError:
        return None
    return Identity("key", fingerprint=keys.fingerprint(public_key))


def _no_key(material: Material, expected: Expected) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from container_updates.signing.crypto import keys

    named = [keys.load(signer.public_key) for signer in expected.signers if isinstance(signer, KeySigner)]
    if len(material.signature) == 64 and any(isinstance(key, Ed25519PublicKey) for key in named):
        return "not by the policy's Ed25519 key as such; Ed25519ph (pre-hashed), as cosign makes it, is not supported"
    if material.digest is not None and any(isinstance(key, Ed25519PublicKey) for key in named):
        return "an Ed25519 signature over the image's manifest, which is not supported"
    if named:
        return "signed with a key that the policy does not name"
    return (
        "signed with a key, no policy says whose" if not expected.signers else "signed with a key, no policy names one"
    )
