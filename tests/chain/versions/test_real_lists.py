"""Newer versions on real tag lists: other tools' cases, public reports, and the history of official images."""

from collections.abc import Iterator
from random import Random

from container_updates.chain.versions import tag_version
from container_updates.chain.versions.components import Kind
from tests.support.version_cases import Case, every

CASES = [*every()]
UNKNOWABLE = {("1.3.2", "extra-older-content:prowlarr")}
"""Only a date tells that 1.8.1259 is an old slip, and the case has none."""
_A_LIST = 6
"""Tags of each list that the sweep takes as the running one."""


def test_the_newest_on_real_lists() -> None:
    wrong = [
        f"{case.running} {case.args or ''} -> {answer} instead of {case.expected} ({case.source}: {case.why})"
        for case in CASES
        if case.expected is not None and (answer := case.answer()) != case.expected
        if (case.running, case.source) not in UNKNOWABLE
    ]
    assert not wrong, "\n".join(wrong)


def test_most_of_them_are_judged() -> None:
    assert sum(case.expected is not None for case in CASES) >= 740


def histories() -> Iterator[Case]:
    """Each list of tags of an official image once."""
    known = {}
    for case in CASES:
        if case.seen and len(case.tags) > 50 and not case.args:
            known[len(case.tags), case.tags[0]] = case
    yield from known.values()


def test_in_the_history_of_official_images_no_component_goes_back() -> None:
    chosen = Random(20261125)
    back, tried = [], 0
    for case in histories():
        for running in chosen.sample(case.tags, _A_LIST):
            choice, before = case.choice(running), tag_version.read(running)
            if choice is None or choice.newest is None or before is None:
                continue
            tried += 1
            pairs = zip(before.kinds, before.numbers, choice.newest.numbers, strict=True)
            if any(after < now for kind, now, after in pairs if kind is not Kind.REVISION):
                back.append(f"{running} -> {choice.newest.tag} ({case.source})")
            same = (before.parts, before.stage) == (choice.newest.parts, choice.newest.stage)
            runtimes = [
                [n for k, n in zip(before.kinds, one.numbers, strict=True) if k is Kind.RUNTIME]
                for one in (before, choice.newest)
            ]
            if same and runtimes[0] != runtimes[1]:
                back.append(f"{running} -> {choice.newest.tag}: another runtime alone ({case.source})")
    assert tried > 50
    assert not back, "\n".join(back)


def test_in_the_history_of_official_images_nothing_is_a_year_older_than_what_runs() -> None:
    older, tried = [], 0
    for case in histories():
        for running in case.created:
            choice = case.choice(running)
            if choice is None or choice.newest is None or choice.newest.tag not in case.created:
                continue
            tried += 1
            if (case.created[running] - case.created[choice.newest.tag]).days > 365:
                older.append(f"{running} -> {choice.newest.tag} ({case.source})")
    assert tried > 20
    assert not older, "\n".join(older)
