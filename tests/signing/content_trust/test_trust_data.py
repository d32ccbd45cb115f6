"""Docker Content Trust: every check of it, each with what goes wrong without it."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from container_updates.signing.content_trust import tuf
from container_updates.signing.signers import ContentTrustSigner
from container_updates.signing.verdict import Unknown, Validity, Wrong
from tests.support import forge
from tests.support.signature_assets import key, root_of, trust_files
from tests.support.trust_forge import GUN, OTHER, Key, Trust, canonical, changed, checked, document, listed

GENERATED = "127.0.0.1:5000/demo/app:latest"
OLD_DIGEST = "sha256:0489474da8ea22426ece86ace6c1c0026ab2fd3cdfbbd62b7e94650266c37d9a"
NEW_DIGEST = "sha256:634a8f35b5f16dcf4aaa0822adc0b1964bb786fca12f6831de8ddc45e5986a00"
FROZEN = datetime(2026, 11, 24, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def verdict(trust, **more):
    """Of our own trust data, where its root is pinned."""
    return checked(trust.files(), more.pop("signer", trust.signer), **more)


# what other projects and the real tool made


def test_notary_s_own_test_data_was_good_until_its_root_certificate_expired():
    files = trust_files("notary0.3/docker.com/notary0.3/tst/metadata")
    digest = "sha256:" + base64.b64decode("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=").hex()
    asked = {"digest": digest, "image": "docker.com/notary0.3/tst:hello"}
    ends = datetime(2026, 7, 25, 22, 56, 32, tzinfo=UTC)
    good = checked(files, root_of(files), now=ends, **asked)
    assert good.state is Validity.GOOD
    assert good.holds_until == ends
    assert good.details == {"repository": "docker.com/notary0.3/tst", "tag": "hello", "role": "targets/releases"}
    expired = checked(files, root_of(files), now=ends + SECOND, **asked)
    assert expired.state is Validity.WRONG
    assert "CN=docker.com/notary0.3/tst expired at 2026-07-25T22:56:32Z" in expired.reason


@pytest.mark.parametrize(
    ("folder", "digest", "state", "role"),
    [
        ("basic", OLD_DIGEST, Validity.GOOD, "targets"),
        ("basic", NEW_DIGEST, Validity.UNKNOWN, None),
        ("delegated", NEW_DIGEST, Validity.GOOD, "targets/releases"),
        ("delegated", OLD_DIGEST, Validity.UNKNOWN, None),
        ("othergun", OLD_DIGEST, Validity.WRONG, None),
    ],
)
def test_what_notary_0_7_signed(folder, digest, state, role):
    files = trust_files(f"generated/{folder}")
    found = checked(files, root_of(files), digest=digest, image=GENERATED, now=FROZEN)
    assert found.state is state, found
    assert found.details.get("role") == role
    if folder == "othergun":
        assert "CN=127.0.0.1:5000/other/app, not of 127.0.0.1:5000/demo/app" in found.reason


def test_the_real_timestamp_expires():
    files = trust_files("generated/delegated")
    ends = datetime(2026, 12, 7, 17, 10, 59, 869337, tzinfo=UTC)
    asked = {"digest": NEW_DIGEST, "image": GENERATED}
    assert checked(files, root_of(files), now=ends - SECOND, **asked).state is Validity.GOOD
    late = checked(files, root_of(files), now=ends + SECOND, **asked)
    assert (late.state, late.reason) == (Validity.WRONG, "timestamp of the trust data expired at 2026-12-07T17:10:59Z")


# who signed


def test_the_verdict_says_who_what_and_until_when():
    trust = Trust(expires={"timestamp": forge.NOW + timedelta(days=3)})
    found = verdict(trust)
    assert found.state is Validity.GOOD
    assert found.digest == forge.DIGEST
    assert found.named == (trust.signer,)
    assert found.signer.kind == "content-trust"
    assert found.reason == f"signed by sha256:{trust.root_keys[0].id}"
    assert found.holds_until == forge.NOW + timedelta(days=3)
    assert found.details == {"repository": GUN, "tag": "1", "role": "targets"}


def test_a_root_may_be_named_by_its_key_the_key_s_own_id_or_its_certificate():
    trust = Trust()
    root = trust.root_keys[0]
    told = verdict(trust).signer.fingerprint
    for name in (f"sha256:{root.id}", f"sha256:{root.bare}", root.fingerprint, told):
        assert verdict(trust, signer=ContentTrustSigner((OTHER, name))).state is Validity.GOOD


def test_a_root_that_nobody_named_is_never_trust():
    trust = Trust()
    unnamed = checked(trust.files())
    assert unnamed.state is Validity.UNKNOWN
    assert "no policy says who may" in unnamed.reason
    assert unnamed.versions == {}
    other = verdict(trust, signer=ContentTrustSigner((OTHER,)))
    assert other.state is Validity.UNKNOWN
    assert "whom the policy does not name" in other.reason
    assert other.versions == {}
    assert verdict(trust, signer=key("real-signers/keys/a.pub")).state is Validity.UNKNOWN


def test_a_named_key_that_did_not_sign_is_no_anchor():
    pinned, evil = Key(gun=GUN), Key(gun=GUN)
    trust = Trust(root_keys=[pinned, evil], root_signers=[evil])
    assert verdict(trust).state is Validity.UNKNOWN
    assert verdict(replace(trust, root_signers=[pinned])).state is Validity.GOOD


def test_a_root_s_certificate_is_for_this_repository():
    for name in ("registry.example.com/acme/other", f"{GUN}x", GUN[:-1], "registry.example.com/other/*", "CN"):
        trust = Trust(root_keys=[Key(gun=name)])
        found = verdict(trust)
        assert found.state is Validity.WRONG, name
        assert f"not of {GUN}" in found.reason
    for name in ("registry.example.com/acme/*", "registry.example.com/acme/app*"):
        assert verdict(Trust(root_keys=[Key(gun=name)])).state is Validity.GOOD
    assert verdict(Trust(root_keys=[Key()])).state is Validity.WRONG


def test_a_root_that_does_not_sign_itself_is_wrong():
    trust = Trust(root_signers=[Key(gun=GUN)])
    assert verdict(trust).state is Validity.WRONG
    assert checked(trust.files()).state is Validity.WRONG


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [(-1, None, None), (None, 0, None), (1, None, "not valid before"), (None, -1, "expired at")],
)
def test_edges_of_the_root_s_certificate(before, after, words):
    start = forge.NOW + timedelta(seconds=before) if before is not None else datetime(2020, 1, 1, tzinfo=UTC)
    end = forge.NOW + timedelta(seconds=after) if after is not None else datetime(2031, 1, 1, tzinfo=UTC)
    found = verdict(Trust(root_keys=[Key(gun=GUN, start=start, end=end)]))
    assert found.state is (Validity.WRONG if words else Validity.GOOD)
    assert (words or "signed by") in found.reason
    if words == "not valid before":
        assert found.holds_until == start


# rotations


def test_a_rotated_root_is_signed_by_the_old_and_the_new_keys():
    trust = Trust()
    signer = trust.signer
    second, third = Key(gun=GUN), Key("rsa", gun=GUN)
    trust.rotate(second)
    trust.rotate(third, targets_key=Key("rsa"))
    found = verdict(trust, signer=signer)
    assert found.state is Validity.GOOD
    assert found.reason == f"signed by {signer.name}"
    both = ContentTrustSigner((signer.root[0], f"sha256:{third.id}"))
    assert verdict(trust, signer=both).state is Validity.GOOD
    assert verdict(trust, signer=ContentTrustSigner((OTHER,))).state is Validity.UNKNOWN


def test_a_rotation_without_the_old_keys_is_wrong():
    trust = Trust()
    signer, new = trust.signer, Key(gun=GUN)
    trust.rotate(new, signers=[new])
    found = verdict(trust, signer=signer)
    assert (found.state, found.reason) == (Validity.WRONG, "root version 2 is not signed by the keys of version 1")


def test_a_rotation_without_the_new_keys_is_wrong():
    trust = Trust()
    signer = trust.signer
    trust.rotate(Key(gun=GUN), signers=trust.root_keys)
    found = verdict(trust, signer=signer)
    assert found.state is Validity.WRONG
    assert "root of the trust data is not signed" in found.reason


def test_no_root_is_left_out_of_the_row():
    trust = Trust()
    signer, first = trust.signer, trust.root_keys[0]
    trust.rotate(Key(gun=GUN))
    trust.rotate(Key(gun=GUN))
    trust.root_signers = [first, *trust.root_keys]
    files = trust.files()
    found = checked({**files, "2.root": files["1.root"]}, signer)
    assert (found.state, found.reason) == (Validity.WRONG, "root version 3 does not follow version 1")
    missing = checked({name: body for name, body in files.items() if name != "1.root"}, signer)
    assert missing.state is Validity.WRONG  # version 3 is signed by the first, not by the second


def test_an_older_root_may_have_expired_the_newest_not():
    yesterday = forge.NOW - timedelta(days=1)
    trust = Trust(root_keys=[Key(gun=GUN, end=yesterday)], expires={"root": yesterday})
    signer = trust.signer
    assert verdict(trust).state is Validity.WRONG
    trust.rotate(Key(gun=GUN), expires={})
    assert verdict(trust, signer=signer).state is Validity.GOOD
    trust.expires = {"root": yesterday}
    assert verdict(trust, signer=signer).reason.startswith("root of the trust data expired at")


def test_an_older_root_s_certificate_is_for_this_repository_too():
    trust = Trust(root_keys=[Key(gun="registry.example.com/acme/other")])
    signer = trust.signer
    trust.rotate(Key(gun=GUN))
    assert verdict(trust, signer=signer).state is Validity.WRONG


def test_other_keys_are_rotated_under_the_same_root():
    trust = Trust()
    before = verdict(trust).versions
    trust.rotate(*trust.root_keys, snapshot_key=Key(), targets_key=Key("ed25519"), timestamp_key=Key())
    found = verdict(trust, seen=before)
    assert found.state is Validity.GOOD
    old = Trust(root_keys=trust.root_keys)
    assert verdict(old, seen=found.versions).reason.startswith("root of the trust data is of version 1, older than 2")


# lengths, hashes, thresholds, expiry, versions


@pytest.mark.parametrize("name", ["timestamp", "snapshot", "targets", "targets/releases", "root"])
@pytest.mark.parametrize("change", ["signed", "behind"])
def test_what_was_changed_after_signing_is_wrong(name, change):
    trust = Trust(releases={"1": forge.DIGEST})
    files = trust.files()
    if change == "signed":
        files = changed(files, name, expires="2031-01-01T00:00:00Z")
    elif name != "timestamp":  # of which nobody lists a hash
        files[name] += b" "
    else:
        return
    assert checked(files, trust.signer).state is Validity.WRONG


@pytest.mark.parametrize("name", ["root", "targets", "targets/releases", "snapshot"])
@pytest.mark.parametrize("fault", ["length", "sha256", "sha512", "no-sha256", "not-listed"])
def test_parents_list_length_and_hashes(name, fault):
    trust = Trust(releases={"1": forge.DIGEST})
    files = trust.files()
    meta = {role: listed(files[role]) for role in ("root", "targets", "targets/releases", "snapshot")}
    broken = meta[name]
    if fault == "length":
        broken["length"] += 1
    elif fault == "no-sha256":
        del broken["hashes"]["sha256"]
    elif fault == "not-listed":
        del meta[name]
    else:
        broken["hashes"][fault] = base64.b64encode(bytes(len(base64.b64decode(broken["hashes"][fault])))).decode()
    snapshot = {role: one for role, one in meta.items() if role != "snapshot"}
    files["snapshot"] = document(trust.signed("Snapshot", "snapshot", meta=snapshot), trust.snapshot_key)
    above = listed(files["snapshot"])
    if name == "snapshot":
        if fault == "length":
            above["length"] += 1
        elif fault == "no-sha256":
            del above["hashes"]["sha256"]
        elif fault != "not-listed":
            above["hashes"][fault] = broken["hashes"][fault]
    meta = {} if (name, fault) == ("snapshot", "not-listed") else {"snapshot": above}
    files["timestamp"] = document(trust.signed("Timestamp", "timestamp", meta=meta), trust.timestamp_key)
    found = checked(files, trust.signer)
    if (name, fault) == ("targets/releases", "not-listed"):
        assert (found.state, found.details["role"]) == (Validity.GOOD, "targets")  # nothing was signed by it yet
    else:
        assert found.state in (Validity.WRONG, Validity.UNKNOWN), found
        assert "could not be checked" not in found.reason
        assert found.versions == {}


@pytest.mark.parametrize("name", ["timestamp", "snapshot", "targets", "targets/releases"])
def test_what_the_server_lacks_is_not_made_up_for(name):
    trust = Trust(releases={"1": OTHER})
    files = trust.files()
    found = checked({role: body for role, body in files.items() if role != name}, trust.signer)
    assert found.state is Validity.UNKNOWN
    assert f"the server has no {name}" in found.reason


def test_no_root_is_no_trust_data():
    assert checked({}, Trust().signer) is None


@pytest.mark.parametrize("name", ["timestamp", "snapshot", "targets", "targets/releases"])
def test_a_role_is_signed_by_its_own_key(name):
    trust = Trust(releases={"1": forge.DIGEST})
    attribute = {"targets/releases": "releases_key"}.get(name, f"{name}_key")
    other = replace(trust, **{attribute: Key()})
    files = {**other.files(), "root": trust.root()}
    if name == "targets/releases":
        files["targets"] = trust.files()["targets"]
    meta = {one: listed(files[one]) for one in ("root", "targets", "targets/releases")}
    files["snapshot"] = document(trust.signed("Snapshot", "snapshot", meta=meta), other.snapshot_key)
    meta = {"snapshot": listed(files["snapshot"])}
    files["timestamp"] = document(trust.signed("Timestamp", "timestamp", meta=meta), other.timestamp_key)
    found = checked(files, trust.signer)
    assert found.state is Validity.WRONG
    assert found.reason == f"{name} of the trust data is not signed by a key of the role {name}"


def test_as_many_keys_sign_as_the_threshold_wants():
    first, second = Key(gun=GUN), Key(gun=GUN)
    trust = Trust(root_keys=[first, second], thresholds={"root": 2})
    assert verdict(trust).state is Validity.GOOD
    for signers in ([first], [second], [first, first]):
        found = verdict(replace(trust, root_signers=signers))
        assert found.state is Validity.WRONG
        assert "not signed by 2 keys" in found.reason


def test_the_same_key_in_another_certificate_is_no_second_signer():
    first = Key(gun=GUN)
    again = Key(gun=GUN, key=first.key, end=datetime(2029, 1, 1, tzinfo=UTC))
    assert first.id != again.id
    assert verdict(Trust(root_keys=[first, again], thresholds={"root": 2})).state is Validity.WRONG


@pytest.mark.parametrize("threshold", [0, -1, True, 1.0, "1", None])
def test_a_threshold_is_a_number_from_one_on(threshold):
    assert verdict(Trust(thresholds={"root": threshold}, root_signers=[])).state is Validity.WRONG


@pytest.mark.parametrize("name", ["root", "timestamp", "snapshot", "targets", "targets/releases"])
def test_edges_of_every_role_s_expiry(name):
    expiry = forge.NOW + timedelta(minutes=5)
    trust = Trust(releases={"1": forge.DIGEST}, expires={name: expiry})
    before = verdict(trust, now=expiry - SECOND)
    assert (before.state, before.holds_until) == (Validity.GOOD, expiry)
    for late in (expiry, expiry + SECOND):
        found = verdict(trust, now=late)
        assert (found.state, found.versions) == (Validity.WRONG, {})
        assert found.reason == f"{name} of the trust data expired at 2026-11-24T12:05:00Z"


@pytest.mark.parametrize(
    "expires",
    [None, 4, "", "tomorrow", "2030-01-01", "20300101T000000Z", "2030-01-01T00:00:00", "2030-13-01T00:00:00Z"],
)
def test_an_expiry_is_a_time(expires):
    assert verdict(Trust(changes={"timestamp": {"expires": expires}})).state is Validity.WRONG


@pytest.mark.parametrize("name", ["root", "timestamp", "snapshot", "targets", "targets/releases"])
def test_nothing_older_than_what_was_seen_is_right(name):
    trust = Trust(releases={"1": forge.DIGEST})
    if name == "root":
        old = Trust(root_keys=trust.root_keys)
        trust.rotate(*trust.root_keys)
        old = replace(trust, version=1, older=[], root_signers=None)
    else:
        old = replace(trust, versions={name: 2})
    seen = verdict(trust, seen=verdict(old).versions)
    assert seen.state is Validity.GOOD
    assert verdict(trust, seen=seen.versions).versions == seen.versions
    found = verdict(old, seen=seen.versions)
    assert (found.state, found.versions) == (Validity.WRONG, {})
    assert found.reason.startswith(f"{name} of the trust data is of version")
    assert "which was seen before" in found.reason


def test_versions_count_for_the_keys_that_they_were_signed_with():
    """Whoever lost a key, and with it control of the version, begins again with another key."""
    trust = Trust(versions={"timestamp": 2**40})
    seen = verdict(trust).versions
    trust.versions = {}
    assert verdict(trust, seen=seen).state is Validity.WRONG
    trust.rotate(*trust.root_keys, timestamp_key=Key("ed25519"))
    assert verdict(trust, seen=seen).state is Validity.GOOD


@pytest.mark.parametrize("version", [0, -1, True, 1.5, "3", None, 2**63])
def test_a_version_is_a_number_from_one_on(version):
    assert verdict(Trust(changes={"targets": {"version": version}})).state is Validity.WRONG


@pytest.mark.parametrize("name", ["root", "timestamp", "snapshot", "targets", "targets/releases"])
def test_one_role_s_metadata_is_not_another_s(name):
    trust = Trust(releases={"1": forge.DIGEST}, changes={name: {"_type": "Mirrors"}})
    found = verdict(trust)
    assert found.state is Validity.WRONG
    assert "another role's metadata" in found.reason


# what is signed


def test_targets_releases_counts_before_targets():
    trust = Trust(targets={"1": OTHER, "old": OTHER, "own": "sha256:" + "ef" * 32}, releases={"1": forge.DIGEST})
    found = verdict(trust)
    assert (found.state, found.details["role"]) == (Validity.GOOD, "targets/releases")
    assert verdict(trust, digest="sha256:" + "ef" * 32).details["role"] == "targets"
    trust.targets = {"1": OTHER}
    assert verdict(trust, digest=OTHER).state is Validity.UNKNOWN


def test_a_delegation_signs_only_what_it_may():
    trust = Trust(targets={}, releases={"1": forge.DIGEST}, paths=("v",))
    assert verdict(trust).state is Validity.UNKNOWN
    trust.releases = {"1": OTHER, "v1": forge.DIGEST}
    assert verdict(trust).details["tag"] == "v1"
    assert verdict(replace(trust, paths=())).state is Validity.UNKNOWN


def test_no_other_delegation_counts():
    trust = Trust(targets={}, releases={"1": forge.DIGEST})
    files = trust.files()
    outer = json.loads(files["targets"])["signed"]
    outer["delegations"]["roles"][0]["name"] = "targets/others"
    files["targets"] = document(outer, trust.targets_key)
    meta = {one: listed(files[one]) for one in ("root", "targets", "targets/releases")}
    meta["targets/others"] = meta["targets/releases"]
    files["snapshot"] = document(trust.signed("Snapshot", "snapshot", meta=meta), trust.snapshot_key)
    meta = {"snapshot": listed(files["snapshot"])}
    files["timestamp"] = document(trust.signed("Timestamp", "timestamp", meta=meta), trust.timestamp_key)
    assert checked({**files, "targets/others": files["targets/releases"]}, trust.signer).state is Validity.UNKNOWN


def test_an_image_counts_under_any_tag_of_its_repository():
    found = verdict(Trust(targets={"1": OTHER, "2": forge.DIGEST, "0": forge.DIGEST}))
    assert (found.state, found.details["tag"]) == (Validity.GOOD, "0")
    found = verdict(Trust(targets={"2": forge.DIGEST}), image=f"{GUN}@{forge.DIGEST}")
    assert (found.state, found.details["tag"]) == (Validity.GOOD, "2")


def test_trust_data_that_does_not_name_what_runs_says_what_it_names():
    words = "there is trust data, but it does not name what runs"
    moved = verdict(Trust(targets={"1": OTHER}))
    assert (moved.state, moved.reason) == (Validity.UNKNOWN, f"{words}: tag 1 is signed for {OTHER[:19]}")
    assert moved.versions  # it is right all the same, and nothing older may come after it
    gone = verdict(Trust(targets={"2": OTHER}))
    assert (gone.state, gone.reason) == (Validity.UNKNOWN, f"{words}: tag 1 is not signed")
    pinned = verdict(Trust(targets={"2": OTHER}), image=f"{GUN}@{forge.DIGEST}")
    assert (pinned.state, pinned.reason) == (Validity.UNKNOWN, words)


def test_trust_data_that_does_not_name_what_runs_is_nothing_where_no_rule_asks_for_it():
    files = Trust(targets={"1": OTHER}).files()
    assert checked(files) is None
    assert checked(files, key("real-signers/keys/a.pub")) is None


# keys and signatures


@pytest.mark.parametrize("kind", ["ecdsa", "rsa", "ed25519"])
def test_keys_of_every_kind(kind):
    trust = Trust(timestamp_key=Key(kind), snapshot_key=Key(kind), targets_key=Key(kind), releases={"1": forge.DIGEST})
    assert verdict(trust).state is Validity.GOOD


def test_larger_curves_and_rsa_roots():
    p384 = Key(key=forge.new_key(ec.SECP384R1()))
    assert verdict(Trust(targets_key=p384)).state is Validity.GOOD
    assert verdict(Trust(root_keys=[Key("rsa", gun=GUN)])).state is Validity.GOOD


def test_a_key_that_is_too_weak_signs_nothing():
    assert verdict(Trust(targets_key=Key("rsa", key=forge.rsa_key(1024)))).state is Validity.WRONG


def test_an_rsa_signature_is_pss():
    trust = Trust(targets_key=Key("rsa"))
    made = trust.targets_key.sign

    def pkcs1(message):
        signature = trust.targets_key.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return {**made(message), "sig": base64.b64encode(signature).decode()}

    trust.targets_key.sign = pkcs1
    assert verdict(trust).state is Validity.WRONG


@pytest.mark.parametrize("method", ["rsapss", "eddsa", "ECDSA", "", None, ["ecdsa"]])
def test_the_method_is_the_key_s(method):
    trust = Trust()
    made = trust.targets_key.sign
    trust.targets_key.sign = lambda message: {**made(message), "method": method}
    assert verdict(trust).state is Validity.WRONG


def test_a_key_is_what_its_id_says():
    trust = Trust()
    trust.targets_key.id = "ab" * 32
    assert verdict(trust).reason == "a key of the trust data is another one than its id says"


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa-x509"])
def test_a_key_is_of_the_kind_that_it_says(kind):
    wrong = Key()
    wrong.value = {**wrong.value, "keytype": kind}
    wrong.id = tuf.hashlib.sha256(canonical(wrong.value)).hexdigest()
    sign, method = wrong.sign, {"ed25519": "eddsa", "rsa": "rsapss", "ecdsa-x509": "ecdsa"}[kind]
    wrong.sign = lambda message: sign(message, method)
    assert verdict(Trust(targets_key=wrong)).state is Validity.WRONG


# bounds


def test_bounds():
    trust = Trust()
    many = [trust.targets_key.sign(b"x")] * 101
    files = trust.files()
    for body in (
        b" " * (tuf.MAX_DOCUMENT + 1),
        canonical({"signed": json.loads(files["root"])["signed"], "signatures": many}),
        files["root"].replace(b'"_type"', b'"deep":' + b"[" * 100 + b"]" * 100 + b',"_type"'),
    ):
        assert checked({**files, "root": body}, trust.signer).state is Validity.UNKNOWN
    with pytest.raises(Unknown):
        tuf.role_of({"keyids": ["a"] * 101, "threshold": 1}, {}, "root")


def test_rotations_are_followed_so_far_only():
    trust = Trust()
    signer = trust.signer
    for _ in range(34):
        trust.rotate(Key(gun=GUN))
    asked = []
    files = trust.files()

    class Recording(dict):
        def get(self, name):
            asked.append(name)
            return files.get(name)

    assert checked(Recording(), signer).state is Validity.UNKNOWN
    assert len(asked) == 4 + 32
    asked.clear()
    newest = ContentTrustSigner((f"sha256:{trust.root_keys[0].id}",))
    assert checked(Recording(), newest).state is Validity.GOOD
    assert asked == ["root", "timestamp", "snapshot", "targets"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b"\xff", b'{"signed": {}, "signatures": []}', b'{"signed": 1, "signatures": {}}'],
)
@pytest.mark.parametrize("name", ["root", "timestamp", "snapshot", "targets"])
def test_what_is_no_metadata_is_wrong(name, body):
    trust = Trust()
    found = checked({**trust.files(), name: body}, trust.signer)
    assert found.state is Validity.WRONG if body or name == "root" else found.state is not Validity.GOOD
    assert "could not be checked" not in found.reason


@pytest.mark.parametrize("name", ["timestamp", "snapshot", "targets", "targets/releases"])
@pytest.mark.parametrize("value", [None, 1, "x", [], [1], {}, {"x": 1}, [{"name": "targets/releases"}]])
def test_members_of_other_shapes_never_surprise(name, value):
    for member in ("meta", "targets", "delegations"):
        trust = Trust(releases={"1": forge.DIGEST}, changes={name: {member: value}})
        found = verdict(trust)
        assert "could not be checked" not in found.reason, (member, value)


# canonical JSON


def test_canonical_json_is_securesystemslib_s():
    value = {"b": [1, -2, True, False, None], "a\n": 'q"\\', "\u00e9": {}, "Z": "\u20ac\x07"}
    expected = b'{"Z":"\xe2\x82\xac\x07","a\n":"q\\"\\\\","b":[1,-2,true,false,null],"\xc3\xa9":{}}'
    assert tuf.canonical(value, "it") == expected
    for wrong in (1.5, {"a": 1.0}, "\ud800"):
        with pytest.raises(Wrong):
            tuf.canonical(wrong, "it")
