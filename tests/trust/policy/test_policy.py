"""Trust policies: what an admin may write, which rule decides, and the one line that tells where a file is wrong."""

import base64
import contextlib
import itertools
import json
import shutil

import hypothesis
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import strategies as st

from container_updates import reference
from container_updates.errors import PolicyError
from container_updates.signing.signers import (
    ContentTrustSigner,
    KeylessSigner,
    KeySigner,
    NotationSigner,
    SignedIdentity,
    UnprovableSigner,
)
from container_updates.trust.policy import load as loading
from container_updates.trust.policy.load import load as load_files
from container_updates.trust.policy.rules import Rule
from container_updates.trust.policy.scopes import Scope, overlap
from tests.support import forge, paths

ASSETS = paths.ASSETS / "signatures"
KEY = (ASSETS / "cosign-classic-sig" / "cosign.pub").read_text()


@pytest.fixture
def folder(tmp_path):
    """A folder with the files that policies name."""
    (tmp_path / "acme.pub").write_text(KEY)
    shutil.copy(ASSETS / "real-signers" / "keys" / "notation-acme-ca.crt", tmp_path / "acme-ca.crt")
    shutil.copy(ASSETS / "notation" / "certs" / "globalsignTSARoot.cer", tmp_path / "tsa-ca.crt")
    shutil.copy(ASSETS / "sigstore-bundle" / "trusted_root.public-good.json", tmp_path / "trusted_root.json")
    return tmp_path


def load(folder, *texts, name="policy"):
    paths = []
    for number, text in enumerate(texts):
        path = folder / f"{name}{number}"
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        paths.append(str(path))
    return load_files(paths)


def rule(text='images = ["ghcr.io/acme/**"]', signer=""):
    return f"version = 1\n[[rule]]\n{text}\n" + (f"[[rule.signer]]\n{signer}\n" if signer else "")


FULL = """
version = 1
[registries]
allow = ["docker.io", "registry.example.com:5000"]
[[rule]]
images = ["ghcr.io/acme/**"]
signatures = "required"
provenance = "required"
source = ["https://github.com/acme/*"]
builders = ["https://github.com/acme/*/.github/workflows/release.yml@refs/tags/*"]
[[rule.signer]]
type = "key"
file = "acme.pub"
[[rule.signer]]
type = "keyless"
issuer = "https://token.actions.githubusercontent.com"
identity = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/*"
root = "trusted_root.json"
[[rule.signer]]
type = "notation"
ca = "acme-ca.crt"
identities = ["x509.subject: C=US, O=Acme"]
tsa = "tsa-ca.crt"
[[rule.signer]]
type = "content-trust"
root = ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]
server = "https://notary.example.com"
"""


def test_everything_that_the_interface_lays_down(folder):
    loaded = load(folder, FULL)
    (decided,) = loaded.rules
    assert loaded.registries == ("docker.io", "registry.example.com:5000")
    assert (decided.signatures, decided.provenance) == ("required", "required")
    assert decided.source == ("https://github.com/acme/*",)
    assert decided.builders[0].startswith("https://github.com/acme/")
    key, keyless, notation, content_trust = decided.signers
    assert isinstance(key, KeySigner)
    assert key.name == "acme.pub"
    assert isinstance(keyless, KeylessSigner)
    assert keyless.root is not None
    assert isinstance(notation, NotationSigner)
    assert len(notation.timestamp_authorities) == 1
    assert isinstance(content_trust, ContentTrustSigner)
    assert content_trust.server == "https://notary.example.com"


PIECES = st.lists(st.sampled_from(["a", "b", "ab", "/", "*", "**"]), min_size=1, max_size=5).map("".join)


@hypothesis.given(st.lists(PIECES, min_size=2, max_size=6))
def test_equally_exact_patterns_that_overlap_are_found_whatever_they_begin_with(globs):
    """Held against each other one by one, which takes a minute for thousands of them."""
    scopes = [Scope(glob) for glob in globs]
    clash = any(
        one.exactness == other.exactness and overlap(one, other) for one, other in itertools.combinations(scopes, 2)
    )
    rules = [Rule(f"rule {number}", (scope,)) for number, scope in enumerate(scopes)]
    with pytest.raises(PolicyError) if clash else contextlib.nullcontext():
        loading._check_exactness(rules)


