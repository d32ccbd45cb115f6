"""Just enough DER (X.690) to tell what a file is without loading a library, and to bound what a library gets."""

import base64
import binascii
import re
from collections.abc import Iterator

MAX_DEPTH = 32
MAX_SIZE = 1 << 16
"""Bytes of a key, a certificate or a timestamp."""
_SEQUENCE, _BIT_STRING, _OID, _INTEGER, _TAGGED = 0x30, 0x03, 0x06, 0x02, 0xA0
_NULL = bytes.fromhex("0500")
_RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d010101")
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----[ \t\r\n]+([A-Za-z0-9+/= \t\r\n]*?)-----END \1-----")
_KEY_ALGORITHMS = {
    bytes.fromhex("2a864886f70d010101"): "RSA",
    bytes.fromhex("2a8648ce3d0201"): "ECDSA",
    bytes.fromhex("2b6570"): "Ed25519",
}
_CURVES = {
    bytes.fromhex("2a8648ce3d030107"): 65,
    bytes.fromhex("2b81040022"): 97,
    bytes.fromhex("2b81040023"): 133,
}


def pem_blocks(text: str, label: str) -> list[bytes]:
    """The DER of every PEM block with that label (RFC 7468). Raises ValueError for one that is no base64."""
    try:
        return [_decoded("".join(body.split())) for found, body in _PEM.findall(text) if found == label]
    except binascii.Error as error:
        raise ValueError(f"a PEM block is no base64: {error}") from None


def _decoded(text: str) -> bytes:
    decoded = base64.b64decode(text, validate=True)
    if base64.b64encode(decoded).decode() != text:
        raise ValueError("a PEM block is no base64 in its one right form")
    return decoded


def check(der: bytes) -> None:
    """Raises ValueError unless `der` is one element of definite lengths within bounded size and depth."""
    if len(der) > MAX_SIZE:
        raise ValueError(f"larger than {MAX_SIZE >> 10} KiB")
    todo = [(der, 0)]
    while todo:
        content, depth = todo.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
        elements = list(_elements(content))
        if depth == 0 and len(elements) != 1:
            raise ValueError("not one element")
        todo += [(inside, depth + 1) for tag, inside in elements if tag & 0x20]


def public_key_info(der: bytes) -> bytes:
    """Return a public key as SubjectPublicKeyInfo: an RSAPublicKey (PKCS#1, RFC 8017 appendix A.1.1) is wrapped.

    Raises ValueError for anything that is neither.
    """
    check(der)
    [(tag, content)] = _elements(der)
    inside = list(_elements(content)) if tag == _SEQUENCE else []
    if [tag for tag, _ in inside] == [_INTEGER, _INTEGER]:
        der = sequence(sequence(_RSA_ENCRYPTION, _NULL), element(_BIT_STRING, b"\0" + der))
    check_public_key(der)
    return der


def check_public_key(der: bytes) -> str:
    """The algorithm of a SubjectPublicKeyInfo (RFC 5280 section 4.1): RSA, ECDSA or Ed25519. Raises ValueError."""
    check(der)
    outer = list(_elements(der))
    parts = list(_elements(outer[0][1])) if outer[0][0] == _SEQUENCE else []
    if [tag for tag, _ in parts] != [_SEQUENCE, _BIT_STRING]:
        raise ValueError("not a public key")
    algorithm = list(_elements(parts[0][1]))
    name = _KEY_ALGORITHMS.get(algorithm[0][1]) if algorithm and algorithm[0][0] == _OID else None
    if name is None:
        raise ValueError("a public key of another kind than RSA, ECDSA and Ed25519")
    bits = parts[1][1][1:]
    if name == "ECDSA":
        length = _CURVES.get(algorithm[1][1]) if len(algorithm) == 2 else None
        if length is None:
            raise ValueError("an ECDSA key on another curve than P-256, P-384 and P-521")
        if len(bits) != length or bits[0] != 4:
            raise ValueError("an ECDSA key that is no uncompressed point")
    if name == "Ed25519" and len(bits) != 32:
        raise ValueError("an Ed25519 key of another length than 32 bytes")
    return name


def rsa_bits(der: bytes) -> int:
    """The size of the modulus in an RSA key's SubjectPublicKeyInfo."""
    [(_, content)] = _elements(der)
    _, (_, bits) = _elements(content)
    [(_, key)] = _elements(bits[1:])
    modulus = next(_elements(key))[1]
    return int.from_bytes(modulus, "big").bit_length()


def check_certificate(der: bytes) -> None:
    """Raises ValueError unless `der` has the outer form of a certificate (RFC 5280 section 4.1)."""
    check(der)
    outer = list(_elements(der))
    parts = [tag for tag, _ in _elements(outer[0][1])] if outer[0][0] == _SEQUENCE else []
    if parts != [_SEQUENCE, _SEQUENCE, _BIT_STRING]:
        raise ValueError("not a certificate")


def utf8_string(der: bytes) -> str | None:
    """The text of a lone UTF8String, or None."""
    try:
        elements = list(_elements(der))
        return elements[0][1].decode() if len(elements) == 1 and elements[0][0] == 0x0C else None
    except ValueError:
        return None


def sequence(*contents: bytes) -> bytes:
    """A SEQUENCE of elements that are DER already."""
    return element(_SEQUENCE, b"".join(contents))


def element(tag: int, content: bytes) -> bytes:
    """An element with that tag and content."""
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def with_sorted_certificates(response: bytes) -> bytes:
    """Return a TimeStampResp (RFC 3161) with the certificates of its token in the order of DER (X.690 section 11.6).

    Authorities write them in any order, and a strict parser refuses that. They stand outside of what is signed.
    Raises ValueError for what is not DER; what is no TimeStampResp comes back as it is.
    """
    [(_, outer)] = _elements(response)
    parts = list(_elements(outer))
    token = list(_elements(parts[1][1])) if len(parts) == 2 else []
    if [tag for tag, _ in token] != [_OID, _TAGGED]:
        return response
    signed_data = list(_elements(token[1][1]))
    if [tag for tag, _ in signed_data] != [_SEQUENCE]:
        return response
    members = [
        element(tag, b"".join(sorted(element(*one) for one in _elements(content))) if tag == _TAGGED else content)
        for tag, content in _elements(signed_data[0][1])
    ]
    status, content = element(*parts[0]), element(_TAGGED, sequence(*members))
    return sequence(status, sequence(element(*token[0]), content))


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element in a row. Raises ValueError where one does not fit."""
    position = 0
    while position < len(content):
        tag = content[position]
        if tag & 31 == 31 or position + 2 > len(content):
            raise ValueError("not DER")
        length = content[position + 1]
        position += 2
        if length & 0x80:
            width = length & 0x7F
            if not 1 <= width <= 4:
                raise ValueError("not DER")
            length = int.from_bytes(content[position : position + width], "big")
            position += width
        if position + length > len(content):
            raise ValueError("cut short")
        yield tag, content[position : position + length]
        position += length
