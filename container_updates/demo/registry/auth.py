"""How the embedded registry asks for a login: Basic (RFC 7617) and Bearer (distribution, spec/auth/token)."""

import base64
import binascii
import hashlib
from collections.abc import Collection, Mapping
from typing import Protocol
from urllib.parse import parse_qs

from container_updates.demo.http import Request, Response, json_response


class Auth(Protocol):
    """What stands between a request and a repository."""

    def refuse(self, request: Request, repository: str | None, url: str) -> Response | None:
        """The refusal, or None where the request may pass; `url` is the registry's own address."""

    def token(self, request: Request) -> Response | None:
        """The answer of the token endpoint, None where the request is not for it."""


class BasicAuth:
    """User and password with every request; a user may read everything but what is in `deny`."""

    def __init__(self, users: Mapping[str, str], *, deny: Collection[str] = ()) -> None:
        self.users = users
        self.deny = deny

    def refuse(self, request: Request, repository: str | None, url: str) -> Response | None:
        """401 without a login, 403 where the login may not read."""
        user = basic_user(request)
        if user is None or self.users.get(user[0]) != user[1]:
            return unauthorized('Basic realm="Registry Realm"')
        return denied() if repository in self.deny else None

    def token(self, request: Request) -> Response | None:
        """There is no token endpoint."""


class BearerAuth:
    """Tokens from an endpoint on the same server. Without `users` anybody gets one.

    `deny`: repositories that nobody may read; a token request that names one fails whole (`denied_request_fails`, as
    GitHub's registry does) or gets a token without it (as Docker Hub does). `multi_scope=False` refuses requests that
    name several. `member`: where the answer has the token, token or access_token.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        refresh_tokens: Collection[str] = (),
        deny: Collection[str] = (),
        denied_request_fails: bool = True,
        multi_scope: bool = True,
        member: str = "token",
        path: str = "/token",
        service: str = "Registry of the Lab",
        expires_in: int | None = 300,
    ) -> None:
        self.users = users
        self.refresh_tokens = refresh_tokens
        self.deny = deny
        self.denied_request_fails = denied_request_fails
        self.multi_scope = multi_scope
        self.member = member
        self.path = path
        self.service = service
        self.expires_in = expires_in
        self.realm: str | None = None
        """Another address for the challenge than the registry's own."""
        self._granted: dict[str, frozenset[str]] = {}

    def refuse(self, request: Request, repository: str | None, url: str) -> Response | None:
        """401 with a challenge unless a token grants this repository."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        granted = self._granted.get(token) if scheme.lower() == "bearer" else None
        if granted is not None and (repository is None or repository in granted):
            return None
        challenge = f'Bearer realm="{self.realm or url + self.path}",service="{self.service}"'
        if repository is not None:
            challenge += f',scope="repository:{repository}:pull"'
        return unauthorized(challenge + (',error="insufficient_scope"' if granted is not None else ""))

    def token(self, request: Request) -> Response | None:
        """A token for the scopes that were asked for, several in one request or one parameter."""
        if request.path != self.path:
            return None
        query = request.query if request.method == "GET" else parse_qs(request.body.decode("utf-8", "replace"))
        if query.get("service") != [self.service]:
            return json_response({"details": "unknown service"}, 400)
        if not self._known(request, query):
            return json_response({"details": "incorrect username or password"}, 401)
        scopes = [scope for values in query.get("scope", ()) for scope in values.split()]
        repositories = {scope.split(":", 1)[1].rsplit(":", 1)[0] for scope in scopes if scope.count(":") >= 2}
        if len(repositories) > 1 and not self.multi_scope:
            return json_response({"details": "one scope only"}, 400)
        if self.denied_request_fails and repositories & set(self.deny):
            return denied()
        granted = frozenset(repositories - set(self.deny))
        token = "lab." + hashlib.sha256("\n".join(sorted(granted)).encode()).hexdigest()
        self._granted[token] = granted
        lifetime = {} if self.expires_in is None else {"expires_in": self.expires_in}
        return json_response({self.member: token, **lifetime})

    def forget(self) -> None:
        """No token that was given is good any more."""
        self._granted.clear()

    def _known(self, request: Request, query: Mapping[str, list[str]]) -> bool:
        if query.get("grant_type") == ["refresh_token"]:
            return next(iter(query.get("refresh_token", ())), None) in self.refresh_tokens
        user = basic_user(request)
        if user is None:
            return self.users is None
        return self.users is not None and self.users.get(user[0]) == user[1]


def basic_user(request: Request) -> tuple[str, str] | None:
    """User and password of a Basic login, None where there is none."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


def unauthorized(challenge: str) -> Response:
    """401 with this challenge."""
    error = {"code": "UNAUTHORIZED", "message": "authentication required", "detail": None}
    return json_response({"errors": [error]}, 401, {"WWW-Authenticate": challenge})


def denied() -> Response:
    """403 as the distribution specification has it."""
    error = {"code": "DENIED", "message": "requested access to the resource is denied", "detail": None}
    return json_response({"errors": [error]}, 403)
