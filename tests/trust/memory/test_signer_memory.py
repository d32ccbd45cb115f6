"""Who signed last time, run by run on the embedded lab, and what becomes of that when a run or the disk fails."""

import itertools
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from container_updates.actions import signer_memory
from container_updates.clock import Clock
from container_updates.demo import faults
from container_updates.demo.registry.content import PushedImage
from container_updates.errors import CheckError
from container_updates.model import Finding, State, Verdict
from container_updates.options import parser
from container_updates.reference import parse
from container_updates.report.text import failure
from container_updates.settings import Settings
from container_updates.state.store import Store
from container_updates.trust.memory import identity, table
from container_updates.trust.memory.identity import fingerprint
from container_updates.trust.memory.signer_memory import Memory
from tests.support import forge
from tests.support.lab import Checked, Lab, lab
from tests.support.paths import ROOT
from tests.support.signed import Signer

ONLY = ("signatures",)
DAY = 86400.0


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


class Publisher:
    """Publishes one image after another under tags of app/web, and runs them as `web`."""

    def __init__(self, host: Lab) -> None:
        self.host = host
        self.acme, self.other = Signer(host.registry), Signer(host.registry)
        self.number = 0

    def publish(self, *signers: Signer, tag: str = "1", name: str = "web") -> PushedImage:
        """A new image with these signatures, pulled and started at once."""
        self.number += 1
        created = f"2026-11-01T00:{self.number // 60:02}:{self.number % 60:02}Z"
        image = self.host.registry.push_image("app/web", tag, created=created)
        for signer in signers[:1]:
            signer.classic(image)
        for signer in signers[1:]:
            signer.bundle(image)
        if self.number > 1 and name == "web":
            self.host.engine.remove_container(name)
        self.host.run(name, image)
        return image

    def policy(self, signer: Signer, images: str = "**") -> tuple[str, ...]:
        """A policy that names one of the two."""
        return (str(signer.policy(self.host.folder, images)),)


def says(checked: Checked, name: str = "web") -> Finding:
    """The one finding on the signatures of a container."""
    return checked.finding(name, "signatures")


def terminal(host: Lab, *argv: str, exit_code: int = 0) -> str:
    """What is printed where no check is made; the lab's clock instead of the host's."""
    try:
        settings = parser.parse([*argv, f"--state-dir={host.folder}/state"], {}, terminal=False)
        assert isinstance(settings, Settings)
        code, text = 0, signer_memory.answer(settings, host.clock)
    except CheckError as error:
        code, text = 3, failure(str(error))
    assert code == exit_code, text
    return text


def test_a_story_of_two_signers(host: Lab) -> None:
    publisher = Publisher(host)
    acme, other = publisher.acme, publisher.other
    policy = publisher.policy(acme)

    publisher.publish(acme)
    first = host.check(checks=ONLY, trust_policies=policy)
    assert says(first).code == "signed"
    assert says(first).message.endswith(", first seen")
    assert says(first).details["first_seen"] is True
    host.time += DAY
    same = says(host.check(checks=ONLY, trust_policies=policy))
    assert (same.code, same.message.endswith(", first seen")) == ("signed", False)
    assert "first_seen" not in same.details

    publisher.publish(acme, tag="2")
    host.time += DAY
    assert says(host.check(checks=ONLY, trust_policies=policy)).code == "signed"

    publisher.publish(other, tag="2")
    host.time += DAY
    for _ in range(2):
        changed = host.check(checks=ONLY, trust_policies=policy)
        assert says(changed).code == "signer-changed", says(changed)
        assert changed.outcome.state is State.CRITICAL
        assert changed.metric("signer_changed") == 1
        [before], [now] = says(changed).details["before"], says(changed).details["now"]
        assert before["name"] == "signer.pub"
        assert now == {"kind": "unknown"}
        host.time += DAY

    assert "signer.pub" in terminal(host, "--memory")
    assert terminal(host, f"--accept={host.registry.host}/app/*").startswith(f"{host.registry.host}/app/web: accepted")
    accepted = says(host.check(checks=ONLY, trust_policies=policy))
    # Nobody here has the other key: that it is the right one does not make it one that can be verified.
    assert accepted.code == "unverifiable"

    publisher.publish(acme, tag="2")
    assert host.check(checks=ONLY, trust_policies=policy).outcome.state is State.OK
    publisher.publish(tag="2")
    host.time += DAY
    gone = host.check(checks=ONLY, trust_policies=policy)
    assert says(gone).code == "signer-changed"
    assert gone.outcome.state is State.CRITICAL
    assert says(gone).details["now"] == [{"kind": "none"}]
    assert gone.metric("unsigned") == 1

    third = Signer(host.registry)
    publisher.publish(third, tag="2")
    host.time += DAY
    named = says(host.check(checks=ONLY, trust_policies=publisher.policy(third)))
    assert named.code == "signed"
    assert named.message.endswith(", first seen")


