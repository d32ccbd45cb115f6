"""X.509 chains (RFC 5280 section 6) of code-signing and time-stamping certificates, on `cryptography`.

Own code, because `cryptography.x509.verification` knows TLS profiles only and is missing in what Debian 12 has.
"""

import re
import warnings
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, SignatureAlgorithmOID

from container_updates.clock import rfc3339
from container_updates.signing.bounded import MAX_CERTIFICATES
from container_updates.signing.crypto import der
from container_updates.signing.crypto.keys import MIN_RSA_BITS
from container_updates.signing.verdict import Unknown, Wrong

_Kind = TypeVar("_Kind", bound=x509.ExtensionType)

CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
warnings.filterwarnings("ignore", module=re.escape(__name__))
"""What cryptography warns of in strangers' certificates is no news to an admin; `load` says what is wrong."""
_UNREADABLE = (x509.UnsupportedGeneralNameType, x509.DuplicateExtension, x509.InvalidVersion)
_MIN_HASH_BYTES = 28
_WEAK_HASHES = {"md5": "MD5", "sha1": "SHA-1"}
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)
"""Extensions that may be critical here; a critical one that nobody reads makes a chain unusable."""


def load(body: bytes, what: str = "a certificate") -> x509.Certificate:
    """The certificate in `body` (DER), all of it parsed: a broken part shall show here. Raises `Wrong`."""
    try:
        der.check_certificate(body)
        certificate = x509.load_der_x509_certificate(body)
        _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.signature_hash_algorithm
        certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, *_UNREADABLE):
        raise Wrong(f"{what} cannot be read") from None
    return certificate


def load_chain(bodies: Sequence[bytes]) -> list[x509.Certificate]:
    """Every certificate of a chain. Raises `Wrong` for a broken one, for none and for too many."""
    if not 1 <= len(bodies) <= MAX_CERTIFICATES:
        raise Wrong(f"a chain of {len(bodies)} certificates")
    return [load(body, "a certificate of the chain") for body in bodies]


def to_der(certificate: x509.Certificate) -> bytes:
    """Its DER."""
    return certificate.public_bytes(Encoding.DER)


