"""What an update changes, package by package, from the lists (SBOM) beside the running and the published image."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from container_updates.chain import Context
from container_updates.chain.updates.difference import Place
from container_updates.errors import Inconclusive, NotFound
from container_updates.model import Image, Subject
from container_updates.registry import referrers
from container_updates.signing import discovery, sbom
from container_updates.signing.sbom import Packages

_LISTED = 500
_TYPE, _ABOUT, _PREDICATE = "vnd.docker.reference.type", "vnd.docker.reference.digest", "in-toto.io/predicate-type"
"""BuildKit's documentation, attestation storage."""
_DSSE = "application/vnd.dsse.envelope.v1+json"


@dataclass(frozen=True, slots=True)
class _Found:
    packages: Packages
    signed: bool


def brought(subject: Subject, published: Place, context: Context) -> dict[str, Any] | None:
    """Return `details.change.packages`; None where either image has no list. Nothing about it is ever an error."""
    try:
        running = _place(subject, context)
        before = _list(subject, running, context) if running else None
        after = _list(subject, published, context) if before else None
    except Inconclusive:
        return None
    if before is None or after is None:
        return None
    changed = [
        {"name": key[1], "type": key[0], **_pair(before.packages.get(key), after.packages.get(key))}
        for key in sorted({*before.packages, *after.packages}, key=lambda key: (key[1], key[0]))
        if before.packages.get(key) != after.packages.get(key)
    ]
    return {
        "from": "sbom",
        "signed": before.signed and after.signed,
        "count": len(changed),
        "packages": changed[:_LISTED],
    }


def by_pull(subject: Subject, pulled: Image, context: Context) -> dict[str, Any] | None:
    """Return the same for an image that the engine has pulled already."""
    try:
        place = _place(replace(subject, image=pulled, tag_image=None), context)
    except Inconclusive:
        return None
    return brought(subject, place, context) if place else None


def _pair(before: str | None, after: str | None) -> dict[str, str]:
    return {name: value for name, value in (("before", before), ("after", after)) if value is not None}


def _place(subject: Subject, context: Context) -> Place | None:
    platform = subject.image.platform or context.details(subject.image).platform
    above = discovery.above(subject, platform, context.registry)
    if above is not None:
        return Place(above.index, above.entry)
    digest = subject.image.manifest_digest or min(subject.image.digests, default=None)
    return Place(None, digest) if digest else None


def _list(subject: Subject, place: Place, context: Context) -> _Found | None:
    """The packages of one image, kept for good by its digest: also that it has no list."""
    registry, reference = context.registry, subject.reference
    name = f"packages {place.digest} {context.trust.policy_fingerprint if context.trust else ''}"
    kept = registry.recall("sbom", reference, name)
    if kept is not None:
        with suppress(ValueError, TypeError):
            packages = sbom.unpack(kept[1:])
            return None if packages is None else _Found(packages, kept[:1] == b"s")
    found = next(_signed(subject, place, context), None) or next(_of_buildkit(subject, place, context), None)
    value = (b"s" if found and found.signed else b"u") + sbom.pack(found.packages if found else None)
    registry.keep("sbom", reference, name, value, None)
    return found


def _of_buildkit(subject: Subject, place: Place, context: Context) -> Iterator[_Found]:
    """Lists that BuildKit put into the index: part of it, and signed by nobody."""
    for entry in place.index.entries if place.index else ():
        if entry.annotations.get(_TYPE) != "attestation-manifest" or entry.annotations.get(_ABOUT) != place.digest:
            continue
        with suppress(NotFound):
            manifest = context.registry.manifest(subject.reference, entry.digest)
            for layer in manifest.layers:
                said = layer.annotations.get(_PREDICATE, "")
                if said.startswith(sbom.PREDICATES) and layer.size <= sbom.MAX_SBOM:
                    body = context.registry.blob(subject.reference, layer.digest, sbom.MAX_SBOM)
                    packages = sbom.read(body, place.digest)
                    if packages is not None:
                        yield _Found(packages, False)


def _signed(subject: Subject, place: Place, context: Context) -> Iterator[_Found]:
    """Lists that cosign attested beside the image or its index, under its tag; proven where the policy names who."""
    for digest in dict.fromkeys([place.digest, *([place.index.digest] if place.index else [])]):
        manifest = referrers.tagged(context.registry, subject.reference, f"{digest.replace(':', '-')}.att")
        for layer in manifest.layers[:20] if manifest else ():
            said = layer.annotations.get("predicateType", sbom.PREDICATES[0])
            if layer.media_type != _DSSE or not said.startswith(sbom.PREDICATES) or layer.size > sbom.MAX_SBOM:
                continue
            with suppress(NotFound):
                body = context.registry.blob(subject.reference, layer.digest, sbom.MAX_SBOM)
                packages = sbom.read(body, digest)
                if packages is not None:
                    yield _Found(packages, _is_proven(subject, digest, body, layer.annotations, said, context))


def _is_proven(subject: Subject, digest: str, body: bytes, annotations: Any, predicate: str, context: Context) -> bool:
    """Whether somebody signed the list whom the policy names for the image."""
    rule = context.policy.rule_for(subject.reference) if context.policy else None
    if rule is None or not rule.signers:
        return False
    from container_updates.signing.sigstore import cosign
    from container_updates.signing.verdict import Expected, Unknown, Validity, Wrong

    expected = Expected(
        frozenset({digest}),
        subject.reference,
        context.clock.now(),
        rule.signers,
        predicate_types=frozenset({predicate}),
    )
    try:
        checked = cosign.verify_attestation(_DSSE, body, annotations, expected)
    except (Wrong, Unknown):
        return False
    return checked is not None and checked.state is Validity.GOOD
