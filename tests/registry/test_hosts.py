"""Where a registry is asked, and what is trusted there."""

import os
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from container_updates import errors
from container_updates.model import EngineRegistries
from container_updates.reference import parse
from container_updates.registry import Hosts
from container_updates.settings import Settings
from tests.registry.conftest import manifest

NAME = "registry.example.test"
"""A host that is not on loopback as far as its name tells."""


def endpoints(registry, engine=None, **settings):
    hosts = Hosts(Settings(**settings), engine or EngineRegistries())
    return [(endpoint.schemes, endpoint.host, endpoint.prefix) for endpoint in hosts.endpoints(registry)]


def test_docker_hub_is_asked_at_its_registry_host_and_by_https_only():
    assert endpoints("docker.io") == [(("https",), "registry-1.docker.io", "")]


def test_mirrors_come_first_those_of_the_option_before_the_engines():
    found = endpoints(
        "docker.io",
        EngineRegistries(mirrors={"docker.io": ("https://mirror.example.com/", "http://cache.example.com:5000/hub")}),
        mirrors={"docker.io": ("https://first.example.com",)},
    )
    assert found == [
        (("https",), "first.example.com", ""),
        (("https",), "mirror.example.com", ""),
        (("http",), "cache.example.com:5000", "/hub"),
        (("https",), "registry-1.docker.io", ""),
    ]


@pytest.mark.parametrize("url", ["ftp://x", "https://[x", "https://user:secret@mirror.example.com", "https://"])
def test_a_mirror_that_is_no_url_is_a_problem_and_the_registry_is_asked(url):
    hosts = Hosts(Settings(mirrors={"docker.io": (url,)}), EngineRegistries())
    assert [endpoint.host for endpoint in hosts.endpoints("docker.io")] == ["registry-1.docker.io"]
    assert len(hosts.problems) == 1
    assert "secret" not in hosts.problems[0].message


@pytest.mark.parametrize(
    ("host", "insecure"),
    [
        ("127.0.0.1:5000", True),
        ("127.8.9.10", True),
        ("localhost:5000", True),
        ("[::1]:5000", True),
        ("named.example.com:5000", True),
        ("named.example.com", False),
        ("engine.example.com", True),
        ("10.1.2.3:5000", True),
        ("11.1.2.3:5000", False),
        ("example.com", False),
        ("127.0.0.1.example.com", False),
        ("localhost.example.com", False),
    ],
)
def test_only_loopback_and_what_is_configured_is_insecure(host, insecure):
    engine = EngineRegistries(
        insecure_hosts=frozenset({"engine.example.com"}), insecure_networks=("10.0.0.0/8", "no network")
    )
    schemes = endpoints(host, engine, insecure_registries=("named.example.com:5000",))[0][0]
    assert set(schemes) == ({"https", "http"} if insecure else {"https"})


@pytest.mark.parametrize(
    ("scheme", "host", "allowed"),
    [
        ("https", "example.com", True),
        ("http", "example.com", False),
        ("https", "engine.example.com", False),
        ("http", "engine.example.com", False),
        ("https", "10.1.2.3", False),
        ("http", "named.example.com", True),
        ("https", "named.example.com", True),
        ("http", "127.0.0.1:5000", True),
    ],
)
def test_a_login_goes_only_over_verified_tls_to_loopback_or_where_the_admin_says(scheme, host, allowed):
    engine = EngineRegistries(insecure_hosts=frozenset({"engine.example.com"}), insecure_networks=("10.0.0.0/8",))
    hosts = Hosts(Settings(insecure_registries=("named.example.com",)), engine)
    assert hosts.may_see_login(scheme, host) is allowed


def test_a_mirror_that_answers_is_named(asker, serve):
    upstream, mirror = serve(), serve()
    wanted = mirror.publish("app", "1")
    registry = asker.registry(mirrors={upstream.host: (mirror.url,)})
    published = registry.published(upstream.reference("app:1"))
    assert (published.digest, published.mirror) == (wanted, mirror.host)
    assert registry.manifest(upstream.reference("app:1"), wanted).digest == wanted
    assert upstream.seen == []
    assert asker.registry(mirrors={upstream.host: (mirror.url,)}).published(upstream.reference("app:1")) == published


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503, 200])
def test_where_a_mirror_cannot_answer_the_registry_does(asker, serve, status):
    upstream, mirror = serve(), serve()
    wanted = upstream.publish("app", "1")
    mirror.routes["/v2/app/manifests/1"] = (status, {}, b"")
    registry = asker.registry(mirrors={upstream.host: (mirror.url,)})
    published = registry.published(upstream.reference("app:1"))
    assert (published.digest, published.mirror) == (wanted, None)
    assert [problem.where for problem in registry.problems] == ([] if status == 404 else [mirror.host])
    assert not any("tags/list" in question for question in mirror.asked)


