"""Signers as our own TOML has them, so that reading it gives the same ones (TOML 1.0.0; interface, "Trust policy")."""

import os
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from container_updates.reference import Reference
from container_updates.signing.notation import identities
from container_updates.signing.signers import (
    ContentTrustSigner,
    KeylessSigner,
    KeySigner,
    NotationSigner,
    SignedIdentity,
    Signer,
    matches,
)
from container_updates.trust.memory.identity import fingerprint
from container_updates.trust.policy.rules import Policy

_RELEASE = re.compile(r"(.*@refs/tags/)([^@]+)", re.DOTALL)
_LONGEST_COMMENT = 300


class Inexpressible(ValueError):
    """What cannot be said in a policy so that it means just this; carries why, in a few words."""


def string(text: str) -> str:
    """A basic string; raises `Inexpressible` for what is no Unicode text."""
    return '"' + "".join(map(_escaped, text)) + '"'


def comment(text: str) -> str:
    """A comment of one line, of whatever text."""
    line = " ".join(
        "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in text).split()
    )
    return line if len(line) <= _LONGEST_COMMENT else f"{line[: _LONGEST_COMMENT - 1]}…"


def pattern(text: str) -> str:
    """The pattern for just this text, whatever the release; raises `Inexpressible` where it would match more."""
    if "*" in text:
        raise Inexpressible("it has a star, which stands for anything in a policy")
    release = _RELEASE.fullmatch(text)
    if release:
        return release[1] + ("**" if "/" in release[2] else "*")
    run = re.fullmatch(r"(.*/actions/runs/)\d+(?:/attempts/\d+)?", text, re.DOTALL)
    return f"{run[1]}**" if run else text


def signers(plain: Mapping[str, Any], reference: Reference, policy: Policy | None, folder: Path) -> Iterator[str]:
    """The tables `[[rule.signer]]` for somebody who signed (`Identity.plain`), one or several.

    `folder` is where the file will lie. Raises `Inexpressible`.
    """
    rule = policy.rule_for(reference) if policy else None
    named = rule.signers if rule else ()
    write = {"key": _key, "keyless": _keyless, "notation": _notation, "content-trust": _content_trust}.get(
        str(plain.get("kind"))
    )
    if write is None:
        raise Inexpressible("of an unknown kind")
    for members in write(plain, named, policy, folder):
        yield "\n".join(["[[rule.signer]]", *(f"{name} = {value}" for name, value in members.items())])


_Members = Mapping[str, str]


def _key(
    plain: Mapping[str, Any], named: tuple[Signer, ...], policy: Policy | None, folder: Path
) -> Iterator[_Members]:
    keys = [one for one in (*named, *(policy.keys if policy else ())) if isinstance(one, KeySigner)]
    key = next((one for one in keys if fingerprint(one.public_key) == plain.get("fingerprint")), None)
    if key is None:
        raise Inexpressible("no policy here has the key")
    _check_name(key.identity)
    body = b64encode(key.public_key).decode()
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    pem = "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----"])
    root = {"root": string(_beside(key.log.path, folder))} if key.log is not None and key.log.path else {}
    yield {"type": '"key"', "pem": f"'''\n{pem}\n'''", **root}


def _keyless(
    plain: Mapping[str, Any], named: tuple[Signer, ...], policy: Policy | None, folder: Path
) -> Iterator[_Members]:
    issuer, identity = str(plain.get("issuer") or ""), str(plain.get("identity") or "")
    if not issuer or not identity:
        raise Inexpressible("its certificate names nobody")
    certified = [one for one in named if isinstance(one, KeylessSigner)]
    fitting = [one for one in certified if matches(one.issuer, issuer) and matches(one.identity, identity)]
    for one in fitting:
        _check_name(one.signed_identity)
    members = {"type": '"keyless"', "issuer": string(_literal(issuer)), "identity": string(pattern(identity))}
    for root in dict.fromkeys(one.root for one in fitting or certified) or (None,):
        if root is None:
            yield members
        elif root.path is None:
            raise Inexpressible("its root is put together from another policy")
        else:
            yield {**members, "root": string(_beside(root.path, folder))}


def _notation(
    plain: Mapping[str, Any], named: tuple[Signer, ...], policy: Policy | None, folder: Path
) -> Iterator[_Members]:
    certified = [one for one in named if isinstance(one, NotationSigner)]
    signer = next((one for one in certified if one.name == plain.get("name")), certified[0] if certified else None)
    if signer is None or not signer.files:
        raise Inexpressible("no policy here names its authority by a file")
    if signer.logged:
        raise Inexpressible("the given policy forgives what this form of policy does not")
    if signer.verify_timestamp == "always" and signer.timestamp_authorities:
        raise Inexpressible("the given policy demands a timestamp, which this form of policy cannot")
    subject = f"x509.subject: {plain.get('identity')}"
    try:
        identities.parse(subject)
    except ValueError:
        raise Inexpressible("its subject is no identity") from None
    if "\\\\" in subject:
        raise Inexpressible("its subject has a backslash")
    ca = ", ".join(string(_beside(file, folder)) for file in signer.files)
    members = {"type": '"notation"', "ca": f"[{ca}]", "identities": f"[{string(subject)}]"}
    if signer.timestamp_files:
        members["tsa"] = f"[{', '.join(string(_beside(file, folder)) for file in signer.timestamp_files)}]"
    yield members


def _content_trust(
    plain: Mapping[str, Any], named: tuple[Signer, ...], policy: Policy | None, folder: Path
) -> Iterator[_Members]:
    rooted = [one for one in named if isinstance(one, ContentTrustSigner)]
    signer = next((one for one in rooted if one.name == plain.get("name")), None)
    root = signer.name if signer else str(plain.get("fingerprint"))
    if not re.fullmatch("sha256:[0-9a-f]{64}", root):
        raise Inexpressible("its root has no fingerprint")
    # Whoever is not named was met at one of the servers that are.
    for server in dict.fromkeys(one.server for one in ([signer] if signer else rooted)) or (None,):
        members = {"type": '"content-trust"', "root": f"[{string(root)}]"}
        yield {**members, "server": string(server)} if server else members


def _check_name(identity: SignedIdentity) -> None:
    """Raises `Inexpressible` for names that only a policy.json can allow; `signed-as` stands in the rule."""
    if identity.kind not in ("any", "here", "glob"):
        raise Inexpressible("it signs under another name")


def _literal(text: str) -> str:
    if "*" in text:
        raise Inexpressible("it has a star, which stands for anything in a policy")
    return text


def _beside(file: str, folder: Path) -> str:
    """Relative where it lies beside or below the policy, else absolute."""
    path = os.path.abspath(file)
    relative = os.path.relpath(path, folder)
    return path if relative.startswith("..") else relative


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    if "\ud800" <= char <= "\udfff":
        raise Inexpressible("it is no Unicode text")
    return f"\\U{ord(char):08x}"
