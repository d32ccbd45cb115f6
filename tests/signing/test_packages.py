"""The packages that verifying needs: loaded only where they are needed, and named where they are missing."""

import subprocess
import sys

import pytest

from container_updates.signing import packages
from tests.support.paths import ROOT

PROJECT = ROOT
BLOCK = "import sys\nfor name in {names!r}: sys.modules[name] = None\n"


def python(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_reading_a_policy_and_deciding_loads_no_library(tmp_path):
    key = PROJECT / "tests/assets/signatures/cosign-classic-sig/cosign.pub"
    policy = tmp_path / "policy.toml"
    policy.write_text(f'version = 1\n[[rule]]\nimages = ["**"]\n[[rule.signer]]\ntype = "key"\nfile = "{key}"\n')
    code = (
        "import sys\nfrom container_updates.trust import decision\nfrom container_updates.trust.policy import load\n"
        "from container_updates.signing.sigstore import bundle, cosign\n"
        "from container_updates.signing.notation import signature\n"
        f"load.load([{str(policy)!r}])\n"
        "print(sorted({'cryptography', 'cbor2', 'nacl', 'rfc3161_client', 'sigstore'} & set(sys.modules)))"
    )
    assert python(code) == "[]"


@pytest.mark.parametrize(
    ("missing", "call"),
    [
        ("cryptography", "cosign.verify(forge.SIMPLE, forge.simple_payload(), annotations, expected)"),
        ("cryptography", "signature.verify('application/jose+json', envelope, expected)"),
        ("cbor2", "signature.verify('application/cose', bytes.fromhex('d28440a04040'), expected)"),
        ("nacl", "cosign.verify(forge.SIMPLE, forge.simple_payload(), annotations, forge.expected(ed))"),
        ("rfc3161_client", "cosign.verify(forge.SIMPLE, payload, stamped, forge.expected(signer))"),
    ],
)
def test_a_missing_package_makes_a_signature_unverifiable_and_is_named_apart(missing, call):
    code = (
        "import dataclasses, json, sys\n"
        "from cryptography.hazmat.primitives.asymmetric import ed25519\n"
        "from container_updates.signing.signers import KeySigner\n"
        "from tests.support import forge\n"
        "ca = forge.certify('ca', authority=True)\n"
        "envelope = forge.jws(ca, [ca])\n"
        "ed = KeySigner('ed.pub', forge.spki(ed25519.Ed25519PrivateKey.generate()))\n"
        "annotations = {'dev.cosignproject.cosign/signature': forge.b64(bytes(64))}\n"
        "instance = forge.Instance()\n"
        "payload, stamped = forge.keyless_signed(instance, instance.certificate(), with_log=False)\n"
        "stamped['dev.sigstore.cosign/rfc3161timestamp'] = json.dumps({'SignedRFC3161Timestamp': 'MAA='})\n"
        "root = dataclasses.replace(instance.root, logs=(), timestamp_authorities=instance.root.authorities)\n"
        "signer = dataclasses.replace(instance.signer(), root=root)\n"
        "expected = forge.expected()\n"
        f"for name in list(sys.modules):\n    if name.startswith({missing!r}): sys.modules[name] = None\n"
        "from container_updates.signing.sigstore import cosign\n"
        "from container_updates.signing.notation import signature\n"
        f"sys.modules[{missing!r}] = None\n"
        f"checked = {call}\n"
        "print(checked.state.value, checked.missing_package, checked.reason)"
    )
    assert python(code) == f"unknown {missing} this host lacks a Python package for it"


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("cryptography", "apt install python3-cryptography, or pip install cryptography"),
        ("cbor2", "apt install python3-cbor2, or pip install cbor2"),
        ("nacl", "apt install python3-nacl, or pip install PyNaCl"),
        ("rfc3161_client", "pip install rfc3161-client; Debian has no package of it"),
    ],
)
def test_the_words_for_a_missing_package_name_the_real_one(module, words):
    said = packages.problem(module)
    assert said.endswith(words)
    assert "check_container_updates" not in said


def test_only_a_package_that_verifying_needs_is_called_missing():
    """Two threads that load the same module at once may see half of it: that is no missing package."""
    half = ImportError("cannot import name 'rekor' from partially initialized module", name="container_updates.signing")
    assert packages.missing(half) is None
    assert packages.missing(ModuleNotFoundError("No module", name="container_updates.signing.sigstore")) is None
    assert packages.missing(ImportError("cannot import name", name="cryptography")) is None
    assert packages.missing(ModuleNotFoundError("No module", name="cryptography.x509")) == "cryptography"


def test_many_threads_may_verify_for_the_first_time_at_once():
    code = (
        "import sys\n"
        "sys.setswitchinterval(1e-6)\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from threading import Barrier\n"
        "from tests.support.paths import ASSETS\n"
        "from container_updates import reference\n"
        "from datetime import UTC, datetime\n"
        "from container_updates.signing.signers import KeylessSigner\n"
        "from container_updates.signing.sigstore import bundle\n"
        "from container_updates.signing.verdict import Expected\n"
        "body = (ASSETS / 'signatures/sigstore-bundle/oci/cosign-v3-sign-kubewarden.sigstore.json').read_bytes()\n"
        "digest = 'sha256:c811d58de79c92f03214e63aa339484e488d694ae8a6283b5f3f17a9faf50172'\n"
        "expected = Expected(frozenset({digest}), reference.parse('a/b:1'), datetime.now(UTC),"
        " (KeylessSigner('**', '**'),))\n"
        "start = Barrier(16)\n"
        "def verify(_):\n    start.wait()\n    return bundle.verify(body, expected).reason\n"
        "with ThreadPoolExecutor(16) as pool: print(len(set(pool.map(verify, range(16)))))\n"
    )
    assert python(code) == "1"


def test_keyless_needs_no_sigstore_package():
    code = BLOCK.format(names=["sigstore"]) + (
        "from tests.support.signature_assets import SimpleSigning\n"
        "from tests.support.forge import expected\n"
        "material = SimpleSigning('dir-img-cosign-fulcio-rekor-valid')\n"
        "image = '192.168.64.2:5000/cosign-signed/fulcio-rekor-1'\n"
        "checked = material.verify(expected(digest=material.digest, image=image))\n"
        "print(checked.state.value, checked.reason)"
    )
    assert python(code).startswith("unknown signed by mitr@redhat.com")
