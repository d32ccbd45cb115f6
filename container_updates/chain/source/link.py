"""The link in its steps: gather the evidence, decide by the policy, compare with last time; then the base."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from container_updates.chain import Context
from container_updates.chain.findings_cache import Cached, Made, as_told
from container_updates.chain.updates.waiting import waiting
from container_updates.errors import Unresolvable
from container_updates.model import Finding, Subject, Verdict

if TYPE_CHECKING:
    from container_updates.trust.policy.rules import Rule


def examine(subject: Subject, context: Context) -> Iterator[Finding]:
    """Yield the finding about a subject's source, and one about its base image where that is not what it was.

    Raises `Inconclusive` where the registry does not say what there is.
    """
    if context.pulled(subject.image) is False:
        yield from _local(subject, context)
        return
    told = Cached("source", subject, context, as_told(context))
    findings = (told.recall() or told.keep(_told(subject, context))).findings
    yield from findings
    known = findings[0].details.get("base")
    if isinstance(known, dict):
        cached = Cached("source", subject, context, ["base", str(known)])
        yield from _dated(
            (cached.recall() or cached.keep(_based([known], subject, context))).findings, subject, context
        )


def _local(subject: Subject, context: Context) -> Iterator[Finding]:
    """What is to be said of an image that was built here: nobody signed it, but what it was built upon may move on."""
    from container_updates.chain.source import local_base

    found = [one.plain() for one in local_base.find(subject, context)]
    message = f"{subject.reference} built here, never pulled or pushed"
    details = {"base": found[0]} if found else {}
    yield Finding("source", "local-build", Verdict.SKIPPED, message, details)
    if found:
        cached = Cached("source", subject, context, ["local base", str(found)])
        yield from _dated((cached.recall() or cached.keep(_based(found, subject, context))).findings, subject, context)


def _dated(findings: Sequence[Finding], subject: Subject, context: Context) -> Iterator[Finding]:
    """The same, and since when a base has been outdated."""
    for finding in findings:
        if finding.code != "base-outdated":
            yield finding
            continue
        built_upon = f"{finding.details.get('base')}@{finding.details.get('base_digest')}"
        since = waiting("base-outdated", subject, None, context, after=built_upon)
        yield replace(finding, message=f"{finding.message} {since.words}", details={**finding.details, **since.plain()})


def _told(subject: Subject, context: Context) -> Made:
    """What there is to tell of the source: the verdict, compared with earlier runs."""
    reference, policy = subject.reference, context.policy
    rule = policy.rule_for(reference) if policy else None
    if policy is not None and not policy.allows(reference.registry):
        message = f"{reference} is from {reference.registry}, a registry that the policy does not allow"
        details = {"registry": reference.registry, **context.explained(rule)}
        return Made([Finding("source", "untrusted-registry", Verdict.FAIL, message, details)])
    if rule is not None and rule.provenance == "accepted":
        details = {"rule": rule.place, **context.explained(rule)}
        message = f"{reference} source not looked at, by {rule.place}"
        return Made([Finding("source", "accepted", Verdict.SKIPPED, message, details)])
    verdict, until = _verdict(subject, rule, context)
    first, *changes = _compared(verdict, subject, rule, context)
    explained = {**context.explained(rule), **_history(verdict, subject, context)}
    told = replace(first, message=f"{reference} {first.message}", details={**first.details, **explained})
    return Made([told, *changes], until)


def _verdict(subject: Subject, rule: "Rule | None", context: Context) -> tuple[Finding, datetime | None]:
    """The verdict, kept for longer than what is told: what earlier runs saw does not change it."""
    cached = Cached("source", subject, context, ["verdict"])
    [finding], until = cached.recall() or cached.keep(_decided(subject, rule, context))
    return finding, until


def _decided(subject: Subject, rule: "Rule | None", context: Context) -> Made:
    """The finding on the evidence, and from when on it may be another one."""
    # Not before something has to be looked at: a run that knows its findings loads none of this.
    from container_updates.chain.source import base
    from container_updates.chain.source.decide import decide
    from container_updates.chain.source.evidence import gather

    if not subject.image.digests:
        raise Unresolvable("the engine knows no digest of its image")
    evidence = gather(subject, rule, context)
    proven = [material for proof in evidence.proofs for material in proof.claim.materials]
    claimed = [material for claim in evidence.claims for material in claim.materials]
    found = base.find(subject, proven, claimed, context)
    evidence = evidence.without_inherited(subject.image.labels, found.labels if found else {})
    finding = decide(evidence, rule)
    details: dict[str, Any] = {**finding.details}
    if found is not None:
        details["base"] = found.plain()
    if evidence.beyond:
        details["attestations_not_looked_at"] = evidence.beyond
    if rule is not None:
        details["rule"] = rule.place
    return Made([replace(finding, details=details)], evidence.holds_until)


def _compared(verdict: Finding, subject: Subject, rule: "Rule | None", context: Context) -> list[Finding]:
    """The verdict with what is new, and what is to be said besides where somebody else built it."""
    if context.memory is None:
        return [verdict]
    from container_updates.trust.memory import identity

    digest = subject.digest
    proven = verdict.code == "source-verified"  # and so by whom the rule names, where it names anybody
    named = {"builder": proven and bool(rule and rule.builders), "source": proven and bool(rule and rule.source)}
    doubtful = identity.is_doubtful(verdict)
    compared = [
        context.memory.compare(
            subject.reference, role, identity.built(verdict, role), digest, named=named[role], doubtful=doubtful
        )
        for role in named
    ]
    changes = [one.changed for one in compared if one.changed is not None]
    news = next((one for one in compared if one.words and proven), None)
    if news is not None:
        details = {**verdict.details, **news.plain()}
        verdict = replace(verdict, message=f"{verdict.message}{news.words}", details=details)
    return [verdict, *changes]


def _history(finding: Finding, subject: Subject, context: Context) -> dict[str, Any]:
    """What there is to read instead of a blueprint that is proven to be this image's: only `--explain` has room."""
    if not context.settings.explain or finding.code == "source-verified":
        return {}
    from container_updates.chain.source import build_steps

    steps = build_steps.steps(subject, context)
    return {"history": steps} if steps else {}


def _based(names: Sequence[dict[str, Any]], subject: Subject, context: Context) -> Made:
    """What is to be said of the base that was found, by its likeliest name; nothing while any name leads to it."""
    from container_updates.chain.source import base

    found = [list(base.examine(known, subject, context)) for known in names]
    return Made(found[0] if all(found) else [])
