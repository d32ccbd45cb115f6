"""Docker Content Trust through the whole plugin: an embedded server, a policy, the finding."""

import base64
import fcntl
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from container_updates.demo import faults
from container_updates.demo.engine.kinds import CLASSIC
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.registry.auth import BasicAuth, BearerAuth
from container_updates.demo.registry.content import AMD64
from container_updates.errors import PolicyError
from container_updates.model import EngineRegistries, Finding, State
from container_updates.reference import parse
from container_updates.registry import Hosts
from container_updates.settings import Settings
from container_updates.trust.learning import toml_writer
from container_updates.trust.policy.load import load
from tests.functional.daemons import unavailable
from tests.registry.conftest import Authority
from tests.support.lab import Lab
from tests.support.signature_assets import root_of, trust_files
from tests.support.trust_forge import OTHER, Key, Trust, changed
from tests.support.trust_server import TrustServer

ONLY = ("signatures",)


@pytest.fixture
def server() -> Iterator[TrustServer]:
    with TrustServer() as started:
        yield started


@pytest.fixture
def host(tmp_path: Path, server: TrustServer) -> Iterator[Lab]:
    with EngineServer(CLASSIC) as engine:
        yield Lab(engine, server, tmp_path)


def policy(host: Lab, *signers: str, images: str = "**", mode: str = "required") -> tuple[str, ...]:
    """A policy that names content-trust signers by their members."""
    file = host.folder / "policy.toml"
    named = "".join(f'[[rule.signer]]\ntype = "content-trust"\n{signer}\n' for signer in signers)
    file.write_text(f'version = 1\n[[rule]]\nimages = ["{images}"]\nsignatures = "{mode}"\n{named}')
    return (str(file),)


def pin(trust: Trust, server: str | None = None) -> str:
    return f'root = ["{trust.signer.name}"]' + (f'\nserver = "{server}"' if server else "")


def signed(host: Lab, repository: str = "app/web", **more: Any) -> Trust:
    """An image that runs, and its trust data, published."""
    image = host.registry.push_image(repository, "1")
    host.run(repository.rpartition("/")[2], image)
    trust = Trust(gun=f"{host.registry.host}/{repository}", targets={"1": image.digest}, **more)
    publish(host, trust)
    return trust


def publish(host: Lab, trust: Trust) -> None:
    assert isinstance(host.registry, TrustServer)
    host.registry.publish(trust.gun, trust.files())


def found(host: Lab, policies: tuple[str, ...], name: str = "web", **more: Any) -> Finding:
    return host.check(checks=ONLY, trust_policies=policies, **more).finding(name, "signatures")


def asked(server: TrustServer) -> list[str]:
    """Which trust data was asked for."""
    return [entry.path.partition("/_trust/tuf/")[2] for entry in server.requests(path="/_trust/")]


def test_a_pinned_root_makes_an_image_signed(host: Lab) -> None:
    trust = signed(host)
    checked = host.check(checks=ONLY, trust_policies=policy(host, pin(trust)))
    finding = checked.finding("web", "signatures")
    assert finding.code == "signed", finding
    assert finding.message.startswith(f"{trust.gun}:1 signed by {trust.signer.name}")
    assert finding.details["format"] == "content-trust"
    assert finding.details["signer"]["name"] == trust.signer.name
    [one] = finding.details["signatures"]
    assert (one["repository"], one["tag"], one["role"]) == (trust.gun, "1", "targets")
    assert checked.outcome.state is State.OK
    assert checked.metric("unsigned") == checked.metric("unverifiable") == checked.metric("invalid_signatures") == 0


