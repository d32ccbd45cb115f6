"""OpenPGP keyrings and signed texts taken apart, so that a verifier gets exactly what is believed afterwards.

Nothing here decides whether a signature is right: `signatures` lets gpgv, sqv or pysequoia do that. (RFC 9580)
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1

from container_updates.contents.errors import Untrusted

_SIGNATURE, _KEY, _SUBKEY = 2, 6, 14
_RSA, _DSA = (1, 2, 3), 17
_LEAST_RSA = 2048
"""Bits of an RSA key that apt takes for strong enough (apt.conf(5), APT::Key::Assert-Pubkey-Algo)."""
_MAX_CERTIFICATES = 500
_BEGIN, _BETWEEN, _END = (
    "-----BEGIN PGP SIGNED MESSAGE-----",
    "-----BEGIN PGP SIGNATURE-----",
    "-----END PGP SIGNATURE-----",
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A primary key with all that belongs to it."""

    content: bytes
    keys: tuple[str, ...]
    """Fingerprints in upper case hex: of the primary key, then of its subkeys."""
    weak: frozenset[str]
    """Those of them that nobody should believe any more."""

    @property
    def fingerprint(self) -> str:
        """The primary key's."""
        return self.keys[0]


def certificates(keyring: bytes) -> list[Certificate]:
    """Return the keys of a keyring, binary or armored; none of what is no keyring."""
    found: list[Certificate] = []
    content = b""
    keys: list[str] = []
    weak: list[str] = []
    try:
        for tag, body, raw in packets(dearmored(keyring)):
            if tag == _KEY:
                if keys:
                    found.append(Certificate(content, tuple(keys), frozenset(weak)))
                content, keys, weak = b"", [], []
            if tag in (_KEY, _SUBKEY) and (keys or tag == _KEY):
                fingerprint = _fingerprint(body)
                keys.append(fingerprint)
                weak += [fingerprint] if _is_weak(body) else []
            if keys:
                content += raw
            if len(found) >= _MAX_CERTIFICATES:
                break
    except (ValueError, IndexError):
        pass  # what came before it is a key all the same
    return [*found, Certificate(content, tuple(keys), frozenset(weak))] if keys else found


def cleartext(signed: bytes) -> tuple[bytes, bytes]:
    """Return text and signature of a signed text (RFC 9580, 7); raises `Untrusted` for anything around or beside it."""
    try:
        lines = signed.decode().replace("\r\n", "\n").rstrip("\n").split("\n")
        if lines[0] != _BEGIN or lines[-1] != _END:
            raise ValueError
        start, between = lines.index(""), lines.index(_BETWEEN)
    except (ValueError, UnicodeDecodeError):
        raise Untrusted("its InRelease file is not signed, or not as a whole") from None
    header, text, signature = lines[1:start], lines[start + 1 : between], lines[between:]
    others = [line for line in text if line.startswith("-") and not line.startswith("- ")]
    if between < start or others or any(not line.startswith("Hash: ") for line in header) or _BETWEEN in signature[1:]:
        raise Untrusted("its InRelease file is not signed as a whole")
    plain = "\n".join(line.removeprefix("- ").rstrip(" \t") for line in text)
    return plain.encode(), "\n".join(signature).encode() + b"\n"


def signatures(detached: bytes) -> list[bytes]:
    """Return every signature packet of a detached signature, binary or armored; raises `Untrusted`."""
    try:
        found = [raw for tag, _, raw in packets(dearmored(detached)) if tag == _SIGNATURE]
    except (ValueError, IndexError):
        found = []
    if not found:
        raise Untrusted("its signature is none")
    return found


def dearmored(content: bytes) -> bytes:
    """Return the binary form; raises ValueError where the armor is broken."""
    if b"-----BEGIN PGP " not in content[:4096]:
        return content
    blocks = re.findall(
        rb"-----BEGIN PGP [A-Z ]+-----[ \t]*\r?\n(.*?)-----END PGP", content.replace(b"\r\n", b"\n"), re.DOTALL
    )
    binary = b""
    for block in blocks:
        _, _, body = (b"\n" + block).partition(b"\n\n")
        lines = [line.strip() for line in body.split(b"\n")]
        try:
            binary += b64decode(b"".join(line for line in lines if line and not line.startswith(b"=")), validate=True)
        except binascii.Error:
            raise ValueError("broken armor") from None
    return binary


def packets(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield tag, body and the whole of each packet; raises ValueError or IndexError for what is none."""
    at = 0
    while at < len(content):
        start, first = at, content[at]
        if not first & 0x80:
            raise ValueError("no packet")
        at += 1
        if first & 0x40:
            tag, length = first & 0x3F, content[at]
            at += 1
            if length == 255:
                length, at = int.from_bytes(content[at : at + 4], "big"), at + 4
            elif length >= 224:
                raise ValueError("a packet in parts")
            elif length >= 192:
                length, at = ((length - 192) << 8) + content[at] + 192, at + 1
        else:
            tag, size = (first >> 2) & 0x0F, first & 3
            if size == 3:
                raise ValueError("a packet without a length")
            width = 1 << size
            length, at = int.from_bytes(content[at : at + width], "big"), at + width
        if at + length > len(content):
            raise ValueError("a packet that is cut off")
        yield tag, content[at : at + length], content[start : at + length]
        at += length


def _fingerprint(body: bytes) -> str:
    if body[0] != 4:
        raise ValueError("a key of another version")
    return sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest().upper()


def _is_weak(body: bytes) -> bool:
    algorithm = body[5]
    if algorithm in _RSA:
        return int.from_bytes(body[6:8], "big") < _LEAST_RSA
    return algorithm == _DSA
