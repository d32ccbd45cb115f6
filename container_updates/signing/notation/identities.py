"""Trusted identities of notation: distinguished names that a signer's subject has to contain (RFC 4514).

Read as notation reads them (notation-go, pkix.ParseDistinguishedName, on go-ldap's ParseDN): quotes are letters like
others, several attributes in one part are refused, and so is one that is given twice.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

_PREFIX = "x509.subject:"
_TYPES = {
    "CN": "2.5.4.3",
    "C": "2.5.4.6",
    "L": "2.5.4.7",
    "ST": "2.5.4.8",
    "S": "2.5.4.8",
    "STREET": "2.5.4.9",
    "O": "2.5.4.10",
    "OU": "2.5.4.11",
    "SERIALNUMBER": "2.5.4.5",
    "POSTALCODE": "2.5.4.17",
    "DC": "0.9.2342.19200300.100.1.25",
    "UID": "0.9.2342.19200300.100.1.1",
    "EMAILADDRESS": "1.2.840.113549.1.9.1",
}
_MANDATORY = ("C", "ST", "O")
_OID = re.compile(r"[0-2](?:\.[0-9]+)+")
_PARTS = re.compile(r"((?:[^\\,;+]|\\.)*)([,;+]|\Z)", re.DOTALL)
_ESCAPED = re.compile(rb"\\(?:([0-9a-fA-F]{2})|([ \"#+,;<=>\\])|(.|\Z))", re.DOTALL)

Attributes = dict[str, str]
"""Value by type, the type as OID."""


def parse(identity: str) -> Attributes:
    """Return the attributes of `x509.subject: C=US, O=Acme`; raises ValueError with the reason."""
    if not identity.startswith(_PREFIX):
        raise ValueError(f"an identity has to begin with {_PREFIX!r}: {identity!r}")
    if "=#" in identity:
        raise ValueError(f"an identity with '=#', which notation does not read: {identity!r}")
    attributes: Attributes = {}
    for part, separator in _split(identity.removeprefix(_PREFIX), identity):
        kind, equals, value = part.partition("=")
        oid = _TYPES.get(kind.strip().upper(), kind.strip() if _OID.fullmatch(kind.strip()) else None)
        if not equals or oid is None or not value.strip():
            raise ValueError(f"an identity with a part that is no attribute: {part.strip()!r}")
        if separator == "+":
            raise ValueError(f"an identity with several attributes in one part ('+'): {identity!r}")
        if oid in attributes:
            raise ValueError(f"an identity that gives {kind.strip()} twice: {identity!r}")
        attributes[oid] = _unescaped(value)
    return attributes


def check_as_notation(subjects: tuple[str, ...]) -> None:
    """Raises ValueError where notation refuses them: without C, ST or O, or one that is a part of another."""
    parsed = [(subject, parse(subject)) for subject in subjects]
    for subject, attributes in parsed:
        missing = [kind for kind in _MANDATORY if _TYPES[kind] not in attributes]
        if missing:
            raise ValueError(f"an identity without {', '.join(missing)}: {subject!r}")
    for number, (subject, attributes) in enumerate(parsed):
        for other, others in parsed[:number]:
            if attributes.items() <= others.items() or others.items() <= attributes.items():
                raise ValueError(f"overlapping identities: {other!r} and {subject!r}")


def is_one_of(certificate: "x509.Certificate", identities: tuple[str, ...]) -> bool:
    """Whether the certificate's subject has every attribute of one identity; any subject where there are none.

    A subject that has a type twice fits no identity: nobody could say which of the two is meant.
    """
    if not identities:
        return True
    subject = [(attribute.oid.dotted_string, str(attribute.value)) for attribute in certificate.subject]
    if len(dict(subject)) != len(subject) or any(len(part) > 1 for part in map(list, certificate.subject.rdns)):
        return False
    return any(parse(identity).items() <= dict(subject).items() for identity in identities)


def _split(name: str, identity: str) -> list[tuple[str, str]]:
    """The parts of a name, each with the separator behind it; one that is escaped separates nothing."""
    parts, position = [], 0
    while position <= len(name):
        found = _PARTS.match(name, position)
        if found is None:
            raise ValueError(f"an identity that ends within an escape: {identity!r}")
        parts.append((found[1], found[2]))
        if not found[2]:
            return parts
        position = found.end()
    return parts


def _unescaped(value: str) -> str:
    """A value without the spaces around it; an escaped one at its end stays. Hex pairs are UTF-8."""
    stripped = value.strip()
    trailing = len(stripped) - len(stripped.rstrip("\\"))
    if trailing % 2 and value.rstrip() != value:
        stripped += " "
    try:
        return _ESCAPED.sub(_character, stripped.encode()).decode()
    except UnicodeDecodeError:
        raise ValueError(f"an identity with a value that is no UTF-8: {stripped!r}") from None


def _character(found: re.Match[bytes]) -> bytes:
    if found[1] is not None:
        return bytes.fromhex(found[1].decode())
    if found[2] is not None:
        return found[2]
    raise ValueError(f"an identity with an escape that is none: {found[0].decode('utf-8', 'replace')!r}")