@pytest.mark.parametrize(
    ("folder", "digest", "code"),
    [
        ("basic", "sha256:0489474da8ea22426ece86ace6c1c0026ab2fd3cdfbbd62b7e94650266c37d9a", "signed"),
        ("delegated", "sha256:634a8f35b5f16dcf4aaa0822adc0b1964bb786fca12f6831de8ddc45e5986a00", "signed"),
        ("delegated", "sha256:0489474da8ea22426ece86ace6c1c0026ab2fd3cdfbbd62b7e94650266c37d9a", "unverifiable"),
        ("othergun", "sha256:0489474da8ea22426ece86ace6c1c0026ab2fd3cdfbbd62b7e94650266c37d9a", "invalid-signature"),
    ],
)
def test_what_notary_0_7_signed(tmp_path: Path, folder: str, digest: str, code: str) -> None:
    """Their repository's name has a port in it; the images themselves are not among the assets."""
    files = trust_files(f"generated/{folder}")
    with ExitStack() as stack:
        lock = stack.enter_context((Path(tempfile.gettempdir()) / "check_container_updates-tests-5000").open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            server = stack.enter_context(TrustServer(port=5000))
        except OSError:
            unavailable("somebody else listens at port 5000")
        host = Lab(stack.enter_context(EngineServer(CLASSIC)), server, tmp_path)
        server.publish("127.0.0.1:5000/demo/app", files)
        image = host.registry.push_image("demo/app", "latest")
        host.run("web", replace(image, digest=digest))
        host.registry.delete_tag("demo/app", "latest")
        policies = policy(host, f'root = ["{root_of(files).name}"]')
        assert found(host, policies).code == code
        host.time += 30 * 86400
        late = found(host, policies)
        assert late.code in ("invalid-signature", "signer-changed")
        assert "timestamp of the trust data expired" in late.message or folder == "othergun"


@pytest.mark.parametrize("known", [True, False])
def test_who_signed_can_be_written_down_as_a_policy(host: Lab, known: bool) -> None:
    trust = signed(host)
    with TrustServer() as other:
        other.publish(trust.gun, trust.files())
        named = pin(trust, other.url) if known else f'root = ["{OTHER}"]\nserver = "{other.url}"'
        policies = policy(host, named)
        finding = found(host, policies)
        assert finding.code == ("signed" if known else "unverifiable")
        [one] = finding.details["signatures"]
        reference = parse(f"{trust.gun}:1")
        tables = [*toml_writer.signers(one["signer"], reference, load(policies), host.folder)]
        file = host.folder / "policy.toml"
        file.write_text('version = 1\n[[rule]]\nimages = ["**"]\n' + "\n".join(tables))
        assert found(host, (str(file),)).code == "signed"


def test_an_index_that_is_signed_counts_for_the_image_that_runs(host: Lab) -> None:
    index = host.registry.push_index("app/web", "1", [host.registry.push_image("app/web", platform=AMD64)])
    host.run("web", index)
    trust = Trust(gun=f"{host.registry.host}/app/web", targets={"1": index.digest})
    publish(host, trust)
    assert found(host, policy(host, pin(trust))).code == "signed"


def test_nobody_is_asked_without_a_signer_of_this_kind(host: Lab, server: TrustServer) -> None:
    signed(host)
    assert found(host, ()).code == "unsigned"
    assert asked(server) == []


def test_a_root_that_nobody_named_is_unverifiable(host: Lab) -> None:
    signed(host)
    finding = found(host, policy(host, f'root = ["{OTHER}"]'))
    assert finding.code == "unverifiable"
    assert "whom the policy does not name" in finding.message


def test_no_trust_data_is_unsigned_and_costs_one_request(host: Lab, server: TrustServer) -> None:
    images = [host.registry.push_image("app/web", platform=AMD64)]
    host.run("web", host.registry.push_index("app/web", "1", images))
    policies = policy(host, f'root = ["{OTHER}"]')
    assert found(host, policies, no_cache=False).code == "unsigned"
    assert asked(server) == ["root.json"]
    assert len(server.requests()) == 5 + 1
    assert found(host, policies, no_cache=False).code == "unsigned"
    assert len(server.requests()) == 5 + 1


def test_one_repository_is_asked_once_whatever_its_tags(host: Lab, server: TrustServer) -> None:
    trust = signed(host)
    second = host.registry.push_image("app/web", "2", created="2026-01-01T00:00:00Z")
    host.run("second", second)
    trust.targets["2"] = second.digest
    publish(host, trust)
    checked = host.check(checks=ONLY, trust_policies=policy(host, pin(trust)))
    assert {checked.finding(name, "signatures").code for name in ("web", "second")} == {"signed"}
    assert sorted(asked(server)) == ["root.json", "snapshot.json", "targets.json", "timestamp.json"]


def test_what_is_known_by_its_hash_is_not_asked_again(host: Lab, server: TrustServer) -> None:
    trust = signed(host)
    policies = policy(host, pin(trust))
    assert found(host, policies, no_cache=False).code == "signed"
    before = len(server.requests())
    host.time += 300
    assert found(host, policies, no_cache=False).code == "signed"
    assert len(server.requests()) == before
    host.time += 600
    server.log.clear()
    assert found(host, policies, no_cache=False).code == "signed"
    assert asked(server) == ["root.json", "timestamp.json"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.status(403, "DENIED"), "unauthorized"),
        (faults.status(500), "unreachable"),
        (faults.status(400), "bad-answer"),
        (faults.too_many_requests(), "rate-limited"),
        (faults.html(), "bad-answer"),
    ],
    ids=["denied", "broken", "refused", "limited", "html"],
)
@pytest.mark.parametrize("name", ["root", "timestamp", "snapshot", "targets"])
def test_no_answer_is_never_unsigned(host: Lab, name: str, fault: faults.Fault, code: str) -> None:
    trust = signed(host)
    host.registry.fail(fault, path=f"/_trust/tuf/{name}.json")
    checked = host.check(checks=ONLY, trust_policies=policy(host, pin(trust)))
    assert checked.finding("web", "signatures").code == code
    assert checked.outcome.state is State.UNKNOWN


