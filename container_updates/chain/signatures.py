"""Whether what runs is signed, by whom, and whether the signature holds."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from container_updates.chain import Context
from container_updates.chain.findings_cache import Made, as_told, kept, kept_until
from container_updates.errors import Inconclusive, NotFound, Unresolvable
from container_updates.model import Finding, Subject, Verdict
from container_updates.reference import Reference

if TYPE_CHECKING:
    from container_updates.trust.policy.rules import Rule


def examine(subject: Subject, context: Context) -> Iterator[Finding]:
    """Yield the one finding about a subject; raises `Inconclusive` where the registry does not say what there is."""
    reference = subject.reference
    if context.pulled(subject.image) is False:
        message = f"{reference} built here, never pulled or pushed"
        yield Finding("signatures", "local-build", Verdict.SKIPPED, message)
        return
    yield from kept("signatures", subject, context, lambda: _compared(subject, context), under=as_told(context))


def _compared(subject: Subject, context: Context) -> Made:
    """The verdict, by the side of what earlier runs saw: it is kept longer than what they make of it."""
    reference = subject.reference
    rule = context.policy.rule_for(reference) if context.policy else None
    until = None
    if rule is not None and rule.signatures == "accepted":
        from container_updates.trust.decision import decide

        finding = decide(rule, ())
        findings = [replace(finding, message=f"{reference} {finding.message}")]
    else:
        others = _others(reference, rule, context)
        under = ["verdict", *sorted(sha256(key).hexdigest() for key in others)]
        [finding], until = kept_until(
            "signatures", subject, context, lambda: _asked(subject, rule, others, context), under=under
        )
        findings = _remembered(finding, subject, rule, context)
    demanded = context.explained(rule)
    return [replace(finding, details={**finding.details, **demanded}) for finding in findings], until


def _remembered(finding: Finding, subject: Subject, rule: "Rule | None", context: Context) -> list[Finding]:
    """The finding as it is by the side of what earlier runs saw and the admin accepted."""
    from container_updates.trust.memory import identity

    if context.memory is None:
        return [replace(finding, message=f"{subject.reference} {finding.message}")]
    accepted = context.memory.accepted(subject.reference, "signer")
    if accepted:
        from container_updates.trust.accepted import by_word

        finding = by_word(finding, rule, accepted)
    compared = context.memory.compare(
        subject.reference,
        "signer",
        identity.signers(finding),
        min(subject.image.digests, default=""),
        named=finding.code == "signed",
    )
    if compared.changed is None or compared.changed.verdict is Verdict.INCONCLUSIVE:
        message = f"{subject.reference} {finding.message}{compared.words}"
        told = replace(finding, message=message, details={**finding.details, **compared.plain()})
        return [told, compared.changed] if compared.changed else [told]
    # One thing happened: it is one finding, which counts as both.
    changed = compared.changed
    details = {**finding.details, **changed.details, "besides": finding.code}
    return [replace(changed, message=f"{changed.message}; {finding.message}", details=details)]


def _asked(subject: Subject, rule: "Rule | None", others: Mapping[bytes, str], context: Context) -> Made:
    """The finding, and from when on it may be another one."""
    # Not before something has to be looked at: a run that knows its findings does without.
    from container_updates.signing import discovery
    from container_updates.signing.content_trust import questions
    from container_updates.signing.signers import KeySigner
    from container_updates.signing.verdict import Checked, Expected, State
    from container_updates.trust.decision import decide

    reference = subject.reference
    if not subject.image.digests:
        raise Unresolvable("the engine knows no digest of its image")
    platform = subject.image.platform or context.details(subject.image).platform
    digests = discovery.digests_of(subject, platform, context.registry)
    found = discovery.discover(subject, digests, context.registry)
    checked: list[Checked] = []
    unread: Inconclusive | None = None
    known = tuple(KeySigner(name, key) for key, name in others.items())
    signers = rule.signers if rule else ()
    # Trust data may name anything that runs, what is beside a manifest only that.
    asked = [(digests, ask) for ask in questions.questions(reference, signers, context.registry, context.store)]
    asked += [(frozenset({one.at}), one.verify) for one in found.signatures]
    for names, verify in asked:
        expected = Expected(names, reference, context.clock.now(), signers, known_keys=known)
        try:
            verdict = verify(expected)
        except NotFound:
            verdict = Checked("cosign", State.UNKNOWN, "the registry lists a signature and does not have its content")
        except Inconclusive as error:
            unread = error
            continue
        if verdict is not None:
            checked.append(verdict)
    finding = decide(rule, checked, beyond=found.beyond)
    if unread is not None and finding.verdict is not Verdict.PASS:
        # What could not be read may be the signature that is looked for.
        raise unread
    ends = [one.holds_until for one in checked if one.holds_until] + ([context.clock.now()] if unread else [])
    return [finding], min(ends, default=None)


def _others(reference: Reference, rule: "Rule | None", context: Context) -> dict[bytes, str]:
    """Keys that tell who signed, though the rule does not name them: of the policy's other rules, and of last time."""
    last = context.memory.keys(reference) if context.memory else {}
    policy = {key.public_key: key.name for key in context.policy.keys} if context.policy else {}
    named = {getattr(signer, "public_key", b"") for signer in rule.signers} if rule else set()
    return {key: name for key, name in {**last, **policy}.items() if key not in named}
