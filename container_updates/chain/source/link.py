"""Whether it is published where an image comes from, and provably what built it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from container_updates.chain import Context
from container_updates.chain.findings_cache import Made, as_told, kept, kept_until
from container_updates.errors import Unresolvable
from container_updates.model import Finding, Subject, Verdict

if TYPE_CHECKING:
    from container_updates.chain.source.evidence import Claim, Evidence, Proof
    from container_updates.trust.policy.rules import Rule


def examine(subject: Subject, context: Context) -> Iterator[Finding]:
    """Yield the finding about a subject's source, and one about its base image where that is not what it was.

    Raises `Inconclusive` where the registry does not say what there is.
    """
    if context.pulled(subject.image) is False:
        yield _finding("local-build", Verdict.SKIPPED, f"{subject.reference} built here, never pulled or pushed")
        return
    found = kept("source", subject, context, lambda: _compared(subject, context), under=as_told(context))
    yield from found
    yield from _based(found[0], subject, context)


def _compared(subject: Subject, context: Context) -> Made:
    """The verdict, by the side of what earlier runs saw: it is kept longer than what they make of it."""
    reference, policy = subject.reference, context.policy
    rule = policy.rule_for(reference) if policy else None
    if policy is not None and not policy.allows(reference.registry):
        message = f"{reference} is from {reference.registry}, a registry that the policy does not allow"
        details = {"registry": reference.registry, **context.explained(rule)}
        return [_finding("untrusted-registry", Verdict.FAIL, message, details)], None
    if rule is not None and rule.provenance == "accepted":
        details = {"rule": rule.place, **context.explained(rule)}
        return [
            _finding("accepted", Verdict.SKIPPED, f"{reference} source not looked at, by {rule.place}", details)
        ], None
    [finding], until = kept_until("source", subject, context, lambda: _asked(subject, rule, context), under=["verdict"])
    words, news, changes = _remembered(finding, subject, rule, context)
    explained = {**context.explained(rule), **_history(finding, subject, context)}
    told = replace(
        finding, message=f"{reference} {finding.message}{words}", details={**finding.details, **news, **explained}
    )
    return [told, *changes], until


def _history(finding: Finding, subject: Subject, context: Context) -> dict[str, Any]:
    """What there is to read instead of a blueprint that is proven to be this image's: only `--explain` has room."""
    if not context.settings.explain or finding.code == "source-verified":
        return {}
    from container_updates.chain.source import build_steps

    steps = build_steps.steps(subject, context)
    return {"history": steps} if steps else {}


def _remembered(
    finding: Finding, subject: Subject, rule: "Rule | None", context: Context
) -> tuple[str, dict[str, Any], Sequence[Finding]]:
    """What is new: for the message, for the details, and what is to be said besides where somebody else built it."""
    if context.memory is None:
        return "", {}, ()
    from container_updates.trust.memory import identity

    digest = min(subject.image.digests, default="")
    proven = finding.code == "source-verified"  # and so by whom the rule names, where it names anybody
    named = {"builder": proven and bool(rule and rule.builders), "source": proven and bool(rule and rule.source)}
    compared = [
        context.memory.compare(subject.reference, role, identity.built(finding, role), digest, named=named[role])
        for role in named
    ]
    changes = [one.changed for one in compared if one.changed is not None]
    news = next((one for one in compared if one.words and proven), None)
    return (news.words, news.plain(), changes) if news else ("", {}, changes)


def _based(finding: Finding, subject: Subject, context: Context) -> Iterator[Finding]:
    """What is to be said of the base that was found."""
    known = finding.details.get("base")
    if isinstance(known, dict):
        from container_updates.chain.source import base

        def asked() -> Made:
            return list(base.examine(known, subject, context)), None

        yield from kept("source", subject, context, asked, under=["base", str(known)])


def _asked(subject: Subject, rule: "Rule | None", context: Context) -> Made:
    """The finding, and from when on it may be another one."""
    # Not before something has to be looked at: a run that knows its findings does without.
    from container_updates.chain.source import base
    from container_updates.chain.source.evidence import gather

    if not subject.image.digests:
        raise Unresolvable("the engine knows no digest of its image")
    evidence = gather(subject, rule, context)
    proven = [material for proof in evidence.proofs for material in proof.claim.materials]
    claimed = [material for claim in evidence.claims for material in claim.materials]
    found = base.find(subject, proven, claimed, context)
    evidence = evidence.without_inherited(subject.image.labels, found.labels if found else {})
    finding = _judged(evidence, rule)
    details: dict[str, Any] = {**finding.details}
    if found is not None:
        details["base"] = found.plain()
    if evidence.beyond:
        details["attestations_not_looked_at"] = evidence.beyond
    if rule is not None:
        details["rule"] = rule.place
    return [replace(finding, details=details)], evidence.holds_until


