"""DSSE envelopes and the in-toto statements in them (DSSE v1.0.0; in-toto attestation v1 and v0.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from container_updates import repositories
from container_updates.signing import provenance
from container_updates.signing.bounded import decode_base64, json_object, member
from container_updates.signing.verdict import Expected, Wrong

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT_TYPES = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope with its one signature; nothing of it is proven yet."""

    payload: bytes
    payload_type: str
    signature: bytes
    statement: Mapping[str, Any]

    def signed_bytes(self) -> bytes:
        """What the signature is over (DSSE, protocol.md, PAE)."""
        kind = self.payload_type.encode()
        return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(self.payload), self.payload)


def is_of_another_kind(envelope: Any) -> bool:
    """Whether it says that it holds something else than a statement: it signs another thing."""
    said = member(envelope, "payloadType")
    return isinstance(said, str) and said != PAYLOAD_TYPE


def read_envelope(envelope: Mapping[str, Any]) -> Envelope:
    """The envelope in parsed JSON. Raises `Wrong` for another payload type, and for more or less than one signature."""
    signatures = envelope.get("signatures")
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise Wrong("the envelope has not exactly one signature")
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        raise Wrong("the envelope holds something else than a statement")
    payload = decode_base64(envelope.get("payload"), "the envelope's payload")
    return Envelope(
        payload,
        PAYLOAD_TYPE,
        decode_base64(member(signatures, 0, "sig"), "the signature"),
        json_object(payload, "the signed statement"),
    )


def is_wanted(envelope: Envelope, expected: Expected) -> bool:
    """Whether it claims to be what is looked for; an attestation is not a signature, nor the other way round."""
    return envelope.statement.get("predicateType") in expected.predicate_types


def check(envelope: Envelope, expected: Expected) -> str:
    """Which digest the statement is about. Raises `Wrong` where it is of another type or about another image."""
    statement = envelope.statement
    if statement.get("_type") not in _STATEMENT_TYPES:
        raise Wrong("the signed statement is of another type")
    subjects = statement.get("subject")
    named = {
        f"{algorithm}:{value}"
        for subject in (subjects if isinstance(subjects, list) else [])
        for algorithm, value in (member(subject, "digest") or {}).items()
    }
    digests = sorted(named & expected.digests)
    if not digests:
        raise Wrong("signed for another image")
    return digests[0]


def check_source(envelope: Envelope, claims: Mapping[str, str]) -> None:
    """Raises `Wrong` where a provenance names another repository or commit than the proven certificate.

    The certificate's are the build service's own word (Fulcio's OIDs .12 and .13): it is somebody else's build.
    """
    said = provenance.read(envelope.statement)
    if said is None:
        return
    certified, commit = claims.get("source_repository"), claims.get("source_digest")
    if repositories.contradict(certified, said.repository):
        raise Wrong(f"it names the source {said.repository}, but its signer's certificate is of {certified}")
    if repositories.contradicting_commits(commit, said.revision):
        raise Wrong(f"it names commit {said.revision}, but its signer's certificate is of {commit}")