def test_an_accepted_key_of_the_policy_may_sign_as_if_the_rule_named_it(host: Lab) -> None:
    publisher = Publisher(host)
    acme, other = publisher.acme, publisher.other
    folder = host.folder
    (folder / "acme.pub").write_bytes(forge.pem(acme.key))
    (folder / "other.pub").write_bytes(forge.pem(other.key))
    file = folder / "two.toml"
    file.write_text(
        f'version = 1\n[[rule]]\nimages = ["{host.registry.host}/app/web"]\n'
        '[[rule.signer]]\ntype = "key"\nfile = "acme.pub"\n'
        '[[rule]]\nimages = ["example.com/elsewhere"]\n[[rule.signer]]\ntype = "key"\nfile = "other.pub"\n'
    )
    policy = (str(file),)
    publisher.publish(acme)
    assert says(host.check(checks=ONLY, trust_policies=policy)).code == "signed"
    image = publisher.publish(other)
    changed = says(host.check(checks=ONLY, trust_policies=policy))
    assert changed.code == "signer-changed"
    assert ("other.pub" in changed.message, "acme.pub" in changed.message) == (True, True)
    assert changed.details["now"][0]["fingerprint"] == fingerprint(forge.spki(other.key))
    terminal(host, f"--accept={image.reference}")
    host.time += DAY
    accepted = host.check(checks=ONLY, trust_policies=policy)
    assert says(accepted).code == "signed"
    assert "accepted on 2026-11-24" in says(accepted).message
    assert accepted.outcome.state is State.OK


def test_a_key_is_changed_by_signing_with_both_for_a_while(host: Lab) -> None:
    publisher = Publisher(host)
    acme, other = publisher.acme, publisher.other
    folder = host.folder
    (folder / "acme.pub").write_bytes(forge.pem(acme.key))
    (folder / "other.pub").write_bytes(forge.pem(other.key))
    rules = [
        f'[[rule]]\nimages = ["{name}.example/x"]\n[[rule.signer]]\ntype = "key"\nfile = "{name}.pub"\n'
        for name in ("acme", "other")
    ]
    (folder / "keys.toml").write_text("version = 1\n" + "".join(rules))
    policy = (str(folder / "keys.toml"),)
    seen_by = []
    for signers in ([acme], [acme, other], [acme, other], [acme, other], [other]):
        publisher.publish(*signers)
        host.time += 8 * DAY
        seen_by.append(says(host.check(checks=ONLY, trust_policies=policy)))
    assert [one.code for one in seen_by] == ["unverifiable"] * 5
    assert "new beside it" in seen_by[1].message
    assert len(seen_by[1].details["joined"]) == 1


def test_two_steps_do_not_change_a_signer_unseen(host: Lab) -> None:
    publisher = Publisher(host)
    acme, other = publisher.acme, publisher.other
    (host.folder / "other.pub").write_bytes(forge.pem(other.key))
    (host.folder / "acme.pub").write_bytes(forge.pem(acme.key))
    rules = [
        f'[[rule]]\nimages = ["{name}.example/x"]\n[[rule.signer]]\ntype = "key"\nfile = "{name}.pub"\n'
        for name in ("acme", "other")
    ]
    (host.folder / "keys.toml").write_text("version = 1\n" + "".join(rules))
    policy = (str(host.folder / "keys.toml"),)
    codes = []
    for signers in ([acme], [acme, other], [other]):
        publisher.publish(*signers)
        host.time += DAY
        codes.append(says(host.check(checks=ONLY, trust_policies=policy)).code)
    assert codes == ["unverifiable", "unverifiable", "signer-changed"]
    terminal(host, f"--accept={host.registry.host}/app/*")
    publisher.publish(other)
    assert says(host.check(checks=ONLY, trust_policies=policy)).code == "signed"


