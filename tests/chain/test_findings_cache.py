"""A verdict on signatures is made once: the next run says the same, asks nothing and loads no cryptography."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from container_updates.chain import Context
from container_updates.chain.findings_cache import Cached, Made
from container_updates.clock import Clock, Deadline
from container_updates.demo import faults
from container_updates.demo.registry.server import RegistryServer
from container_updates.model import EngineRegistries, Finding, Image, Subject, Verdict
from container_updates.reference import parse
from container_updates.registry import Credentials, Hosts, Registry
from container_updates.settings import Settings
from container_updates.state.store import Store
from container_updates.trust.context import TrustContext
from tests.support import forge
from tests.support.lab import NOW, Lab, lab
from tests.support.paths import ROOT
from tests.support.signed import Signer

ONLY = ("signatures",)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


@pytest.fixture
def signer(host: Lab) -> Signer:
    return Signer(host.registry)


def test_a_kept_verdict_asks_nothing_and_loads_no_cryptography(host: Lab, signer: Signer) -> None:
    for name, sign in (("classic", signer.classic), ("bundle", signer.bundle), ("notation", signer.notation)):
        image = host.registry.push_image(f"app/{name}", "1")
        sign(image)
        host.run(name, image)
    bare = host.registry.push_image("app/bare", "1")
    host.run("bare", bare)
    argv = [
        *(f"--host={host.engine.host}", "--check=signatures,source", "--output=json"),
        *(f"--docker-config={host.folder}", f"--state-dir={host.folder}/s"),
        f"--trust-policy={signer.policy(host.folder)}",
    ]
    first = _process(argv)
    codes = sorted(found["code"] for found in _findings(first))
    assert codes == ["signed", "signed", "signed", *["unknown-source"] * 4, "unsigned"]
    assert "cryptography" in first["modules"]
    asked = len(host.registry.requests())
    again = _process(argv)
    assert _findings(again) == _findings(first)
    assert len(host.registry.requests()) == asked
    assert not {"cryptography", "cbor2", "sigstore"} & set(again["modules"])
    assert not [name for name in again["modules"] if name.startswith("container_updates.signing.disc")]
    # The first run wrote into the memory, which the second was held against once more; the third finds it as it was.
    again = _process(argv)
    assert _findings(again) == _findings(first)
    assert "container_updates.trust.policy.rules" not in again["modules"]
    assert "container_updates.trust.memory.signer_memory" not in again["modules"]
    anew = _process([*argv, "--no-cache"])
    assert _findings(anew) == _findings(first)
    assert len(host.registry.requests()) > asked


def test_without_the_check_nothing_of_it_is_loaded(host: Lab, signer: Signer) -> None:
    image = host.registry.push_image("app/web", "1")
    signer.classic(image)
    host.run("web", image)
    argv = [f"--host={host.engine.host}", "--check=updates,restarts", "--output=json", f"--state-dir={host.folder}/s"]
    modules = _process([*argv, f"--docker-config={host.folder}"])["modules"]
    ours = ("container_updates.signing", "container_updates.trust", "container_updates.chain.signatures")
    others = (
        "container_updates.chain.findings_cache",
        "cryptography",
        "cbor2",
        "sigstore",
        "rfc3161_client",
        "tomllib",
    )
    assert [name for name in modules if name.startswith((*ours, *others))] == []


def test_a_package_that_was_missing_is_used_at_once(host: Lab, signer: Signer) -> None:
    image = host.registry.push_image("app/web", "1")
    signer.classic(image)
    host.run("web", image)
    argv = [
        *(f"--host={host.engine.host}", "--check=signatures", "--output=json", f"--docker-config={host.folder}"),
        *(f"--state-dir={host.folder}/s", f"--trust-policy={signer.policy(host.folder)}"),
    ]
    [before] = _findings(_process(argv, without="cryptography"))
    assert (before["code"], "lacks a Python package" in before["message"]) == ("unverifiable", True)
    [after] = _findings(_process(argv))
    assert after["code"] == "signed"


def test_another_policy_is_another_verdict(host: Lab, signer: Signer) -> None:
    image = host.registry.push_image("app/web", "1")
    signer.classic(image)
    host.run("web", image)
    policy = signer.policy(host.folder)

    def code() -> str:
        checked = host.check(checks=ONLY, trust_policies=(str(policy),), no_cache=False)
        return checked.finding("web", "signatures").code

    assert code() == "signed"
    (host.folder / "signer.pub").write_text(forge.pem(forge.new_key()).decode())
    assert code() == "unverifiable"
    policy.write_text('version = 1\n[[rule]]\nimages = ["**"]\nsignatures = "accepted"\n')
    assert code() == "accepted"


def test_another_digest_is_another_verdict(host: Lab, signer: Signer) -> None:
    image = host.registry.push_image("app/web", "1")
    signer.classic(image)
    host.run("web", image)
    policies = (str(signer.policy(host.folder)),)
    assert (
        host.check(checks=ONLY, trust_policies=policies, no_cache=False).finding("web", "signatures").code == "signed"
    )
    moved = host.registry.push_image("app/web", "1", created="2026-11-20T00:00:00Z")
    host.engine.remove_container("web")
    host.run("web", moved)
    found = host.check(checks=ONLY, trust_policies=policies, no_cache=False).finding("web", "signatures")
    assert (found.code, found.details["besides"]) == ("signer-changed", "unsigned")


@pytest.mark.parametrize(
    ("attributes", "leaf", "before", "after"),
    [
        ({"expiry": 60}, {}, "signed", "invalid-signature"),
        ({}, {"after": 60}, "signed", "invalid-signature"),
        ({}, {"before": 60}, "invalid-signature", "signed"),
    ],
    ids=["expiry", "not-after", "not-before"],
)
def test_an_edge_of_time_is_another_verdict(
    host: Lab, signer: Signer, attributes: dict[str, int], leaf: dict[str, int], before: str, after: str
) -> None:
    """One that lies within the time for which answers are kept."""
    image = host.registry.push_image("app/web", "1")
    now = datetime.fromtimestamp(NOW, UTC)
    signer.notation(
        image,
        expiry=now + timedelta(seconds=attributes["expiry"]) if attributes else None,
        **{f"not_{edge}": now + timedelta(seconds=seconds) for edge, seconds in leaf.items()},
    )
    host.run("web", image)
    policies = (str(signer.policy(host.folder)),)

    def code() -> str:
        return host.check(checks=ONLY, trust_policies=policies, no_cache=False).finding("web", "signatures").code

    assert code() == before
    host.time = NOW + 59
    assert code() == before
    asked = {request.path for request in host.registry.requests()}
    host.time = NOW + 61
    assert code() == after
    # What is good no longer sends for what else there may be; nothing is asked twice.
    paths = [request.path for request in host.registry.requests()]
    assert len(paths) == len(set(paths))
    assert {path[-4:] for path in set(paths) - asked} <= {".sig"}


def test_a_signature_that_came_is_seen_once_the_answers_are_too_old(host: Lab, signer: Signer) -> None:
    image = host.registry.push_image("app/web", "1")
    host.run("web", image)
    policy = signer.policy(host.folder)

    def code() -> str:
        found = host.check(checks=ONLY, trust_policies=(str(policy),), no_cache=False)
        return found.finding("web", "signatures").code

    assert code() == "unsigned"
    signer.classic(image)
    host.time = NOW + 500
    assert code() == "unsigned"
    # A verdict made anew of answers that are kept is not to outlive them.
    policy.write_text(policy.read_text() + "\n# edited\n")
    assert code() == "unsigned"
    host.time = NOW + 601
    assert code() == "signed"


def test_what_could_not_be_checked_is_asked_again(host: Lab, signer: Signer) -> None:
    image = host.registry.push_image("app/web", "1")
    signer.classic(image)
    host.run("web", image)
    policies = (str(signer.policy(host.folder)),)
    host.registry.fail(faults.once(faults.status(403, "DENIED")), path="/blobs/")
    first = host.check(checks=ONLY, trust_policies=policies, no_cache=False).finding("web", "signatures")
    assert first.verdict is Verdict.INCONCLUSIVE
    host.time = NOW + 90  # a registry that failed is left alone for a minute
    second = host.check(checks=ONLY, trust_policies=policies, no_cache=False).finding("web", "signatures")
    assert second.code == "signed"


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Callable[..., Context]]:
    """A context of the next run, at `seconds` after the first."""
    stores: list[Store] = []
    with RegistryServer() as server:

        def make(seconds: float = 0.0, policies: Sequence[str] = ()) -> Context:
            for store in stores:
                store.close()
            settings = Settings(docker_config=str(tmp_path))
            clock = Clock(wall=lambda: NOW + seconds)
            deadline = Deadline(30, clock)
            stores.append(Store(str(tmp_path / "state"), clock=clock))
            registry = Registry(
                hosts=Hosts(settings, EngineRegistries()),
                credentials=Credentials(settings, deadline),
                store=stores[-1],
                clock=clock,
                deadline=deadline,
                cache_ttl=600,
            )
            trust = TrustContext(policies, str(tmp_path / "state"), facts=stores[-1], clock=clock)
            return Context(registry, {}, stores[-1], clock, settings, trust)

        make.host = server.host  # type: ignore[attr-defined]
        yield make
        for store in stores:
            store.close()


def test_findings_are_kept_under_all_that_they_were_made_from(
    context: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image("", "sha256:" + "1" * 64, frozenset({"sha256:" + "2" * 64}), True)
    subject = Subject(parse(f"{context.host}/app/web:1"), image)
    fact = {"list": ["a"], "number": 3}

    def made(*findings: Finding, holds_until: datetime | None = None) -> Callable[[], Any]:
        return lambda: Made(findings, holds_until)

    def never() -> Any:
        raise AssertionError("asked")

    first = Finding("source", "source-claimed", Verdict.PASS, "first", fact)
    second = replace(first, message="second")
    assert kept("source", subject, context(), made(first)) == [first]
    assert kept("source", subject, context(599), never) == [first]
    assert kept("source", subject, context(601), made(second)) == [second]
    other = replace(subject, reference=parse(f"{context.host}/app/web:2"))
    policy = tmp_path / "policy.toml"
    policy.write_text('version = 1\n[[rule]]\nimages = ["**"]\n')
    for question, policies in (
        (other, ()),
        (replace(subject, image=replace(image, id="sha256:" + "3" * 64)), ()),
        (replace(subject, image=replace(image, digests=frozenset())), ()),
        (replace(subject, image=replace(image, manifest_digest="sha256:" + "4" * 64)), ()),
        (subject, (str(policy),)),
    ):
        assert kept("source", question, context(602, policies), made(first)) == [first]
    assert kept("signatures", subject, context(602), made(first)) == [first]
    assert kept("source", subject, context(602), made(first), under=["more"]) == [first]
    with monkeypatch.context() as newer:
        newer.setattr("container_updates.chain.findings_cache.__version__", "99")
        assert kept("source", subject, context(602), made(first)) == [first]
    assert kept("source", subject, context(603), never) == [second]


def test_findings_end_when_they_say_and_inconclusive_ones_are_not_kept(context: Any) -> None:
    subject = Subject(parse(f"{context.host}/app/web:1"), Image("", "sha256:" + "1" * 64, frozenset(), True))
    first = Finding("source", "source-claimed", Verdict.PASS, "first")
    unknown = Finding("source", "unreachable", Verdict.INCONCLUSIVE, "unknown")
    ahead = datetime.fromtimestamp(NOW + 10, UTC)
    assert kept("source", subject, context(), lambda: Made([first], ahead)) == [first]
    assert kept("source", subject, context(10), lambda: Made([unknown, first])) == [unknown, first]
    assert kept("source", subject, context(11), lambda: Made([first], ahead)) == [first]
    assert kept("source", subject, context(12), lambda: Made([unknown])) == [unknown]


def kept(
    check: str, subject: Subject, context: Context, make: Callable[[], Made], *, under: Sequence[str] = ()
) -> list[Finding]:
    """What a step says: from the cache, else as `make` has it now."""
    cached = Cached(check, subject, context, under)
    return list((cached.recall() or cached.keep(make())).findings)


def _process(argv: list[str], without: str = "") -> dict[str, Any]:
    script = (f"import sys; sys.modules[{without!r}] = None\n" if without else "") + (
        f"import sys, json; from container_updates import cli; cli.main({argv!r}, {{}})\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    root = ROOT
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=root)
    report, modules = done.stdout.splitlines()
    return {"report": json.loads(report), "modules": json.loads(modules)}


def _findings(done: dict[str, Any]) -> list[dict[str, Any]]:
    """All findings, without what the memory adds to them the first time."""
    found = [found for container in done["report"]["containers"] for found in container["findings"]]
    for one in found:
        one["message"] = one["message"].removesuffix(", first seen")
        one["details"].pop("first_seen", None)
    return found
