"""What other projects and the real tools signed, as the verifiers get it."""

import base64
import json
from hashlib import sha256
from pathlib import Path

from container_updates.signing.crypto import der
from container_updates.signing.notation import signature
from container_updates.signing.signers import ContentTrustSigner, KeySigner, NotationSigner
from container_updates.signing.sigstore import bundle, cosign
from tests.support import paths

ROOT = paths.ASSETS / "signatures"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def key(path):
    return KeySigner(Path(path).name, der.pem_blocks((ROOT / path).read_text(), "PUBLIC KEY")[0])


def certificate(path):
    return der.pem_blocks((ROOT / path).read_text(), "CERTIFICATE")[0]


def trust_store(*paths, **more):
    return NotationSigner("store", tuple(certificate(path) for path in paths), **more)


class SimpleSigning:
    """A folder of containers/image: an image manifest and one layer of its signature."""

    def __init__(self, folder):
        self.folder = ROOT / "cosign-classic-sig" / folder
        parsed = json.loads((self.folder / "signature-1").read_bytes().partition(b"\n")[2])
        self.media_type, self.annotations = parsed["mimeType"], parsed["annotations"]
        self.payload = base64.b64decode(parsed["payload"])
        manifest = self.folder / "manifest.json"
        self.digest = f"sha256:{sha256(manifest.read_bytes() if manifest.exists() else b'').hexdigest()}"

    def verify(self, expected):
        return cosign.verify(self.media_type, self.payload, self.annotations, expected)


class Layout:
    """An OCI image layout."""

    def __init__(self, folder):
        self.folder = ROOT / folder
        self.index = json.loads((self.folder / "index.json").read_bytes())

    def blob(self, digest):
        return (self.folder / "blobs" / "sha256" / digest.partition(":")[2]).read_bytes()

    def tagged(self, tag):
        for entry in self.index["manifests"]:
            if entry.get("annotations", {}).get("org.opencontainers.image.ref.name") == tag:
                return entry["digest"]
        raise KeyError(tag)

    def signatures(self, digest, expected):
        """The verdicts on all that is attached to `digest`; other attachments leave None."""
        checked = []
        for path in sorted((self.folder / "blobs" / "sha256").iterdir()):
            if path.stat().st_size > 8192 or not path.read_bytes().startswith(b"{"):
                continue
            manifest = json.loads(path.read_bytes())
            if (manifest.get("subject") or {}).get("digest") == digest:
                checked += [self._referrer(manifest, layer, expected) for layer in manifest["layers"]]
        for entry in self.index["manifests"]:
            tag = entry.get("annotations", {}).get("org.opencontainers.image.ref.name", "")
            if tag == digest.replace(":", "-") + ".sig":
                layers = json.loads(self.blob(entry["digest"]))["layers"]
                checked += [
                    cosign.verify(layer["mediaType"], self.blob(layer["digest"]), layer["annotations"], expected)
                    for layer in layers
                ]
        return checked

    def _referrer(self, manifest, layer, expected):
        body = self.blob(layer["digest"])
        if layer["mediaType"] == BUNDLE:
            return bundle.verify(body, expected)
        return signature.verify(layer["mediaType"], body, expected)


def trust_files(folder):
    """Role to file, as a Content Trust server has them."""
    place = ROOT / "notary1" / folder
    return {str(path.relative_to(place).with_suffix("")): path.read_bytes() for path in sorted(place.rglob("*.json"))}


def root_of(files):
    """A signer who named the root key of these files."""
    [key_id] = json.loads(files["root"])["signed"]["roles"]["root"]["keyids"]
    return ContentTrustSigner((f"sha256:{key_id}",))
