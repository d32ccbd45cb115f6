"""Where images come from: proven, claimed or unknown, through the whole plugin on the embedded lab."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from container_updates.chain.source import base as base_images
from container_updates.chain.source import evidence
from container_updates.demo import faults
from container_updates.demo.engine.kinds import CONTAINERD
from container_updates.demo.registry import attached
from container_updates.demo.registry.content import AMD64
from container_updates.demo.registry.content import OCI as MANIFESTS
from container_updates.demo.registry.server import RegistryServer
from container_updates.model import Finding, Image, State, Subject, Verdict
from container_updates.reference import parse
from tests.support import built, forge
from tests.support.built import BUILDER, COMMIT, REPOSITORY, V02, V1
from tests.support.lab import Lab, lab
from tests.support.signed import Signer

ONLY = ("source",)
OCI = "org.opencontainers.image."
OTHER = "https://github.com/evil/app"
SUBJECT = Subject(parse("docker.io/library/web:1"), Image("unix:///lab", "sha256:1", frozenset(), False))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


def labels(source: str | None = REPOSITORY, revision: str | None = COMMIT) -> dict[str, str]:
    told = {f"{OCI}source": source, f"{OCI}revision": revision}
    return {name: value for name, value in told.items() if value}


def policy(host: Lab, key: Any = None, rule: str = "", top: str = "") -> tuple[str, ...]:
    """A policy of one rule, which names the key where there is one."""
    file = host.folder / "policy.toml"
    signer = ""
    if key is not None:
        (host.folder / "acme.pub").write_bytes(forge.pem(key))
        signer = '[[rule.signer]]\ntype = "key"\nfile = "acme.pub"\n'
    file.write_text(f'version = 1\n{top}\n[[rule]]\nimages = ["**"]\n{rule}\n{signer}')
    return (str(file),)


def source(host: Lab, image: Any, **changes: Any) -> Finding:
    host.run("web", image)
    return host.check(checks=ONLY, **changes).finding("web", "source")


class TestProven:
    @pytest.mark.parametrize("attest", [built.attest, built.attest_by_bundle, built.attest_as_referrer])
    @pytest.mark.parametrize(
        ("predicate", "kind", "ref"),
        [(built.v1(), V1, "refs/tags/v1"), (built.v02(), V02, "refs/heads/main")],
        ids=["v1", "v0.2"],
    )
    def test_by_a_key_that_the_policy_names(
        self, host: Lab, attest: Any, predicate: dict[str, Any], kind: str, ref: str
    ) -> None:
        key = forge.new_key()
        image = host.registry.push_image("acme/app", "1", labels=labels())
        attest(host.registry, image, key, predicate, kind)
        found = source(host, image, trust_policies=policy(host, key))
        assert found.code == "source-verified", found
        known = {name: found.details[name] for name in ("repository", "revision", "ref", "builder", "evidence", "link")}
        assert known == {
            "repository": REPOSITORY,
            "revision": COMMIT,
            "ref": ref,
            "builder": BUILDER,
            "evidence": "provenance",
            "link": f"{REPOSITORY}/tree/{COMMIT}",
        }
        assert found.details["built_at"] == "2026-11-20T08:00:00Z"
        assert f"built from {REPOSITORY} at {COMMIT[:12]} by {BUILDER}" in found.message

    def test_by_a_signature_on_what_holds_buildkit_s_provenance(self, host: Lab) -> None:
        key = forge.new_key()
        image = host.registry.push_image("acme/app", platform=AMD64)
        index = built.with_buildkit(host.registry, "1", image, built.git_context())
        demanding = policy(host, key, 'provenance = "required"')
        assert source(host, index, trust_policies=demanding).code == "unknown-source"
        body = json.loads(host.registry.repositories["acme/app"].manifests[index.digest][0])
        attestation = replace(image, digest=body["manifests"][1]["digest"], media_type=MANIFESTS.manifest)
        Signer(host.registry, key=forge.new_key()).classic(attestation)
        assert verified(host, demanding).code == "unknown-source"
        Signer(host.registry, key=key).bundle(attestation)
        found = verified(host, demanding)
        assert found.code == "source-verified"
        assert found.details["repository"] == REPOSITORY

    def test_of_the_index_counts_for_the_platform_that_runs(self, host: Lab) -> None:
        key = forge.new_key()
        index = host.registry.push_index("acme/app", "1", [host.registry.push_image("acme/app", platform=AMD64)])
        built.attest(host.registry, index, key, built.v1())
        assert source(host, index, trust_policies=policy(host, key)).code == "source-verified"

    def test_of_the_platform_s_manifest_counts_too(self, host: Lab) -> None:
        key = forge.new_key()
        image = host.registry.push_image("acme/app", platform=AMD64)
        index = host.registry.push_index("acme/app", "1", [image])
        built.attest(host.registry, image, key, built.v1())
        assert source(host, index, trust_policies=policy(host, key)).code == "source-verified"

    def test_by_a_stranger_s_key_is_a_claim_at_best(self, host: Lab) -> None:
        image = host.registry.push_image("acme/app", "1")
        built.attest(host.registry, image, forge.new_key(), built.v1())
        for trust in ((), policy(host, forge.new_key())):
            found = source(host, image, trust_policies=trust)
            assert found.code == "source-claimed"
            assert found.details["evidence"] == "provenance"
            assert "proves nothing here" in found.message
            host.engine.remove_container("web")

    def test_about_another_image_is_wrong(self, host: Lab) -> None:
        key = forge.new_key()
        image = host.registry.push_image("acme/app", "1")
        other = host.registry.push_image("acme/app", "2", created="2026-01-01T00:00:00Z")
        built.attest(host.registry, image, key, built.v1(), about=other.digest)
        found = source(host, image, trust_policies=policy(host, key))
        assert found.code == "source-mismatch"
        assert "signed for another image" in found.message

    def test_tampered_with_is_wrong_and_the_label_does_not_help(self, host: Lab) -> None:
        key = forge.new_key()
        image = host.registry.push_image("acme/app", "1", labels=labels())
        envelope = forge.dsse(key, built.statement(image.digest, built.v1()))
        envelope["payload"] = forge.dsse(key, built.statement(image.digest, built.v1(OTHER)))["payload"]
        hint = forge.key_bundle(key, envelope)
        attached.refer(host.registry, image, built.BUNDLE, built.BUNDLE, hint)
        found = source(host, image, trust_policies=policy(host, key))
        assert found.code == "source-mismatch"
        assert "provenance is wrong" in found.message
        assert {claim["repository"] for claim in found.details["claims"]} == {REPOSITORY, OTHER}

    def test_one_right_beside_a_wrong_one_is_right(self, host: Lab) -> None:
        key = forge.new_key()
        image = host.registry.push_image("acme/app", "1")
        other = host.registry.push_image("acme/app", "2", created="2026-01-01T00:00:00Z")
        built.attest(host.registry, image, key, built.v1(), about=other.digest)
        built.attest_by_bundle(host.registry, image, key, built.v1())
        assert source(host, image, trust_policies=policy(host, key)).code == "source-verified"

    def test_an_attestation_of_something_else_proves_no_source(self, host: Lab) -> None:
        key = forge.new_key()
        image = host.registry.push_image("acme/app", "1")
        built.attest(host.registry, image, key, {"packages": []}, "https://spdx.dev/Document")
        assert source(host, image, trust_policies=policy(host, key)).code == "unknown-source"


class TestClaimed:
    @pytest.mark.parametrize(
        ("predicate", "kind"),
        [
            (built.git_context(), V02),
            (built.git_context_v1(), V1),
            (built.local_context(), V02),
            (built.local_context_v1(), V1),
        ],
        ids=["git-v0.2", "git-v1", "local-v0.2", "local-v1"],
    )
    def test_by_buildkit_is_claimed_and_never_verified(self, host: Lab, predicate: dict[str, Any], kind: str) -> None:
        image = host.registry.push_image("acme/app", platform=AMD64)
        found = source(host, built.with_buildkit(host.registry, "1", image, predicate, kind))
        assert found.code == "source-claimed"
        assert (found.details["evidence"], found.details["repository"]) == ("buildkit", REPOSITORY)
        assert found.details["revision"] == COMMIT

    def test_by_buildkit_about_another_image_is_nobody_s_claim(self, host: Lab) -> None:
        image = host.registry.push_image("acme/app", platform=AMD64)
        index = built.with_buildkit(host.registry, "1", image, built.git_context(), about="sha256:" + "1" * 64)
        assert source(host, index).code == "unknown-source"

    @pytest.mark.parametrize("name", [f"{OCI}source", "org.label-schema.vcs-url"])
    def test_by_a_label(self, host: Lab, name: str) -> None:
        found = source(host, host.registry.push_image("acme/app", "1", labels={name: "git@github.com:acme/app.git"}))
        assert found.code == "source-claimed"
        assert (found.details["evidence"], found.details["repository"]) == ("label", REPOSITORY)
        assert found.details["link"] == REPOSITORY
        assert "is claimed by its label" in found.message

    def test_a_label_of_the_container_is_none_of_the_image(self, host: Lab) -> None:
        host.run("web", host.registry.push_image("acme/app", "1"), labels())
        assert host.check(checks=ONLY).finding("web", "source").code == "unknown-source"

    def test_nothing_is_of_unknown_source_and_a_warning(self, host: Lab) -> None:
        host.run("web", host.registry.push_image("acme/app", "1"))
        checked = host.check(checks=ONLY)
        assert checked.finding("web", "source").code == "unknown-source"
        assert checked.metric("unknown_source") == 1
        assert checked.outcome.state is State.WARNING

    @pytest.mark.parametrize("text", ["https://www.example.com/", "see README", "file:///srv/app", ""])
    def test_a_label_that_names_no_repository_says_nothing(self, host: Lab, text: str) -> None:
        assert source(host, host.registry.push_image("acme/app", "1", labels={f"{OCI}source": text})).code == (
            "unknown-source"
        )

    def test_a_user_s_name_and_a_token_are_never_shown(self, host: Lab) -> None:
        image = host.registry.push_image(
            "acme/app", platform=AMD64, labels={f"{OCI}source": "https://me:hunter2@git.example.com/acme/app.git"}
        )
        index = built.with_buildkit(
            host.registry, "1", image, built.local_context("https://x-access-token:hunter2@git.example.com/acme/app")
        )
        found = source(host, index)
        assert found.code == "source-claimed"
        assert "hunter2" not in str(found)
        assert "me:" not in str(found)


class TestOfficial:
    """Images of Docker's library, whose definitions are published beside them."""

    @pytest.mark.parametrize(
        "claims", [[], [evidence.Claim("label", "by its label", None, COMMIT)]], ids=["none", "commit"]
    )
    def test_the_library_s_definition_is_the_claim_where_nothing_names_a_repository(self, claims: Any) -> None:
        *_, claim = evidence.with_library(claims, SUBJECT)
        assert (claim.evidence, claim.repository) == ("library", "https://github.com/docker-library/official-images")
        assert claim.link == "https://github.com/docker-library/official-images/blob/master/library/web"
        assert claim.words == "by Docker's published library definition"

    def test_a_label_that_names_one_comes_first_and_other_images_have_none(self) -> None:
        named = [evidence.Claim("label", "by its label", REPOSITORY)]
        assert evidence.with_library(named, SUBJECT) == named
        for other in ("docker.io/acme/web:1", "registry.example.com/library/web:1"):
            assert evidence.with_library([], replace(SUBJECT, reference=parse(other))) == []


