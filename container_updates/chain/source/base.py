"""What an image was built upon, and whether that is still what its tag names."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from container_updates import reference as references
from container_updates.chain import Context, inconclusive
from container_updates.chain.source import labels
from container_updates.errors import Inconclusive, InvalidReference, NotFound, Unresolvable
from container_updates.model import Finding, Platform, Subject, Verdict
from container_updates.reference import Reference
from container_updates.registry import Registry, configs, manifests
from container_updates.signing.provenance import IMAGE, Material
from container_updates.untrusted.addresses import may_lead_to

_MOST_COMPARED = 6
"""Images among the materials of a build whose layers are compared."""
_TOOLS = frozenset({"docker/dockerfile", "docker/dockerfile-upstream", "docker/buildkit-syft-scanner"})
"""What BuildKit builds with, at Docker Hub; nothing is built upon them."""


@dataclass(frozen=True, slots=True)
class Base:
    """The image whose layers begin ours."""

    reference: Reference
    digest: str | None
    """That it was when ours was built upon it."""
    proven: bool
    """Its layers were compared and a signature says that it was an input; else labels or a bare provenance say so."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Its own, which ours has inherited unless it set them anew; empty where nobody looked."""

    def plain(self) -> dict[str, Any]:
        """As a detail of a finding."""
        known = {"name": _tagged(self.reference), "digest": self.digest, "proven": self.proven}
        return {member: value for member, value in known.items() if value is not None}


def find(subject: Subject, proven: Iterable[Material], claimed: Iterable[Material], context: Context) -> Base | None:
    """Return the base image of what runs; None where nothing says it, or where it cannot be looked at.

    Of the images that went into the build it is the one with the most layers that begin ours; else labels name it.
    `proven` are what a signed provenance names, `claimed` what others say.
    """
    found: list[tuple[int, Base]] = []
    signed = dict.fromkeys(map(_image, proven))
    named = dict.fromkeys((*signed, *map(_image, claimed)))
    images = [one for one in named if one is not None and _may_be_asked(one, subject, context)]
    platform, ours = _running(subject, context) if images else (None, ())
    for image in images[:_MOST_COMPARED] if len(ours) > 1 else ():
        try:
            theirs = config(image, platform, context.registry)
        except Inconclusive:
            continue  # nothing is said of a base that nobody can look at
        if theirs is not None and 0 < len(theirs.layers) < len(ours) and theirs.layers == ours[: len(theirs.layers)]:
            found.append((len(theirs.layers), Base(image, image.digest, image in signed, theirs.labels)))
    if found:
        return max(found, key=lambda one: one[0])[1]
    return labelled(subject, context)


def examine(base: Mapping[str, Any], subject: Subject, context: Context) -> Iterator[Finding]:
    """Yield the finding on a base as `Base.plain` has it; nothing where it is what its tag names today."""
    try:
        reference, digest = references.parse(str(base.get("name", ""))), base.get("digest")
    except InvalidReference:
        return
    if reference.tag is None or not isinstance(digest, str):
        return
    what = f"{subject.reference} base {reference}"
    details = {"base": str(reference), "base_digest": digest}
    try:
        published = context.registry.published(reference)
        platform = subject.image.platform or context.details(subject.image).platform
        moved = published.digest != digest and _moved(reference, digest, published.digest, platform, context.registry)
    except NotFound as error:
        if error.repository_answers:
            message = f"{what} is gone from its registry"
            yield Finding("source", "base-outdated", Verdict.FAIL, message, details)
        else:
            yield inconclusive("source", what, error, about="base_outdated", **details)
        return
    except Inconclusive as error:
        yield inconclusive("source", what, error, about="base_outdated", **details)
        return
    if moved:
        says = "" if base.get("proven") else ", as it claims,"
        built, today = references.short(digest), references.short(published.digest)
        message = f"{what} outdated: built{says} from {built}, published {today}"
        details["published_digest"] = published.digest
        yield Finding("source", "base-outdated", Verdict.FAIL, message, details)


def _running(subject: Subject, context: Context) -> tuple[Platform | None, tuple[str, ...]]:
    """The platform and layers of what runs; no layers where the engine does not tell them."""
    try:
        details = context.details(subject.image)
    except Unresolvable:
        return None, ()
    return subject.image.platform or details.platform, details.layers


def _moved(reference: Reference, digest: str, today: str, platform: Platform | None, registry: Registry) -> bool:
    """Whether another image is published for the platform: the platform decides, not the index."""
    now = _manifest(reference, today, platform, registry)
    try:
        before = _manifest(reference, digest, platform, registry)
    except NotFound:
        before = digest
    return now is None or now not in (digest, before)


def _manifest(reference: Reference, digest: str, platform: Platform | None, registry: Registry) -> str | None:
    """The digest of the manifest for the platform that is behind a digest; None where an index has none."""
    manifest = registry.manifest(reference, digest)
    if not manifest.is_index:
        return digest
    entry = manifests.for_platform(manifest, platform) if platform else None
    return entry.digest if entry else None


def config(image: Reference, platform: Platform | None, registry: Registry) -> manifests.ImageConfig | None:
    """Return what an image that is named by digest says of itself; None for one without a config for the platform."""
    digest = _manifest(image, image.digest or "", platform, registry)
    manifest = registry.manifest(image, digest) if digest else None
    return configs.of(registry, image, manifest) if manifest else None


def labelled(subject: Subject, context: Context, *, also: Collection[str] = ()) -> Base | None:
    """Return the base that the image's labels name; None for none, or where its registry is none to talk to.

    `also` are registries that somebody else chose than whoever wrote the labels.
    """
    name = labels.claimed(subject.image.labels, labels.BASE_NAME)
    digest = labels.claimed(subject.image.labels, labels.BASE_DIGEST)
    try:
        reference = references.parse(name or "")
    except InvalidReference:
        return None
    chosen = reference.registry in also and is_allowed(reference.registry, context)
    if not chosen and not _may_be_asked(reference, subject, context):
        return None
    return Base(reference, digest if digest and references.is_digest(digest) else reference.digest, proven=False)


def _may_be_asked(image: Reference, subject: Subject, context: Context) -> bool:
    """Whether its registry is one to talk to: an image shall not aim the check at what only this machine reaches."""
    allowed = is_allowed(image.registry, context)
    return allowed and may_lead_to(subject.reference.registry, image.registry)


def is_allowed(registry: str, context: Context) -> bool:
    """Return whether the policy allows images from a registry."""
    return context.policy is None or context.policy.allows(registry)


def _image(material: Material) -> Reference | None:
    """The image that a package URL names (purl-spec, docker): `pkg:docker/alpine@3.20?platform=linux%2Famd64`.

    A library would bring a type's every rule for what are three splits here, of which all but the result is dropped.
    """
    if not material.uri.startswith(IMAGE) or material.digest is None:
        return None
    name, _, qualifiers = material.uri.removeprefix(IMAGE).partition("#")[0].partition("?")
    name, _, version = unquote(name).partition("@")
    tagged = f"{name}:{version}" if version and not references.is_digest(version) else name
    pinned = "digest" in parse_qs(qualifiers) or references.is_digest(version)
    try:
        parsed = references.parse(f"{tagged}@{material.digest}")
    except (InvalidReference, ValueError):
        return None
    tool = parsed.registry == references.DOCKER_HUB and parsed.repository in _TOOLS
    return parsed if (parsed.tag or pinned) and not tool else None


def _tagged(reference: Reference) -> str:
    return f"{reference.name}:{reference.tag}" if reference.tag else str(reference)
