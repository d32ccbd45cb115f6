"""What stands below the headline, a row an item: what many containers share is one row, the rest a row a container."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from container_updates.model import Container, JudgedContainer, JudgedFinding, Outcome, State
from container_updates.reference import is_digest
from container_updates.report.headline import worst_first
from container_updates.report.text import name_of, safe

_MANY = 5
"""Containers from which on the same words are said once."""
_NAMES = 3

Words = Callable[[JudgedContainer], str]
"""What is to be said of a container's findings, safe to print, without the name of its image in front."""


class Row(NamedTuple):
    """One item: one container, or many that have the same finding."""

    state: State
    who: str
    """Its name, or "54 containers (web, db, cache and 51 more)"."""
    image: str
    """As a person knows it; "" where the containers run several."""
    words: str
    containers: tuple[Container, ...]
    """Those that it tells of."""
    shared: bool = False
    name: str = ""
    host: str = ""
    """Both parts of one container's `NAME@HOST`, where there are several engines."""


def rows(outcome: Outcome, words: Words, *, everything: bool = False) -> list[Row]:
    """Return a row for all that is not OK and was not reported before, the worst first; `everything` groups nothing."""
    wrong = [
        judged for judged in worst_first(outcome.containers) if judged.state is not State.OK and not judged.reported
    ]
    shared = [] if everything else _shared(wrong, words)
    taken = {(row.state, row.words) for row, _ in shared}
    found = [row for row, _ in shared]
    for judged in wrong:
        left = [one for one in judged.findings if not (one.state and (one.state, _words(judged, one, words)) in taken)]
        state = max((one.state for one in left), default=State.OK)
        if state is not State.OK:
            found.append(row(replace(judged, findings=tuple(left), state=state), words))
    # Stable: among rows of one state those that many share come first.
    return sorted(found, key=lambda one: -one.state)


def row(judged: JudgedContainer, words: Words) -> Row:
    """Return the row of one container."""
    container = judged.container
    where = (safe(container.name, 80), safe(container.host, 80)) if container.qualified else ("", "")
    return Row(judged.state, name_of(container), image(judged), words(judged), (container,), False, *where)


def image(judged: JudgedContainer) -> str:
    """Return the image as a person knows it, safe to print; "" for a bare id of 71 characters that nobody reads."""
    subject = judged.container.subject
    named = judged.container.image if subject is None else str(subject.reference)
    return "" if is_digest(named) else safe(named)


def _shared(wrong: Sequence[JudgedContainer], words: Words) -> list[tuple[Row, int]]:
    """The rows that stand for many containers, with how many; those of most containers first."""
    members: dict[tuple[State, str], dict[str, JudgedContainer]] = {}
    for judged in wrong:
        for one in judged.findings:
            if one.state is not State.OK:
                key = (one.state, _words(judged, one, words))
                members.setdefault(key, {})[f"{judged.container.engine} {judged.container.id}"] = judged
    found = []
    for (state, said), containers in members.items():
        if len(containers) >= _MANY:
            images = {image(judged) for judged in containers.values()}
            who = f"{len(containers)} containers ({_some(judged.container.title for judged in containers.values())})"
            one_image = images.pop() if len(images) == 1 else ""
            members_of = tuple(judged.container for judged in containers.values())
            found.append((Row(state, who, one_image, said, members_of, True), len(containers)))
    return sorted(found, key=lambda one: -one[1])


def _words(judged: JudgedContainer, one: JudgedFinding, words: Words) -> str:
    return words(replace(judged, findings=(one,), state=one.state))


def _some(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    known = list(names)
    shown = ", ".join(safe(one, 40) for one in known[:_NAMES])
    return f"{shown} and {len(known) - _NAMES} more" if len(known) > _NAMES else shown
