"""By which proxy a registry is asked, and what is said of one that does not work."""

import socket
import threading
from contextlib import suppress

import pytest

from container_updates import errors
from container_updates.model import EngineRegistries
from container_updates.reference import parse
from container_updates.registry.http.proxies import Proxies
from tests.registry.test_hosts import NAME

ENGINE = {"http": "http://engine:1", "https": "http://xxxxx:xxxxx@engine:2", "no": ".lan,10.0.0.0/8"}


@pytest.mark.parametrize(
    ("option", "engine", "environ", "scheme", "host", "wanted"),
    [
        ("", {}, {}, "https", "registry.example.com", None),
        ("http://option:1", ENGINE, {"HTTPS_PROXY": "http://env:1"}, "https", "registry.example.com", "http://option:1"),
        ("http://option:1", ENGINE, {"NO_PROXY": "example.com"}, "https", "registry.example.com", None),
        ("http://option:1", ENGINE, {}, "https", "registry.lan", "http://option:1"),
        ("", ENGINE, {"HTTPS_PROXY": "http://env:1"}, "https", "registry.example.com", "http://env:1"),
        ("", ENGINE, {"https_proxy": "http://env:1"}, "https", "registry.lan", "http://env:1"),
        ("", ENGINE, {"ALL_PROXY": "socks5://env:1"}, "https", "registry.example.com", "socks5://env:1"),
        ("", ENGINE, {"HTTP_PROXY": "http://env:1"}, "https", "registry.example.com", None),
        ("", {}, {"HTTPS_PROXY": "http://env:1", "NO_PROXY": "*"}, "https", "registry.example.com", None),
        ("", ENGINE, {}, "https", "registry.example.com", "http://engine:2"),
        ("", ENGINE, {}, "http", "registry.example.com:5000", "http://engine:1"),
        ("", ENGINE, {"HTTPS_PROXY": ""}, "https", "registry.example.com", "http://engine:2"),
        ("", ENGINE, {}, "https", "registry.lan", None),
        ("", ENGINE, {}, "https", "10.1.2.3:5000", None),
        ("", ENGINE, {"NO_PROXY": "registry.example.com"}, "https", "registry.example.com", None),
        ("http://option:1", ENGINE, {}, "http", "127.0.0.1:5000", None),
        ("http://option:1", ENGINE, {}, "http", "localhost:5000", None),
    ],
)  # fmt: skip
def test_the_option_comes_before_the_environment_and_that_before_the_engine(
    option, engine, environ, scheme, host, wanted
):
    proxy = Proxies(option, engine, environ).of(scheme, host)
    assert (proxy and proxy.url) == wanted


def test_a_proxy_is_named_without_its_login():
    proxy = Proxies("http://user:s3cret@proxy:3128", {}, {}).of("https", "registry.example.com")
    assert str(proxy) == "the proxy http://proxy:3128 (--proxy)"
    assert "s3cret" not in repr(proxy)


def once(answer):
    """A server that gives this answer to every connection and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.recv(4096)
                connection.sendall(answer)
                connection.close()

    threading.Thread(target=accept, daemon=True).start()
    return listener


def ask(asker, proxy, **more):
    with pytest.raises(errors.Unreachable) as caught:
        asker.registry(proxy=proxy, **more).published(parse("registry.example.test/app:1"))
    return caught.value.reason


@pytest.mark.parametrize("insecure", [(), ("registry.example.test",)], ids=["https", "plain"])
def test_a_dead_proxy_is_named(asker, server, insecure):
    server.close()
    reason = ask(asker, f"http://user:s3cret@{server.host}", insecure_registries=insecure)
    assert reason == f"the proxy http://{server.host} (--proxy) refuses connections"


def test_a_proxy_without_an_address_is_named(asker):
    assert "the proxy http://proxy.invalid:3128 (--proxy) has no address" in ask(asker, "http://proxy.invalid:3128")


def test_a_socks_proxy_without_what_it_needs_is_named(asker):
    assert ask(asker, "socks5h://127.0.0.1:1080") == (
        "the proxy socks5h://127.0.0.1:1080 (--proxy) needs the Python package PySocks"
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n", "is a web server and no proxy"),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "is a web server and no proxy"),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "wants a login"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "does not allow a way to registry.example.test"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "finds no way to registry.example.test"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "did not answer in HTTP"),
        (b"", "closed the connection"),
    ],
    ids=["web server", "another web server", "login", "forbidden", "no way", "ssh", "nothing"],
)
def test_what_is_no_working_proxy_is_named_with_the_cause(asker, answer, words):
    listener = once(answer)
    host = f"127.0.0.1:{listener.getsockname()[1]}"
    assert f"the proxy http://{host} (--proxy) {words}" in ask(asker, f"http://{host}")
    listener.close()


def test_a_plain_registry_behind_a_proxy_that_wants_a_login(asker, serve):
    proxy = serve()
    proxy.routes["http://registry.example.test/v2/app/manifests/1"] = (407, {}, b"")
    asker.store.put("scheme", "registry.example.test", b"http", None)
    reason = ask(asker, proxy.url, insecure_registries=("registry.example.test",))
    assert reason == f"the proxy {proxy.url} (--proxy) wants a login"


def test_what_is_no_https_proxy_is_named(asker, server):
    assert f"the proxy https://{server.host} (--proxy) does not speak TLS" in ask(asker, f"https://{server.host}")


def test_the_engine_s_own_proxy_is_used_where_nobody_names_another(asker, serve, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    proxy, origin = serve(), serve(name=NAME)
    wanted = origin.publish("app", "1")
    proxy.routes[f"{origin.url}/v2/app/manifests/1"] = origin.routes["/v2/app/manifests/1"]
    asker.store.put("scheme", origin.host, b"http", None)
    engine = EngineRegistries(insecure_hosts=frozenset({origin.host}), proxies={"http": proxy.url})
    assert asker.registry(engine=engine).published(origin.reference("app:1")).digest == wanted
    assert (len(proxy.seen), len(origin.seen)) == (1, 0)
    proxy.close()
    asker.store.kept = {key: value for key, value in asker.store.kept.items() if key[0] == "scheme"}
    with pytest.raises(errors.Unreachable, match="the engine's"):
        asker.registry(engine=engine).published(origin.reference("app:1"))
