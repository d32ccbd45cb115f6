"""A trust policy tried before it wakes anybody (`--check-policy FILE`): what each rule means in words.

No engine and no registry is asked. A mistake in the file is a `PolicyError`, as in a check.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from container_updates import reference as references
from container_updates.clock import rfc3339
from container_updates.errors import InvalidReference, UsageError
from container_updates.report.text import safe
from container_updates.signing.signers import (
    ContentTrustSigner,
    KeylessSigner,
    KeySigner,
    NotationSigner,
    SignedIdentity,
    Signer,
)
from container_updates.signing.sigstore.trusted_root import TrustedRoot, public_good
from container_updates.trust.policy import load
from container_updates.trust.policy.rules import Policy, Rule

_SIGNATURES = {
    "required": "required",
    "if-present": "an image without one is accepted, a wrong one is not",
    "accepted": "accepted: nobody looks at them",
    "rejected": "rejected: no image of these may run, whoever signed it",
    None: "the rule names no signer: what is not signed is told as unsigned, what is signed as unverifiable",
}
_PROVENANCE = {
    "required": "required: it has to be proven, a claim is not enough",
    "if-present": "a claim is enough",
    "accepted": "accepted: nobody looks at it",
}


def answer(file: str, image: str, now: datetime) -> str:
    """Return what is to be printed about a policy, and about an image where one is given.

    Raises `PolicyError` for a file that is no policy, `UsageError` for an image that is none.
    """
    policy = load.load([file])
    lines = [f"{file} is right: {_counted(len(policy.rules), 'rule')}", *_registries(policy)]
    for rule in policy.rules:
        lines += ["", rule.place, *(f"  {line}" for line in _rule(rule, now))]
    if image:
        lines += ["", *_decided(policy, image)]
    return "".join(f"{' ' * (len(line) - len(line.lstrip()))}{safe(line)}\n" for line in lines)


def _registries(policy: Policy) -> Iterator[str]:
    if policy.registries is not None:
        yield f"registries: images may come from {_listed(policy.registries)}; any other is untrusted-registry"
    else:
        yield "registries: images may come from any"
    for mirror in policy.mirrors:
        yield f"mirror {mirror}: what it does not have is not there, the registry itself is not asked"


def _rule(rule: Rule, now: datetime) -> Iterator[str]:
    yield f"images: {_listed([str(scope) for scope in rule.scopes])}"
    yield f"signatures: {_SIGNATURES[rule.signatures]}"
    for number, group in enumerate(rule.groups):
        several = "any one of" if len(group) > 1 else "by"
        yield f"  {'and ' if number else ''}{several}:"
        for signer in group:
            yield from (f"    {line}" for line in _signer(signer, now))
    if rule.signed_as is not None:
        yield f"  signed as {'the image itself' if rule.signed_as == 'here' else rule.signed_as}, no other name counts"
    if rule.signatures_in is not None:
        yield f"  signatures lie in {rule.signatures_in}, too"
    yield f"source: {_PROVENANCE[rule.provenance]}"
    if rule.source:
        yield f"  only {_listed(rule.source)}"
    if rule.builders:
        yield f"  built only by {_listed(rule.builders)}"


def _signer(signer: Signer, now: datetime) -> Iterator[str]:
    from container_updates.signing.crypto import keys

    if isinstance(signer, KeySigner):
        yield f"key {signer.name}, {keys.fingerprint(signer.public_key)}"
        if signer.log is not None:
            yield "  with an entry in a log that the policy names"
        yield from _named(signer.identity)
    elif isinstance(signer, KeylessSigner):
        yield f"keyless {signer.identity}"
        yield f"  vouched for by {signer.issuer}"
        yield f"  {_root(signer.root)}"
        yield from _named(signer.signed_identity)
    elif isinstance(signer, NotationSigner):
        who = _listed(signer.identities) if signer.identities else "anybody"
        yield f"notation {signer.name}: {who} with a certificate of"
        yield from _certificates(dict.fromkeys((*signer.authorities, *signer.signing_authorities)), now)
        if signer.timestamp_authorities:
            yield "  timestamps by"
            yield from _certificates(signer.timestamp_authorities, now)
        if signer.logged:
            yield f"  noted, not enforced: {_listed(sorted(signer.logged))}"
    elif isinstance(signer, ContentTrustSigner):
        yield f"content-trust {_listed(signer.root)}, at {signer.server or 'the registry itself'}"
    else:
        yield signer.name


def _root(root: TrustedRoot | None) -> str:
    if root is None:
        return f"root: {public_good()}"
    left_out = f", where {_listed(root.left_out)} cannot be read" if root.left_out else ""
    return f"root: {root.path or 'put together from this policy'}{left_out}"


def _named(identity: SignedIdentity) -> Iterator[str]:
    """As policy.json has it; our own `signed-as` is told by the rule."""
    if identity.kind not in ("any", "here", "glob"):
        said = " ".join(filter(None, (identity.kind, identity.value, identity.signed_prefix)))
        yield f"  name in the signature: {said}"


def _certificates(bodies: Iterable[bytes], now: datetime) -> Iterator[str]:
    from container_updates.signing.crypto import certificates, keys

    for body in bodies:
        certificate = certificates.load(body)
        _, end = certificates.validity(certificate)
        ends = "EXPIRED on" if end < now else "until"
        yield f"    {certificates.name(certificate)}, {keys.fingerprint(body)}, {ends} {rfc3339(end)[:10]}"


def _decided(policy: Policy, image: str) -> Iterator[str]:
    """What the policy means for one image, whatever is found beside it."""
    try:
        reference = references.parse(image)
    except InvalidReference as error:
        raise UsageError(f"--image {image}: {error}") from None
    yield f"{reference}:"
    if not policy.allows(reference.registry):
        yield f"  untrusted-registry: {reference.registry} is none of {_listed(policy.registries or ())}"
    rule = policy.rule_for(reference)
    if rule is None:
        yield "  no rule: what is not signed is unsigned, what is signed unverifiable; a claim of its source is enough"
        return
    scope = max((one for one in rule.scopes if one.covers(reference)), key=lambda one: one.exactness)
    yield f"  {rule.place} decides, by {scope}"
    elsewhere = rule.elsewhere(reference)
    places = f" and {elsewhere.name}" if elsewhere else ""
    looked = rule.signatures in ("required", "if-present")
    where = f"; looked for in {reference.name}{places}" if looked else ""
    yield f"  signatures: {_SIGNATURES[rule.signatures]}{where}"
    if rule.signers:
        yield f"  signed: by {_listed([signer.name for signer in rule.signers])}; unverifiable: by anybody else"
    yield f"  source: {_PROVENANCE[rule.provenance]}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
