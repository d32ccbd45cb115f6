"""sigstore-conformance's cases, and the sigstore package as oracle: the same answer, or the reason why not."""

import base64
import json
import os
import random
from dataclasses import dataclass
from functools import cache

import pytest

from container_updates.signing.crypto import der
from container_updates.signing.signers import KeylessSigner, KeySigner
from container_updates.signing.sigstore import bundle, trusted_root
from container_updates.signing.verdict import SIGN_PREDICATE, Validity
from tests.support import oracle
from tests.support.forge import expected
from tests.support.signature_assets import ROOT

FOLDER = ROOT / "sigstore-conformance"
CASES = json.loads((FOLDER / "cases.json").read_text())
GITHUB = "https://token.actions.githubusercontent.com"
BEACON = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon"
    "/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
ANYBODY = ("**", "**")
OTHERWISE = {
    "happy-path-intoto-in-dsse-v3": "its predicate names another source than its certificate",
}
"""Cases on which we say another thing than their name, and why."""
ALONE = {
    **OTHERWISE,
    "intoto-with-custom-trust-root": "the sigstore package knows no intoto entries",
    "bundle-with-root-cert_fail": "of v0.1, without a checkpoint: the log's promise is enough",
    "trust-root-tsa-validity-end-inclusive": "the sigstore package leaves the end of an authority's time out",
}
"""Keyless cases on which the sigstore package says another thing than we do, and why."""


@dataclass(frozen=True)
class Case:
    name: str

    @property
    def body(self):
        return (FOLDER / "bundles" / f"{self.name}.json").read_bytes()

    @property
    def digest(self):
        return CASES[self.name]["digest"]

    @property
    def root_path(self):
        name = CASES[self.name].get("root")
        return FOLDER / "roots" / name if name else None

    @property
    def root(self):
        return trusted_root.parse(self.root_path.read_bytes()) if self.root_path else None

    def signer(self, issuer=None, identity=None):
        given = CASES[self.name]
        if "key" in given:
            pem = (FOLDER / "keys" / given["key"]).read_text()
            return KeySigner(given["key"], der.pem_blocks(pem, "PUBLIC KEY")[0], log=self.root)
        issuer, identity = issuer or given.get("issuer", GITHUB), identity or given.get("identity", BEACON)
        return KeylessSigner(issuer, identity, self.root)

    def verify(self, body=None, *whom):
        body = body or self.body
        asked = expected(self.signer(*whom), digest=self.digest, predicate_types=predicates(self.body))
        return bundle.verify(body, asked)


def predicates(body):
    """That a signature is looked for, or whatever the statement is: which kind is asked for is no question here."""
    try:
        payload = base64.b64decode(json.loads(body)["dsseEnvelope"]["payload"])
        return frozenset({SIGN_PREDICATE, json.loads(payload)["predicateType"]})
    except (ValueError, KeyError):
        return frozenset({SIGN_PREDICATE})


def good(checked):
    return checked is not None and checked.state is Validity.GOOD


@pytest.mark.parametrize("name", sorted(set(CASES) - {"managed-key-wrong-key_fail"}))
def test_the_verdicts_of_sigstore_conformance(name):
    checked = Case(name).verify()
    assert good(checked) == (not name.endswith("_fail") and name not in OTHERWISE), checked
    assert checked is None or "could not be checked" not in checked.reason


def test_the_key_of_a_conformance_case_that_is_none():
    with pytest.raises(ValueError, match="no base64"):
        Case("managed-key-wrong-key_fail").signer()


@pytest.mark.parametrize("name", sorted(name for name, given in CASES.items() if "key" not in given))
def test_the_sigstore_package_says_the_same_of_conformance_s_keyless_bundles(name):
    case = Case(name)
    ours = good(case.verify(None, *ANYBODY))
    theirs = oracle.refuses(case.body, case.digest, case.root_path)
    assert (ours != (theirs is None)) == (name in ALONE), (ours, theirs)


KINDS = {
    "message": "happy-path-v0.3",
    "message-v0.1": "happy-path-v0.1",
    "message-rekor-v2": "rekor2-timestamp-with-embedded-cert",
    "dsse-rekor-v2": "rekor2-dsse-happy-path",
}
SAMPLE = {"message": 200, "message-v0.1": 200, "message-rekor-v2": 60, "dsse-rekor-v2": 60}
"""How many mutations of each kind, always the same ones; with MUTATIONS=all 500."""
FREE = {
    "messageSignature.messageDigest.algorithm": "a digest by another algorithm is none that we know of the image",
    "verificationMaterial.tlogEntries.0.logId.keyId": "the sigstore package compares its first four bytes alone",
    "verificationMaterial.tlogEntries.0.logIndex": "of Rekor v2: the proof of inclusion has its own",
    "verificationMaterial.tlogEntries.0.inclusionProof.checkpoint.envelope": "a witness's line, which proves nothing",
}
"""Where a bit makes a difference to one of us alone, and why."""


@cache
def leaves(name):
    """The places of all text in a bundle, with their paths."""
    found = []

    def walk(value, path):
        if isinstance(value, dict):
            for key in value:
                walk(value[key], (*path, key))
        elif isinstance(value, list):
            for number, one in enumerate(value):
                walk(one, (*path, number))
        elif isinstance(value, str):
            found.append(path)

    walk(json.loads(Case(name).body), ())
    return found


def mutated(name, chosen):
    """One bit, in the bytes of what is base64 or in the text of what is not; or a part that is gone or there twice."""
    body = json.loads(Case(name).body)
    path = chosen.choice(leaves(name))
    holder = body
    for step in path[:-1]:
        holder = holder[step]
    text = holder[path[-1]]
    how = chosen.random()
    if how < 0.05 and isinstance(holder, dict):
        del holder[path[-1]]
    elif how < 0.08 and isinstance(holder, list):
        holder.append(text)
    else:
        try:
            raw = bytearray(base64.b64decode(text, validate=True))
            raw[chosen.randrange(len(raw))] ^= 1 << chosen.randrange(8)
            holder[path[-1]] = base64.b64encode(raw).decode()
        except (ValueError, IndexError):
            raw = bytearray(text.encode())
            raw[chosen.randrange(len(raw))] ^= 1 << chosen.randrange(7)
            holder[path[-1]] = raw.decode("utf-8", "replace")
    return ".".join(map(str, path)), json.dumps(body).encode()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_the_sigstore_package_says_the_same_of_mutated_bundles(kind):
    name = KINDS[kind]
    case, chosen = Case(name), random.Random(20261125)
    root, differences = case.root, []
    asked = expected(KeylessSigner(*ANYBODY, root), digest=case.digest, predicate_types=predicates(case.body))
    for _ in range(500 if os.environ.get("MUTATIONS") == "all" else SAMPLE[kind]):
        path, body = mutated(name, chosen)
        ours = bundle.verify(body, asked)
        theirs = oracle.refuses(body, case.digest, case.root_path)
        if good(ours) != (theirs is None) and path not in FREE:
            differences.append((path, ours and ours.reason, theirs))
    assert differences == []
