"""Keyless signatures: by a key that Fulcio certified for minutes, at a time that a log or a timestamp authority proves.

One verifier for cosign's annotations, bundles and attestations, under one root at a time (Sigstore client spec,
"Verification"). What the root has is what is demanded.
"""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from container_updates.signing.crypto import certificates, keys
from container_updates.signing.sigstore import fulcio, rekor
from container_updates.signing.sigstore.material import Material
from container_updates.signing.sigstore.trusted_root import TrustedRoot
from container_updates.signing.verdict import Unknown, Wrong

MAX_TIMESTAMPS = 32
"""Timestamps of one signature that are looked at."""


def load(material: Material) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """Return the signer's certificate and what came along with it, unproven; raises `Wrong` for what is no certificate.

    Its key made the signature: that holds under every root, or under none.
    """
    certificate = certificates.load(material.certificate or b"", "the signer's certificate")
    certificates.check_key_size(certificate)
    if not material.is_by(keys.load(certificates.spki(certificate))):
        raise Wrong("the signature's bytes are not by the certificate's key")
    return certificate, [certificates.load(body, "a certificate of the chain") for body in material.chain]


def prove(
    material: Material, certificate: x509.Certificate, pool: Sequence[x509.Certificate], root: TrustedRoot
) -> datetime:
    """Return when it was signed, by the earliest trusted clock: log, chain and certificate log are right then.

    Raises `Wrong`, or `Unknown` for a log or an authority that the root does not know.
    """
    fulcio.known(certificate, pool, root)
    entry, logged_at = material.log_entry, None
    if root.demands_log:
        if entry is None:
            raise Wrong("it has no log entry, which says when it was signed")
        rekor.check_about(entry, material.signed_by(material.certificate or b""))
        logged_at = rekor.check(entry, root)
    elif not root.timestamp_authorities:
        raise Unknown(f"{root} has neither a log nor a timestamp authority that could say when it was signed")
    moments = [logged_at] if logged_at else []
    moments += stamps(material, root, enough=bool(moments))
    for moment in moments:
        fulcio.check_chain(certificate, pool, root, moment)
        if root.demands_log and entry is not None and logged_at is None:
            rekor.check_in_use(entry, root, moment)
    return min(moments)


def stamps(material: Material, root: TrustedRoot, *, enough: bool = False) -> list[datetime]:
    """Return the times at which the root's timestamp authorities saw the signature.

    Raises where there is none, unless another clock is `enough`: then only what a right stamp says counts.
    """
    found: list[datetime] = []
    unproven: Unknown | None = None
    wrong = Wrong("neither a log nor a timestamp authority says when it was signed")
    for stamp in material.timestamps[:MAX_TIMESTAMPS]:
        try:
            found.append(_stamped_at(stamp, material.stamped, root))
        except Unknown as unknown:
            unproven = unknown
        except Wrong as ended:
            wrong = ended
        except ModuleNotFoundError:
            if not enough:
                raise
    if not found and not enough:
        raise unproven or wrong
    return found


def _stamped_at(stamp: bytes, stamped: bytes, root: TrustedRoot) -> datetime:
    from container_updates.signing.crypto import timestamps

    wrong: Wrong | None = None
    for authority in root.timestamp_authorities:
        try:
            stamped_at = timestamps.check(stamp, stamped, authority.chain[-1:], authority.chain[:-1]).at
        except Unknown:
            continue
        if authority.span.covers(stamped_at):
            return stamped_at
        wrong = Wrong("the timestamp authority was not in use at the time of its timestamp")
    raise wrong or Unknown(root.unknown("its timestamp is of an authority"))