def test_a_dead_mirror_is_a_problem_told_once(asker, serve):
    upstream, mirror = serve(), serve()
    mirror.close()
    registry = asker.registry(mirrors={upstream.host: (mirror.url,)})
    for tag in ("1", "2"):
        wanted = upstream.publish("app", tag)
        assert registry.published(upstream.reference(f"app:{tag}")).digest == wanted
    assert [problem.where for problem in registry.problems] == [mirror.host]


def test_a_mirror_sees_only_its_own_login(asker, serve):
    upstream, mirror = serve(), serve()
    asker.login({"auths": {upstream.host: {"username": "user", "password": "secret"}}})
    mirror.routes["/v2/app/manifests/1"] = (401, {"WWW-Authenticate": "Basic"}, b"")
    upstream.publish("app", "1")
    asker.registry(mirrors={upstream.host: (mirror.url,)}).published(upstream.reference("app:1"))
    assert [headers.get("Authorization") for _, _, headers in mirror.seen] == [None]


def test_the_scheme_that_works_for_an_insecure_registry_is_remembered(asker, serve):
    server = serve(name=NAME)
    server.publish("app", "1")
    server.publish("app", "2")
    first = asker.registry(insecure_registries=(server.host,))
    first.published(server.reference("app:1"))
    second = asker.registry(insecure_registries=(server.host,))
    second.published(server.reference("app:2"))
    assert [record.status for record in first.requests] == [None, 200]
    assert [record.status for record in second.requests] == [200]


def test_a_remembered_scheme_that_is_wrong_is_learnt_anew(asker, serve, authority):
    server = serve(tls=authority.server_context())
    wanted = server.publish("app", "1")
    asker.store.put("scheme", server.host, b"http", None)
    assert asker.registry().published(server.reference("app:1")).digest == wanted
    assert asker.store.get("scheme", server.host) == b"https"


def test_a_plain_registry_on_loopback_costs_no_detour(asker, server):
    server.publish("app", "1")
    registry = asker.registry()
    registry.published(server.reference("app:1"))
    assert [record.status for record in registry.requests] == [200]


def test_an_unknown_certificate_is_refused_and_http_is_not_tried(asker, serve, authority):
    server = serve(tls=authority.server_context(), name=NAME)
    server.publish("app", "1")
    registry = asker.registry()
    with pytest.raises(errors.Unreachable, match=r"certificate .* not accepted"):
        registry.published(server.reference("app:1"))
    assert [record.url[:8] for record in registry.requests] == ["https://"]
    assert not [key for key in asker.store.kept if key[0] == "error"]


@pytest.mark.parametrize("name", ["another.registry.example.test", "registry.example.test"])
def test_a_certificate_for_another_host_is_refused(asker, serve, authority, name):
    server = serve(tls=authority.server_context(), name=name)
    wanted = server.publish("app", "1")
    registry = asker.registry(ca_files={"": str(authority.ca)})
    if name == NAME:
        assert registry.published(server.reference("app:1")).digest == wanted
    else:
        with pytest.raises(errors.Unreachable, match=r"(?i)certificate of .* is not accepted: .*host"):
            registry.published(server.reference("app:1"))
        assert server.seen == []


def test_a_plain_registry_is_not_asked_in_clear_unless_it_is_configured(asker, serve):
    server = serve(name=NAME)
    server.publish("app", "1")
    with pytest.raises(errors.Unreachable, match=r"no TLS with .* --insecure-registry"):
        asker.registry().published(server.reference("app:1"))
    assert asker.registry(insecure_registries=(server.host,)).published(server.reference("app:1")).digest


@pytest.mark.parametrize("own", [True, False])
def test_a_ca_file_by_option(asker, serve, authority, own):
    server = serve(tls=authority.server_context(), name=NAME)
    wanted = server.publish("app", "1")
    registry = asker.registry(ca_files={server.host if own else "": str(authority.ca)})
    assert registry.published(server.reference("app:1")).digest == wanted


def test_an_ordinary_private_ca_is_accepted_where_python_is_strict_by_default(asker, serve, authority, strict_python):
    server = serve(tls=authority.server_context(), name=NAME)
    wanted = server.publish("app", "1")
    registry = asker.registry(ca_files={server.host: str(authority.ca)})
    assert registry.published(server.reference("app:1")).digest == wanted


