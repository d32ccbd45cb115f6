"""The demo's images that are signed, or are not as they should be, and the policy that says so.

The signatures were made in advance, by a key that was thrown away: `python -m tests.demo.sign` makes others.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

from container_updates.demo.attached import beside, layer_of, refer
from container_updates.demo.content import PushedImage
from container_updates.demo.registry import RegistryServer

_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
_CREATED = "2026-11-01T00:00:00Z"
POLICY = """\
version = 1

[[rule]]                        # of what others publish, a signature is welcome, but not asked for
images = ["**"]
signatures = "if-present"
provenance = "accepted"

[[rule]]                        # our own images are signed by our release key
images = ["*/shop/*"]
provenance = "accepted"
[[rule.signer]]
type = "key"
file = "shop-release.pub"
"""
PUBLIC_KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEIP13CUYcYzxp0UEKJLEaJ0gvvXm7
E47/Jfb8h6q7WWCA/3SKiB1AM38LkA//2Yyv23sq+8/cxl1DFoBvmeOeeg==
-----END PUBLIC KEY-----
"""
BY_RELEASE_KEY = "MEUCIFdO69NTVRiZin8y1T1E3Mrk6hyLhl26yqv7TpcDnVjgAiEA3SC7uD65QUchBgM79a/o7q4y1XQSbQxeQn0fOUCFOBc="
"""Over the statement on shop/api."""
BY_STRANGER = "MEUCIAHrew9hRV3gOA6biLCH3cWTtXg35FoweHP6vtmUL8HuAiEAybOKOmVCxKsSry89kyvfrjWaVK6Gc+d7VYDZWT/kcO8="
"""Over the statement on shop/search, by a key that nobody here names."""
OF_ANOTHER = "MEYCIQD1WdFhkQZ5w12MX2B8K4ETiT9tZnTuZKp7NrULqRhhIQIhAI6C1iDbaKKA/d/43FitRNPcbV2G13uXT7ed4nu/I+Lh"
"""Over the simple signing payload of shop/api, which then was put beside shop/newsletter."""


def write_policy(folder: str) -> str:
    """Write policy and key there; returns the policy's path."""
    path = Path(folder, "trust-policy.toml")
    path.write_text(POLICY)
    path.with_name("shop-release.pub").write_text(PUBLIC_KEY)
    return str(path)


def publish(registry: RegistryServer) -> Iterator[tuple[str, PushedImage, str]]:
    """Publish the images; yields each one's name, the image, and what the check has to say about its signatures."""
    names = ("api", "payments", "search", "newsletter")
    api, payments, search, newsletter = (push(registry, name) for name in names)
    refer(registry, api, _BUNDLE, _BUNDLE, _bundle(statement(api), BY_RELEASE_KEY))
    yield "api", api, "signed"
    yield "payments", payments, "unsigned"
    refer(registry, search, _BUNDLE, _BUNDLE, _bundle(statement(search), BY_STRANGER))
    yield "search", search, "unverifiable"
    annotations = {"dev.cosignproject.cosign/signature": OF_ANOTHER}
    beside(registry, newsletter, [layer_of(registry, newsletter, _SIMPLE_SIGNING, payload(api), annotations)])
    yield "newsletter", newsletter, "invalid-signature"


def push(registry: RegistryServer, name: str) -> PushedImage:
    """An image of the same bytes everywhere: without layers, as another library compresses them to other bytes."""
    return registry.push_image(f"shop/{name}", "3", created=_CREATED, labels={"name": name}, layers=(), history=())


def statement(image: PushedImage) -> bytes:
    """What cosign 3 signs (in-toto attestation v1, with cosign's predicate)."""
    subject = {"digest": {"sha256": image.digest.removeprefix("sha256:")}}
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [subject],
            "predicateType": "https://sigstore.dev/cosign/sign/v1",
            "predicate": {},
        }
    ).encode()


def payload(image: PushedImage) -> bytes:
    """What cosign 1 and 2 sign (simple signing)."""
    critical = {
        "identity": {"docker-reference": "registry.example.com/shop/api"},
        "image": {"docker-manifest-digest": image.digest},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": critical, "optional": None}).encode()


def _bundle(signed: bytes, signature: str) -> bytes:
    return json.dumps(
        {
            "mediaType": _BUNDLE,
            "verificationMaterial": {"publicKey": {}},
            "dsseEnvelope": {
                "payload": base64.b64encode(signed).decode(),
                "payloadType": IN_TOTO,
                "signatures": [{"sig": signature}],
            },
        }
    ).encode()
