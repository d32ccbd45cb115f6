"""Images made by hand and pushed over the distribution API, so that a test decides every byte of index and manifest."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

from .daemons import program

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@dataclass(frozen=True)
class Manifest:
    """A manifest or index as bytes, with the blobs and manifests that must be there before it."""

    body: bytes
    media_type: str
    blobs: tuple[bytes, ...] = ()
    children: tuple["Manifest", ...] = ()
    platform: tuple[str, str] = ("linux", "amd64")
    annotations: tuple[tuple[str, str], ...] = ()

    @property
    def digest(self) -> str:
        """`sha256:…` of the body."""
        return _digest(self.body)


def image(
    version: str,
    architecture: str = "amd64",
    *,
    docker: bool = False,
    labels: dict[str, str] | None = None,
    created: str = "2026-01-02T03:04:05Z",
) -> Manifest:
    """One platform's image: busybox, and `version` in its config, so that another version is another image."""
    layer, diff_id = _layer()
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": created,
            "config": {"Cmd": ["/bin/sleep", "3600"], "Env": [f"VERSION={version}"], "Labels": labels or {}},
            "rootfs": {"type": "layers", "diff_ids": [diff_id]},
            "history": [{"created": "2026-01-02T03:04:05Z", "created_by": version}],
        }
    )
    media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
    body = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": _descriptor(config, _DOCKER_CONFIG if docker else _OCI_CONFIG),
        "layers": [_descriptor(layer, _DOCKER_LAYER if docker else _OCI_LAYER)],
    }
    return Manifest(_json(body), media_type, (config, layer), platform=("linux", architecture))


def attestation(of: Manifest) -> Manifest:
    """What BuildKit adds to an index: a manifest for the platform unknown/unknown about another one."""
    layer = _json({"_type": "https://in-toto.io/Statement/v0.1", "subject": [{"digest": of.digest}]})
    config = _json(
        {
            "architecture": "unknown",
            "os": "unknown",
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            "config": {},
        }
    )
    body = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(config, _OCI_CONFIG),
        "layers": [_descriptor(layer, "application/vnd.in-toto+json")],
    }
    about = (("vnd.docker.reference.digest", of.digest), ("vnd.docker.reference.type", "attestation-manifest"))
    return Manifest(_json(body), OCI_MANIFEST, (config, layer), platform=("unknown", "unknown"), annotations=about)


def signature(of: str, payload: bytes | None = None, annotations: Mapping[str, str] | None = None) -> Manifest:
    """What cosign puts under the tag that it makes of an image's digest `of`; by nobody's key unless it is given."""
    critical = {
        "identity": {"docker-reference": "registry.example.com/acme/app"},
        "image": {"docker-manifest-digest": of},
        "type": "cosign container image signature",
    }
    payload = payload or _json({"critical": critical, "optional": None})
    layer = _descriptor(payload, "application/vnd.dev.cosign.simplesigning.v1+json")
    body = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(b"{}", _OCI_CONFIG),
        "layers": [{**layer, "annotations": annotations or {"dev.cosignproject.cosign/signature": "AAAA"}}],
    }
    return Manifest(_json(body), OCI_MANIFEST, (b"{}", payload))


def index(*children: Manifest, docker: bool = False) -> Manifest:
    """An index, or Docker's manifest list, of these manifests."""
    entries = []
    for child in children:
        entry = _descriptor(child.body, child.media_type)
        entry["platform"] = {"os": child.platform[0], "architecture": child.platform[1]}
        if child.annotations:
            entry["annotations"] = dict(child.annotations)
        entries.append(entry)
    media_type = DOCKER_LIST if docker else OCI_INDEX
    body = _json({"schemaVersion": 2, "mediaType": media_type, "manifests": entries})
    return Manifest(body, media_type, children=tuple(children))


@dataclass(frozen=True)
class Publisher:
    """Pushes to one registry by the distribution specification, without any login."""

    url: str

    def push(self, repository: str, tag: str, manifest: Manifest, *others: str) -> str:
        """Push everything that the manifest names, then the manifest as the tag and the others; returns its digest."""
        with requests.Session() as session:
            session.trust_env = False
            self._push(session, repository, tag, manifest)
            for other in others:
                self._put(session, repository, other, manifest)
        return manifest.digest

    def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest and with it every tag that names it."""
        answer = requests.delete(f"{self.url}/v2/{repository}/manifests/{digest}", timeout=60)
        answer.raise_for_status()

    def _push(self, session: requests.Session, repository: str, name: str, manifest: Manifest) -> None:
        base = f"{self.url}/v2/{repository}"
        for child in manifest.children:
            self._push(session, repository, child.digest, child)
        for blob in manifest.blobs:
            if session.head(f"{base}/blobs/{_digest(blob)}", timeout=60).status_code == 200:
                continue
            upload = session.post(f"{base}/blobs/uploads/", timeout=60)
            upload.raise_for_status()
            place = urljoin(upload.url, upload.headers["Location"])
            put = session.put(
                f"{place}&digest={_digest(blob)}" if "?" in place else f"{place}?digest={_digest(blob)}",
                blob,
                timeout=60,
            )
            put.raise_for_status()
        self._put(session, repository, name, manifest)

    def _put(self, session: requests.Session, repository: str, name: str, manifest: Manifest) -> None:
        url = f"{self.url}/v2/{repository}/manifests/{name}"
        session.put(url, manifest.body, headers={"Content-Type": manifest.media_type}, timeout=60).raise_for_status()


def root_filesystem() -> bytes:
    """A tar with busybox and its `sleep`, for `docker import` and as an image's only layer."""
    busybox = Path(program("busybox", "busybox-static")).read_bytes()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        binary = tarfile.TarInfo("bin/busybox")
        binary.size, binary.mode = len(busybox), 0o755
        tar.addfile(binary, io.BytesIO(busybox))
        link = tarfile.TarInfo("bin/sleep")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(link)
    return out.getvalue()


@lru_cache(maxsize=1)
def _layer() -> tuple[bytes, str]:
    tar = root_filesystem()
    return gzip.compress(tar, 1, mtime=0), _digest(tar)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _descriptor(data: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