class TestContradicted:
    def test_label_and_buildkit_name_different_repositories(self, host: Lab) -> None:
        image = host.registry.push_image("acme/app", platform=AMD64, labels=labels(OTHER, None))
        found = source(host, built.with_buildkit(host.registry, "1", image, built.git_context()))
        assert found.code == "source-mismatch"
        assert REPOSITORY in found.message
        assert OTHER in found.message

    def test_label_and_buildkit_name_different_commits(self, host: Lab) -> None:
        image = host.registry.push_image("acme/app", platform=AMD64, labels=labels(REPOSITORY, "0" * 40))
        found = source(host, built.with_buildkit(host.registry, "1", image, built.git_context()))
        assert found.code == "source-mismatch"
        assert COMMIT in found.message
        assert "0" * 40 in found.message

    def test_the_same_written_in_two_ways_is_no_contradiction(self, host: Lab) -> None:
        image = host.registry.push_image(
            "acme/app", platform=AMD64, labels=labels("git@github.com:Acme/App.git", COMMIT[:12])
        )
        index = built.with_buildkit(host.registry, "1", image, built.git_context("https://www.github.com/acme/app"))
        assert source(host, index).code == "source-claimed"

    @pytest.mark.parametrize("claims", ["label", "buildkit"])
    def test_signed_provenance_and_a_claim(self, host: Lab, claims: str) -> None:
        key = forge.new_key()
        own = labels(OTHER, None) if claims == "label" else {}
        image = host.registry.push_image("acme/app", platform=AMD64, labels=own)
        context = built.git_context(OTHER if claims == "buildkit" else REPOSITORY)
        index = built.with_buildkit(host.registry, "1", image, context)
        built.attest(host.registry, index, key, built.v1())
        found = source(host, index, trust_policies=policy(host, key))
        assert found.code == "source-mismatch"
        assert f"{REPOSITORY} by its signed provenance, but {OTHER}" in found.message
        assert host.check(checks=ONLY, trust_policies=policy(host, key)).outcome.state is State.CRITICAL

    def test_a_stranger_s_word_contradicts_nothing(self, host: Lab) -> None:
        image = host.registry.push_image("acme/app", "1", labels=labels())
        built.attest(host.registry, image, forge.new_key(), built.v1(OTHER))
        assert source(host, image).code == "source-claimed"

    def test_a_label_that_came_with_the_base_image_contradicts_nothing(self, host: Lab) -> None:
        inherited = labels("https://github.com/base/base", "1" * 40)
        base = host.registry.push_image("base/base", "3", labels=inherited, layers=[b"base"])
        image = host.registry.push_image("acme/app", platform=AMD64, labels=inherited, layers=[b"base", b"app"])
        context = {**built.git_context(), "materials": [built.material(base)]}
        found = source(host, built.with_buildkit(host.registry, "1", image, context))
        assert found.code == "source-claimed", found
        assert found.details["repository"] == REPOSITORY