def test_more_than_a_file_may_have_is_not_read(host: Lab) -> None:
    trust = signed(host)
    publish(host, trust)
    assert isinstance(host.registry, TrustServer)
    files = dict(host.registry.trust[trust.gun])
    host.registry.publish(trust.gun, {**files, "timestamp": files["timestamp"] + b" " * 6_000_000})
    assert found(host, policy(host, pin(trust))).code == "bad-answer"


def test_wrong_trust_data_is_an_invalid_signature_with_its_reason(host: Lab, server: TrustServer) -> None:
    trust = signed(host, expires={"timestamp": datetime.fromtimestamp(0, UTC)})
    checked = host.check(checks=ONLY, trust_policies=policy(host, pin(trust)))
    finding = checked.finding("web", "signatures")
    assert finding.code == "invalid-signature"
    assert finding.message.endswith("signature invalid: timestamp of the trust data expired at 1970-01-01T00:00:00Z")
    assert checked.outcome.state is State.CRITICAL
    trust.expires = {}
    server.publish(trust.gun, changed(trust.files(), "snapshot", expires="2031-01-01T00:00:00Z"))
    assert found(host, policy(host, pin(trust))).code == "invalid-signature"


def test_a_tag_that_is_signed_for_a_newer_image_by_now(host: Lab) -> None:
    """What runs is outdated, not forged; it is just no longer what anybody vouches for."""
    trust = signed(host)
    assert found(host, policy(host, pin(trust))).code == "signed"
    running = trust.targets["1"]
    newer = host.registry.push_image("app/web", "1", created="2026-11-09T00:00:00Z")
    trust.targets = {"1": newer.digest}
    publish(host, trust)
    finding = found(host, policy(host, pin(trust)))
    assert finding.code == "unverifiable"  # and the signer is no other one
    assert f"does not name what runs: tag 1 is signed for {newer.digest[:19]}" in finding.message
    trust.targets = {"1": newer.digest, "1.0": running}
    publish(host, trust)
    assert found(host, policy(host, pin(trust))).code == "signed"


def test_an_edge_of_time_within_the_time_for_which_answers_are_kept(host: Lab, server: TrustServer) -> None:
    expiry = datetime.fromtimestamp(host.time, UTC).replace(microsecond=0) + timedelta(seconds=60)
    trust = signed(host, expires={"timestamp": expiry})
    policies = policy(host, pin(trust))
    assert found(host, policies, no_cache=False).code == "signed"
    host.time += 59
    assert found(host, policies, no_cache=False).code == "signed"
    before = len(asked(server))
    host.time += 2
    assert found(host, policies, no_cache=False).code == "invalid-signature"
    assert len(asked(server)) == before


