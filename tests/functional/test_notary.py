"""Content Trust by the real tools: Debian's notary and Docker itself sign, rotate and delegate; our verdict follows."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from container_updates import check
from container_updates.clock import Clock, Deadline
from container_updates.model import Finding
from container_updates.settings import Settings

from . import notary
from .certificates import Authority
from .daemons import program
from .engine import Engine
from .notary import PASSPHRASE, Notary, NotaryServer
from .plugin import Plugin
from .published import Publisher, image
from .registries import Registry


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[NotaryServer]:
    started = notary.start(tmp_path_factory.mktemp("notary"), authority)
    with started.daemon:
        yield started


@pytest.fixture
def client(server: NotaryServer, tmp_path: Path) -> Notary:
    return Notary(server, tmp_path / "client")


Verdict = Callable[[str], Finding]


@pytest.fixture
def policy(server: NotaryServer, tmp_path: Path) -> Callable[[str], Path]:
    """Writes a policy that names a root key."""

    def write(root: str) -> Path:
        file = tmp_path / "policy.toml"
        file.write_text(
            'version = 1\n[[rule]]\nimages = ["**"]\n[[rule.signer]]\ntype = "content-trust"\n'
            f'root = ["sha256:{root}"]\nserver = "{server.url}"\n'
        )
        return file

    return write


@pytest.fixture
def verdict(plugin: Plugin, server: NotaryServer, policy: Callable[[str], Path]) -> Verdict:
    """What is found about the container `web`, where a root key is named; every run asks anew."""

    def look(root: str) -> Finding:
        settings = Settings(
            hosts=(f"unix://{plugin.socket}",),
            state_dir=str(plugin.folder / "state"),
            docker_config=str(plugin.folder),
            checks=("signatures",),
            trust_policies=(str(policy(root)),),
            ca_files={server.name: str(server.ca)},
            no_cache=True,
        )
        clock = Clock()
        [container] = check.run(settings, clock=clock, deadline=Deadline(30, clock)).containers
        [judged] = container.findings
        return judged.finding

    return look


def test_sign_rotate_and_sign_another(
    client: Notary, verdict: Verdict, engine: Engine, publisher: Publisher, registry: Registry
) -> None:
    gun = f"{registry.name}/trusted/app"
    running = publisher.push("trusted/app", "1", image("signed"))
    engine.pull(f"{gun}:1")
    engine.run(f"{gun}:1", "web")
    client("init", gun, "--publish")
    [root] = client.root_keys()
    nothing = verdict(root)
    assert nothing.code == "unverifiable"
    assert "there is trust data, but it does not name what runs: tag 1 is not signed" in nothing.message
    client.sign(gun, "1", running)
    good = verdict(root)
    assert good.code == "signed", good
    assert good.message.startswith(f"{gun}:1 signed by sha256:{root}")
    assert verdict("ab" * 32).code == "unverifiable"

    for role, managed in (("snapshot", True), ("targets", False), ("timestamp", True), ("snapshot", False)):
        client("key", "rotate", gun, role, *(["--server-managed"] if managed else []))
        assert verdict(root).code == "signed", role
    client("key", "rotate", gun, "root")
    assert verdict(root).code == "signed"
    [new] = client.root_keys() - {root}
    assert verdict(new).code == "signed"

    newer = publisher.push("trusted/app", "1", image("newer"))
    client.sign(gun, "1", newer)
    moved = verdict(root)
    assert moved.code == "unverifiable"
    assert f"does not name what runs: tag 1 is signed for {newer[:19]}" in moved.message
    engine.pull(f"{gun}:1")
    engine.api.remove_container("web", force=True)
    engine.run(f"{gun}:1", "web")
    assert verdict(root).code == "signed"

    client("delete", gun, "--remote")
    gone = verdict(root)
    assert (gone.code, gone.details["besides"]) == ("signer-changed", "unsigned")
    client("init", gun, "--publish")  # by one of the two root keys, with a new certificate
    client.sign(gun, "1", newer)
    assert [verdict(key).code for key in client.root_keys()].count("signed") == 1  # versions begin anew, too


def test_a_delegation_signs_before_the_repository_s_own_key(
    client: Notary,
    verdict: Verdict,
    engine: Engine,
    publisher: Publisher,
    registry: Registry,
    authority: Authority,
    tmp_path: Path,
) -> None:
    gun = f"{registry.name}/trusted/delegated"
    running = publisher.push("trusted/delegated", "1", image("delegated"))
    engine.pull(f"{gun}:1")
    engine.run(f"{gun}:1", "web")
    client("init", gun, "--publish")
    client.sign(gun, "1", "sha256:" + "ab" * 32)
    [root] = client.root_keys()
    assert verdict(root).code == "unverifiable"
    certificate, key = authority.issue(tmp_path, "releaser")
    client("delegation", "add", gun, "targets/releases", str(certificate), "--all-paths", "--publish")
    assert verdict(root).code == "unverifiable"
    client("key", "import", str(key), "--role", "releaser")
    client.sign(gun, "1", running, "targets/releases")
    found = verdict(root)
    assert found.code == "signed", found
    assert found.details["signatures"][0]["role"] == "targets/releases"


def test_what_docker_itself_signs(
    server: NotaryServer,
    verdict: Verdict,
    policy: Callable[[str], Path],
    plugin: Plugin,
    engine: Engine,
    registry: Registry,
    tmp_path: Path,
) -> None:
    reference = f"{registry.name}/trusted/docker:1"
    engine.build(f"{registry.name}/trusted/docker", "1")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DOCKER_HOST": f"unix://{engine.socket}",
        "DOCKER_CONTENT_TRUST": "1",
        "DOCKER_CONTENT_TRUST_SERVER": server.url,
        "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE": PASSPHRASE,
        "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE": PASSPHRASE,
    }
    docker = program("docker", "docker.io")
    done = subprocess.run([docker, "push", reference], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    told = subprocess.run([docker, "trust", "inspect", reference], env=env, capture_output=True, text=True, timeout=60)
    keys = json.loads(told.stdout)[0]["AdministrativeKeys"]
    [root] = [key["ID"] for role in keys if role["Name"] == "Root" for key in role["Keys"]]
    engine.run(reference, "web")
    found = verdict(root)
    assert found.code == "signed", found
    options = (f"--trust-policy={policy(root)}", f"--ca-file={server.name}={server.ca}")
    run = plugin("--check=signatures", "-v", *options, output="nagios")
    assert run.exit_code == 0, run
    assert f"web: {reference} signed by sha256:{root}" in run.stdout
