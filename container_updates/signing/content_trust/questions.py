"""Where a repository's Content Trust data is: asked for only where a signer of this kind is named."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from container_updates.reference import Reference
from container_updates.registry import Registry
from container_updates.signing.signers import ContentTrustSigner, Signer
from container_updates.signing.verdict import Checked, Expected

if TYPE_CHECKING:
    from container_updates.state.store import Store

Question = Callable[[Expected], Checked | None]
"""Fetches the trust data and says what it is worth; None where there is none. Raises `Inconclusive`."""
_SEEN = "content-trust"
"""Facts: by server and repository, the versions that were last right."""


def questions(reference: Reference, signers: Sequence[Signer], registry: Registry, store: "Store") -> list[Question]:
    """One for each server that the signers name; what is right there is remembered in the store."""
    servers = dict.fromkeys(signer.server for signer in signers if isinstance(signer, ContentTrustSigner))
    return [_question(reference, server, registry, store) for server in servers]


def _question(reference: Reference, url: str | None, registry: Registry, store: "Store") -> Question:
    def ask(expected: Expected) -> Checked | None:
        from container_updates.registry import notary
        from container_updates.signing.content_trust import trust_data

        server = registry.trust_server(reference, url)
        data = trust_data.gather(partial(notary.document, registry, reference, server), expected.signers)
        if data is None:
            return None
        place = f"{server.host}{server.prefix}\n{reference.name}"
        checked = trust_data.verify(data, expected, _versions(store.recall(_SEEN, place)))
        if checked is not None and checked.versions:
            store.remember(_SEEN, place, json.dumps(checked.versions).encode())
        return checked

    return ask


def _versions(remembered: bytes | None) -> dict[str, int]:
    try:
        return {str(role): int(version) for role, version in json.loads(remembered or b"{}").items()}
    except (ValueError, TypeError, AttributeError):
        return {}