def spki(certificate: x509.Certificate) -> bytes:
    """Its public key, as DER SubjectPublicKeyInfo."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def validity(certificate: x509.Certificate) -> tuple[datetime, datetime]:
    """NotBefore and notAfter, in UTC; both belong to the time that it is valid."""
    if hasattr(certificate, "not_valid_before_utc"):
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return certificate.not_valid_before.replace(tzinfo=UTC), certificate.not_valid_after.replace(tzinfo=UTC)


def check_time(chain: Iterable[x509.Certificate], moment: datetime, when: str) -> None:
    """Raises `Wrong`, naming the certificate, for one that is outside its time at `moment` (`when`: for words)."""
    for certificate in chain:
        start, end = validity(certificate)
        if moment < start:
            words = f"is not valid before {rfc3339(start)}"
        elif moment > end:
            words = f"expired at {rfc3339(end)}"
        else:
            continue
        raise Wrong(f"certificate {name(certificate)} {words} ({when} {rfc3339(moment)})")


def check_order(chain: Sequence[x509.Certificate]) -> None:
    """Raises `Wrong` unless each certificate is issued by the next, which may issue, and the first is no authority."""
    leaf = chain[0]
    if is_authority(leaf):
        raise Wrong(f"certificate {name(leaf)} signs although it is an authority's own")
    for depth, (certificate, issuer) in enumerate(pairwise(chain)):
        if certificate.issuer != issuer.subject:
            raise Wrong(f"the chain is out of order: {name(issuer)} did not issue {name(certificate)}")
        _check_issuer(issuer, depth)
        if not issued(certificate, issuer):
            raise Wrong(f"certificate {name(certificate)} is not signed by {name(issuer)}")
    for certificate in chain:
        check_key_size(certificate)
        _check_critical(certificate)


def path(
    leaf: x509.Certificate, pool: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> list[x509.Certificate] | None:
    """A chain from `leaf` over certificates of `pool` (never trusted by themselves) to one of `roots`, or None."""
    chain = [leaf]
    while len(chain) <= MAX_CERTIFICATES:
        last = chain[-1]
        root = next((one for one in roots if last.issuer == one.subject and issued(last, one)), None)
        if root is not None:
            return [*chain, root]
        step = next(
            (one for one in pool if one not in chain and last.issuer == one.subject and issued(last, one)), None
        )
        if step is None:
            return None
        chain.append(step)
    return None


def issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's key made the certificate's signature.

    Raises `Wrong` for one over MD5 or SHA-1: other certificates can be made that fit it. Not asked of a root that is
    trusted as such: what it says of itself is believed without its own signature.
    """
    key, algorithm = issuer.public_key(), certificate.signature_hash_algorithm
    if algorithm is not None and algorithm.digest_size < _MIN_HASH_BYTES:
        raise Wrong(
            f"certificate {name(certificate)} is signed with {_WEAK_HASHES.get(algorithm.name, algorithm.name)}"
        )
    message, signature = certificate.tbs_certificate_bytes, certificate.signature
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, message, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(signature, message, _rsa_padding(certificate), algorithm)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def names_issuer(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the certificate says that it is of that issuer: by name, and by key identifier where both have one."""
    if certificate.issuer != issuer.subject:
        return False
    wanted, given = _extension(certificate, x509.AuthorityKeyIdentifier), _extension(issuer, x509.SubjectKeyIdentifier)
    return wanted is None or given is None or wanted.key_identifier in (None, given.digest)


def is_self_issued(certificate: x509.Certificate) -> bool:
    """Whether a chain ends with it."""
    return certificate.issuer == certificate.subject and issued(certificate, certificate)


def check_leaf_usage(leaf: x509.Certificate, purpose: x509.ObjectIdentifier) -> None:
    """Raises `Wrong` unless the certificate may make digital signatures for `purpose` and nothing beyond.

    The Notary Project's signature specification, "Certificate requirements"; Fulcio's certificates keep to it too.
    """
    usage = _extension(leaf, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        raise Wrong(f"certificate {name(leaf)} lacks the key usage digitalSignature")
    if usage.key_cert_sign or usage.crl_sign or usage.key_encipherment or usage.data_encipherment:
        raise Wrong(f"certificate {name(leaf)} has a key usage beyond signing")
    extended = _extension(leaf, x509.ExtendedKeyUsage)
    if extended is not None and (purpose not in extended or _excluded(purpose).intersection(extended)):
        raise Wrong(f"certificate {name(leaf)} is for another use than {_PURPOSES[purpose]}")


def requires_purpose(leaf: x509.Certificate, purpose: x509.ObjectIdentifier) -> None:
    """Raises `Wrong` where the extended key usage is not said at all."""
    if _extension(leaf, x509.ExtendedKeyUsage) is None:
        raise Wrong(f"certificate {name(leaf)} does not say that it is for {_PURPOSES[purpose]}")


def name(certificate: x509.Certificate) -> str:
    """Its subject for a person, else its serial number."""
    return certificate.subject.rfc4514_string() or f"with serial {certificate.serial_number:x}"


_PURPOSES = {CODE_SIGNING: "code signing", TIME_STAMPING: "time stamping"}


def _excluded(purpose: x509.ObjectIdentifier) -> set[x509.ObjectIdentifier]:
    """Purposes that must not stand beside it: a certificate for everything, or for servers, proves no publisher."""
    broad = {
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
    }
    return broad | ({CODE_SIGNING, TIME_STAMPING} - {purpose})


def check_key_size(certificate: x509.Certificate) -> None:
    """Raise `Wrong` for an RSA key that is too small to prove anything."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise Wrong(f"certificate {name(certificate)} has an RSA key of {key.key_size} bits, less than {MIN_RSA_BITS}")


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may issue others."""
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _check_issuer(issuer: x509.Certificate, below: int) -> None:
    constraints = _extension(issuer, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise Wrong(f"certificate {name(issuer)} is no authority's and must not issue others")
    if constraints.path_length is not None and below > constraints.path_length:
        raise Wrong(f"certificate {name(issuer)} must not issue a chain as long as this")
    usage = _extension(issuer, x509.KeyUsage)
    if usage is None or not usage.key_cert_sign:
        raise Wrong(f"certificate {name(issuer)} lacks the key usage keyCertSign")


def _check_critical(certificate: x509.Certificate) -> None:
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise Unknown(
                f"certificate {name(certificate)} has a critical extension that is not supported: "
                f"{extension.oid.dotted_string}"
            )


def _extension(certificate: x509.Certificate, kind: type[_Kind]) -> _Kind | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _rsa_padding(certificate: x509.Certificate) -> padding.AsymmetricPadding:
    if certificate.signature_algorithm_oid != SignatureAlgorithmOID.RSASSA_PSS:
        return padding.PKCS1v15()
    parameters = getattr(certificate, "signature_algorithm_parameters", None)
    if not isinstance(parameters, padding.PSS):
        raise Unknown(
            "a certificate signed with RSASSA-PSS, which this version of cryptography cannot check", lacks="means"
        )
    return parameters