@pytest.mark.parametrize("no_cache", [True, False])
def test_an_older_state_than_the_last_run_saw_is_invalid(host: Lab, no_cache: bool) -> None:
    trust = signed(host)
    policies = policy(host, pin(trust))
    before = replace(trust)
    trust.versions = {"timestamp": 4}
    publish(host, trust)
    assert found(host, policies, no_cache=no_cache).code == "signed"
    publish(host, before)
    host.time += 700
    finding = found(host, policies, no_cache=no_cache)
    assert finding.code == "invalid-signature"
    assert "timestamp of the trust data is of version 3, older than 4, which was seen before" in finding.message
    publish(host, trust)
    host.time += 700
    assert found(host, policies, no_cache=no_cache).code == "signed"


def test_trust_data_that_nobody_named_leaves_no_mark(host: Lab) -> None:
    """Else a stranger's high version would make the right one look old."""
    trust = signed(host)
    stranger = Trust(gun=trust.gun, targets=trust.targets, timestamp_key=trust.timestamp_key)
    stranger.versions = {"timestamp": 1000}
    publish(host, stranger)
    assert found(host, policy(host, pin(trust))).code == "unverifiable"
    publish(host, trust)
    assert found(host, policy(host, pin(trust))).code == "signed"


def test_a_stranger_s_trust_data_hides_no_signer_who_is_gone(host: Lab) -> None:
    trust = signed(host)
    assert found(host, policy(host, pin(trust))).code == "signed"
    publish(host, Trust(gun=trust.gun, targets={"1": OTHER}))
    gone = found(host, policy(host, pin(trust)))
    assert (gone.code, gone.details["besides"]) == ("signer-changed", "unverifiable")


def test_a_root_is_rotated(host: Lab) -> None:
    trust = signed(host)
    policies = policy(host, pin(trust))
    assert found(host, policies).code == "signed"
    trust.rotate(Key(gun=trust.gun), targets_key=Key())
    publish(host, trust)
    assert found(host, policies).code == "signed"
    forged = replace(trust, root_signers=trust.root_keys)
    publish(host, forged)
    finding = found(host, policies)
    assert finding.code == "invalid-signature"
    assert "root version 2 is not signed by the keys of version 1" in finding.message


def test_publishing_between_two_answers_is_no_fault(host: Lab, server: TrustServer) -> None:
    """Snapshot and targets by their names are newer than the timestamp that was asked for before."""
    trust = signed(host)
    policies = policy(host, pin(trust))
    old = dict(server.trust[trust.gun])
    trust.rotate(Key(gun=trust.gun), versions={"timestamp": 5, "snapshot": 5, "targets": 5})
    publish(host, trust)
    server.trust[trust.gun] = {**server.trust[trust.gun], "timestamp": old["timestamp"]}
    assert found(host, policies).code == "signed"
    roles = {path.partition(".")[0] for path in asked(server) if len(path) > 70}
    assert roles == {"snapshot", "targets", "root"}


def test_consistent_snapshots_are_asked_for_by_their_hash(host: Lab, server: TrustServer) -> None:
    trust = signed(host, consistent=True)
    files = server.trust[trust.gun]
    server.trust[trust.gun] = {"root": files["root"], "timestamp": files["timestamp"]}
    assert found(host, policy(host, pin(trust))).code == "signed"
    assert [len(path) > 70 for path in asked(server)] == [False, False, True, True]


def test_a_server_of_its_own(host: Lab) -> None:
    trust = signed(host)
    files = trust.files()
    assert isinstance(host.registry, TrustServer)
    host.registry.trust.clear()
    with TrustServer() as other:
        other.publish(trust.gun, files)
        assert found(host, policy(host, pin(trust, other.url))).code == "signed"
        assert asked(host.registry) == []
        other.fail(faults.status(500))
        # Any one of the signers is enough: what cannot be read may be the one that is looked for.
        two = policy(host, pin(trust, other.url), pin(trust))
        assert found(host, two).code == "unreachable"
        host.registry.publish(trust.gun, files)
        assert found(host, two).code == "signed"
    assert found(host, policy(host, pin(trust, other_address()))).code == "unreachable"


def other_address() -> str:
    """Where nobody listens."""
    with TrustServer() as server:
        return server.url


@pytest.mark.parametrize("mode", ["required", "if-present"])
def test_if_present_accepts_no_trust_data(host: Lab, mode: str) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    finding = found(host, policy(host, f'root = ["{OTHER}"]', mode=mode))
    assert finding.code == ("unsigned" if mode == "required" else "accepted")


