"""Rekor: whether what stands as a log's word about a signature is that, and is about this signature."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from container_updates.signing.bounded import decode_base64, json_object, member
from container_updates.signing.crypto import der, keys
from container_updates.signing.sigstore.trusted_root import Log, TrustedRoot
from container_updates.signing.verdict import Unknown, Wrong

_MAX_SECONDS = 1 << 36


@dataclass(frozen=True, slots=True)
class Proof:
    """That the entry is in a tree whose root the log signed (RFC 6962 section 2.1.1)."""

    index: int
    tree_size: int
    root_hash: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str
    """A signed note: origin, tree size and root hash."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A log entry as it came along with a signature; nothing of it is proven yet."""

    body: bytes
    """Canonical JSON of what was logged."""
    integrated_time: int
    """Seconds since the epoch; 0 where the log does not say (Rekor v2)."""
    log_index: int
    log_id: bytes
    promise: bytes | None
    """The signed entry timestamp."""
    proof: Proof | None = None
    kind: tuple[object, object] | None = None
    """Kind and version as a bundle says them beside the body."""

    @property
    def index(self) -> int:
        """Where it is in the log: as the promise has it, else as the proof does."""
        return self.log_index if self.promise is not None or self.proof is None else self.proof.index


@dataclass(frozen=True, slots=True)
class Signed:
    """What a log entry has to be about."""

    signature: bytes
    verifier: bytes
    """DER of the certificate, or of the public key where there is none."""
    message: bytes | None
    """The bytes signed; None where only their digest is known."""
    digest: bytes | None = None
    """Their SHA-256, where that is all."""
    payload: bytes = b""
    """Of a DSSE envelope, which is not what is signed."""
    envelope: bytes | None = None
    """DSSE as it was stored, where it was; the older entries have its hash."""


def from_annotation(text: str) -> Entry:
    """The entry in the annotation `dev.sigstore.cosign/bundle` (cosign, SIGNATURE_SPEC.md). Raises `Wrong`."""
    outer = json_object(text, "the log entry")
    payload = outer.get("Payload")
    log_id = member(payload, "logID")
    if not isinstance(log_id, str) or not re.fullmatch("[0-9a-f]{64}", log_id):
        raise Wrong("the log entry's log id is none")
    return Entry(
        decode_base64(member(payload, "body"), "the log entry's body"),
        whole(member(payload, "integratedTime"), "the log entry's time"),
        whole(member(payload, "logIndex"), "the log entry's index"),
        bytes.fromhex(log_id),
        decode_base64(outer.get("SignedEntryTimestamp"), "the log's signature"),
    )


def from_bundle(entry: Mapping[str, Any]) -> Entry:
    """The entry in a bundle's `tlogEntries` (protobuf-specs, sigstore_rekor.proto). Raises `Wrong`."""
    promise = member(entry, "inclusionPromise", "signedEntryTimestamp")
    return Entry(
        decode_base64(member(entry, "canonicalizedBody"), "the log entry's body"),
        whole(member(entry, "integratedTime") or 0, "the log entry's time"),
        whole(member(entry, "logIndex") or 0, "the log entry's index"),
        decode_base64(member(entry, "logId", "keyId"), "the log entry's log id"),
        decode_base64(promise, "the log's signature") if promise is not None else None,
        _proof(member(entry, "inclusionProof")),
        (member(entry, "kindVersion", "kind"), member(entry, "kindVersion", "version")),
    )


def _proof(proof: object) -> Proof | None:
    checkpoint = member(proof, "checkpoint", "envelope")
    if checkpoint is None:
        return None
    return Proof(
        whole(member(proof, "logIndex") or 0, "the proof's index"),
        whole(member(proof, "treeSize"), "the proof's tree size"),
        decode_base64(member(proof, "rootHash"), "the proof's root"),
        tuple(decode_base64(one, "the proof's hash") for one in member(proof, "hashes") or []),
        str(checkpoint),
    )


