"""Our own trust policy, in TOML: what the interface lays down under "Trust policy"."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from container_updates import reference as references
from container_updates.errors import InvalidReference, PolicyError
from container_updates.signing.notation import identities
from container_updates.signing.signers import (
    ContentTrustSigner,
    KeylessSigner,
    KeySigner,
    NotationSigner,
    SignedIdentity,
    Signer,
)
from container_updates.signing.sigstore.trusted_root import TrustedRoot
from container_updates.trust.policy import materials, patterns
from container_updates.trust.policy.files import Files
from container_updates.trust.policy.members import choice, optional_text, table, tables, text, texts
from container_updates.trust.policy.rules import Policy, Repositories, Rule
from container_updates.trust.policy.scopes import Scope

_VERSION = 1
_MAX_BITS = 64
_MODES = ("required", "if-present", "accepted")
_RULE = ("images", "signatures", "signed-as", "signatures-in", "provenance", "source", "builders", "signer")


def parse(content: str, files: Files) -> Policy:
    """The policy in a TOML file. Raises `PolicyError`."""
    place = str(files.policy)
    try:
        parsed = tomllib.loads(content)
        _refuse_huge(parsed)
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"{place}: no valid TOML: {error}") from None
    top = table(parsed, place, ("version", "registries", "repositories", "rule"))
    version = top.get("version")
    if version is None:
        raise PolicyError(f"{place}: version is missing (version = {_VERSION}): the file is empty, or no trust policy")
    if version is True or version != _VERSION:
        raise PolicyError(f"{place}: version {version!r} is not supported, only {_VERSION}")
    rules = [
        _rule(one, f"{place}: rule {number}", files)
        for number, one in enumerate(tables(top.get("rule"), f"{place}: rule"), 1)
    ]
    if not rules and not {"registries", "repositories"} & {*top}:
        raise PolicyError(f"{place}: it has neither a rule nor registries, so it would decide nothing")
    registries, mirrors = _registries(top.get("registries"), f"{place}: registries")
    repositories = _repositories(top.get("repositories"), f"{place}: repositories", files)
    return Policy(tuple(rules), registries, files.sources, mirrors, repositories)


def _repositories(content: object, place: str, files: Files) -> Repositories:
    """Package repositories that containers may lead to, and keys for them."""
    if content is None:
        return Repositories()
    members = table(content, place, ("allow", "keyrings", "require"))
    allow = texts(members, "allow", place)
    for pattern in allow:
        if not pattern.startswith(("http://", "https://")):
            raise PolicyError(f"{place}: allow {pattern!r} is no pattern of http:// or https:// URLs")
    keyrings = tuple(files.read(files.path(name), place) for name in texts(members, "keyrings", place))
    return Repositories(allow, keyrings, choice(members, "require", place, ("host", "container")) == "host")


def _registries(content: object, place: str) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Registries that images may come from, None for any, and mirrors that speak for them."""
    if content is None:
        return None, ()
    members = table(content, place, ("allow", "mirror-is-registry"))
    if not members:
        raise PolicyError(f"{place}: neither allow nor mirror-is-registry is there")
    allowed = [_pattern(patterns.registry, one, f"{place}: allow") for one in texts(members, "allow", place)]
    mirrors = [
        _pattern(patterns.registry, one, f"{place}: mirror-is-registry")
        for one in texts(members, "mirror-is-registry", place)
    ]
    if any("*" in mirror for mirror in mirrors):
        raise PolicyError(f"{place}: mirror-is-registry takes hosts, no patterns")
    return tuple(allowed) if "allow" in members else None, tuple(mirrors)


def _pattern(read: Callable[[str], str], text: str, what: str) -> str:
    try:
        return read(text)
    except ValueError as error:
        raise PolicyError(f"{what} {text!r} {error}") from None


def _refuse_huge(value: object) -> None:
    """Raise ValueError for a whole number beyond TOML's 64 bits, which Python takes and cannot print."""
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise ValueError("a whole number of more than 64 bits")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _refuse_huge(inner)


def _rule(content: object, place: str, files: Files) -> Rule:
    members = table(content, place, _RULE)
    images = texts(members, "images", place)
    if not images:
        raise PolicyError(f"{place}: images is missing")
    images = tuple(_pattern(patterns.image, image, f"{place}: images") for image in images)
    signed_as = optional_text(members, "signed-as", place)
    signers = tuple(
        _under(signer, signed_as, f"{place}, signer {number}")
        for number, one in enumerate(tables(members.get("signer"), f"{place}: signer"), 1)
        for signer in _signers(one, f"{place}, signer {number}", files)
    )
    if signed_as is not None and not signers:
        raise PolicyError(f"{place}: signed-as without a signer")
    return Rule(
        place,
        tuple(Scope(image) for image in images),
        choice(members, "signatures", place, _MODES) or ("required" if signers else None),
        (signers,) if signers else (),
        choice(members, "provenance", place, _MODES) or "if-present",
        texts(members, "source", place),
        texts(members, "builders", place),
        signed_as=signed_as,
        signatures_in=_place(optional_text(members, "signatures-in", place), place),
    )


