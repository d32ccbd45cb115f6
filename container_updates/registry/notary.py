"""Files of Docker Content Trust: what a server of Notary v1 has under /v2/NAME/_trust/tuf/ (server/handlers).

The name is the whole one, `docker.io/library/alpine`, in the path as in a token's scope.
"""

from typing import TYPE_CHECKING

from container_updates.errors import BadAnswer
from container_updates.reference import Reference
from container_updates.registry.hosts import Endpoint
from container_updates.registry.manifests import has_digest

if TYPE_CHECKING:
    from container_updates.registry.client import Registry

MAX_FILE = 5 * 1024 * 1024
"""Bytes of one file."""
_HEADERS = {"Accept": "application/json"}


def document(
    registry: "Registry", reference: Reference, server: Endpoint, role: str, digest: str | None, consistent: bool
) -> bytes | None:
    """Return a role's file, None where the server has none; `digest` is the SHA-256 that its parent lists, in hex.

    By digest it is kept for good, else for the time to live. The role's name may lead to a newer file than the one
    that is listed: then it is asked for by its digest, or at once where files are only there by that (`consistent`).
    What does not match either way is returned as it came. Raises `Inconclusive` where the server does not say.
    """
    if digest is None:
        return _named(registry, reference, server, role)
    listed = f"sha256:{digest}"
    kept = registry.recall("blob", reference, listed, at=server)
    if kept is not None and has_digest(kept, listed):
        return kept
    names = [role, f"{role}.{digest}"]
    found = None
    for name in reversed(names) if consistent else names:
        body = _named(registry, reference, server, name)
        if body is not None and has_digest(body, listed):
            registry.keep("blob", reference, listed, body, None, at=server)
            return body
        found = found or body
    return found


def _named(registry: "Registry", reference: Reference, server: Endpoint, name: str) -> bytes | None:
    """What the server has under a name, now or within the time to live."""
    path = f"_trust/tuf/{name}.json"
    place = f"{server.host}{server.prefix} {path}"

    def find() -> bytes | None:
        kept = registry.recall("attached", reference, place, at=server)
        if kept is not None:
            return kept or None
        answer = registry.get(reference, path, headers=_HEADERS, limit=MAX_FILE, at=server)
        if answer.status not in (200, 404):
            words = f"{server.host} answers HTTP {answer.status} when asked for trust data"
            raise BadAnswer(words, status=answer.status)
        body = answer.body if answer.status == 200 else b""
        if answer.status == 200 and not body.startswith(b"{"):
            raise BadAnswer(f"{server.host} answers no trust data when asked for it", status=answer.status)
        registry.keep("attached", reference, place, body, registry.cache_ttl, at=server)
        return body or None

    return registry.once("notary", reference, place, find)
