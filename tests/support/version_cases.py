"""Real tag lists with the right answers (tests/assets/versions/cases.jsonl.gz), and what the project answers.

As a program it prints right and judged answers by kind: `python -m tests.support.version_cases`.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from container_updates.chain.versions import tag_filter, tag_version
from container_updates.chain.versions.choice import Choice, choose
from container_updates.chain.versions.look import Look
from container_updates.model import Image, Subject
from container_updates.reference import parse
from container_updates.settings import Settings
from tests.support.paths import ASSETS

TODAY = datetime(2026, 11, 25, tzinfo=UTC)
_IMAGE = Image("", f"sha256:{'0' * 64}", frozenset(), True)


@dataclass(frozen=True, slots=True)
class Case:
    """A running tag, the tags of its repository, and what an admin expects."""

    running: str
    tags: list[str]
    expected: str | None
    source: str
    args: list[str] | None = None
    labels: dict[str, str] | None = None
    image_labels: dict[str, str] | None = None
    seen: dict[str, list[str | None]] | None = None
    same_digest: list[str] | None = None
    kind: str = "right before"
    why: str = ""
    created: dict[str, datetime] = field(default_factory=dict)

    def choice(self, running: str | None = None) -> Choice | None:
        """Return what is chosen for the running tag, or another one of the list; None where it is no version."""
        own = running or self.running
        options = dict(zip((self.args or [])[::2], (self.args or [])[1::2], strict=True))
        patterns = {name: (("", options[f"--{name}"]),) for name in ("tags", "not-tags") if f"--{name}" in options}
        settings = Settings(
            level=options.get("--level", "major"),
            tags=patterns.get("tags", ()),
            not_tags=patterns.get("not-tags", ()),
        )
        wishes = tuple(sorted((self.labels or {}).items()))
        chosen = tag_filter.of(Subject(parse("app:1"), _IMAGE, wishes=wishes), settings)
        version = tag_version.read(chosen.transformed(own))
        if version is None:
            return None
        names = {chosen.transformed(tag): tag for tag in self.tags if tag != own and chosen.wanted(tag)}
        same = {own, *(self.same_digest or [])}

        def look(name: str) -> Look:
            tag = names.get(name, own)
            return Look(True, tag in same, self.created.get(tag))

        return choose(version, names, settings.level, self.created.get(own), look, TODAY)

    def answer(self) -> str:
        """Return the newest tag as the list has it, `=` where nothing is newer, `-` where it is no version."""
        found = self.choice()
        if found is None:
            return "-"
        return _listed(self, found) if found.newest else "="


def every() -> Iterator[Case]:
    """Yield all cases."""
    with gzip.open(ASSETS / "versions/cases.jsonl.gz", "rt") as lines:
        for line in lines:
            known: dict[str, Any] = json.loads(line)
            days = {tag: datetime.fromisoformat(when[0]) for tag, when in (known.get("seen") or {}).items()}
            yield Case(**known, created={tag: day.replace(tzinfo=UTC) for tag, day in days.items()})


def _listed(case: Case, found: Choice) -> str:
    """The tag that was read as what a label transforms it to."""
    assert found.newest
    transformed = tag_filter.transform(
        Subject(parse("app:1"), _IMAGE, wishes=tuple(sorted((case.labels or {}).items())))
    )
    return next(tag for tag in case.tags if transformed(tag) == found.newest.tag)


def main() -> None:
    """Print right and judged answers by kind, and the wrong ones."""
    right, judged = Counter[str](), Counter[str]()
    for case in every():
        if case.expected is None:
            continue
        answer = case.answer()
        judged[case.kind] += 1
        right[case.kind] += answer == case.expected
        if answer != case.expected:
            print(f"{case.running}: {answer} instead of {case.expected} ({case.source})")
    for kind, count in sorted(judged.items()):
        print(f"{right[kind]:4}/{count:<4} {kind}")
    print(f"{right.total():4}/{judged.total():<4} {100 * right.total() / judged.total():.1f} %")


if __name__ == "__main__":
    main()
