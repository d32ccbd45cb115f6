"""What the sigstore package says of a keyless bundle, whoever signed it: for tests alone."""

import json
from functools import cache

from sigstore.errors import Error
from sigstore.hashes import Hashed
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore_models.common.v1 import HashAlgorithm

from container_updates.signing.sigstore import trusted_root


class _Anybody:
    def verify(self, cert):
        pass


@cache
def _verifier(path):
    if path is None:
        import tempfile

        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            file.write(trusted_root.public_good().source)
            file.flush()
            return Verifier(trusted_root=TrustedRoot.from_file(file.name))
    return Verifier(trusted_root=TrustedRoot.from_file(str(path)))


def refuses(body, digest, root=None):
    """Why it refuses a bundle over `digest` under the root in that file (None: the public-good one), if it does."""
    try:
        verifier = _verifier(root)
        bundle = Bundle.from_json(body)
        if "dsseEnvelope" in json.loads(body):
            verifier.verify_dsse(bundle, _Anybody())
        else:
            raw = bytes.fromhex(digest.removeprefix("sha256:"))
            verifier.verify_artifact(Hashed(algorithm=HashAlgorithm.SHA2_256, digest=raw), bundle, _Anybody())
    except (Error, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return None
