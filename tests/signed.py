"""Signatures by keys of our own beside images of the embedded registry, as the real tools would put them there."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from container_updates.clock import rfc3339
from container_updates.demo.content import PushedImage, PushedIndex
from container_updates.demo.registry import RegistryServer
from container_updates.reference import parse
from tests.signing import forge

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
NOTATION = "application/vnd.cncf.notary.signature"
JWS, COSE = "application/jose+json", "application/cose"
LONG_AGO, FAR_AHEAD = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
Pushed = PushedImage | PushedIndex


def _authority() -> forge.Certified:
    return forge.certify("acme ca", authority=True)


@dataclass
class Signer:
    """One person with a key and a certificate; `policy` names both."""

    registry: RegistryServer
    key: Any = field(default_factory=forge.new_key)
    authority: forge.Certified = field(default_factory=_authority)

    def policy(self, folder: Path, images: str = "**") -> Path:
        """A policy that wants this signer, with its files beside it."""
        (folder / "signer.pub").write_bytes(forge.pem(self.key))
        (folder / "ca.crt").write_bytes(self.authority.certificate.public_bytes(forge.Encoding.PEM))
        file = folder / "policy.toml"
        signers = (
            '[[rule.signer]]\ntype = "key"\nfile = "signer.pub"\n[[rule.signer]]\ntype = "notation"\nca = "ca.crt"\n'
        )
        file.write_text(f'version = 1\n[[rule]]\nimages = ["{images}"]\n{signers}')
        return file

    def classic(self, image: Pushed) -> None:
        """cosign's tag beside the image."""
        payload, annotations = forge.key_signed(
            self.key, forge.simple_payload(image.digest, parse(image.reference).name)
        )
        layer = {**layer_of(self.registry, image, forge.SIMPLE, payload), "annotations": annotations}
        put_manifest(self.registry, image, [layer], tag=image.digest.replace(":", "-") + ".sig")

    def bundle(self, image: Pushed) -> None:
        """A referrer of cosign 3, with a public key."""
        body = forge.key_bundle(self.key, forge.dsse(self.key, forge.statement(image.digest)))
        refer(self.registry, image, BUNDLE, BUNDLE, body)

    def notation(
        self,
        image: Pushed,
        *,
        media_type: str = JWS,
        expiry: datetime | None = None,
        not_before: datetime = LONG_AGO,
        not_after: datetime = FAR_AHEAD,
    ) -> None:
        """A referrer of notation."""
        leaf = forge.certify("acme release", self.authority, start=not_before, end=not_after)
        chain, payload = [leaf, self.authority], forge.target(image.digest)
        if media_type == COSE:
            assert expiry is None
            body = forge.cose(leaf, chain, payload=payload)
        else:
            ends = {forge.EXPIRY: rfc3339(expiry), "crit": [forge.SCHEME, forge.EXPIRY]} if expiry else {}
            body = forge.jws(leaf, chain, forge.notation_header(**ends), payload)
        refer(self.registry, image, NOTATION, media_type, body)


def layer_of(registry: RegistryServer, image: Pushed, media_type: str, content: bytes) -> dict[str, Any]:
    """A blob in the image's repository, as a manifest lists it."""
    digest = registry.put_blob(parse(image.reference).repository, content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def put_manifest(
    registry: RegistryServer, image: Pushed, layers: list[dict[str, Any]], *, tag: str | None = None, **more: Any
) -> str:
    """A manifest of such layers in the image's repository; returns its digest."""
    config = layer_of(registry, image, "application/vnd.oci.empty.v1+json", b"{}")
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers, **more}
    return registry.put_manifest(parse(image.reference).repository, json.dumps(manifest).encode(), OCI_MANIFEST, tag)


def refer(registry: RegistryServer, image: Pushed, artifact_type: str, media_type: str, content: bytes) -> str:
    """A manifest that says of itself that it belongs to the image."""
    subject = {"mediaType": image.media_type, "digest": image.digest, "size": image.size}
    layer = layer_of(registry, image, media_type, content)
    return put_manifest(registry, image, [layer], artifactType=artifact_type, subject=subject)