def test_a_ca_of_its_own_is_looked_at_on_loopback_too(asker, serve, authority, tmp_path_factory):
    server = serve(tls=authority.server_context())
    wanted = server.publish("app", "1")
    assert (
        asker.registry(ca_files={server.host: str(authority.ca)}).published(server.reference("app:1")).digest == wanted
    )
    asker.store.kept.clear()
    other = type(authority)(tmp_path_factory.mktemp("other"))
    registry = asker.registry(ca_files={server.host: str(other.ca)})
    with pytest.raises(errors.Unreachable, match="not accepted"):
        registry.published(server.reference("app:1"))
    assert [record.url[:8] for record in registry.requests] == ["https://"]


def test_a_ca_file_that_is_none_is_named(asker, serve, authority, tmp_path):
    server = serve(tls=authority.server_context(), name=NAME)
    (tmp_path / "ca.pem").write_text("no certificate")
    os.mkfifo(tmp_path / "pipe.pem")
    for name in ("ca.pem", "missing.pem", "pipe.pem"):
        with pytest.raises(errors.Unreachable, match=name):
            asker.registry(ca_files={server.host: str(tmp_path / name)}).published(server.reference("app:1"))


def test_cas_and_client_certificates_of_certs_d(asker, serve, authority):
    server = serve(tls=authority.server_context(client_certificates=True), name=NAME)
    wanted = server.publish("app", "1")
    folder = asker.folder / "certs.d" / server.host
    folder.mkdir(parents=True)
    (folder / "company.crt").write_bytes(authority.ca.read_bytes())
    with pytest.raises(errors.Unreachable):
        asker.registry().published(server.reference("app:1"))
    asker.store.kept.clear()
    certificate, key = authority.certificate("client")
    (folder / "client.cert").write_text(Path(certificate).read_text())
    registry = asker.registry()
    with pytest.raises(errors.Unreachable):
        registry.published(server.reference("app:1"))
    assert "client.key" in registry.problems[0].message
    asker.store.kept.clear()
    (folder / "client.key").write_text(Path(key).read_text())
    assert asker.registry().published(server.reference("app:1")).digest == wanted


def test_the_token_server_of_a_registry_is_trusted_by_the_same_ca(asker, serve, authority):
    server, tokens = (
        serve(tls=authority.server_context(), name=NAME),
        serve(tls=authority.server_context(), name="auth.example.test"),
    )
    wanted = server.publish("app", "1")
    answer = server.routes["/v2/app/manifests/1"]
    server.routes["/v2/app/manifests/1"] = lambda request: (
        answer
        if request.headers.get("Authorization") == "Bearer good"
        else (401, {"WWW-Authenticate": f'Bearer realm="{tokens.url}/token"'}, b"")
    )
    tokens.routes["/token"] = (200, {}, b'{"token": "good"}')
    registry = asker.registry(ca_files={server.host: str(authority.ca)})
    assert registry.published(server.reference("app:1")).digest == wanted


def test_a_login_is_not_sent_over_unverified_tls_unless_the_admin_names_the_registry(asker, serve, authority):
    server = serve(tls=authority.server_context(), name=NAME)
    asker.login({"auths": {server.host: {"username": "user", "password": "secret"}}})
    server.routes["/v2/app/manifests/1"] = (401, {"WWW-Authenticate": "Basic"}, b"")
    engine = EngineRegistries(insecure_hosts=frozenset({server.host}))
    with pytest.raises(errors.Unauthorized, match="--insecure-registry"):
        asker.registry(engine=engine).published(server.reference("app:1"))
    assert [headers.get("Authorization") for _, _, headers in server.seen] == [None]
    with pytest.raises(errors.Unauthorized):
        asker.registry(insecure_registries=(server.host,)).published(server.reference("app:1"))
    assert server.seen[-1][2]["Authorization"]


def test_a_login_is_not_shown_to_a_token_server_without_verified_tls(asker, serve, authority):
    server, tokens = serve(tls=authority.server_context(), name=NAME), serve(name="auth.example.test")
    asker.login({"auths": {server.host: {"username": "user", "password": "secret"}}})
    server.routes["/v2/app/manifests/1"] = (401, {"WWW-Authenticate": f'Bearer realm="{tokens.url}/token"'}, b"")
    tokens.routes["/token"] = (200, {}, b'{"token": "anonymous"}')
    engine = EngineRegistries(insecure_hosts=frozenset({tokens.host}))
    with pytest.raises(errors.Unauthorized):
        asker.registry(engine=engine, ca_files={server.host: str(authority.ca)}).published(server.reference("app:1"))
    assert [headers.get("Authorization") for _, _, headers in tokens.seen] == [None]
    assert [headers.get("Authorization") for _, _, headers in server.seen] == [None, "Bearer anonymous"]


