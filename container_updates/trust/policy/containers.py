"""containers/image's policy.json, as Podman and skopeo read it (containers-policy.json(5))."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from container_updates.errors import PolicyError
from container_updates.signing.signers import KeylessSigner, KeySigner, SignedIdentity, Signer, UnprovableSigner
from container_updates.signing.sigstore.trusted_root import Authority, Log, TrustedRoot
from container_updates.trust.policy import materials
from container_updates.trust.policy.files import Files
from container_updates.trust.policy.members import choice, table, tables, text, texts
from container_updates.trust.policy.rules import Policy, Rule
from container_updates.trust.policy.scopes import Scope

_SIGSTORE = (
    "type",
    "keyPath",
    "keyPaths",
    "keyData",
    "keyDatas",
    "fulcio",
    "pki",
    "rekorPublicKeyPath",
    "rekorPublicKeyPaths",
    "rekorPublicKeyData",
    "rekorPublicKeyDatas",
    "signedIdentity",
)
_TYPES = ("insecureAcceptAnything", "reject", "signedBy", "sigstoreSigned")
_IDENTITIES = {
    "matchExact": (),
    "matchRepoDigestOrExact": (),
    "matchRepository": (),
    "exactReference": ("dockerReference",),
    "exactRepository": ("dockerRepository",),
    "remapIdentity": ("prefix", "signedPrefix"),
}


def parse(content: object, files: Files) -> Policy:
    """The policy in a parsed policy.json; transports other than docker are not looked at. Raises `PolicyError`."""
    place = str(files.policy)
    top = table(content, place, ("default", "transports"))
    transports = top.get("transports", {})
    if not isinstance(transports, dict):
        raise PolicyError(f"{place}: transports is no table")
    docker = transports.get("docker", {})
    if not isinstance(docker, dict):
        raise PolicyError(f"{place}: transports, docker is no table")
    rules = [_rule(f"{place}: docker {scope!r}", _scopes(scope), one, files) for scope, one in docker.items()]
    if "" not in docker:
        rules.append(_rule(f"{place}: default", (Scope("**"),), top.get("default"), files))
    return Policy(tuple(rules), None, files.sources)


def _scopes(scope: str) -> tuple[Scope, ...]:
    """What a scope covers: a reference, a repository or namespace and all below, a host, `*.` and a domain, or all."""
    if not scope:
        return (Scope("**"),)
    last = scope.rpartition("/")[2]
    if "/" in scope and "@" in last:
        name, _, digest = scope.rpartition("@")
        return (Scope(name, digest),)
    if "/" in scope and ":" in last:
        name, _, tag = scope.rpartition(":")
        return (Scope(name, tag),)
    return (Scope(scope), Scope(f"{scope}/**")) if "/" in scope else (Scope(f"{scope}/**"),)


def _rule(place: str, scopes: tuple[Scope, ...], content: object, files: Files) -> Rule:
    requirements = tables(content, place)
    if not requirements:
        raise PolicyError(f"{place}: no requirement")
    groups: list[tuple[Signer, ...]] = []
    kinds = set()
    for number, requirement in enumerate(requirements, 1):
        inner = f"{place}, requirement {number}"
        kind = choice(requirement if isinstance(requirement, dict) else {}, "type", inner, _TYPES)
        kinds.add(kind)
        if kind in ("insecureAcceptAnything", "reject"):
            table(requirement, inner, ("type",))
        elif kind == "signedBy":
            groups.append((UnprovableSigner("a GPG key, which cannot be checked here"),))
        elif kind == "sigstoreSigned":
            groups.append(_sigstore(requirement, inner, files))
        else:
            raise PolicyError(f"{inner}: type is missing")
    if "reject" in kinds:
        return Rule(place, scopes, "rejected")
    return Rule(place, scopes, "required" if groups else "accepted", tuple(groups))


def _sigstore(content: object, place: str, files: Files) -> tuple[Signer, ...]:
    members = table(content, place, _SIGSTORE)
    sources = [name for name in ("keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki") if name in members]
    if len(sources) != 1:
        raise PolicyError(f"{place}: exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio and pki is needed")
    identity = _identity(members.get("signedIdentity"), place)
    logs = tuple(
        Log(hashlib.sha256(key).digest(), key)
        for key in _keys(members, ("rekorPublicKeyPath", "rekorPublicKeyPaths"), "rekorPublicKeyData", place, files)
    )
    if sources == ["pki"]:
        return (UnprovableSigner("a certificate of its own PKI, and PKI is not supported"),)
    if sources == ["fulcio"]:
        return (_fulcio(members["fulcio"], f"{place}, fulcio", logs, identity, files),)
    log = TrustedRoot((), logs, None) if logs else None
    keys = _keys(members, ("keyPath", "keyPaths"), "keyData", place, files)
    return tuple(KeySigner(f"{sources[0]} of {place}", key, identity, log) for key in keys)


def _fulcio(
    content: object, place: str, logs: tuple[Log, ...], identity: SignedIdentity, files: Files
) -> KeylessSigner:
    members = table(content, place, ("caPath", "caData", "oidcIssuer", "subjectEmail"))
    issuer, email = text(members, "oidcIssuer", place), text(members, "subjectEmail", place)
    if "*" in issuer + email:
        raise PolicyError(f"{place}: oidcIssuer and subjectEmail are exact, '*' stands for nothing")
    if not logs:
        raise PolicyError(f"{place}: a rekorPublicKey… is needed beside it")
    if ("caPath" in members) == ("caData" in members):
        raise PolicyError(f"{place}: exactly one of caPath and caData is needed")
    if "caPath" in members:
        body = files.read(files.path(text(members, "caPath", place)), place)
    else:
        body = _base64(text(members, "caData", place), "caData", place)
    authorities = tuple(Authority((one,)) for one in materials.certificates(body, "the CA", place))
    return KeylessSigner(issuer, email, TrustedRoot(authorities, logs, None), identity)


def _keys(members: Mapping[str, Any], paths: tuple[str, str], data: str, place: str, files: Files) -> tuple[bytes, ...]:
    """The keys that a member of `paths`, or `data` or its plural, gives."""
    found = [
        materials.public_key(files.read(files.path(path), place), path, place)
        for name in paths
        for path in texts(members, name, place)
    ]
    for name in (data, f"{data}s"):
        found += [materials.public_key(_base64(one, name, place), name, place) for one in texts(members, name, place)]
    return tuple(found)


def _identity(content: object, place: str) -> SignedIdentity:
    if content is None:
        return SignedIdentity("matchRepoDigestOrExact")
    inner = f"{place}, signedIdentity"
    kind = choice(content if isinstance(content, dict) else {}, "type", inner, _IDENTITIES)
    if kind is None:
        raise PolicyError(f"{inner}: type is missing")
    members = table(content, inner, ("type", *_IDENTITIES[kind]))
    values = [text(members, name, inner) for name in _IDENTITIES[kind]]
    return SignedIdentity(kind, *values)


def _base64(data: str, what: str, place: str) -> bytes:
    try:
        return base64.b64decode(re.sub(r"\s", "", data), validate=True)
    except (binascii.Error, ValueError):
        raise PolicyError(f"{place}: {what} is no base64") from None
