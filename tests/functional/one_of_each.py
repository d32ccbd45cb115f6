"""Verify one signature of each kind with whatever is installed: run as a program with the folder of the assets.

Of the project it imports what is installed, and nothing of the tests: they need more than a user has.
"""

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from container_updates import reference
from container_updates.signing.crypto import der
from container_updates.signing.notation import signature
from container_updates.signing.notation.envelopes import COSE, JWS, read_cose, read_jws
from container_updates.signing.signers import KeylessSigner, KeySigner, NotationSigner, Signer
from container_updates.signing.sigstore import bundle, cosign, trusted_root
from container_updates.signing.verdict import Checked, Expected

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
ANYBODY = KeylessSigner("**", "**")
KUBEWARDEN = "sha256:c811d58de79c92f03214e63aa339484e488d694ae8a6283b5f3f17a9faf50172"


def expected(digest: str, signer: Signer, image: str = "registry.example.com/acme/app:1") -> Expected:
    return Expected(frozenset({digest}), reference.parse(image), NOW, (signer,))


def key(path: Path) -> KeySigner:
    return KeySigner(path.name, der.pem_blocks(path.read_text(), "PUBLIC KEY")[0])


def simple_signing(folder: Path, signer: Signer, name: str) -> Checked | None:
    parsed = json.loads((folder / "signature-1").read_bytes().partition(b"\n")[2])
    digest = f"sha256:{hashlib.sha256((folder / 'manifest.json').read_bytes()).hexdigest()}"
    asked = expected(digest, signer, f"192.168.64.2:5000/cosign-signed/{name}")
    return cosign.verify(parsed["mimeType"], base64.b64decode(parsed["payload"]), parsed["annotations"], asked)


def ed25519(folder: Path, signer: Signer) -> Checked | None:
    index = json.loads((folder / "index.json").read_bytes())
    names = {one["annotations"]["org.opencontainers.image.ref.name"]: one["digest"] for one in index["manifests"]}

    def blob(digest: str) -> bytes:
        return (folder / "blobs" / "sha256" / digest.partition(":")[2]).read_bytes()

    digest = names["single"]
    [layer] = json.loads(blob(names[f"{digest.replace(':', '-')}.sig"]))["layers"]
    asked = expected(digest, signer, "127.0.0.1:5101/real/classic-ed25519")
    return cosign.verify(layer["mediaType"], blob(layer["digest"]), layer["annotations"], asked)


def rekor_v2(folder: Path) -> Checked | None:
    name = "rekor2-timestamp-with-embedded-cert"
    case = json.loads((folder / "cases.json").read_text())[name]
    root = trusted_root.parse((folder / "roots" / case["root"]).read_bytes())
    body = (folder / "bundles" / f"{name}.json").read_bytes()
    return bundle.verify(body, expected(case["digest"], KeylessSigner("**", "**", root)))


def notation(file: Path, tsa: Path) -> Checked | None:
    body = file.read_bytes()
    media_type, read = (JWS, read_jws) if body.startswith(b"{") else (COSE, read_cose)
    envelope = read(body)
    digest = json.loads(envelope.payload)["targetArtifact"]["digest"]
    root = der.pem_blocks(tsa.read_text("latin-1"), "CERTIFICATE") or [tsa.read_bytes()]
    signer = NotationSigner("store", (envelope.certificates[-1],), timestamp_authorities=tuple(root))
    return signature.verify(media_type, body, expected(digest, signer))


def kinds(assets: Path) -> Iterator[tuple[str, Checked | None]]:
    classic, tsa = assets / "cosign-classic-sig", assets / "notation" / "certs" / "globalsignTSARoot.cer"
    logged = classic / "dir-img-cosign-key-rekor-valid"
    yield "key", simple_signing(logged, key(classic / "cosign2.pub"), "key-1")
    keyless = classic / "dir-img-cosign-fulcio-rekor-valid"
    yield "keyless", simple_signing(keyless, ANYBODY, "fulcio-rekor-1")
    real = assets / "real-signers"
    yield "Ed25519ph", ed25519(real / "classic-ed25519", key(real / "keys" / "ed.pub"))
    body = (assets / "sigstore-bundle" / "oci" / "cosign-v3-sign-kubewarden.sigstore.json").read_bytes()
    yield "bundle", bundle.verify(body, expected(KUBEWARDEN, ANYBODY))
    yield "Rekor v2 and a timestamp", rekor_v2(assets / "sigstore-conformance")
    for name in ("jwsExpiredWithTimestamp", "coseExpiredWithTimestamp"):
        yield name, notation(assets / "notation" / "timestamps" / f"{name}.sig", tsa)


if __name__ == "__main__":
    found = {name: checked and [checked.state.value, checked.reason] for name, checked in kinds(Path(sys.argv[1]))}
    print(json.dumps({"sigstore": find_spec("sigstore") is not None, "verdicts": found}))
