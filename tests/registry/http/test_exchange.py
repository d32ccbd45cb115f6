"""One exchange: what is tried again, what is remembered of who did not answer, and where a redirect may lead."""

import socket
import threading
from contextlib import suppress
from datetime import timedelta

import pytest

from container_updates import errors
from container_updates.clock import Clock
from container_updates.model import EngineRegistries
from container_updates.reference import parse
from tests.registry.conftest import digest, manifest
from tests.registry.test_hosts import NAME

# -- 429 ---------------------------------------------------------------------------------------------------------------

GHCR = '{"errors":[{"code":"TOOMANYREQUESTS","message":"retry-after: 985.123µs, allowed: 44000/minute"}]}'.encode()


def limited(server, path, headers, body=b"", times=1):
    """Let the first answers be 429."""
    right, left = server.routes[path], iter(range(times))
    server.routes[path] = lambda request: right if next(left, None) is None else (429, headers, body)


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry-After": "1"}, 1.0),
        ({"Retry-After": "0"}, 0.25),
        ({"Retry-After": "0.98"}, 0.98),
        ({"Retry-After": "5"}, 5.0),
        ({}, 1.0),
        ({"Retry-After": "soon"}, 1.0),
    ],
)
def test_a_429_that_is_over_in_a_moment_is_waited_for(asker, server, headers, pause):
    wanted = server.publish("app", "1")
    limited(server, "/v2/app/manifests/1", headers)
    assert asker.registry().published(server.reference("app:1")).digest == wanted
    assert asker.pauses == [pause]
    assert not [key for key in asker.store.kept if key[0] == "ratelimit"]


def test_the_moment_that_ghcr_names_in_the_body_is_waited_for(asker, server):
    wanted = server.publish("app", "1")
    limited(server, f"/v2/app/manifests/{wanted}", {}, GHCR)
    assert asker.registry().manifest(server.reference("app:1"), wanted).digest == wanted
    assert asker.pauses == [0.25]


def test_a_token_server_s_429_that_is_over_in_a_moment_is_waited_for(asker, server):
    wanted = server.publish("app", "1")
    right = server.routes["/v2/app/manifests/1"]
    challenge = {"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}
    server.routes["/v2/app/manifests/1"] = lambda request: (
        right if request.headers.get("Authorization") else (401, challenge, b"")
    )
    server.routes["/token"] = (200, {}, b'{"token": "good"}')
    limited(server, "/token", {"Retry-After": "1"})
    assert asker.registry().published(server.reference("app:1")).digest == wanted
    assert asker.pauses == [1.0]


def test_a_429_that_lasts_is_waited_for_once(asker, server):
    server.publish("app", "1")
    limited(server, "/v2/app/manifests/1", {"Retry-After": "1"}, times=9)
    with pytest.raises(errors.RateLimited):
        asker.registry().published(server.reference("app:1"))
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "6"}, 20), ({"Retry-After": "3"}, 2), ({"ratelimit-remaining": "0;w=21600"}, 20)],
    ids=["too long", "no time left", "no pulls left"],
)
def test_a_429_that_is_not_over_in_time_is_not_waited_for(asker, server, headers, seconds):
    server.publish("app", "1")
    limited(server, "/v2/app/manifests/1", headers)
    asker.clock = Clock(steady=lambda: 0.0, pause=asker.pauses.append)
    registry = asker.registry(seconds=seconds)
    with pytest.raises(errors.RateLimited) as caught:
        registry.published(server.reference("app:1"))
    assert asker.pauses == []
    assert caught.value.retry_at - asker.clock.now() < timedelta(minutes=2)


# -- who did not answer ------------------------------------------------------------------------------------------------


class SlowPath:
    """Waits so long for one path that the clock says that the time for an answer is up."""

    def __init__(self, asker, server, *slow):
        self.time = 0.0
        asker.clock = Clock(steady=lambda: self.time)
        for path in slow:
            server.routes[path] = self.answer

    def answer(self, request):
        self.time += 21.0
        return 200, {"Content-Length": "9"}, (b"x" for _ in range(3))


def test_one_slow_answer_does_not_condemn_the_registry_for_the_others(asker, server):
    SlowPath(asker, server, f"/v2/slow/manifests/{digest(b'x')}")
    wanted = server.publish("app", "1")
    for _ in range(2):  # this run, and the next one within the minute
        registry = asker.registry(seconds=3600)
        with pytest.raises(errors.TimedOut):
            registry.manifest(server.reference("slow"), digest(b"x"))
        assert registry.published(server.reference("app:1")).digest == wanted


