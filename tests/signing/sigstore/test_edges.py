"""A second before and after every time that decides: certificates, signatures, logs, authorities and their stamps."""

from datetime import UTC, datetime, timedelta

import pytest

from container_updates.signing.notation import signature
from container_updates.signing.notation.envelopes import JWS
from container_updates.signing.sigstore import cosign
from container_updates.signing.sigstore.trusted_root import Span
from container_updates.signing.verdict import Validity
from tests.support import forge, stamp
from tests.support.forge import LOGGED, SIMPLE, Instance, certify, expected, keyless_signed

SECOND = timedelta(seconds=1)
SECONDS = [(-1, True), (0, True), (1, False)]
"""Seconds from an end, and whether it still holds; a beginning is the same, mirrored."""


def classic(instance, **faults):
    payload, annotations = keyless_signed(instance, instance.certificate(**faults))
    return cosign.verify(SIMPLE, payload, annotations, expected(instance.signer()))


@pytest.mark.parametrize(("seconds", "holds"), SECONDS)
@pytest.mark.parametrize("span", ["log_span", "authority_span", "ct_span"])
def test_logs_and_authorities_of_a_root(span, seconds, holds):
    for edge in (Span(None, LOGGED - seconds * SECOND), Span(LOGGED + seconds * SECOND, None)):
        checked = classic(Instance(**{span: edge}))
        assert (checked.state is Validity.GOOD) == holds, checked.reason


@pytest.mark.parametrize(("seconds", "holds"), SECONDS)
@pytest.mark.parametrize("edge", ["start", "end"])
def test_the_certificate_of_a_keyless_signature_and_those_above_it(edge, seconds, holds):
    moment = LOGGED - seconds * SECOND if edge == "end" else LOGGED + seconds * SECOND
    leaf = classic(Instance(), **{edge: moment})
    assert (leaf.state is Validity.GOOD) == holds, leaf.reason
    root = Instance(root_ca=certify("fulcio root", authority=True, **{edge: moment}))
    above = classic(root)
    assert (above.state is Validity.GOOD) == holds, above.reason
    if not holds:
        assert "certificate" in leaf.reason
        assert "CN=fulcio root" in above.reason


def jws(leaf, chain, signer, now, header=None, unprotected=None):
    body = forge.jws(leaf, chain, header, unprotected=unprotected)
    return signature.verify(JWS, body, expected(signer, now=now))


@pytest.mark.parametrize(("seconds", "holds"), SECONDS)
@pytest.mark.parametrize("edge", ["start", "end"])
@pytest.mark.parametrize("which", ["leaf", "ca"])
def test_certificates_of_notation(which, edge, seconds, holds):
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    moment = now - seconds * SECOND if edge == "end" else now + seconds * SECOND
    ca = certify("acme ca", authority=True, **({edge: moment} if which == "ca" else {}))
    leaf = certify("acme release", ca, **({edge: moment} if which == "leaf" else {}))
    checked = jws(leaf, [leaf, ca], forge.notation_signer(ca), now)
    assert (checked.state is Validity.GOOD) == holds, checked.reason
    if holds and checked.holds_until is not None:
        assert checked.holds_until >= now
    if not holds:
        assert ("CN=acme ca" if which == "ca" else "CN=acme release") in checked.reason


@pytest.mark.parametrize(("seconds", "holds"), SECONDS)
@pytest.mark.parametrize("edge", ["start", "end"])
@pytest.mark.parametrize("which", ["signer", "stamp"])
def test_a_stamp_and_the_certificates_that_it_has_to_fit(which, edge, seconds, holds):
    """For a certificate that has expired since: what counts is the time of the stamp."""
    # The library that reads stamps takes an authority's last second for over already: nothing is accepted late.
    holds = holds and (which, edge, seconds) != ("stamp", "end", 0)
    stamped_at = datetime(2025, 6, 1, 12, tzinfo=UTC)
    moment = stamped_at - seconds * SECOND if edge == "end" else stamped_at + seconds * SECOND
    ca = certify("acme ca", authority=True)
    ends = {"end": stamped_at + timedelta(days=1)}
    leaf = certify("acme release", ca, **{**ends, **({edge: moment} if which == "signer" else {})})
    tsa_root, tsa = stamp.authority(**({edge: moment} if which == "stamp" else {}))
    signer = forge.notation_signer(ca, timestamp_authorities=(tsa_root.der,))
    name = "io.cncf.notary.timestampSignature"

    def unprotected(made):
        return {name: forge.b64(stamp.token(tsa, made, tsa, moment=stamped_at))}

    checked = jws(leaf, [leaf, ca], signer, datetime(2026, 6, 1, tzinfo=UTC), unprotected=unprotected)
    assert (checked.state is Validity.GOOD) == holds, checked.reason


@pytest.mark.parametrize(("years", "words"), [(-20, "is not valid before"), (20, "expired at")])
def test_a_clock_that_is_wrong_by_years_names_the_certificate(years, words):
    ca = certify("acme ca", authority=True)
    leaf = certify("acme release", ca)
    now = forge.NOW.replace(year=forge.NOW.year + years)
    checked = jws(leaf, [leaf, ca], forge.notation_signer(ca), now)
    assert checked.state is Validity.WRONG
    assert words in checked.reason
    assert "CN=acme release" in checked.reason


def test_keyless_signatures_do_not_depend_on_our_clock():
    instance = Instance()
    payload, annotations = keyless_signed(instance, instance.certificate())
    for years in (-1, 1):
        now = forge.NOW.replace(year=forge.NOW.year + years)
        checked = cosign.verify(SIMPLE, payload, annotations, expected(instance.signer(), now=now))
        assert checked.state is Validity.GOOD
        assert checked.holds_until is None
