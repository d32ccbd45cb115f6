"""Where signatures of a running image are: beside its manifest, and beside the index that lists it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from container_updates.errors import NotFound
from container_updates.model import Platform, Subject
from container_updates.registry import Registry, manifests, referrers
from container_updates.registry.manifests import Descriptor, Manifest
from container_updates.signing.bounded import MAX_BLOB, MAX_SIGNATURES
from container_updates.signing.checked import Checked, Expected

_NOTATION = "application/vnd.cncf.notary.signature"
_SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
_BUNDLE = "application/vnd.dev.sigstore.bundle"
"""The types of `notation`, `cosign` and `bundle`, which are imported only where something of them is there."""
_MAX_DIGESTS = 2
_MAX_ATTACHED = 200
"""Manifests of one listing that are looked at."""


@dataclass(frozen=True, slots=True)
class Found:
    """One signature as it was found, not yet looked at."""

    at: str
    """Digest of the manifest that it was found beside, and has to name."""
    verify: Callable[[Expected], Checked | None]
    """Reads it and says what it is worth; None where it is no signature at all. Raises `Inconclusive`."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """All that was found."""

    signatures: tuple[Found, ...]
    beyond: int
    """How many more there were than are looked at."""


def digests_of(subject: Subject, platform: Platform | None, registry: Registry) -> frozenset[str]:
    """Return the digests that a signature of what runs may name: of the platform's manifest, and of an index above it.

    An index counts once it was fetched and lists the running manifest for the running platform; where the engine knows
    none, that is the one which the tag names today.
    """
    digests, reference = subject.image.digests, subject.reference
    for digest in sorted(digests)[:_MAX_DIGESTS]:
        entry = _entry(subject, digest, platform, registry)
        if entry is not None:
            return digests | {entry}
    if reference.tag is not None:
        with suppress(NotFound):
            today = registry.published(reference).digest
            if today not in digests and _entry(subject, today, platform, registry) in digests:
                return digests | {today}
    return digests


def _entry(subject: Subject, digest: str, platform: Platform | None, registry: Registry) -> str | None:
    """The digest of the manifest that an index has for the platform; None where it is no index, or gone."""
    try:
        index = registry.manifest(subject.reference, digest)
    except NotFound:
        return None
    entry = manifests.for_platform(index, platform) if platform and index.is_index else None
    return entry.digest if entry else None


def discover(subject: Subject, digests: frozenset[str], registry: Registry) -> Discovered:
    """Return every signature beside the manifests `digests`; raises `Inconclusive` where the registry does not say."""
    found = [one for digest in sorted(digests) for one in _beside(subject, digest, registry)]
    return Discovered(tuple(found[:MAX_SIGNATURES]), max(0, len(found) - MAX_SIGNATURES))


def _beside(subject: Subject, digest: str, registry: Registry) -> Iterator[Found]:
    reference = subject.reference
    for listed in referrers.of(registry, reference, digest)[:_MAX_ATTACHED]:
        if listed.artifact_type in _NEVER:
            continue
        manifest = registry.manifest(reference, listed.digest)
        # The listing is a hint: the manifest itself says what it is about.
        if manifest.subject is not None and manifest.subject.digest == digest:
            yield from _in_manifest(subject, digest, manifest, registry)
    tagged = referrers.tagged(registry, reference, f"{digest.replace(':', '-')}.sig")
    if tagged is not None:
        for layer in tagged.layers:
            yield _simple_signing(subject, digest, layer, registry)


_NEVER = frozenset({"application/spdx+json", "application/vnd.cyclonedx+json", "application/vnd.in-toto+json"})
"""Listed types that are no signature, whatever the manifest says."""


def _in_manifest(subject: Subject, digest: str, manifest: Manifest, registry: Registry) -> Iterator[Found]:
    kind = manifest.artifact_type or (manifest.config.media_type if manifest.config else "")
    for layer in manifest.layers:
        if layer.media_type == _SIMPLE_SIGNING:
            yield _simple_signing(subject, digest, layer, registry)
        elif layer.media_type.startswith(_BUNDLE):
            yield _bundle(subject, digest, layer, registry)
        elif kind == _NOTATION:
            yield _notation(subject, digest, layer, registry)


def _simple_signing(subject: Subject, digest: str, layer: Descriptor, registry: Registry) -> Found:
    def verify(expected: Expected) -> Checked | None:
        from container_updates.signing import cosign

        if layer.media_type != _SIMPLE_SIGNING:
            return None
        return cosign.verify(layer.media_type, _read(subject, layer, registry), layer.annotations, expected)

    return Found(digest, verify)


def _bundle(subject: Subject, digest: str, layer: Descriptor, registry: Registry) -> Found:
    def verify(expected: Expected) -> Checked | None:
        from container_updates.signing import bundle

        return bundle.verify(_read(subject, layer, registry), expected)

    return Found(digest, verify)


def _notation(subject: Subject, digest: str, layer: Descriptor, registry: Registry) -> Found:
    def verify(expected: Expected) -> Checked | None:
        from container_updates.signing import notation

        return notation.verify(layer.media_type, _read(subject, layer, registry), expected)

    return Found(digest, verify)


def _read(subject: Subject, layer: Descriptor, registry: Registry) -> bytes:
    return registry.blob(subject.reference, layer.digest, MAX_BLOB)