class TestAsTheAdminDecided:
    @pytest.mark.parametrize(
        ("allowed", "code"),
        [
            ("https://github.com/acme/*", "source-verified"),
            ("https://github.com/**", "source-verified"),
            ("https://github.com/acme", "source-mismatch"),
            ("https://github.com/acme/ap", "source-mismatch"),
            ("https://github.com/*", "source-mismatch"),
            ("https://gitlab.com/acme/*", "source-mismatch"),
        ],
    )
    def test_sources_are_globs_anchored_at_both_ends(self, host: Lab, allowed: str, code: str) -> None:
        key = forge.new_key()
        image = host.registry.push_image("acme/app", "1")
        built.attest(host.registry, image, key, built.v1())
        found = source(host, image, trust_policies=policy(host, key, f'source = ["{allowed}"]'))
        assert found.code == code
        if code == "source-mismatch":
            assert f"built from {REPOSITORY}, which" in found.message

    @pytest.mark.parametrize(
        ("allowed", "code"), [(BUILDER, "source-verified"), (BUILDER[:-1], "source-mismatch"), ("*", "source-mismatch")]
    )
    def test_builders_are_globs_anchored_at_both_ends(self, host: Lab, allowed: str, code: str) -> None:
        key = forge.new_key()
        image = host.registry.push_image("acme/app", "1")
        built.attest(host.registry, image, key, built.v1())
        found = source(host, image, trust_policies=policy(host, key, f'builders = ["{allowed}"]'))
        assert found.code == code
        if code == "source-mismatch":
            assert f"built by {BUILDER}, whom" in found.message

    def test_required_and_only_claimed_is_unknown(self, host: Lab) -> None:
        image = host.registry.push_image("acme/app", "1", labels=labels())
        found = source(host, image, trust_policies=policy(host, rule='provenance = "required"'))
        assert found.code == "unknown-source"
        assert "claimed by its label, not proven" in found.message

    def test_claimed_and_not_allowed_is_unknown(self, host: Lab) -> None:
        image = host.registry.push_image("acme/app", "1", labels=labels(OTHER))
        found = source(host, image, trust_policies=policy(host, rule='source = ["https://github.com/acme/*"]'))
        assert found.code == "unknown-source"

    def test_accepted_is_not_looked_at(self, host: Lab) -> None:
        image = host.registry.push_image("acme/app", "1")
        found = source(host, image, trust_policies=policy(host, rule='provenance = "accepted"'))
        assert found.code == "accepted"
        assert host.registry.requests() == []

    @pytest.mark.parametrize(("allowed", "code"), [("{}", "source-claimed"), ("docker.io", "untrusted-registry")])
    def test_a_registry_that_is_not_allowed_is_told_without_a_request(self, host: Lab, allowed: str, code: str) -> None:
        image = host.registry.push_image("acme/app", "1", labels=labels())
        top = f'[registries]\nallow = ["{allowed.format(host.registry.host)}"]'
        found = source(host, image, trust_policies=policy(host, top=top))
        assert found.code == code
        assert bool(host.registry.requests()) is (code == "source-claimed")

    def test_a_local_build_is_asked_nowhere(self, host: Lab) -> None:
        host.engine.build("acme/own:dev")
        host.engine.run("own", "acme/own:dev")
        assert host.check(checks=ONLY).finding("own", "source").code == "local-build"


