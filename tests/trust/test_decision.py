"""What an admin is told, from what the verifiers said and what he decided."""

import pytest

from container_updates.model import Verdict
from container_updates.signing.signers import KeySigner, UnprovableSigner
from container_updates.signing.verdict import Checked, Identity, Validity
from container_updates.trust.decision import decide
from container_updates.trust.policy.rules import Rule
from container_updates.trust.policy.scopes import Scope

ACME, OTHER = KeySigner("acme.pub", b"acme"), KeySigner("other.pub", b"other")
GOOD = Checked("cosign", Validity.GOOD, "signed by acme.pub", Identity("key", name="acme.pub"), named=(ACME,))
WRONG = Checked("cosign", Validity.WRONG, "signed for another image")
NO_KEY = Checked("cosign", Validity.UNKNOWN, "signed with a key, no policy says whose")
STRANGER = Checked(
    "notation", Validity.UNKNOWN, "signed by CN=x, whom the policy does not name", Identity("notation", "CN=x")
)


def rule(*groups, signatures="required"):
    return Rule("policy.toml: rule 1", (Scope("**"),), signatures, groups)


@pytest.mark.parametrize(
    ("decided", "checked", "code", "verdict"),
    [
        (rule((ACME,)), [GOOD], "signed", Verdict.PASS),
        (rule((ACME,)), [WRONG, NO_KEY, GOOD], "signed", Verdict.PASS),
        (rule((ACME,)), [WRONG], "invalid-signature", Verdict.FAIL),
        (rule((ACME,)), [NO_KEY, WRONG], "invalid-signature", Verdict.FAIL),
        (rule((ACME,)), [NO_KEY], "unverifiable", Verdict.FAIL),
        (rule((ACME,)), [STRANGER], "unverifiable", Verdict.FAIL),
        (rule((ACME,)), [], "unsigned", Verdict.FAIL),
        (rule((ACME,), (OTHER,)), [GOOD], "unverifiable", Verdict.FAIL),
        (rule((ACME,), (UnprovableSigner("GPG"),)), [GOOD], "unverifiable", Verdict.FAIL),
        (None, [], "unsigned", Verdict.FAIL),
        (None, [NO_KEY], "unverifiable", Verdict.FAIL),
        (None, [STRANGER], "unverifiable", Verdict.FAIL),
        (None, [WRONG], "invalid-signature", Verdict.FAIL),
        (rule(signatures="accepted"), [WRONG], "accepted", Verdict.SKIPPED),
        (rule(signatures="if-present"), [], "accepted", Verdict.SKIPPED),
        (rule(signatures="if-present"), [WRONG], "invalid-signature", Verdict.FAIL),
        (rule(signatures=None), [], "unsigned", Verdict.FAIL),
        (rule(signatures="rejected"), [GOOD], "unverifiable", Verdict.FAIL),
    ],
)
def test_the_verdict(decided, checked, code, verdict):
    finding = decide(decided, checked)
    assert (finding.code, finding.verdict) == (code, verdict)


def test_the_words():
    assert decide(None, []).message == "not signed"
    assert decide(None, [WRONG]).message == "signature invalid: signed for another image"
    assert decide(rule((ACME,)), [GOOD]).message == "signed by acme.pub"
    assert "no policy says whose" in decide(None, [NO_KEY]).message


def test_what_nobody_here_can_check_is_told_in_the_words_of_the_rule():
    pki = rule((UnprovableSigner("a certificate of its own PKI, and PKI is not supported"),))
    found = decide(pki, [STRANGER])
    assert found.code == "unverifiable"
    assert found.message.endswith("rule 1 asks for a certificate of its own PKI, and PKI is not supported")
    assert decide(pki, [WRONG]).code == "invalid-signature"


def test_the_details_name_signer_rule_and_the_bad_ones_beside_a_good_one():
    details = decide(rule((ACME,)), [WRONG, GOOD], beyond=3).details
    assert details["signer"] == {"kind": "key", "name": "acme.pub"}
    assert details["rule"] == "policy.toml: rule 1"
    assert [one["state"] for one in details["signatures"]] == ["good", "wrong"]
    assert details["signatures_not_looked_at"] == 3


def test_a_proven_stranger_is_named_before_an_unknown_key():
    assert "CN=x" in decide(None, [NO_KEY, STRANGER]).message