def hang_up(server, path):
    def hang_up(request):
        request.close_connection = True
        with suppress(OSError):
            request.connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError

    server.routes[path] = hang_up


def test_a_registry_that_hangs_up_on_one_repository_answers_about_the_others(asker, server):
    hang_up(server, "/v2/broken/manifests/1")
    wanted = server.publish("app", "1")
    for attempt in range(2):
        registry = asker.registry()
        with pytest.raises(errors.Unreachable):
            registry.published(server.reference("broken:1"))
        assert registry.published(server.reference("app:1")).digest == wanted
        if attempt:
            assert "HEAD /v2/broken/manifests/1" not in server.asked  # that path is remembered
        server.seen.clear()


def test_a_registry_that_never_answers_is_given_up_after_two_questions(asker, server):
    for number in range(9):
        hang_up(server, f"/v2/app{number}/manifests/1")
    asker.store.put("scheme", server.host, b"http", None)
    registry = asker.registry()
    for number in range(9):
        with pytest.raises(errors.Unreachable):
            registry.published(server.reference(f"app{number}:1"))
    assert len({line for line in server.asked if line.startswith("HEAD")}) == 2


# -- interim answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interim", [b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 3,
                                     b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])  # fmt: skip
def test_interim_answers_are_passed_over(asker, server, interim):
    wanted, body = server.publish("app", "1"), manifest("app1")

    def hinted(request):
        request.wfile.write(interim)
        return 200, {"Docker-Content-Digest": wanted}, body

    server.routes["/v2/app/manifests/1"] = hinted
    registry = asker.registry()
    assert registry.published(server.reference("app:1")).digest == wanted
    assert [record.status for record in registry.requests] == [200]


def test_endless_interim_answers_end(asker, server):
    def hinted(request):
        with suppress(OSError):
            for _ in range(1000):
                request.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        return 200, {}, b""

    server.routes["/v2/app/manifests/1"] = hinted
    with pytest.raises(errors.Inconclusive):
        asker.registry().published(server.reference("app:1"))


@pytest.mark.parametrize(
    ("status", "words"), [(410, "gone for good"), (412, "a rule of its own"), (451, "for legal reasons")]
)
def test_final_refusals_are_told_in_words(asker, server, status, words):
    server.routes["/v2/app/manifests/1"] = (status, {}, b"")
    with pytest.raises(errors.BadAnswer, match=words) as caught:
        asker.registry().published(server.reference("app:1"))
    assert caught.value.status == status


# -- where a redirect or a realm may lead ------------------------------------------------------------------------------

INSIDE = ["127.0.0.1:2375", "127.1:2375", "0x7f.1", "0.0.0.0:2375", "[::ffff:7f00:1]:2375", "localhost:2375",
          "localhost.", "10.1.2.3", "192.168.0.1:8443", "169.254.169.254",
          "[fd00::1]", "[fe80::1]", "2130706433"]  # fmt: skip


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_registry_elsewhere_cannot_send_us_into_our_own_network(asker, serve, authority, inside, scheme):
    server = serve(tls=authority.server_context(), name=NAME)
    url = f"{scheme}://{inside}/latest/meta-data"
    server.routes["/v2/moved/manifests/1"] = (307, {"Location": url}, b"")
    server.routes["/v2/app/manifests/1"] = (401, {"WWW-Authenticate": f'Bearer realm="{url}"'}, b"")
    registry = asker.registry(ca_files={"": str(authority.ca)})
    with pytest.raises(errors.BadAnswer, match=r"redirect to a server (without TLS|at (this machine|a .* address))"):
        registry.published(server.reference("moved:1"))
    with pytest.raises(errors.BadAnswer, match=r"token server (without TLS|at (this machine|a .* address))"):
        registry.published(server.reference("app:1"))
    assert {record.url.split("/")[2] for record in registry.requests} == {server.host}


