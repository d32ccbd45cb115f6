"""`--learn`: today's state as a policy. With it the next run has nothing to say, and one changed signer one thing."""

import json
import os
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from container_updates import cli
from container_updates.demo import faults
from container_updates.demo.registry import attached
from container_updates.demo.registry.content import AMD64, PushedImage
from container_updates.errors import UsageError
from container_updates.model import Container, Finding, Image, JudgedContainer, JudgedFinding, State, Subject, Verdict
from container_updates.options import parser
from container_updates.reference import parse
from container_updates.settings import Settings
from container_updates.trust.learning import learn, toml_writer
from container_updates.trust.policy import load
from tests.chain.test_signatures import ASSETS, SIGNED
from tests.support import built, forge
from tests.support.lab import Checked, Lab, lab
from tests.support.signed import BUNDLE, Signer

BOTH = ("signatures", "source")
KEYLESS = "sha256:c811d58de79c92f03214e63aa339484e488d694ae8a6283b5f3f17a9faf50172"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        started.time = SIGNED
        yield started


@pytest.fixture
def acme(host: Lab) -> Signer:
    return Signer(host.registry)


def wrong(checked: Checked) -> list[tuple[str, str, str]]:
    """What is not fine, of every container."""
    return [
        (judged.container.name, one.finding.check, one.finding.code)
        for judged in checked.outcome.containers
        for one in judged.findings
        if one.finding.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
    ]


def learnt(host: Lab, **changes: Any) -> tuple[Checked, str]:
    """One run that writes a policy; returns it and the policy's path."""
    file = host.folder / f"learnt-{len(list(host.folder.glob('learnt*')))}.toml"
    checked = host.check(checks=BOTH, learn=str(file), **changes)
    return checked, str(file)


def everything(host: Lab, acme: Signer) -> dict[str, PushedImage]:
    """An image of every kind, running."""
    images = {}
    for name in ("classic", "bundle", "notation", "unsigned", "stranger", "invalid", "built", "claimed"):
        labels = {"org.opencontainers.image.source": "https://github.com/acme/claimed"} if name == "claimed" else {}
        images[name] = host.registry.push_image(f"acme/{name}", "1", labels=labels)
    acme.classic(images["classic"])
    acme.bundle(images["bundle"])
    acme.notation(images["notation"])
    Signer(host.registry).classic(images["stranger"])
    payload, annotations = forge.key_signed(acme.key, forge.simple_payload(images["classic"].digest))
    layer = attached.layer_of(host.registry, images["invalid"], forge.SIMPLE, payload, annotations)
    attached.beside(host.registry, images["invalid"], [layer])
    built.attest(host.registry, images["built"], acme.key, built.v1())
    for name, image in images.items():
        host.run(name, image)
    return images


def test_with_what_was_learnt_the_next_run_has_nothing_to_say(host: Lab, acme: Signer) -> None:
    everything(host, acme)
    before, file = learnt(host, trust_policies=(str(acme.policy(host.folder)),))
    assert {name for name, _, _ in wrong(before)} >= {"unsigned", "stranger", "invalid"}
    [note] = before.outcome.notes
    assert "8 rules" in note
    after = host.check(checks=BOTH, trust_policies=(file,))
    assert wrong(after) == []
    assert after.outcome.state is State.OK
    for name in ("classic", "bundle", "notation"):
        assert after.finding(name, "signatures").code == "signed"
    assert after.finding("built", "source").code == "source-verified"
    text = Path(file).read_text()
    assert "THE SIGNATURE IS INVALID" in text
    assert tomllib.loads(text)["version"] == 1


def test_one_changed_signer_is_one_finding(host: Lab, acme: Signer) -> None:
    everything(host, acme)
    _, file = learnt(host, trust_policies=(str(acme.policy(host.folder)),))
    host.check(checks=BOTH, trust_policies=(file,))
    image = host.registry.push_image("acme/classic", "1", created="2026-11-23T00:00:00Z")
    Signer(host.registry).classic(image)
    host.engine.remove_container("classic")
    host.run("classic", image)
    changed = host.check(checks=BOTH, trust_policies=(file,))
    assert [found for found in wrong(changed) if found[1] == "signatures"] == [
        ("classic", "signatures", "signer-changed")
    ]


def test_a_keyless_signer_is_learnt_with_his_issuer_and_any_release(host: Lab) -> None:
    bundle = (ASSETS / "sigstore-bundle" / "oci" / "cosign-v3-sign-kubewarden.sigstore.json").read_bytes()
    reference = f"{host.registry.host}/app/web:1"
    image = PushedImage(
        reference,
        KEYLESS,
        "application/vnd.oci.image.manifest.v1+json",
        400,
        "sha256:" + "c" * 64,
        AMD64,
        "2026-01-01T00:00:00Z",
        {},
        (),
    )
    attached.refer(host.registry, image, BUNDLE, BUNDLE, bundle)
    host.run("web", image)
    _, file = learnt(host)
    [signer] = tomllib.loads(Path(file).read_text())["rule"][0]["signer"]
    assert signer["issuer"] == "https://token.actions.githubusercontent.com"
    assert signer["identity"].endswith("/kubewarden-controller/.github/workflows/release.yml@refs/tags/*")
    assert host.check(checks=("signatures",), trust_policies=(file,)).finding("web", "signatures").code == "signed"


