"""Docker Content Trust (Notary v1): a repository's trust data, from a pinned root down to what a tag names.

What counts: the roles `targets/releases` and, for the tags that it does not have, `targets`, as Docker itself has it.
An image counts as signed under any tag of its repository, as with the other formats. That the tag it runs under is
signed for another image by now is no fault of the signature: then the trust data just does not name what runs.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from container_updates.signing.bounded import member
from container_updates.signing.content_trust import tuf
from container_updates.signing.content_trust.tuf import RELEASES, Key, Metadata, Role
from container_updates.signing.signers import ContentTrustSigner
from container_updates.signing.verdict import (
    Checked,
    Expected,
    Identity,
    Unknown,
    Validity,
    Wrong,
    named_or_stranger,
    verifier,
)

_FORMAT = "content-trust"
_MAX_ROTATIONS = 32
"""Older roots that are looked at on the way back to the one that the policy names."""

Ask = Callable[[str, str | None, bool], bytes | None]
"""Given a role or `<N>.root`, the SHA-256 that its parent lists, and whether files are named by it: the file, or None
where the server does not have it."""


@dataclass(frozen=True, slots=True)
class TrustData:
    """The files of one repository, as they came."""

    root: bytes
    older_roots: tuple[bytes, ...] = ()
    """The ones before it in a row, oldest first."""
    timestamp: bytes | None = None
    snapshot: bytes | None = None
    targets: bytes | None = None
    releases: bytes | None = None


def gather(ask: Ask, signers: tuple[object, ...]) -> TrustData | None:
    """The files that a verdict needs; None where there is no trust data. Raises what `ask` raises.

    Nothing is proven here: what parents say only tells which files belong together.
    """
    root = ask("root", None, False)
    if root is None:
        return None
    data = TrustData(root)
    with suppress(Wrong, Unknown, ImportError):  # the verifier meets the same, and says it
        consistent = tuf.read(root, "root").signed.get("consistent_snapshot") is True

        def listed(parent: bytes | None, role: str, child: str) -> bytes | None:
            digest = tuf.sha256_of(_listed(tuf.read(parent, role), child)) if parent is not None else None
            return ask(child, digest, consistent) if digest is not None else None

        timestamp = ask("timestamp", None, False)
        data = replace(data, timestamp=timestamp)
        snapshot = listed(timestamp, "timestamp", "snapshot")
        data = replace(data, snapshot=snapshot)
        if not _is_listed(root, snapshot):
            # It was rotated between two answers: the one that the snapshot lists belongs to it.
            root = listed(snapshot, "snapshot", "root") or root
        data = replace(data, root=root, targets=listed(snapshot, "snapshot", "targets"))
        data = replace(data, releases=listed(snapshot, "snapshot", RELEASES))
        data = replace(data, older_roots=_older_roots(root, ask, _pinned(signers)))
    return data


@verifier(_FORMAT)
def verify(data: TrustData, expected: Expected, seen: Mapping[str, int] | None = None) -> Checked | None:
    """The verdict on a repository's trust data; `seen` is what `Checked.versions` said when it was last right.

    None where it does not name what runs, and no signer of this kind is named.
    """
    proof = _Proof(expected.now, dict(seen or {}))
    root, anchor, named = _root(data, expected, proof)
    targets = _targets(data, root, proof)
    facts: dict[str, Any] = {"holds_until": min(proof.ends), "versions": proof.versions if named else {}}
    digest, tag = _signed_for(targets, expected)
    if digest is None:
        if not _pinned(expected.signers):
            return None
        # Whoever is not named cannot excuse by it that nobody signed what runs.
        lacks = "image" if named else None
        return Checked(_FORMAT, Validity.UNKNOWN, _names_another(targets, expected), lacks=lacks, **facts)
    identity = Identity(_FORMAT, fingerprint=anchor.fingerprint, name=named[0].name if named else None)
    details = {"repository": expected.reference.name, "tag": tag, "role": targets[tag][1]}
    return named_or_stranger(_FORMAT, named, identity, expected, digest=digest, details=details, **facts)


@dataclass(slots=True)
class _Proof:
    """What has to be known of each role besides who signed it."""

    now: datetime
    seen: Mapping[str, int]
    ends: list[datetime] = field(default_factory=list)
    """When the verdict may be another one."""
    versions: dict[str, int] = field(default_factory=dict)
    anchor: tuple[str, ...] = ()
    """The ids of the keys of the root that is the anchor."""

    def check(self, metadata: Metadata, role: Role) -> None:
        """Neither older than what was seen, nor expired. Raises `Wrong`.

        A version counts for the keys: with new ones a role may begin again (TUF specification, 5.3.11), and with a
        new anchor the whole repository.
        """
        name = " ".join([metadata.role, *self.anchor, *sorted(role.keys)])
        if metadata.version < self.seen.get(name, 0):
            raise Wrong(
                f"{metadata.role} of the trust data is of version {metadata.version}, older than {self.seen[name]}, "
                "which was seen before"
            )
        self.versions[name] = metadata.version
        tuf.check_expiry(metadata, self.now)
        self.ends.append(metadata.expires)


def _root(data: TrustData, expected: Expected, proof: _Proof) -> tuple[Metadata, Key, tuple[ContentTrustSigner, ...]]:
    """The newest root, proven, with the key that anchors it and whoever named that key.

    Where nobody did, it is proven only that the root signs itself.
    """
    from container_updates.signing.crypto import certificates

    gun = expected.reference.name
    newest = tuf.read(data.root, "root")
    metadata, role = newest, _root_role(newest, gun, expected.now)
    proof.ends += [certificates.validity(key.certificate)[1] for key in role.keys.values() if key.certificate]
    older = list(data.older_roots)
    while True:
        signed = tuf.check_signed(metadata, role)
        named = tuple(
            signer
            for signer in expected.signers
            if isinstance(signer, ContentTrustSigner) and any(key.names.intersection(signer.root) for key in signed)
        )
        if named or not older:
            break
        before = tuf.read(older.pop(), "root")
        if metadata.version != before.version + 1:
            raise Wrong(f"root version {metadata.version} does not follow version {before.version}")
        role = _root_role(before, gun, None)
        try:
            tuf.check_signed(metadata, role)
        except Wrong:
            raise Wrong(
                f"root version {metadata.version} is not signed by the keys of version {before.version}"
            ) from None
        metadata = before
    pins = _pinned(named)
    anchor = next((key for key in signed if key.names & pins), signed[0])
    proof.anchor = tuple(sorted(role.keys))
    proof.check(newest, role)
    return newest, anchor, named


def _root_role(root: Metadata, gun: str, now: datetime | None) -> Role:
    """The keys that may sign a root: only those whose certificate names the repository, and is valid at `now`."""
    from container_updates.signing.crypto import certificates

    role = tuf.role_of(member(root.signed, "roles", "root"), root.signed.get("keys"), "root")
    faults: list[Wrong] = []
    usable = {}
    for key in role.keys.values():
        try:
            if key.certificate is None or not _is_for(gun, key):
                whose = certificates.name(key.certificate) if key.certificate else "a key without certificate"
                raise Wrong(f"the root of the trust data is of {whose}, not of {gun}")
            if now is not None:
                _check_valid(key, now)
        except Wrong as wrong:
            faults.append(wrong)
        else:
            usable[key.id] = key
    if faults and len(usable) < role.threshold:
        raise faults[0]
    return replace(role, keys=usable)


def _is_for(gun: str, key: Key) -> bool:
    """Whether the common name is the repository or, as Notary has it, with `*` at its end how that begins."""
    from cryptography.x509.oid import NameOID

    names = key.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME) if key.certificate else []
    if len(names) != 1:
        return False
    name = str(names[0].value)
    return gun.startswith(name.rstrip("*")) if name.endswith("*") else gun == name


def _check_valid(key: Key, now: datetime) -> None:
    from container_updates.signing.crypto import certificates

    if key.certificate is not None:
        try:
            certificates.check_time([key.certificate], now, "now")
        except Wrong as wrong:
            begins = certificates.validity(key.certificate)[0]
            wrong.until = begins if now < begins else None
            raise


def _targets(data: TrustData, root: Metadata, proof: _Proof) -> Mapping[str, tuple[str, str]]:
    """Tag to what it is signed for and by which role, once everything above it is proven. Raises `Wrong`, `Unknown`."""

    def proven(body: bytes | None, parent: Metadata | None, role: Role) -> Metadata:
        if body is None:
            raise Unknown(f"the trust data is incomplete: the server has no {role.name}")
        if parent is not None:
            tuf.check_listed(body, _listed(parent, role.name), role.name)
        metadata = tuf.read(body, role.name)
        tuf.check_signed(metadata, role)
        proof.check(metadata, role)
        return metadata

    def role_of(name: str) -> Role:
        return tuf.role_of(member(root.signed, "roles", name), root.signed.get("keys"), name)

    timestamp = proven(data.timestamp, None, role_of("timestamp"))
    snapshot = proven(data.snapshot, timestamp, role_of("snapshot"))
    tuf.check_listed(data.root, _listed(snapshot, "root"), "root")
    targets = proven(data.targets, snapshot, role_of("targets"))
    found = _entries(targets, [""])
    delegations = targets.signed.get("delegations")
    roles = member(delegations, "roles")
    for definition in roles if isinstance(roles, list) else ():
        # A delegation with which nothing was signed yet is not in the snapshot, which is proven.
        if member(definition, "name") == RELEASES and _listed(snapshot, RELEASES) is not None:
            role = tuf.role_of(definition, member(delegations, "keys"), RELEASES)
            found |= _entries(proven(data.releases, snapshot, role), member(definition, "paths"))
    return found


def _entries(targets: Metadata, paths: object) -> dict[str, tuple[str, str]]:
    """The tags of a role that are within what it may sign for: names that begin with one of its paths."""
    entries = targets.signed.get("targets")
    if not isinstance(entries, dict) or not isinstance(paths, list):
        raise Wrong(f"{targets.role} of the trust data names no targets")
    allowed = tuple(path for path in paths if isinstance(path, str))
    return {
        name: (f"sha256:{digest}", targets.role)
        for name, entry in entries.items()
        if name.startswith(allowed) and (digest := tuf.sha256_of(entry)) is not None
    }


def _signed_for(targets: Mapping[str, tuple[str, str]], expected: Expected) -> tuple[str | None, str]:
    """Which of the running digests is signed, and as which tag: the one it runs under, else any."""
    running = expected.reference.tag or ""
    for tag in sorted(targets, key=lambda tag: (tag != running, tag)):
        if targets[tag][0] in expected.digests:
            return targets[tag][0], tag
    return None, ""


def _names_another(targets: Mapping[str, tuple[str, str]], expected: Expected) -> str:
    tag, words = expected.reference.tag, "there is trust data, but it does not name what runs"
    if tag is None:
        return words
    return f"{words}: tag {tag} is " + (f"signed for {targets[tag][0][:19]}" if tag in targets else "not signed")


def _listed(parent: Metadata, child: str) -> object:
    return member(parent.signed, "meta", child)


def _is_listed(root: bytes, snapshot: bytes | None) -> bool:
    if snapshot is None:
        return False
    return tuf.sha256_of(_listed(tuf.read(snapshot, "snapshot"), "root")) == hashlib.sha256(root).hexdigest()


def _pinned(signers: tuple[object, ...]) -> frozenset[str]:
    return frozenset(pin for signer in signers if isinstance(signer, ContentTrustSigner) for pin in signer.root)


def _older_roots(newest: bytes, ask: Ask, pins: frozenset[str]) -> tuple[bytes, ...]:
    """The roots before the newest, back to the first that has a pinned key; none where nobody pinned one."""
    found: list[bytes] = []
    oldest = newest
    while pins and len(found) < _MAX_ROTATIONS:
        root = tuf.read(oldest, "root")
        role = tuf.role_of(member(root.signed, "roles", "root"), root.signed.get("keys"), "root")
        if root.version == 1 or any(key.names & pins for key in role.keys.values()):
            break
        before = ask(f"{root.version - 1}.root", None, False)
        if before is None:
            break
        found.insert(0, before)
        oldest = before
    return tuple(found)