class TestNotKnowing:
    @pytest.mark.parametrize("path", [r"/referrers/", r"\.att$"])
    @pytest.mark.parametrize(
        ("fault", "code"),
        [
            (faults.status(403, "DENIED"), "unauthorized"),
            (faults.status(500), "unreachable"),
            (faults.html(), "bad-answer"),
        ],
        ids=["denied", "broken", "html"],
    )
    def test_no_answer_is_never_unknown_source_nor_claimed(
        self, host: Lab, path: str, fault: faults.Fault, code: str
    ) -> None:
        image = host.registry.push_image("acme/app", "1", labels=labels())
        host.registry.fail(fault, path=path)
        assert source(host, image).code == code

    def test_what_cannot_be_read_may_be_the_proof(self, host: Lab) -> None:
        key = forge.new_key()
        image = host.registry.push_image("acme/app", "1", labels=labels())
        built.attest(host.registry, image, key, built.v1())
        host.registry.fail(faults.status(500), path="/blobs/")
        assert source(host, image, trust_policies=policy(host, key)).code == "unreachable"


class TestHostile:
    @pytest.mark.parametrize("attest", [built.attest, built.attest_by_bundle], ids=["att", "bundle"])
    @pytest.mark.parametrize(
        ("kind", "code"),
        [
            ("32 MB", "unknown-source"),
            ("10,000 materials", "source-verified"),
            ("1,000 subjects", "source-verified"),
            ("10,000 deep", "unknown-source"),
        ],
    )
    def test_provenance_that_costs_is_looked_at_or_left_and_nothing_is_lost(
        self, host: Lab, attest: Any, kind: str, code: str
    ) -> None:
        key = forge.new_key()
        image = host.registry.push_image("acme/app", "1")
        attest(host.registry, image, key, built.HOSTILE[kind]())
        host.run("other", host.registry.push_image("acme/other", "1", labels=labels()))
        found = source(host, image, trust_policies=policy(host, key))
        assert found.code == code, found.message
        assert len(str(found.details)) < 20_000
        assert host.check(checks=ONLY).finding("other", "source").code == "source-claimed"

    def test_a_layer_that_says_it_is_small_is_read_no_further(self, host: Lab) -> None:
        key = forge.new_key()
        image = host.registry.push_image("acme/app", "1", labels=labels())
        built.attest(host.registry, image, key, built.v1())
        host.registry.fail(faults.huge(), path="/blobs/")
        assert source(host, image, trust_policies=policy(host, key)).code == "bad-answer"


