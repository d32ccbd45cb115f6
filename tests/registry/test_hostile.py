"""Registries that answer badly, endlessly or not at all: our own error, in time, and nothing given away."""

import itertools
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from container_updates import errors
from container_updates.reference import parse
from tests.registry.conftest import OCI_MANIFEST, digest, manifest

WEB_PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "text/html"}, WEB_PAGE),
        ({"Content-Type": OCI_MANIFEST}, WEB_PAGE),
        ({"Content-Type": OCI_MANIFEST}, b'{"schemaVersion": 2, "mediaType": "\xff\xfe"}'),
        ({"Content-Type": OCI_MANIFEST}, b"[" * 100_000),
        ({"Content-Type": OCI_MANIFEST}, b""),
        ({"Content-Type": OCI_MANIFEST, "Content-Encoding": "gzip"}, manifest()),
        ({"Content-Type": OCI_MANIFEST, "Content-Length": "9999"}, manifest()),
        ({"Content-Type": OCI_MANIFEST, "Content-Length": "99999999999"}, manifest()),
    ],
    ids=["page", "page as manifest", "no utf-8", "too deep", "empty", "encoded", "truncated", "announces too much"],
)
def test_what_is_no_manifest_is_a_bad_answer(asker, server, headers, body):
    server.routes["/v2/app/manifests/1"] = lambda request: (
        (405, {}, b"") if request.command == "HEAD" else (200, headers, body)
    )
    with pytest.raises(errors.BadAnswer):
        asker.registry().published(server.reference("app:1"))


def test_a_body_of_gigabytes_is_cut_at_the_limit(asker, server):
    sent = []

    def endless():
        for _ in range(3 * 1024 * 16):
            sent.append(65536)
            yield b" " * 65536

    name = digest(b"x")
    server.routes[f"/v2/app/blobs/{name}"] = lambda request: (200, {}, endless())
    server.routes[f"/v2/app/manifests/{name}"] = lambda request: (200, {}, endless())
    with pytest.raises(errors.BadAnswer, match="more than 1000 bytes"):
        asker.registry().blob(server.reference("app"), name, 1000)
    with pytest.raises(errors.BadAnswer, match="more than 4194304 bytes"):
        asker.registry().manifest(server.reference("app"), name)
    assert sum(sent) < 64 * 1024 * 1024


def test_endless_redirects_end_after_five(asker, server):
    numbers = itertools.count()
    server.routes["/v2/app/manifests/1"] = (307, {"Location": "/again"}, b"")
    server.routes["/again"] = lambda request: (307, {"Location": f"/again?{next(numbers)}"}, b"")
    with pytest.raises(errors.BadAnswer, match="5 redirects"):
        asker.registry().published(server.reference("app:1"))
    assert len(server.seen) == 6


@pytest.mark.parametrize(
    "location",
    ["http://registry.example.com/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://[/", "https://u:p@127.0.0.1/"],
)
def test_redirects_that_lead_nowhere_safe_are_refused(asker, server, location):
    server.routes["/v2/app/manifests/1"] = (302, {"Location": location}, b"")
    registry = asker.registry()
    with pytest.raises(errors.BadAnswer, match="redirect"):
        registry.published(server.reference("app:1"))
    assert all(server.host in record.url for record in registry.requests)


def test_a_login_does_not_follow_a_redirect_to_another_place(asker, serve):
    registry, storage = serve(), serve()
    name = digest(b"blob")
    storage.routes["/blob"] = (200, {}, b"blob")
    registry.routes["/here"] = (307, {"Location": f"{storage.url}/blob"}, b"")
    registry.routes[f"/v2/app/blobs/{name}"] = lambda request: (
        (307, {"Location": "/here"}, b"")
        if request.headers.get("Authorization")
        else (401, {"WWW-Authenticate": "Basic"}, b"")
    )
    asker.login({"auths": {registry.host: {"username": "user", "password": "secret"}}})
    assert asker.registry().blob(registry.reference("app"), name, 100) == b"blob"
    assert [bool(headers.get("Authorization")) for _, _, headers in registry.seen] == [False, True, True]
    assert [headers.get("Authorization") for _, _, headers in storage.seen] == [None]


class Listener:
    """Accepts connections and lets a test decide what happens then."""

    def __init__(self, talk):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.connections = 0
        self.over = threading.Event()
        self._talk = talk
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, suppress(OSError):
            self._talk(self, connection)

    def close(self):
        self.over.set()
        self._socket.close()


@pytest.fixture
def listen():
    listeners = []

    def start(talk):
        listeners.append(Listener(talk))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


