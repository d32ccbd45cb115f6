"""The verdict compared with what earlier runs saw and what the admin accepted."""

from dataclasses import replace
from typing import TYPE_CHECKING

from container_updates.chain import Context
from container_updates.model import Finding, Subject, Verdict
from container_updates.reference import Reference
from container_updates.trust.memory import identity

if TYPE_CHECKING:
    from container_updates.trust.policy.rules import Rule


def known_keys(reference: Reference, rule: "Rule | None", context: Context) -> dict[bytes, str]:
    """Return keys (DER) with their names that tell who signed, though the rule does not name them for the image.

    They are those of the policy's other rules, and of last time.
    """
    last = context.memory.keys(reference) if context.memory else {}
    policy = {key.public_key: key.name for key in context.policy.keys} if context.policy else {}
    named = {getattr(signer, "public_key", b"") for signer in rule.signers} if rule else set()
    return {key: name for key, name in {**last, **policy}.items() if key not in named}


def findings(verdict: Finding, subject: Subject, rule: "Rule | None", context: Context) -> list[Finding]:
    """Return the verdict as it is compared with earlier runs, and beside it what cannot be compared."""
    if context.memory is None:
        return [replace(verdict, message=f"{subject.reference} {verdict.message}")]
    accepted = context.memory.accepted(subject.reference, "signer")
    if accepted:
        from container_updates.trust.accepted import by_word

        verdict = by_word(verdict, rule, accepted)
    compared = context.memory.compare(
        subject.reference,
        "signer",
        identity.signers(verdict),
        subject.digest,
        named=verdict.code == "signed",
        doubtful=identity.is_doubtful(verdict),
    )
    if compared.changed is None or compared.changed.verdict is Verdict.INCONCLUSIVE:
        message = f"{subject.reference} {verdict.message}{compared.words}"
        told = replace(verdict, message=message, details={**verdict.details, **compared.plain()})
        return [told, compared.changed] if compared.changed else [told]
    # One thing happened: it is one finding, which counts as both.
    changed = compared.changed
    details = {**verdict.details, **changed.details, "besides": verdict.code}
    return [replace(changed, message=f"{changed.message}; {verdict.message}", details=details)]
