"""Keyless signers: what a Fulcio certificate says, and whether to believe it (Fulcio, certificate-specification.md)."""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.certificate_transparency import LogEntryType

from container_updates.signing.crypto import certificates, der, keys
from container_updates.signing.signers import KeylessSigner, matches
from container_updates.signing.sigstore.trusted_root import Authority, TrustedRoot
from container_updates.signing.verdict import Identity, Unknown, Wrong

_ARC = "1.3.6.1.4.1.57264.1"
_ISSUER, _ISSUER_V2, _OTHER_NAME = f"{_ARC}.1", f"{_ARC}.8", f"{_ARC}.7"
_LEGACY_REPOSITORY, _LEGACY_DIGEST, _LEGACY_REF = f"{_ARC}.5", f"{_ARC}.3", f"{_ARC}.6"
_CLAIMS = {
    "builder": f"{_ARC}.9",
    "builder_digest": f"{_ARC}.10",
    "runner": f"{_ARC}.11",
    "source_repository": f"{_ARC}.12",
    "source_digest": f"{_ARC}.13",
    "source_ref": f"{_ARC}.14",
    "source_owner": f"{_ARC}.16",
    "build_config": f"{_ARC}.18",
    "run": f"{_ARC}.21",
}
_GITHUB = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True, slots=True)
class Keyless:
    """What a certificate says; it is worth as much as the chain above it."""

    identity: Identity
    claims: dict[str, str]


def read(certificate: x509.Certificate) -> Keyless:
    """Who the certificate says that it is. Raises `Wrong` where it says nobody, or more than one."""
    extensions = {
        extension.oid.dotted_string: extension.value.value
        for extension in certificate.extensions
        if isinstance(extension.value, x509.UnrecognizedExtension)
    }
    issuer = der.utf8_string(extensions.get(_ISSUER_V2, b"")) or _text(extensions.get(_ISSUER))
    if not issuer:
        raise Wrong("the certificate does not say who vouched for its identity")
    claims = {
        claim: text for claim, oid in _CLAIMS.items() if (text := der.utf8_string(extensions.get(oid, b""))) is not None
    }
    if issuer == _GITHUB and "source_repository" not in claims and _LEGACY_REPOSITORY in extensions:
        claims["source_repository"] = f"https://github.com/{_text(extensions[_LEGACY_REPOSITORY])}"
        claims["source_digest"] = _text(extensions.get(_LEGACY_DIGEST))
        claims["source_ref"] = _text(extensions.get(_LEGACY_REF))
    return Keyless(Identity("keyless", _alternative_name(certificate), issuer), claims)


def known(leaf: x509.Certificate, pool: Sequence[x509.Certificate], root: TrustedRoot) -> None:
    """Raise `Unknown` where the certificate neither names an authority of the root as its issuer nor leads to one.

    An authority is who has the name and, where both say one, the key identifier (RFC 5280 section 4.2.1.1): another
    instance, or the next authority of this one, may have the same name.
    """
    authorities = [certificates.load(body) for authority in root.authorities for body in authority.chain]
    if any(certificates.names_issuer(leaf, authority) for authority in authorities):
        return
    if not any(_path(leaf, pool, authority) for authority in root.authorities):
        raise Unknown(root.unknown(f"its certificate is of an authority ({leaf.issuer.rfc4514_string()})"))


def check_chain(leaf: x509.Certificate, pool: Sequence[x509.Certificate], root: TrustedRoot, moment: datetime) -> None:
    """Raise unless the root's authorities issued the certificate, and all were valid at `moment`, when it was signed.

    Certificates of `pool` came along with the signature: they may be links, but nothing is believed because of them.
    """
    for authority in root.authorities:
        chain = _path(leaf, pool, authority)
        if chain is None or not authority.span.covers(moment):
            continue
        certificates.check_order(chain)
        certificates.check_leaf_usage(leaf, certificates.CODE_SIGNING)
        certificates.requires_purpose(leaf, certificates.CODE_SIGNING)
        certificates.check_time(chain, moment, "signed")
        _check_certificate_log(leaf, chain[1], root)
        return
    raise Wrong("the certificate is not of the authority that it names, or that was not in use when it was signed")


def _path(
    leaf: x509.Certificate, pool: Sequence[x509.Certificate], authority: Authority
) -> list[x509.Certificate] | None:
    trusted = [certificates.load(body) for body in authority.chain]
    return certificates.path(leaf, [*trusted[:-1], *pool], trusted[-1:])


def named_by(keyless: Keyless, signers: Sequence[KeylessSigner]) -> tuple[KeylessSigner, ...]:
    """Those signers whose issuer and identity both match, over their whole length."""
    identity, issuer = keyless.identity.identity or "", keyless.identity.issuer or ""
    return tuple(signer for signer in signers if matches(signer.issuer, issuer) and matches(signer.identity, identity))


def _check_certificate_log(leaf: x509.Certificate, issuer: x509.Certificate, root: TrustedRoot) -> None:
    """The embedded certificate timestamp: a known CT log's signature over the precertificate (RFC 6962 section 3.2)."""
    if root.certificate_logs is None:
        return
    try:
        timestamps = list(leaf.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value)
    except x509.ExtensionNotFound:
        raise Wrong("the certificate has no timestamp of a certificate log") from None
    known = {log.key_id: log for log in root.certificate_logs}
    for timestamp in timestamps:
        log = known.get(timestamp.log_id)
        if log is None or timestamp.entry_type != LogEntryType.PRE_CERTIFICATE:
            continue
        milliseconds = round(timestamp.timestamp.replace(tzinfo=UTC).timestamp() * 1000)
        tbs, extensions = leaf.tbs_precertificate_bytes, timestamp.extension_bytes
        message = (
            struct.pack("!BBQH", 0, 0, milliseconds, 1)
            + hashlib.sha256(certificates.spki(issuer)).digest()
            + len(tbs).to_bytes(3, "big")
            + tbs
            + struct.pack("!H", len(extensions))
            + extensions
        )
        if not isinstance(timestamp.signature_hash_algorithm, hashes.SHA256):
            raise Wrong("the certificate log's timestamp is signed with another hash than SHA-256")
        if not keys.signed(keys.load(log.public_key), timestamp.signature, message):
            raise Wrong("the certificate log's timestamp is not signed by that log")
        if not log.span.covers(datetime.fromtimestamp(milliseconds / 1000, UTC)):
            raise Wrong("the certificate log was not in use at the time of its timestamp")
        return
    raise Unknown(root.unknown("its certificate is in a certificate log"))


def _alternative_name(certificate: x509.Certificate) -> str:
    try:
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    if len(names) != 1:
        raise Wrong(f"the certificate names {len(names)} identities instead of one")
    name = names[0]
    if isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier):
        return name.value
    if isinstance(name, x509.OtherName) and name.type_id.dotted_string == _OTHER_NAME:
        return der.utf8_string(name.value) or ""
    raise Wrong("the certificate's identity is neither an e-mail address nor a URI")


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")
