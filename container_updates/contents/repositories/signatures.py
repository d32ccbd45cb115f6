"""Whether a repository's signature is right: asked of gpgv or sqv where they are there, else of pysequoia.

A good one is by one key that is trusted, neither revoked nor expired nor weak, with a hash that is strong.
"""

import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from container_updates.clock import Deadline
from container_updates.contents.errors import Untrusted
from container_updates.contents.libraries import needed
from container_updates.contents.repositories import openpgp
from container_updates.contents.repositories.openpgp import Certificate
from container_updates.errors import TimedOut

_PATH = "/usr/bin:/bin:/usr/local/bin"
_STRONG = ("8", "9", "10", "11")
"""Hash algorithms: SHA-256, 384, 512 and 224 (RFC 9580, 9.5)."""
_MAX_SIGNATURES = 20
_SECONDS = 10.0

Tools = Mapping[str, str]
"""Name of a verifier to its path."""


def tools() -> Tools:
    """Return the verifiers that this host has."""
    found = {name: shutil.which(name, path=_PATH) for name in ("gpgv", "sqv")}
    return {name: path for name, path in found.items() if path}


def verify(text: bytes, signature: bytes, keys: Iterable[Certificate], with_: Tools, deadline: Deadline) -> list[str]:
    """Return the primary fingerprints of the keys that signed; raises `Untrusted` where none of them did."""
    single = [*openpgp.signatures(signature)]
    if len(single) > _MAX_SIGNATURES:
        raise Untrusted(f"more than {_MAX_SIGNATURES} signatures")
    by_key = {fingerprint: one for one in keys for fingerprint in one.keys}
    if not by_key:
        raise Untrusted("no key is known that could have signed it")
    ring = list({one.fingerprint: one for one in by_key.values()}.values())
    if "gpgv" in with_:
        signers = _by_gpgv(with_["gpgv"], text, b"".join(single), ring, deadline)
    elif "sqv" in with_:
        signers = [one for part in single for one in _by_sqv(with_["sqv"], text, part, ring, deadline)]
    else:
        signers = [one for part in single for one in _by_sequoia(text, part, ring)]
    good = [by_key[signer].fingerprint for signer in signers if signer in by_key and signer not in by_key[signer].weak]
    if good:
        return list(dict.fromkeys(good))
    if signers:
        raise Untrusted("its signature is by a weak key")
    raise Untrusted("its signature is wrong, or by none of the keys that are trusted")


def _by_gpgv(gpgv: str, text: bytes, signature: bytes, ring: Sequence[Certificate], deadline: Deadline) -> list[str]:
    """The keys with GOODSIG and VALIDSIG: gpgv's exit code says nothing of one signature among several."""
    with TemporaryDirectory(prefix="check_container_updates-") as folder:
        files = _written(folder, text, signature, ring)
        told = _run([gpgv, "--homedir", folder, "--status-fd", "1", "--keyring", *files], folder, deadline)
    good, signers = False, []
    for line in told.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "[GNUPG:]":
            continue
        if words[1] in ("NEWSIG", "BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG"):
            good = False
        elif words[1] == "GOODSIG":
            good = True
        elif words[1] == "VALIDSIG" and good and len(words) > 9 and words[9] in _STRONG:
            signers.append(words[2])
    return signers


def _by_sqv(sqv: str, text: bytes, signature: bytes, ring: Sequence[Certificate], deadline: Deadline) -> list[str]:
    with TemporaryDirectory(prefix="check_container_updates-") as folder:
        keyring, *files = _written(folder, text, signature, ring)
        told = _run([sqv, "--keyring", keyring, *files], folder, deadline, succeeds=True)
    return [line.strip() for line in told.splitlines()]


def _by_sequoia(text: bytes, signature: bytes, ring: Sequence[Certificate]) -> list[str]:
    sequoia = needed("pysequoia")
    try:
        keys = [sequoia.Cert.from_bytes(one.content) for one in ring]
        found = sequoia.verify(bytes=text, store=lambda ids: keys, signature=sequoia.Sig.from_bytes(signature))
    except Exception:  # its only way to say that a signature is wrong, or a key none
        return []
    return [one.signing_key.upper() for one in found.valid_sigs]


def _written(folder: str, text: bytes, signature: bytes, ring: Sequence[Certificate]) -> list[str]:
    """Write keyring, signature and text; returns their paths in this order."""
    contents = {"keyring": b"".join(one.content for one in ring), "signature": signature, "text": text}
    for name, content in contents.items():
        Path(folder, name).write_bytes(content)
    return [f"{folder}/{name}" for name in contents]


def _run(command: list[str], folder: str, deadline: Deadline, *, succeeds: bool = False) -> str:
    """Return what a verifier prints, nothing where it has to succeed and does not; raises `TimedOut`."""
    environment = {"PATH": _PATH, "HOME": folder, "GNUPGHOME": folder, "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(  # noqa: S603 - our own files alone, by their paths
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=max(0.1, min(_SECONDS, deadline.remaining())),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimedOut("a signature was not verified in time") from None
    except OSError:
        raise Untrusted(f"{command[0]} cannot be run") from None
    return "" if succeeds and done.returncode else done.stdout.decode("utf-8", "replace")