def whole(value: object, what: str) -> int:
    """A number that is not negative, also as text (protobuf's JSON writes 64-bit numbers so). Raises `Wrong`."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 19:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise Wrong(f"{what} is no number")
    return value


def check(entry: Entry, root: TrustedRoot) -> datetime | None:
    """The log's word that it holds the entry: its promise and the proof of inclusion, as far as they are there.

    Returns the time where the log signed one: Rekor v2 does not. Raises as `check_promise` and `check_inclusion`.
    """
    if entry.proof is not None:
        check_inclusion(entry, root)
    if entry.promise is not None:
        return check_promise(entry, root)
    if entry.proof is None:
        known(entry, root)
        raise Wrong("the log entry has neither the log's promise nor a proof of inclusion")
    return None


def check_promise(entry: Entry, root: TrustedRoot) -> datetime:
    """The time at which the log took the entry, proven by the log's signature over it (the SET).

    Raises `Wrong` for a signature that is not the log's, `Unknown` for a log that is not in the root.
    """
    log = known(entry, root)
    if entry.promise is None or not entry.integrated_time:
        raise Wrong("the log entry has no signed time")
    said = {
        "body": base64.b64encode(entry.body).decode(),
        "integratedTime": entry.integrated_time,
        "logID": entry.log_id.hex(),
        "logIndex": entry.log_index,
    }
    message = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    if not keys.signed(keys.load(log.public_key), entry.promise, message):
        raise Wrong("the log entry is not signed by the log that it names")
    if entry.integrated_time > _MAX_SECONDS:
        raise Wrong("the log entry's time is no time")
    logged_at = datetime.fromtimestamp(entry.integrated_time, UTC)
    check_in_use(entry, root, logged_at)
    return logged_at


def check_in_use(entry: Entry, root: TrustedRoot, moment: datetime) -> None:
    """Raise `Wrong` for an entry from before or after the time that the log was to be believed."""
    if not known(entry, root).span.covers(moment):
        raise Wrong("the log was not in use at the time of its entry")


def check_inclusion(entry: Entry, root: TrustedRoot) -> None:
    """Raises unless the entry is in the tree whose root the log's checkpoint signs (C2SP tlog-checkpoint, RFC 6962)."""
    log, proof = known(entry, root), entry.proof
    if proof is None:
        raise Wrong("the log entry has no proof of inclusion")
    if not 0 <= proof.index < proof.tree_size or len(proof.hashes) > 64:
        raise Wrong("the log entry's proof of inclusion cannot be")
    node, index, last = hashlib.sha256(b"\x00" + entry.body).digest(), proof.index, proof.tree_size - 1
    for sibling in proof.hashes:
        if last == 0:
            raise Wrong("the log entry's proof of inclusion is too long")
        if index & 1 or index == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        index, last = index >> 1, last >> 1
    if last != 0 or node != proof.root_hash:
        raise Wrong("the log entry's proof of inclusion does not fit")
    _check_checkpoint(proof, log)


def logged_key(entry: Entry) -> bytes:
    """The public key (DER) in an entry's body. Raises `Wrong` where there is not exactly one."""
    spec = json_object(entry.body, "the log entry's body").get("spec")
    raw = member(spec, "hashedRekordV002", "signature", "verifier", "publicKey", "rawBytes") or member(
        spec, "dsseV002", "signatures", 0, "verifier", "publicKey", "rawBytes"
    )
    if raw is not None:
        return decode_base64(raw, "the logged key")
    places = (
        ("signature", "publicKey", "content"),
        ("publicKey",),
        ("signatures", 0, "verifier"),
        ("content", "envelope", "signatures", 0, "publicKey"),
    )
    found = next((text for place in places if isinstance(text := member(spec, *place), str)), None)
    blocks = _keys_in(found)
    if len(blocks) != 1:
        raise Wrong("the log entry has no key")
    return blocks[0]


def check_about(entry: Entry, signed: Signed) -> None:
    """Raises `Wrong` unless the entry was made for this payload, this signature and this key (CVE-2022-36056)."""
    body = json_object(entry.body, "the log entry's body")
    kind, version, spec = body.get("kind"), body.get("apiVersion"), body.get("spec")
    check = _KINDS.get((str(kind), str(version)))
    if check is None:
        raise Unknown(f"a log entry of a kind that is not supported: {str(kind)[:40]} {str(version)[:20]}")
    if entry.kind not in (None, (kind, version)):
        raise Wrong("the log entry is of another kind than it says")
    check(spec, signed)


def _hashedrekord(spec: Any, signed: Signed) -> None:
    algorithm, value = member(spec, "data", "hash", "algorithm"), member(spec, "data", "hash", "value")
    _same_message(algorithm, value, signed)
    _same_signature(decode_base64(member(spec, "signature", "content"), "the logged signature"), signed)
    _same_verifier(member(spec, "signature", "publicKey", "content"), signed)


def _intoto_v1(spec: Any, signed: Signed) -> None:
    if signed.envelope is None:
        raise Unknown("a log entry (intoto 0.0.1) that only fits the envelope as it was stored")
    _same_hash(member(spec, "content", "hash", "algorithm"), member(spec, "content", "hash", "value"), signed.envelope)
    payload_hash = member(spec, "content", "payloadHash")
    _same_hash(member(payload_hash, "algorithm"), member(payload_hash, "value"), signed.payload)
    _same_verifier(member(spec, "publicKey"), signed)


def _intoto_v2(spec: Any, signed: Signed) -> None:
    payload_hash = member(spec, "content", "payloadHash")
    _same_hash(member(payload_hash, "algorithm"), member(payload_hash, "value"), signed.payload)
    logged = _only(member(spec, "content", "envelope", "signatures"))
    inner = decode_base64(member(logged, "sig"), "the logged signature")
    _same_signature(decode_base64(inner.decode("ascii", "replace"), "the logged signature"), signed)
    _same_verifier(member(logged, "publicKey"), signed)