def test_a_repository_of_signed_and_unsigned_images_asks_for_no_signature_but_knows_its_signer(
    host: Lab, acme: Signer
) -> None:
    signed, plain = (host.registry.push_image("acme/app", tag, created=f"2026-11-0{tag}T00:00:00Z") for tag in "12")
    acme.classic(signed)
    host.run("signed", signed)
    host.run("plain", plain)
    _, file = learnt(host, trust_policies=(str(acme.policy(host.folder)),))
    [rule] = tomllib.loads(Path(file).read_text())["rule"]
    assert rule["signatures"] == "if-present"
    after = host.check(checks=("signatures",), trust_policies=(file,))
    assert wrong(after) == []
    assert after.finding("signed", "signatures").code == "signed"


def test_what_could_not_be_checked_is_not_accepted(host: Lab, acme: Signer) -> None:
    host.run("web", host.registry.push_image("acme/app", "1"))
    host.registry.fail(faults.status(500))
    _, file = learnt(host)
    text = Path(file).read_text()
    assert "could not be checked" in text
    assert "rule" not in tomllib.loads(text)


def test_a_file_that_is_there_is_not_overwritten_and_nothing_is_asked(host: Lab) -> None:
    host.run("web", host.registry.push_image("acme/app", "1"))
    file = host.folder / "mine.toml"
    file.write_text("mine")
    link = host.folder / "link.toml"
    link.symlink_to(host.folder / "nowhere")
    for taken in (file, link, host.folder / "no" / "folder.toml"):
        with pytest.raises(UsageError, match="--learn"):
            host.check(checks=BOTH, learn=str(taken))
    assert file.read_text() == "mine"
    assert host.engine.requests() == []


def test_learning_checks_what_it_needs() -> None:
    settings = parser.parse(["--learn=x.toml"], {}, terminal=False)
    assert isinstance(settings, Settings)
    assert {"updates", "signatures", "source"} <= {*settings.checks}
    with pytest.raises(UsageError, match="contradict"):
        parser.parse(["--learn=x.toml", "--memory"], {}, terminal=False)


EVIL = [
    'https://evil.example/"]\n[[rule]]\nimages = ["**"]\nsignatures = "accepted"\n#',
    "https://evil.example/\\",
    "https://evil.example/'''\n[[rule]]",
    "https://evil.example/\x00\x1b[2J\u202e\x7f",
    "https://evil.example/\U0001f600é",
    "https://evil.example/\ud800",
    "https://evil.example/**",
]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("code", ["source-verified", "source-claimed", "source-mismatch", "unknown-source"])
def test_nothing_that_comes_from_outside_writes_a_rule(tmp_path: Path, evil: str, code: str) -> None:
    signature = {
        "state": "good",
        "format": "x",
        "reason": evil,
        "signer": {"kind": "keyless", "identity": evil, "issuer": evil},
    }
    findings = (
        Finding("signatures", "signed", Verdict.PASS, evil, {"signatures": [signature]}),
        Finding("source", code, Verdict.PASS, evil, {"repository": evil, "builder": evil}),
    )
    image = Image("unix:///x", "sha256:a", frozenset({"sha256:a"}), True)
    container = Container("unix:///x", "1", "web", "web", Subject(parse("example.com/acme/app:1"), image))
    judged = JudgedContainer(container, tuple(JudgedFinding(one, State.OK) for one in findings), State.OK)
    file = tmp_path / "learnt.toml"
    learn.write(str(file), [judged], None, datetime(2026, 11, 25, tzinfo=UTC))
    [rule] = load.load([str(file)]).rules
    assert [str(scope) for scope in rule.scopes] == ["example.com/acme/app"]
    for pattern in (*rule.source, *rule.builders, *(signer.identity for signer in rule.signers)):  # type: ignore[union-attr]
        assert pattern == evil
    if "*" in evil or "\ud800" in evil:
        assert (rule.source, rule.signers, rule.signatures) == ((), (), "accepted")
    assert os.stat(file).st_mode & 0o133 == 0


@pytest.mark.parametrize(
    ("seen", "pattern"),
    [
        (
            "https://github.com/a/b/.github/workflows/x.yml@refs/tags/v1",
            "https://github.com/a/b/.github/workflows/x.yml@refs/tags/*",
        ),
        (
            "https://github.com/a/b/.github/workflows/x.yml@refs/tags/rel/v1",
            "https://github.com/a/b/.github/workflows/x.yml@refs/tags/**",
        ),
        (
            "https://github.com/a/b/.github/workflows/x.yml@refs/heads/main",
            "https://github.com/a/b/.github/workflows/x.yml@refs/heads/main",
        ),
        ("https://github.com/a/b/actions/runs/17/attempts/2", "https://github.com/a/b/actions/runs/**"),
        ("a@example.com", "a@example.com"),
    ],
)
def test_a_pattern_stands_for_what_was_seen_and_its_other_releases(seen: str, pattern: str) -> None:
    assert toml_writer.pattern(seen) == pattern


def test_the_demo_learnt_has_nothing_left_but_what_cannot_be_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "learnt.toml"
    left = []
    for option in ("--learn", "--trust-policy"):
        cli.main(["--demo", "--check=signatures,source", "--output=json", f"{option}={file}"], {})
        report = json.loads(capsys.readouterr().out)
        left.append(
            {
                one["code"]
                for container in report["containers"]
                for one in container["findings"]
                if one["state"] != "OK"  # a base that has moved on is no alarm, and no signer's or source's matter
            }
        )
    assert left[0] >= {"unsigned", "unverifiable", "invalid-signature"}
    assert left[1] <= {"unauthorized", "unreachable", "rate-limited", "unresolvable"}
