"""The link in its steps: gather and verify what lies there, decide by the policy, compare with who it was last time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from container_updates.chain import Context
from container_updates.chain.findings_cache import Cached, Made, as_told
from container_updates.model import Finding, Subject, Verdict

if TYPE_CHECKING:
    from container_updates.trust.policy.rules import Rule


def examine(subject: Subject, context: Context) -> Iterator[Finding]:
    """Yield the one finding about a subject; raises `Inconclusive` where the registry does not say what there is."""
    reference = subject.reference
    if context.pulled(subject.image) is False:
        message = f"{reference} built here, never pulled or pushed"
        yield Finding("signatures", "local-build", Verdict.SKIPPED, message)
        return
    told = Cached("signatures", subject, context, as_told(context))
    yield from (told.recall() or told.keep(_told(subject, context))).findings


def _told(subject: Subject, context: Context) -> Made:
    """What there is to tell: the verdict, compared with earlier runs."""
    from container_updates.chain.signatures import compare

    rule = context.policy.rule_for(subject.reference) if context.policy else None
    if rule is not None and rule.signatures == "accepted":
        verdict, until = _accepted(rule), None
        findings = [replace(verdict, message=f"{subject.reference} {verdict.message}")]
    else:
        verdict, until = _verdict(subject, rule, context)
        findings = compare.findings(verdict, subject, rule, context)
    demanded = context.explained(rule)
    return Made([replace(finding, details={**finding.details, **demanded}) for finding in findings], until)


def _accepted(rule: "Rule") -> Finding:
    from container_updates.trust.decision import decide

    return decide(rule, ())


def _verdict(subject: Subject, rule: "Rule | None", context: Context) -> tuple[Finding, datetime | None]:
    """The verdict, kept for longer than what is told: what earlier runs saw does not change it."""
    from container_updates.chain.signatures import compare

    keys = compare.known_keys(subject.reference, rule, context)
    under = ["verdict", *sorted(sha256(key).hexdigest() for key in keys)]
    cached = Cached("signatures", subject, context, under)
    made = cached.recall()
    if made is None:
        # A run that knows its verdicts loads none of this.
        from container_updates.chain.signatures import verify

        made = cached.keep(verify.verdict(subject, rule, keys, context))
    [finding] = made.findings
    return finding, made.until
