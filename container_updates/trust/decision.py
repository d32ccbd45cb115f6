"""From what was checked to what it means for the admin: the one place that knows the codes of the link "signatures"."""

from collections.abc import Sequence
from typing import Any

from container_updates.model import Finding, Verdict
from container_updates.signing.signers import UnprovableSigner
from container_updates.signing.verdict import Checked, Validity
from container_updates.trust.policy.rules import Rule


def decide(rule: Rule | None, checked: Sequence[Checked], *, beyond: int = 0) -> Finding:
    """The finding on an image whose registry was asked: `checked` is everything that was found there.

    `beyond` is how many more signatures there were than are looked at. Code and verdict are of the interface's table
    of findings: signed, unsigned, unverifiable, invalid-signature, accepted.
    """
    if rule is not None and rule.signatures == "accepted":
        return _finding("accepted", Verdict.SKIPPED, f"signatures not looked at, by {rule.place}", rule, (), 0)
    if rule is not None and rule.signatures == "rejected":
        return _finding("unverifiable", Verdict.FAIL, f"rejected by {rule.place}", rule, checked, beyond)
    if not checked and beyond:
        message = f"of {beyond} attachments nobody has looked whether one is a signature: there are too many"
        return _finding("unverifiable", Verdict.FAIL, message, rule, checked, beyond)
    if not checked:
        if rule is not None and rule.signatures == "if-present":
            return _finding("accepted", Verdict.SKIPPED, f"not signed, accepted by {rule.place}", rule, (), beyond)
        return _finding("unsigned", Verdict.FAIL, "not signed", rule, checked, beyond)
    good = [one for one in checked if one.state is Validity.GOOD]
    if good and rule is not None and all(_satisfied(group, good) for group in rule.groups):
        return _finding("signed", Verdict.PASS, good[0].reason, rule, [*good, *_but(checked, good)], beyond)
    wrong = [one for one in checked if one.state is Validity.WRONG]
    if wrong:
        message = f"signature invalid: {wrong[0].reason}"
        return _finding("invalid-signature", Verdict.FAIL, message, rule, [*wrong, *_but(checked, wrong)], beyond)
    if good:
        message = f"{good[0].reason}, but {rule.place if rule else 'the policy'} asks for another signer too"
        return _finding("unverifiable", Verdict.FAIL, message, rule, checked, beyond)
    proven = sorted(checked, key=lambda one: one.signer is None)
    beyond_us = next((one for one in rule.signers if isinstance(one, UnprovableSigner)), None) if rule else None
    reason = f"{rule.place} asks for {beyond_us.name}" if rule and beyond_us else proven[0].reason
    message = f"signature cannot be verified: {reason}"
    return _finding("unverifiable", Verdict.FAIL, message, rule, proven, beyond)


def _satisfied(group: Sequence[object], good: Sequence[Checked]) -> bool:
    return any(signer in one.named for one in good for signer in group)


def _but(checked: Sequence[Checked], first: Sequence[Checked]) -> list[Checked]:
    return [one for one in checked if one not in first]


def _finding(
    code: str, verdict: Verdict, message: str, rule: Rule | None, checked: Sequence[Checked], beyond: int
) -> Finding:
    details: dict[str, Any] = {}
    if checked:
        decisive = checked[0]
        details = {"format": decisive.format, "reason": decisive.reason}
        if decisive.signer is not None:
            details["signer"] = decisive.signer.plain()
        details["signatures"] = [one.plain() for one in checked]
    if beyond:
        details["signatures_not_looked_at"] = beyond
    if rule is not None:
        details["rule"] = rule.place
    return Finding("signatures", code, verdict, message, details)
