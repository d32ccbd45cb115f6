"""`--check-policy FILE`: an admin tries a policy before it wakes anybody."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from container_updates import cli
from container_updates.actions import policy_explained
from container_updates.errors import PolicyError, UsageError
from container_updates.options import parser
from tests.support import forge, paths

ASSETS = paths.ASSETS / "signatures"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
POLICY = """
version = 1
[registries]
allow = ["ghcr.io", "docker.io"]
[[rule]]
images = ["ghcr.io/acme/**"]
signed-as = "here"
signatures-in = "registry.example.com/signatures/{repository}"
provenance = "required"
source = ["https://github.com/acme/*"]
[[rule.signer]]
type = "key"
file = "acme.pub"
[[rule.signer]]
type = "keyless"
issuer = "https://token.actions.githubusercontent.com"
identity = "https://github.com/acme/app/*"
[[rule]]
images = ["ghcr.io/old/*"]
[[rule.signer]]
type = "notation"
ca = ["now.crt", "then.crt"]
[[rule]]
images = ["nginx"]
signatures = "accepted"
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    shutil.copy(ASSETS / "cosign-classic-sig" / "cosign.pub", tmp_path / "acme.pub")
    for name, end in (("now", datetime(2036, 1, 2, tzinfo=UTC)), ("then", datetime(2025, 1, 2, tzinfo=UTC))):
        certificate = forge.certify(f"acme {name}", authority=True, end=end).certificate
        (tmp_path / f"{name}.crt").write_bytes(certificate.public_bytes(forge.Encoding.PEM))
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return str(path)


def test_each_rule_is_told_with_its_signers_their_fingerprints_and_when_they_expire(file: str) -> None:
    told = policy_explained.answer(file, "", NOW)
    first, old, accepted = told.split("\n\n")[1:]
    assert told.startswith(f"{file} is right: 3 rules\nregistries: images may come from ghcr.io, docker.io;")
    assert "images: ghcr.io/acme/**" in first
    assert "any one of:" in first
    key = (ASSETS / "cosign-classic-sig" / "cosign.pub").read_text()
    from container_updates.signing.crypto import der, keys

    assert f"key acme.pub, {keys.fingerprint(der.pem_blocks(key, 'PUBLIC KEY')[0])}" in first
    assert "vouched for by https://token.actions.githubusercontent.com" in first
    assert "root: the public-good root here (" in first
    assert "signed as the image itself" in first
    assert "source: required" in first
    assert "only https://github.com/acme/*" in first
    assert "CN=acme now" in old
    assert "until 2036-01-02" in old
    assert "EXPIRED on 2025-01-02" in old
    assert "images: docker.io/library/nginx" in accepted
    assert "signatures: accepted" in accepted


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("ghcr.io/acme/app:1", "rule 1 decides, by ghcr.io/acme/**"),
        ("ghcr.io/acme/app:1", "looked for in ghcr.io/acme/app and registry.example.com/signatures/acme/app"),
        ("ghcr.io/acme/app:1", "signed: by acme.pub, https://github.com/acme/app/*"),
        ("nginx", "rule 3 decides, by docker.io/library/nginx"),
        ("ghcr.io/other/app", "no rule: what is not signed is unsigned"),
        ("quay.io/acme/app", "untrusted-registry: quay.io is none of ghcr.io, docker.io"),
    ],
)
def test_what_it_decides_for_an_image_is_told(file: str, image: str, words: str) -> None:
    assert words in policy_explained.answer(file, image, NOW)


def test_the_policies_of_other_tools_are_told_too(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text('{"default": [{"type": "reject"}], "transports": {"docker": {"quay.io": [{"type": "signedBy"}]}}}')
    told = policy_explained.answer(str(file), "quay.io/acme/app", NOW)
    assert "rejected: no image of these may run" in told
    assert "a GPG key, which cannot be checked here" in told


def test_a_mistake_is_told_with_its_place_and_so_is_an_image_that_is_none(file: str) -> None:
    with pytest.raises(UsageError, match="--image Acme/App"):
        policy_explained.answer(file, "Acme/App:", NOW)
    Path(file).write_text(POLICY.replace('"nginx"', '"nginx:1"'))
    with pytest.raises(PolicyError, match="rule 3: images 'nginx:1' has a tag"):
        policy_explained.answer(file, "", NOW)


def test_it_is_an_action_of_its_own(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([f"--check-policy={file}", "--image=nginx"], {}) == 0
    assert "rule 3 decides" in capsys.readouterr().out
    Path(file).write_text("")
    assert cli.main([f"--check-policy={file}"], {}) == 3
    assert "version is missing" in capsys.readouterr().out
    for argv, words in (
        ([f"--check-policy={file}", "--host=tcp://x:1"], "--check-policy and --host"),
        (["--image=nginx"], "--image is for --check-policy"),
    ):
        with pytest.raises(UsageError, match=words):
            parser.parse(argv, {}, terminal=False)
