"""Manifests, indexes and image configs as values: nothing unchecked reaches the other rooms."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from container_updates.errors import BadAnswer
from container_updates.model import Platform, settings_of
from container_updates.reference import is_digest
from container_updates.untrusted.json import Invalid, read_object

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPT = (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST)
MAX_MANIFEST = 4 * 1024 * 1024
"""Bytes (OCI distribution-spec, Pushing Manifests: what registries must at least take)."""

_INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
_MAX_ENTRIES = 1000
_MAX_TEXT = 4096
_TOO_OLD = "application/vnd.docker.distribution.manifest.v1+"


class Descriptor(NamedTuple):
    """A pointer to content (OCI image-spec, descriptor.md)."""

    media_type: str
    digest: str
    size: int
    """Bytes, as claimed."""
    platform: Platform | None
    annotations: Mapping[str, str]
    artifact_type: str | None


class Manifest(NamedTuple):
    """An image manifest or an index of them, OCI or Docker."""

    digest: str
    """sha256 of the body, unless it was asked for by another one."""
    media_type: str
    body: bytes
    entries: tuple[Descriptor, ...]
    """Of an index; else empty."""
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None
    artifact_type: str | None
    annotations: Mapping[str, str]

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body)

    @property
    def is_index(self) -> bool:
        """Whether it lists manifests, one a platform, instead of layers."""
        return self.media_type in _INDEXES


class ImageConfig(NamedTuple):
    """What an image says of itself (OCI image-spec, config.md)."""

    platform: Platform
    created: str | None
    """RFC 3339, as claimed."""
    labels: Mapping[str, str]
    layers: tuple[str, ...]
    """Diff ids: digests of the unpacked layers."""
    settings: str = ""
    """`model.settings_of` its config."""
    history: tuple[str, ...] = ()
    """The commands that made it, the oldest first, as claimed; what is no command is left out."""


def parse(body: bytes, media_type: str | None, digest: str | None = None) -> Manifest:
    """Return the manifest or index that `body` holds; `media_type` is the answer's Content-Type.

    `digest` is what the body is already known to hash to, else its sha256. Raises `BadAnswer` for anything that is not
    wholly what OCI image-spec (manifest.md, image-index.md) or Docker's schema 2 say, and for schema 1.
    """
    if len(body) > MAX_MANIFEST:
        raise BadAnswer(f"a manifest larger than {MAX_MANIFEST} bytes")
    answered = (media_type or "").partition(";")[0].strip().lower()
    if answered == "text/html":
        raise BadAnswer("a web page instead of a manifest")
    document = load(body, "manifest")
    if answered.startswith(_TOO_OLD) or document.get("schemaVersion") == 1:
        raise BadAnswer("a manifest in too old a format (Docker schema 1)")
    kind = _kind(document, answered)
    index = kind in _INDEXES
    return Manifest(
        digest=digest or f"sha256:{hashlib.sha256(body).hexdigest()}",
        media_type=kind,
        body=body,
        entries=_descriptors(document, "manifests") if index else (),
        config=None if index else _descriptor(document.get("config"), "config"),
        layers=() if index else _descriptors(document, "layers"),
        subject=None if document.get("subject") is None else _descriptor(document["subject"], "subject"),
        artifact_type=_text(document, "artifactType"),
        annotations=_texts(document.get("annotations"), "annotations"),
    )


def parse_config(body: bytes) -> ImageConfig:
    """Return what an image config says; raises `BadAnswer` for one that is none (OCI image-spec, config.md)."""
    document = load(body, "image config")
    inner, rootfs = document.get("config") or {}, document.get("rootfs") or {}
    if not isinstance(inner, dict) or not isinstance(rootfs, dict):
        raise BadAnswer("an image config of another shape")
    layers = _list(rootfs, "diff_ids")
    if not all(isinstance(layer, str) and is_digest(layer) for layer in layers):
        raise BadAnswer("an image config with a diff id that is no digest")
    return ImageConfig(
        platform=_platform(document), created=_text(document, "created"), labels=_texts(inner.get("Labels"), "Labels"),
        layers=tuple(layers), settings=settings_of(inner), history=_history(document.get("history")),
    )  # fmt: skip


def for_platform(index: Manifest, platform: Platform) -> Descriptor | None:
    """The entry of `index` that an engine on `platform` runs; None if there is none for it.

    As containerd and Docker choose: os and architecture equal, variant equal after defaults (arm: v7, arm64: v8,
    amd64: v1), on arm and amd64 else the best lower variant; Windows by os.version, its build equal. Attestations
    (`unknown/unknown`) never match.
    """
    wanted = _Match.of(platform)
    best: tuple[int, Descriptor] | None = None
    for entry in index.entries:
        if entry.platform is None:
            continue
        has = _Match.of(entry.platform)
        if (has.os, has.architecture) != (wanted.os, wanted.architecture) or has.rank > wanted.rank:
            continue
        if has.runs_on(wanted) and (best is None or has.rank > best[0]):
            best = (has.rank, entry)
    return best[1] if best else None


def has_digest(body: bytes, digest: str) -> bool:
    """Whether content is what a digest stands for."""
    algorithm, _, value = digest.partition(":")
    return hashlib.new(algorithm, body).hexdigest() == value


def error_code(body: bytes) -> str | None:
    """Return the code of a registry's error answer, "" for one without; None for no such answer (Error Codes)."""
    try:
        errors = load(body, "error").get("errors")
    except BadAnswer:
        return None
    first = errors[0] if isinstance(errors, list) and errors else None
    return str(first.get("code", "")) if isinstance(first, dict) else None