def test_the_token_is_for_the_whole_name(tmp_path: Path) -> None:
    """And the server may want another one than the registry beside it."""
    auth = BearerAuth(users={"reader": "secret"})
    beside = BearerAuth(users={"reader": "secret"}, service="notary", path="/trust-token")
    with TrustServer(auth=auth, trust_auth=beside) as server, EngineServer(CLASSIC) as engine:
        host = Lab(engine, server, tmp_path)
        login = base64.b64encode(b"reader:secret").decode()
        # Podman's way to keep a login for a part of a registry.
        (tmp_path / "config.json").write_text(json.dumps({"auths": {f"{server.host}/app": {"auth": login}}}))
        trust = signed(host)
        assert found(host, policy(host, pin(trust))).code == "signed"
        scopes = [entry.path for entry in server.requests(path="/trust-token")]
        assert scopes
        assert all(f"scope=repository:{trust.gun}:pull" in path for path in scopes)


def test_the_registry_s_login_goes_to_no_other_host(tmp_path: Path) -> None:
    with (
        TrustServer() as server,
        TrustServer(address="::1", auth=BasicAuth({"reader": "secret"})) as other,
        EngineServer(CLASSIC) as engine,
    ):
        host = Lab(engine, server, tmp_path)
        trust = signed(host)
        other.publish(trust.gun, trust.files())
        login = {"auth": base64.b64encode(b"reader:secret").decode()}
        (tmp_path / "config.json").write_text(json.dumps({"auths": {server.host: login}}))
        assert found(host, policy(host, pin(trust, other.url))).code == "unauthorized"
        assert not any("authorization" in entry.headers for entry in other.requests())
        (tmp_path / "config.json").write_text(json.dumps({"auths": {server.host: login, other.netloc: login}}))
        assert found(host, policy(host, pin(trust, other.url))).code == "signed"


def test_a_server_with_a_certificate_that_nobody_knows(host: Lab, tmp_path_factory: pytest.TempPathFactory) -> None:
    """`--ca-file` is for it as for a registry."""
    trust = signed(host)
    known, unknown = (Authority(tmp_path_factory.mktemp("ca")) for _ in range(2))
    with TrustServer(tls=known.server_context()) as other:
        other.publish(trust.gun, trust.files())
        policies = policy(host, pin(trust, other.url))
        assert found(host, policies, ca_files={other.host: str(known.ca)}).code == "signed"
        assert found(host, policies, ca_files={other.host: str(unknown.ca)}).code == "unreachable"


def test_a_server_that_is_no_address_is_a_mistake_in_the_policy(host: Lab) -> None:
    for server in ("notary.example.com", "https://", "ftp://x", "https://u:p@x", "https://x:y", "https://x?y"):
        with pytest.raises(PolicyError, match="is no http"):
            found(host, policy(host, f'root = ["{OTHER}"]\nserver = "{server}"'))


def test_docker_hub_s_server_is_beside_it() -> None:
    hosts = Hosts(Settings(), EngineRegistries({"docker.io": ("https://mirror.example.com",)}))
    hub = hosts.trust_server("docker.io", None)
    assert (hub.host, hub.schemes, hub.names, hub.login_name) == (
        "notary.docker.io",
        ("https",),
        "docker.io/",
        "docker.io",
    )
    assert hosts.trust_server("docker.io", "https://notary.docker.io/").login_name == "docker.io"
    own = hosts.trust_server("registry.example.com:5000", "https://registry.example.com:4443/notary/")
    assert (own.host, own.prefix, own.login_name) == (
        "registry.example.com:4443",
        "/notary",
        "registry.example.com:5000",
    )
    assert not own.mirror
    other = hosts.trust_server("docker.io", "https://notary.example.com")
    assert other.login_name == "notary.example.com"


def test_a_run_that_does_not_ask_for_trust_data_sees_no_other_signer(host: Lab) -> None:
    trust = signed(host)
    assert found(host, policy(host, pin(trust))).code == "signed"
    assert found(host, ()).code == "unsigned"
    assert found(host, policy(host, pin(trust))).code == "signed"
