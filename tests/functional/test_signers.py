"""The real cosign signs in real registries: our verdict is the tool's own, but for the differences that are named here.

`make test-signers` builds the tools: minutes, so it is not part of `make test`.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from container_updates.demo.engine.kinds import CONTAINERD
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.registry.content import AMD64, PushedImage
from container_updates.demo.registry.server import RegistryServer
from container_updates.model import Finding
from tests.support import forge
from tests.support.lab import Lab

from . import registries
from .daemons import Daemon, answers, free_port
from .published import OCI_INDEX, OCI_MANIFEST, Manifest, Publisher, image, index

pytestmark = pytest.mark.signers
TOOLS = Path(os.environ.get("CONTAINER_UPDATES_SIGNERS", "/nowhere"))
WAYS = [("2.6.4", "classic"), ("3.1.2", "classic"), ("3.1.2", "bundle")]
KEYS = {
    "a": ec.generate_private_key(ec.SECP256R1()),
    "b": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "rsa": rsa.generate_private_key(65537, 2048),
    "ed": ed25519.Ed25519PrivateKey.generate(),
}
REFUSED_BY_THE_TOOL_ALONE = {(version, way, "p384") for version, way in WAYS}
"""cosign signs P-384 with the curve's own hash, and its verification by a key expects SHA-256."""


