"""Who was seen to sign or build: what is remembered of somebody, and when that is somebody else."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from container_updates.model import Finding

_MEMBERS = ("kind", "identity", "issuer", "fingerprint", "name", "key", "policy", "named")
_OWN = frozenset({"key", "policy", "named"})
"""Members that are the memory's own business."""
_LONGEST = 1000
"""Characters of a member that are kept as they are."""
_RELEASE = re.compile(r"@refs/tags/[^@]*\Z")
_RUN = re.compile(r"/actions/runs/\d+(/attempts/\d+)?\Z")


@dataclass(frozen=True, slots=True)
class Seen:
    """One signer, builder or source repository, or that there was none; equal where it is the same one."""

    kind: str
    """key, keyless, notation, content-trust; builder, source; unknown: somebody signed; none: nobody did."""
    identity: str | None = None
    issuer: str | None = None
    fingerprint: str | None = None
    name: str | None = field(default=None, compare=False)
    """What the policy called it."""
    key: str | None = field(default=None, compare=False)
    """The key itself, where the policy had it: base64 of its DER. So the name stays when the policy changes."""

    policy: str | None = field(default=None, compare=False)
    """A mark of the policy under which it was seen: under another one the same signature may tell less."""
    named: str | None = field(default=None, compare=False)
    """`policy` where the policy named it then."""

    @property
    def rank(self) -> int:
        """How much is known: 2 who it was, 1 that there was somebody, 0 nobody."""
        return {"none": 0, "unknown": 1}.get(self.kind, 2)

    def plain(self) -> dict[str, str]:
        """Plain data for a finding's details, without what is not known."""
        return {member: value for member, value in self.kept().items() if member not in _OWN}

    def kept(self) -> dict[str, str]:
        """All of it as plain data, which `of` reads."""
        return {member: value for member in _MEMBERS if (value := getattr(self, member)) is not None}

    def __str__(self) -> str:
        if self.rank < 2:
            return "a signer whom nobody here knows" if self.rank else "nobody"
        who = self.identity or self.fingerprint or self.kind
        known_as = {"keyless": self.issuer, "notation": self.issuer}.get(self.kind, self.name)
        return f"{who} ({known_as})" if known_as else who


NOBODY = Seen("none")
STRANGER = Seen("unknown")
"""There was a signature, and nobody here can say whose."""


def signer(plain: Mapping[str, Any]) -> Seen:
    """The signer in a finding's `details.signatures[].signer` (`Identity.plain`).

    A key counts by its fingerprint, a certificate by its subject and who vouched for it: its key may live minutes.
    """
    kind = str(plain.get("kind"))
    name = _text(plain.get("name"))
    if kind in ("keyless", "notation"):
        return Seen(kind, _any_release(_text(plain.get("identity"))), _text(plain.get("issuer")), name=name)
    return Seen(kind, fingerprint=_text(plain.get("fingerprint")) or _text(plain.get("identity")), name=name)


def signers(finding: Finding) -> frozenset[Seen] | None:
    """Who signed, as a finding of the link signatures has it in its details: nobody, or None where that is not known.

    Of signatures that are right only those by somebody whom the policy names count, where there is one: whoever may
    push may add one of his own.
    """
    signatures = finding.details.get("signatures", ())
    if finding.code == "signed":
        return frozenset(signer(one["signer"]) for one in signatures if one["state"] == "good")
    if finding.code in ("unsigned", "accepted"):
        return frozenset()
    # Content Trust forgets what a tag was signed for before: that an update is there changes nobody.
    if finding.code != "unverifiable" or any(one.get("lacks") in ("means", "image") for one in signatures):
        return None
    return frozenset(signer(one["signer"]) for one in signatures if "signer" in one) or frozenset({STRANGER})


def is_doubtful(finding: Finding) -> bool:
    """Whether there is a signature, or a signed provenance, of which nobody here can say whose it is."""
    if finding.check == "source":
        return any(one.get("state") == "unknown" for one in finding.details.get("attestations", ()))
    signatures = finding.details.get("signatures", ())
    return finding.code == "unverifiable" and any("signer" not in one for one in signatures)


def builder(identity: str) -> Seen:
    """A proven builder: a workflow's or a builder's identity."""
    return Seen("builder", _any_release(_RUN.sub("", _text(identity) or "")))


def source(repository: str) -> Seen:
    """A proven source repository, as `source-verified` names it."""
    return Seen("source", _text(repository))


def built(finding: Finding, role: str) -> frozenset[Seen] | None:
    """Who built (`builder`) or of what (`source`), as a finding of the link source has it proven in its details.

    Nobody, where nothing is proven; None where that is not known: it could not be checked, or is an alarm of its own.
    """
    if finding.code == "source-verified":
        known = finding.details.get("builder" if role == "builder" else "repository")
        return frozenset({builder(known) if role == "builder" else source(known)}) if known else frozenset()
    attestations = finding.details.get("attestations", ())
    if finding.code == "source-mismatch" or any(one.get("lacks") == "means" for one in attestations):
        return None
    return frozenset()


def of(plain: Mapping[str, Any]) -> Seen:
    """The same as `kept` gave it."""
    return Seen(*(_text(plain.get(member)) for member in _MEMBERS))  # type: ignore[arg-type] # kind is always there


def names(seen: Iterable[Seen]) -> str:
    """For a person: the first three, and how many more."""
    ordered = in_order(seen)
    more = f" and {len(ordered) - 3} more" if len(ordered) > 3 else ""
    return ", ".join(map(str, ordered[:3])) + more


def in_order(seen: Iterable[Seen]) -> list[Seen]:
    """The same order in every run; what is known best comes first."""
    return sorted(seen, key=lambda one: (-one.rank, str(one), one.kind))


def fingerprint(key: bytes) -> str:
    """`sha256:…` of a public key's DER, as `Identity.fingerprint` has it."""
    return f"sha256:{sha256(key).hexdigest()}"


def _any_release(identity: str | None) -> str | None:
    """GitHub's and GitLab's identities name the tag that was built: every release of a workflow is the same signer."""
    return _RELEASE.sub("@refs/tags/*", identity) if identity else None


def _text(value: object) -> str | None:
    """A certificate or a statement may hold much: what is too long to be kept is told by its hash."""
    if not isinstance(value, str) or not value:
        return None
    whole = value.encode(errors="replace")
    return value if len(value) <= _LONGEST else f"{value[:200]}… (sha256:{sha256(whole).hexdigest()})"
