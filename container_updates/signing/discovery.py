"""Where signatures of a running image are: beside its manifest, and beside the index that lists it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from container_updates.errors import NotFound
from container_updates.model import Platform, Subject
from container_updates.registry import Registry, manifests, referrers
from container_updates.registry.manifests import Descriptor, Manifest
from container_updates.signing.bounded import MAX_BLOB, MAX_SIGNATURES
from container_updates.signing.provenance import MAX_STATEMENT, PREDICATES
from container_updates.signing.verdict import SIGN_PREDICATE, Checked, Expected, State

_NOTATION = "application/vnd.cncf.notary.signature"
_SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
_BUNDLE = "application/vnd.dev.sigstore.bundle"
_DSSE = "application/vnd.dsse.envelope.v1+json"
"""The types of `notation`, `cosign` and `bundle`, which are imported only where something of them is there."""
_MAX_DIGESTS = 2
"""Digests of one image that are asked about; mirrors and rebuilt indexes give it more."""
_MOST_TRIED = 5
"""Digests that are tried before one is found that the repository has."""
_MAX_ATTACHED = 200
"""Manifests of one listing that are looked at."""


@dataclass(frozen=True, slots=True)
class Found:
    """One signature or attestation as it was found, not yet looked at."""

    at: str
    """Digest of the manifest that it was found beside, and has to name."""
    verify: Callable[[Expected], Checked | None]
    """Reads it and says what it is worth; None where it is not what is looked for. Raises `Inconclusive`."""
    read: Callable[[], bytes]
    """The bytes alone, none of what is larger than is looked at; raises `Inconclusive`."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """All that was found."""

    signatures: tuple[Found, ...]
    beyond: int
    """How many more there were than are looked at."""


@dataclass(frozen=True, slots=True)
class Above:
    """An index that was fetched and lists what runs."""

    index: Manifest
    entry: str
    """Digest of the manifest that it has for the running platform."""


def above(subject: Subject, platform: Platform | None, registry: Registry) -> Above | None:
    """Return the index that lists the running manifest for the running platform; None where there is none.

    Of those that the engine knows, the own repository's count; then the one that the tag names today, where it is of
    the same image; and another repository's only where the own one has none.
    """
    own, reference = _own(subject, registry), subject.reference
    for digest in own:
        found = _index(subject, digest, platform, registry)
        if found is not None:
            return found
    if reference.tag is not None:
        with suppress(NotFound):
            today = registry.published(reference).digest
            found = _index(subject, today, platform, registry) if today not in own else None
            if found and (today in subject.image.digests or _is_what_runs(subject, found.entry, registry)):
                return found
    others = () if own else sorted(subject.image.digests)[:_MAX_DIGESTS]
    return next(filter(None, (_index(subject, digest, platform, registry) for digest in others)), None)


def places(subject: Subject, above: Above | None, registry: Registry) -> list[str]:
    """Return the digests that something may be beside in the subject's repository: the index first, at most a few.

    What is there signs what runs, under whatever other digests the engine knows it.
    """
    own = _own(subject, registry)
    if above is not None:
        listed = (above.index.digest, above.entry)
        return [*listed, *(digest for digest in own if digest not in listed)][: _MAX_DIGESTS + 1]
    today = _today(subject, registry)
    found = dict.fromkeys([*([today] if today else ()), *own])
    return [*found][:_MAX_DIGESTS] or sorted(subject.image.digests)[:_MAX_DIGESTS]


def _own(subject: Subject, registry: Registry) -> tuple[str, ...]:
    """The own repository's digests, at most a few: of many the one that the tag names today comes first.

    Podman lists every digest of an image under each of its names.
    """
    own = subject.own_digests
    if len(own) > _MAX_DIGESTS and subject.reference.tag is not None:
        with suppress(NotFound):
            today = registry.published(subject.reference).digest
            own = tuple(sorted(own, key=lambda digest: digest != today))
    return own[:_MOST_TRIED]


def _today(subject: Subject, registry: Registry) -> str | None:
    """Return the digest that the tag names today, where it is of the very image that runs; else None."""
    if subject.reference.tag is not None:
        with suppress(NotFound):
            today = registry.published(subject.reference).digest
            return today if _is_what_runs(subject, today, registry) else None
    return None


def _is_what_runs(subject: Subject, digest: str, registry: Registry) -> bool:
    """Whether a platform's manifest is the running image's: by its digest, or by its config's."""
    image = subject.image
    if digest in image.digests:
        return True
    if not image.id_is_config:
        return False
    manifest = registry.manifest(subject.reference, digest)
    return manifest.config is not None and manifest.config.digest == image.id


def _index(subject: Subject, digest: str, platform: Platform | None, registry: Registry) -> Above | None:
    """None where the digest is no index, or gone, or has nothing for the platform."""
    try:
        index = registry.manifest(subject.reference, digest)
    except NotFound:
        return None
    entry = manifests.for_platform(index, platform) if platform and index.is_index else None
    return Above(index, entry.digest) if entry else None


