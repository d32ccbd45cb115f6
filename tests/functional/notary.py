"""Debian's notary: the server with its own timestamp and snapshot keys, in memory, and the client that signs."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .certificates import Authority
from .daemons import Daemon, answers, free_port, program

PASSPHRASE = "only-for-tests"


@dataclass
class NotaryServer:
    """A running notary-server."""

    port: int
    daemon: Daemon
    ca: Path

    @property
    def name(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"https://{self.name}"


def start(folder: Path, authority: Authority) -> NotaryServer:
    """TLS with a certificate by a CA that nobody else knows; keys and metadata in memory."""
    binary = program("notary-server", "notary")
    certificate, key = authority.issue(folder, "notary")
    ca = folder / "ca.crt"
    ca.write_bytes(authority.pem)
    port = free_port()
    config = {
        "server": {
            "http_addr": f"127.0.0.1:{port}",
            "tls_cert_file": str(certificate),
            "tls_key_file": str(key),
        },
        "trust_service": {"type": "local", "hostname": "", "port": "", "key_algorithm": "ecdsa"},
        "logging": {"level": "error"},
        "storage": {"backend": "memory"},
    }
    file = folder / "server.json"
    file.write_text(json.dumps(config))
    daemon = Daemon([binary, "-config", str(file)], folder / "notary-server.log")
    server = NotaryServer(port, daemon, ca)
    daemon.ready_when(lambda: answers(port))
    return server


class Notary:
    """The client of one person, with keys in a folder."""

    def __init__(self, server: NotaryServer, folder: Path) -> None:
        self._binary = program("notary", "notary")
        self._folder = folder
        folder.mkdir()
        config = {
            "trust_dir": str(folder / "trust"),
            "remote_server": {"url": server.url, "root_ca": str(server.ca)},
        }
        (folder / "client.json").write_text(json.dumps(config))

    def __call__(self, *arguments: str) -> str:
        """Run a command of it; returns what it says."""
        roles = ("ROOT", "TARGETS", "SNAPSHOT", "DELEGATION")
        env = {f"NOTARY_{role}_PASSPHRASE": PASSPHRASE for role in roles}
        done = subprocess.run(
            [self._binary, "-c", str(self._folder / "client.json"), *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self._folder), **env},
            input="yes\n",  # to rotate a root asks whether that is meant
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"notary {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def sign(self, gun: str, tag: str, digest: str, *roles: str) -> None:
        """Let a tag name a digest, in targets or the roles given, and publish that."""
        named = [argument for role in roles for argument in ("--roles", role)]
        self("addhash", gun, tag, "500", "--sha256", digest.removeprefix("sha256:"), *named, "--publish")

    def root_keys(self) -> set[str]:
        """Ids of the root keys that this person has, as `key list` shows them."""
        lines = [line.split() for line in self("key", "list").splitlines()]
        return {words[1] for words in lines if words[:1] == ["root"]}
