"""The chain of trust in three lines: how many updates come timely, from a trustworthy source, with proven integrity."""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from container_updates.clock import age
from container_updates.model import JudgedContainer, Outcome, Verdict, number
from container_updates.report.text import safe

_NAMES = 3


class Link(NamedTuple):
    """One line: how many containers are how, and the weakest by name."""

    name: str
    """As the interface names it in JSON: updates, source, integrity."""
    title: str
    counts: tuple[tuple[str, int], ...]
    """Words to how many containers, the best first; those of nobody are left out, but for the first."""
    total: int
    weakest: tuple[str, ...]
    """Names of containers that are not as they should be, the worst first."""
    oldest: float | None = None
    """Seconds that the longest update has been waiting."""

    @property
    def good(self) -> int:
        """How many containers are as they should be."""
        return self.counts[0][1]

    @property
    def words(self) -> str:
        """`54 of 60 containers, 6 outdated, oldest waits 24d (weakest: web, db, cache)`."""
        return self.counted + (f" (weakest: {', '.join(self.weakest)})" if self.weakest else "")

    @property
    def counted(self) -> str:
        """The same without names."""
        (best, count), *others = self.counts
        parts = [f"{count} of {self.total} {best}", *(f"{number} {words}" for words, number in others)]
        return ", ".join([*parts, f"oldest waits {age(self.oldest)}"] if self.oldest else parts)

    def plain(self) -> dict[str, Any]:
        """The same as data for JSON."""
        known: dict[str, Any] = {
            "total": self.total,
            **{words.replace(" ", "_"): count for words, count in self.counts},
        }
        return {**known, **({"oldest_age": self.oldest} if self.oldest else {})}


_UPDATES = {
    "timely": {"up-to-date", "pinned", "held", "outdated-young", "local-build", "running-current", "not-applicable"},
    "outdated": {"outdated", "tag-gone"},
    "to be recreated": {"restart-pending"},
}
_SOURCE = {
    "proven": {"source-verified"},
    "claimed": {"source-claimed"},
    "built here or accepted": {"local-build", "accepted"},
    "unknown": {"unknown-source"},
    "not trusted": {"source-mismatch", "untrusted-registry"},
}
_INTEGRITY = {
    "signed": {"signed"},
    "built here or accepted": {"local-build", "accepted"},
    "not signed": {"unsigned"},
    "not verifiable": {"unverifiable"},
    "invalid or changed": {"invalid-signature", "signer-changed"},
}
_LINKS = (
    ("updates", "Update timely", {"updates", "restarts"}, _UPDATES),
    ("source", "Trustworthy source", {"source"}, _SOURCE),
    ("integrity", "Integrity", {"signatures"}, _INTEGRITY),
)
_OPEN = "not checked"


def links(outcome: Outcome, checks: Collection[str]) -> Iterator[Link]:
    """Yield the lines for the checks that were made; excluded containers are not counted."""
    containers = [one for one in outcome.containers if one.container.excluded is None]
    for name, title, made_by, kinds in _LINKS:
        if containers and made_by & {*checks}:
            yield _link(name, title, [(one, _kind(one, made_by, kinds)) for one in containers], tuple(kinds))


def _link(name: str, title: str, found: list[tuple[JudgedContainer, str]], order: tuple[str, ...]) -> Link:
    kinds = [kind for _, kind in found]
    ranked = (*order, _OPEN)
    counts = [(kind, kinds.count(kind)) for kind in ranked]
    fine = {order[0], "claimed", "built here or accepted"}
    weak = sorted((one for one in found if one[1] not in fine), key=lambda one: (-one[0].state, -_wait(one[0])))
    waits = [_wait(judged) for judged, kind in found if kind == "outdated"] if name == "updates" else []
    return Link(
        name,
        title,
        (counts[0], *(count for count in counts[1:] if count[1])),
        len(found),
        tuple(safe(judged.container.title, 28) for judged, _ in weak[:_NAMES]),
        max(waits, default=None) or None,
    )


def _kind(judged: JudgedContainer, made_by: set[str], kinds: dict[str, set[str]]) -> str:
    """How a container is for one link: the worst that its findings say, in the order of `kinds`."""
    findings = [
        one.finding for one in judged.findings if one.finding.check in made_by or _about(one.finding.code, kinds)
    ]
    codes = {one.code for one in findings if one.verdict is not Verdict.INCONCLUSIVE}
    said = [kind for kind, known in kinds.items() if codes & known]
    failed = [kind for kind in said if kind in list(kinds)[1:] and kind not in ("claimed", "built here or accepted")]
    if failed:
        return failed[-1]
    if not findings or any(one.verdict is Verdict.INCONCLUSIVE for one in findings):
        return _OPEN
    return said[-1] if said else _OPEN


def _about(code: str, kinds: dict[str, set[str]]) -> bool:
    """A changed signer is found by the link that met him first."""
    return code == "signer-changed" and "signer-changed" in {code for known in kinds.values() for code in known}


def _wait(judged: JudgedContainer) -> float:
    return max((number(one.finding.details.get("age")) or 0 for one in judged.findings), default=0)
