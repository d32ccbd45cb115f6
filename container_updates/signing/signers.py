"""Whom an admin may name as signer of an image: one value a kind, as the trust policies give them."""

import re
from dataclasses import dataclass
from functools import lru_cache

from container_updates.reference import Reference
from container_updates.signing.sigstore.trusted_root import TrustedRoot


@dataclass(frozen=True, slots=True)
class SignedIdentity:
    """Which docker-reference a simple signing payload may carry (containers-policy.json(5), signedIdentity)."""

    kind: str = "any"
    """any: the digest alone decides: images are copied with their signatures. here, glob: our own `signed-as`.
    matchExact, matchRepoDigestOrExact, matchRepository, exactReference, exactRepository, remapIdentity: policy.json."""
    value: str = ""
    """glob: the pattern. exactReference, exactRepository: that name. remapIdentity: the prefix of what runs."""
    signed_prefix: str = ""
    """remapIdentity: what stands for that prefix in the signature."""

    @property
    def needs_name(self) -> bool:
        """Whether a signature that names no repository at all cannot satisfy it."""
        return self.kind in ("here", "glob")


@dataclass(frozen=True, slots=True)
class KeySigner:
    """The owner of a private key."""

    name: str
    """As a person knows it: the file's name."""
    public_key: bytes
    """DER SubjectPublicKeyInfo."""
    identity: SignedIdentity = SignedIdentity()
    log: TrustedRoot | None = None
    """Where a log entry is demanded: the logs that may have signed it."""


@dataclass(frozen=True, slots=True)
class KeylessSigner:
    """Somebody whom Fulcio certified: issuer and identity both have to match."""

    issuer: str
    identity: str
    root: TrustedRoot | None = None
    """None: the public-good instance (`trusted_root.public_good`)."""
    signed_identity: SignedIdentity = SignedIdentity()

    @property
    def name(self) -> str:
        """Both patterns, as the policy has them."""
        return f"{self.identity} ({self.issuer})"


@dataclass(frozen=True, slots=True)
class NotationSigner:
    """Somebody with a certificate of a named authority (Notary Project, trust-store-trust-policy.md)."""

    name: str
    authorities: tuple[bytes, ...]
    """DER certificates that chains of the scheme notary.x509 may end in or pass."""
    signing_authorities: tuple[bytes, ...] = ()
    """The same for notary.x509.signingAuthority, which says itself when it signed."""
    believes_time: bool = True
    """Whether that word is enough for a certificate that has expired since."""
    identities: tuple[str, ...] = ()
    """`x509.subject: …`; empty: anybody of that authority."""
    timestamp_authorities: tuple[bytes, ...] = ()
    """DER root certificates of RFC 3161 authorities."""
    verify_timestamp: str = ""
    """trustpolicy.json's verifyTimestamp. always: a timestamp of these authorities is demanded; afterCertExpiry: only
    for a certificate that has expired since. Empty: the same, but a foreign authority's proves nothing either way."""
    files: tuple[str, ...] = ()
    """The paths of the authorities' files, and of the timestamp authorities' below."""
    timestamp_files: tuple[str, ...] = ()
    logged: frozenset[str] = frozenset()
    """Of expiry, authenticTimestamp, authenticity: what is noted instead of enforced (levels permissive and audit)."""


@dataclass(frozen=True, slots=True)
class ContentTrustSigner:
    """The owner of a Docker Content Trust root."""

    root: tuple[str, ...]
    """`sha256:…`: root key ids or fingerprints of root certificates."""
    server: str | None = None
    """None: the registry's host."""

    @property
    def name(self) -> str:
        """The first root, as the policy has it."""
        return self.root[0]


@dataclass(frozen=True, slots=True)
class UnprovableSigner:
    """Somebody whose signature cannot be proven here, such as the owner of a GPG key."""

    name: str


Signer = KeySigner | KeylessSigner | NotationSigner | ContentTrustSigner | UnprovableSigner


def allows(identity: SignedIdentity, running: Reference, signed: Reference) -> bool:
    """Whether an image signed under the name `signed` may run under the name `running`."""
    if identity.kind == "any":
        return True
    if identity.kind == "glob":
        return matches(identity.value, signed.name)
    if identity.kind in ("here", "matchRepository"):
        return running.name == signed.name
    if identity.kind == "exactRepository":
        return signed.name == identity.value
    if identity.kind == "exactReference":
        return _with_tag(signed) == identity.value
    if identity.kind == "remapIdentity":
        rest = running.name.removeprefix(identity.value)
        if rest == running.name or (rest and not rest.startswith("/")):
            return _exact(running, running.name, signed)
        return _exact(running, identity.signed_prefix + rest, signed)
    if identity.kind == "matchExact":
        return running.tag is not None and _with_tag(running) == _with_tag(signed)
    return _exact(running, running.name, signed)


def _exact(running: Reference, name: str, signed: Reference) -> bool:
    """matchRepoDigestOrExact: a digest asks for the repository alone, a tag for the same tag."""
    if signed.name != name:
        return False
    return running.digest is not None or running.tag == signed.tag


def _with_tag(reference: Reference) -> str:
    return f"{reference.name}:{reference.tag}"


@lru_cache(maxsize=1024)
def pattern(glob: str) -> re.Pattern[str]:
    """The pattern of the policies, anchored at both ends: `*` stays within a part, `**` crosses "/"."""
    parts = re.split(r"(\*\*?)", glob)
    wild = {"*": "[^/]*", "**": ".*"}
    return re.compile("".join(wild.get(part) or re.escape(part) for part in parts), re.DOTALL)


def matches(glob: str, text: str) -> bool:
    """Whether the whole of `text` matches."""
    return pattern(glob).fullmatch(text) is not None