def test_a_registry_in_a_private_network_may_lead_to_a_private_address(asker, serve, authority, monkeypatch):
    server = serve(tls=authority.server_context(), name=NAME)
    server.publish("other", "1")
    server.routes["/v2/app/manifests/1"] = (307, {"Location": "https://10.255.255.1:1/blob"}, b"")
    registry = asker.registry(ca_files={"": str(authority.ca)})
    resolve = socket.getaddrinfo

    def private(host, port, *args, **more):
        return resolve("10.9.9.9" if port is None else host, port, *args, **more)

    def connect(sock, where):
        reached.append(where[0])
        raise ConnectionRefusedError(111, "Connection refused")

    reached = []
    registry.published(server.reference("other:1"))  # its connection is open
    monkeypatch.setattr(socket, "getaddrinfo", private)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(errors.Unreachable, match=r"10\.255\.255\.1:1 refuses connections"):
        registry.published(server.reference("app:1"))
    assert set(reached) == {"10.255.255.1"}


# -- no TLS ------------------------------------------------------------------------------------------------------------


def closing(how):
    """A listener that ends every connection, by closing or resetting it, once something was said."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.recv(4096)
                if how == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.close()

    threading.Thread(target=accept, daemon=True).start()
    return listener


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("name", ["127.0.0.1", NAME, "named"])
def test_a_registry_that_closes_the_connection_is_not_called_one_without_tls(asker, serve, how, name):
    listener = closing(how)
    host = f"{NAME if name == 'named' else name}:{listener.getsockname()[1]}"
    registry = asker.registry(insecure_registries=(host,) if name == "named" else ())
    with pytest.raises(errors.Unreachable, match=r"closed the (TLS )?connection without an answer"):
        registry.published(parse(f"{host}/app:1"))
    listener.close()


def test_a_plain_registry_that_broke_off_is_not_called_one_without_tls(asker, server):
    """TLS is tried, too, and refused by what speaks plain HTTP: that is no news of a plain registry."""
    hang_up(server, "/v2/app/manifests/1")
    with pytest.raises(errors.Unreachable, match="closed the connection without an answer"):
        asker.registry().published(server.reference("app:1"))


# -- the engine's insecure networks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", [True, False], ids=["unverified TLS", "plain"])
def test_a_name_that_leads_into_an_insecure_network_of_the_engine_is_asked_as_the_engine_asks(
    asker, serve, authority, tls
):
    server = serve(tls=authority.server_context() if tls else None, name=NAME)
    wanted = [server.publish("app", "1"), server.publish("app", "2")]
    engine = EngineRegistries(insecure_networks=("127.0.0.0/8",))
    registry = asker.registry(engine=engine)
    assert [registry.published(server.reference(f"app:{tag}")).digest for tag in ("1", "2")] == wanted
    elsewhere = EngineRegistries(insecure_networks=("10.0.0.0/8",))
    asker.store.kept.clear()
    with pytest.raises(errors.Unreachable):
        asker.registry(engine=elsewhere).published(server.reference("app:1"))


def test_a_login_is_not_sent_into_an_insecure_network_of_the_engine(asker, serve):
    server = serve(name=NAME)
    server.routes["/v2/app/manifests/1"] = (401, {"WWW-Authenticate": "Basic"}, b"")
    asker.login({"auths": {server.host: {"username": "user", "password": "secret"}}})
    engine = EngineRegistries(insecure_networks=("127.0.0.0/8",))
    with pytest.raises(errors.Unauthorized, match="--insecure-registry"):
        asker.registry(engine=engine).published(server.reference("app:1"))
    assert {headers.get("Authorization") for _, _, headers in server.seen} == {None}


def test_a_ca_that_is_configured_counts_before_the_engine_s_networks(asker, serve, authority, tmp_path_factory):
    server = serve(tls=authority.server_context(), name=NAME)
    server.publish("app", "1")
    other = type(authority)(tmp_path_factory.mktemp("other"))
    engine = EngineRegistries(insecure_networks=("127.0.0.0/8",))
    with pytest.raises(errors.Unreachable, match="not accepted"):
        asker.registry(engine=engine, ca_files={server.host: str(other.ca)}).published(server.reference("app:1"))


def test_a_registry_with_a_certificate_that_is_accepted_is_not_looked_up(asker, serve, authority, monkeypatch):
    server = serve(tls=authority.server_context(), name=NAME)
    wanted = server.publish("app", "1")
    resolve, looked_up = socket.getaddrinfo, []

    def watched(host, port, *args, **more):
        looked_up.append(port)
        return resolve(host, port, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    engine = EngineRegistries(insecure_networks=("127.0.0.0/8",))
    registry = asker.registry(engine=engine, ca_files={"": str(authority.ca)})
    assert registry.published(server.reference("app:1")).digest == wanted
    assert None not in looked_up