def test_a_registry_elsewhere_cannot_send_us_to_a_plain_token_server_of_this_machine(asker, serve, authority):
    server, local = serve(tls=authority.server_context(), name=NAME), serve()
    server.routes["/v2/app/manifests/1"] = (401, {"WWW-Authenticate": f'Bearer realm="{local.url}/token"'}, b"")
    with pytest.raises(errors.BadAnswer, match="token server without TLS"):
        asker.registry(ca_files={server.host: str(authority.ca)}).published(server.reference("app:1"))
    assert local.seen == []


def test_a_token_server_learnt_without_verified_tls_is_forgotten_once_tls_counts(asker, serve, authority):
    server = serve(tls=authority.server_context(), name=NAME)
    asker.login({"auths": {server.host: {"username": "user", "password": "secret"}}})
    server.routes["/v2/app/manifests/1"] = (401, {"WWW-Authenticate": f'Bearer realm="{server.url}/forged"'}, b"")
    server.routes["/forged"] = (200, {}, b'{"token": "x"}')
    with pytest.raises(errors.Unauthorized):
        asker.registry(engine=EngineRegistries(insecure_hosts=frozenset({server.host}))).published(
            server.reference("app:1")
        )
    wanted = server.publish("app", "1")
    server.seen.clear()
    registry = asker.registry(ca_files={server.host: str(authority.ca)})
    assert registry.published(server.reference("app:1")).digest == wanted
    assert server.asked == ["HEAD /v2/app/manifests/1"]


def test_a_redirect_from_tls_to_an_unconfigured_plain_host_is_refused(asker, serve, authority):
    server, plain = serve(tls=authority.server_context(), name=NAME), serve(name="plain.example.test")
    server.routes["/v2/app/manifests/1"] = (307, {"Location": f"{plain.url}/x"}, b"")
    with pytest.raises(errors.BadAnswer, match="without TLS"):
        asker.registry(ca_files={"": str(authority.ca)}).published(server.reference("app:1"))
    assert plain.seen == []


def test_a_proxy_is_used_as_the_environment_says_but_not_for_loopback(asker, server, monkeypatch):
    body = manifest()
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("NO_PROXY", "direct.invalid")
    monkeypatch.setenv("no_proxy", "direct.invalid")
    server.publish("app", "1", body)
    server.routes["http://registry.invalid/v2/app/manifests/1"] = server.routes["/v2/app/manifests/1"]
    asker.store.put("scheme", "registry.invalid", b"http", None)
    asker.store.put("scheme", "direct.invalid", b"http", None)
    registry = asker.registry(insecure_registries=("registry.invalid", "direct.invalid"))
    assert registry.published(parse("registry.invalid/app:1")).digest
    with pytest.raises(errors.Unreachable, match="no address"):
        registry.published(parse("direct.invalid/app:1"))
    server.seen.clear()
    registry.published(server.reference("app:1"))
    assert server.asked == ["HEAD /v2/app/manifests/1"]


def test_tls_goes_through_a_proxy_and_is_still_verified(asker, serve, authority, monkeypatch):
    server = serve(tls=authority.server_context(), name=NAME)
    wanted = server.publish("app", "1")
    tunnels = []

    def tunnel(request):
        tunnels.append(request.path)
        request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with socket.create_connection(("127.0.0.1", int(server.host.rpartition(":")[2]))) as target:
            threading.Thread(target=pipe, args=(target, request.connection), daemon=True).start()
            pipe(request.connection, target)
        request.close_connection = True

    def pipe(source, target):
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    proxy = serve()
    proxy.connect = tunnel
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://user:s3cret@{proxy.host}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(errors.Unreachable, match="not accepted"):
        asker.registry().published(server.reference("app:1"))
    registry = asker.registry(ca_files={"": str(authority.ca)})
    assert registry.published(server.reference("app:1")).digest == wanted
    assert tunnels == [server.host] * 2
    proxy.close()
    asker.store.kept.clear()
    registry = asker.registry(ca_files={"": str(authority.ca)})
    with pytest.raises(errors.Unreachable, match="proxy") as caught:
        registry.published(server.reference("app:1"))
    assert "s3cret" not in caught.value.reason + repr(registry.requests)


def test_a_mirror_that_speaks_for_the_registry_is_the_last_that_is_asked():
    mirrors = {"docker.io": ("https://first.example.com", "https://air.example.com/hub", "https://other.example.com")}
    hosts = Hosts(Settings(mirrors=mirrors), EngineRegistries(), final_mirrors=["air.example.com"])
    found = hosts.endpoints("docker.io")
    assert [(endpoint.host, endpoint.final) for endpoint in found] == [
        ("first.example.com", False),
        ("air.example.com", True),
    ]
    assert hosts.trust_server("docker.io", None).host == "notary.docker.io"
    assert [endpoint.host for endpoint in hosts.endpoints("air.example.com")] == ["air.example.com"]
