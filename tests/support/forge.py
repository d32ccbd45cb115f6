"""Signers, authorities and logs of our own, so that every single fault can be made on purpose."""

import base64
import hashlib
import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from container_updates import reference
from container_updates.signing.signers import KeylessSigner, NotationSigner
from container_updates.signing.sigstore.trusted_root import Authority, Log, Span, TrustedRoot
from container_updates.signing.verdict import Expected

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LOGGED = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
DIGEST = "sha256:" + "ab" * 32
ISSUER = "https://token.actions.githubusercontent.com"
IDENTITY = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
ALWAYS = Span()
CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
CT_POISON = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")


def expected(*signers, digest=DIGEST, image="registry.example.com/acme/app:1", now=NOW, **more):
    return Expected(frozenset({digest}), reference.parse(image), now, signers, **more)


def new_key(curve=None):
    return ec.generate_private_key(curve or ec.SECP256R1())


def rsa_key(bits=2048):
    return rsa.generate_private_key(65537, bits)


def spki(key):
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def to_der(certificate):
    return certificate.public_bytes(Encoding.DER)


def b64(raw):
    return base64.b64encode(raw).decode()


def name(common, organization="Acme"):
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def usage(**given):
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign "
        "encipher_only decipher_only"
    )
    return x509.KeyUsage(**{one: given.get(one, False) for one in names.split()})


@dataclass
class Certified:
    key: object
    certificate: x509.Certificate

    @property
    def der(self):
        return to_der(self.certificate)


def certify(
    subject,
    issuer=None,
    *,
    key=None,
    authority=False,
    flag="as authority",
    signs_certificates="as authority",
    path_length=None,
    purposes=None,
    purposes_critical=False,
    start=datetime(2020, 1, 1, tzinfo=UTC),
    end=datetime(2040, 1, 1, tzinfo=UTC),
    extensions=(),
    key_usage=None,
    issuer_name=None,
    signed_by=None,
):
    """A certificate; each argument beyond subject and issuer makes one thing wrong with it."""
    key = key or new_key()
    signer = signed_by or (issuer.key if issuer else key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject) if isinstance(subject, str) else subject)
        .issuer_name(issuer_name or (issuer.certificate.subject if issuer else name(subject)))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    is_authority = authority if flag == "as authority" else flag
    if is_authority is not None:
        builder = builder.add_extension(x509.BasicConstraints(is_authority, path_length), critical=True)
    may_issue = authority if signs_certificates == "as authority" else signs_certificates
    builder = builder.add_extension(
        key_usage or usage(digital_signature=not authority, key_cert_sign=may_issue), critical=True
    )
    if purposes is None and not authority:
        purposes = [CODE_SIGNING]
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=purposes_critical)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Certified(key, builder.sign(signer, hashes.SHA256()))


def utf8(text):
    raw = text.encode()
    assert len(raw) < 128
    return bytes([0x0C, len(raw)]) + raw


