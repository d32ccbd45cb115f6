"""Where an image comes from, as a person would tell it: source, builder, base, and the steps that made it."""

from collections.abc import Iterable, Mapping
from typing import Any

from container_updates.model import number
from container_updates.report.sentences import signatures
from container_updates.report.sentences.details import items, moment, sentence, shown, text
from container_updates.report.text import safe

Details = Mapping[str, Any]

_SAYS = {
    "label": "Its label says",
    "buildkit": "BuildKit's provenance, which nobody signed, says",
    "provenance": "A provenance that proves nothing here says",
    "library": "Docker's published library definition says",
}
"""A claim's evidence to who says so."""


def verified(details: Details) -> Iterable[str]:
    """Return what a signed provenance proves."""
    yield "A signed provenance proves that it was built from"
    yield from (f"  {line}" for line in _place(details))
    built_at = moment(details, "built_at")
    if "builder" in details:
        yield f"Built{f' at {built_at}' if built_at else ''} by"
        yield f"  {text(details, 'builder')}"
    if "signer" in details:
        signed_at = moment(details, "signed_at")
        yield f"The provenance was signed{f' at {signed_at}' if signed_at else ''} by"
        yield from (f"  {line}" for line in signatures.who(details["signer"]))
    yield from _beneath(details)


def claimed(details: Details) -> Iterable[str]:
    """Return what is said and not proven."""
    yield from _said(details)
    yield "Nobody proves that."
    yield from _beneath(details)


def _everything_said(details: Details) -> Iterable[str]:
    """What is proven and what is claimed, side by side."""
    if "signer" in details:
        yield "A signed provenance proves that it was built from"
        yield from (f"  {line}" for line in _place(details))
    for claim in items(details, "claims"):
        yield from _said(claim)
    for attestation in items(details, "attestations"):
        yield from signatures.signature(attestation)
    yield from _beneath(details)


def mismatch(details: Details) -> Iterable[str]:
    """Return what does not fit, and all that was found."""
    yield sentence(f"that does not fit: {text(details, 'reason') or 'one source contradicts another'}")
    yield from _everything_said(details)


def unknown(details: Details) -> Iterable[str]:
    """Return that there is nothing, or what is claimed where the admin wants more than that."""
    if "repository" not in details:
        yield "Nothing says where it was built from: no provenance that counts here, and no label."
    yield from _everything_said(details)


def untrusted(details: Details) -> Iterable[str]:
    """Return which registry the policy leaves out."""
    yield f"The policy does not allow its registry, {text(details, 'registry')}."


def allowed(details: Details) -> Iterable[str]:
    """Return which registries the policy allows, where a finding tells."""
    registries = [shown(registry) for registry in items(details, "registries")]
    if registries:
        yield f"Images may come from {', '.join(registries)}."


def base_outdated(details: Details) -> Iterable[str]:
    """Return what became of the base image."""
    base = text(details, "base")
    if "published_digest" not in details:
        yield f"The tag of its base {base} is gone from the registry."
        return
    yield f"Its base {base} has moved on; the tag names today"
    yield f"  {text(details, 'published_digest')}"


def _said(claim: object) -> Iterable[str]:
    if isinstance(claim, Mapping):
        yield f"{_SAYS.get(str(claim.get('evidence')), 'Somebody says')} that it was built from"
        yield from (f"  {line}" for line in _place(claim))


def _place(details: Details) -> Iterable[str]:
    """Repository, commit and ref, and the page that shows them."""
    repository, link = text(details, "repository"), text(details, "link")
    yield repository or "a repository that it does not name"
    if "revision" in details:
        ref = text(details, "ref")
        yield f"at commit {text(details, 'revision')}{f', {ref}' if ref else ''}"
    if link and link != repository:
        yield link


def _beneath(details: Details) -> Iterable[str]:
    base = details.get("base")
    if isinstance(base, Mapping):
        how = "as its provenance proves" if base.get("proven") is True else "as it says of itself"
        yield f"It is built upon {text(base, 'name')}, {how}{':' if 'digest' in base else '.'}"
        if "digest" in base:
            yield f"  {text(base, 'digest')}"
    beyond = number(details.get("attestations_not_looked_at"))
    if beyond:
        yield f"There are {beyond} more attestations, which were not looked at."
    steps = items(details, "history")
    if steps:
        yield "The steps that made it, as the image tells them:"
        yield from (f"  {safe(str(step))}" for step in steps)
