"""One flipped bit in a good signature, at every position of every format: never good, never a crash.

A sample of 500 of each format, always the same one; with MUTATIONS=all every byte once.
"""

import os
import random

import pytest

from container_updates.signing.verdict import Validity
from tests.support.mutation_cases import CASES

SEED = 20261124
SAMPLE = 500
SAMPLES = {"content-trust": 500}


def between(start, end):
    """The bytes from the first `start` to the next `end`, both included."""

    def region(part):
        first = part.index(start)
        return range(first, part.index(end, first + len(start)) + len(end))

    return region


def behind(text):
    return lambda part: range(part.rindex(text) + len(text), len(part))


def whole(part):
    return range(len(part))


CERTIFICATE, CHAIN = "dev.sigstore.cosign/certificate", "dev.sigstore.cosign/chain"
KEYLESS = [
    # The root knows the authorities itself; what comes along may only add links that it does not know.
    (CHAIN, whole),
    # The line break behind the PEM.
    (CERTIFICATE, behind(b"-----END CERTIFICATE-----")),
]
MEANINGLESS = {
    "classic-key": [],
    "classic-key-logged": [],
    "classic-keyless": KEYLESS,
    "attestation-intoto": KEYLESS,
    "attestation-dsse": [
        *KEYLESS,
        # DSSE, envelope.md: keyid is an unauthenticated hint, and the signature is not over it.
        ("envelope", between(b'"keyid":', b'""')),
    ],
    "bundle-keyless": [
        # A signed note's line names its signer for people; the four bytes of the key id behind it decide.
        ("bundle", between("\u2014 rekor.sigstore.dev".encode(), b" ")),
        # A second clock beside the log's promise, which is enough.
        ("bundle", between(b'"timestampVerificationData"', b"]")),
    ],
    # The key's hint: the signature is by a key that the policy names, whatever the hint says.
    "bundle-key": [("bundle", between(b'"hint":', b'="'))],
    # Which program signed: an unprotected attribute.
    "notation-jws": [("envelope", between(b'"io.cncf.notary.signingAgent"', b'"notation-go/1.3.2"'))],
    "content-trust": [],
    "content-trust-rotated": [],
    "notation-cose": [("envelope", between(b"\x78\x1bio.cncf.notary.signingAgent", b"notation-go/1.3.2"))],
}


def meaningless(name, case):
    return {(part, position) for part, region in MEANINGLESS[name] for position in region(case.parts[part])}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_no_flipped_bit_leaves_a_signature_good(name):
    case, chosen = CASES[name](), random.Random(SEED)
    assert case.check(case.parts).state is Validity.GOOD
    positions, ignored = case.positions(), meaningless(name, case)
    if os.environ.get("MUTATIONS") == "all":
        flips = [(*place, chosen.randrange(8)) for place in positions]
    else:
        flips = chosen.sample([(*place, bit) for place in positions for bit in range(8)], SAMPLE)
    for part, position, bit in flips:
        checked = case.flipped(part, position, bit)
        if checked is None:
            continue
        assert "could not be checked" not in checked.reason, (part, position, bit, checked.reason)
        if (part, position) not in ignored:
            assert checked.state is not Validity.GOOD, (part, position, bit)


def test_every_bit_of_the_smallest_signature():
    case = CASES["classic-key"]()
    for part, position in case.positions():
        for bit in range(8):
            assert case.flipped(part, position, bit).state is not Validity.GOOD, (part, position, bit)