def test_two_thousand_exact_rules_and_as_many_patterns_are_loaded(folder):
    rule = '[[rule]]\nimages = ["registry.example.com/team/app{:04}{}"]\nsignatures = "accepted"\n'
    rules = "".join(rule.format(number, end) for number in range(1000) for end in ("", "/*"))
    assert len(load(folder, f"version = 1\n{rules}").rules) == 2000


@pytest.mark.parametrize("number", ["9" * 5000, "0x" + "f" * 5000, "1" * 30])
@pytest.mark.parametrize("member", ["version", "rule"])
def test_a_huge_whole_number_is_no_valid_policy(folder, number, member):
    with pytest.raises(PolicyError, match="no valid TOML: "):
        load(folder, f"{member} = {number}\n")


@pytest.mark.parametrize("key", ['file = "acme.pub"', f'pem = """{KEY}"""'])
def test_a_key_may_have_a_root_whose_log_has_to_have_its_signatures(folder, key):
    (decided,) = load(folder, rule(signer=f'type = "key"\n{key}\nroot = "trusted_root.json"')).rules
    (signer,) = decided.signers
    assert signer.log is not None
    assert signer.log.demands_log
    (decided,) = load(folder, rule(signer=f'type = "key"\n{key}')).rules
    assert decided.signers[0].log is None


def test_what_a_rule_asks_for_as_plain_data(folder):
    (decided,) = load(folder, FULL).rules
    workflow = "https://github.com/acme/*/.github/workflows/release.yml@refs/tags/*"
    identity, issuer = workflow.replace("*", "app", 1), "https://token.actions.githubusercontent.com"
    assert decided.plain() == {
        "images": ["ghcr.io/acme/**"],
        "signatures": "required",
        "provenance": "required",
        "source": ["https://github.com/acme/*"],
        "builders": [workflow],
        "signers": [
            [
                {"kind": "key", "name": "acme.pub"},
                {"kind": "keyless", "name": f"{identity} ({issuer})"},
                {"kind": "notation", "name": "acme-ca.crt", "identities": ["x509.subject: C=US, O=Acme"]},
                {"kind": "content-trust", "name": f"sha256:{'0' * 64}"},
            ]
        ],
    }


def test_what_is_required_where_nothing_is_said(folder):
    with_signer = load(folder, rule(signer='type = "key"\nfile = "acme.pub"')).rules[0]
    without = load(folder, rule()).rules[0]
    assert (with_signer.signatures, without.signatures, without.provenance) == ("required", None, "if-present")


def test_signatures_may_lie_elsewhere(folder):
    text = 'images = ["ghcr.io/acme/**"]\nsignatures-in = "registry.example.com/signatures/{repository}"'
    (decided,) = load(folder, rule(text)).rules
    assert str(decided.elsewhere(reference.parse("ghcr.io/acme/app:1"))) == "registry.example.com/signatures/acme/app"
    fixed = load(folder, rule(text.replace("/{repository}", ""))).rules[0]
    assert str(fixed.elsewhere(reference.parse("ghcr.io/acme/app:1"))) == "registry.example.com/signatures"
    assert load(folder, rule()).rules[0].elsewhere(reference.parse("ghcr.io/acme/app:1")) is None


@pytest.mark.parametrize(
    "place", ["signatures", "https://a.example/x", "a.example/x:1", "a.example/{name}", "a.example/X"]
)
def test_a_place_for_signatures_that_is_no_repository_is_refused(folder, place):
    with pytest.raises(PolicyError, match="rule 1: signatures-in"):
        load(folder, rule(f'images = ["ghcr.io/acme/**"]\nsignatures-in = "{place}"'))


