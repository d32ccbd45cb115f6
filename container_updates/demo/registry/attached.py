"""What hangs on an image in the embedded registry, put there as the tools that sign and attest do."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from container_updates.demo.registry.content import OCI, PushedImage, PushedIndex, descriptor, encode, platform_member
from container_updates.demo.registry.server import RegistryServer
from container_updates.model import Platform
from container_updates.reference import parse

Pushed = PushedImage | PushedIndex


def refer(registry: RegistryServer, image: Pushed, artifact_type: str, media_type: str, content: bytes) -> str:
    """Put an artifact of one blob that says of itself that it belongs to the image; returns its digest.

    Without the referrers API it is listed under the tag that stands in for it, as who pushes has to do then
    (OCI distribution-spec, Referrers Tag Schema).
    """
    subject = {"mediaType": image.media_type, "digest": image.digest, "size": image.size}
    layer = layer_of(registry, image, media_type, content)
    digest = put_manifest(registry, image, [layer], artifactType=artifact_type, subject=subject)
    if not registry.referrers_api:
        name = parse(image.reference).repository
        listed = registry.repositories[name].referrers[image.digest]
        index = {"schemaVersion": 2, "mediaType": OCI.index, "manifests": listed}
        registry.put_manifest(name, encode(index), OCI.index, image.digest.replace(":", "-"))
    return digest


def beside(registry: RegistryServer, image: Pushed, layers: Sequence[Mapping[str, Any]], kind: str = "sig") -> str:
    """Put such layers under the tag that cosign makes of the image's digest; returns the manifest's digest."""
    return put_manifest(registry, image, layers, tag=f"{image.digest.replace(':', '-')}.{kind}")


def push_attested(registry: RegistryServer, tag: str, image: PushedImage, statement: bytes, kind: str) -> PushedIndex:
    """Publish the index that BuildKit makes of an image and an in-toto statement whose predicate is of this kind.

    (BuildKit's documentation, attestation storage)
    """
    repository = parse(image.reference).repository
    layer = layer_of(registry, image, "application/vnd.in-toto+json", statement, {"in-toto.io/predicate-type": kind})
    attestation = put_manifest(registry, image, [layer])
    size = len(registry.repositories[repository].manifests[attestation][0])
    entries = [
        {"mediaType": image.media_type, "digest": image.digest, "size": image.size}
        | {"platform": platform_member(image.platform)},
        {
            "mediaType": OCI.manifest,
            "digest": attestation,
            "size": size,
            "annotations": {
                "vnd.docker.reference.digest": image.digest,
                "vnd.docker.reference.type": "attestation-manifest",
            },
            "platform": platform_member(Platform("unknown", "unknown")),
        },
    ]
    body = encode({"schemaVersion": 2, "mediaType": OCI.index, "manifests": entries})
    digest = registry.put_manifest(repository, body, OCI.index, tag)
    return PushedIndex(f"{registry.host}/{repository}:{tag}", digest, OCI.index, len(body), (image,))


def layer_of(
    registry: RegistryServer,
    image: Pushed,
    media_type: str,
    content: bytes,
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Put a blob into the image's repository; returns its descriptor."""
    registry.put_blob(parse(image.reference).repository, content)
    return {**descriptor(media_type, content), **({"annotations": annotations} if annotations else {})}


def put_manifest(
    registry: RegistryServer,
    image: Pushed,
    layers: Sequence[Mapping[str, Any]],
    *,
    tag: str | None = None,
    **members: Any,
) -> str:
    """Put a manifest of such layers into the image's repository; returns its digest."""
    config = layer_of(registry, image, "application/vnd.oci.empty.v1+json", b"{}")
    manifest = {"schemaVersion": 2, "mediaType": OCI.manifest, "config": config, "layers": layers, **members}
    return registry.put_manifest(parse(image.reference).repository, json.dumps(manifest).encode(), OCI.manifest, tag)
