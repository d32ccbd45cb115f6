"""What the admin accepted at a terminal (`--accept`) counts like what stands in the policy."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from container_updates.clock import rfc3339
from container_updates.model import Finding, Verdict
from container_updates.trust.memory import identity
from container_updates.trust.memory.identity import Seen

if TYPE_CHECKING:
    from container_updates.trust.policy.rules import Rule


def by_word(finding: Finding, rule: "Rule | None", accepted: Mapping[Seen, datetime]) -> Finding:
    """The finding as it is where the admin has accepted signers: one of them counts like one whom a rule names.

    Only a signature that is right in every way can do that. A rule that rejects, or asks for several, stays.
    """
    if not accepted or (rule is not None and (rule.signatures == "rejected" or len(rule.groups) > 1)):
        return finding
    signatures = finding.details.get("signatures", ())
    for one in signatures:
        who = identity.signer(one.get("signer", {}))
        if one.get("lacks") == "name" and who in accepted and finding.code in ("unverifiable", "invalid-signature"):
            reason = f"signed by {who}, accepted on {rfc3339(accepted[who])[:10]}"
            good = {member: value for member, value in one.items() if member != "lacks"}
            good |= {"state": "good", "reason": reason}
            others = [other for other in signatures if other is not one]
            details = {**finding.details, "format": one["format"], "reason": reason, "signer": one["signer"]}
            details["signatures"] = [good, *others]
            return Finding("signatures", "signed", Verdict.PASS, reason, details)
    return finding