@pytest.mark.parametrize(
    ("name", "identity"),
    [("here", SignedIdentity("here")), ("ghcr.io/acme/*", SignedIdentity("glob", "ghcr.io/acme/*"))],
)
def test_a_rule_may_demand_under_which_name_an_image_was_signed(folder, name, identity):
    text = f'images = ["ghcr.io/acme/**"]\nsigned-as = "{name}"'
    (decided,) = load(folder, rule(text, 'type = "key"\nfile = "acme.pub"')).rules
    assert decided.signers[0].identity == identity
    assert decided.plain()["signed-as"] == name
    keyless = 'type = "keyless"\nissuer = "https://issuer.example"\nidentity = "acme"'
    assert load(folder, rule(text, keyless)).rules[0].signers[0].signed_identity == identity
    assert load(folder, rule(signer=keyless)).rules[0].signers[0].signed_identity == SignedIdentity("any")


def test_a_key_may_stand_in_the_policy_itself(folder):
    (signer,) = load(folder, rule(signer=f'type = "key"\npem = """{KEY}"""')).rules[0].signers
    assert isinstance(signer, KeySigner)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 2", "version 2"),
        ("versoin = 1", "unknown member 'versoin'"),
        ("version = ", "no valid TOML"),
        (rule('image = ["a/b"]'), "rule 1: unknown member 'image'"),
        (rule('signatures = "required"'), "rule 1: images is missing"),
        (rule("images = []"), "rule 1: images"),
        (rule('images = [""]'), "rule 1: images"),
        (rule('images = ["a b"]'), "rule 1: images 'a b'"),
        (rule('images = ["a/b"]\nsignatures = "yes"'), "rule 1: signatures is none of"),
        (rule('images = ["a/b"]\nprovenance = 1'), "rule 1: provenance is none of"),
        (rule('images = ["a/b"]\nsource = [""]'), "rule 1: source"),
        (rule('images = ["a/b"]\nbuilders = 7'), "rule 1: builders"),
        (rule('images = ["a/b"]\nsigned-as = "here"'), "rule 1: signed-as without a signer"),
        (rule('images = ["a/b"]\nsigned-as = ""', 'type = "key"\nfile = "acme.pub"'), "rule 1: signed-as"),
        (rule('images = ["a/b"]\nsigned-as = "a b"', 'type = "key"\nfile = "acme.pub"'), "signed-as 'a b'"),
        (
            rule('images = ["a/b"]\nsigned-as = "here"', 'type = "notation"\nca = "acme-ca.crt"'),
            "signer 1: signed-as is for",
        ),
        (rule(signer='file = "acme.pub"'), "rule 1, signer 1: type is missing"),
        (rule(signer='type = "gpg"'), "rule 1, signer 1: type is none of"),
        (rule(signer='type = "key"'), "rule 1, signer 1: either file or pem"),
        (rule(signer='type = "key"\nfile = "nowhere.pub"'), "rule 1, signer 1: cannot read"),
        (rule(signer='type = "key"\nfile = "trusted_root.json"'), "trusted_root.json is no public key"),
        (rule(signer='type = "key"\npem = "nonsense"'), "pem is no public key"),
        (rule(signer='type = "key"\nfile = "acme.pub"\nkeyid = "1"'), "unknown member 'keyid'"),
        (rule(signer='type = "keyless"\nissuer = "x"'), "identity is missing"),
        (rule(signer='type = "keyless"\nissuer = ""\nidentity = "x"'), "issuer is no text or empty"),
        (rule(signer='type = "keyless"\nissuer = "x"\nidentity = "y"\nroot = "acme.pub"'), "is no trusted root"),
        (rule(signer='type = "notation"\nca = "acme.pub"'), "acme.pub is no certificate"),
        (rule(signer='type = "notation"'), "ca is missing"),
        (rule(signer='type = "notation"\nca = "acme-ca.crt"\nidentities = ["O=Acme"]'), "x509.subject"),
        (rule(signer='type = "notation"\nca = "acme-ca.crt"\nidentities = ["x509.subject: Acme"]'), "no attribute"),
        (rule(signer='type = "content-trust"\nroot = ["abc"]'), "no sha256"),
        (rule(signer=f'type = "content-trust"\nroot = ["sha256:{"0" * 64}"]\nserver = "notary"'), "no http://"),
        ("version = 1\n[registries]\ndeny = []", "registries: unknown member 'deny'"),
        ("version = 1\nrule = 1", "rule: not a list"),
        ("{", "no valid JSON"),
        ("{}", "neither a policy.json"),
    ],
)
def test_a_fault_is_one_line_with_file_and_place(folder, text, words):
    with pytest.raises(PolicyError) as error:
        load(folder, text)
    said = str(error.value)
    assert words in said
    assert said.startswith(str(folder / "policy0"))
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "version is missing"),
        ("# nothing but a comment\n", "version is missing"),
        (rule().replace("version = 1\n", ""), "version is missing"),
        ("version = 1\n", "neither a rule nor registries"),
        ("version = 1\nrule = []\n", "neither a rule nor registries"),
        ("version = 1\n[registries]\n", "neither allow nor mirror-is-registry"),
        (FULL[: FULL.index("[registries]") + 5], "no valid TOML"),
    ],
)
def test_a_file_that_would_decide_nothing_is_refused(folder, text, words):
    """An emptied or truncated policy would allow everything without a word."""
    with pytest.raises(PolicyError, match=words) as error:
        load(folder, text)
    assert str(error.value).startswith(str(folder / "policy0"))


