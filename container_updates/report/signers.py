"""Signatures, signers and what a policy asks of them, as a person would tell it."""

from collections.abc import Iterable, Mapping
from typing import Any

from container_updates.report.text import safe

_FORMATS = {
    "cosign": "A cosign signature",
    "cosign-attestation": "A cosign attestation",
    "sigstore-bundle": "A sigstore bundle",
    "notation": "A notation signature",
    "content-trust": "Docker Content Trust",
}
_STATES = {
    "good": "which is right, and by a signer whom the policy names",
    "wrong": "which is wrong",
    "unknown": "which cannot be verified here",
}
_KINDS = {
    "key": "the owner of the key",
    "keyless": "whoever a certificate calls",
    "notation": "an owner of a certificate of",
    "content-trust": "the owner of the root",
}
_MODES = {
    "signatures": {
        "required": "It has to be signed.",
        "if-present": "It need not be signed; where it is, the signature has to be right.",
        "accepted": "Signatures are not looked at.",
        "rejected": "Images of this name are rejected.",
    },
    "provenance": {
        "required": "Its source has to be proven, a label is not enough.",
        "accepted": "Its source is not looked at.",
    },
}
_MOST = 20


def signature(one: object) -> Iterable[str]:
    """Return what was found of one signature: `Checked.plain()` of a finding's `signatures`."""
    if not isinstance(one, Mapping):
        return
    state = str(one.get("state"))
    words = f"{_FORMATS.get(str(one.get('format')), 'A signature')}, {_STATES.get(state, safe(state, 40))}"
    reason = "" if state == "good" else f": {_text(one.get('reason'))}"
    yield f"{words}{reason}."
    if isinstance(one.get("signer"), Mapping):
        yield "Signed by"
        yield from (f"  {line}" for line in who(one["signer"]))
    if one.get("digest"):
        yield "It signs"
        yield f"  {_text(one['digest'])}"
    yield from _how(one)


def who(signer: object) -> Iterable[str]:
    """Return who signed: `Identity.plain()`, or a text, or several of them."""
    if isinstance(signer, list | tuple):
        for one in signer[:_MOST]:
            yield from who(one)
    elif isinstance(signer, Mapping):
        named = signer.get("identity") or signer.get("name")
        if named:
            yield _text(named)
        if signer.get("issuer"):
            yield f"as {_text(signer['issuer'])} vouches"
        if signer.get("fingerprint"):
            yield f"by the key {_text(signer['fingerprint'])}"
    else:
        yield _text(signer) or "nobody"


def demanded(rule: object) -> Iterable[str]:
    """Return what a rule asks for: `Rule.plain()` of a finding's `demanded`."""
    if not isinstance(rule, Mapping):
        return
    for member, modes in _MODES.items():
        if rule.get(member) in modes:
            yield modes[rule[member]]
    for position, group in enumerate(_list(rule.get("signers"))):
        yield "and in addition" if position else "It may be signed by"
        for number, one in enumerate(_list(group)):
            yield f"  {'or ' if number else ''}{_named(one)}"
    for member, words in (("source", "It may come from"), ("builders", "It may be built by")):
        patterns = _list(rule.get(member))
        if patterns:
            yield words
            yield from (f"  {_text(pattern)}" for pattern in patterns)


def _how(one: Mapping[str, Any]) -> Iterable[str]:
    """How far it could be checked: time, log and revocation."""
    if one.get("signed_at"):
        yield f"It was made at {_text(one['signed_at'])}, which is proven."
    elif one.get("claimed_signing_time"):
        yield f"It says to be made at {_text(one['claimed_signing_time'])}, which nobody proves."
    if one.get("log_index") is not None:
        yield f"It stands in the transparency log, as entry {safe(str(one['log_index']), 40)}."
    if one.get("log"):
        yield f"Transparency log: {_text(one['log'])}."
    if one.get("revocation"):
        yield f"Whether its certificate was revoked: {_text(one['revocation'])}."
    for note in _list(one.get("notes")):
        yield f"Note: {_text(note)}."


def _named(signer: object) -> str:
    if not isinstance(signer, Mapping):
        return _text(signer)
    kind = str(signer.get("kind"))
    words = f"{_KINDS.get(kind, safe(kind, 40))} {_text(signer.get('name'))}"
    subjects = [_text(subject) for subject in _list(signer.get("identities"))]
    return f"{words}: {' or '.join(subjects)}" if subjects else words


def _text(value: object) -> str:
    return safe(value) if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return [*value][:_MOST] if isinstance(value, list | tuple) else []
