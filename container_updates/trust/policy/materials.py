"""Keys, certificates and roots that a policy names: told from other files without loading a cryptographic library."""

from pathlib import Path

from container_updates.errors import PolicyError
from container_updates.signing.crypto import der
from container_updates.signing.sigstore import trusted_root
from container_updates.signing.sigstore.trusted_root import TrustedRoot


def public_key(content: bytes, what: str, place: str) -> bytes:
    """The one public key in PEM, as DER."""
    try:
        blocks = der.pem_blocks(content.decode("ascii", "replace"), "PUBLIC KEY")
        if len(blocks) != 1:
            raise ValueError(f"{len(blocks)} public keys in PEM instead of one")
        der.check_public_key(blocks[0])
    except (ValueError, IndexError) as error:
        raise PolicyError(f"{place}: {what} is no public key: {error}") from None
    return blocks[0]


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
