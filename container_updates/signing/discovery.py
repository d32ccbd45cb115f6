"""Where signatures of a running image are: beside its manifest, and beside the index that lists it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from container_updates.errors import Inconclusive, NotFound
from container_updates.model import Platform, Subject
from container_updates.reference import Reference
from container_updates.registry import Registry, manifests, referrers
from container_updates.registry.manifests import Descriptor, Manifest
from container_updates.signing.bounded import MAX_BLOB
from container_updates.signing.provenance import MAX_STATEMENT, PREDICATES
from container_updates.signing.verdict import SIGN_PREDICATE, Checked, Expected, Validity

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
class Listed:
    """What one listing has: the referrers of a manifest, or the tag that cosign makes of its digest."""

    found: tuple[Found, ...] = ()
    beyond: int = 0
    """How many more there are than are looked at."""
    failed: Inconclusive | None = None
    """Why not all of it could be read: what is looked for may be there."""


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


def signatures(reference: Reference, digests: Iterable[str], registry: Registry) -> Iterator[Listed]:
    """Yield what may be a signature beside the manifests `digests` of a repository; asks as it is iterated."""
    for digest in digests:
        place = _Place(reference, digest, registry)
        yield _referring(place, _SIGNATURES, _signature)
        yield _tagged(place, "sig", _signature)


def attestations(reference: Reference, digest: str, registry: Registry, *, tagged: bool) -> Iterator[Listed]:
    """Yield what may be SLSA provenance beside one manifest; where `tagged`, by cosign's `.att`, too."""
    place = _Place(reference, digest, registry)
    yield _referring(place, _PROVENANCE, _provenance)
    if tagged:
        yield _tagged(place, "att", _provenance)


@dataclass(frozen=True, slots=True)
class _Place:
    """One of the manifests that something may be beside."""

    reference: Reference
    digest: str
    registry: Registry


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is looked for, by what a listing says of it."""

    types: tuple[str, ...]
    """How artifact types begin that are it."""
    never: frozenset[str]
    """Artifact types that are not, whatever the manifest says."""
    predicates: frozenset[str]
    """Of bundles."""

    def order(self, listed: referrers.Listed) -> int | None:
        """Return what is read first: what says that it is wanted, 0, then what says nothing; None for what is not."""
        kind = listed.artifact_type or ""
        if kind in self.never:
            return None
        if kind.startswith(_BUNDLE) and listed.predicate is not None:
            return 0 if listed.predicate in self.predicates else None
        if kind.startswith(self.types):
            return 1
        return 2 if not kind or kind.startswith(_SAYS_NOTHING) else 3


_SBOMS = frozenset({"application/spdx+json", "application/vnd.cyclonedx+json"})
_IN_TOTO = "application/vnd.in-toto+json"
_COSIGN = "application/vnd.dev.cosign."
_SAYS_NOTHING = ("application/vnd.oci.", "application/vnd.docker.")
"""A config's media type, which some registries list in the place of an artifact type."""
_SIGNATURES = _Wanted((_NOTATION, _BUNDLE, _COSIGN), _SBOMS | {_IN_TOTO}, frozenset({SIGN_PREDICATE}))
_PROVENANCE = _Wanted((_BUNDLE, _IN_TOTO, _DSSE, _COSIGN), _SBOMS | {_NOTATION}, PREDICATES)

_Read = Callable[[_Place, Manifest, Descriptor], "Found | None"]
"""A layer of a manifest as what is looked for; None where it is something else."""


def _referring(place: _Place, wanted: _Wanted, read: _Read) -> Listed:
    """What refers to a manifest: the listing is a hint, the manifests themselves say what they are about."""
    listing = referrers.of(place.registry, place.reference, place.digest)
    ordered = [(order, one) for one in listing.entries if (order := wanted.order(one)) is not None]
    ordered.sort(key=lambda one: one[0])
    found: list[Found] = []
    failed = listing.failed
    for _, listed in ordered[:_MAX_ATTACHED]:
        try:
            manifest = place.registry.manifest(place.reference, listed.digest)
        except Inconclusive as error:
            failed = failed or error
            continue
        if manifest.subject is not None and manifest.subject.digest == place.digest:
            found += _read_layers(place, manifest, read)
    return Listed(tuple(found), max(0, len(ordered) - _MAX_ATTACHED), failed)


def _tagged(place: _Place, suffix: str, read: _Read) -> Listed:
    """What is under the tag that cosign makes of a digest."""
    tag = f"{place.digest.replace(':', '-')}.{suffix}"
    try:
        manifest = referrers.tagged(place.registry, place.reference, tag)
    except Inconclusive as error:
        return Listed(failed=error)
    return Listed(tuple(_read_layers(place, manifest, read)) if manifest is not None else ())


def _read_layers(place: _Place, manifest: Manifest, read: _Read) -> list[Found]:
    return [one for layer in manifest.layers if (one := read(place, manifest, layer)) is not None]


def _signature(place: _Place, manifest: Manifest, layer: Descriptor) -> Found | None:
    kind = manifest.artifact_type or (manifest.config.media_type if manifest.config else "")
    if layer.media_type == _SIMPLE_SIGNING:
        return _found(place, layer, _simple_signing(layer))
    if layer.media_type.startswith(_BUNDLE):
        wanted = manifest.annotations.get(referrers.PREDICATE) in (None, SIGN_PREDICATE)
        return _found(place, layer, _bundle) if wanted else None
    return _found(place, layer, _notation(place, layer)) if kind == _NOTATION else None


def _provenance(place: _Place, manifest: Manifest, layer: Descriptor) -> Found | None:
    if layer.media_type.startswith(_BUNDLE):
        wanted = manifest.annotations.get(referrers.PREDICATE) in (None, *PREDICATES)
        return _found(place, layer, _bundle, MAX_STATEMENT) if wanted else None
    if layer.media_type == _DSSE and layer.annotations.get("predicateType") in (None, *PREDICATES):
        return _found(place, layer, _attestation(layer), MAX_STATEMENT)
    return None


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


def _notation(place: _Place, layer: Descriptor) -> Reading:
    def verdict(content: bytes, expected: Expected) -> Checked | None:
        from container_updates.signing.notation import signature

        with suppress(Inconclusive):  # the digest alone decides then
            about = place.registry.manifest(place.reference, place.digest)
            expected = replace(expected, described=(about.media_type, len(about.body)))
        return signature.verify(layer.media_type, content, expected)

    return verdict


def _bundle(content: bytes, expected: Expected) -> Checked | None:
    from container_updates.signing.sigstore import bundle

    return bundle.verify(content, expected)


def _found(at: _Place, layer: Descriptor, verdict: Reading, limit: int = MAX_BLOB) -> Found:
    def read() -> bytes:
        return b"" if layer.size > limit else at.registry.blob(at.reference, layer.digest, limit)

    def verify(expected: Expected) -> Checked | None:
        if layer.size > limit:
            return Checked("attachment", Validity.UNKNOWN, f"larger than the {limit >> 20} MiB that are looked at")
        return verdict(read(), expected)

    return Found(at.digest, verify, read)
