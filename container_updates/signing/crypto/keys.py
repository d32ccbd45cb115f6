"""Public keys and the signatures that they make, on `cryptography`."""

import hashlib
from collections.abc import Callable
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from container_updates.signing.verdict import LOADING, Unknown

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_CURVE_HASHES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
MIN_RSA_BITS = 2048
_ED25519_BYTES = 64


@lru_cache(maxsize=256)
def load(der: bytes) -> PublicKey:
    """The key in a DER SubjectPublicKeyInfo. Raises `Unknown` for a kind that is not supported here."""
    try:
        key = serialization.load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise Unknown("a public key that cannot be read") from None
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVE_HASHES:
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise Unknown("a public key of a kind or size that is not supported")


def der_of(key: PublicKey) -> bytes:
    """DER SubjectPublicKeyInfo."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint(der: bytes) -> str:
    """`sha256:…` of a public key's or certificate's DER."""
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def hashes_itself(key: PublicKey) -> bool:
    """Whether it signs messages, not digests: Ed25519."""
    return isinstance(key, ed25519.Ed25519PublicKey)


def own_hash(curve: ec.EllipticCurve) -> hashes.HashAlgorithm:
    """The hash that fits the curve's size (FIPS 186-5 section 6.4; RFC 7518 section 3.4)."""
    return _CURVE_HASHES[curve.name]


def signed(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether `key` made `signature` over `message`: ECDSA in DER, RSA PKCS#1 v1.5, Ed25519.

    ECDSA's hash is SHA-256 or the curve's own: cosign 2 takes the former for every curve, cosign 3 the latter.
    """
    if isinstance(key, ed25519.Ed25519PublicKey):
        return _holds(lambda: key.verify(signature, message))
    if isinstance(key, rsa.RSAPublicKey):
        return _holds(lambda: key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256()))
    algorithms = {algorithm.name: algorithm for algorithm in (hashes.SHA256(), own_hash(key.curve))}
    return any(_ecdsa(key, signature, message, algorithm) for algorithm in algorithms.values())


def signed_prehashed(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether `key` made an Ed25519ph signature (RFC 8032 section 5.1, empty context), as cosign does by Ed25519.

    Not in `cryptography`: PyNaCl has it. Raises ModuleNotFoundError where that is missing and would have to tell.
    """
    if not isinstance(key, ed25519.Ed25519PublicKey) or len(signature) != _ED25519_BYTES:
        return False
    with LOADING:
        from nacl import bindings
        from nacl.exceptions import BadSignatureError
    state = bindings.crypto_sign_ed25519ph_state()
    bindings.crypto_sign_ed25519ph_update(state, message)
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    try:
        return bool(bindings.crypto_sign_ed25519ph_final_verify(state, signature, raw))
    except (BadSignatureError, ValueError):
        return False


def signed_raw(key: PublicKey, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    """The same as JWS, COSE and Notary v1 write it: ECDSA's r and s side by side, RSA-PSS with as much salt as hash."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return _holds(lambda: key.verify(signature, message))
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
        return _holds(lambda: key.verify(signature, message, pss, algorithm))
    width = (key.curve.key_size + 7) // 8
    if len(signature) != 2 * width:
        return False
    r, s = (int.from_bytes(half, "big") for half in (signature[:width], signature[width:]))
    return _ecdsa(key, encode_dss_signature(r, s), message, algorithm)


def signed_digest(key: PublicKey, signature: bytes, digest: bytes) -> bool:
    """The same over a message of which only the SHA-256 is known; never with Ed25519, which hashes by itself."""
    prehashed = Prehashed(hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _holds(lambda: key.verify(signature, digest, ec.ECDSA(prehashed)))
    if isinstance(key, rsa.RSAPublicKey):
        return _holds(lambda: key.verify(signature, digest, padding.PKCS1v15(), prehashed))
    return False


def _ecdsa(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    return _holds(lambda: key.verify(signature, message, ec.ECDSA(algorithm)))


def _holds(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except InvalidSignature:
        return False
    return True