class TestLastTime:
    def test_another_builder_and_another_source_are_told_until_the_policy_names_them(self, host: Lab) -> None:
        key = forge.new_key()
        trust = policy(host, key)
        image = host.registry.push_image("acme/app", "1")
        built.attest(host.registry, image, key, built.v1())
        host.run("web", image)
        assert "first seen" in verified(host, trust).message
        assert "first seen" not in verified(host, trust).message

        newer = host.registry.push_image("acme/app", "1", created="2026-11-02T00:00:00Z")
        other = {**built.v1(OTHER), "runDetails": {"builder": {"id": "https://ci.example.org/new"}}}
        built.attest(host.registry, newer, key, other)
        replaced(host, newer)
        for _ in range(2):
            checked = host.check(checks=ONLY, trust_policies=trust)
            assert checked.outcome.state is State.CRITICAL
            assert checked.metric("signer_changed") == 1
            told = [one.finding for one in checked.judged("web").findings if one.finding.code == "signer-changed"]
            assert any(BUILDER in one.message and "https://ci.example.org/new" in one.message for one in told)
            assert any(REPOSITORY in one.message and OTHER in one.message for one in told)
            host.time += 86_400

        rule = 'source = ["https://github.com/evil/*"]\nbuilders = ["https://ci.example.org/*"]'
        assert "signer-changed" not in codes(host, policy(host, key, rule))

    def test_a_new_release_of_the_same_workflow_is_the_same_builder(self, host: Lab) -> None:
        key, trust = (key := forge.new_key()), policy(host, key)
        workflow = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/"
        for release in ("v1", "v2"):
            image = host.registry.push_image("acme/app", "1", labels={"release": release})
            predicate = {**built.v1(), "runDetails": {"builder": {"id": workflow + release}}}
            built.attest(host.registry, image, key, predicate)
            replaced(host, image)
            assert "signer-changed" not in codes(host, trust)

    def test_a_run_without_the_policy_that_proves_it_sees_no_other_builder(self, host: Lab) -> None:
        key = forge.new_key()
        trust = policy(host, key)
        image = host.registry.push_image("acme/app", "1")
        built.attest(host.registry, image, key, built.v1())
        host.run("web", image)
        assert verified(host, trust).code == "source-verified"
        assert "signer-changed" not in codes(host, ())

    def test_proof_that_is_gone_is_told(self, host: Lab) -> None:
        key = forge.new_key()
        trust = policy(host, key)
        image = host.registry.push_image("acme/app", "1", labels=labels())
        built.attest(host.registry, image, key, built.v1())
        host.run("web", image)
        assert verified(host, trust).code == "source-verified"
        replaced(host, host.registry.push_image("acme/app", "1", labels=labels(), created="2026-11-02T00:00:00Z"))
        assert codes(host, trust) == {"source-claimed", "signer-changed"}


