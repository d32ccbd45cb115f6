"""A timestamp authority of our own: RFC 3161 tokens, put together by hand so that any part can be wrong."""

import hashlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.support.forge import LOGGED, certify

SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")
CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
SHA256 = bytes.fromhex("300d06096086480165030402010500")
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
POLICY = bytes.fromhex("06032a0304")


def authority(**faults):
    """Root and time-stamping certificate; `faults` go to the latter."""
    root = certify("tsa root", authority=True)
    faults.setdefault("purposes", [ExtendedKeyUsageOID.TIME_STAMPING])
    return root, certify("tsa", root, purposes_critical=True, **faults)


def token(tsa, message, *certificates, moment=LOGGED, key=None, signers=1, accuracy=0, order=sorted):
    """A TimeStampToken over `message` with these certificates, right within `accuracy` seconds, so often signed."""
    imprint = tlv(0x30, SHA256, tlv(0x04, hashlib.sha256(message).digest()))
    stamped = tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())
    within = tlv(0x30, integer(accuracy)) if accuracy else b""
    info = tlv(0x30, integer(1), POLICY, imprint, integer(42), stamped, within)
    attributes = sorted(
        [
            tlv(0x30, CONTENT_TYPE, tlv(0x31, TST_INFO)),
            tlv(0x30, MESSAGE_DIGEST, tlv(0x31, tlv(0x04, hashlib.sha256(info).digest()))),
        ]
    )
    signature = (key or tsa.key).sign(tlv(0x31, *attributes), ec.ECDSA(hashes.SHA256()))
    issuer = tsa.certificate.issuer.public_bytes()
    signer = tlv(
        0x30,
        integer(1),
        tlv(0x30, issuer, integer(tsa.certificate.serial_number)),
        SHA256,
        tlv(0xA0, *attributes),
        ECDSA_SHA256,
        tlv(0x04, signature),
    )
    signed = tlv(
        0x30,
        integer(3),
        tlv(0x31, SHA256),
        tlv(0x30, TST_INFO, tlv(0xA0, tlv(0x04, info))),
        tlv(0xA0, *order(one.der for one in certificates)),
        tlv(0x31, *[signer] * signers),
    )
    return tlv(0x30, SIGNED_DATA, tlv(0xA0, signed))


def integer(number):
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def tlv(tag, *contents):
    inside = b"".join(contents)
    if len(inside) < 128:
        return bytes([tag, len(inside)]) + inside
    length = len(inside).to_bytes((len(inside).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + inside
