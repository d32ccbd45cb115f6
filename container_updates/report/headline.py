"""The one sentence that has to do on a phone: what is wrong, and the worst three by name."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from math import inf
from typing import NamedTuple

from container_updates.clock import age
from container_updates.model import (
    NOT_KEPT,
    JudgedContainer,
    JudgedFinding,
    Metric,
    Outcome,
    Problem,
    State,
    Verdict,
    number,
)
from container_updates.report.text import safe
from container_updates.settings import Settings

WRONG = {
    "outdated": "outdated",
    "tag-gone": "whose tag is gone",
    "restart-pending": "to be recreated",
    "newer-version": "with a newer version",
    "unsigned": "unsigned",
    "unverifiable": "unverifiable",
    "invalid-signature": "with an invalid signature",
    "signer-changed": "with a changed signer",
    "unknown-source": "of unknown source",
    "source-mismatch": "not from the claimed source",
    "untrusted-registry": "from an untrusted registry",
    "base-outdated": "on an outdated base",
    "packages-pending": "with packages to update",
    "security-pending": "with security updates pending",
}
"""Code of a failure to the words after "3 of 58 containers"."""

_FINE = {
    "up-to-date": "up to date",
    "pinned": "pinned",
    "held": "held",
    "outdated-young": "with a young update",
    "outdated": "outdated",
    "tag-gone": "whose tag is gone",
    "local-build": "local",
    "excluded": "excluded",
    "not checked": "not checked",
}
"""Code of the check `updates` to the words for it where nothing is wrong, in the order of the sentence."""

_NAMES = 3
_NAME_LENGTH = 28


def headline(outcome: Outcome, settings: Settings) -> str:
    """Return the sentence after the state, about 80 characters where it can be, safe to print."""
    return f"{_found(outcome, settings)}{_forgotten(outcome.problems)}"


def _found(outcome: Outcome, settings: Settings) -> str:
    if outcome.state is State.OK:
        return _fine(outcome, settings)
    groups = _groups(outcome)
    wanted, total, parts = _NAMES, len(outcome.containers), []
    for position, group in enumerate(groups):
        if group.many_hosts:
            parts.append(group.by_image(wanted))
            wanted = max(0, wanted - len(group.images))
            continue
        of_all = f" of {total} container{'s' * (total != 1)}" if position == 0 else ""
        named = group.members[:wanted]
        wanted -= len(named)
        names = f" ({', '.join(group.name(*member) for member in named)})" if named else ""
        parts.append(f"{len(group.members)}{of_all} {group.words}{names}")
    worse = sum(group.members[0][1].state > State.UNKNOWN for group in groups)
    parts[worse:worse] = _unread(outcome)
    explained = {metric for group in groups for metric in group.metrics}
    parts += [_beyond(metric) for metric in outcome.metrics if metric.state and metric.name not in explained]
    others = outcome.problems[len(outcome.unread) :]
    if others:
        parts.append(_problems(others, alone=not parts))
    if outcome.problems and not explained and outcome.containers:
        parts.append(_fine(outcome, settings))
    return ", ".join(parts)


class _Group(NamedTuple):
    """The containers with the same thing wrong, worst first."""

    words: str
    metrics: frozenset[str]
    members: list[tuple[JudgedContainer, JudgedFinding]]
    show_code: bool

    @property
    def images(self) -> dict[str, list[tuple[JudgedContainer, JudgedFinding]]]:
        """Image to its containers, those that wait longest first."""
        found: dict[str, list[tuple[JudgedContainer, JudgedFinding]]] = {}
        for member in self.members:
            found.setdefault(member[0].container.image, []).append(member)
        return found

    @property
    def many_hosts(self) -> bool:
        """Whether images tell more than names: the same ones run on several hosts, more often than a line has room."""
        several = any(container.container.qualified for container, _ in self.members)
        return several and len(self.members) > _NAMES and len(self.images) < len(self.members)

    def by_image(self, most: int) -> str:
        """`3 images outdated in 150 containers on 50 hosts (shop/app 23d on 50, …)`; at most so many are named."""
        images, hosts = self.images, _hosts(self.members)
        named = [
            " ".join(filter(None, [_in_short(image), age(_wait(members[0][1])) if _wait(members[0][1]) else ""]))
            + f" on {_hosts(members)}"
            for image, members in list(images.items())[:most]
        ]
        names = f" ({', '.join([*named, *['…'] * (len(images) > most)])})" if named else ""
        words = self.words if not self.show_code else "not checked"
        count = f"{len(images)} image{'s' * (len(images) != 1)} {words} in {len(self.members)} containers"
        return f"{count} on {hosts} host{'s' * (hosts != 1)}{names}"

    def name(self, container: JudgedContainer, judged: JudgedFinding) -> str:
        name = safe(container.container.title, _NAME_LENGTH)
        if self.show_code:
            return f"{name} {judged.finding.code}"
        return f"{name} {age(_wait(judged))}" if _wait(judged) else name


def _hosts(members: Sequence[tuple[JudgedContainer, JudgedFinding]]) -> int:
    return len({container.container.host for container, _ in members})


def _in_short(image: str) -> str:
    """Return an image without its registry and tag, as people call it: `shop/app`."""
    first, _, rest = image.partition("@")[0].partition("/")
    registry = "." in first or ":" in first or first == "localhost"
    path = (rest if registry and rest else image.partition("@")[0]).removeprefix("library/")
    head, separator, last = path.rpartition("/")
    return safe(f"{head}{separator}{last.partition(':')[0]}", _NAME_LENGTH)


def _unread(outcome: Outcome) -> list[str]:
    """`2 of 50 engines not read (db7, web3)`; nothing where all were."""
    if not outcome.unread:
        return []
    names = [safe(problem.where, _NAME_LENGTH) for problem in outcome.unread]
    more = ", …" if len(names) > _NAMES else ""
    return [f"{len(names)} of {outcome.engines} engines not read ({', '.join(names[:_NAMES])}{more})"]


def _groups(outcome: Outcome) -> list[_Group]:
    found: dict[str, list[tuple[JudgedContainer, JudgedFinding]]] = {}
    for container in outcome.containers:
        # One place for each container, however many of its findings say the same.
        seen = set()
        for judged in sorted(container.findings, key=lambda judged: -judged.state):
            kind = _kind(judged)
            if kind is not None and kind not in seen:
                seen.add(kind)
                found.setdefault(kind, []).append((container, judged))
    wrong = [(kind, sorted(found[kind], key=_member_order)) for kind in ("", *WRONG) if kind in found]
    wrong = [(kind, members) for kind, members in wrong if members[0][1].state is not State.OK]
    wrong.sort(key=lambda group: -group[1][0][1].state)
    return [_group(kind, members) for kind, members in wrong]


def _group(kind: str, members: list[tuple[JudgedContainer, JudgedFinding]]) -> _Group:
    if kind:
        plural = {
            "invalid-signature": "invalid_signatures",
            "newer-version": "newer_versions",
            "stale-line": "stale_lines",
        }
        metric = plural.get(kind, kind.replace("-", "_"))
        besides = {
            plural.get(code, code.replace("-", "_"))
            for _, judged in members
            if (code := str(judged.finding.details.get("besides")))
        }
        return _Group(WRONG[kind], frozenset({metric, f"{metric}_age"}) | besides, members, False)
    codes = {judged.finding.code for _, judged in members}
    words = f"not checked: {codes.pop()}" if len(codes) == 1 else "not checked"
    return _Group(words, frozenset({"not_checked"}), members, words == "not checked")


def _member_order(member: tuple[JudgedContainer, JudgedFinding]) -> tuple[int, float, str]:
    container, judged = member
    return -judged.state, _since(judged), container.container.title


def _kind(judged: JudgedFinding) -> str | None:
    """The code of a failure, "" for an open question, None for what is fine."""
    if judged.finding.verdict is Verdict.INCONCLUSIVE:
        return ""
    return judged.finding.code if judged.finding.verdict is Verdict.FAIL else None


def worst_first(containers: Iterable[JudgedContainer]) -> list[JudgedContainer]:
    """Return the containers in the order of what needs a person: state, longest wait, name."""
    return sorted(
        containers,
        key=lambda judged: (
            -judged.state,
            min((_since(finding) for finding in judged.findings), default=inf),
            judged.container.title,
        ),
    )


def _since(judged: JudgedFinding) -> float:
    """Since when it has been waiting, as a number that sorts: whole seconds of an age turn with the time of a run."""
    if not _wait(judged):
        return inf
    with suppress(ValueError, TypeError):
        return datetime.fromisoformat(judged.finding.details.get("since", "")).timestamp()
    return -_wait(judged)


def _wait(judged: JudgedFinding) -> float:
    """How long this has been waiting for somebody, in seconds; 0 where that is not known."""
    return number(judged.finding.details.get("age")) or 0


def _beyond(metric: Metric) -> str:
    """A metric that no container explains: `oldest_image 400d (limit 365d)`."""
    limit = (metric.critical if metric.state is State.CRITICAL else metric.warning) or ""
    if metric.unit != "s":
        return f"{metric.name} {metric.value} (limit {limit})"
    limit = re.sub(r"[0-9]+(\.[0-9]+)?", lambda number: age(float(number[0])), limit)
    return f"{metric.name} {age(metric.value)} (limit {limit})"


def _problems(problems: Sequence[Problem], *, alone: bool) -> str:
    first, count = problems[0], len(problems)
    if not alone:
        return f"{count} problem{'s' * (count != 1)} ({safe(first.where, 40)})"
    more = f" and {count - 1} more problem{'s' * (count != 2)}" if count > 1 else ""
    return f"{safe(first.where, 60)}: {safe(first.message)}{more}"


def _forgotten(problems: Sequence[Problem]) -> str:
    """Whether this run remembers nothing for the next one: ages, signers and --min-age are worth less then."""
    found = next((problem for problem in problems if problem.code == NOT_KEPT), None)
    return f", nothing is remembered ({safe(found.where, 60)})" if found else ""


def _fine(outcome: Outcome, settings: Settings) -> str:
    total = len(outcome.containers)
    if not total:
        which = "containers" if settings.all_containers else "running containers"
        return f"no {which} match --include" if settings.include else f"no {which}"
    codes = [
        "not checked" if judged.finding.verdict is Verdict.INCONCLUSIVE else judged.finding.code
        for container in outcome.containers
        for judged in container.findings[:1]
        if judged.finding.check == "updates"
    ]
    counted = [(codes.count(code), words) for code, words in _FINE.items() if code in codes]
    (first, words), *others = counted or [(total, "checked")]
    parts = [f"{first} container{'s' * (first != 1)} {words}", *(f"{count} {what}" for count, what in others)]
    newer = _newer(outcome)
    parts += [newer] if newer else [] if counted else ["nothing wrong"]
    return ", ".join(parts)


def _newer(outcome: Outcome) -> str:
    """Newer versions are nothing wrong, and yet what was asked for."""
    found = [
        " ".join(
            safe(text, _NAME_LENGTH) for text in (container.container.title, str(judged.finding.details["newest"]))
        )
        for container in outcome.containers
        for judged in container.findings
        if judged.finding.code == "newer-version" and "newest" in judged.finding.details
    ]
    return f"{len(found)} with a newer version ({', '.join(sorted(found)[:_NAMES])})" if found else ""
