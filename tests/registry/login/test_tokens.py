"""Tokens for many repositories: as few as servers and the proxies before registries allow, and new ones in time."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from container_updates import errors
from tests.registry.login.test_authorization import Tokens, ask

NAMES = [f"team/app{number:02}" for number in range(70)]


class Wide(Tokens):
    """Tokens that grow with what they are for, as those of GitLab, Harbor and Docker Hub do."""

    size = 150
    """Characters a repository."""

    def token(self, request):
        status, headers, body = super().token(request)
        if status == 200:
            text = json.loads(body)[self.member]
            body = json.dumps({self.member: text + "," + "x" * self.size * (text.count(",") + 1)}).encode()
        return status, headers, body


def behind_a_proxy(server, limit, status):
    """Let every request with a longer Authorization be refused before it comes to the registry."""
    for path, right in list(server.routes.items()):
        if "/manifests/" in path:
            server.routes[path] = lambda request, right=right: (
                (status, {}, b"<html>Request Header Or Cookie Too Large</html>")
                if len(request.headers.get("Authorization", "")) > limit
                else right(request)
            )


@pytest.mark.parametrize("status", [400, 413, 431])
@pytest.mark.parametrize("limit", [8192, 4096, 1024, 400])
def test_a_token_for_all_repositories_that_a_proxy_finds_too_large_becomes_several(asker, server, status, limit):
    tokens = Wide(server)
    wanted = [tokens.publish(name) for name in NAMES]
    behind_a_proxy(server, limit, status)
    assert ask(asker.registry(), [server.reference(f"{name}:1") for name in NAMES]) == wanted
    if limit == 8192:  # of nginx and Apache: nothing larger is even tried
        assert len(tokens.scopes) <= 6
        assert max(len(headers.get("Authorization") or "") for _, _, headers in server.seen) < limit


@pytest.mark.parametrize("status", [500, 503, 400, 403, 429])
def test_a_token_server_that_fails_for_many_repositories_is_asked_for_each(asker, server, status):
    tokens = Tokens(server)
    wanted = [tokens.publish(name) for name in NAMES]
    right = tokens.token
    server.routes["/Token/Realm"] = lambda request: (
        (status, {}, b"") if request.path.count("scope=") > 1 else right(request)
    )
    assert ask(asker.registry(), [server.reference(f"{name}:1") for name in NAMES]) == wanted


def test_a_token_server_that_hangs_up_on_many_repositories_is_asked_for_each(asker, server):
    tokens = Tokens(server)
    wanted = [tokens.publish(name) for name in NAMES[:20]]
    right = tokens.token

    def token(request):
        if request.path.count("scope=") > 1:
            request.close_connection = True
            request.connection.close()
            raise ConnectionAbortedError
        return right(request)

    server.routes["/Token/Realm"] = token
    assert ask(asker.registry(), [server.reference(f"{name}:1") for name in NAMES[:20]]) == wanted


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_a_scope_that_the_token_server_does_not_like_costs_itself(asker, server, status):
    tokens = Tokens(server)
    wanted = [tokens.publish(name) for name in NAMES[:10]]
    right = tokens.token
    server.routes["/Token/Realm"] = lambda request: (
        (status, {}, b"") if f":{NAMES[3]}:" in request.path.replace("%3A", ":") else right(request)
    )
    found = ask(asker.registry(), [server.reference(f"{name}:1") for name in NAMES[:10]])
    assert isinstance(found.pop(3), errors.Inconclusive)
    wanted.pop(3)
    assert found == wanted


@pytest.mark.parametrize("refusal", [400, 401], ids=["400 as some have it", "401"])
@pytest.mark.parametrize("together", [True, False], ids=["shared", "alone"])
def test_a_token_that_expired_before_its_time_is_replaced_by_a_new_one_once(asker, server, refusal, together):
    given = []

    def token(request):
        given.append(len(parse_qs(urlsplit(request.path).query)["scope"]))
        return 200, {}, json.dumps({"token": f"t{len(given)}", "expires_in": 300}).encode()

    server.routes["/token"] = token
    good = {"Bearer t1"}
    challenge = {"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}

    def guarded(right):
        def answer(request):
            shown = request.headers.get("Authorization")
            return right if shown in good else (401, challenge, b"") if shown is None else (refusal, challenge, b"")

        return answer

    names = ["one", "two"]
    wanted = [server.publish(name, tag) for name in names for tag in ("1", "2")]
    for path, right in list(server.routes.items()):
        if "/manifests/" in path:
            server.routes[path] = guarded(right)
    registry = asker.registry()
    if together:
        registry.expect([server.reference(f"{name}:1") for name in names])
        assert registry.published(server.reference("one:1")).digest == wanted[0]
        good.clear()
        good.add("Bearer t2")
        assert registry.published(server.reference("two:1")).digest == wanted[2]
        assert registry.published(server.reference("one:2")).digest == wanted[1]
        assert given == [2, 2]
    else:
        assert registry.published(server.reference("one:1")).digest == wanted[0]
        good.clear()
        good.add("Bearer t2")
        assert registry.published(server.reference("one:2")).digest == wanted[1]
        assert given == [1, 1]
    good.clear()
    with pytest.raises(errors.Inconclusive):
        registry.published(server.reference("two:2"))
    assert len(given) <= 4
