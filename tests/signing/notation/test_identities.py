"""Distinguished names as notation reads them (notation-go, pkix; go-ldap, ParseDN)."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from container_updates.signing.notation import identities
from tests.support import forge

C, ST, ORG, OU, CN = "2.5.4.6", "2.5.4.8", "2.5.4.10", "2.5.4.11", "2.5.4.3"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("O=Acme", "Acme"),
        ("O = Acme ", "Acme"),
        (r"O=Acme\, Inc.", "Acme, Inc."),
        (r"O=Acme\\", "Acme\\"),
        (r"O=Acme\\\, Inc.", "Acme\\, Inc."),
        (r"O=Acme\ ", "Acme "),
        (r"O=Acme\\ ", "Acme\\"),
        (r"O=\ Acme", " Acme"),
        (r"O=B\C3\BCrger", "B\u00fcrger"),
        ("O=B\u00fcrger", "B\u00fcrger"),
        (r"O=a\2Cb\2bc", "a,b+c"),
        (r"O=a\=b", "a=b"),
        ("O=a=b", "a=b"),
        ('O="Acme"', '"Acme"'),
        (r"O=\"Acme\"", '"Acme"'),
        (r"O=\#1", "#1"),
    ],
)
def test_a_value_is_read_as_notation_reads_it(text, value):
    assert identities.parse(f"x509.subject: C=US, {text}") == {C: "US", ORG: value}
    if not text.endswith(" "):
        assert identities.parse(f"x509.subject: {text},C=US") == {C: "US", ORG: value}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r"O=Acme\\, Inc.", "no attribute"),
        ('O="Acme, Inc."', "no attribute"),
        ("O=Acme+OU=Release", "several attributes in one part"),
        ("O=Acme, O=Other", "gives O twice"),
        ("S=WA, ST=WA", "twice"),
        ("O=#0401", "=#"),
        (r"O=Acme\g1", "an escape that is none"),
        ("O=Acme\\", "escape"),
        (r"O=\C3", "no UTF-8"),
        ("O=", "no attribute"),
        ("Acme", "no attribute"),
        ("X=Acme", "no attribute"),
        ("", "no attribute"),
    ],
)
def test_what_notation_cannot_read_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        identities.parse(f"x509.subject: {text}")


def certificate(*parts):
    attributes = [
        x509.RelativeDistinguishedName([x509.NameAttribute(x509.ObjectIdentifier(oid), value) for oid, value in part])
        for part in parts
    ]
    return forge.certify(x509.Name(attributes), issuer_name=forge.name("ca")).certificate


def test_a_subject_with_two_organizations_is_nobody_s():
    acme = "x509.subject: C=US, O=Acme"
    assert identities.is_one_of(certificate([(C, "US")], [(ORG, "Acme")]), (acme,))
    assert not identities.is_one_of(certificate([(C, "US")], [(ORG, "Acme")], [(ORG, "Evil")]), (acme,))
    assert not identities.is_one_of(certificate([(C, "US")], [(ORG, "Evil")], [(ORG, "Acme")]), (acme,))
    assert not identities.is_one_of(certificate([(C, "US")], [(ORG, "Acme"), (OU, "x")]), (acme,))
    assert identities.is_one_of(certificate([(C, "US")], [(ORG, "Acme")], [(ORG, "Evil")]), ())


@given(
    st.dictionaries(
        st.sampled_from(["C", "ST", "O", "OU", "CN"]), st.text('aZ ,+;=\\"#\u00fc<>', min_size=1), min_size=1
    )
)
def test_whatever_a_certificate_s_subject_is_written_as_is_read_back(values):
    values = {kind: value for kind, value in values.items() if value.strip()}
    known = {"C": C, "ST": ST, "O": ORG, "OU": OU, "CN": CN}
    if not values:
        return
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, value) for value in values.values()])
    parts = [f"{kind}={one.rfc4514_string().partition('=')[2]}" for kind, one in zip(values, name, strict=True)]
    written = f"x509.subject: {','.join(parts)}"
    assert "=#" in written or identities.parse(written) == {known[kind]: value for kind, value in values.items()}


@pytest.mark.parametrize(
    ("subjects", "words"),
    [
        (["x509.subject: C=US, O=Acme"], "without ST"),
        (["x509.subject: CN=acme"], "without C, ST, O"),
        (["x509.subject: C=US, ST=WA, O=Acme", "x509.subject: C=US, ST=WA, O=Acme, CN=a"], "overlapping"),
        (["x509.subject: C=US, ST=WA, O=Acme", "x509.subject: O=Acme, S=WA, C=US"], "overlapping"),
    ],
)
def test_what_notation_refuses_in_its_policy_is_refused(subjects, words):
    with pytest.raises(ValueError, match=words):
        identities.check_as_notation(tuple(subjects))


def test_identities_side_by_side_are_right():
    identities.check_as_notation(("x509.subject: C=US, ST=WA, O=Acme", "x509.subject: C=US, ST=WA, O=Other"))