@pytest.mark.parametrize(
    ("pattern", "image"),
    [
        ("nginx", "nginx:1"),
        ("library/nginx", "docker.io/library/nginx"),
        ("docker.io/nginx", "nginx"),
        ("index.docker.io/library/nginx", "nginx"),
        ("index.docker.io/nginx", "nginx"),
        ("registry-1.docker.io/acme/app", "acme/app"),
        ("acme/app", "docker.io/acme/app"),
        ("acme/*", "acme/app"),
        ("acme/**", "acme/app"),
        ("REG.example.com/acme/app", "reg.example.com/acme/app"),
        ("reg.example.com/acme/app", "REG.example.com/acme/app"),
        ("reg.example.com:443/acme/app", "reg.example.com/acme/app"),
        ("reg.example.com/acme/app", "reg.example.com:443/acme/app"),
        ("Reg.example.com:5000/**", "reg.example.com:5000/acme/app"),
        ("localhost/app", "localhost/app"),
        ("127.0.0.1:*/acme/app", "127.0.0.1:5000/acme/app"),
        ("*/acme/app", "ghcr.io/acme/app"),
        ("*.example.com/**", "reg.example.com/acme/app"),
        ("**/app", "ghcr.io/acme/app"),
        ("**", "nginx"),
    ],
)
def test_a_pattern_means_what_docker_means_by_such_a_name(folder, pattern, image):
    found = load(folder, rule(f'images = ["{pattern}"]')).rule_for(reference.parse(image))
    assert found is not None


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("nginx:1.27", "has a tag"),
        ("acme/app:latest", "has a tag"),
        ("ghcr.io/acme/app:1", "has a tag"),
        ("reg.example.com:5000/acme/app:1", "has a tag"),
        (f"ghcr.io/acme/app@sha256:{'0' * 64}", "has a digest"),
        ("ghcr.io/acme/", r"all that is below is ghcr.io/acme/\*\*"),
        ("/acme/app", "begins or ends"),
        ("ghcr.io//app", "begins or ends"),
        ("ghcr.io", "names no repository"),
        ("reg.example.com:5000", "names no repository"),
        ("localhost:5000", "names no repository"),
        ("https://ghcr.io/acme/app", "is a URL"),
        ("ghcr.io/Acme/app", "upper case"),
        ("*", r"all images are \*\*"),
        ("ngin*", r"docker.io/library/ngin\*"),
        ("docker.io/*", r"docker.io/library/\*"),
        ("index.docker.io/ngin*", r"docker.io/library/ngin\*"),
        ("acme/***", "no pattern"),
        ("acme app", "no pattern"),
    ],
)
def test_a_pattern_that_can_never_match_is_refused(folder, pattern, words):
    with pytest.raises(PolicyError, match=words) as error:
        load(folder, rule(f'images = ["{pattern}"]'))
    assert f"rule 1: images {pattern!r}" in str(error.value)