def _dsse(spec: Any, signed: Signed) -> None:
    payload_hash = member(spec, "payloadHash")
    _same_hash(member(payload_hash, "algorithm"), member(payload_hash, "value"), signed.payload)
    logged = _only(member(spec, "signatures"))
    _same_signature(decode_base64(member(logged, "signature"), "the logged signature"), signed)
    _same_verifier(member(logged, "verifier"), signed)


def _hashedrekord_v2(spec: Any, signed: Signed) -> None:
    """Of DSSE, too: the hash is over the bytes signed (Rekor v2, hashedrekord.proto)."""
    record = member(spec, "hashedRekordV002")
    algorithm = _V2_HASHES.get(str(member(record, "data", "algorithm")))
    value = decode_base64(member(record, "data", "digest"), "the logged hash").hex()
    _same_message(algorithm, value, signed)
    _same_made(member(record, "signature"), signed)


def _dsse_v2(spec: Any, signed: Signed) -> None:
    record = member(spec, "dsseV002")
    algorithm = _V2_HASHES.get(str(member(record, "payloadHash", "algorithm")))
    _same_hash(
        algorithm, decode_base64(member(record, "payloadHash", "digest"), "the logged hash").hex(), signed.payload
    )
    _same_made(_only(member(record, "signatures")), signed)


def _same_made(made: Any, signed: Signed) -> None:
    """Signature and verifier as Rekor v2 has them (verifier.proto)."""
    _same_signature(decode_base64(member(made, "content"), "the logged signature"), signed)
    verifier = member(made, "verifier", "x509Certificate", "rawBytes")
    if verifier is None:
        verifier = member(made, "verifier", "publicKey", "rawBytes")
    if decode_base64(verifier, "the logged key") != signed.verifier:
        raise Wrong("the log entry is for another key")


_V2_HASHES = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
_KINDS: dict[tuple[str, str], Callable[[Any, Signed], None]] = {
    ("hashedrekord", "0.0.1"): _hashedrekord,
    ("hashedrekord", "0.0.2"): _hashedrekord_v2,
    ("intoto", "0.0.1"): _intoto_v1,
    ("intoto", "0.0.2"): _intoto_v2,
    ("dsse", "0.0.1"): _dsse,
    ("dsse", "0.0.2"): _dsse_v2,
}


def known(entry: Entry, root: TrustedRoot) -> Log:
    """The log that the entry names. Raises `Unknown` where the root does not know it."""
    log = root.log(entry.log_id)
    if log is None:
        raise Unknown(root.unknown("it is in a transparency log"))
    return log


def _same_message(algorithm: object, value: object, signed: Signed) -> None:
    if signed.message is not None:
        _same_hash(algorithm, value, signed.message)
    elif algorithm in ("sha384", "sha512"):
        raise Unknown("a log entry with another hash than SHA-256 of a message that is not here")
    elif algorithm != "sha256" or signed.digest is None or value != signed.digest.hex():
        raise Wrong("the log entry is for other bytes")


def _same_hash(algorithm: object, value: object, content: bytes) -> None:
    if algorithm not in ("sha256", "sha384", "sha512"):
        raise Wrong("the log entry is for other bytes: no hash that is known")
    if value != hashlib.new(algorithm, content).hexdigest():
        raise Wrong("the log entry is for other bytes")


def _same_signature(logged: bytes, signed: Signed) -> None:
    if logged != signed.signature:
        raise Wrong("the log entry is for another signature")


def _same_verifier(logged: object, signed: Signed) -> None:
    if _keys_in(logged) != [signed.verifier]:
        raise Wrong("the log entry is for another key")


def _keys_in(logged: object) -> list[bytes]:
    """The certificates or public keys in the base64 of PEM that entries have."""
    text = decode_base64(logged, "the logged key").decode("ascii", "replace")
    try:
        return der.pem_blocks(text, "CERTIFICATE") + der.pem_blocks(text, "PUBLIC KEY")
    except ValueError:
        return []


def _only(signatures: object) -> Any:
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise Wrong("the log entry has not exactly one signature")
    return signatures[0]


def _check_checkpoint(proof: Proof, log: Log) -> None:
    text, _, signatures = proof.checkpoint.partition("\n\n")
    lines = text.split("\n")
    if "\n\n" in signatures or not signatures.endswith("\n") or len(lines) < 3 or not lines[0]:
        raise Wrong("the log's checkpoint is malformed")
    if lines[1] != str(proof.tree_size) or decode_base64(lines[2], "the checkpoint's root") != proof.root_hash:
        raise Wrong("the log's checkpoint is for another tree")
    for line in signatures.splitlines():
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014":
            continue
        blob = decode_base64(parts[2], "the checkpoint's signature")
        if blob[:4] == log.key_id[:4] and keys.signed(keys.load(log.public_key), blob[4:], f"{text}\n".encode()):
            return
    raise Wrong("the log's checkpoint is not signed by the log")