def slowly(text):
    """Says `text` and then a byte every now and then, for ever."""

    def talk(listener, connection):
        connection.recv(4096)
        connection.sendall(text)
        while not listener.over.wait(0.05):
            connection.sendall(b"x")

    return talk


@pytest.mark.parametrize(
    "text",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 O"],
    ids=["body", "header", "status"],
)
def test_a_registry_that_drips_ends_with_the_deadline(asker, listen, text):
    listener = listen(slowly(text))
    asker.store.put("scheme", listener.host, b"http", None)
    registry = asker.registry(seconds=0.5)
    reference = parse(f"{listener.host}/app:1")
    with pytest.raises(errors.TimedOut):
        registry.blob(reference, digest(b"x"), 10**6)
    assert listener.connections == 1


def test_a_silent_registry_ends_with_the_deadline_also_for_those_who_wait_for_it(asker, listen):
    listener = listen(lambda listener, connection: listener.over.wait(30))
    registry = asker.registry(seconds=0.5)
    references = [parse(f"{listener.host}/app:{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(registry.published, reference) for reference in references]
        assert {type(future.exception()) for future in found} == {errors.TimedOut}
    assert not [key for key in asker.store.kept if key[0] == "error"]


def test_a_dead_registry_is_asked_once_and_not_again_for_a_minute(asker, server):
    server.close()
    registry = asker.registry()
    reasons = set()
    for number in range(5):
        with pytest.raises(errors.Unreachable) as caught:
            registry.published(server.reference(f"app:{number}"))
        reasons.add(caught.value.reason)
    assert len(reasons) == 1
    assert "refuses connections" in reasons.pop()
    assert len(registry.requests) <= 4  # each scheme of a loopback host, twice
    ttls = [ttl for (kind, _), (_, ttl) in asker.store.kept.items() if kind == "error"]
    assert ttls
    assert max(ttls) <= 60
    again = asker.registry()
    with pytest.raises(errors.Unreachable):
        again.published(server.reference("app:1"))
    assert again.requests == []


def test_a_broken_connection_is_tried_once_more(asker, listen):
    body = manifest()
    answer = b"HTTP/1.1 200 OK\r\nDocker-Content-Digest: %s\r\nContent-Length: 9\r\n\r\n" % digest(body).encode()

    def talk(listener, connection):
        connection.recv(4096)
        if listener.connections > 1:
            connection.sendall(answer)

    listener = listen(talk)
    asker.store.put("scheme", listener.host, b"http", None)
    assert asker.registry().published(parse(f"{listener.host}/app:1")).digest == digest(body)


def test_what_a_tls_server_says_in_clear_is_not_its_answer(asker, listen, authority):
    """Go's servers answer 400 to plain http on a TLS port."""
    context, body = authority.server_context(), manifest()

    def talk(listener, connection):
        if connection.recv(1, socket.MSG_PEEK) != b"\x16":
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
            return
        with context.wrap_socket(connection, server_side=True) as connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\r\nDocker-Content-Digest: %s\r\n\r\n" % digest(body).encode())

    assert asker.registry().published(parse(f"{listen(talk).host}/app:1")).digest == digest(body)


def test_a_broken_answer_on_loopback_is_not_called_missing_tls(asker, listen):
    def talk(listener, connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nLong: " + b"y" * 70_000 + b"\r\n\r\n")

    with pytest.raises(errors.BadAnswer, match="did not answer in HTTP"):
        asker.registry().published(parse(f"{listen(talk).host}/app:1"))


@pytest.mark.parametrize("text", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\0" * 99, b"HTTP/1.1 banana\r\n\r\n", b""])
def test_what_is_no_http_is_our_own_error(asker, listen, text):
    def talk(listener, connection):
        connection.recv(4096)
        connection.sendall(text)

    with pytest.raises(errors.Inconclusive):
        asker.registry().published(parse(f"{listen(talk).host}/app:1"))


def test_nothing_is_written_to_stderr(tmp_path, serve, authority):
    """Not even what urllib3 says of unverified certificates."""
    server = serve(tls=authority.server_context())
    server.publish("app", "1")
    code = f"""
import sys
from container_updates.clock import Clock, Deadline
from container_updates.model import EngineRegistries
from container_updates.reference import parse
from container_updates.registry import *
from container_updates.settings import Settings
from tests.registry.conftest import Memory
clock = Clock(); deadline = Deadline(10, clock); settings = Settings()
registry = Registry(hosts=Hosts(settings, EngineRegistries()), credentials=Credentials(settings, deadline, {{}}),
                    store=Memory(), clock=clock, deadline=deadline, cache_ttl=1)
print(registry.published(parse("{server.host}/app:1")).digest)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("sha256:")
    assert done.stderr == ""