@pytest.mark.parametrize("kind", ["classic", "bundle", "notation"])
def test_a_run_without_the_policy_sees_no_other_signer(host: Lab, kind: str) -> None:
    publisher = Publisher(host)
    image = publisher.publish()
    getattr(publisher.acme, kind)(image)
    policy = publisher.policy(publisher.acme)
    assert says(host.check(checks=ONLY, trust_policies=policy)).code == "signed"
    for _ in range(2):
        host.time += DAY
        assert says(host.check(checks=ONLY)).code == "unverifiable"
    # The next update, too, is signed: nobody here can say by whom, and nobody has disproved that it is as before.
    getattr(publisher.acme, kind)(publisher.publish())
    assert says(host.check(checks=ONLY)).code == "unverifiable"
    assert says(host.check(checks=ONLY, trust_policies=policy)).code == "signed"


def test_a_renewed_certificate_of_the_authority_in_the_policy_is_no_other_signer(host: Lab) -> None:
    publisher = Publisher(host)
    acme = publisher.acme
    acme.notation(publisher.publish())
    policy = publisher.policy(acme)
    assert says(host.check(checks=ONLY, trust_policies=policy)).code == "signed"
    host.time += DAY
    renewed = forge.certify("acme ca", authority=True, key=acme.authority.key)
    (host.folder / "ca.crt").write_bytes(renewed.certificate.public_bytes(forge.Encoding.PEM))
    assert says(host.check(checks=ONLY, trust_policies=policy)).code == "unverifiable"


@pytest.mark.parametrize("kind", ["classic", "bundle", "notation"])
def test_another_signer_is_told_as_before_while_the_policy_stays_what_it_is(host: Lab, kind: str) -> None:
    publisher = Publisher(host)
    policy = publisher.policy(publisher.acme)
    getattr(publisher.acme, kind)(publisher.publish())
    assert says(host.check(checks=ONLY, trust_policies=policy)).code == "signed"
    host.time += DAY
    getattr(publisher.other, kind)(publisher.publish())
    assert says(host.check(checks=ONLY, trust_policies=policy)).code == "signer-changed"


def test_a_signature_that_is_gone_is_told_whatever_the_policy(host: Lab) -> None:
    publisher = Publisher(host)
    publisher.publish(publisher.acme)
    assert says(host.check(checks=ONLY, trust_policies=publisher.policy(publisher.acme))).code == "signed"
    publisher.publish()
    assert says(host.check(checks=ONLY)).code == "signer-changed"


def test_a_changed_signer_is_told_from_kept_verdicts_too(host: Lab) -> None:
    publisher = Publisher(host)
    policy = publisher.policy(publisher.acme)
    publisher.publish(publisher.acme)
    host.check(checks=ONLY, trust_policies=policy, no_cache=False)
    publisher.publish(publisher.other)
    first = says(host.check(checks=ONLY, trust_policies=policy, no_cache=False))
    asked = len(host.registry.requests())
    again = says(host.check(checks=ONLY, trust_policies=policy, no_cache=False))
    assert (first.code, again) == ("signer-changed", first)
    assert len(host.registry.requests()) == asked


def test_another_policy_is_no_other_signer(host: Lab) -> None:
    publisher = Publisher(host)
    publisher.publish(publisher.acme)
    host.check(checks=ONLY, trust_policies=publisher.policy(publisher.acme))
    found = says(host.check(checks=ONLY))
    assert found.code == "unverifiable"
    assert "signer.pub" in found.message


def test_from_unsigned_to_signed_is_no_alarm_and_back_again_is_one(host: Lab) -> None:
    publisher = Publisher(host)
    policy = publisher.policy(publisher.acme)
    codes = []
    for signers in ([], [publisher.acme], []):
        publisher.publish(*signers)
        host.time += DAY
        codes.append(says(host.check(checks=ONLY, trust_policies=policy)).code)
    assert codes == ["unsigned", "signed", "signer-changed"]


