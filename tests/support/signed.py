"""Signatures by keys of our own beside images of the embedded registry, as the real tools would put them there."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from container_updates.clock import rfc3339
from container_updates.demo.registry.attached import Pushed, beside, layer_of, refer
from container_updates.demo.registry.server import RegistryServer
from container_updates.reference import parse
from tests.support import forge

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
NOTATION = "application/vnd.cncf.notary.signature"
JWS, COSE = "application/jose+json", "application/cose"
LONG_AGO, FAR_AHEAD = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)


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
        beside(self.registry, image, [layer_of(self.registry, image, forge.SIMPLE, payload, annotations)])

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
        chain, payload = [leaf, self.authority], forge.target(image.digest, image.media_type, image.size)
        if media_type == COSE:
            assert expiry is None
            body = forge.cose(leaf, chain, payload=payload)
        else:
            ends = {forge.EXPIRY: rfc3339(expiry), "crit": [forge.SCHEME, forge.EXPIRY]} if expiry else {}
            body = forge.jws(leaf, chain, forge.notation_header(**ends), payload)
        refer(self.registry, image, NOTATION, media_type, body)
