"""What hangs on a manifest in its registry: the referrers API, its fallback tag, and the tags that cosign uses.

Source: OCI distribution-spec, Listing Referrers and Referrers Tag Schema; sigstore/cosign, SIGNATURE_SPEC. What a
listing says is a hint: who uses it looks into the manifests.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from container_updates.errors import BadAnswer, Inconclusive, RateLimited
from container_updates.reference import Reference, is_digest
from container_updates.registry import manifests
from container_updates.registry.http.exchange import Answer
from container_updates.registry.http.headers import next_query
from container_updates.registry.manifests import ACCEPT, MAX_MANIFEST, Manifest

if TYPE_CHECKING:
    from container_updates.registry.client import Registry

PREDICATE = "dev.sigstore.bundle.predicateType"
"""The annotation by which a bundle's manifest says what it states (cosign, BUNDLE_SPEC)."""
_MAX_PAGES = 20
_MOST_LISTED = 5000
_LONGEST_TYPE = 200
"""Characters: what is compared with it is shorter."""
_NO_METHOD = frozenset({405, 501})
_API_KEPT = 7 * 86400.0
"""Seconds for which it is believed that a registry has the referrers API, or has none: it may get one."""
_ACCEPT = {"Accept": ", ".join(ACCEPT)}
_INDEX = {"Accept": manifests.OCI_INDEX}


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a listing."""

    digest: str
    artifact_type: str | None
    """As the listing says; some registries put the config's media type there."""
    predicate: str | None = None
    """What kind of statement a Sigstore bundle is, where the listing says it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What refers to a manifest."""

    entries: tuple[Listed, ...] = ()
    failed: Inconclusive | None = None
    """Why the registry's own list could not be read: there may be more than what its fallback tag lists."""


def of(registry: "Registry", reference: Reference, digest: str) -> Listing:
    """Return what the registry lists as referring to `digest`, by its API, or by the fallback tag where that fails."""

    def find() -> Listing:
        kept = _unpack(registry.recall("referrers", reference, f"referrers {digest}"))
        if kept is not None:
            return Listing(kept)
        found, failed = None, None
        try:
            found = _by_api(registry, reference, digest)
        except Inconclusive as error:
            failed = error
            if isinstance(error, RateLimited) or (error.status is None and not isinstance(error, BadAnswer)):
                return Listing(failed=failed)  # it would not answer the next question either
        if found is None:
            try:
                index = tagged(registry, reference, digest.replace(":", "-"))
            except Inconclusive as error:
                return Listing(failed=failed or error)
            found = _listed(index) if index is not None and index.is_index else []
        listed = tuple(dict.fromkeys(found))
        if failed is None:
            value = json.dumps([[one.digest, one.artifact_type, one.predicate] for one in listed]).encode()
            registry.keep("referrers", reference, f"referrers {digest}", value, registry.cache_ttl)
        return Listing(listed, failed)

    return registry.once("referrers", reference, digest, find)


def tagged(registry: "Registry", reference: Reference, tag: str) -> Manifest | None:
    """Return the manifest under a tag that a digest makes up, None where there is none; kept for the time to live."""

    def find() -> Manifest | None:
        kept = registry.recall("attached", reference, tag)
        if kept is not None:
            return _manifest(kept)
        answer = registry.get(reference, f"manifests/{tag}", headers=_ACCEPT, limit=MAX_MANIFEST)
        if answer.status not in (200, 404):
            raise BadAnswer(f"{reference.registry} answers HTTP {answer.status}", status=answer.status)
        body = b""
        if answer.status == 200:
            found = manifests.parse(answer.body, answer.headers.get("Content-Type"))
            body = f"{found.media_type}\n".encode() + answer.body
        registry.keep("attached", reference, tag, body, registry.cache_ttl)
        return _manifest(body)

    return registry.once("attached", reference, tag, find)


def _by_api(registry: "Registry", reference: Reference, digest: str) -> list[Listed] | None:
    """Return what the referrers API lists, None where it answers nothing; that is learnt once."""
    if b"0" in (_learnt(registry, reference), _learnt(registry, _host(reference))):
        return None
    found: list[Listed] = []
    path = f"referrers/{digest}"
    for page in range(_MAX_PAGES):
        answer = registry.get(reference, path, headers=_INDEX, limit=MAX_MANIFEST)
        if (answer.status in _NO_METHOD or answer.status == 404) and page == 0:
            _learn_absence(registry, reference, digest, answer)
            return None
        if answer.status != 200:
            raise BadAnswer(f"{reference.registry} answers HTTP {answer.status} for referrers", status=answer.status)
        if page == 0:
            _learn(registry, reference, b"1")
            _learn(registry, _host(reference), b"1")
        before = len(found)
        index = manifests.parse(answer.body, answer.headers.get("Content-Type"))
        found += _listed(index)
        query = next_query(answer.headers.get("Link", ""))
        if query is None or len(found) == before:
            return found
        if len(found) > _MOST_LISTED:
            break
        path = f"referrers/{digest}?{query}"
    raise BadAnswer(f"{reference.registry} lists more referrers than are looked at ({len(found)})")


def _learn_absence(registry: "Registry", reference: Reference, digest: str, answer: Answer) -> None:
    """Remember that there is no referrers API, where the answer proves it.

    A registry that has the API never answers 404 for it (distribution-spec, Listing Referrers), but what stands before
    it does: for a repository that it does not know, or a digest that was cleaned up. So the digest has to be there.
    An answer in the form of the API's own errors, or on a host where another repository has the API, is this
    repository's only: one host may have several registries behind it. Raises `BadAnswer` where this repository had the
    API within the last days: its answer is missing now, which is not the same as an empty one.
    """
    if _learnt(registry, reference) == b"1":
        words = f"{reference.registry} answers HTTP {answer.status} for referrers, which it has listed before"
        raise BadAnswer(words, status=answer.status)
    code = manifests.error_code(answer.body)
    if answer.status == 404 and (code == "NAME_UNKNOWN" or not registry.has(reference, digest)):
        return
    unclear = code is not None or _learnt(registry, _host(reference)) == b"1"
    _learn(registry, reference if unclear else _host(reference), b"0")


def _learnt(registry: "Registry", place: Reference) -> bytes | None:
    return registry.recall("referrers-api", place, "api")


def _learn(registry: "Registry", place: Reference, value: bytes) -> None:
    if _learnt(registry, place) != value:
        registry.keep("referrers-api", place, "api", value, _API_KEPT)


def _host(reference: Reference) -> Reference:
    """The registry as a whole."""
    return Reference(reference.registry, "", "api")


def _listed(index: Manifest) -> list[Listed]:
    return [
        Listed(one.digest, _short(one.artifact_type), _short(one.annotations.get(PREDICATE))) for one in index.entries
    ]


def _short(kind: str | None) -> str | None:
    return kind and kind[:_LONGEST_TYPE]


def _manifest(kept: bytes) -> Manifest | None:
    media_type, _, body = kept.partition(b"\n")
    return manifests.parse(body, media_type.decode("latin-1")) if body else None


def _unpack(kept: bytes | None) -> tuple[Listed, ...] | None:
    try:
        listed = tuple(Listed(*one) for one in json.loads(kept or b""))
    except (ValueError, TypeError):
        return None
    return listed if all(isinstance(one.digest, str) and is_digest(one.digest) for one in listed) else None
