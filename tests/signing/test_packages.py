"""The optional packages: loaded only where they are needed, and named where they are missing."""

import subprocess
import sys

import pytest

from tests.support.paths import ROOT

PROJECT = ROOT
BLOCK = "import sys\nfor name in {names!r}: sys.modules[name] = None\n"


def python(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_reading_a_policy_and_deciding_loads_no_library(tmp_path):
    key = PROJECT / "tests/assets/signatures/cosign-classic-sig/cosign.pub"
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[[rule]]\nimages = ["**"]\n[[rule.signer]]\ntype = "key"\nfile = "{key}"\n')
    code = (
        "import sys\nfrom container_updates.trust import decision\nfrom container_updates.trust.policy import load\n"
        "from container_updates.signing.sigstore import bundle, cosign\n"
        "from container_updates.signing.notation import signature\n"
        f"load.load([{str(policy)!r}])\n"
        "print(sorted({'cryptography', 'cbor2', 'sigstore', 'rfc3161_client', 'pydantic'} & set(sys.modules)))"
    )
    assert python(code) == "[]"


@pytest.mark.parametrize(
    ("missing", "call"),
    [
        ("cryptography", "cosign.verify(forge.SIMPLE, forge.simple_payload(), annotations, expected)"),
        ("cryptography", "signature.verify('application/jose+json', envelope, expected)"),
        ("cbor2", "signature.verify('application/cose', bytes.fromhex('d28440a04040'), expected)"),
    ],
)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(missing, call):
    code = (
        "import sys\n"
        "from tests.support import forge\n"
        "ca = forge.certify('ca', authority=True)\n"
        "envelope = forge.jws(ca, [ca])\n"
        "annotations = {'dev.cosignproject.cosign/signature': 'AAAA'}\n"
        "expected = forge.expected()\n"
        f"for name in list(sys.modules):\n    if name.startswith({missing!r}): sys.modules[name] = None\n"
        "from container_updates.signing.sigstore import cosign\n"
        "from container_updates.signing.notation import signature\n"
        f"checked = {call}\n"
        "print(checked.state.value, checked.reason)"
    )
    said = python(code)
    assert said.startswith("unknown ")
    assert f"package {missing}:" in said
    assert "check_container_updates[signatures]" in said


def test_keyless_without_the_sigstore_package():
    code = BLOCK.format(names=["sigstore"]) + (
        "from tests.support.signature_assets import SimpleSigning\n"
        "from tests.support.forge import expected\n"
        "material = SimpleSigning('dir-img-cosign-fulcio-rekor-valid')\n"
        "image = '192.168.64.2:5000/cosign-signed/fulcio-rekor-1'\n"
        "checked = material.verify(expected(digest=material.digest, image=image))\n"
        "print(checked.state.value, checked.reason)"
    )
    said = python(code)
    assert said.startswith("unknown ")
    assert "package sigstore:" in said
    assert "check_container_updates[keyless]" in said


def test_a_named_key_needs_no_sigstore_package_and_says_that_the_log_was_not_looked_at():
    code = BLOCK.format(names=["sigstore"]) + (
        "from tests.support.signature_assets import SimpleSigning, key\n"
        "from tests.support.forge import expected\n"
        "material = SimpleSigning('dir-img-cosign-key-rekor-valid')\n"
        "signer = key('cosign-classic-sig/cosign2.pub')\n"
        "image = '192.168.64.2:5000/cosign-signed/key-1'\n"
        "checked = material.verify(expected(signer, digest=material.digest, image=image))\n"
        "print(checked.state.value, checked.details['log'])"
    )
    assert python(code).startswith("good not checked: ")
