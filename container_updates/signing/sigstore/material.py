"""A signature of cosign or of a bundle with all that came along with it, in one form."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from container_updates.signing.crypto import keys
from container_updates.signing.sigstore.rekor import Entry, Signed

if TYPE_CHECKING:
    from container_updates.signing.crypto.keys import PublicKey


@dataclass(frozen=True, slots=True)
class Material:
    """Nothing of it is proven yet."""

    signature: bytes = b""
    message: bytes | None = None
    """The bytes that the signature is over; None where only their digest is known."""
    digest: bytes | None = None
    """Their SHA-256, where that is all."""
    payload: bytes = b""
    """Of a DSSE envelope: what older log entries have the hash of."""
    envelope: bytes | None = None
    """DSSE as it was stored, where it was."""
    certificate: bytes | None = None
    chain: tuple[bytes, ...] = ()
    """Certificates that may link the certificate to a root; never trusted by themselves."""
    log_entry: Entry | None = None
    timestamps: tuple[bytes, ...] = ()
    """RFC 3161 responses, over `stamped`."""
    stamped: bytes = b""
    hint: str | None = None
    """The fingerprint that a bundle gives for its public key."""
    named: str | None = None
    """Simple signing: the repository and tag in the payload."""
    signed_as: str | None = None
    """Simple signing: the repository in the payload, where that is another than what runs."""

    @property
    def under(self) -> str:
        """For the end of a sentence: under which other name it was signed."""
        return f", signed as {self.signed_as}" if self.signed_as else ""

    def is_by(self, key: "PublicKey") -> bool:
        """Whether that key made the signature, Ed25519ph included."""
        if self.message is None:
            return self.digest is not None and keys.signed_digest(key, self.signature, self.digest)
        return keys.signed(key, self.signature, self.message) or keys.signed_prehashed(
            key, self.signature, self.message
        )

    def signed_by(self, public_key: bytes) -> Signed:
        """Return what a log entry has to be about: by the certificate where there is one, else by that key."""
        verifier = self.certificate or public_key
        return Signed(self.signature, verifier, self.message, self.digest, self.payload, self.envelope)