def _judged(evidence: "Evidence", rule: "Rule | None") -> Finding:
    """The finding on everything that was found, as the admin decided."""
    proof = next((proof for proof in evidence.proofs if proof.claim.repository), None)
    if proof is not None:
        return _proven(proof, evidence, rule)
    if evidence.wrong:
        return _mismatch(f"its provenance is wrong: {evidence.wrong[0].reason}", None, evidence)
    claim = next((claim for claim in evidence.claims if claim.repository), None)
    if claim is None:
        return _finding("unknown-source", Verdict.FAIL, "of unknown source: nothing says it", _facts(None, evidence))
    contradiction = evidence.contradiction()
    if contradiction:
        return _mismatch(contradiction, None, evidence)
    if rule is not None and rule.provenance == "required":
        message = f"of unknown source: {claim.repository} is claimed {claim.words}, not proven"
        return _finding("unknown-source", Verdict.FAIL, message, _facts(claim, evidence))
    if rule is not None and not _is_allowed(claim.repository, rule.source):
        message = f"of unknown source: {claim.repository} is claimed {claim.words}, which {rule.place} does not allow"
        return _finding("unknown-source", Verdict.FAIL, message, _facts(claim, evidence))
    message = f"source {claim.place} is claimed {claim.words}"
    return _finding("source-claimed", Verdict.PASS, message, _facts(claim, evidence))


def _proven(proof: "Proof", evidence: "Evidence", rule: "Rule | None") -> Finding:
    claim = proof.claim
    contradiction = evidence.contradiction(claim)
    if contradiction:
        return _mismatch(contradiction, proof, evidence)
    if rule is not None and not _is_allowed(claim.repository, rule.source):
        return _mismatch(f"built from {claim.repository}, which {rule.place} does not allow", proof, evidence)
    if rule is not None and rule.builders and not any(_is_allowed(one, rule.builders) for one in proof.builders):
        who = proof.builders[0] if proof.builders else "nobody who is named"
        return _mismatch(f"built by {who}, whom {rule.place} does not allow", proof, evidence)
    by = f" by {proof.builders[0]}" if proof.builders else ""
    message = f"built from {claim.place}{by}: {proof.words}"
    return _finding("source-verified", Verdict.PASS, message, _facts(claim, evidence, proof))


def _mismatch(words: str, proof: "Proof | None", evidence: "Evidence") -> Finding:
    facts = _facts(proof.claim if proof else None, evidence, proof)
    return _finding("source-mismatch", Verdict.FAIL, f"source mismatch: {words}", {**facts, "reason": words})


def _is_allowed(what: str | None, patterns: Sequence[str]) -> bool:
    from container_updates import repositories
    from container_updates.signing.signers import matches

    address = repositories.address(what or "")
    forms = [form for form in (what, address, repositories.key(address) if address else None) if form]
    return not patterns or any(matches(pattern, form) for pattern in patterns for form in forms)


def _facts(claim: "Claim | None", evidence: "Evidence", proof: "Proof | None" = None) -> dict[str, Any]:
    """The details: of what is proven or claimed the parts that are known, and every claim."""
    from container_updates.chain.source import forges

    facts: dict[str, Any] = dict(claim.plain()) if claim else {}
    if claim and claim.built_at:
        facts["built_at"] = claim.built_at
    if claim and claim.repository:
        facts["link"] = claim.link or forges.files(claim.repository, claim.revision)
    if claim and claim.materials:
        facts["materials"] = [material.uri for material in claim.materials[:20]]
    if proof is not None:
        facts["signer"] = proof.checked.signer.plain() if proof.checked.signer else None
        facts["signed_at"] = proof.checked.plain().get("signed_at")
    others = [*evidence.claims, *(said for _, said in evidence.unproven if said and said not in evidence.claims)]
    if others:
        facts["claims"] = [one.plain() for one in others]
    if evidence.unproven:
        facts["attestations"] = [one.plain() for one, _ in evidence.unproven]
    return {member: value for member, value in facts.items() if value is not None}


def _finding(code: str, verdict: Verdict, message: str, details: dict[str, Any] | None = None) -> Finding:
    return Finding("source", code, verdict, message, details or {})
