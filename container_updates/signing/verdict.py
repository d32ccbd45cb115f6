"""What checking one signature gives, whatever its format, and what it is checked against."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import wraps
from threading import RLock
from typing import Any, ParamSpec

from container_updates.reference import Reference
from container_updates.signing import packages
from container_updates.signing.signers import KeySigner, Signer

LOADING = RLock()
"""Held by whoever loads a library for the first time: threads that load the same one at once may see half of it."""
SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
"""The predicate that makes a bundle a signature; anything else is an attestation (cosign, SIGNATURE_SPEC)."""


class Validity(Enum):
    """What can be said of one signature."""

    GOOD = "good"
    """Right in every way, and by a signer whom the admin named."""
    UNKNOWN = "unknown"
    """Nobody here has the key, root or policy to say whether it is right, or whether its signer may sign."""
    WRONG = "wrong"
    """It is there and wrong: bytes, digest, type, chain, time or log."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who provably signed, as the proof itself says it."""

    kind: str
    """key, keyless, notation or content-trust."""
    identity: str | None = None
    """Keyless: the certificate's subject alternative name. Notation: its subject, RFC 4514."""
    issuer: str | None = None
    """Keyless: who vouched for the identity. Notation: the subject of the chain's last certificate."""
    fingerprint: str | None = None
    """SHA-256 of the public key (DER SubjectPublicKeyInfo), `sha256:…`. Not of keyless: its keys live minutes."""
    name: str | None = None
    """What the policy calls it, where it is named there."""

    def __str__(self) -> str:
        who = self.identity or self.name or self.fingerprint or self.kind
        return f"{who} ({self.issuer})" if self.issuer and self.kind == "keyless" else who

    def plain(self) -> dict[str, str]:
        """Plain data for a finding's details, without what is not known."""
        members = ("kind", "identity", "issuer", "fingerprint", "name")
        return {member: value for member in members if (value := getattr(self, member)) is not None}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a signature is checked against. Everything a verifier may believe stands here, the time included."""

    digests: frozenset[str]
    """Of what the signature was found at: `sha256:…`; it has to name one of them."""
    reference: Reference
    """What runs: a signature that names another repository is another image's."""
    now: datetime
    """In UTC."""
    signers: tuple[Signer, ...] = ()
    """Whom the admin named; any one of them is enough."""
    known_keys: tuple[KeySigner, ...] = ()
    """Keys that the policy has for other images, or had: they only tell who it was, never that he may sign this one."""
    predicate_types: frozenset[str] = frozenset({SIGN_PREDICATE})
    """Which DSSE statements are what is looked for; others are not there, for this question."""
    described: tuple[str, int] | None = None
    """Media type and size (bytes) of the manifest that the signature was found beside; None where not known."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict on one signature or attestation."""

    format: str
    """cosign, cosign-attestation, sigstore-bundle, notation or content-trust."""
    state: Validity
    reason: str
    """For a person, one line: why it is wrong or unknown; who signed where it is good. Not yet safe to print."""
    signer: Identity | None = None
    """Who provably signed; None where nothing is proven."""
    named: tuple[Signer, ...] = ()
    """The admin's signers that it satisfies; empty unless good."""
    lacks: str | None = None
    """All that an unknown one lacks. `name`: it is right in every way, but nobody said that its signer may sign.
    `means`: this host cannot look. `image`: it names others than what runs, by now. None: it lacks more than that."""
    digest: str | None = None
    """What it signs."""
    signed_at: datetime | None = None
    """Proven by a log or a timestamp authority, or as a certified signer says (then `details` says so)."""
    holds_until: datetime | None = None
    """The verdict may be another one from then on. None: it does not depend on the time."""
    versions: Mapping[str, int] = field(default_factory=dict)
    """Content Trust: the versions that were proven; nothing older is right from now on."""
    statement: Mapping[str, Any] | None = field(default=None, compare=False)
    """The in-toto statement of a DSSE envelope, once its signature is proven."""
    claims: Mapping[str, str] = field(default_factory=dict)
    """What a keyless certificate says of the build (Fulcio's OIDs), once proven: source_repository, source_digest, …"""
    missing_package: str | None = None
    """The module that this host lacks to look at it (`packages`)."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Plain data for JSON: notes on what was not looked at, the log's index, …"""

    def plain(self) -> dict[str, Any]:
        """Plain data for a finding's `details.signatures`."""
        known: dict[str, Any] = {"format": self.format, "state": self.state.value, "reason": self.reason}
        if self.signer is not None:
            known["signer"] = self.signer.plain()
        if self.lacks is not None:
            known["lacks"] = self.lacks
        if self.missing_package is not None:
            known["missing_package"] = self.missing_package
        if self.digest is not None:
            known["digest"] = self.digest
        if self.signed_at is not None:
            known["signed_at"] = self.signed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {**known, **self.details}


class Wrong(Exception):
    """Ends a verification: the signature is wrong, for the one reason that it carries."""

    until: datetime | None = None
    """From when on it may end in another way; None: that does not depend on the time."""


class Unknown(Exception):
    """Ends a verification: nobody here can say; `signer` is who signed where at least that is proven.

    `lacks` as in `Checked`.
    """

    until: datetime | None = None
    """As that of `Wrong`."""

    def __init__(
        self,
        reason: str,
        *,
        signer: Identity | None = None,
        lacks: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(reason)
        self.signer = signer
        self.lacks = lacks
        self.details = details or {}


_P = ParamSpec("_P")


def verifier(format_name: str) -> Callable[[Callable[_P, Checked | None]], Callable[_P, Checked | None]]:
    """Make a verdict of whatever a verification ends with.

    Of anything unforeseen only the exception's type is told: its text may quote the material, which is hostile.
    """

    def wrap(verify: Callable[_P, Checked | None]) -> Callable[_P, Checked | None]:
        @wraps(verify)
        def guarded(*args: _P.args, **kwargs: _P.kwargs) -> Checked | None:
            try:
                return verify(*args, **kwargs)
            except Wrong as wrong:
                return Checked(format_name, Validity.WRONG, str(wrong), holds_until=wrong.until)
            except Unknown as unknown:
                return Checked(
                    format_name,
                    Validity.UNKNOWN,
                    str(unknown),
                    signer=unknown.signer,
                    lacks=unknown.lacks,
                    holds_until=unknown.until,
                    details=unknown.details,
                )
            except Exception as unforeseen:
                missing = packages.missing(unforeseen)
                reason = packages.LACKS if missing else f"could not be checked ({type(unforeseen).__name__})"
                return Checked(format_name, Validity.UNKNOWN, reason, lacks="means", missing_package=missing)

        return guarded

    return wrap


def named_or_stranger(
    format_name: str, named: tuple[Signer, ...], signer: Identity, expected: Expected, **facts: Any
) -> Checked:
    """The verdict on a signature that is right: good by a named signer, else nobody said that this one may sign."""
    if named:
        return Checked(format_name, Validity.GOOD, f"signed by {signer}", signer=signer, named=named, **facts)
    lacking = "whom the policy does not name" if expected.signers else "no policy says who may"
    return Checked(
        format_name, Validity.UNKNOWN, f"signed by {signer}, {lacking}", signer=signer, lacks="name", **facts
    )