def _place(name: str | None, place: str) -> str | None:
    """A repository where else signatures lie, with `{repository}` in it or not."""
    if name is None:
        return None
    try:
        parsed = references.parse(name.replace("{repository}", "acme/app"))
    except InvalidReference:
        parsed = None
    if parsed is None or parsed.digest or parsed.name != name.replace("{repository}", "acme/app"):
        words = "is no registry/repository, in which {repository} stands for the image's own"
        raise PolicyError(f"{place}: signatures-in {name!r} {words}")
    return name


def _under(signer: Signer, name: str | None, place: str) -> Signer:
    """The signer, whose signatures have to name the repository as `signed-as` has it."""
    if name is None:
        return signer
    identity = SignedIdentity("here")
    if name != "here":
        identity = SignedIdentity("glob", _pattern(patterns.image, name, f"{place}: signed-as"))
    if isinstance(signer, KeySigner):
        return replace(signer, identity=identity)
    if isinstance(signer, KeylessSigner):
        return replace(signer, signed_identity=identity)
    raise PolicyError(
        f"{place}: signed-as is for signers of type key and keyless; others' signatures name no repository"
    )


def _signers(content: object, place: str, files: Files) -> tuple[Signer, ...]:
    """Whom a table names: several where a file has several keys."""
    kind = content.get("type") if isinstance(content, dict) else None
    if kind is None:
        raise PolicyError(f"{place}: type is missing")
    read = _KINDS.get(str(kind))
    if read is None:
        raise PolicyError(f"{place}: type is none of {', '.join(_KINDS)}: {kind!r}")
    found = read(content, place, files)
    return found if isinstance(found, tuple) else (found,)


def _keys(content: object, place: str, files: Files) -> tuple[Signer, ...]:
    members = table(content, place, ("type", "file", "pem", "root"))
    if ("file" in members) == ("pem" in members):
        raise PolicyError(f"{place}: either file or pem has to be given")
    root = _root(members, place, files)
    if "pem" in members:
        name, keys = f"pem of {place}", materials.public_keys(text(members, "pem", place).encode(), "pem", place)
    else:
        name = text(members, "file", place)
        keys = materials.public_keys(files.read(files.path(name), place), name, place)
    several = len(keys) > 1
    return tuple(
        KeySigner(f"{name}, key {number}" if several else name, key, log=root) for number, key in enumerate(keys, 1)
    )


def _keyless(content: object, place: str, files: Files) -> Signer:
    members = table(content, place, ("type", "issuer", "identity", "root"))
    issuer, identity = text(members, "issuer", place), text(members, "identity", place)
    return KeylessSigner(issuer, identity, _root(members, place, files))


def _root(members: Mapping[str, Any], place: str, files: Files) -> TrustedRoot | None:
    """The root that stands in the place of the public-good one; what it has, a signature has to have."""
    name = optional_text(members, "root", place)
    if name is None:
        return None
    path = files.path(name)
    return materials.root(files.read(path, place), path, place)


def _notation(content: object, place: str, files: Files) -> Signer:
    members = table(content, place, ("type", "ca", "identities", "tsa"))
    names = texts(members, "ca", place)
    if not names:
        raise PolicyError(f"{place}: ca is missing")
    subjects = texts(members, "identities", place)
    for subject in subjects:
        try:
            identities.parse(subject)
        except ValueError as error:
            raise PolicyError(f"{place}: {error}") from None
    authorities = _certificates(names, place, files)
    return NotationSigner(
        ", ".join(names),
        authorities,
        signing_authorities=authorities,
        believes_time=False,
        identities=subjects,
        timestamp_authorities=_certificates(texts(members, "tsa", place), place, files),
        files=tuple(str(files.path(name)) for name in names),
        timestamp_files=tuple(str(files.path(name)) for name in texts(members, "tsa", place)),
    )


def _content_trust(content: object, place: str, files: Files) -> Signer:
    members = table(content, place, ("type", "root", "server"))
    roots = texts(members, "root", place)
    if not roots:
        raise PolicyError(f"{place}: root is missing")
    for root in roots:
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", root):
            raise PolicyError(f"{place}: root {root!r} is no sha256:… in lower case")
    server = optional_text(members, "server", place)
    if server is not None and not _is_address(server):
        raise PolicyError(f"{place}: server {server!r} is no http:// or https:// address")
    return ContentTrustSigner(roots, server)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.username and not parts.query


def _certificates(names: tuple[str, ...], place: str, files: Files) -> tuple[bytes, ...]:
    return tuple(
        certificate
        for name in names
        for certificate in materials.certificates(files.read(files.path(name), place), name, place)
    )


_KINDS: Mapping[str, Callable[[Any, str, Files], Signer | tuple[Signer, ...]]] = {
    "key": _keys,
    "keyless": _keyless,
    "notation": _notation,
    "content-trust": _content_trust,
}