@dataclass(frozen=True, slots=True)
class _Place:
    """One of the manifests that something may be beside."""

    subject: Subject
    digest: str
    registry: Registry

    def tagged(self, suffix: str) -> tuple[Descriptor, ...]:
        """The layers under the tag that cosign makes of the digest."""
        tag = f"{self.digest.replace(':', '-')}.{suffix}"
        found = referrers.tagged(self.registry, self.subject.reference, tag)
        return found.layers if found else ()

    def referring(self) -> Iterator[Manifest]:
        """The manifests that are about this one: the listing is a hint, they themselves say what they are about."""
        reference = self.subject.reference
        for listed in referrers.of(self.registry, reference, self.digest)[:_MAX_ATTACHED]:
            if listed.artifact_type in _NEVER:
                continue
            manifest = self.registry.manifest(reference, listed.digest)
            if manifest.subject is not None and manifest.subject.digest == self.digest:
                yield manifest


def discover(subject: Subject, digests: Iterable[str], registry: Registry) -> Discovered:
    """Return every signature beside the manifests `digests`; raises `Inconclusive` where the registry does not say."""
    return _bounded([one for digest in digests for one in _signatures(_Place(subject, digest, registry))])


def attestations(subject: Subject, digest: str, registry: Registry, *, tagged: bool) -> Discovered:
    """Return every SLSA provenance beside one manifest that may be signed; where `tagged`, by cosign's `.att`, too.

    Raises `Inconclusive` where the registry does not say.
    """
    place = _Place(subject, digest, registry)
    found = [
        _found(place, layer, _bundle, MAX_STATEMENT)
        for manifest in place.referring()
        for layer in manifest.layers
        if layer.media_type.startswith(_BUNDLE) and _predicate(manifest) in (None, *PREDICATES)
    ]
    found += [
        _found(place, layer, _attestation(layer), MAX_STATEMENT)
        for layer in (place.tagged("att") if tagged else ())
        if layer.media_type == _DSSE and layer.annotations.get("predicateType") in (None, *PREDICATES)
    ]
    return _bounded(found)


def _bounded(found: list[Found]) -> Discovered:
    return Discovered(tuple(found[:MAX_SIGNATURES]), max(0, len(found) - MAX_SIGNATURES))


def _signatures(place: _Place) -> Iterator[Found]:
    for manifest in place.referring():
        kind = manifest.artifact_type or (manifest.config.media_type if manifest.config else "")
        for layer in manifest.layers:
            if layer.media_type == _SIMPLE_SIGNING:
                yield _found(place, layer, _simple_signing(layer))
            elif layer.media_type.startswith(_BUNDLE):
                if _predicate(manifest) in (None, SIGN_PREDICATE):
                    yield _found(place, layer, _bundle)
            elif kind == _NOTATION:
                yield _found(place, layer, _notation(layer))
    for layer in place.tagged("sig"):
        if layer.media_type == _SIMPLE_SIGNING:
            yield _found(place, layer, _simple_signing(layer))


_NEVER = frozenset({"application/spdx+json", "application/vnd.cyclonedx+json", "application/vnd.in-toto+json"})
"""Listed types that are no signature, whatever the manifest says."""


def _predicate(manifest: Manifest) -> str | None:
    """What a bundle is about, where its manifest says it: spares reading those that are about something else."""
    return manifest.annotations.get("dev.sigstore.bundle.predicateType")


Reading = Callable[[bytes, Expected], Checked | None]
"""A format's verdict on the bytes of a layer."""


def _simple_signing(layer: Descriptor) -> Reading:
    def verdict(content: bytes, expected: Expected) -> Checked | None:
        from container_updates.signing.sigstore import cosign

        return cosign.verify(layer.media_type, content, layer.annotations, expected)

    return verdict


def _attestation(layer: Descriptor) -> Reading:
    def verdict(content: bytes, expected: Expected) -> Checked | None:
        from container_updates.signing.sigstore import cosign

        return cosign.verify_attestation(layer.media_type, content, layer.annotations, expected)

    return verdict


def _notation(layer: Descriptor) -> Reading:
    def verdict(content: bytes, expected: Expected) -> Checked | None:
        from container_updates.signing.notation import signature

        return signature.verify(layer.media_type, content, expected)

    return verdict


def _bundle(content: bytes, expected: Expected) -> Checked | None:
    from container_updates.signing.sigstore import bundle

    return bundle.verify(content, expected)


def _found(at: _Place, layer: Descriptor, verdict: Reading, limit: int = MAX_BLOB) -> Found:
    def read() -> bytes:
        return b"" if layer.size > limit else at.registry.blob(at.subject.reference, layer.digest, limit)

    def verify(expected: Expected) -> Checked | None:
        if layer.size > limit:
            return Checked("attachment", State.UNKNOWN, f"larger than the {limit >> 20} MiB that are looked at")
        return verdict(read(), expected)

    return Found(at.digest, verify, read)
