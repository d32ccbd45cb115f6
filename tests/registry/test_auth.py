"""Logins and tokens: everybody gets what is theirs, nobody else does."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from container_updates import errors


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Tokens:
    """A token server whose tokens name the repositories they are for; `denied` ones are never among them."""

    def __init__(self, server, *, path="/Token/Realm", member="token", denied=(), refuse_all=False, scheme="Bearer"):
        self.server, self.member, self.denied, self.refuse_all = server, member, denied, refuse_all
        self.challenge = f'{scheme} realm="{server.url}{path}",service="Registry.Example",scope="repository:x:pull"'
        self.logins = []
        self.scopes = []
        server.routes[path] = self.token

    def token(self, request):
        query = parse_qs(urlsplit(request.path).query)
        names = [scope.split(":")[1] for scope in query["scope"]]
        self.scopes.append(names)
        self.logins.append(request.headers.get("Authorization"))
        assert query["service"] == ["Registry.Example"]
        if self.refuse_all and any(name in self.denied for name in names):
            return 403, {}, b'{"errors": [{"code": "DENIED"}]}'
        text = ",".join(name for name in names if name not in self.denied) or "nothing"
        return 200, {}, json.dumps({self.member: text, "expires_in": 300}).encode()

    def publish(self, repository, tag="1"):
        wanted = self.server.publish(repository, tag)
        path = f"/v2/{repository}/manifests/{tag}"
        answer = self.server.routes[path]

        def guarded(request):
            token = (request.headers.get("Authorization") or "").removeprefix("Bearer ")
            if repository in token.split(","):
                return answer
            return 401, {"WWW-Authenticate": self.challenge}, b"{}"

        self.server.routes[path] = guarded
        return wanted


def ask(registry, references):
    registry.expect(references)
    with ThreadPoolExecutor(16) as pool:
        return [future.exception() or future.result().digest
                for future in [pool.submit(registry.published, reference) for reference in references]]  # fmt: skip


def test_one_token_serves_all_repositories_and_the_next_run_needs_no_ping(asker, server):
    tokens = Tokens(server)
    wanted = [tokens.publish(f"team/app{number}") for number in range(20)]
    references = [server.reference(f"team/app{number}:1") for number in range(20)]
    assert ask(asker.registry(), references) == wanted
    assert len(tokens.scopes) == 1
    assert len(server.seen) == 22
    asker.store.kept = {key: value for key, value in asker.store.kept.items() if key[0] != "published"}
    server.seen.clear()
    assert ask(asker.registry(), references) == wanted
    assert len(server.seen) == 21
