"""The demo's images that are signed, or are not as they should be, and the policy that says so.

The signatures were made in advance, by a key that was thrown away: `python -m tests.demo.sign` makes others.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from container_updates.demo.registry.attached import beside, layer_of, refer
from container_updates.demo.registry.content import PushedImage
from container_updates.demo.registry.server import RegistryServer

_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
_CREATED = "2026-11-01T00:00:00Z"
_FORGE = "https://git.example.com/shop"
POLICY = """\
version = 1

[registries]
allow = [{registries}]

[repositories]                  # of packages: this one may be on loopback
allow = ["{repository}"]

[[rule]]                        # of what others publish, a signature is welcome, but not asked for
images = ["**"]
signatures = "if-present"

[[rule]]                        # our own images are signed by our release key
images = ["*/shop/*"]
source = ["https://git.example.com/shop/*"]
[[rule.signer]]
type = "key"
file = "shop-release.pub"
"""
PUBLIC_KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEtXyB7VJtolAw4LnimLS6dwpqHKBE
EQCyFSK82tNewBVURGdM0RP6m20xpf7/Py/hAA24N++t2esZl5lf62owTA==
-----END PUBLIC KEY-----
"""
BY_RELEASE_KEY = "MEYCIQC4ZRBEPln7sh7ptu0HTDaMv2+A5qG3ZEt7440JtrsLFQIhAIuip2hhCFwDBo7MQWz5WkOlJ5zihXiHVwAUk8GELToG"
"""Over the statement on shop/api."""
BY_STRANGER = "MEYCIQDVpa9pkj4+qdT1y7N/ehyeZ/HhbzpMa66sY8wachCNzgIhAM9Iv4u1gZCgIVmLrouvCpOPtMjl7gQNhhZrcxs62+oy"
"""Over the statement on shop/search, by a key that nobody here names."""
API_BUILT = "MEQCICDVt7WQ85X56C0pOcVlv1QDkwASq2a3FOLNiiaEckOjAiBMjMjBidcLSY0SD9jiNxxegj50l5ZP5tO7/J2QhJW+Fw=="
"""Over the provenance of shop/api."""
SEARCH_BUILT = "MEYCIQDy/esxtX550tBkd1uH+wIKsXxs8pjGJRkXuKjJvIrTCAIhAI0rKcMqQ8mVRgqCdr34ckVjiw+mDSvU8IPST6f8T66I"
"""Over a provenance of shop/search that names another repository than its label."""
OF_ANOTHER = "MEUCIAFmqXv/2U3NTB6JNxATTlBnjbXsvmJ3kI6UwX11qtrFAiEA5C8AAP34PsX2Ghft89GVxnPgyTa2gwrtbK9wG2z2n6Q="
"""Over the simple signing payload of shop/api, which then was put beside shop/newsletter."""


def write_policy(folder: str, registries: Iterable[str], repository: str) -> str:
    """Write policy and key there; returns the policy's path.

    Images may come from `registries` alone, and containers may lead to the package repository.
    """
    path = Path(folder, "trust-policy.toml")
    path.write_text(POLICY.format(registries=", ".join(f'"{one}"' for one in registries), repository=repository))
    path.with_name("shop-release.pub").write_text(PUBLIC_KEY)
    return str(path)


def publish(registry: RegistryServer) -> Iterator[tuple[str, PushedImage, str, str]]:
    """Publish the images; yields each one's name, the image, and what is to be said of its signatures and source."""
    names = ("api", "payments", "search", "newsletter")
    api, payments, search, newsletter = (push(registry, name) for name in names)
    refer(registry, api, _BUNDLE, _BUNDLE, _bundle(statement(api), BY_RELEASE_KEY))
    refer(registry, api, _BUNDLE, _BUNDLE, _bundle(provenance(api, "api"), API_BUILT))
    yield "api", api, "signed", "source-verified"
    yield "payments", payments, "unsigned", "source-claimed"
    refer(registry, search, _BUNDLE, _BUNDLE, _bundle(statement(search), BY_STRANGER))
    refer(registry, search, _BUNDLE, _BUNDLE, _bundle(provenance(search, "find"), SEARCH_BUILT))
    yield "search", search, "unverifiable", "source-mismatch"
    annotations = {"dev.cosignproject.cosign/signature": OF_ANOTHER}
    beside(registry, newsletter, [layer_of(registry, newsletter, _SIMPLE_SIGNING, payload(api), annotations)])
    yield "newsletter", newsletter, "invalid-signature", "unknown-source"


def push(registry: RegistryServer, name: str) -> PushedImage:
    """An image of the same bytes everywhere: without layers, as another library compresses them to other bytes."""
    labels = {"name": name} if name == "newsletter" else {"org.opencontainers.image.source": f"{_FORGE}/{name}"}
    return registry.push_image(f"shop/{name}", "3", created=_CREATED, labels=labels, layers=(), history=())


def statement(
    image: PushedImage,
    kind: str = "https://sigstore.dev/cosign/sign/v1",
    predicate: Mapping[str, Any] = MappingProxyType({}),
) -> bytes:
    """What cosign 3 signs (in-toto attestation v1); without more, with cosign's predicate."""
    subject = {"digest": {"sha256": image.digest.removeprefix("sha256:")}}
    content = {"subject": [subject], "predicateType": kind, "predicate": dict(predicate)}
    return json.dumps({"_type": "https://in-toto.io/Statement/v1", **content}).encode()


def provenance(image: PushedImage, project: str) -> bytes:
    """What a build service attests (SLSA provenance v1)."""
    repository = f"{_FORGE}/{project}"
    commit = {"gitCommit": "9f3c0e5a6d1b4c2e8f7a6b5c4d3e2f1a0b9c8d7e"}
    source = {"uri": f"git+{repository}@refs/tags/v3", "digest": commit}
    parameters = {"workflow": {"repository": repository, "ref": "refs/tags/v3", "path": "release.yml"}}
    predicate = {
        "buildDefinition": {"externalParameters": parameters, "resolvedDependencies": [source]},
        "runDetails": {"builder": {"id": "https://ci.example.com/release"}, "metadata": {"finishedOn": _CREATED}},
    }
    return statement(image, "https://slsa.dev/provenance/v1", predicate)


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
