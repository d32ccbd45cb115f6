"""An engine on a unix socket or on loopback that gives prepared answers and remembers what it was asked."""

import json
import shutil
import socket
import socketserver
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from container_updates.clock import Clock, Deadline
from container_updates.inventory.engine import DockerEngine
from container_updates.model import Container
from container_updates.settings import Settings
from tests.support import paths

ASSETS = paths.ASSETS / "engines"


class PreparedEngine:
    """Answers by path without API version: a value (as JSON), bytes, (status, value) or a function of the handler."""

    def __init__(self, url: str, answers: dict[str, Any]) -> None:
        self.url = url
        self.answers = answers
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []

    def paths(self) -> list[str]:
        return [urlsplit(path).path for _, path in self.asked]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = False

    def do_GET(self) -> None:
        engine: PreparedEngine = self.server.engine  # type: ignore[attr-defined]
        engine.asked.append((self.command, self.path))
        engine.headers.append({key.lower(): value for key, value in self.headers.items()})
        path = urlsplit(self.path).path
        if path.startswith("/v1."):
            path = path[path.index("/", 1) :]
        answer = engine.answers.get(path, (404, {"message": "page not found"}))
        if callable(answer):
            answer(self)
            return
        status, answer = answer if isinstance(answer, tuple) else (200, answer)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815

    def address_string(self) -> str:
        return "client"

    def log_message(self, *args: Any) -> None:
        pass


class _Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, *args: Any) -> None:
        pass


class _Tcp(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *args: Any) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[..., PreparedEngine]]:
    # A unix socket's path has 107 bytes at most: never below a long TMPDIR.
    folder = Path(tempfile.mkdtemp(prefix="ccu-", dir="/tmp"))
    servers: list[socketserver.BaseServer] = []

    def start(answers: dict[str, Any], *, tcp: bool = False, tls: ssl.SSLContext | None = None) -> PreparedEngine:
        server: Any
        if tcp or tls:
            server = _Tcp(("127.0.0.1", 0), _Handler)
            url = f"tcp://127.0.0.1:{server.server_address[1]}"
            if tls:
                server.socket = tls.wrap_socket(server.socket, server_side=True)
        else:
            path = folder / f"engine{len(servers)}.sock"
            server = _Unix(str(path), _Handler)
            url = f"unix://{path}"
        server.engine = PreparedEngine(url, answers)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return server.engine  # type: ignore[no-any-return]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
    shutil.rmtree(folder)


@pytest.fixture
def silent_socket(tmp_path: Path) -> Iterator[str]:
    """A socket that accepts, and never says anything."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "silent.sock"))
        listening.listen()
        yield f"unix://{tmp_path / 'silent.sock'}"


def recorded(name: str) -> dict[str, Any]:
    """The answers of a recorded engine, by path."""
    asset = json.loads((ASSETS / f"{name}.json").read_text())
    containers = asset["containers_json"]
    descriptors = {
        record["Names"][0]: record["ImageManifestDescriptor"] for record in asset.get("containers_json_1.52", [])
    }
    for record in containers:
        if record["Names"][0] in descriptors:
            record["ImageManifestDescriptor"] = descriptors[record["Names"][0]]
    answers = {"/version": asset["version"], "/images/json": asset["images_json"], "/containers/json": containers}
    if "info" in asset:
        answers["/info"] = asset["info"]
    for inspect in asset.get("container_inspect", {}).values():
        answers[f"/containers/{inspect['Id']}/json"] = {**inspect, "Config": {"Image": inspect["Config.Image"]}}
    for inspect in asset.get("image_inspect", {}).values():
        answers[f"/images/{inspect['Id']}/json"] = inspect
    return answers


def answers(containers: Any = (), images: Any = (), *, api: str = "1.41", minimum: str = "1.12") -> dict[str, Any]:
    """A small classic engine's answers."""
    version = {"ApiVersion": api, "MinAPIVersion": minimum, "Components": [{"Name": "Engine"}]}
    info = {"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]], "RegistryConfig": {}}
    lists = {"/containers/json": list(containers), "/images/json": list(images)}
    return {"/version": version, "/info": info, **lists}


def ask(engine: PreparedEngine | str, settings: Settings | None = None, seconds: float = 20.0) -> DockerEngine:
    url = engine if isinstance(engine, str) else engine.url
    return DockerEngine(url, settings=settings or Settings(), deadline=Deadline(seconds, Clock()))


def by_name(inventory: DockerEngine) -> dict[str, Container]:
    return {container.name: container for container in inventory.containers()}
