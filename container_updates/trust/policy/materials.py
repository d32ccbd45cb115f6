"""Keys, certificates and roots that a policy names: told from other files without loading a cryptographic library."""

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from container_updates.errors import PolicyError
from container_updates.signing.crypto import der
from container_updates.signing.sigstore import trusted_root
from container_updates.signing.sigstore.trusted_root import TrustedRoot

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_LEAST_RSA_BITS = 2048


def public_key(content: bytes, what: str, place: str) -> bytes:
    """The one public key in a file, as `public_keys` reads it."""
    keys = public_keys(content, what, place)
    if len(keys) != 1:
        raise PolicyError(f"{place}: {what} is no public key: {len(keys)} public keys instead of one")
    return keys[0]


def public_keys(content: bytes, what: str, place: str) -> tuple[bytes, ...]:
    """Every public key in a file, as DER SubjectPublicKeyInfo, once: PEM or DER, bare (PKCS#1, too) or certified."""
    try:
        text = content.decode("ascii", "replace")
        blocks = [block for label in _PUBLIC for block in der.pem_blocks(text, label)]
        if not blocks and "-----BEGIN" in text:
            raise ValueError("no public key in PEM")
        return tuple(dict.fromkeys(_public_key(block) for block in blocks or [content]))
    except (ValueError, IndexError) as error:
        raise PolicyError(f"{place}: {what} is no public key: {error}") from None


_PUBLIC = ("PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE")


def _public_key(body: bytes) -> bytes:
    """A key in the one form that fingerprints are made of. Raises ValueError."""
    try:
        key = der.public_key_info(body)
    except (ValueError, IndexError) as error:
        key = der.public_key_info(_unusual(body) or _refused(error))
    if der.check_public_key(key) == "RSA" and der.rsa_bits(key) < _LEAST_RSA_BITS:
        raise ValueError(f"an RSA key of {der.rsa_bits(key)} bits; fewer than {_LEAST_RSA_BITS} prove nothing")
    return key


def _unusual(body: bytes) -> bytes | None:
    """A certificate's key, or one whose point is compressed: rare enough to load the library for it."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        der.check(body)
        try:
            key = x509.load_der_x509_certificate(body).public_key()
        except ValueError:
            return _encoded(serialization.load_der_public_key(body))
        return _encoded(key)
    except (ValueError, UnsupportedAlgorithm):
        return None


def _encoded(key: "PublicKeyTypes") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _refused(error: Exception) -> NoReturn:
    raise ValueError(str(error)) from None


def certificates(content: bytes, what: str, place: str) -> tuple[bytes, ...]:
    """Every certificate in PEM, or the one in DER."""
    try:
        blocks = der.pem_blocks(content.decode("ascii", "replace"), "CERTIFICATE") or [content]
        for block in blocks:
            der.check_certificate(block)
    except (ValueError, IndexError) as error:
        raise PolicyError(f"{place}: {what} is no certificate: {error}") from None
    return tuple(blocks)


def root(content: bytes, path: Path, place: str) -> TrustedRoot:
    """A Sigstore trusted root."""
    try:
        return trusted_root.parse(content, str(path))
    except ValueError as error:
        raise PolicyError(f"{place}: {path} is no trusted root: {error}") from None