@pytest.mark.parametrize(
    ("allowed", "registry"),
    [
        ("index.docker.io", "docker.io"),
        ("GHCR.io", "ghcr.io"),
        ("ghcr.io:443", "ghcr.io"),
        ("ghcr.io", "ghcr.io:443"),
        ("*.example.com", "reg.example.com"),
        ("reg.example.com:*", "reg.example.com:5000"),
    ],
)
def test_a_registry_that_is_allowed_means_what_docker_means(folder, allowed, registry):
    policy = load(folder, f'version = 1\n[registries]\nallow = ["{allowed}"]\n')
    assert policy.allows(registry)
    assert not policy.allows("evil.example")


@pytest.mark.parametrize("allowed", ["ghcr.io/acme", "https://ghcr.io", "ghcr.io/", "nginx", "ghcr io"])
def test_an_allowed_registry_that_can_never_match_is_refused(folder, allowed):
    with pytest.raises(PolicyError, match="registries: allow"):
        load(folder, f'version = 1\n[registries]\nallow = ["{allowed}"]\n')


def test_two_patterns_that_mean_the_same_are_two_rules_for_one_image(folder):
    with pytest.raises(PolicyError, match="as exact as"):
        load(folder, 'version = 1\n[[rule]]\nimages = ["nginx"]\n[[rule]]\nimages = ["docker.io/library/nginx"]\n')


def keys_of(folder, content):
    (folder / "some.key").write_bytes(content)
    found = load(folder, rule(signer='type = "key"\nfile = "some.key"')).rules[0].signers
    return [signer.public_key for signer in found]


def in_form(private_key, encoding, kind):
    return private_key.public_key().public_bytes(encoding, kind)


def test_a_public_key_is_the_same_in_every_form_that_it_is_written_in(folder):
    rsa_key, ec_key, ed_key = forge.rsa_key(), forge.new_key(), ed25519.Ed25519PrivateKey.generate()
    for private_key in (rsa_key, ec_key, ed_key):
        for encoding in (Encoding.PEM, Encoding.DER):
            written = in_form(private_key, encoding, PublicFormat.SubjectPublicKeyInfo)
            assert keys_of(folder, written) == [forge.spki(private_key)]
    for encoding in (Encoding.PEM, Encoding.DER):
        assert keys_of(folder, in_form(rsa_key, encoding, PublicFormat.PKCS1)) == [forge.spki(rsa_key)]
    for private_key in (rsa_key, ec_key):
        certificate = forge.certify("acme", key=private_key).certificate
        for encoding in (Encoding.PEM, Encoding.DER):
            assert keys_of(folder, certificate.public_bytes(encoding)) == [forge.spki(private_key)]


@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1])
def test_a_compressed_point_is_read(folder, curve):
    private_key = forge.new_key(curve())
    whole = forge.spki(private_key)
    point = in_form(private_key, Encoding.X962, PublicFormat.CompressedPoint)
    algorithm = whole[whole.index(b"\x30", 1) :][: whole[whole.index(b"\x30", 1) + 1] + 2]
    inside = algorithm + bytes([3, len(point) + 1, 0]) + point
    compressed = bytes([0x30, len(inside)]) + inside
    assert keys_of(folder, compressed) == [whole]
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(compressed) + b"-----END PUBLIC KEY-----\n"
    assert keys_of(folder, pem) == [whole]


def test_each_key_of_a_file_is_one_signer(folder):
    first, second = forge.new_key(), forge.new_key()
    assert keys_of(folder, forge.pem(first) + forge.pem(second)) == [forge.spki(first), forge.spki(second)]
    (signers,) = load(folder, rule(signer='type = "key"\nfile = "some.key"')).rules[0].groups
    assert [signer.name for signer in signers] == ["some.key, key 1", "some.key, key 2"]
    assert keys_of(folder, forge.pem(first) * 2) == [forge.spki(first)]


