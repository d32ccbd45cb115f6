"""Whether a repository's signature is right: every verifier that is here says the same."""

import shutil
import subprocess

import pytest

from container_updates.clock import Clock, Deadline
from container_updates.contents.errors import Untrusted
from container_updates.contents.repositories import openpgp, signatures
from tests.support.apt_world import Key, key

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg signs")

TEXT = "Origin: Debian\n- a line with a dash\nSuite: stable  \n"


def _verifiers() -> list[dict[str, str]]:
    found = [{name: path} for name, path in signatures.tools().items()]
    try:
        import pysequoia  # noqa: F401
    except ImportError:
        return found
    return [*found, {}]


@pytest.fixture(params=_verifiers(), ids=lambda tools: next(iter(tools), "pysequoia"))
def tools(request: pytest.FixtureRequest) -> signatures.Tools:
    return request.param  # type: ignore[no-any-return]


def verify(signing: Key, text: bytes, signature: bytes, tools: signatures.Tools) -> list[str]:
    deadline = Deadline(30, Clock())
    return signatures.verify(text, signature, openpgp.certificates(signing.public), tools, deadline)


def test_a_signed_text_is_what_its_signature_is_over(tools: signatures.Tools) -> None:
    text, signature = openpgp.cleartext(key().clearsigned(TEXT))
    assert b"- a line with a dash\nSuite: stable" in text
    assert verify(key(), text, signature, tools) == [key().fingerprint]


def test_a_changed_text_or_another_key_is_wrong(tools: signatures.Tools) -> None:
    text, signature = openpgp.cleartext(key().clearsigned(TEXT))
    with pytest.raises(Untrusted, match="wrong"):
        verify(key(), text + b"x", signature, tools)
    with pytest.raises(Untrusted, match="wrong"):
        verify(key("somebody"), text, signature, tools)


def test_one_good_signature_beside_an_unknown_one_is_good(tools: signatures.Tools) -> None:
    both = b"".join(openpgp.dearmored(one.detached(TEXT)) for one in (key("somebody"), key()))
    assert verify(key(), TEXT.encode(), both, tools) == [key().fingerprint]


def test_a_weak_hash_is_no_signature(tools: signatures.Tools) -> None:
    weak = key().detached(TEXT, "--digest-algo", "SHA1", "--allow-weak-digest-algos")
    with pytest.raises(Untrusted):
        verify(key(), TEXT.encode(), weak, tools)


def test_a_weak_key_is_no_trusted_one(tools: signatures.Tools) -> None:
    small = key("small", "rsa1024")
    with pytest.raises(Untrusted):
        verify(small, TEXT.encode(), small.detached(TEXT), tools)


def test_a_revoked_key_is_no_trusted_one(tools: signatures.Tools) -> None:
    gone = key(f"gone {next(iter(tools), '')}".strip())
    signature = gone.detached(TEXT)
    certificate = f"{gone.home}/openpgp-revocs.d/{gone.fingerprint}.rev"
    with open(certificate) as file:
        revocation = file.read().replace("\n:-----BEGIN", "\n-----BEGIN")
    gpg = ["gpg", "--homedir", gone.home, "--batch", "--yes"]
    subprocess.run([*gpg, "--import"], input=revocation.encode(), capture_output=True, check=True)
    public = subprocess.run([*gpg, "--export", gone.fingerprint], capture_output=True, check=True).stdout
    with pytest.raises(Untrusted):
        verify(Key(gone.home, gone.fingerprint, public), TEXT.encode(), signature, tools)


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda signed: b"Origin: evil\n" + signed,
        lambda signed: signed + b"Origin: evil\n",
        lambda signed: signed + signed,
        lambda signed: signed.replace(b"Hash: SHA512", b"Hash: SHA512\nComment: x"),
        lambda signed: b"Origin: evil\n",
        lambda signed: b"",
    ],
    ids=["before", "behind", "twice", "another header", "none", "empty"],
)
def test_what_is_not_signed_as_a_whole_is_refused(spoilt) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Untrusted):
        openpgp.cleartext(spoilt(key().clearsigned(TEXT)))


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"\xc6\xff\xff\xff\xff\xff", b"-----BEGIN PGP PUBLIC KEY BLOCK-----"]
)
def test_what_is_no_keyring_has_no_keys(content: bytes) -> None:
    assert openpgp.certificates(content) == []