@dataclass
class Instance:
    """A Sigstore instance: Fulcio with an intermediate, a certificate log, Rekor."""

    root_ca: Certified = field(default_factory=lambda: certify("fulcio root", authority=True))
    ct_key: object = field(default_factory=new_key)
    log_key: object = field(default_factory=new_key)
    log_span: Span = ALWAYS
    authority_span: Span = ALWAYS
    ct_span: Span = ALWAYS

    def __post_init__(self):
        self.ca = certify("fulcio", self.root_ca, authority=True, path_length=0)

    @property
    def root(self):
        return TrustedRoot(
            (Authority((self.ca.der, self.root_ca.der), self.authority_span),),
            (Log(hashlib.sha256(spki(self.log_key)).digest(), spki(self.log_key), self.log_span),),
            (Log(hashlib.sha256(spki(self.ct_key)).digest(), spki(self.ct_key), self.ct_span),),
        )

    def signer(self, issuer=ISSUER, identity=IDENTITY):
        return KeylessSigner(issuer, identity, self.root)

    def certificate(
        self, *, identity=IDENTITY, issuer=ISSUER, ct_key=None, with_sct=True, sct_time=None, ca=None, **faults
    ):
        """A signer's certificate, valid for ten minutes around LOGGED, with the certificate log's timestamp."""
        ca = ca or self.ca
        key = faults.pop("key", None) or new_key()
        extensions = [
            (x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)]), True),
            (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8"), utf8(issuer)), False),
            *faults.pop("extensions", ()),
        ]
        faults.setdefault("start", LOGGED - timedelta(minutes=5))
        faults.setdefault("end", LOGGED + timedelta(minutes=5))
        subject = x509.Name([])
        serial_before = x509.random_serial_number
        serial = serial_before()
        x509.random_serial_number = lambda: serial
        try:
            plain = certify(subject, ca, key=key, extensions=extensions, flag=None, **faults)
            if not with_sct:
                return plain
            sct = self._sct(plain.certificate, ca, ct_key or self.ct_key, sct_time or LOGGED)
            extensions.append((x509.UnrecognizedExtension(CT_POISON, sct), False))
            return certify(subject, ca, key=key, extensions=extensions, flag=None, **faults)
        finally:
            x509.random_serial_number = serial_before

    def _sct(self, certificate, ca, ct_key, moment):
        milliseconds = int(moment.timestamp() * 1000)
        tbs = certificate.tbs_certificate_bytes
        message = (
            struct.pack("!BBQH", 0, 0, milliseconds, 1)
            + hashlib.sha256(spki(ca.key)).digest()
            + len(tbs).to_bytes(3, "big")
            + tbs
            + struct.pack("!H", 0)
        )
        signature = sign(ct_key, message)
        made_by = 1 if isinstance(ct_key, rsa.RSAPrivateKey) else 3
        log_id = hashlib.sha256(spki(self.ct_key)).digest()
        one = struct.pack("!B32sQHBBH", 0, log_id, milliseconds, 0, 4, made_by, len(signature)) + signature
        listed = struct.pack("!HH", len(one) + 2, len(one)) + one
        size = len(listed)
        head = [size] if size < 128 else [0x81, size] if size < 256 else [0x82, size >> 8, size & 255]
        return bytes([0x04, *head]) + listed

    def log(self, body, *, moment=LOGGED, log_key=None, log_id=None, index=7):
        """The annotation with the log's promise over `body`."""
        log_id = log_id or hashlib.sha256(spki(self.log_key)).hexdigest()
        payload = {
            "body": b64(json.dumps(body).encode()),
            "integratedTime": int(moment.timestamp()),
            "logIndex": index,
            "logID": log_id,
        }
        message = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
        promise = (log_key or self.log_key).sign(message, ec.ECDSA(hashes.SHA256()))
        return json.dumps({"SignedEntryTimestamp": b64(promise), "Payload": payload})


def simple_payload(digest=DIGEST, repository="registry.example.com/acme/app", kind="cosign container image signature"):
    critical = {
        "identity": {"docker-reference": repository},
        "image": {"docker-manifest-digest": digest},
        "type": kind,
    }
    return json.dumps({"critical": critical, "optional": None}).encode()


def hashedrekord(payload, signature, verifier_pem, algorithm="sha256"):
    digest = {"algorithm": algorithm, "value": hashlib.sha256(payload).hexdigest()}
    public_key = {"content": b64(verifier_pem)}
    return {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {"data": {"hash": digest}, "signature": {"content": b64(signature), "publicKey": public_key}},
    }


def sign(key, message, algorithm=None):
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(algorithm or hashes.SHA256()))
    return key.sign(message)


def key_signed(key, payload=None, **more):
    """Payload and annotations of a classic signature by key."""
    payload = payload or simple_payload()
    return payload, {"dev.cosignproject.cosign/signature": b64(sign(key, payload, **more))}


def keyless_signed(instance, certified, payload=None, *, body=None, with_log=True, **log):
    """Payload and annotations of a classic keyless signature."""
    payload = payload or simple_payload()
    signature = sign(certified.key, payload)
    certificate_pem = certified.certificate.public_bytes(Encoding.PEM)
    annotations = {
        "dev.cosignproject.cosign/signature": b64(signature),
        "dev.sigstore.cosign/certificate": certificate_pem.decode(),
    }
    if with_log:
        body = body or hashedrekord(payload, signature, certificate_pem)
        annotations["dev.sigstore.cosign/bundle"] = instance.log(body, **log)
    return payload, annotations


