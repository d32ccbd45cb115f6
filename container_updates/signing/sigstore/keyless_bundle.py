"""Keyless bundles with a proof of inclusion, judged by the sigstore package, which is loaded here and nowhere else."""

from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from sigstore.errors import Error
from sigstore.hashes import Hashed
from sigstore.models import Bundle
from sigstore.models import TrustedRoot as SigstoreRoot
from sigstore.verify import Verifier
from sigstore_models.common.v1 import HashAlgorithm

from container_updates.signing.sigstore import fulcio, rekor
from container_updates.signing.sigstore.proofs import Material
from container_updates.signing.sigstore.trusted_root import TrustedRoot
from container_updates.signing.verdict import Unknown, Wrong


def check(body: bytes, material: Material, certificate: x509.Certificate, root: TrustedRoot) -> datetime:
    """When the bundle was signed, by a trusted clock; log, chain, certificate log and signature are right then.

    The proof of inclusion is looked at once more: sigstore does not hold its tree size against the checkpoint's.
    Raises `Wrong`, or `Unknown` for a log or an authority that the root does not know.
    """
    if material.log_entry is None:
        raise Wrong("no log entry says when it was signed")
    rekor.known(material.log_entry, root)
    fulcio.known(certificate, root)
    if root.path is None:
        raise Unknown("a root put together from a policy, which cannot judge a proof of inclusion")
    try:
        bundle = Bundle.from_json(body)
        if material.digest is not None:
            hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=material.digest)
            _verifier(root.path).verify_artifact(hashed, bundle, _Anybody())
        else:
            _verifier(root.path).verify_dsse(bundle, _Anybody())
    except (Error, ValueError) as error:
        raise Wrong(f"the bundle is not right: {str(error).partition(chr(10))[0][:200]}") from None
    rekor.check_inclusion(material.log_entry, root)
    if material.log_entry.promise is not None and material.log_entry.integrated_time:
        return datetime.fromtimestamp(material.log_entry.integrated_time, UTC)
    stamps = bundle.verification_material.timestamp_verification_data
    if stamps is None:
        raise Wrong("neither a log nor a timestamp authority says when it was signed")
    return min(stamp.tst_info.gen_time for stamp in stamps.rfc3161_timestamps)


@lru_cache(maxsize=8)
def _verifier(path: str) -> Verifier:
    return Verifier(trusted_root=SigstoreRoot.from_file(path))


class _Anybody:
    """sigstore's own policy is exact; ours has patterns, and is asked once the proof stands."""

    def verify(self, cert: x509.Certificate) -> None:
        """Accept whoever it is."""
