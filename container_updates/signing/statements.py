"""DSSE envelopes and the in-toto statements in them (DSSE v1.0.0; in-toto attestation v1 and v0.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from container_updates.signing.bounded import decode_base64, json_object, member
from container_updates.signing.checked import Expected, Wrong

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
    """Raises `Wrong` where the predicate names another source than the proven certificate: somebody else's build."""
    certified, claimed = claims.get("source_repository"), source_repository(envelope.statement)
    if certified and claimed and _plain(certified) != _plain(claimed):
        raise Wrong(f"it names the source {claimed}, but its signer's certificate is of {certified}")


def source_repository(statement: Mapping[str, Any]) -> str | None:
    """The repository that a SLSA provenance (v1, v0.2) says it was built from; None for other predicates."""
    predicate = statement.get("predicate")
    workflow = member(predicate, "buildDefinition", "externalParameters", "workflow", "repository")
    config = member(predicate, "buildDefinition", "externalParameters", "configSource", "uri")
    invocation = member(predicate, "invocation", "configSource", "uri")
    return next((uri for uri in (workflow, config, invocation) if isinstance(uri, str)), None)


def _plain(uri: str) -> str:
    """A repository's URL without scheme prefix, reference and .git, so that two ways to write it are one."""
    uri = uri.removeprefix("git+")
    scheme, separator, rest = uri.partition("://")
    rest = re.split(r"[@#?]", rest)[0].rstrip("/").removesuffix(".git")
    return f"{scheme}{separator}{rest}".lower()