def test_a_repository_of_signed_and_unsigned_tags_is_left_alone(host: Lab) -> None:
    publisher = Publisher(host)
    policy = publisher.policy(publisher.acme)
    publisher.publish(publisher.acme, name="signed")
    publisher.publish(tag="2", name="plain")
    for _ in range(3):
        checked = host.check(checks=ONLY, trust_policies=policy)
        assert (says(checked, "signed").code, says(checked, "plain").code) == ("signed", "unsigned")
        host.time += DAY


def test_what_could_not_be_checked_is_neither_compared_nor_remembered(host: Lab) -> None:
    publisher = Publisher(host)
    policy = publisher.policy(publisher.acme)
    publisher.publish(publisher.acme)
    host.check(checks=ONLY, trust_policies=policy)
    before = terminal(host, "--memory")
    host.registry.fail(faults.status(500), path=r"\.sig$")
    assert says(host.check(checks=ONLY, trust_policies=policy)).code == "unreachable"
    assert terminal(host, "--memory") == before


def test_accepting_what_nobody_waits_for_is_one_line_and_changes_nothing(host: Lab) -> None:
    publisher = Publisher(host)
    publisher.publish(publisher.acme)
    host.check(checks=ONLY)
    before = terminal(host, "--memory")
    told = terminal(host, "--accept=ghcr.io/acme/**", exit_code=3)
    assert told.count("\n") == 1
    assert "no changed signer" in told
    assert terminal(host, "--memory") == before
    assert "contradict" in terminal(host, "--accept=ghcr.io/acme/**", "--check=all", exit_code=3)


def test_the_memory_as_data(host: Lab) -> None:
    publisher = Publisher(host)
    publisher.publish(publisher.acme)
    host.check(checks=ONLY, trust_policies=publisher.policy(publisher.acme))
    publisher.publish()
    host.check(checks=ONLY)
    [told] = json.loads(terminal(host, "--memory", "--output=json"))["remembered"]
    assert (told["repository"], told["role"]) == (f"{host.registry.host}/app/web", "signer")
    [known], [change] = told["known"], told["changes"]
    assert known["fingerprint"] == fingerprint(forge.spki(publisher.acme.key))
    assert known["first_seen"].startswith("2026-11-24T")
    assert change["now"] == [{"kind": "none"}]


def test_a_state_folder_that_is_gone_is_a_first_run(host: Lab) -> None:
    publisher = Publisher(host)
    policy = publisher.policy(publisher.acme)
    publisher.publish(publisher.acme)
    host.check(checks=ONLY, trust_policies=policy)
    shutil.rmtree(host.folder / "state")
    found = host.check(checks=ONLY, trust_policies=policy)
    assert says(found).message.endswith(", first seen")
    assert found.outcome.problems == ()


def _cut(size: int) -> Callable[[Path], None]:
    def cut(file: Path) -> None:
        os.truncate(file, size)

    return cut