def replaced(host: Lab, image: Any) -> None:
    """The container runs another image now."""
    with suppress(LookupError):
        host.engine.remove_container("web")
    host.run("web", image)


def verified(host: Lab, trust: tuple[str, ...]) -> Finding:
    return host.check(checks=ONLY, trust_policies=trust).finding("web", "source")


def codes(host: Lab, trust: tuple[str, ...]) -> set[str]:
    findings = host.check(checks=ONLY, trust_policies=trust).judged("web").findings
    return {one.finding.code for one in findings}


class TestBase:
    """The base image that labels or provenance name, against what its tag names today."""

    def of(self, host: Lab, base: Any, *, digest: str | None = None, named: str | None = None) -> dict[str, str]:
        return {f"{OCI}base.name": named or base.reference, f"{OCI}base.digest": digest or base.digest}

    def findings(self, host: Lab, **changes: Any) -> list[Finding]:
        judged = host.check(checks=ONLY, **changes).judged("web").findings
        return [one.finding for one in judged if one.finding.code != "source-claimed"]

    def test_moved_is_listed_and_no_alarm_unless_it_has_a_range(self, host: Lab) -> None:
        base = host.registry.push_image("base/os", "3")
        image = host.registry.push_image("acme/app", "1", labels={**labels(), **self.of(host, base)})
        host.run("web", image)
        assert self.findings(host) == []
        today = host.registry.push_image("base/os", "3", created="2026-11-20T00:00:00Z")
        [found] = self.findings(host)
        assert (found.code, found.details["base"]) == ("base-outdated", base.reference)
        assert (found.details["base_digest"], found.details["published_digest"]) == (base.digest, today.digest)
        assert "as it claims" in found.message
        quiet, loud = (host.check(checks=ONLY, warning=ranges) for ranges in ({}, {"base_outdated": "0"}))
        assert quiet.metric("base_outdated") == 1
        assert (quiet.outcome.state, loud.outcome.state) == (State.OK, State.WARNING)

    def test_the_platform_decides_not_the_index(self, host: Lab) -> None:
        manifest = host.registry.push_image("base/os", platform=AMD64)
        index = host.registry.push_index("base/os", "3", [manifest])
        image = host.registry.push_image("acme/app", "1", labels={**labels(), **self.of(host, index)})
        host.run("web", image)
        host.registry.push_index("base/os", "3", [manifest], attestations=True)
        assert self.findings(host) == []
        host.registry.push_index("base/os", "3", [host.registry.push_image("base/os", created="2026-11-20T00:00:00Z")])
        assert [one.code for one in self.findings(host)] == ["base-outdated"]

    def test_gone_is_named(self, host: Lab) -> None:
        base = host.registry.push_image("base/bad", "3")
        host.registry.push_image("base/bad", "4")
        host.run("web", host.registry.push_image("acme/app", "1", labels={**labels(), **self.of(host, base)}))
        host.registry.delete_tag("base/bad", "3")
        [found] = self.findings(host)
        assert found.code == "base-outdated"
        assert f"{base.reference} is gone" in found.message

    def test_on_a_dead_registry_is_an_open_question_that_alarms_only_who_asked(self, host: Lab) -> None:
        with RegistryServer() as dead:
            base = dead.push_image("base/os", "3")
        host.run("web", host.registry.push_image("acme/app", "1", labels={**labels(), **self.of(host, base)}))
        [found] = self.findings(host)
        assert (found.verdict, found.code) == (Verdict.INCONCLUSIVE, "unreachable")
        assert base.reference in found.message
        quiet, asked = (host.check(checks=ONLY, warning=ranges) for ranges in ({}, {"base_outdated": "0"}))
        assert (quiet.outcome.state, quiet.metric("not_checked")) == (State.OK, 0)
        assert (asked.outcome.state, asked.metric("not_checked")) == (State.UNKNOWN, 1)

    def test_one_head_for_a_base_that_many_have(self, host: Lab) -> None:
        base = host.registry.push_image("base/os", "3")
        for number in range(5):
            named = {**labels(), **self.of(host, base), "number": str(number)}
            host.run(f"web-{number}", host.registry.push_image(f"acme/app{number}", "1", labels=named))
        host.check(checks=ONLY)
        assert len(host.registry.requests(path="^/v2/base/")) == 1

    def test_that_only_buildkit_names_is_not_proven_by_a_signature_beside_it(self, host: Lab) -> None:
        key = forge.new_key()
        base = host.registry.push_image("base/os", "3", layers=[b"os"])
        image = host.registry.push_image("acme/app", platform=AMD64, layers=[b"os", b"app"])
        context = {**built.git_context(), "materials": [built.material(base)]}
        index = built.with_buildkit(host.registry, "1", image, context)
        built.attest(host.registry, index, key, built.v1())
        found = source(host, index, trust_policies=policy(host, key))
        assert found.code == "source-verified", found.message
        assert found.details["base"] == {"name": base.reference, "digest": base.digest, "proven": False}

    def test_unknown_says_nothing(self, host: Lab) -> None:
        told = {**labels(), f"{OCI}base.name": "Not A Reference", f"{OCI}base.digest": "sha256:1"}
        host.run("web", host.registry.push_image("acme/app", "1", labels=told))
        assert self.findings(host) == []

    def test_a_label_cannot_aim_the_check_at_this_machine(self, host: Lab) -> None:
        subject = replace(SUBJECT, reference=parse("registry.example.com/acme/app:1"))
        context = SimpleNamespace(policy=None)
        for name in ("127.0.0.1:2375/x/y:1", "localhost:5000/x/y:1", "169.254.169.254/x/y:1", "[::1]:5000/x/y:1"):
            assert not base_images._may_be_asked(parse(name), subject, context), name
        assert base_images._may_be_asked(parse("docker.io/library/alpine:3"), subject, context)

    def test_of_provenance_it_is_the_image_whose_layers_begin_ours(self, host: Lab) -> None:
        small = host.registry.push_image("base/os", "3", layers=[b"os"])
        large = host.registry.push_image("base/runtime", "3", layers=[b"os", b"runtime"])
        tool = host.registry.push_image("tool/compiler", "9", layers=[b"tool"])
        image = host.registry.push_image(
            "acme/app", platform=AMD64, layers=[b"os", b"runtime", b"app"], labels=labels()
        )
        used = [built.material(one) for one in (tool, small, large)]
        host.run("web", built.with_buildkit(host.registry, "1", image, {**built.git_context(), "materials": used}))
        found = host.check(checks=ONLY).finding("web", "source")
        assert found.details["base"] == {"name": large.reference, "digest": large.digest, "proven": False}
        assert len(found.details["materials"]) == 3
        host.registry.push_image("base/runtime", "3", layers=[b"os", b"new"])
        assert [one.code for one in self.findings(host)] == ["base-outdated"]

    def test_an_engine_that_tells_no_layers_costs_the_base_alone(self, host: Lab) -> None:
        base = host.registry.push_image("base/os", "3", layers=[b"os"])
        image = host.registry.push_image("acme/app", platform=AMD64, layers=[b"os", b"app"], labels=labels())
        context = {**built.git_context(), "materials": [built.material(base)]}
        with lab(host.folder / "containerd", CONTAINERD) as other:
            other.run("web", built.with_buildkit(host.registry, "1", image, context))
            other.engine.fail(faults.status(500), path="/images/sha256:")
            found = other.check(checks=ONLY).finding("web", "source")
        assert found.code == "source-claimed", found.message
        assert "base" not in found.details

    def test_of_signed_provenance_it_is_proven(self, host: Lab) -> None:
        key = forge.new_key()
        base = host.registry.push_image("base/os", "3", layers=[b"os"])
        image = host.registry.push_image("acme/app", "1", layers=[b"os", b"app"])
        built.attest(host.registry, image, key, built.v1(materials=[built.material(base)]))
        found = source(host, image, trust_policies=policy(host, key))
        assert found.details["base"] == {"name": base.reference, "digest": base.digest, "proven": True}


