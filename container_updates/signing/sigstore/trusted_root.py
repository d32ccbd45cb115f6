"""A Sigstore instance's root of trust: authorities, logs and their times (protobuf-specs, sigstore_trustroot.proto)."""

import base64
import binascii
import importlib.util
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from container_updates.signing.crypto import der

_PUBLIC_GOOD = Path("_store", "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "trusted_root.json")
"""Inside the sigstore package: the file that it starts from before it asks the network."""


@dataclass(frozen=True, slots=True)
class Span:
    """When something is to be believed; both ends included."""

    start: datetime | None = None
    end: datetime | None = None

    def covers(self, moment: datetime) -> bool:
        """Whether `moment` lies within."""
        return (self.start is None or self.start <= moment) and (self.end is None or moment <= self.end)


@dataclass(frozen=True, slots=True)
class Log:
    """A transparency log (Rekor or certificate transparency)."""

    key_id: bytes
    """SHA-256 of the public key for Rekor v1 and CT logs (RFC 6962 section 3.2); Rekor v2 adds its origin."""
    public_key: bytes
    """DER SubjectPublicKeyInfo."""
    span: Span = Span()


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority: its chain from the issuing certificate up to the root, as DER."""

    chain: tuple[bytes, ...]
    span: Span = Span()


@dataclass(frozen=True, slots=True)
class TrustedRoot:
    """All of it. A verdict may be kept under the `source` that it was made from."""

    authorities: tuple[Authority, ...]
    logs: tuple[Log, ...]
    certificate_logs: tuple[Log, ...] | None
    """None: not known, so that certificates' timestamps cannot be checked (containers/image's policy.json)."""
    timestamp_authorities: tuple[Authority, ...] = ()
    source: bytes = b""
    """The JSON it was read from; empty where it was put together from a policy."""
    path: str | None = None
    """The file, for the sigstore package."""

    def log(self, key_id: bytes) -> Log | None:
        """The transparency log with that id."""
        return next((log for log in self.logs if log.key_id == key_id), None)


def parse(source: bytes, path: str | None = None) -> TrustedRoot:
    """The root in the `trusted_root.json` at `path`. Raises ValueError, with words for a person, for anything else."""
    try:
        root = json.loads(source)
    except (ValueError, RecursionError):
        raise ValueError("no valid JSON") from None
    media_type = root.get("mediaType") if isinstance(root, dict) else None
    if not isinstance(media_type, str) or not media_type.startswith("application/vnd.dev.sigstore.trustedroot"):
        raise ValueError("no Sigstore trusted root")
    try:
        return TrustedRoot(
            tuple(_authority(one) for one in root.get("certificateAuthorities", [])),
            tuple(_log(one) for one in root.get("tlogs", [])),
            tuple(_log(one) for one in root.get("ctlogs", [])),
            tuple(_authority(one) for one in root.get("timestampAuthorities", [])),
            source,
            path,
        )
    except (KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ValueError(f"a trusted root with a broken entry ({type(error).__name__})") from None


@cache
def public_good() -> TrustedRoot:
    """The public-good instance's root, read from the sigstore package without loading it.

    Raises ImportError where that is not installed.
    """
    found = importlib.util.find_spec("sigstore")
    if found is None or not found.submodule_search_locations:
        raise ImportError("sigstore is not installed", name="sigstore")
    path = Path(found.submodule_search_locations[0], _PUBLIC_GOOD)
    return parse(path.read_bytes(), str(path))


def _authority(entry: dict[str, Any]) -> Authority:
    chain = tuple(base64.b64decode(one["rawBytes"], validate=True) for one in entry["certChain"]["certificates"])
    for certificate in chain:
        der.check_certificate(certificate)
    return Authority(chain, _span(entry.get("validFor")))


def _log(entry: dict[str, Any]) -> Log:
    key = entry["publicKey"]
    public_key = base64.b64decode(key["rawBytes"], validate=True)
    der.check_public_key(public_key)
    return Log(base64.b64decode(entry["logId"]["keyId"], validate=True), public_key, _span(key.get("validFor")))


def _span(entry: dict[str, str] | None) -> Span:
    ends = [entry.get(end) if entry else None for end in ("start", "end")]
    start, end = (datetime.fromisoformat(text) if text else None for text in ends)
    return Span(start, end)
