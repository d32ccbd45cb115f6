"""Sockets to an engine: a busy one is waited for, and a private CA is taken as Docker takes it."""

import errno
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from container_updates.clock import Clock, Deadline
from container_updates.errors import InventoryError
from container_updates.inventory.connections import sockets
from container_updates.settings import Settings
from tests.inventory.conftest import PreparedEngine, answers, ask, by_name


class _Draining(Deadline):
    """Empties a socket's backlog when somebody looks whether there is time for another try."""

    def __init__(self, listening: socket.socket) -> None:
        super().__init__(60, Clock())
        self.listening = listening
        self.looked = 0

    def passed(self) -> bool:
        self.looked += 1
        self.listening.accept()[0].close()
        return super().passed()


def _busy(path: str, stack: ExitStack) -> socket.socket:
    """Return a listening socket whose backlog is full."""
    listening = stack.enter_context(socket.socket(socket.AF_UNIX))
    listening.bind(path)
    listening.listen(0)
    for _ in range(100):
        waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
        waiting.setblocking(False)
        if waiting.connect_ex(path) == errno.EAGAIN:
            return listening
    raise AssertionError("the backlog takes them all")


def test_engine_whose_backlog_is_full_is_tried_again(tmp_path: Path) -> None:
    path = str(tmp_path / "busy.sock")
    with ExitStack() as stack:
        listening = _busy(path, stack)
        deadline = _Draining(listening)
        shown = f"unix://{path}"
        stack.enter_context(sockets.endpoint(shown, shown, Settings()).connect(deadline))
        assert deadline.looked


def test_engine_whose_backlog_stays_full_is_one_that_does_not_answer(tmp_path: Path) -> None:
    path = str(tmp_path / "busy.sock")
    with ExitStack() as stack:
        _busy(path, stack)
        with pytest.raises(InventoryError, match="does not answer GET /version in time"):
            ask(f"unix://{path}", seconds=0.05).containers()


def test_private_authority_by_plain_openssl_is_not_held_to_the_strict_rules() -> None:
    """Python 3.13 asks for VERIFY_X509_STRICT, which `openssl req -x509` does not fulfil."""
    context = sockets._tls_context(Settings())
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("tls_file", ["tls_ca", "tls_cert"])
def test_tls_file_that_holds_no_certificate_is_named(tmp_path: Path, tls_file: str) -> None:
    (tmp_path / "odd.pem").write_text("no certificate")
    odd = str(tmp_path / "odd.pem")
    settings = Settings(**{tls_file: odd}, **({"tls_key": odd} if tls_file == "tls_cert" else {}))  # type: ignore[arg-type]
    with pytest.raises(InventoryError, match=f"--{tls_file.replace('_', '-')} {odd}"):
        sockets.endpoint("tcp://127.0.0.1:1", "", settings)


def test_engine_that_closes_idle_connections_is_asked_on_a_new_one(serve: Callable[..., PreparedEngine]) -> None:
    def once(handler: Any) -> None:
        handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{"ApiVersion": "1.41"}')
        handler.close_connection = True  # without a word to the client

    served = serve({**answers(), "/version": once})
    assert by_name(ask(served)) == {}


@pytest.mark.parametrize("scheme", ["tcp", "TCP", "http"])
def test_login_in_the_url_goes_to_the_proxy_before_the_engine_and_nowhere_else(
    serve: Callable[..., PreparedEngine], scheme: str
) -> None:
    served = serve(answers(), tcp=True)
    inventory = ask(served.url.replace("tcp://", f"{scheme}://admin:s3%20cret@"))
    inventory.containers()
    assert {headers["authorization"] for headers in served.headers} == {"Basic YWRtaW46czMgY3JldA=="}
    assert "cret" not in f"{inventory.engine} {inventory.requests} {inventory.problems}"


@pytest.mark.parametrize(
    "url", ["tcp://admin:pa/ss@h:2375", "admin:pass@h:2375", "TCP://admin:pass@h", "tcp://a:pass@[h"]
)
def test_login_in_a_url_that_names_no_engine_is_not_shown(url: str) -> None:
    with pytest.raises(InventoryError, match="is no engine URL") as caught:
        ask(url)
    assert "pass" not in str(caught.value)
    assert "ss@" not in str(caught.value)
