"""notation's trustpolicy.json with the `truststore` folder beside it (Notary Project, trust-store-trust-policy.md)."""

import re
from collections.abc import Iterable
from pathlib import Path

from container_updates.errors import PolicyError
from container_updates.signing.notation import identities
from container_updates.signing.signers import NotationSigner
from container_updates.trust.policy import materials
from container_updates.trust.policy.files import Files
from container_updates.trust.policy.members import choice, table, tables, text, texts
from container_updates.trust.policy.rules import Policy, Rule
from container_updates.trust.policy.scopes import Scope

_LOGGED = {
    "strict": frozenset[str](),
    "permissive": frozenset({"authenticTimestamp", "expiry"}),
    "audit": frozenset({"authenticTimestamp", "expiry", "authenticity"}),
}
_LEVELS = (*_LOGGED, "skip")
_TYPES = ("authenticity", "authenticTimestamp", "expiry", "revocation")
_WHEN = ("always", "afterCertExpiry")
_STORES = ("ca", "signingAuthority", "tsa")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_MAX_CERTIFICATES = 1000


def parse(content: object, files: Files) -> Policy:
    """The policy in a parsed trustpolicy.json. Raises `PolicyError`."""
    place = str(files.policy)
    top = table(content, place, ("version", "trustPolicies"))
    if top.get("version") != "1.0":
        raise PolicyError(f"{place}: version {top.get('version')!r} is not supported, only '1.0'")
    entries = tables(top.get("trustPolicies"), f"{place}: trustPolicies")
    if not entries:
        raise PolicyError(f"{place}: trustPolicies is empty")
    rules, names = [], set()
    for number, entry in enumerate(entries, 1):
        rule = _rule(entry, f"{place}: trust policy {number}", files)
        if rule.place in names:
            raise PolicyError(f"{rule.place}: the name is given twice")
        names.add(rule.place)
        rules.append(rule)
    return Policy(tuple(rules), None, files.sources)


def _rule(content: object, place: str, files: Files) -> Rule:
    members = table(
        content, place, ("name", "registryScopes", "signatureVerification", "trustStores", "trustedIdentities")
    )
    name = text(members, "name", place)
    place = f"{files.policy}: trust policy {name!r}"
    scopes = _scopes(texts(members, "registryScopes", place), place)
    level, logged, verify_timestamp = _level(members.get("signatureVerification"), f"{place}, signatureVerification")
    stores, subjects = texts(members, "trustStores", place), texts(members, "trustedIdentities", place)
    if level == "skip":
        if stores or subjects:
            raise PolicyError(f"{place}: level skip takes neither trustStores nor trustedIdentities")
        return Rule(place, scopes, "accepted")
    if not stores or not subjects:
        raise PolicyError(f"{place}: trustStores or trustedIdentities is missing")
    paths = {kind: _paths(kind, stores, place, files) for kind in _STORES}
    certificates = {kind: _certificates(paths[kind], place, files) for kind in _STORES}
    if not certificates["ca"] and not certificates["signingAuthority"]:
        raise PolicyError(f"{place}: trustStores name neither a ca nor a signingAuthority")
    signer = NotationSigner(
        name,
        certificates["ca"],
        certificates["signingAuthority"],
        identities=_identities(subjects, place),
        timestamp_authorities=certificates["tsa"],
        verify_timestamp=verify_timestamp,
        files=tuple(map(str, (*paths["ca"], *paths["signingAuthority"]))),
        timestamp_files=tuple(map(str, paths["tsa"])),
        logged=logged,
    )
    return Rule(place, scopes, "required", ((signer,),))


def _scopes(names: tuple[str, ...], place: str) -> tuple[Scope, ...]:
    if not names:
        raise PolicyError(f"{place}: registryScopes is missing")
    if "*" in names and len(names) > 1:
        raise PolicyError(f"{place}: registryScopes has '*' beside others")
    if len(set(names)) != len(names):
        raise PolicyError(f"{place}: registryScopes has a scope twice")
    if names == ("*",):
        return (Scope("**"),)
    for name in names:
        if "*" in name or "/" not in name:
            raise PolicyError(f"{place}: registry scope {name!r} is no repository")
    return tuple(Scope(name) for name in names)


def _level(content: object, place: str) -> tuple[str, frozenset[str], str]:
    """The level, which checks it only wants noted, overrides included, and when it wants a timestamp."""
    members = table(content, place, ("level", "override", "verifyTimestamp"))
    level = choice(members, "level", place, _LEVELS)
    if level is None:
        raise PolicyError(f"{place}: level is missing")
    verify_timestamp = choice(members, "verifyTimestamp", place, _WHEN) or _WHEN[0]
    override = table(members.get("override", {}), f"{place}, override", _TYPES)
    if level == "skip":
        if override:
            raise PolicyError(f"{place}: level skip takes no override")
        return level, frozenset(), verify_timestamp
    logged = set(_LOGGED[level])
    for check in override:
        allowed = ("enforce", "log", "skip") if check == "revocation" else ("enforce", "log")
        action = choice(override, check, f"{place}, override", allowed)
        (logged.discard if action == "enforce" else logged.add)(check)
    return level, frozenset(logged - {"revocation"}), verify_timestamp


def _identities(subjects: tuple[str, ...], place: str) -> tuple[str, ...]:
    if "*" in subjects:
        if len(subjects) > 1:
            raise PolicyError(f"{place}: trustedIdentities has '*' beside others")
        return ()
    try:
        identities.check_as_notation(subjects)
    except ValueError as error:
        raise PolicyError(f"{place}: {error}") from None
    return subjects


def _paths(kind: str, stores: tuple[str, ...], place: str, files: Files) -> list[Path]:
    """The files of the named stores of one kind: truststore/x509/KIND/NAME/*."""
    found: list[Path] = []
    for store in stores:
        store_kind, colon, name = store.partition(":")
        if not colon or store_kind not in _STORES or not _NAME.fullmatch(name) or name in (".", ".."):
            raise PolicyError(f"{place}: trust store {store!r} is none of ca:NAME, signingAuthority:NAME and tsa:NAME")
        if store_kind != kind:
            continue
        folder = files.path(f"truststore/x509/{kind}/{name}")
        paths = files.listed(folder, place)
        if not paths or len(paths) > _MAX_CERTIFICATES:
            raise PolicyError(f"{place}: {folder} holds {len(paths)} certificates")
        found += paths
    return found


def _certificates(paths: Iterable[Path], place: str, files: Files) -> tuple[bytes, ...]:
    return tuple(one for path in paths for one in materials.certificates(files.read(path, place), str(path), place))
