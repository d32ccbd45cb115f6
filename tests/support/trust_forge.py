"""Trust data of our own, as Notary v1 has it, so that every single fault can be made on purpose."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from container_updates.signing.content_trust import trust_data
from container_updates.signing.signers import ContentTrustSigner
from tests.support import forge

GUN = "registry.example.com/acme/app"
FAR = datetime(2030, 1, 1, tzinfo=UTC)
OTHER = "sha256:" + "cd" * 32


def canonical(value):
    """Of what is used here: names and values without quotes and backslashes, and no floats."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Key:
    """A key with the kind that it has in metadata; with `gun` in a certificate for that repository."""

    def __init__(self, kind="ecdsa", *, gun=None, key=None, start=datetime(2020, 1, 1, tzinfo=UTC), end=FAR):
        self.kind, self.key, self.certificate = kind, key or _new(kind), None
        if gun is not None:
            self.kind += "-x509"
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, gun)])
            self.certificate = forge.certify(name, key=self.key, issuer_name=name, start=start, end=end).certificate
            raw = self.certificate.public_bytes(Encoding.PEM)
        elif kind == "ed25519":
            raw = self.key.public_key().public_bytes_raw()
        else:
            raw = forge.spki(self.key)
        self.value = {"keytype": self.kind, "keyval": {"private": None, "public": base64.b64encode(raw).decode()}}
        self.id = hashlib.sha256(canonical(self.value)).hexdigest()

    @property
    def fingerprint(self):
        """Of the certificate."""
        return f"sha256:{hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).hexdigest()}"

    @property
    def bare(self):
        """The id of the same key without its certificate, as `notary key list` shows it."""
        return Key(self.kind.removesuffix("-x509"), key=self.key).id

    def sign(self, message, method=None):
        if self.kind.startswith("ecdsa"):
            made, signature = "ecdsa", _raw(self.key, message)
        elif self.kind == "ed25519":
            made, signature = "eddsa", self.key.sign(message)
        else:
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            made, signature = "rsapss", self.key.sign(message, pss, hashes.SHA256())
        return {"keyid": self.id, "method": method or made, "sig": base64.b64encode(signature).decode()}


@cache
def releaser():
    """One for all tests: to make an RSA key takes long."""
    return Key("rsa", gun="releaser")


def _new(kind):
    return {"ecdsa": forge.new_key, "rsa": forge.rsa_key, "ed25519": ed25519.Ed25519PrivateKey.generate}[kind]()


def _raw(key, message):
    r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    width = (key.curve.key_size + 7) // 8
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def role(*keys, threshold=1, **more):
    return {"keyids": [key.id for key in keys], "threshold": threshold, **more}


def document(signed, *keys):
    signatures = [key.sign(canonical(signed)) for key in keys]
    return canonical({"signed": signed, "signatures": signatures})


def listed(body, **changes):
    made = {name: base64.b64encode(hashlib.new(name, body).digest()).decode() for name in ("sha256", "sha512")}
    return {"hashes": made, "length": len(body), **changes}


def target(digest):
    return {"hashes": {"sha256": base64.b64encode(bytes.fromhex(digest[7:])).decode()}, "length": 528}


@dataclass
class Trust:
    """What a repository's owner and its server hold; each field is there to be another one in a test."""

    gun: str = GUN
    root_keys: list = field(default_factory=list)
    root_signers: list | None = None
    """Who signs the root; None: its own keys."""
    timestamp_key: Key = field(default_factory=lambda: Key("ed25519"))
    snapshot_key: Key = field(default_factory=Key)
    targets_key: Key = field(default_factory=Key)
    releases_key: Key = field(default_factory=releaser)
    version: int = 1
    """Of the root."""
    older: list = field(default_factory=list)
    targets: dict = field(default_factory=lambda: {"1": forge.DIGEST})
    releases: dict | None = None
    """None: nothing is delegated."""
    expires: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    thresholds: dict = field(default_factory=dict)
    changes: dict = field(default_factory=dict)
    """By role: members of `signed` that are others."""
    paths: tuple = ("",)
    consistent: bool = False

    def __post_init__(self):
        self.root_keys = self.root_keys or [Key(gun=self.gun)]

    @property
    def signer(self):
        return ContentTrustSigner((f"sha256:{self.root_keys[0].id}",))

    def rotate(self, *keys, signers=None, **more):
        """The next root, with other keys, signed by these and those before; what was the root is an older one."""
        self.older.append(self.root())
        before, self.root_keys, self.version = self.root_keys, list(keys), self.version + 1
        self.root_signers = [*before, *keys] if signers is None else signers
        for name, value in more.items():
            setattr(self, name, value)

    def signed(self, kind, name, **more):
        version = self.version if name == "root" else self.versions.get(name, 3)
        expires = self.expires.get(name, FAR).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {"_type": kind, "expires": expires, "version": version, **more, **self.changes.get(name, {})}

    def root(self):
        known = [*self.root_keys, self.timestamp_key, self.snapshot_key, self.targets_key]
        roles = {
            "root": role(*self.root_keys, threshold=self.thresholds.get("root", 1)),
            "timestamp": role(self.timestamp_key),
            "snapshot": role(self.snapshot_key),
            "targets": role(self.targets_key),
        }
        signed = self.signed(
            "Root",
            "root",
            consistent_snapshot=self.consistent,
            keys={key.id: key.value for key in known},
            roles=roles,
        )
        return document(signed, *(self.root_keys if self.root_signers is None else self.root_signers))

    def files(self):
        """Role to file, as a server has them."""
        delegations = {"keys": {}, "roles": []}
        files = {"root": self.root()}
        if self.releases is not None:
            defined = role(self.releases_key, name="targets/releases", paths=list(self.paths))
            delegations = {"keys": {self.releases_key.id: self.releases_key.value}, "roles": [defined]}
            named = {tag: target(digest) for tag, digest in self.releases.items()}
            signed = self.signed("Targets", "targets/releases", targets=named, delegations={"keys": {}, "roles": []})
            files["targets/releases"] = document(signed, self.releases_key)
        named = {tag: target(digest) for tag, digest in self.targets.items()}
        signed = self.signed("Targets", "targets", targets=named, delegations=delegations)
        files["targets"] = document(signed, self.targets_key)
        meta = {name: listed(body) for name, body in files.items()}
        files["snapshot"] = document(self.signed("Snapshot", "snapshot", meta=meta), self.snapshot_key)
        meta = {"snapshot": listed(files["snapshot"])}
        files["timestamp"] = document(self.signed("Timestamp", "timestamp", meta=meta), self.timestamp_key)
        files |= {f"{number}.root": body for number, body in enumerate(self.older, 1)}
        return files


def checked(files, *signers, seen=None, **more):
    """The verdict on what a server has under these names."""
    asked = forge.expected(*signers, **{"image": f"{GUN}:1", **more})
    data = trust_data.gather(lambda name, digest, consistent: files.get(name), signers)
    return data and trust_data.verify(data, asked, seen)


def changed(files, role, **members):
    """The same with other members in what a role signs, and nobody's new signature."""
    outer = json.loads(files[role])
    return {**files, role: canonical({**outer, "signed": {**outer["signed"], **members}})}