@pytest.mark.parametrize("kind", [PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1])
def test_an_rsa_key_that_is_too_small_is_refused_at_once(folder, kind):
    small = in_form(forge.rsa_key(1024), Encoding.PEM, kind)
    with pytest.raises(PolicyError, match=r"some\.key is no public key: an RSA key of 1024 bits"):
        keys_of(folder, small)


def test_a_missing_policy_is_one_line(tmp_path):
    with pytest.raises(PolicyError, match="cannot read"):
        load_files([str(tmp_path / "none.toml")])


def test_no_secret_of_a_private_key_is_told(folder):
    from tests.support.forge import new_key, private_pem

    (folder / "private.pem").write_bytes(private_pem(new_key()))
    with pytest.raises(PolicyError) as error:
        load(folder, rule(signer='type = "key"\nfile = "private.pem"'))
    assert "no public key" in str(error.value)
    assert "BEGIN" not in str(error.value)


@pytest.mark.parametrize(
    ("image", "decisive"),
    [
        ("ghcr.io/acme/app:1", "ghcr.io/acme/app"),
        ("ghcr.io/acme/web:1", "ghcr.io/acme/*"),
        ("ghcr.io/acme/team/web:1", "ghcr.io/acme/**"),
        ("ghcr.io/other/web", "ghcr.io/**"),
        ("nginx", "docker.io/library/*"),
        ("quay.io/x/y", None),
        ("ghcr.io.evil.example/acme/app", None),
    ],
)
def test_the_most_exact_pattern_decides(folder, image, decisive):
    patterns = ["ghcr.io/**", "ghcr.io/acme/**", "ghcr.io/acme/*", "ghcr.io/acme/app", "docker.io/library/*"]
    loaded = load(folder, "version = 1\n" + "\n".join(f'[[rule]]\nimages = ["{one}"]' for one in patterns))
    found = loaded.rule_for(reference.parse(image))
    assert (str(found.scopes[0]) if found else None) == decisive


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("ghcr.io/acme/app", "ghcr.io/acme/app", True),
        ("ghcr.io/*/app", "ghcr.io/app/*", True),
        ("ghcr.io/a*/x", "ghcr.io/*b/x", True),
        ("ghcr.io/a*/x", "ghcr.io/b*/x", False),
        ("ghcr.io/acme/app", "ghcr.io/acme/web", False),
        ("ghcr.io/acme/**", "ghcr.io/acme/*", False),
    ],
)
def test_two_equally_exact_rules_for_one_image_are_an_error(folder, one, other, clash):
    rules = [f'[[rule]]\nimages = ["{pattern}"]' for pattern in (one, other)]
    for files in (["\n".join(["version = 1", *rules])], [f"version = 1\n{one}" for one in rules]):
        if clash:
            with pytest.raises(PolicyError, match="as exact as"):
                load(folder, *files)
        else:
            load(folder, *files)


def test_a_policy_knows_every_file_that_it_was_read_from(folder):
    text = rule(signer='type = "key"\nfile = "acme.pub"')
    before = load(folder, text).sources
    assert load(folder, text).sources == before
    (folder / "acme.pub").write_text((ASSETS / "cosign-classic-sig" / "cosign2.pub").read_text())
    assert load(folder, text).sources != before


# containers/image's policy.json


def containers(*requirements, scope="registry.example.com/acme", default="reject"):
    return {"default": [{"type": default}], "transports": {"docker": {scope: list(requirements)}}}


def test_a_policy_of_podman_is_read_as_it_is(folder):
    sigstore = {
        "type": "sigstoreSigned",
        "keyPath": str(folder / "acme.pub"),
        "rekorPublicKeyData": base64.b64encode(KEY.encode()).decode(),
        "signedIdentity": {"type": "remapIdentity", "prefix": "registry.example.com", "signedPrefix": "origin"},
    }
    loaded = load(folder, containers(sigstore))
    decided = loaded.rule_for(reference.parse("registry.example.com/acme/app:1"))
    (signer,) = decided.signers
    assert signer.identity == SignedIdentity("remapIdentity", "registry.example.com", "origin")
    assert len(signer.log.logs) == 1
    assert loaded.rule_for(reference.parse("quay.io/x")).signatures == "rejected"
    assert loaded.rule_for(reference.parse("registry.example.com/acmeevil/app")).signatures == "rejected"


