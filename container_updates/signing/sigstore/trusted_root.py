"""A Sigstore instance's root of trust: authorities, logs and their times (protobuf-specs, sigstore_trustroot.proto)."""

import base64
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from container_updates.signing.crypto import der
from container_updates.untrusted import json as untrusted

_SHIPPED = Path(__file__).with_name("public_good_root.json")
SHIPPED_FROM, SHIPPED_DATE = (4, 5, 1), "2026-11-25"
"""The version of the sigstore package that the shipped root is of, and when that was the newest one."""
_INSTALLED = Path("_store", "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "trusted_root.json")
"""Inside the sigstore package: the file that it starts from before it asks the network."""
_VERSION = r'^__version__ = "([0-9]+(?:\.[0-9]+)*)"'
_MAX_ENTRIES = 200
_LOG = "transparency log"
_Entry = TypeVar("_Entry")


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
    """All of it. A verdict may be kept under the `source` that it was made from.

    What it has is what a signature has to have: an entry in a log, a timestamp where it has authorities for those and
    no log, a certificate log's timestamp.
    """

    authorities: tuple[Authority, ...]
    logs: tuple[Log, ...]
    certificate_logs: tuple[Log, ...] | None
    """None: there are none, so that certificates need no timestamp of one."""
    timestamp_authorities: tuple[Authority, ...] = ()
    source: bytes = b""
    """The JSON it was read from; empty where it was put together from a policy."""
    left_out: tuple[str, ...] = ()
    """What of it cannot be read, in words: a signature that needs it is `unverifiable`."""
    path: str | None = None
    """The policy's file."""
    release: str = ""
    """Of the public-good instance: since when it is known here."""

    @property
    def demands_log(self) -> bool:
        """Whether a signature needs a log entry: also where none of the root's logs can be read."""
        return bool(self.logs) or any(one.startswith(_LOG) for one in self.left_out)

    def log(self, key_id: bytes) -> Log | None:
        """The transparency log with that id."""
        return next((log for log in self.logs if log.key_id == key_id), None)

    def __str__(self) -> str:
        return f"the public-good root here ({self.release})" if self.release else "the root that the policy names"

    def unknown(self, what: str) -> str:
        """The words for a log or an authority that this root does not know: it may be older than that."""
        left_out = f", where {', '.join(self.left_out)} cannot be read" if self.left_out else ""
        return f"{what} that no root here knows: of a root that is not here, or newer than {self}{left_out}"


def parse(source: bytes, path: str | None = None, *, release: str = "") -> TrustedRoot:
    """The root in the `trusted_root.json` at `path`. Raises ValueError, with words for a person, for anything else.

    An entry that cannot be read, such as a key of a kind that is not supported, is left out, and told by `left_out`.
    """
    try:
        root = untrusted.read_object(source)
    except untrusted.Invalid as error:
        raise ValueError(str(error)) from None
    media_type = root.get("mediaType")
    if not isinstance(media_type, str) or not media_type.startswith("application/vnd.dev.sigstore.trustedroot"):
        raise ValueError("no Sigstore trusted root")
    left_out: list[str] = []
    authorities = _read(root, "certificateAuthorities", "certificate authority", _authority, left_out)
    logs = _read(root, "tlogs", _LOG, _log, left_out)
    certificate_logs = _read(root, "ctlogs", "certificate log", _log, left_out)
    stamping = _read(root, "timestampAuthorities", "timestamp authority", _authority, left_out)
    if left_out and not (authorities or logs or certificate_logs or stamping):
        raise ValueError(f"a trusted root where {', '.join(left_out)} cannot be read")
    demanded = certificate_logs if root.get("ctlogs") else None
    return TrustedRoot(authorities, logs, demanded, stamping, source, tuple(left_out), path, release)


@cache
def public_good() -> TrustedRoot:
    """The public-good instance's root: the one that is shipped, or that of an installed sigstore package if newer.

    That package is not loaded. Raises OSError where the shipped file is gone.
    """
    newer = _installed()
    if newer is not None:
        return newer
    return parse(_SHIPPED.read_bytes(), release=f"of {SHIPPED_DATE}")


def _installed() -> TrustedRoot | None:
    try:
        found = importlib.util.find_spec("sigstore")
        places = found.submodule_search_locations if found else None
        if not places:
            return None
        folder = Path(places[0])
        said = re.search(_VERSION, (folder / "__init__.py").read_text("utf-8"), re.MULTILINE)
        if said is None or tuple(map(int, said[1].split("."))) <= SHIPPED_FROM:
            return None
        return parse((folder / _INSTALLED).read_bytes(), release=f"of sigstore {said[1]}")
    except (OSError, ValueError, ImportError):  # the shipped one is there
        return None


def _read(
    root: dict[str, Any], member: str, what: str, read: Callable[[Any], _Entry], left_out: list[str]
) -> tuple[_Entry, ...]:
    """The entries of one kind that can be read; the others are counted out in `left_out`."""
    entries = root.get(member) or []
    if not isinstance(entries, list) or len(entries) > _MAX_ENTRIES:
        raise ValueError(f"a trusted root whose {member} is no list, or too long")
    found = []
    for number, entry in enumerate(entries, 1):
        try:
            found.append(read(entry))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            left_out.append(f"{what} {number}")
    return tuple(found)


def _authority(entry: Any) -> Authority:
    chain = tuple(base64.b64decode(one["rawBytes"], validate=True) for one in entry["certChain"]["certificates"])
    if not chain:
        raise ValueError("no certificate")
    for certificate in chain:
        der.check_certificate(certificate)
    return Authority(chain, _span(entry.get("validFor")))


def _log(entry: Any) -> Log:
    key = entry["publicKey"]
    public_key = der.public_key_info(base64.b64decode(key["rawBytes"], validate=True))
    return Log(base64.b64decode(entry["logId"]["keyId"], validate=True), public_key, _span(key.get("validFor")))


def _span(entry: Any) -> Span:
    """Where there is a span at all, its start has to be said (protobuf-specs, sigstore_common.proto, TimeRange)."""
    if entry is None:
        return Span()
    start, end = _moment(entry["start"]), entry.get("end")
    return Span(start, _moment(end) if end is not None else None)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return moment
