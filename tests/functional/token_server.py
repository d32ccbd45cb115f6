"""A token server as the distribution project's token specification has it (spec/auth/token.md, jwt.md)."""

import base64
import json
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from .certificates import Authority

_PATH = "/JWT/Auth"  # upper case, as GitLab and others have it


class TokenServer:
    """Gives tokens to one user, or to anybody for repositories under `public/`.

    `denied` are repositories whose scope makes it refuse the whole request; those in `withheld` are left out of the
    token in silence. Both occur in the wild.
    """

    issuer = "token server of the tests"
    service = "Registry.Tests"

    def __init__(self, user: str, password: str) -> None:
        self.denied: set[str] = set()
        self.withheld: set[str] = set()
        self.member = "token"
        """`token` or `access_token`: what the answer calls it."""
        self.requests: list[list[str]] = []
        """The scopes of each request."""
        self._login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._authority = Authority(self.issuer)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._requests())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def realm(self) -> str:
        """Where tokens are asked for."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{_PATH}"

    @property
    def certificate(self) -> bytes:
        """Whose signatures the registry shall believe, PEM."""
        return self._authority.pem

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        """Deny nothing, and forget what was asked."""
        self.denied, self.withheld, self.member = set(), set(), "token"
        self.requests.clear()

    def _answer(self, target: str, login: str | None) -> tuple[int, dict[str, Any]]:
        url = urlsplit(target)
        if url.path != _PATH:
            return 404, {"errors": [{"code": "NOT_FOUND"}]}
        query = parse_qs(url.query)
        scopes = [scope for value in query.get("scope", []) for scope in value.split(" ")]
        self.requests.append(scopes)
        if query.get("service") != [self.service]:
            return 400, {"details": "unknown service"}
        if login is not None and login != self._login:
            return 401, {"details": "incorrect username or password"}
        access = []
        for scope in scopes:
            kind, repository, actions = scope.split(":", 2)
            if repository in self.denied:
                return 403, {"details": "requested access to the resource is denied"}
            if repository not in self.withheld and (login is not None or repository.startswith("public/")):
                access.append({"type": kind, "name": repository, "actions": actions.split(",")})
        return 200, {self.member: self._token(access), "expires_in": 300}

    def _token(self, access: Iterable[dict[str, Any]]) -> str:
        now = int(time.time())
        chain = [base64.b64encode(self._authority.certificate.public_bytes(serialization.Encoding.DER)).decode()]
        claims = {
            "iss": self.issuer,
            "aud": self.service,
            "sub": "",
            "exp": now + 300,
            "nbf": now - 60,
            "iat": now,
            "jti": str(now),
            "access": list(access),
        }
        signed = ".".join(
            _encoded(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "RS256", "x5c": chain}, claims)
        )
        signature = self._authority.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encoded(signature)}"

    def _requests(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Request(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, answer = server._answer(self.path, self.headers.get("Authorization"))
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                # Clients that try OAuth 2 first go on with GET after this (spec/auth/oauth.md).
                self.send_error(405)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Request


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