class TestCost:
    def test_an_image_with_provenance_costs_three_requests_more_at_most_and_none_while_kept(self, host: Lab) -> None:
        key = forge.new_key()
        others, trust = ("updates", "restarts", "signatures"), policy(host, key)
        images = {
            "att": host.registry.push_image("acme/att", "1"),
            "bundle": host.registry.push_image("acme/bundle", "1"),
            "buildkit": built.with_buildkit(
                host.registry, "1", host.registry.push_image("acme/buildkit", platform=AMD64), built.git_context()
            ),
        }
        built.attest(host.registry, images["att"], key, built.v1())
        built.attest_by_bundle(host.registry, images["bundle"], key, built.v1())
        for name, image in images.items():
            host.run(name, image)
            include = (_named(name),)
            host.check(checks=others, trust_policies=trust, include=include)
            without = len(host.registry.requests())
            host.registry.log.clear()
            host.check(checks=(*others, "source"), trust_policies=trust, include=include)
            assert len(host.registry.requests()) - without <= 3, name
            host.registry.log.clear()
            host.check(checks=(*others, "source"), trust_policies=trust, include=include, no_cache=False)
            host.registry.log.clear()
            kept = host.check(checks=(*others, "source"), trust_policies=trust, include=include, no_cache=False)
            assert host.registry.requests() == []
            assert kept.finding(name, "source").code == ("source-claimed" if name == "buildkit" else "source-verified")
            host.registry.log.clear()


def _named(name: str) -> Any:
    from container_updates.settings import Selector

    return Selector("name", name)
