"""Bundles of our own with all that may stand in them, so that each part can be wrong or missing on purpose."""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support import forge, stamp
from tests.support.forge import b64, spki

V03 = "application/vnd.dev.sigstore.bundle.v0.3+json"


def bundle(verification, *, envelope=None, message=None):
    """A bundle of today; `verification` is its material."""
    signed = {"dsseEnvelope": envelope} if envelope is not None else {"messageSignature": message}
    return json.dumps({"mediaType": V03, "verificationMaterial": verification, **signed}).encode()


def over_manifest(private_key, digest=forge.DIGEST):
    """A message signature over a manifest, by its digest."""
    raw = bytes.fromhex(digest.partition(":")[2])
    made = private_key.sign(raw, ec.ECDSA(utils.Prehashed(SHA256())))
    return {"messageDigest": {"algorithm": "SHA2_256", "digest": b64(raw)}, "signature": b64(made)}


def certificate(certified):
    return {"certificate": {"rawBytes": b64(certified.der)}}


def public_key(private_key):
    return {"publicKey": {"hint": b64(hashlib.sha256(spki(private_key)).digest())}}


def timestamps(*stamps):
    return {"timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": b64(one)} for one in stamps]}}


def stamped(tsa, signature, *certificates, **more):
    """A timestamp response over a signature in base64, with these certificates in it."""
    token = stamp.token(tsa, base64.b64decode(signature), *certificates, **more)
    return stamp.tlv(0x30, stamp.tlv(0x30, b"\x02\x01\x00"), token)


def pae(envelope):
    """What a DSSE signature is over."""
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def by(signer):
    """A verifier as Rekor v2 has it: of a certificate or a private key."""
    if isinstance(signer, forge.Certified):
        return {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": {"rawBytes": b64(signer.der)}}
    return {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": {"rawBytes": b64(spki(signer))}}


def hashedrekord_v2(signer, signature, digest):
    record = {
        "data": {"algorithm": "SHA2_256", "digest": b64(digest)},
        "signature": {"content": signature, "verifier": by(signer)},
    }
    return {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": record}}


def dsse_v2(signer, envelope):
    payload = base64.b64decode(envelope["payload"])
    record = {
        "payloadHash": {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(payload).digest())},
        "signatures": [{"content": envelope["signatures"][0]["sig"], "verifier": by(signer)}],
    }
    return {"apiVersion": "0.0.2", "kind": "dsse", "spec": {"dsseV002": record}}


def intoto_v2(private_key, envelope):
    """As Rekor v1 has it: the payload's hash, and the signature in base64 once more."""
    payload = base64.b64decode(envelope["payload"])
    made = envelope["signatures"][0]["sig"].encode()
    signed = {
        "payloadType": envelope["payloadType"],
        "signatures": [{"sig": b64(made), "publicKey": b64(forge.pem(private_key))}],
    }
    hashed = {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}
    return {"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": {"envelope": signed, "payloadHash": hashed}}}


def hashedrekord(signer_pem, signature, digest):
    """As Rekor v1 has it."""
    data = {"hash": {"algorithm": "sha256", "value": digest.hex()}}
    signed = {"content": signature, "publicKey": {"content": b64(signer_pem)}}
    return {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {"data": data, "signature": signed}}


def logged(log_key, entry, *, promised_at=None, origin="log.example"):
    """The log entry in a tree of its own, with the log's promise where a time is given."""
    body = json.dumps(entry).encode()
    root = hashlib.sha256(b"\0" + body).digest()
    text, log_id = f"{origin}\n1\n{b64(root)}\n", hashlib.sha256(spki(log_key)).digest()
    note = f"{text}\n\u2014 {origin} {b64(log_id[:4] + forge.sign(log_key, text.encode()))}\n"
    made = {
        "logIndex": "0",
        "logId": {"keyId": b64(log_id)},
        "kindVersion": {"kind": entry["kind"], "version": entry["apiVersion"]},
        "canonicalizedBody": b64(body),
        "inclusionProof": {
            "logIndex": "0",
            "treeSize": "1",
            "rootHash": b64(root),
            "hashes": [],
            "checkpoint": {"envelope": note},
        },
    }
    if promised_at is not None:
        seconds = int(promised_at.timestamp())
        said = {"body": b64(body), "integratedTime": seconds, "logID": log_id.hex(), "logIndex": 0}
        promise = forge.sign(log_key, json.dumps(said, sort_keys=True, separators=(",", ":")).encode())
        made |= {"integratedTime": str(seconds), "inclusionPromise": {"signedEntryTimestamp": b64(promise)}}
    return {"tlogEntries": [made]}
