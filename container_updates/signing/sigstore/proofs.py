"""Who made a signature: a key that the admin named, or a certificate that Fulcio issued at a time that is proven.

What cosign's classic signatures, attestations and bundles have in common.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from container_updates.signing.crypto import keys
from container_updates.signing.signers import KeylessSigner, KeySigner, SignedIdentity, Signer
from container_updates.signing.sigstore import rekor
from container_updates.signing.sigstore.material import Material
from container_updates.signing.sigstore.trusted_root import TrustedRoot, public_good
from container_updates.signing.verdict import LOADING, SIGN_PREDICATE, Expected, Identity, Unknown, Wrong

_OneSigner = TypeVar("_OneSigner", bound=Signer)


@dataclass(frozen=True, slots=True)
class Proof:
    """Who signed, and when."""

    signer: Identity
    named: tuple[Signer, ...] = ()
    signed_at: datetime | None = None
    claims: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


def prove(material: Material, expected: Expected, *, allowed: Callable[[Signer], bool] | None = None) -> Proof:
    """Who made the signature.

    `allowed` says whether a signer's signature may carry the name that it carries (None: it carries none). Raises
    `Wrong` for anything that is not right, `Unknown` where no key or root here tells.
    """
    fitting = tuple(signer for signer in _keys(expected.signers) if _made_by(signer, material))
    allowed = allowed or partial(_may_be_nameless, expected=expected)
    if fitting:
        return _by_key(material, _only_allowed(fitting, allowed, material))
    if material.certificate is not None:
        return _by_certificate(material, expected, allowed)
    _check_hint(material, expected)
    known = next((key for key in expected.known_keys if _made_by(key, material)), None)
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
    """A key's signature is right by itself; a log entry beside it has to be right too, and a root may demand one."""
    signer = named[0]
    identity = Identity("key", fingerprint=keys.fingerprint(signer.public_key), name=signer.name)
    entry = material.log_entry
    if entry is not None:
        rekor.check_about(entry, material.signed_by(signer.public_key))
        logged, logged_at = _logged(entry, named)
        return Proof(identity, logged, logged_at, details={"log_index": entry.index})
    contented = [one for one in named if one.log is None]
    if contented:
        return Proof(identity, tuple(contented))
    if signer.log is not None and not signer.log.demands_log and signer.log.timestamp_authorities:
        return Proof(identity, named, _stamped_at(material, signer.log, identity))
    raise Unknown("no log entry, which the policy demands", signer=identity)


def _logged(entry: rekor.Entry, named: Sequence[KeySigner]) -> tuple[tuple[KeySigner, ...], datetime | None]:
    """Those whose root has the log, and when it took the entry where it says so; raises where there is none."""
    logged: list[KeySigner] = []
    logged_at, ended = None, []
    for one in named:
        try:
            logged_at = rekor.check(entry, one.log or public_good())
        except (Wrong, Unknown) as error:
            ended.append(error)
        else:
            logged.append(one)
    if not logged:
        raise ended[0]
    return tuple(logged), logged_at


def _stamped_at(material: Material, root: TrustedRoot, signer: Identity) -> datetime:
    with LOADING:
        from container_updates.signing.sigstore import keyless

    if not material.timestamps:
        raise Unknown("no timestamp, which the policy demands", signer=signer)
    return min(keyless.stamps(material, root))


def _by_certificate(material: Material, expected: Expected, allowed: Callable[[Signer], bool]) -> Proof:
    """Right under the root of a named signer or the public-good one; one root under which it is right is enough."""
    with LOADING:
        from container_updates.signing.sigstore import fulcio, keyless

    certificate, pool = keyless.load(material)
    moments: dict[TrustedRoot, datetime] = {}
    ended: dict[TrustedRoot, Wrong | Unknown] = {}
    for root in _roots(expected):
        try:
            moments[root] = keyless.prove(material, certificate, pool, root)
        except (Wrong, Unknown) as error:
            ended[root] = error
    if not moments:
        raise next((error for error in ended.values() if isinstance(error, Wrong)), next(iter(ended.values())))
    said = fulcio.read(certificate)
    fitting = fulcio.named_by(said, _keyless(expected))
    proven = tuple(one for one in fitting if _root_of(one) in moments)
    if fitting and not proven:  # somebody of that name, but under another root than the policy has for him
        raise ended[_root_of(fitting[0])]
    named = _only_allowed(proven, allowed, material) if proven else ()
    index = {} if material.log_entry is None else {"log_index": material.log_entry.index}
    return Proof(said.identity, named, next(iter(moments.values())), said.claims, index)


def _keyless(expected: Expected) -> list[KeylessSigner]:
    return [signer for signer in expected.signers if isinstance(signer, KeylessSigner)]


def _keys(signers: Sequence[Signer]) -> list[KeySigner]:
    return [signer for signer in signers if isinstance(signer, KeySigner)]


def _roots(expected: Expected) -> list[TrustedRoot]:
    """Every root that a named keyless signer brings, and the public-good one."""
    return list(dict.fromkeys([*(_root_of(signer) for signer in _keyless(expected)), public_good()]))


def _root_of(signer: KeylessSigner) -> TrustedRoot:
    return signer.root or public_good()


def _made_by(signer: KeySigner, material: Material) -> bool:
    return material.is_by(keys.load(signer.public_key))


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
    hinted = [one for one in _keys(expected.signers) if material.hint == keys.fingerprint(one.public_key)]
    if hinted and not _beyond_reach(hinted, material):
        raise Wrong("the signature's bytes are not by the key that it names")


def _logged_signer(material: Material) -> Identity | None:
    """Whose key it is by the log's word, where there is an entry: a stranger's, but a proven one."""
    entry = material.log_entry
    if entry is None:
        return None
    public_key = rekor.logged_key(entry)
    if not material.is_by(keys.load(public_key)):
        raise Wrong("the signature's bytes are not by the key in its log entry")
    rekor.check_about(entry, material.signed_by(public_key))
    rekor.check(entry, public_good())
    return Identity("key", fingerprint=keys.fingerprint(public_key))


def _no_key(material: Material, expected: Expected) -> str:
    named = _keys(expected.signers)
    if _beyond_reach(named, material):
        return "an Ed25519 signature over a manifest of which only the SHA-256 is known, which does not tell"
    if named:
        return "signed with a key that the policy does not name"
    return (
        "signed with a key, no policy says whose" if not expected.signers else "signed with a key, no policy names one"
    )


def _beyond_reach(named: Sequence[KeySigner], material: Material) -> bool:
    """Whether one of these keys may have signed, but that cannot be told by the digest alone."""
    return material.message is None and any(keys.hashes_itself(keys.load(one.public_key)) for one in named)
