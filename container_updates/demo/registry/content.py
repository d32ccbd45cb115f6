"""What lies in the embedded registry: images, indexes, repositories. The same input gives the same bytes."""

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from container_updates.model import Platform

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64", "v8")
CREATED = "2026-11-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class MediaTypes:
    """The names of one family of formats."""

    index: str
    manifest: str
    config: str
    layer: str


OCI = MediaTypes(
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.oci.image.layer.v1.tar+gzip",
)
DOCKER = MediaTypes(
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
)


@dataclass(frozen=True, slots=True)
class PushedImage:
    """An image manifest in the registry."""

    reference: str
    """Registry, repository and tag (or digest, where it has no tag), as `docker pull` takes it."""
    digest: str
    media_type: str
    size: int
    config_digest: str
    platform: Platform
    created: str
    labels: Mapping[str, str]
    layers: tuple[str, ...]
    """Diff ids."""


@dataclass(frozen=True, slots=True)
class PushedIndex:
    """An image index, or Docker manifest list, in the registry."""

    reference: str
    digest: str
    media_type: str
    size: int
    images: tuple[PushedImage, ...]

    def image_for(self, platform: Platform) -> PushedImage:
        """The image of exactly this platform; raises LookupError where there is none."""
        for image in self.images:
            if image.platform == platform:
                return image
        raise LookupError(f"no image for {platform} in {self.reference}")


@dataclass(slots=True)
class Repository:
    """What one repository holds."""

    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    """Digest to body and media type."""
    tags: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    referrers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Digest of the subject to descriptors, in the order they came."""

    def put_blob(self, content: bytes) -> str:
        """Keep a blob; returns its digest."""
        digest = sha256(content)
        self.blobs[digest] = content
        return digest

    def put_manifest(self, body: bytes, media_type: str, tags: Iterable[str] = ()) -> str:
        """Keep a manifest, any bytes, under its digest and these tags; one with a subject becomes a referrer of it."""
        digest = sha256(body)
        if digest not in self.manifests:
            self._refer(body, media_type, digest)
        self.manifests[digest] = (body, media_type)
        for tag in tags:
            self.tags[tag] = digest
        return digest

    def _refer(self, body: bytes, media_type: str, digest: str) -> None:
        try:
            document = json.loads(body)
            subject = document["subject"]["digest"]
        except (ValueError, LookupError, TypeError):
            return
        # distribution-spec, "Listing Referrers": the config's media type stands in for a missing artifactType
        artifact_type = document.get("artifactType") or document.get("config", {}).get("mediaType")
        descriptor = {"mediaType": media_type, "digest": digest, "size": len(body)}
        if artifact_type:
            descriptor["artifactType"] = artifact_type
        if document.get("annotations"):
            descriptor["annotations"] = document["annotations"]
        self.referrers.setdefault(subject, []).append(descriptor)


def make_image(
    repository: Repository,
    *,
    platform: Platform,
    created: str,
    labels: Mapping[str, str],
    layers: Sequence[bytes],
    history: Sequence[str],
    types: MediaTypes,
    annotations: Mapping[str, str],
    subject: Mapping[str, Any] | None,
) -> tuple[bytes, str, tuple[str, ...]]:
    """Put config and layers (uncompressed) into the repository; returns manifest, config digest, diff ids."""
    compressed = [_gzip(layer) for layer in layers]
    diff_ids = tuple(sha256(layer) for layer in layers)
    config = encode(
        {
            "architecture": platform.architecture,
            "os": platform.os,
            **({"variant": platform.variant} if platform.variant else {}),
            **({"os.version": platform.os_version} if platform.os_version else {}),
            "created": created,
            "config": {"Labels": dict(labels)} if labels else {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [{"created": created, "created_by": step} for step in history],
        }
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": types.manifest,
        "config": descriptor(types.config, config),
        "layers": [descriptor(types.layer, layer) for layer in compressed],
        **({"annotations": dict(annotations)} if annotations else {}),
        **({"subject": dict(subject)} if subject else {}),
    }
    for blob in (config, *compressed):
        repository.put_blob(blob)
    return encode(manifest), sha256(config), diff_ids


def platform_member(platform: Platform) -> dict[str, str]:
    """`platform` of a descriptor (OCI image-spec, image-index.md)."""
    optional = {"variant": platform.variant, "os.version": platform.os_version}
    return {
        "architecture": platform.architecture,
        "os": platform.os,
        **{name: value for name, value in optional.items() if value},
    }


def descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    """A descriptor of these bytes (OCI image-spec, descriptor.md)."""
    return {"mediaType": media_type, "digest": sha256(content), "size": len(content)}


def sha256(content: bytes) -> str:
    """The digest of these bytes, `sha256:…`."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def encode(document: Any) -> bytes:
    """JSON in one form only."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


@lru_cache(maxsize=1024)
def _gzip(layer: bytes) -> bytes:
    return gzip.compress(layer, compresslevel=1, mtime=0)
