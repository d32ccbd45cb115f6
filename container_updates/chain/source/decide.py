"""From what is known of a source to what it means by the policy: the finding, without its image's name."""

from collections.abc import Sequence
from typing import Any

from container_updates import repositories
from container_updates.chain.source import forges
from container_updates.chain.source.evidence import Claim, Evidence, Proof
from container_updates.model import Finding, Verdict
from container_updates.signing.signers import matches
from container_updates.trust.policy.rules import Rule


def decide(evidence: Evidence, rule: Rule | None) -> Finding:
    """Return the finding on everything that was found."""
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
    if rule is not None and not is_allowed(claim.repository, rule.source):
        message = f"of unknown source: {claim.repository} is claimed {claim.words}, which {rule.place} does not allow"
        return _finding("unknown-source", Verdict.FAIL, message, _facts(claim, evidence))
    message = f"source {claim.place} is claimed {claim.words}"
    return _finding("source-claimed", Verdict.PASS, message, _facts(claim, evidence))


def _proven(proof: Proof, evidence: Evidence, rule: Rule | None) -> Finding:
    claim = proof.claim
    contradiction = evidence.contradiction(claim)
    if contradiction:
        return _mismatch(contradiction, proof, evidence)
    if rule is not None and not is_allowed(claim.repository, rule.source):
        return _mismatch(f"built from {claim.repository}, which {rule.place} does not allow", proof, evidence)
    if rule is not None and rule.builders and not any(is_allowed(one, rule.builders) for one in proof.builders):
        who = proof.builders[0] if proof.builders else "nobody who is named"
        return _mismatch(f"built by {who}, whom {rule.place} does not allow", proof, evidence)
    by = f" by {proof.builders[0]}" if proof.builders else ""
    message = f"built from {claim.place}{by}: {proof.words}"
    return _finding("source-verified", Verdict.PASS, message, _facts(claim, evidence, proof))


def _mismatch(words: str, proof: Proof | None, evidence: Evidence) -> Finding:
    facts = _facts(proof.claim if proof else None, evidence, proof)
    return _finding("source-mismatch", Verdict.FAIL, f"source mismatch: {words}", {**facts, "reason": words})


def is_allowed(what: str | None, patterns: Sequence[str]) -> bool:
    """Whether a repository, or a builder, is one of the policy's; everything is where it names none."""
    if patterns and repositories.climbs(what or ""):
        return False
    address = repositories.address(what or "")
    forms = [form for form in (what, address, repositories.key(address) if address else None) if form]
    return not patterns or any(matches(pattern, form) for pattern in patterns for form in forms)


def _facts(claim: Claim | None, evidence: Evidence, proof: Proof | None = None) -> dict[str, Any]:
    """The details: of what is proven or claimed the parts that are known, and every claim."""
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


def _finding(code: str, verdict: Verdict, message: str, details: dict[str, Any]) -> Finding:
    return Finding("source", code, verdict, message, details)
