"""Where images come from and what they are built upon, on a real engine and a real registry."""

from pathlib import Path
from typing import Any

import requests

from tests.support import forge

from .daemons import free_port
from .engine import Engine
from .plugin import Plugin, Run
from .published import Manifest, Publisher, image, signature
from .registries import Registry

OCI = "org.opencontainers.image."


def upon(registry: str, name: str, digest: str) -> Manifest:
    """An image whose labels say where it comes from and what it was built upon."""
    labels = {f"{OCI}source": "https://github.com/acme/app", f"{OCI}base.name": f"{registry}/{name}:1"}
    return image(f"upon {name}", labels={**labels, f"{OCI}base.digest": digest})


def about_source(run: Run, name: str) -> list[dict[str, Any]]:
    """The findings of the check `source` on one container."""
    [container] = [one for one in run.report["containers"] if one["name"] == name]
    return [one for one in container["findings"] if one["check"] == "source"]


def test_bases_that_moved_stayed_are_gone_or_lie_on_a_dead_registry(
    plugin: Plugin, engine: Engine, publisher: Publisher, registry: Registry
) -> None:
    dead = f"127.0.0.1:{free_port()}"
    digests = {name: publisher.push(f"base/{name}", "1", image(name)) for name in ("moved", "same", "bad", "dead")}
    for name, digest in digests.items():
        where = dead if name == "dead" else registry.name
        publisher.push(f"upon/{name}", "1", upon(where, f"base/{name}", digest))
        engine.pull(f"{registry.name}/upon/{name}:1")
        engine.run(f"{registry.name}/upon/{name}:1", name)
    moved = publisher.push("base/moved", "1", image("moved on"))
    publisher.push("base/bad", "2", image("another"))
    publisher.delete("base/bad", digests["bad"])

    result = plugin("--check=source")
    assert result.exit_code == 0, result.stdout
    found = {name: about_source(result, name) for name in digests}
    assert {name: [one["code"] for one in findings] for name, findings in found.items()} == {
        "moved": ["source-claimed", "base-outdated"],
        "same": ["source-claimed"],
        "bad": ["source-claimed", "base-outdated"],
        "dead": ["source-claimed", "unreachable"],
    }
    details = found["moved"][1]["details"]
    assert (details["base_digest"], details["published_digest"]) == (digests["moved"], moved)
    assert f"{registry.name}/base/bad:1 is gone" in found["bad"][1]["message"]
    assert found["dead"][1]["verdict"] == "inconclusive"
    assert f"{dead}/base/dead:1" in found["dead"][1]["message"]
    assert result.metric("base_outdated") == 2

    alarmed = plugin("--check=source", "--warning=base_outdated=0", output="nagios")
    assert alarmed.exit_code == 1
    assert "[WARNING] moved: " in alarmed.stdout
    assert "[UNKNOWN] dead: " in alarmed.stdout
    assert "] same: " not in alarmed.stdout


def by(key: Any, digest: str, repository: str) -> Manifest:
    """What `cosign sign --key` puts under its tag."""
    payload, annotations = forge.key_signed(key, forge.simple_payload(digest, repository))
    return signature(digest, payload, annotations)


def test_what_was_learnt_has_nothing_to_tell_until_somebody_else_signs(
    plugin: Plugin, engine: Engine, publisher: Publisher, registry: Registry, tmp_path: Path
) -> None:
    names, key, other = ("signed", "plain"), forge.new_key(), forge.new_key()
    for name in names:
        digest = publisher.push(f"learnt/{name}", "1", image(name))
        if name == "signed":
            tag = f"{digest.replace(':', '-')}.sig"
            repository = f"{registry.name}/learnt/{name}"
            publisher.push(f"learnt/{name}", tag, by(key, digest, repository))
        engine.pull(f"{registry.name}/learnt/{name}:1")
        engine.run(f"{registry.name}/learnt/{name}:1", name)
    (tmp_path / "acme.pub").write_bytes(forge.pem(key))
    known = tmp_path / "known.toml"
    known.write_text(
        'version = 1\n[[rule]]\nimages = ["**"]\nsignatures = "if-present"\n'
        '[[rule.signer]]\ntype = "key"\nfile = "acme.pub"\n'
    )
    learnt = tmp_path / "learnt.toml"
    checks = "--check=updates,signatures,source"
    first = plugin(checks, f"--trust-policy={known}", f"--learn={learnt}")
    assert first.metric("unknown_source") == 2
    assert f'images = ["{registry.name}/learnt/signed"]' in learnt.read_text()

    quiet = plugin(checks, f"--trust-policy={learnt}", "--no-cache")
    assert quiet.exit_code == 0, quiet.stdout
    assert _alarms(quiet) == []

    publisher.push("learnt/signed", tag, by(other, digest_of(registry, "signed"), repository))
    changed = plugin(checks, f"--trust-policy={learnt}", "--no-cache")
    assert changed.exit_code == 2
    assert _alarms(changed) == [("signed", "signer-changed")]


def digest_of(registry: Registry, name: str) -> str:
    """What the tag names."""
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    answer = requests.head(f"{registry.url}/v2/learnt/{name}/manifests/1", headers=accept, timeout=60)
    return answer.headers["Docker-Content-Digest"]


def _alarms(run: Run) -> list[tuple[str, str]]:
    return [
        (container["name"], finding["code"])
        for container in run.report["containers"]
        for finding in container["findings"]
        if finding["verdict"] == "fail"
    ]
