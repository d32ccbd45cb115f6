"""Hosts that demand another thing of each repository, that hide it, or that send us to another host."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from container_updates import errors
from container_updates.registry.login.demands import NOTHING, Demand, Demands
from tests.registry.conftest import Memory
from tests.registry.login.test_authorization import Tokens, ask, basic


def refused(server, reference, registry):
    with pytest.raises(errors.Unauthorized) as caught:
        registry.published(server.reference(reference))
    return caught.value.reason


def guard(server, repository, *, by, otherwise, tag="1"):
    """Publish what is shown to whoever sends this Authorization; the others get `otherwise`."""
    wanted = server.publish(repository, tag)
    for path in (f"/v2/{repository}/manifests/{tag}", f"/v2/{repository}/manifests/{wanted}"):
        right = server.routes[path]
        server.routes[path] = lambda request, right=right: (
            right if request.headers.get("Authorization") == by else otherwise
        )
    return wanted


BASIC = (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")


# -- repositories of one host that differ ------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [["public", "private"], ["private", "public"]], ids=" then ".join)
@pytest.mark.parametrize("login", [None, "user", "wrong"])
def test_a_private_repository_does_not_close_the_public_ones_beside_it(asker, server, order, login):
    wanted = {
        "public": server.publish("public", "1"),
        "private": guard(server, "private", by=basic("user", "secret"), otherwise=BASIC),
    }
    asker.login({"auths": {server.host: {"username": login, "password": "secret"}} if login else {}})
    for _ in range(2):  # also with what the first run remembers
        registry = asker.registry()
        for repository in order:
            if repository == "public" or login == "user":
                assert registry.published(server.reference(f"{repository}:1")).digest == wanted[repository]
            else:
                assert "login" in refused(server, f"{repository}:1", registry)
        asker.store.kept = {key: value for key, value in asker.store.kept.items() if key[0] == "challenge"}


def test_a_login_that_is_wrong_does_not_close_what_anybody_may_read(asker, server):
    """Harbor and Nexus refuse a wrong login, also for public projects."""
    wanted = server.publish("public", "1")
    right = server.routes["/v2/public/manifests/1"]
    server.routes["/v2/public/manifests/1"] = lambda request: BASIC if request.headers.get("Authorization") else right
    guard(server, "private", by=basic("user", "secret"), otherwise=BASIC)
    asker.login({"auths": {server.host: {"username": "user", "password": "changed"}}})
    registry = asker.registry()
    assert "this login may not read it" in refused(server, "private:1", registry)
    assert registry.published(server.reference("public:1")).digest == wanted


@pytest.mark.parametrize("attempt", range(3))
def test_public_and_private_repositories_asked_at_the_same_time_with_a_login_do_not_flap(asker, server, attempt):
    tokens = Tokens(server)
    wanted = []
    for number in range(12):
        wanted += [tokens.publish(f"private/app{number}"), server.publish(f"public/app{number}", "1")]
    asker.login({"auths": {server.host: {"username": "user", "password": "secret"}}})
    references = [server.reference(f"{kind}/app{n}:1") for n in range(12) for kind in ("private", "public")]
    assert ask(asker.registry(), references) == wanted


@pytest.mark.parametrize("strict", [True, False], ids=["that refuses what is not its own", "that takes all"])
def test_each_repository_key_of_artifactory_has_its_own_token_server(asker, server, strict):
    wanted = []
    for key in ("docker-local", "docker-remote"):
        for name in ("one", "two"):
            by = f"Bearer {key}"
            challenge = f'Bearer realm="{server.url}/{key}/token",service="{key}"'
            wanted.append(guard(server, f"{key}/{name}", by=by, otherwise=(401, {"WWW-Authenticate": challenge}, b"")))

        def token(request, key=key):
            scopes = parse_qs(urlsplit(request.path).query)["scope"]
            own = not strict or all(f":{key}/" in scope for scope in scopes)
            return (200, {}, json.dumps({"token": key}).encode()) if own else (403, {}, b"")

        server.routes[f"/{key}/token"] = token
    references = [server.reference(f"{key}/{n}:1") for key in ("docker-local", "docker-remote") for n in ("one", "two")]
    assert ask(asker.registry(), references) == wanted
    asker.store.kept = {key: value for key, value in asker.store.kept.items() if key[0] == "challenge"}
    server.seen.clear()
    assert ask(asker.registry(), references) == wanted
    assert all(headers.get("Authorization") for _, path, headers in server.seen if "/manifests/" in path)


# -- what is told at /v2/ alone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(404, {}, b""), (403, {}, b""), (401, {}, b"")], ids=["404", "403", "401"])
@pytest.mark.parametrize("how", ["basic", "bearer"])
def test_a_login_is_used_where_only_v2_tells_that_one_is_wanted(asker, server, hidden, how):
    by = basic("user", "secret") if how == "basic" else "Bearer good"
    challenge = "Basic" if how == "basic" else f'Bearer realm="{server.url}/token"'
    wanted = [guard(server, name, by=by, otherwise=hidden) for name in ("one", "two")]
    server.routes["/v2/"] = (401, {"WWW-Authenticate": challenge}, b"")
    server.routes["/token"] = lambda request: (
        (200, {}, b'{"token": "good"}')
        if request.headers.get("Authorization") == basic("user", "secret")
        else (403, {}, b"")
    )
    asker.login({"auths": {server.host: {"username": "user", "password": "secret"}}})
    registry = asker.registry()
    assert [registry.published(server.reference(f"{name}:1")).digest for name in ("one", "two")] == wanted
    assert server.asked.count("GET /v2/") == 1
    asker.store.kept = {key: value for key, value in asker.store.kept.items() if key[0] == "challenge"}
    server.seen.clear()
    asker.registry().published(server.reference("one:1"))
    assert [line for line in server.asked if "token" not in line] == ["HEAD /v2/one/manifests/1"]


def test_nobody_asks_v2_about_what_is_not_there_without_a_login(asker, server):
    server.routes["/v2/"] = (401, {"WWW-Authenticate": "Basic"}, b"")
    with pytest.raises(errors.NotFound):
        asker.registry().published(server.reference("app:1"))
    assert "GET /v2/" not in server.asked


def test_what_is_not_there_with_a_login_either_is_not_there(asker, server):
    server.routes["/v2/"] = (401, {"WWW-Authenticate": "Basic"}, b"")
    asker.login({"auths": {server.host: {"username": "user", "password": "secret"}}})
    with pytest.raises(errors.NotFound):
        asker.registry().published(server.reference("app:1"))
    assert [headers.get("Authorization") for method, _, headers in server.seen if method == "HEAD"] == [
        None, basic("user", "secret"),
    ]  # fmt: skip


def test_the_words_say_whether_the_login_was_used(asker, server):
    for status in (401, 403):
        server.routes[f"/v2/app{status}/manifests/1"] = (status, {}, b"")
    assert "it may not be read without a login (HTTP 403)" in refused(server, "app403:1", asker.registry())
    assert "without saying how" in refused(server, "app401:1", asker.registry())
    asker.login({"auths": {server.host: {"username": "user", "password": "secret"}}})
    assert "it did not ask for the login" in refused(server, "app403:1", asker.registry())
    server.routes["/v2/"] = (401, {"WWW-Authenticate": "Basic"}, b"")
    for status in (401, 403):
        assert "this login may not read it" in refused(server, f"app{status}:1", asker.registry())
    assert server.seen[-1][2]["Authorization"] == basic("user", "secret")


# -- vanity hosts ------------------------------------------------------------------------------------------------------


def vanity(serve, code, *, challenge=None, by="Bearer good", status=401):
    """A host that sends everybody to another one, which has `acme/app` and wants to see something."""
    front, back = serve(), serve()
    challenge = challenge or f'Bearer realm="{back.url}/token",service="back"'
    wanted = guard(back, "acme/app", by=by, otherwise=(status, {"WWW-Authenticate": challenge}, b""))
    for name in ("1", wanted):
        front.routes[f"/v2/app/manifests/{name}"] = (
            code,
            {"Location": f"{back.url}/v2/acme/app/manifests/{name}"},
            b"",
        )
    front.routes["/v2/"] = (code, {"Location": f"{back.url}/v2/"}, b"")
    back.routes["/v2/"] = (401, {"WWW-Authenticate": challenge}, b"")

    def token(request):
        back.scopes = parse_qs(urlsplit(request.path).query)["scope"]
        back.logins = request.headers.get("Authorization")
        return 200, {}, b'{"token": "good"}'

    back.routes["/token"] = token
    return front, back, wanted


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("status", [401, 404], ids=["with a challenge", "at v2 alone"])
def test_a_vanity_host_leads_to_a_registry_that_wants_a_token(asker, serve, code, status):
    front, back, wanted = vanity(serve, code, status=status)
    asker.login({"auths": {front.host: {"username": "user", "password": "secret"},
                           **({back.host: {"username": "b", "password": "b"}} if status == 404 else {})}})  # fmt: skip
    registry = asker.registry()
    assert registry.published(front.reference("app:1")).digest == wanted
    assert back.scopes == ["repository:acme/app:pull"]
    assert registry.manifest(front.reference("app:1"), wanted).digest == wanted
    assert [headers.get("Authorization") for _, _, headers in front.seen] == [None, None]
    assert basic("user", "secret") not in [headers.get("Authorization") for _, _, headers in back.seen]
    assert len([path for _, path, _ in back.seen if "manifests" in path]) == 3  # the second one has its token at once


def test_a_vanity_hosts_own_login_and_token_stay_with_it(asker, serve):
    front, back, wanted = vanity(serve, 307)
    leads = front.routes["/v2/app/manifests/1"]
    front.routes["/v2/app/manifests/1"] = lambda request: (
        leads
        if request.headers.get("Authorization") == "Bearer front"
        else (401, {"WWW-Authenticate": f'Bearer realm="{front.url}/token"'}, b"")
    )
    front.routes["/token"] = (200, {}, b'{"token": "front"}')
    asker.login({"auths": {front.host: {"username": "user", "password": "secret"}}})
    assert asker.registry().published(front.reference("app:1")).digest == wanted
    shown = {headers.get("Authorization") for _, _, headers in back.seen}
    assert shown == {None, "Bearer good"}
    assert back.logins is None


def test_the_registry_behind_a_vanity_host_gets_its_own_login(asker, serve):
    front, back, wanted = vanity(serve, 307, challenge="Basic", by=basic("back", "secret"))
    asker.login({"auths": {back.host: {"username": "back", "password": "secret"},
                           front.host: {"username": "front", "password": "other"}}})  # fmt: skip
    assert asker.registry().published(front.reference("app:1")).digest == wanted
    assert {headers.get("Authorization") for _, _, headers in back.seen} == {None, basic("back", "secret")}


def test_who_refuses_behind_a_vanity_host_is_named(asker, serve):
    front, back, _ = vanity(serve, 307, challenge="Basic")
    asker.login({"auths": {front.host: {"username": "user", "password": "secret"}}})
    reason = refused(front, "app:1", asker.registry())
    assert back.host in reason
    assert not [headers for _, _, headers in back.seen if headers.get("Authorization")]


# -- the memory --------------------------------------------------------------------------------------------------------


def test_what_is_seen_counts_before_what_is_remembered_and_that_before_a_guess():
    store = Memory()
    bearer, other = Demand("bearer", "https://a/token"), Demand("bearer", "https://b/token")
    first = Demands(store, lambda host: host)
    assert first.known("host", "one") is None
    first.learn("host", "one", bearer)
    first.learn("host", "two", other)
    first.learn("host", "three", NOTHING)
    first.learn("host", "one", NOTHING)  # a tag list may be open where a manifest is not
    for demands in (first, Demands(store, lambda host: host)):
        assert [demands.known("host", name) for name in ("one", "two", "three", "four")] == [
            bearer, other, NOTHING, bearer,
        ]  # fmt: skip
    assert Demands(store, lambda host: f"{host} (unverified)").known("host", "one") is None


def test_an_open_repository_asked_first_is_no_guess_for_the_closed_ones():
    demands = Demands(Memory(), lambda host: host)
    demands.learn("host", "open", NOTHING)
    demands.learn("host", "closed", Demand("basic"))
    assert demands.guess("host") == Demand("basic")
    assert demands.known("host", "open") == NOTHING
