"""One good signature of every format, as parts whose bytes can be flipped one at a time."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from container_updates.signing.notation import signature
from container_updates.signing.notation.envelopes import COSE, JWS
from container_updates.signing.signers import KeylessSigner
from container_updates.signing.sigstore import bundle, cosign
from container_updates.signing.verdict import Checked
from tests.support.forge import expected
from tests.support.signature_assets import ROOT, Layout, SimpleSigning, key, root_of, trust_files, trust_store
from tests.support.trust_forge import GUN, Key, Trust, checked

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
GITHUB = "https://token.actions.githubusercontent.com"


@dataclass
class Case:
    parts: dict[str, bytes]
    check: object
    """Gives the verdict on parts."""

    def positions(self):
        return [(name, position) for name, part in self.parts.items() for position in range(len(part))]

    def flipped(self, name, position, bit) -> Checked | None:
        part = bytearray(self.parts[name])
        part[position] ^= 1 << bit
        return self.check({**self.parts, name: bytes(part)})


def classic(folder, image, signer):
    material = SimpleSigning(folder)
    asked = expected(signer, digest=material.digest, image=image, now=NOW)

    def check(parts):
        annotations = {name: text(part) for name, part in parts.items() if name != "payload"}
        return cosign.verify(material.media_type, parts["payload"], annotations, asked)

    annotations = {name: value.encode() for name, value in material.annotations.items()}
    return Case({"payload": material.payload, **annotations}, check)


def attestation(version):
    layout = Layout(f"cosign-classic-att/{version}")
    image, manifest = (entry["digest"] for entry in layout.index["manifests"])
    (layer,) = json.loads(layout.blob(manifest))["layers"]
    signer = KeylessSigner(GITHUB, "https://github.com/slsa-framework/**")
    wanted = frozenset({"https://slsa.dev/provenance/v0.2"})
    asked = expected(signer, digest=image, predicate_types=wanted, now=NOW)

    def check(parts):
        annotations = {name: text(part) for name, part in parts.items() if name != "envelope"}
        return cosign.verify_attestation(cosign.DSSE, parts["envelope"], annotations, asked)

    used = ("dev.sigstore.cosign/bundle", "dev.sigstore.cosign/certificate", "dev.sigstore.cosign/chain")
    annotations = {name: layer["annotations"][name].encode() for name in used}
    return Case({"envelope": layout.blob(layer["digest"]), **annotations}, check)


def keyless_bundle():
    body = (ROOT / "sigstore-bundle/oci/cosign-v3-sign-kubewarden.sigstore.json").read_bytes()
    digest = "sha256:c811d58de79c92f03214e63aa339484e488d694ae8a6283b5f3f17a9faf50172"
    signer = KeylessSigner(GITHUB, "https://github.com/kubewarden/**")
    asked = expected(signer, digest=digest, now=NOW)
    return Case({"bundle": body}, lambda parts: bundle.verify(parts["bundle"], asked))


def attached(folder, tag, media_type, signer):
    """The one blob that is attached to a tag of an image layout."""
    layout = Layout(folder)
    digest = layout.tagged(tag)
    for path in (layout.folder / "blobs" / "sha256").iterdir():
        manifest = json.loads(path.read_bytes()) if path.read_bytes().startswith(b'{"') else {}
        if (manifest.get("subject") or {}).get("digest") == digest:
            body = layout.blob(manifest["layers"][0]["digest"])
    asked = expected(signer, digest=digest, now=NOW)
    if media_type is None:
        return Case({"bundle": body}, lambda parts: bundle.verify(parts["bundle"], asked))
    return Case({"envelope": body}, lambda parts: signature.verify(media_type, parts["envelope"], asked))


def text(part):
    """As a registry's JSON gives an annotation: never broken UTF-8."""
    return part.decode("utf-8", "replace")


def content_trust():
    files = trust_files("generated/delegated")
    del files["1.root"]  # the same as the root itself: nobody asks for it
    digest = "sha256:634a8f35b5f16dcf4aaa0822adc0b1964bb786fca12f6831de8ddc45e5986a00"
    asked = {"digest": digest, "image": "127.0.0.1:5000/demo/app:latest", "now": NOW}
    signer = root_of(files)
    return Case(files, lambda parts: checked(parts, signer, **asked))


def content_trust_rotated():
    trust = Trust()
    signer = trust.signer
    trust.rotate(Key(gun=GUN))
    return Case(trust.files(), lambda parts: checked(parts, signer, now=NOW))


CASES = {
    "classic-key": lambda: classic(
        "dir-img-cosign-valid",
        "192.168.64.2:5000/cosign-signed-single-sample",
        key("cosign-classic-sig/cosign.pub"),
    ),
    "classic-key-logged": lambda: classic(
        "dir-img-cosign-key-rekor-valid",
        "192.168.64.2:5000/cosign-signed/key-1",
        key("cosign-classic-sig/cosign2.pub"),
    ),
    "classic-keyless": lambda: classic(
        "dir-img-cosign-fulcio-rekor-valid",
        "192.168.64.2:5000/cosign-signed/fulcio-rekor-1",
        KeylessSigner("https://github.com/login/oauth", "mitr@redhat.com"),
    ),
    "attestation-intoto": lambda: attestation("v1.5.0"),
    "attestation-dsse": lambda: attestation("v1.10.0"),
    "bundle-keyless": keyless_bundle,
    "bundle-key": lambda: attached("real-signers/bundle-key-tag", "single", None, key("real-signers/keys/a.pub")),
    "notation-jws": lambda: attached(
        "real-signers/notation-jws-rsa", "single", JWS, trust_store("real-signers/keys/notation-rsa.crt")
    ),
    "notation-cose": lambda: attached(
        "real-signers/notation-cose-ec", "single", COSE, trust_store("real-signers/keys/notation-acme-ca.crt")
    ),
    "content-trust": content_trust,
    "content-trust-rotated": content_trust_rotated,
}