def test_every_way_to_give_keys_to_podman(folder):
    data = base64.b64encode(KEY.encode()).decode()
    for given in ({"keyPath": "acme.pub"}, {"keyPaths": ["acme.pub"]}, {"keyData": data}, {"keyDatas": [data]}):
        (signer,) = load(folder, containers({"type": "sigstoreSigned", **given})).rules[0].signers
        assert signer.identity.kind == "matchRepoDigestOrExact"


def test_fulcio_in_a_policy_of_podman(folder):
    fulcio = {"caPath": "acme-ca.crt", "oidcIssuer": "https://issuer.example", "subjectEmail": "mail@acme.example"}
    data = base64.b64encode(KEY.encode()).decode()
    loaded = load(folder, containers({"type": "sigstoreSigned", "fulcio": fulcio, "rekorPublicKeyData": data}))
    (signer,) = loaded.rules[0].signers
    assert (signer.issuer, signer.identity) == ("https://issuer.example", "mail@acme.example")
    assert signer.root.certificate_logs is None


def test_accept_reject_and_what_cannot_be_proven(folder):
    accepted = load(folder, containers({"type": "insecureAcceptAnything"})).rules[0]
    assert (accepted.signatures, accepted.groups) == ("accepted", ())
    gpg = load(folder, containers({"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/k"})).rules[0]
    assert isinstance(gpg.signers[0], UnprovableSigner)
    both = load(folder, containers(*[{"type": "sigstoreSigned", "keyPath": "acme.pub"}] * 2)).rules[0]
    assert len(both.groups) == 2


@pytest.mark.parametrize(
    ("scope", "image", "covered"),
    [
        ("registry.example.com", "registry.example.com/a/b", True),
        ("registry.example.com", "registry.example.com:5000/a", False),
        ("*.example.com", "registry.example.com/a/b", True),
        ("*.example.com", "example.com/a/b", False),
        ("registry.example.com/a", "registry.example.com/a/b", True),
        ("registry.example.com/a", "registry.example.com/a", True),
        ("registry.example.com/a", "registry.example.com/ab", False),
        ("registry.example.com/a:1", "registry.example.com/a:1", True),
        ("registry.example.com/a:1", "registry.example.com/a:2", False),
        ("", "quay.io/x", True),
    ],
)
def test_the_scopes_of_podman(folder, scope, image, covered):
    loaded = load(folder, containers({"type": "insecureAcceptAnything"}, scope=scope))
    found = loaded.rule_for(reference.parse(image))
    assert (found is not None and found.signatures == "accepted") is covered


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"default": []}, "default: no requirement"),
        ({"default": [{"type": "reject"}], "x": 1}, "unknown member 'x'"),
        (containers({"type": "sigstoreSigned"}), "exactly one of keyPath"),
        (containers({"type": "sigstoreSigned", "keyPath": "none.pub"}), "cannot read"),
        (containers({"type": "sigstoreSigned", "keyData": "AAAA"}), "is no public key"),
        (containers({"type": "sigstoreSigned", "keyPath": "acme.pub", "x": 1}), "unknown member 'x'"),
        (containers({"type": "other"}), "type is none of"),
        (containers({}), "type is missing"),
        (
            containers({"type": "sigstoreSigned", "keyPath": "acme.pub", "signedIdentity": {"type": "exactReference"}}),
            "dockerReference is missing",
        ),
    ],
)
def test_a_fault_in_a_policy_of_podman_is_one_line(folder, content, words):
    with pytest.raises(PolicyError, match=r".") as error:
        load(folder, content)
    assert words in str(error.value)


# notation's trustpolicy.json


@pytest.fixture
def store(folder):
    for kind, name, source in (("ca", "e2e", "acme-ca.crt"), ("tsa", "stamps", "tsa-ca.crt")):
        target = folder / "truststore" / "x509" / kind / name
        target.mkdir(parents=True)
        shutil.copy(folder / source, target / source)
    return folder


