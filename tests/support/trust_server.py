"""An embedded registry that is a Content Trust server, too, as Docker Trusted Registry was."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from container_updates.demo.http import Request, Response, json_response
from container_updates.demo.registry.server import RegistryServer

_ROUTE = re.compile(r"/v2/(?P<gun>.+)/_trust/tuf/(?P<name>.+)\.json")
_BY_HASH = re.compile(r"(?P<role>.+)\.(?P<digest>[0-9a-f]{64})")


class TrustServer(RegistryServer):
    """`with TrustServer() as registry: registry.trust[gun] = files`, role to file."""

    def __init__(self, *, trust_auth: Any = None, **more: Any) -> None:
        super().__init__(**more)
        self.trust: dict[str, Mapping[str, bytes]] = {}
        self.past: dict[str, dict[str, bytes]] = {}
        """By repository: what its files were, by their SHA-256."""
        self.trust_auth = trust_auth or self.auth
        """What asks for a login before trust data."""

    def publish(self, gun: str, files: Mapping[str, bytes]) -> None:
        """Let these be the files of a repository; those before are there by their hash only."""
        self.trust[gun] = files
        by_hash = {hashlib.sha256(body).hexdigest(): body for body in files.values()}
        self.past.setdefault(gun, {}).update(by_hash)

    def answer(self, request: Request) -> Response:
        """What a server of Notary v1 says, or what a registry does."""
        route = _ROUTE.fullmatch(request.path)
        if route is None:
            token = self.trust_auth.token(request) if self.trust_auth is not None else None
            return token if token is not None and token.status == 200 else super().answer(request)
        refusal = self.trust_auth.refuse(request, route["gun"], self.url) if self.trust_auth is not None else None
        if refusal is not None:
            return refusal
        by_hash = _BY_HASH.fullmatch(route["name"])
        if by_hash is not None:
            body = self.past.get(route["gun"], {}).get(by_hash["digest"])
        else:
            body = self.trust.get(route["gun"], {}).get(route["name"])
        if body is None:
            return json_response({"errors": [{"code": "METADATA_NOT_FOUND", "message": "You have to look"}]}, 404)
        return Response(200, body, {"Content-Type": "application/json"})
