"""Who signs on a real host, learnt, changed and accepted: the plugin as a process, a real engine and registry."""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.support import forge

from .engine import Engine
from .plugin import PLUGIN, Plugin, Run, run
from .published import OCI_MANIFEST, Manifest, Publisher, image, index
from .registries import Registry

pytestmark = pytest.mark.parametrize(
    "engine", ["classic", pytest.param("containerd", marks=pytest.mark.engine29)], indirect=True
)


def signature(of: str, repository: str, key: Any) -> Manifest:
    """What cosign puts beside an image."""
    payload, annotations = forge.key_signed(key, forge.simple_payload(of, repository))

    def described(content: bytes, media_type: str) -> dict[str, Any]:
        return {"mediaType": media_type, "digest": f"sha256:{sha256(content).hexdigest()}", "size": len(content)}

    body = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": described(b"{}", "application/vnd.oci.image.config.v1+json"),
        "layers": [{**described(payload, forge.SIMPLE), "annotations": annotations}],
    }
    return Manifest(json.dumps(body).encode(), OCI_MANIFEST, (b"{}", payload))


def wrong(run: Run) -> list[tuple[str, str]]:
    """What the checks signatures and source find that is not fine, by container."""
    return [
        (container["name"], finding["code"])
        for container in run.report["containers"]
        for finding in container["findings"]
        if finding["check"] in ("signatures", "source") and finding["verdict"] in ("fail", "inconclusive")
    ]


def test_learnt_then_changed_then_accepted(
    engine: Engine, publisher: Publisher, registry: Registry, plugin: Plugin, tmp_path: Path
) -> None:
    acme, other = forge.new_key(), forge.new_key()
    (tmp_path / "acme.pub").write_bytes(forge.pem(acme))
    given = tmp_path / "given.toml"
    given.write_text('version = 1\n[[rule]]\nimages = ["**"]\n[[rule.signer]]\ntype = "key"\nfile = "acme.pub"\n')

    def publish(name: str, version: str, key: Any = None) -> None:
        manifest = index(image(version))
        digest = publisher.push(f"who/{name}", "1", manifest)
        if key is not None:
            beside = signature(digest, f"{registry.name}/who/{name}", key)
            publisher.push(f"who/{name}", f"{digest.replace(':', '-')}.sig", beside)
        engine.pull(f"{registry.name}/who/{name}:1")
        engine.run(f"{registry.name}/who/{name}:1", f"{name}{version}")

    for name, key in (("signed", acme), ("stranger", other), ("plain", None)):
        publish(name, "1", key)
    file = tmp_path / "learnt.toml"
    check = ("--check=signatures,source", "--cache-ttl=0")
    first = plugin(*check, f"--trust-policy={given}", f"--learn={file}")
    assert {("stranger1", "unverifiable"), ("plain1", "unsigned")} <= {*wrong(first)}
    assert first.report["notes"] == [
        f"{file} written: 3 rules, 2 of them accept what is not signed or cannot be verified here"
    ]
    policy = f"--trust-policy={file}"
    quiet = plugin(*check, policy)
    assert (wrong(quiet), quiet.exit_code) == ([], 0)

    publish("signed", "2", other)
    changed = plugin(*check, policy)
    assert (wrong(changed), changed.exit_code) == ([("signed2", "signer-changed")], 2)
    accepted = plugin_alone(plugin, f"--accept={registry.name}/who/*")
    assert (accepted.exit_code, accepted.stdout.count("\n")) == (0, 1)
    assert "who/signed: accepted" in accepted.stdout
    assert wrong(plugin(*check, policy)) == [("signed2", "unverifiable")]
    assert plugin_alone(plugin, f"--accept={registry.name}/who/*").exit_code == 3


def plugin_alone(plugin: Plugin, *arguments: str) -> Run:
    """Without the options of a check, in the same home."""
    return run([sys.executable, str(PLUGIN), *arguments], plugin.folder)
