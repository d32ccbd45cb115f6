"""Trusted identities of notation: distinguished names that a signer's subject has to contain (RFC 4514)."""

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
    "DC": "0.9.2342.19200300.100.1.25",
    "UID": "0.9.2342.19200300.100.1.1",
    "EMAILADDRESS": "1.2.840.113549.1.9.1",
}
_OID = re.compile(r"[0-2](?:\.[0-9]+)+")
_ESCAPED = re.compile(r"\\([0-9a-fA-F]{2}|.)")


def parse(identity: str) -> tuple[tuple[str, str], ...]:
    """The attributes (type as OID, value) of `x509.subject: C=US, O=Acme`. Raises ValueError with the reason."""
    if not identity.startswith(_PREFIX):
        raise ValueError(f"an identity has to begin with {_PREFIX!r}: {identity!r}")
    attributes = []
    for part in re.split(r"(?<!\\)[,;+]", identity.removeprefix(_PREFIX)):
        kind, equals, value = part.partition("=")
        oid = _TYPES.get(kind.strip().upper(), kind.strip() if _OID.fullmatch(kind.strip()) else None)
        if not equals or oid is None or not value.strip():
            raise ValueError(f"an identity with a part that is no attribute: {part.strip()!r}")
        attributes.append((oid, _ESCAPED.sub(_unescape, value.strip())))
    return tuple(attributes)


def is_one_of(certificate: "x509.Certificate", identities: tuple[str, ...]) -> bool:
    """Whether the certificate's subject has every attribute of one identity; any subject where there are none."""
    subject = {(attribute.oid.dotted_string, str(attribute.value)) for attribute in certificate.subject}
    return not identities or any(subject.issuperset(parse(identity)) for identity in identities)


def _unescape(found: re.Match[str]) -> str:
    code = found.group(1)
    return chr(int(code, 16)) if len(code) == 2 else code
