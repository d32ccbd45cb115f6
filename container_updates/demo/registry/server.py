"""An OCI registry on loopback, the reading part of distribution-spec v1.1, and a Python side to fill it."""

import json
import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from container_updates.demo.http import Fault, Request, Response, Server, json_response
from container_updates.demo.registry.auth import Auth
from container_updates.demo.registry.content import (
    AMD64,
    CREATED,
    OCI,
    MediaTypes,
    PushedImage,
    PushedIndex,
    Repository,
    encode,
    make_image,
    platform_member,
)
from container_updates.model import Platform

_ROUTE = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs|referrers|tags)/(?P<name>[^/]+)")
_REF_NAME = "org.opencontainers.image.ref.name"


class RegistryServer(Server):
    """`with RegistryServer() as registry: image = registry.push_image("app/web", "1")`."""

    def __init__(
        self,
        *,
        auth: Auth | None = None,
        referrers_api: bool = True,
        page_size: int | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(address=address, port=port, tls=tls)
        self.auth = auth
        self.referrers_api = referrers_api
        self.page_size = page_size
        """The most tags, or referrers, in one answer."""
        self.repositories: dict[str, Repository] = {}
        self._scheme = "https" if tls else "http"

    @property
    def host(self) -> str:
        """Host and port, as they stand in an image reference."""
        return self.netloc

    @property
    def url(self) -> str:
        """Address of the registry, without a slash at the end."""
        return f"{self._scheme}://{self.netloc}"

    # filling it

    def push_image(
        self,
        repository: str,
        tag: str | None = None,
        *,
        platform: Platform = AMD64,
        labels: Mapping[str, str] | None = None,
        created: str = CREATED,
        layers: Sequence[bytes] | None = None,
        history: Sequence[str] = ("COPY . /",),
        types: MediaTypes = OCI,
        annotations: Mapping[str, str] | None = None,
        subject: Mapping[str, Any] | None = None,
    ) -> PushedImage:
        """Publish an image; another `created`, label or layer makes it another image. `layers` are uncompressed."""
        into = self._repository(repository)
        body, config_digest, diff_ids = make_image(
            into,
            platform=platform,
            created=created,
            labels=labels or {},
            layers=[repository.encode()] if layers is None else layers,
            history=history,
            types=types,
            annotations=annotations or {},
            subject=subject,
        )
        digest = into.put_manifest(body, types.manifest, [tag] if tag else ())
        return PushedImage(
            reference=self._reference(repository, tag, digest),
            digest=digest,
            media_type=types.manifest,
            size=len(body),
            config_digest=config_digest,
            platform=platform,
            created=created,
            labels=dict(labels or {}),
            layers=diff_ids,
        )

    def push_index(
        self,
        repository: str,
        tag: str | None,
        images: Sequence[PushedImage],
        *,
        attestations: bool = False,
        types: MediaTypes = OCI,
        annotations: Mapping[str, str] | None = None,
    ) -> PushedIndex:
        """Publish an index of images of this repository; `attestations` adds one a platform, as BuildKit does."""
        into = self._repository(repository)
        entries: list[dict[str, Any]] = [
            {
                "mediaType": image.media_type,
                "digest": image.digest,
                "size": image.size,
                "platform": platform_member(image.platform),
            }
            for image in images
        ]
        if attestations:
            entries += [self._attestation(into, image) for image in images]
        index = {"schemaVersion": 2, "mediaType": types.index, "manifests": entries}
        body = encode({**index, **({"annotations": dict(annotations)} if annotations else {})})
        digest = into.put_manifest(body, types.index, [tag] if tag else ())
        return PushedIndex(self._reference(repository, tag, digest), digest, types.index, len(body), tuple(images))

    def put_manifest(self, repository: str, body: bytes, media_type: str, tag: str | None = None) -> str:
        """Keep any bytes as a manifest; returns its digest."""
        return self._repository(repository).put_manifest(body, media_type, [tag] if tag else ())

    def put_blob(self, repository: str, content: bytes) -> str:
        """Keep a blob; returns its digest."""
        return self._repository(repository).put_blob(content)

    def retag(self, repository: str, tag: str, digest: str) -> None:
        """Let a tag name a manifest that the repository has."""
        self.repositories[repository].tags[tag] = digest

    def delete_tag(self, repository: str, tag: str) -> None:
        """Take a tag away; what it named stays."""
        del self.repositories[repository].tags[tag]

    def load_oci_layout(self, path: str | Path, repository: str) -> dict[str, str]:
        """Publish an image layout (OCI image-spec, image-layout.md); returns its tags and their digests.

        Entries without a name are there by digest, and as referrers where they have a subject. Blobs that the layout
        leaves out are left out here.
        """
        into, folder = self._repository(repository), Path(path)
        content = {
            f"{file.parent.name}:{file.name}": file.read_bytes()
            for file in sorted(folder.glob("blobs/*/*"))
            if file.is_file()
        }
        into.blobs.update(content)
        pending = json.loads((folder / "index.json").read_bytes())["manifests"]
        tags: dict[str, str] = {}
        while pending:
            entry = pending.pop(0)
            body = content.get(entry["digest"])
            if body is None:
                continue
            name = (entry.get("annotations") or {}).get(_REF_NAME)
            if name:
                name = name.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
                tags[name] = entry["digest"]
            if entry["digest"] not in into.manifests:
                into.put_manifest(body, entry["mediaType"])
                with suppress(ValueError):  # a layout of a test may hold anything
                    pending += json.loads(body).get("manifests") or ()
        into.tags.update(tags)
        return tags

    def fail_in(self, repository: str, fault: Fault, *, method: str | None = None) -> None:
        """Let `fault` change every answer about this repository."""
        self.fail(fault, method=method, path=f"^/v2/{re.escape(repository)}/(manifests|blobs|referrers|tags)/")

    # answering

    def answer(self, request: Request) -> Response:
        """What distribution-spec v1.1 says, or who is asked for a login first."""
        if self.auth is not None:
            token = self.auth.token(request)
            if token is not None:
                return token
        route = _ROUTE.fullmatch(request.path)
        if route is None and request.path != "/v2/":
            return Response(404, b"404 page not found\n", {"Content-Type": "text/plain; charset=utf-8"})
        refusal = self.auth.refuse(request, route and route["repository"], self.url) if self.auth is not None else None
        if refusal is not None:
            return refusal
        if request.method not in ("GET", "HEAD"):
            return _error(405, "UNSUPPORTED", "The operation is unsupported.")
        if route is None:
            return json_response({}, headers={"Docker-Distribution-Api-Version": "registry/2.0"})
        repository = self.repositories.get(route["repository"])
        if repository is None:
            return _error(404, "NAME_UNKNOWN", "repository name not known to registry")
        if route["kind"] == "manifests":
            return _manifest(repository, route["name"], request.headers.get("accept", "*/*"))
        if route["kind"] == "blobs":
            return _blob(repository, route["name"])
        if route["kind"] == "tags":
            return self._tags(route["repository"], repository, request)
        return self._referrers(repository, route["name"], request)

    def _tags(self, name: str, repository: Repository, request: Request) -> Response:
        last = request.parameter("last") or ""
        tags = [tag for tag in sorted(repository.tags) if tag > last]
        asked = request.parameter("n") or ""
        size = min(int(asked) if asked.isdigit() else len(tags), self.page_size or len(tags))
        page, headers = tags[:size], {}
        if page and len(tags) > size:
            headers["Link"] = f'</v2/{name}/tags/list?last={quote(page[-1])}&n={size}>; rel="next"'
        return json_response({"name": name, "tags": page}, headers=headers)

    def _referrers(self, repository: Repository, subject: str, request: Request) -> Response:
        if not self.referrers_api:
            return Response(404, b"404 page not found\n", {"Content-Type": "text/plain; charset=utf-8"})
        found, headers = repository.referrers.get(subject, []), {"Content-Type": OCI.index}
        wanted = request.parameter("artifactType")
        if wanted is not None:
            found = [entry for entry in found if entry.get("artifactType") == wanted]
            headers["OCI-Filters-Applied"] = "artifactType"
        start = int(request.parameter("from") or 0)
        end = start + (self.page_size or len(found))
        if end < len(found):
            kept = f"&artifactType={quote(wanted, safe='')}" if wanted is not None else ""
            headers["Link"] = f'<{request.path}?from={end}{kept}>; rel="next"'
        index = {"schemaVersion": 2, "mediaType": OCI.index, "manifests": found[start:end]}
        return json_response(index, headers=headers)

    def _repository(self, name: str) -> Repository:
        return self.repositories.setdefault(name, Repository())

    def _reference(self, repository: str, tag: str | None, digest: str) -> str:
        return f"{self.host}/{repository}:{tag}" if tag else f"{self.host}/{repository}@{digest}"

    def _attestation(self, into: Repository, image: PushedImage) -> dict[str, Any]:
        # Docker's docs, "Image attestation storage": an image of platform unknown/unknown that names what it is about
        statement = {
            "_type": "https://in-toto.io/Statement/v0.1",
            "subject": [{"digest": {"sha256": image.digest[7:]}}],
        }
        body, _, _ = make_image(
            into,
            platform=Platform("unknown", "unknown"),
            created=image.created,
            labels={},
            layers=[encode(statement)],
            history=(),
            types=OCI,
            annotations={},
            subject=None,
        )
        return {
            "mediaType": OCI.manifest,
            "digest": into.put_manifest(body, OCI.manifest),
            "size": len(body),
            "annotations": {
                "vnd.docker.reference.digest": image.digest,
                "vnd.docker.reference.type": "attestation-manifest",
            },
            "platform": {"architecture": "unknown", "os": "unknown"},
        }


def _manifest(repository: Repository, name: str, accept: str) -> Response:
    digest = name if ":" in name else repository.tags.get(name)
    body, media_type = repository.manifests.get(digest or "", (b"", ""))
    if digest is None or not media_type:
        return _error(404, "MANIFEST_UNKNOWN", "manifest unknown")
    accepted = {part.split(";")[0].strip() for part in accept.split(",")}
    if not accepted & {media_type, "*/*"}:
        # as distribution answers for an index that the client did not say it understands
        return _error(404, "MANIFEST_UNKNOWN", f"{media_type} found, but accept header does not support it")
    return Response(200, body, {"Content-Type": media_type, "Docker-Content-Digest": digest, "Etag": f'"{digest}"'})


def _blob(repository: Repository, digest: str) -> Response:
    content = repository.blobs.get(digest)
    if content is None:
        return _error(404, "BLOB_UNKNOWN", "blob unknown to registry")
    return Response(200, content, {"Content-Type": "application/octet-stream", "Docker-Content-Digest": digest})


def _error(status: int, code: str, message: str) -> Response:
    return json_response({"errors": [{"code": code, "message": message, "detail": None}]}, status)