def _overwrite(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


@pytest.mark.parametrize(
    "spoil",
    [
        Path.unlink,
        _cut(0),
        _cut(1000),
        _cut(4096),
        _cut(8192),
        _overwrite,
        lambda file: file.write_bytes(b"no database" * 500),
    ],
    ids=["deleted", "empty", "cut", "cut-after-one-page", "cut-after-two-pages", "overwritten", "other"],
)
def test_a_lost_memory_is_said_once_and_begun_anew(host: Lab, spoil: Callable[[Path], None]) -> None:
    publisher = Publisher(host)
    policy = publisher.policy(publisher.acme)
    publisher.publish(publisher.acme, name="web")
    publisher.publish(publisher.acme, tag="2", name="more")
    host.check(checks=ONLY, trust_policies=policy)
    spoil(host.folder / "state" / "memory.sqlite")
    lost = host.check(checks=ONLY, trust_policies=policy)
    for name in ("web", "more"):
        known, unsaid = lost.findings(name, "signatures")
        assert (known.code, unsaid.code, unsaid.verdict) == ("signed", "bad-answer", Verdict.INCONCLUSIVE)
        assert known.message.endswith(", first seen")
        assert "was lost" in unsaid.message
    assert lost.outcome.state is State.UNKNOWN
    [problem] = lost.outcome.problems
    assert problem.where.endswith("memory.sqlite")
    again = host.check(checks=ONLY, trust_policies=policy)
    assert says(again).code == "signed"
    assert not says(again).message.endswith("first seen")
    assert again.outcome.problems == ()


def test_a_folder_that_cannot_be_used_is_said_once_and_the_check_goes_on(host: Lab) -> None:
    publisher = Publisher(host)
    publisher.publish(publisher.acme)
    (host.folder / "state").mkdir(mode=0o777)
    (host.folder / "state").chmod(0o777)
    found = host.check(checks=ONLY, trust_policies=publisher.policy(publisher.acme))
    assert says(found).code == "signed"
    assert sorted(Path(problem.where).name for problem in found.outcome.problems) == ["memory.sqlite", "state.sqlite"]


def test_a_memory_that_is_there_and_cannot_be_read_is_no_silence(host: Lab) -> None:
    publisher = Publisher(host)
    policy = publisher.policy(publisher.acme)
    publisher.publish(publisher.acme)
    host.check(checks=ONLY, trust_policies=policy)
    publisher.publish(publisher.other)
    assert says(host.check(checks=ONLY, trust_policies=policy)).code == "signer-changed"
    with sqlite3.connect(host.folder / "state" / "memory.sqlite", isolation_level=None) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("DELETE FROM rows WHERE number < 0")
        _, unsaid = host.check(checks=ONLY, trust_policies=policy).findings("web", "signatures")
        assert (unsaid.code, "cannot be read" in unsaid.message) == ("bad-answer", True)
        other.execute("ROLLBACK")
    other.close()
    assert says(host.check(checks=ONLY, trust_policies=policy)).code == "signer-changed"


RUNS = """
import os, sys, threading
from container_updates.clock import Clock
from container_updates.reference import parse
from container_updates.reference import parse
from container_updates.state.store import Store
from container_updates.trust.memory import table, identity
from container_updates.trust.memory.signer_memory import Memory
from container_updates.trust.memory.identity import Seen

folder = sys.argv[1]

def run(name, number):
    store = Store(folder, clock=Clock())
    memory = Memory(folder, facts=store, clock=Clock())
    for image in ("common", f"{name}/{number}"):
        seen = frozenset({Seen("key", fingerprint="sha256:common"), Seen("key", fingerprint=f"sha256:{name}-{number}")})
        found = memory.compare(parse(f"registry.example.com/{image}"), "signer", seen, "sha256:a", named=False)
        assert found.changed is None, found
    memory.close()
    store.close()
    print(number, *[problem.message for problem in memory.problems + store.problems], flush=True)

for line in sys.stdin:
    name, number, pause = line.split()
    child = os.fork()
    if not child:
        while True:
            number = int(number) + 1
            run(name, number)
            threading.Event().wait(float(pause))
    print("process", child, flush=True)
    os.waitpid(child, 0)
    print("dead", flush=True)
"""
"""Told a name and a number, lets a process make one run after another, each with a repository of its own."""


class Runs:
    """Processes of the plugin's memory, one after another."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", RUNS, str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._pid = 0
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    def start(self, name: str, number: int, *, pause: float = 0.0) -> None:
        """Begin with the run after `number`; returns once one has ended."""
        self._stdin.write(f"{name} {number} {pause}\n")
        self._stdin.flush()
        pid = ended = 0
        while not (pid and ended):
            word, *rest = self._stdout.readline().split()
            pid, ended = (int(rest[0]), ended) if word == "process" else (pid, int(word))
        self._pid = pid

    def kill(self) -> int:
        """Kill it; returns the last run that was told to have ended."""
        os.kill(self._pid, signal.SIGKILL)
        number = 0
        for line in self._stdout:
            if line == "dead\n":
                return number
            first, *problems = line.split()
            assert problems == [], line
            number = int(first)
        raise AssertionError("the process ended by itself")

    def close(self) -> None:
        """End the process that starts them."""
        self._stdin.close()
        self._process.wait()
        self._stdout.close()


def test_kill_9_at_any_moment_loses_at_most_the_last_run(tmp_path: Path) -> None:
    """Fifty times, while a second plugin writes into the same folder all the time."""
    chance = random.Random(6)
    folder = tmp_path / "state"
    victim, other = Runs(folder), Runs(folder)
    other.start("other", 0, pause=0.05)
    ended = [0]
    for _ in range(50):
        victim.start("victim", ended[-1] + 1)
        threading.Event().wait(chance.random() * 0.02)
        ended.append(max(victim.kill(), ended[-1] + 2))
    others = other.kill()
    victim.close()
    other.close()
    store = Store(str(folder), clock=Clock())
    memory = Memory(str(folder), facts=store, clock=Clock())
    remembered = {repository for repository, _ in memory.everything()}
    memory.close()
    store.close()
    assert memory.problems == []
    assert remembered >= {f"registry.example.com/other/{number}" for number in range(1, others + 1)}
    for before, last in itertools.pairwise(ended):
        # The number after one that was killed is left free: that run may have ended without having told so.
        assert remembered >= {f"registry.example.com/victim/{number}" for number in range(before + 2, last + 1)}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Callable[[], Memory]]:
    """Makes a memory of its own run; `close` ends it."""
    store = Store(str(tmp_path / "state"), clock=Clock())
    yield lambda: Memory(str(tmp_path / "state"), facts=store, clock=Clock())
    store.close()


def test_what_follows_from_a_changed_signer_is_not_told_again(memory: Callable[[], Memory]) -> None:
    image, one, other = parse("example.com/acme/app:1"), "https://example.com/one", "https://example.com/other"
    source = identity.source("https://github.com/acme/app")
    for who, expected in ((one, [False] * 3), (other, [True, False, False])):
        run = memory()
        signer = identity.signer({"kind": "keyless", "identity": who, "issuer": "https://issuer.example"})
        told = [
            run.compare(image, role, frozenset({now}), "sha256:a", named=False).changed is not None
            for role, now in (("signer", signer), ("builder", identity.builder(who)), ("source", source))
        ]
        assert told == expected
        run.close()
    run = memory()
    elsewhere = frozenset({identity.source("https://github.com/evil/app")})
    assert run.compare(image, "builder", frozenset(), "sha256:b", named=False).changed is not None
    assert run.compare(image, "source", elsewhere, "sha256:b", named=False).changed is not None


def test_a_run_that_meets_what_the_last_one_met_writes_nothing(memory: Callable[[], Memory], tmp_path: Path) -> None:
    image, who = parse("example.com/acme/app:1"), frozenset({identity.source("https://github.com/acme/app")})
    for _ in range(2):
        run = memory()
        run.compare(image, "source", who, "sha256:a", named=False)
        run.close()
    with closing(sqlite3.connect(tmp_path / "state" / "memory.sqlite")) as file:
        assert file.execute("SELECT count(*) FROM rows").fetchone() == (1,)


def test_the_memory_has_a_size_and_keeps_what_is_in_force(
    memory: Callable[[], Memory], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "_EACH", 10)
    monkeypatch.setattr(table, "_ALL", 12)
    who = frozenset({identity.source("https://github.com/acme/app")})
    for number in range(30):
        run = memory()
        run.compare(parse("example.com/acme/app:1"), "source", who, f"sha256:{number}", named=False)
        run.compare(parse(f"example.com/acme/app{number}:1"), "source", who, "sha256:0", named=False)
        run.close()
    problems = run.problems
    with closing(sqlite3.connect(tmp_path / "state" / "memory.sqlite")) as file:
        [count] = file.execute("SELECT count(*) FROM rows").fetchone()
    assert count <= 12 + 3
    assert "is full" in problems[0].message
    assert run.compare(parse("example.com/acme/app:1"), "source", frozenset(), "sha256:z", named=False).changed


def test_what_is_listed_reaches_no_terminal_as_a_control(memory: Callable[[], Memory], tmp_path: Path) -> None:
    run = memory()
    evil = frozenset({identity.source("https://evil.example/\x1b[2J\u202e\n[OK] web")})
    run.compare(parse("example.com/acme/app:1"), "source", evil, "sha256:a", named=False)
    run.close()
    settings = Settings(state_dir=str(tmp_path / "state"), memory=True)
    listed = signer_memory.answer(settings, Clock())
    assert listed.count("\n") == 1
    assert listed.removesuffix("\n").isprintable()
    as_data = signer_memory.answer(replace(settings, output="json"), Clock())
    assert as_data.removesuffix("\n").isprintable()
