"""What a build says of itself: SLSA provenance v0.2 and v1, as BuildKit, GitHub, GitLab and SLSA's generators write it.

A statement is worth what its signature is worth, and BuildKit's has none: who reads it here decides that elsewhere.
(SLSA specification, provenance v1.0 and v0.2; in-toto attestation; BuildKit's documentation, SLSA definitions)
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from container_updates.reference import is_digest
from container_updates.signing.bounded import decode_base64, json_object, member
from container_updates.signing.verdict import Unknown, Wrong

V02, V1 = "https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"
PREDICATES = frozenset({V02, V1})
IMAGE = "pkg:docker/"
"""How the URI of a material begins that is an image (package-url/purl-spec, docker)."""
MAX_STATEMENT = 8 * 1024 * 1024
"""Bytes of an attestation that are looked at: a build with thousands of steps writes a tenth of that."""
_MAX_MATERIALS = 200
_MAX_TEXT = 2000
_BUILDKIT_V02 = "https://mobyproject.org/buildkit@v1#metadata"
_COMMITS = ("gitCommit", "sha1")
_REF = re.compile(r"@(refs/[^#?]+)$")


@dataclass(frozen=True, slots=True)
class Material:
    """Something that went into a build."""

    uri: str
    digest: str | None
    """`sha256:…` where it says one."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a provenance names; as it is written there, None where it does not say."""

    repository: str | None = None
    """Where the source is kept, in any of the ways to write it."""
    revision: str | None = None
    """The commit."""
    ref: str | None = None
    """Branch or tag: `refs/…`."""
    builder: str | None = None
    built_at: str | None = None
    """RFC 3339."""
    materials: tuple[Material, ...] = ()
    """What went into the build, images first; at most 200."""


def read(statement: Mapping[str, Any]) -> Provenance | None:
    """Return what an in-toto statement says of a build; None where it is no SLSA provenance that is known here."""
    predicate = statement.get("predicate")
    if statement.get("predicateType") == V1:
        return _v1(predicate)
    return _v02(predicate) if statement.get("predicateType") == V02 else None


def unproven(body: bytes, digest: str) -> Provenance | None:
    """Return what a statement claims, bare, in an envelope or in a bundle, whose signature nobody can check here.

    None where it is none, or is not about `digest`.
    """
    try:
        document = json_object(body, "the attestation")
        envelope = document.get("dsseEnvelope", document)
        if member(envelope, "payload") is not None:
            document = json_object(decode_base64(member(envelope, "payload"), "the payload"), "the statement")
    except (Wrong, Unknown):  # what is no statement claims nothing
        return None
    algorithm, _, value = digest.partition(":")
    subjects = document.get("subject")
    about = (member(one, "digest", algorithm) for one in (subjects if isinstance(subjects, list) else ()))
    return read(document) if value in about else None


def _v1(predicate: Any) -> Provenance:
    parameters = member(predicate, "buildDefinition", "externalParameters")
    metadata = member(predicate, "runDetails", "metadata")
    vcs = member(metadata, "buildkit_metadata", "vcs")
    dependencies = _materials(member(predicate, "buildDefinition", "resolvedDependencies"))
    written = _first(
        member(parameters, "workflow", "repository"),
        member(parameters, "configSource", "uri"),
        member(parameters, "source", "uri"),
        member(parameters, "source"),
        member(parameters, "repository"),
        member(vcs, "source"),
        *(uri for uri, _ in dependencies if uri.startswith("git+")),
    )
    repository, ref = _parted(written)
    return Provenance(
        repository,
        _first(
            *_commits([member(parameters, "configSource", "digest")]),
            *_commits(
                [digests for uri, digests in dependencies if _parted(uri)[0] in (repository, f"git+{repository}")]
            ),
            member(vcs, "revision"),
        ),
        _first(member(parameters, "workflow", "ref"), ref),
        _first(member(predicate, "runDetails", "builder", "id")),
        _first(member(metadata, "finishedOn"), member(metadata, "startedOn")),
        _as_materials(dependencies),
    )


def _v02(predicate: Any) -> Provenance:
    source = member(predicate, "invocation", "configSource")
    metadata = member(predicate, "metadata")
    vcs = member(metadata, _BUILDKIT_V02, "vcs")
    materials = _materials(member(predicate, "materials"))
    repository, ref = _parted(_first(member(source, "uri"), member(vcs, "source")))
    return Provenance(
        repository,
        _first(*_commits([member(source, "digest")]), member(vcs, "revision")),
        ref,
        _first(member(predicate, "builder", "id")),
        _first(member(metadata, "buildFinishedOn"), member(metadata, "buildStartedOn")),
        _as_materials(materials),
    )


def _parted(uri: str | None) -> tuple[str | None, str | None]:
    """A repository's address and the ref behind it: `…@refs/tags/v1`, or git's context `…#ref:folder`."""
    if uri is None:
        return None, None
    found = _REF.search(uri)
    if found:
        return uri[: found.start()], found[1]
    address, _, fragment = uri.partition("#")
    ref = fragment.partition(":")[0]
    return address, ref or None


def _materials(value: Any) -> list[tuple[str, Any]]:
    entries = value if isinstance(value, list) else []
    found = ((member(one, "uri"), member(one, "digest")) for one in entries)
    return [(uri, digests) for uri, digests in found if isinstance(uri, str) and len(uri) <= _MAX_TEXT]


def _as_materials(found: Iterable[tuple[str, Any]]) -> tuple[Material, ...]:
    images_first = sorted(found, key=lambda one: not one[0].startswith(IMAGE))
    return tuple(Material(uri, _sha256(digests)) for uri, digests in images_first[:_MAX_MATERIALS])


def _sha256(digests: Any) -> str | None:
    value = member(digests, "sha256")
    return f"sha256:{value}" if isinstance(value, str) and is_digest(f"sha256:{value}") else None


def _commits(digests: Iterable[Any]) -> list[Any]:
    return [member(one, name) for one in digests for name in _COMMITS]


def _first(*values: Any) -> str | None:
    """The first that is a text, and no book."""
    return next((value for value in values if isinstance(value, str) and 0 < len(value) <= _MAX_TEXT), None)
