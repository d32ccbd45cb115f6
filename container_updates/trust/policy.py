"""The admin's decisions on whom to trust: read and checked whole before anything is asked of a registry.

Three kinds of file, recognised by their content: our own TOML (`toml_policy`), containers/image's policy.json
(`containers_policy`) and notation's trustpolicy.json (`notation_policy`).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from container_updates.errors import PolicyError
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
from container_updates.trust.files import Files, Source
from container_updates.trust.scopes import Scope, overlap


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

    @property
    def signers(self) -> tuple[Signer, ...]:
        """Everybody who is named."""
        return tuple(signer for group in self.groups for signer in group)

    def plain(self) -> dict[str, Any]:
        """What it asks for, as plain data for a finding's details, without what it leaves open."""
        known = {
            "images": [str(scope) for scope in self.scopes],
            "signatures": self.signatures,
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
class Policy:
    """All files together."""

    rules: tuple[Rule, ...] = ()
    registries: tuple[str, ...] | None = None
    """Registries that images may come from; None: any."""
    sources: tuple[Source, ...] = ()
    """Everything that it was read from."""

    @property
    def keys(self) -> tuple[KeySigner, ...]:
        """Every key that any rule names, once."""
        found = {one.public_key: one for rule in self.rules for one in rule.signers if isinstance(one, KeySigner)}
        return tuple(found.values())

    def allows(self, registry: str) -> bool:
        """Whether images may come from a registry at all."""
        return self.registries is None or any(matches(one, registry) for one in self.registries)

    def rule_for(self, reference: Reference) -> Rule | None:
        """The rule whose pattern is the most exact of those that cover the image, or None."""
        covering = [(scope.exactness, rule) for rule in self.rules for scope in rule.scopes if scope.covers(reference)]
        return max(covering, key=lambda found: found[0])[1] if covering else None


def load(paths: Sequence[str]) -> Policy:
    """The policy in all `paths` together. Raises `PolicyError`: one line with file and place."""
    policies = [_load_one(Path(path)) for path in paths]
    rules = tuple(rule for policy in policies for rule in policy.rules)
    _check_exactness(rules)
    named = [policy.registries for policy in policies if policy.registries is not None]
    sources = tuple(source for policy in policies for source in policy.sources)
    return Policy(rules, tuple(name for names in named for name in names) if named else None, sources)


def _load_one(path: Path) -> Policy:
    from container_updates.trust import containers_policy, notation_policy, toml_policy

    files = Files(path)
    try:
        text = files.read(path, str(path)).decode()
    except UnicodeDecodeError:
        raise PolicyError(f"{path}: not UTF-8") from None
    if not text.lstrip().startswith("{"):
        return toml_policy.parse(text, files)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"{path}: no valid JSON: {error}") from None
    if "trustPolicies" in content:
        return notation_policy.parse(content, files)
    if "default" in content:
        return containers_policy.parse(content, files)
    raise PolicyError(f"{path}: neither a policy.json (no 'default') nor a trustpolicy.json (no 'trustPolicies')")


def _check_exactness(rules: Iterable[Rule]) -> None:
    """Two rules that could both decide on an image and are equally exact: the order in a file shall not matter."""
    scopes = [(scope, rule) for rule in rules for scope in rule.scopes]
    by_exactness: dict[tuple[int, int, int], list[tuple[Scope, Rule]]] = {}
    for scope, rule in scopes:
        for other, elsewhere in by_exactness.setdefault(scope.exactness, []):
            if overlap(scope, other):
                raise PolicyError(
                    f"{rule.place}: images {str(scope)!r} is as exact as {str(other)!r} of {elsewhere.place}; "
                    "only one rule can decide"
                )
        by_exactness[scope.exactness].append((scope, rule))
