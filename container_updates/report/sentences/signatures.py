"""Signatures, signers and what a policy asks of them, as a person would tell it."""

from collections.abc import Iterable, Mapping
from typing import Any

from container_updates.report.sentences.details import items, moment, several, shown, text
from container_updates.report.text import safe

_FORMATS = {
    "cosign": "A cosign signature",
    "cosign-attestation": "A cosign attestation",
    "sigstore-bundle": "A sigstore bundle",
    "notation": "A notation signature",
    "content-trust": "Docker Content Trust",
}
_STATES = {
    "good": "which is right",
    "wrong": "which is wrong",
    "unknown": "which cannot be verified here",
}
_KINDS = {
    "key": "the owner of the key",
    "keyless": "whoever a certificate calls",
    "notation": "an owner of a certificate of",
    "content-trust": "the owner of the root",
}
_NOBODY = {"none": "nobody", "unknown": "somebody whom nobody here knows"}
"""Kinds of a remembered signer that is none."""
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


_PATTERNS = {
    "source": "It may be built from",
    "builders": "It may be built by",
}


def signature(one: object) -> Iterable[str]:
    """Return what was found of one signature: `Checked.plain()` of a finding's `signatures`."""
    if not isinstance(one, Mapping):
        return
    state = str(one.get("state"))
    words = f"{_FORMATS.get(str(one.get('format')), 'A signature')}, {_STATES.get(state, safe(state, 40))}"
    yield f"{words}: {text(one, 'reason')}."
    if isinstance(one.get("signer"), Mapping):
        yield "Signed by"
        yield from (f"  {line}" for line in who(one["signer"]))
    if one.get("digest"):
        yield "It signs"
        yield f"  {text(one, 'digest')}"
    yield from _how(one)


def who(signer: object) -> Iterable[str]:
    """Return who signed: `Identity.plain()`, or a text, or several of them."""
    if isinstance(signer, list | tuple):
        for number, one in enumerate(several(signer)):
            yield from ["and"] if number else []
            yield from who(one)
    elif isinstance(signer, Mapping):
        named = text(signer, "identity") or text(signer, "name") or _NOBODY.get(text(signer, "kind"), "")
        if named:
            yield named
        if signer.get("issuer"):
            yield f"as {text(signer, 'issuer')} vouches"
        if signer.get("fingerprint"):
            yield f"{'by ' if named else ''}the key {text(signer, 'fingerprint')}"
    else:
        yield shown(signer) or "nobody"


def demanded(rule: object) -> Iterable[str]:
    """Return what a rule asks for: `Rule.plain()` of a finding's `demanded`."""
    if not isinstance(rule, Mapping):
        return
    for member, modes in _MODES.items():
        if text(rule, member) in modes:
            yield modes[text(rule, member)]
    for position, group in enumerate(items(rule, "signers")):
        yield "and in addition" if position else "It may be signed by"
        for number, one in enumerate(several(group)):
            yield f"  {'or ' if number else ''}{_named(one)}"
    for member, words in _PATTERNS.items():
        patterns = items(rule, member)
        if patterns:
            yield words
            yield from (f"  {shown(pattern)}" for pattern in patterns)


def _how(one: Mapping[str, Any]) -> Iterable[str]:
    """How far it could be checked: time, log and revocation."""
    if one.get("signed_at"):
        yield f"It was made at {moment(one, 'signed_at')}."
    elif one.get("claimed_signing_time"):
        yield f"It says that it was made at {moment(one, 'claimed_signing_time')}, which nobody proves."
    if one.get("log_index") is not None:
        yield f"It stands in the transparency log, as entry {safe(str(one['log_index']), 40)}."
    if one.get("log"):
        yield f"Transparency log: {text(one, 'log')}."
    if one.get("revocation"):
        yield f"Whether its certificate was revoked: {text(one, 'revocation')}."
    for note in items(one, "notes"):
        yield f"Note: {shown(note)}."


def _named(signer: object) -> str:
    if not isinstance(signer, Mapping):
        return shown(signer)
    kind = str(signer.get("kind"))
    words = f"{_KINDS.get(kind, safe(kind, 40))} {text(signer, 'name')}"
    subjects = [shown(subject) for subject in items(signer, "identities")]
    return f"{words}: {' or '.join(subjects)}" if subjects else words