def notation(**changes):
    entry = {
        "name": "e2e",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:e2e"],
        "trustedIdentities": ["*"],
    }
    entry.update(changes)
    return {"version": "1.0", "trustPolicies": [{name: one for name, one in entry.items() if one is not None}]}


@pytest.mark.parametrize(
    ("name", "signatures", "logged"),
    [
        ("trustpolicy", "required", set()),
        ("permissive_trustpolicy", "required", {"authenticTimestamp", "expiry"}),
        ("audit_trustpolicy", "required", {"authenticTimestamp", "expiry", "authenticity"}),
        ("override_strict_trustpolicy", "required", {"authenticTimestamp", "expiry", "authenticity"}),
        ("skip_trustpolicy", "accepted", None),
    ],
)
def test_the_levels_of_notations_own_policies(store, name, signatures, logged):
    text = (ASSETS / "notation" / "trustpolicies" / f"{name}.json").read_text()
    (decided,) = load(store, text).rules
    assert decided.signatures == signatures
    assert [set(signer.logged) for signer in decided.signers] == ([logged] if logged is not None else [])


@pytest.mark.parametrize(
    ("given", "read"), [({}, "always"), ({"verifyTimestamp": "afterCertExpiry"}, "afterCertExpiry")]
)
def test_a_trust_policy_wants_timestamps_always_unless_it_says_otherwise(store, given, read):
    verification = {"level": "strict", **given}
    (decided,) = load(store, notation(signatureVerification=verification, trustStores=["ca:e2e", "tsa:stamps"])).rules
    (signer,) = decided.signers
    assert (signer.verify_timestamp, len(signer.timestamp_authorities)) == (read, 1)


def test_the_exact_scope_comes_before_the_wildcard(store):
    content = notation()
    content["trustPolicies"] += notation(
        name="exact", registryScopes=["localhost:5000/test-repo"], trustStores=["ca:e2e", "tsa:stamps"]
    )["trustPolicies"]
    loaded = load(store, content)
    assert "'exact'" in loaded.rule_for(reference.parse("localhost:5000/test-repo:1")).place
    assert "'e2e'" in loaded.rule_for(reference.parse("localhost:5000/test-repo2:1")).place


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("invalid_format_trustpolicy", "no valid JSON"),
        ("overlapped_registry_scope_trustpolicy", "a scope twice"),
        ("quickstart_trustpolicy", "cannot read"),
    ],
)
def test_the_faults_of_notations_own_policies(store, name, words):
    with pytest.raises(PolicyError) as error:
        load(store, (ASSETS / "notation" / "trustpolicies" / f"{name}.json").read_text())
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": None}, "name is missing"),
        ({"registryScopes": None}, "registryScopes is missing"),
        ({"registryScopes": ["*", "a.example/b"]}, "'*' beside others"),
        ({"registryScopes": ["a.example/*"]}, "no repository"),
        ({"signatureVerification": {}}, "level is missing"),
        ({"signatureVerification": {"level": "loose"}}, "level is none of"),
        ({"signatureVerification": {"level": "strict", "override": {"integrity": "log"}}}, "'integrity'"),
        ({"signatureVerification": {"level": "strict", "override": {"expiry": "skip"}}}, "expiry is none of"),
        ({"signatureVerification": {"level": "skip"}}, "skip takes neither"),
        ({"trustStores": None}, "trustStores or trustedIdentities is missing"),
        ({"trustStores": ["e2e"]}, "none of ca:NAME"),
        ({"trustStores": ["ca:../../etc"]}, "none of ca:NAME"),
        ({"trustStores": ["tsa:stamps"]}, "neither a ca nor"),
        ({"trustedIdentities": ["*", "x509.subject: C=DE"]}, "'*' beside others"),
        ({"trustedIdentities": ["DE"]}, "x509.subject"),
        ({"extra": 1}, "unknown member 'extra'"),
    ],
)
def test_a_fault_in_notations_policy_is_one_line(store, changes, words):
    with pytest.raises(PolicyError) as error:
        load(store, notation(**changes))
    assert words in str(error.value)
    assert "\n" not in str(error.value)
