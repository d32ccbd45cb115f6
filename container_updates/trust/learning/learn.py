"""Today's state as a trust policy to start from (`--learn FILE`): one rule a repository."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from container_updates.clock import rfc3339
from container_updates.errors import PolicyError, UsageError
from container_updates.model import Finding, JudgedContainer, Verdict
from container_updates.reference import Reference
from container_updates.trust.learning import toml_writer
from container_updates.trust.learning.toml_writer import Inexpressible
from container_updates.trust.policy import toml
from container_updates.trust.policy.files import Files
from container_updates.trust.policy.rules import Policy

_ABOUT = """\
# Written by --learn on {day}: what was seen that day, not what is right. Look at each rule before it is used.
# The most exact of the matching patterns decides; README, "Who signed what runs here".
version = 1
"""


def refuse(name: str) -> None:
    """Raises `UsageError` where the file is there already, or cannot be written: before anything is asked."""
    path = Path(name)
    try:
        if os.path.lexists(path):
            raise UsageError(f"--learn {name}: is there already and is not overwritten")
        if not path.parent.is_dir():
            raise UsageError(f"--learn {name}: there is no folder {path.parent}")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise UsageError(f"--learn {name}: Permission denied")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no file name"
        raise UsageError(f"--learn {name}: {reason}") from None


def write(
    name: str, containers: Iterable[JudgedContainer], policy: Policy | None, now: datetime, *, any_port: bool = False
) -> str:
    """Write the policy and return a line that says so; raises `UsageError` where that cannot be done.

    `any_port`: the registries are the demo's, which have other ports in every run.
    """
    learnt = _learnt(containers)
    text = _ABOUT.format(day=rfc3339(now)[:10])
    for repository in sorted(learnt):
        text += "\n" + _rule(learnt[repository], policy, now, Path(name).absolute().parent, any_port)
    path = Path(name)
    try:
        if "\n[[rule]]\n" in text:
            toml.parse(text, Files(path))
    except PolicyError as error:
        raise UsageError(f"--learn {name}: nothing is written, it would be no policy: {error}") from None
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644), "wb") as file:
            file.write(text.encode())
    except OSError as error:
        raise UsageError(f"--learn {name}: {error.strerror}") from None
    rules = text.count("\n[[rule]]")
    accepted = text.count('\nsignatures = "accepted"')
    return f"{name} written: {rules} rules, {accepted} of them accept what is not signed or cannot be verified here"


@dataclass(slots=True)
class _Learnt:
    """What was found of one repository: several images of it may run."""

    reference: Reference
    signatures: list[Finding] = field(default_factory=list)
    source: list[Finding] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)

    def of(self, finding: Finding) -> list[Finding] | None:
        """Where a finding belongs; None for one that says nothing of who signed or built."""
        if finding.details.get("role") in ("builder", "source"):
            return self.source
        if finding.check == "signatures":
            return None if finding.details.get("of") == "memory" else self.signatures
        return self.source if finding.check == "source" and finding.code != "base-outdated" else None


def _learnt(containers: Iterable[JudgedContainer]) -> dict[str, _Learnt]:
    """By repository, without what is not looked at, such as local builds."""
    found: dict[str, _Learnt] = {}
    for judged in containers:
        subject = judged.container.subject
        if subject is None:
            continue
        one = found.setdefault(subject.reference.name, _Learnt(subject.reference))
        one.digests += [digest for digest in subject.own_digests if digest not in one.digests]
        for finding in (judged.finding for judged in judged.findings):
            into = one.of(finding)
            if into is not None and finding not in into:
                into.append(finding)
    return {
        name: one
        for name, one in found.items()
        if any(finding.code not in ("local-build", "excluded") for finding in (*one.signatures, *one.source))
    }


def _rule(learnt: _Learnt, policy: Policy | None, now: datetime, folder: Path, any_port: bool) -> str:
    reference = learnt.reference
    name = reference.name
    if any_port:
        host, _, rest = name.partition("/")
        name = f"{host.partition(':')[0]}:*/{rest}"
    signatures, provers = _signatures(learnt, policy, folder), _provers(learnt, policy, folder)
    lines = [
        f"# {reference.name}, {rfc3339(now)[:10]}, {', '.join(digest[:19] for digest in learnt.digests[:3])}",
        *signatures,
        *_source(learnt),
        *(signer for signer in provers if signer not in signatures),
    ]
    comments = [toml_writer.comment(line) for line in lines if line.startswith("#")]
    # Tables come last: what follows one of them is its own.
    members = [line for line in lines if not line.startswith(("#", "[["))]
    signers = [line for line in lines if line.startswith("[[")]
    if not members and not signers:
        return "\n".join([*comments, "# No rule: nothing is known of it."]) + "\n"
    head = ["[[rule]]", f"images = [{toml_writer.string(name)}]"]
    rule = policy.rule_for(reference) if policy else None
    if signers and rule is not None and rule.signed_as is not None:
        head.append(f"signed-as = {toml_writer.string(rule.signed_as)}")
    return "\n".join([*comments, *head, *members, *signers]) + "\n"


def _signatures(learnt: _Learnt, policy: Policy | None, folder: Path) -> list[str]:
    """Comments, members and whole tables of signers."""
    comments, signers = [], dict[str, None]()
    accepted = unsigned = False
    for finding in learnt.signatures:
        signatures = finding.details.get("signatures", ())
        who = [one for one in signatures if one.get("state") == "good"]
        who = who or [one for one in signatures if one.get("lacks") == "name"]
        code = str(finding.details.get("besides") or finding.code)
        if finding.code == "signer-changed":
            comments.append(f"# ATTENTION: another signer than before: {finding.message}")
        if finding.verdict is Verdict.INCONCLUSIVE:
            comments.append(f"# Signatures could not be checked: {finding.message}")
        elif code == "invalid-signature":
            accepted = True
            comments.append(f"# ATTENTION: THE SIGNATURE IS INVALID, and is accepted here: {finding.message}")
        elif code == "unsigned" or (code == "accepted" and not signatures and "not signed" in finding.message):
            unsigned = True
            comments.append("# Not signed.")
        elif who:
            for one in who:
                comments.append(f"# {one.get('reason')}")
                try:
                    signers |= dict.fromkeys(toml_writer.signers(one["signer"], learnt.reference, policy, folder))
                except Inexpressible as error:
                    accepted = True
                    comments.append(f"# Accepted, as this signer cannot be written down here: {error}")
        elif code not in ("local-build", "excluded"):
            accepted = True
            comments.append(f"# Accepted: {finding.message}")
    if accepted:
        return [*comments, 'signatures = "accepted"', *(f"# Seen: {_one_line(signer)}" for signer in signers)]
    if unsigned:
        return [*comments, f'signatures = "{"if-present" if signers else "accepted"}"', *signers]
    return [*comments, *signers]


def _provers(learnt: _Learnt, policy: Policy | None, folder: Path) -> list[str]:
    """Whose key the policy has, and who proved the source by it. A build service proves it without being named."""
    found: dict[str, None] = {}
    for finding in learnt.source:
        who = finding.details.get("signer")
        if finding.code == "source-verified" and isinstance(who, dict) and who.get("kind") == "key":
            with suppress(Inexpressible):
                found |= dict.fromkeys(toml_writer.signers(who, learnt.reference, policy, folder))
    return list(found)


def _source(learnt: _Learnt) -> list[str]:
    """Comments and members."""
    comments: list[str] = []
    proven: dict[str, None] = {}
    builders: dict[str, None] = {}
    claimed: set[str] = set()
    unknown = False
    for finding in learnt.source:
        repository, builder = finding.details.get("repository"), finding.details.get("builder")
        if finding.code == "source-verified" and isinstance(repository, str):
            proven[repository] = None
            if isinstance(builder, str):
                builders[builder] = None
        elif finding.code == "source-claimed" and isinstance(repository, str):
            claimed.add(repository)
            comments.append(f"# Source, claimed and not proven: {repository}")
        elif finding.verdict is Verdict.INCONCLUSIVE:
            comments.append(f"# The source could not be checked: {finding.message}")
        elif finding.code == "source-mismatch":
            unknown = True
            comments.append(f"# ATTENTION: THE SOURCE IS WRONG, and is accepted here: {finding.message}")
        elif finding.code in ("unknown-source", "accepted"):
            unknown = True
            comments.append(f"# {finding.message}")
        elif finding.code in ("untrusted-registry", "signer-changed"):
            comments.append(f"# ATTENTION: {finding.message}")
    if unknown:
        return [*comments, 'provenance = "accepted"']
    all_proven = all(finding.code in ("source-verified", "signer-changed") for finding in learnt.source)
    members = _patterns("source", proven, comments) if claimed <= proven.keys() else []
    if all_proven:
        members += _patterns("builders", builders, comments)
    return [*comments, *members]


def _patterns(member: str, seen: Mapping[str, None], comments: list[str]) -> list[str]:
    try:
        patterns = [toml_writer.string(toml_writer.pattern(one)) for one in seen]
    except Inexpressible as error:
        comments.append(f"# {member} cannot be written down here: {error}")
        return []
    return [f"{member} = [{', '.join(patterns)}]"] if patterns else []


def _one_line(table: str) -> str:
    return " ".join(table.split())