@dataclass
class Cosign:
    """One version of the tool, with its keys."""

    version: str
    way: str
    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "COSIGN_PASSWORD": ""}
        argv = [str(TOOLS / self.version / "cosign"), *arguments]
        return subprocess.run(argv, env=environment, cwd=self.folder, capture_output=True, text=True, timeout=120)

    def done(self, *arguments: str) -> None:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr

    def key(self, name: str) -> str:
        """The private key's file, as the tool wants it; the public one is beside it."""
        if not (self.folder / f"{name}.key").exists():
            (self.folder / f"{name}.pem").write_bytes(forge.private_pem(KEYS[name]))
            self.done("import-key-pair", "--key", f"{name}.pem", "--output-key-prefix", name)
            (self.folder / f"{name}.pub").write_bytes(forge.pem(KEYS[name]))
        return f"{name}.key"

    def sign(self, reference: str, key: str = "a") -> None:
        """Sign without any log."""
        flags = ["--tlog-upload=false"]
        if self.version.startswith("3"):
            flags = ["--use-signing-config=false", "--new-bundle-format=false", "--tlog-upload=false"]
        if self.way == "bundle":
            nothing = {"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}
            (self.folder / "signing.json").write_text(json.dumps(nothing))
            flags = ["--signing-config=signing.json"]
        self.done("sign", "--yes", "--allow-http-registry", "--key", self.key(key), *flags, reference)

    def verifies(self, reference: str, key: str = "a") -> bool:
        """Whether the tool finds a good signature by this key."""
        self.key(key)
        flags = [f"--new-bundle-format={str(self.way == 'bundle').lower()}"] if self.version.startswith("3") else []
        flags += ["--insecure-ignore-tlog=true", "--allow-http-registry"]
        return self.run("verify", "--key", f"{key}.pub", *flags, reference).returncode == 0


@dataclass
class Place:
    """A registry and the tool."""

    publisher: Publisher
    host: str
    cosign: Cosign
    folder: Path

    def push(self, name: str, manifest: Manifest) -> str:
        """Publish it; returns the reference by its digest."""
        return f"{self.host}/{name}@{self.publisher.push(name, '1', manifest)}"

    def verdict(self, name: str, manifest: Manifest, key: str = "a") -> Finding:
        """What the whole plugin says of a container of it, where this key is the one that is trusted."""
        self.cosign.key(key)
        policy = self.folder / "policy.toml"
        signer = f'type = "key"\nfile = "{self.cosign.folder / key}.pub"\n'
        policy.write_text(f'version = 1\n[[rule]]\nimages = ["**"]\n[[rule.signer]]\n{signer}')
        running = PushedImage(
            f"{self.host}/{name}:1",
            manifest.digest,
            manifest.media_type,
            len(manifest.body),
            "sha256:" + "c" * 64,
            AMD64,
            "2026-01-01T00:00:00Z",
            {},
            (),
        )
        with EngineServer(CONTAINERD) as engine, RegistryServer() as unused:
            host = Lab(engine, unused, self.folder)
            host.run("web", running)
            checked = host.check(checks=("signatures",), trust_policies=(str(policy),))
        return checked.finding("web", "signatures")


@pytest.fixture(params=["tag", "api"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """URL and host: Debian's docker-registry, which has no referrers API, or one that has it."""
    if not (TOOLS / "registry").is_file():
        pytest.skip("make test-signers builds the tools")
    if request.param == "tag":
        started = registries.start_open(tmp_path, tmp_path / "storage")
        with started.daemon:
            yield started.url, started.name
        return
    port = free_port()
    with Daemon([str(TOOLS / "registry"), f"127.0.0.1:{port}"], tmp_path / "registry.log") as daemon:
        daemon.ready_when(lambda: answers(port))
        yield f"http://127.0.0.1:{port}", f"127.0.0.1:{port}"


@pytest.fixture(params=WAYS, ids="-".join)
def place(request: pytest.FixtureRequest, registry: tuple[str, str], tmp_path: Path) -> Place:
    version, way = request.param
    folder = tmp_path / "cosign"
    folder.mkdir()
    return Place(Publisher(registry[0]), registry[1], Cosign(version, way, folder), tmp_path)


def test_a_single_image(place: Place) -> None:
    what = image("1")
    reference = place.push("app/single", what)
    assert not place.cosign.verifies(reference)
    assert place.verdict("app/single", what).code == "unsigned"
    place.cosign.sign(reference)
    for key in ("a", "b"):
        agreed = place.cosign.verifies(reference, key)
        assert agreed == (key == "a")
        assert (place.verdict("app/single", what, key).code == "signed") == agreed
    assert place.verdict("app/single", what, "b").code == "unverifiable"
    place.cosign.sign(reference, "b")
    for key in ("a", "b"):
        assert place.cosign.verifies(reference, key)
        assert place.verdict("app/single", what, key).code == "signed"


def test_an_index_and_what_it_lists(place: Place) -> None:
    amd64, arm64 = image("1"), image("1", "arm64")
    whole = index(amd64, arm64)
    reference = place.push("app/multi", whole)
    place.cosign.sign(reference)
    assert place.cosign.verifies(reference)
    assert place.verdict("app/multi", whole).code == "signed"
    # The tool says "no signatures found" of the platform's manifest; it is in the index that is signed.
    assert not place.cosign.verifies(f"{place.host}/app/multi@{amd64.digest}")
    assert whole.media_type == OCI_INDEX
    assert place.verdict("app/multi", amd64).code == "signed"


def test_a_signature_that_was_moved(place: Place) -> None:
    what, other = image("1"), image("2")
    place.cosign.sign(place.push("app/moved", what))
    moved = place.push("app/moved", other)
    assert not place.cosign.verifies(moved)
    assert place.verdict("app/moved", other).code == "unsigned"
    if place.cosign.way == "bundle":
        return
    tags = [one.digest.replace(":", "-") + ".sig" for one in (what, other)]
    with requests.Session() as session:
        session.trust_env = False
        url = f"{place.publisher.url}/v2/app/moved/manifests"
        found = session.get(f"{url}/{tags[0]}", headers={"Accept": OCI_MANIFEST}, timeout=10)
        found.raise_for_status()
        headers = {"Content-Type": found.headers["Content-Type"]}
        session.put(f"{url}/{tags[1]}", found.content, headers=headers, timeout=10).raise_for_status()
    assert not place.cosign.verifies(moved)
    assert place.verdict("app/moved", other).code == "invalid-signature"


@pytest.mark.parametrize("key", ["p384", "rsa", "ed"])
def test_keys_of_other_kinds(place: Place, key: str) -> None:
    what = image("1")
    reference = place.push("app/keys", what)
    place.cosign.sign(reference, key)
    by_tool = place.cosign.verifies(reference, key)
    found = place.verdict("app/keys", what, key)
    if (place.cosign.version, place.cosign.way, key) in REFUSED_BY_THE_TOOL_ALONE:
        assert (by_tool, found.code) == (False, "signed"), found
    elif key == "ed":  # hashed before (Ed25519ph), which the tool's own verification by a key does not expect
        assert found.code == "signed", (by_tool, found)
    else:
        assert (found.code == "signed") == by_tool, (by_tool, found)