def statement(digest=DIGEST, predicate_type="https://sigstore.dev/cosign/sign/v1", predicate=None, **more):
    algorithm, _, value = digest.partition(":")
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {algorithm: value}}],
        "predicateType": predicate_type,
        "predicate": predicate or {},
        **more,
    }


def dsse(key, content, payload_type="application/vnd.in-toto+json", signatures=1):
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    kind = payload_type.encode()
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    signature = b64(sign(key, message))
    return {"payload": b64(payload), "payloadType": payload_type, "signatures": [{"sig": signature}] * signatures}


def key_bundle(key, envelope, hint=None, **more):
    hint = hint if hint is not None else b64(hashlib.sha256(spki(key)).digest())
    return json.dumps(
        {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": hint}, **more},
            "dsseEnvelope": envelope,
        }
    ).encode()


SCHEME = "io.cncf.notary.signingScheme"
EXPIRY = "io.cncf.notary.expiry"
SIGNING_TIME = "io.cncf.notary.signingTime"
AUTHENTIC = "io.cncf.notary.authenticSigningTime"
PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json"


def target(digest=DIGEST, media_type="application/vnd.oci.image.manifest.v1+json", size=1):
    descriptor = {"mediaType": media_type, "digest": digest, "size": size}
    return json.dumps({"targetArtifact": descriptor}).encode()


def notation_header(**changes):
    header = {
        "alg": "ES256",
        "cty": PAYLOAD_TYPE,
        "crit": [SCHEME],
        SCHEME: "notary.x509",
        SIGNING_TIME: "2025-06-01T12:00:00Z",
    }
    for member, value in changes.items():
        if value is None:
            header.pop(member, None)
        else:
            header[member] = value
    return header


def url64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jws(leaf, chain, header=None, payload=None, signature=None, unprotected=None):
    """A notation signature as JWS; `leaf` is a `Certified`, `chain` the certificates to send along."""
    protected = url64(json.dumps(header or notation_header()).encode())
    content = url64(payload or target())
    message = f"{protected}.{content}".encode()
    made = signature(leaf.key, message) if signature else raw_ecdsa(leaf.key, message)
    return json.dumps(
        {
            "payload": content,
            "protected": protected,
            "header": {"x5c": [b64(one.der) for one in chain], **(unprotected(made) if unprotected else {})},
            "signature": url64(made),
        }
    ).encode()


def raw_ecdsa(key, message):
    algorithm = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}[key.curve.key_size]
    width = (key.curve.key_size + 7) // 8
    r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(algorithm)))
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def pss(key, message, algorithm=None):
    algorithm = algorithm or hashes.SHA256()
    return key.sign(message, padding.PSS(padding.MGF1(algorithm), algorithm.digest_size), algorithm)


def cose(leaf, chain, header=None, payload=None):
    header = header or {
        1: -7,
        2: [SCHEME],
        3: PAYLOAD_TYPE,
        SCHEME: "notary.x509",
        SIGNING_TIME: cbor2.CBORTag(1, int(LOGGED.timestamp())),
    }
    protected = cbor2.dumps(header)
    content = payload or target()
    made = raw_ecdsa(leaf.key, cbor2.dumps(["Signature1", protected, b"", content]))
    return cbor2.dumps(cbor2.CBORTag(18, [protected, {33: [one.der for one in chain]}, content, made]))


def notation_signer(*authorities, **more):
    return NotationSigner("acme-ca.crt", tuple(one.der for one in authorities), **more)


def private_pem(key):
    return key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def weakly_signed(certified, hashed_by):
    """The same certificate, which says that it is signed by RSA with MD5 or SHA-1; its issuer's key has to be RSA.

    What libraries no longer sign is made of what they do: nobody gets as far as the signature.
    """
    sha256, others = bytes.fromhex("2a864886f70d01010b"), {"MD5": b"\x04", "SHA-1": b"\x05"}
    raw = certified.der.replace(sha256, sha256[:-1] + others[hashed_by])
    return Certified(certified.key, x509.load_der_x509_certificate(raw))
