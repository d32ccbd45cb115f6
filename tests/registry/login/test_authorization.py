"""Logins and tokens: everybody gets what is theirs, nobody else does."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from container_updates import errors
from container_updates.clock import Clock


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


def test_a_token_denied_for_one_repository_does_not_cost_the_others(asker, server):
    tokens = Tokens(server, denied={"secret"})
    wanted = [tokens.publish(name) for name in ("one", "secret", "two")]
    found = ask(asker.registry(), [server.reference(f"{name}:1") for name in ("one", "secret", "two")])
    assert [found[0], found[2]] == [wanted[0], wanted[2]]
    assert isinstance(found[1], errors.Unauthorized)
    assert "secret" in found[1].reason
    assert tokens.scopes.count(["secret"]) == 1


def test_a_repository_missing_in_the_shared_token_is_asked_with_its_own(asker, server):
    tokens = Tokens(server)
    wanted = [tokens.publish(name) for name in ("one", "shy")]

    def token(request):
        names = [scope.split(":")[1] for scope in parse_qs(urlsplit(request.path).query)["scope"]]
        return 200, {}, json.dumps({"token": names[0]}).encode()

    server.routes["/Token/Realm"] = token
    assert ask(asker.registry(), [server.reference(f"{name}:1") for name in ("one", "shy")]) == wanted


def test_where_the_shared_token_is_refused_each_repository_gets_its_own(asker, server):
    tokens = Tokens(server, denied={"secret"}, refuse_all=True)
    wanted = [tokens.publish(name) for name in ("one", "secret", "two")]
    found = ask(asker.registry(), [server.reference(f"{name}:1") for name in ("one", "secret", "two")])
    assert [found[0], found[2]] == [wanted[0], wanted[2]]
    assert isinstance(found[1], errors.Unauthorized)


def test_hundreds_of_repositories_do_not_make_an_endless_url(asker, server):
    tokens = Tokens(server)
    names = [f"group/{'long' * 20}/app{number}" for number in range(120)]
    wanted = [tokens.publish(name) for name in names]
    assert ask(asker.registry(), [server.reference(f"{name}:1") for name in names]) == wanted
    assert 1 < len(tokens.scopes) < 5
    assert max(len(path) for path in server.asked) < 6000


def test_a_repository_nobody_announced_gets_a_token_of_its_own(asker, server):
    wanted = Tokens(server).publish("app")
    assert asker.registry().published(server.reference("app:1")).digest == wanted


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
@pytest.mark.parametrize("member", ["token", "access_token"])
def test_both_names_of_the_token_and_any_case_of_the_scheme(asker, server, scheme, member):
    wanted = Tokens(server, member=member, scheme=scheme).publish("app")
    assert asker.registry().published(server.reference("app:1")).digest == wanted


@pytest.mark.parametrize("body", [b"{}", b'{"token": 3}', b'{"token": "a\\nb"}', b"<html>", b"", b"\xff", b"[" * 9999])
def test_a_token_answer_without_a_token_is_a_bad_answer(asker, server, body):
    tokens = Tokens(server)
    tokens.publish("app")
    server.routes["/Token/Realm"] = (200, {}, body)
    with pytest.raises(errors.BadAnswer):
        asker.registry().published(server.reference("app:1"))


def test_a_token_answer_is_read_up_to_a_limit(asker, server):
    Tokens(server).publish("app")
    server.routes["/Token/Realm"] = (200, {}, (b" " * 65536 for _ in range(10**5)))
    with pytest.raises(errors.BadAnswer, match="more than"):
        asker.registry().published(server.reference("app:1"))


def test_a_remembered_challenge_that_is_wrong_is_learnt_anew(asker, server):
    stale = json.dumps(["bearer", f"{server.url}/gone", "x"]).encode()
    asker.store.put("challenge", server.host, stale, None)
    tokens = Tokens(server)
    wanted = tokens.publish("app")
    assert asker.registry().published(server.reference("app:1")).digest == wanted
    assert b"/Token/Realm" in asker.store.get("challenge", server.host)


def test_a_registry_that_needs_no_login_any_more_is_asked_without(asker, server):
    asker.store.put("challenge", server.host, b'["basic", "", ""]', None)
    wanted = [server.publish("app", "1"), server.publish("app", "2")]
    assert ask(asker.registry(), [server.reference("app:1"), server.reference("app:2")]) == wanted


def test_an_expired_token_is_fetched_again(asker, server):
    tokens = Tokens(server)
    wanted = [tokens.publish("app", "1"), tokens.publish("app", "2")]
    passed = [0.0]
    asker.clock = Clock(steady=lambda: passed[0])
    registry = asker.registry(seconds=3600)
    assert registry.published(server.reference("app:1")).digest == wanted[0]
    passed[0] = 299.0
    assert registry.published(server.reference("app:2")).digest == wanted[1]
    assert len(tokens.scopes) == 2


def test_basic_login_with_a_colon_in_the_password(asker, server):
    server.publish("app", "1")
    answer = server.routes["/v2/app/manifests/1"]

    def guarded(request):
        if request.headers.get("Authorization") == basic("user", "pa:ss"):
            return answer
        return 401, {"WWW-Authenticate": 'Basic realm="Registry"'}, b""

    server.routes["/v2/app/manifests/1"] = guarded
    with pytest.raises(errors.Unauthorized, match="no"):
        asker.registry().published(server.reference("app:1"))
    asker.login({"auths": {server.host: {"auth": basic("user", "pa:ss").split()[1]}}})
    assert asker.registry().published(server.reference("app:1")).digest
    asker.login({"auths": {server.host: {"username": "other", "password": "wrong"}}})
    with pytest.raises(errors.Unauthorized) as caught:
        asker.registry().published(server.reference("app:1"))
    assert "wrong" not in str(caught.value)


def test_a_login_is_shown_to_the_token_server(asker, server):
    tokens = Tokens(server)
    tokens.publish("app")
    asker.login({"auths": {server.host: {"username": "user", "password": "secret"}}})
    asker.registry().published(server.reference("app:1"))
    assert tokens.logins == [basic("user", "secret")]


def test_an_identity_token_is_changed_for_an_access_token(asker, server):
    tokens = Tokens(server)
    wanted = tokens.publish("app")

    def refresh(request):
        form = parse_qs(request.form)
        assert request.command == "POST"
        assert form["grant_type"] == ["refresh_token"]
        assert form["refresh_token"] == ["refresh-me"]
        assert form["service"] == ["Registry.Example"]
        assert form["scope"] == ["repository:app:pull"]
        return 200, {}, b'{"access_token": "app"}'

    server.routes["/Token/Realm"] = refresh
    asker.login({"auths": {server.host: {"auth": basic("user", "").split()[1], "identitytoken": "refresh-me"}}})
    assert asker.registry().published(server.reference("app:1")).digest == wanted


def test_one_logins_answer_is_never_anothers(asker, server):
    tokens = Tokens(server)
    tokens.publish("app")
    asker.login({"auths": {server.host: {"username": "one", "password": "secret"}}})
    asker.registry().published(server.reference("app:1"))
    asker.registry().published(server.reference("app:1"))
    assert len(tokens.scopes) == 1
    asker.login({"auths": {server.host: {"username": "two", "password": "secret"}}})
    asker.registry().published(server.reference("app:1"))
    assert len(tokens.scopes) == 2


def test_no_secret_is_kept_recorded_or_shown(asker, server):
    tokens = Tokens(server)
    tokens.publish("app")
    asker.login({"auths": {server.host: {"username": "user", "password": "s3cret"}}})
    registry = asker.registry()
    registry.published(server.reference("app:1"))
    everything = repr((asker.store.kept, registry.requests, registry.problems))
    for secret in ("s3cret", basic("user", "s3cret").split()[1], "Bearer app", "scope="):
        assert secret not in everything


@pytest.mark.parametrize(
    "header",
    ["", "garbage", 'Negotiate, NTLM realm="x"', "Bearer", 'Bearer service="no realm"', 'Bearer realm="', "=,=,=" * 99],
)
def test_a_401_that_cannot_be_met_is_unauthorized(asker, server, header):
    server.routes["/v2/app/manifests/1"] = (401, {"WWW-Authenticate": header}, b"")
    with pytest.raises(errors.Unauthorized):
        asker.registry().published(server.reference("app:1"))


@pytest.mark.parametrize(
    "realm", ["http://auth.example.com/token", "ftp://x/y", "/token", "https://u:p@auth.example.com/", "https://[x/"]
)
def test_a_token_server_that_may_not_be_asked_is_not_asked(asker, server, realm):
    server.routes["/v2/app/manifests/1"] = (401, {"WWW-Authenticate": f'Bearer realm="{realm}"'}, b"")
    registry = asker.registry()
    with pytest.raises(errors.BadAnswer, match="token server"):
        registry.published(server.reference("app:1"))
    assert all(server.host in request.url for request in registry.requests)


def test_403_is_unauthorized_and_says_the_status(asker, server):
    server.routes["/v2/app/manifests/1"] = (403, {}, b'{"errors": [{"code": "DENIED"}]}')
    with pytest.raises(errors.Unauthorized) as caught:
        asker.registry().published(server.reference("app:1"))
    assert caught.value.status == 403
