"""The admin's decisions on whom to trust, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from container_updates import reference as references
from container_updates.reference import Reference
from container_updates.signing.signers import (
    ContentTrustSigner,
    KeylessSigner,
    KeySigner,
    NotationSigner,
    Signer,
    UnprovableSigner,
    matches,
)
from container_updates.trust.policy import patterns
from container_updates.trust.policy.files import Source
from container_updates.trust.policy.scopes import Scope


@dataclass(frozen=True, slots=True)
class Rule:
    """What is decided for the images of some patterns."""

    place: str
    """File and place in it, for people."""
    scopes: tuple[Scope, ...]
    signatures: str | None = None
    """required, if-present, accepted or rejected; None where the file does not say and no signer is named."""
    groups: tuple[tuple[Signer, ...], ...] = ()
    """Any signer of a group is enough, but each group needs one."""
    provenance: str = "if-present"
    """required, if-present or accepted."""
    source: tuple[str, ...] = ()
    """Patterns of repositories that images may be built from; empty: any."""
    builders: tuple[str, ...] = ()
    """Patterns of builders' identities; empty: any."""
    signed_as: str | None = None
    """Which repository signatures have to name: `here` or a pattern; None where the file does not say."""
    signatures_in: str | None = None
    """Where else signatures lie: registry/repository, `{repository}` stands for the image's own."""

    @property
    def signers(self) -> tuple[Signer, ...]:
        """Everybody who is named."""
        return tuple(signer for group in self.groups for signer in group)

    def elsewhere(self, reference: Reference) -> Reference | None:
        """The repository besides its own where an image's signatures lie."""
        if self.signatures_in is None:
            return None
        place = references.parse(self.signatures_in.replace("{repository}", reference.repository))
        return Reference(place.registry, place.repository)

    def plain(self) -> dict[str, Any]:
        """What it asks for, as plain data for a finding's details, without what it leaves open."""
        known = {
            "images": [str(scope) for scope in self.scopes],
            "signatures": self.signatures,
            "signed-as": self.signed_as,
            "signatures-in": self.signatures_in,
            "signers": [[_plain(signer) for signer in group] for group in self.groups],
            "provenance": self.provenance,
            "source": list(self.source),
            "builders": list(self.builders),
        }
        return {member: value for member, value in known.items() if value}


_KINDS: Mapping[type[Signer], str] = {
    KeySigner: "key",
    KeylessSigner: "keyless",
    NotationSigner: "notation",
    ContentTrustSigner: "content-trust",
    UnprovableSigner: "unprovable",
}


def _plain(signer: Signer) -> dict[str, Any]:
    known = {"kind": _KINDS[type(signer)], "name": signer.name}
    identities = signer.identities if isinstance(signer, NotationSigner) else ()
    return {**known, "identities": list(identities)} if identities else known


@dataclass(frozen=True, slots=True)
class Repositories:
    """What is decided on the package repositories that containers name."""

    allow: tuple[str, ...] = ()
    """Patterns of URLs that may lead to any address, internal ones too."""
    keyrings: tuple[bytes, ...] = ()
    """Keys beside this host's own."""
    require_host: bool = False
    """Whether a key that only the container has is not enough."""

    def allows(self, url: str) -> bool:
        """Whether a URL may lead to any address."""
        return any(matches(pattern, url) for pattern in self.allow)


@dataclass(frozen=True, slots=True)
class Policy:
    """All files together."""

    rules: tuple[Rule, ...] = ()
    registries: tuple[str, ...] | None = None
    """Registries that images may come from; None: any."""
    sources: tuple[Source, ...] = ()
    """Everything that it was read from."""
    mirrors: tuple[str, ...] = ()
    """Hosts of mirrors that speak for the registry itself: what they do not have is not there."""
    repositories: Repositories = Repositories()
    """Of packages."""

    @property
    def keys(self) -> tuple[KeySigner, ...]:
        """Every key that any rule names, once."""
        found = {one.public_key: one for rule in self.rules for one in rule.signers if isinstance(one, KeySigner)}
        return tuple(found.values())

    def allows(self, registry: str) -> bool:
        """Whether images may come from a registry at all."""
        names = {registry, patterns.host_of(registry)}
        return self.registries is None or any(matches(one, name) for one in self.registries for name in names)

    def rule_for(self, reference: Reference) -> Rule | None:
        """The rule whose pattern is the most exact of those that cover the image, or None."""
        covering = [(scope.exactness, rule) for rule in self.rules for scope in rule.scopes if scope.covers(reference)]
        return max(covering, key=lambda found: found[0])[1] if covering else None
