"""Debian's docker-registry four ways over one storage: open, htpasswd, tokens, TLS with a CA of its own."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .certificates import Authority
from .daemons import Daemon, answers, free_port, program
from .token_server import TokenServer

USER, PASSWORD = "reader", "only-for-tests"


@dataclass
class Registry:
    """A running docker-registry."""

    port: int
    daemon: Daemon
    scheme: str = "http"

    @property
    def name(self) -> str:
        """Host and port as they stand in a reference."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{self.scheme}://{self.name}"

    def requests(self) -> list[tuple[str, str]]:
        """Method and target of every request so far, as the registry itself wrote them down."""
        lines = self.daemon.log.read_text(errors="replace").splitlines()
        quoted = [line.split('"')[1].split(" ") for line in lines if '" ' in line and line.startswith("127.0.0.1 - ")]
        return [(parts[0], parts[1]) for parts in quoted if len(parts) == 3]


def start_open(folder: Path, storage: Path) -> Registry:
    """Anybody may read, write and delete."""
    return _start(folder, storage, "open", {})


def start_htpasswd(folder: Path, storage: Path) -> Registry:
    """Basic authentication with a bcrypt password file."""
    htpasswd = program("htpasswd", "apache2-utils")
    line = subprocess.run([htpasswd, "-nbB", USER, PASSWORD], check=True, capture_output=True, text=True).stdout.strip()
    users = folder / "users"
    users.write_text(line + "\n")
    return _start(folder, storage, "htpasswd", {"auth": {"htpasswd": {"realm": "Tests", "path": str(users)}}})


def start_token(folder: Path, storage: Path, server: TokenServer) -> Registry:
    """Bearer tokens, signed by the tests' own token server."""
    bundle = folder / "token.pem"
    bundle.write_bytes(server.certificate)
    token = {"realm": server.realm, "service": server.service, "issuer": server.issuer, "rootcertbundle": str(bundle)}
    return _start(folder, storage, "token", {"auth": {"token": token}})


def start_tls(folder: Path, storage: Path, authority: Authority) -> Registry:
    """TLS with a certificate for 127.0.0.1 by a CA that nobody else knows."""
    certificate, key = authority.issue(folder, "registry")
    return _start(folder, storage, "tls", {"http": {"tls": {"certificate": str(certificate), "key": str(key)}}})


def _start(folder: Path, storage: Path, name: str, extra: dict[str, Any]) -> Registry:
    docker_registry = program("docker-registry", "docker-registry")
    port = free_port()
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(storage)}, "delete": {"enabled": True}},
        **extra,
        "http": {"addr": f"127.0.0.1:{port}", "secret": "only-for-tests", **extra.get("http", {})},
    }
    file = folder / f"{name}.json"  # JSON is YAML
    file.write_text(json.dumps(config))
    daemon = Daemon([docker_registry, "serve", str(file)], folder / f"{name}.log")
    registry = Registry(port, daemon, "https" if "tls" in config["http"] else "http")
    daemon.ready_when(lambda: answers(port))
    return registry