def load(body: bytes, what: str) -> dict[str, Any]:
    """Return the JSON object in `body`; raises `BadAnswer` for anything else, and beyond the bounds of the reader."""
    try:
        return read_object(body, limit=MAX_MANIFEST)
    except Invalid as error:
        raise BadAnswer(f"a web page instead of a {what}" if error.page else f"a {what} that {error}") from None


class _Match(NamedTuple):
    """A platform after defaults; `rank` orders the variants of an architecture, 0 where they cannot be ordered."""

    os: str
    architecture: str
    variant: str
    rank: int
    os_version: str

    @classmethod
    def of(cls, platform: Platform) -> "_Match":
        names = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386", "armhf": "arm"}
        architecture = platform.architecture.lower()
        variant = platform.variant.lower()
        if architecture == "armel":
            architecture, variant = "arm", "v6"
        architecture = names.get(architecture, architecture)
        default = {"arm": "v7", "arm64": "v8", "amd64": "v1"}.get(architecture, "")
        variant = variant or default
        if variant[:1].isdigit():
            variant = f"v{variant}"
        major, _, minor = variant[1:].partition(".")
        ordered = default and major.isdecimal() and (minor or "0").isdecimal() and len(variant) < 8
        rank = int(major) * 100 + int(minor or "0") + 1 if ordered else 0
        return cls(platform.os.lower(), architecture, variant, rank, platform.os_version)

    def runs_on(self, other: "_Match") -> bool:
        """Whether variants that cannot be ordered are equal, and Windows builds, where both are known."""
        if self.rank == 0 and self.variant != other.variant:
            return False
        if self.os != "windows" or not self.os_version or not other.os_version:
            return True
        return self.os_version.split(".")[:3] == other.os_version.split(".")[:3]


def _kind(document: Mapping[str, Any], answered: str) -> str:
    """The document's own media type before the header's (OCI image-spec, manifest.md: they should be the same)."""
    own = _text(document, "mediaType")
    if own is not None and own not in ACCEPT:
        raise BadAnswer(f"a manifest of an unknown type {own[:100]!r}")
    if own is None and answered not in ACCEPT:
        own = OCI_INDEX if "manifests" in document else OCI_MANIFEST
    kind = own or answered
    if "manifests" in document and ("layers" in document or "config" in document):
        raise BadAnswer("a manifest that is an index, too")
    if ("manifests" in document) != (kind in _INDEXES):
        raise BadAnswer("a manifest whose content is not what its type says")
    if document.get("schemaVersion") != 2 or isinstance(document["schemaVersion"], bool):
        raise BadAnswer("a manifest without schemaVersion 2")
    return kind


def _descriptors(document: Mapping[str, Any], member: str) -> tuple[Descriptor, ...]:
    return tuple(_descriptor(entry, member) for entry in _list(document, member))


def _descriptor(value: object, member: str) -> Descriptor:
    if not isinstance(value, dict):
        raise BadAnswer(f"a manifest whose {member} is no descriptor")
    digest, size, media_type = value.get("digest"), value.get("size"), _text(value, "mediaType")
    if not isinstance(digest, str) or not is_digest(digest):
        raise BadAnswer(f"a manifest with an invalid digest in {member}")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadAnswer(f"a manifest with an invalid size in {member}")
    platform = value.get("platform")
    if platform is not None and not isinstance(platform, dict):
        raise BadAnswer("a manifest with a platform of another shape")
    return Descriptor(
        media_type=media_type or "",
        digest=digest,
        size=size,
        platform=_platform(platform) if platform else None,
        annotations=_texts(value.get("annotations"), "annotations"),
        artifact_type=_text(value, "artifactType"),
    )


def _platform(value: Mapping[str, Any]) -> Platform:
    members = [_text(value, member) or "" for member in ("os", "architecture", "variant", "os.version")]
    return Platform(*members)


def _list(document: Mapping[str, Any], member: str) -> list[Any]:
    value = document.get(member)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadAnswer(f"a document whose {member} is no list")
    if len(value) > _MAX_ENTRIES:
        raise BadAnswer(f"a document with more than {_MAX_ENTRIES} {member}")
    return value


def _text(document: Mapping[str, Any], member: str) -> str | None:
    value = document.get(member)
    if value is not None and (not isinstance(value, str) or len(value) > _MAX_TEXT):
        raise BadAnswer(f"a document whose {member} is no text of at most {_MAX_TEXT} characters")
    return value or None


def _texts(value: object, member: str) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise BadAnswer(f"a document whose {member} are no texts")
    if len(value) > _MAX_ENTRIES:
        raise BadAnswer(f"a document with more than {_MAX_ENTRIES} {member}")
    return value


def _history(value: object) -> tuple[str, ...]:
    """Nothing depends on it, so that one of another shape is no reason to believe nothing else."""
    entries = value[:_MAX_ENTRIES] if isinstance(value, list) else []
    commands = (entry.get("created_by") for entry in entries if isinstance(entry, dict))
    return tuple(command[:_MAX_TEXT] for command in commands if isinstance(command, str) and command)
