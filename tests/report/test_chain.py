"""The chain of trust in three lines."""

from container_updates.report.chain import links
from container_updates.settings import Settings
from tests.support.report_cases import DAY, EVERY_CHECK, Examined, container, finding, outcome

ALL = Settings(checks=EVERY_CHECK)


def said(*examined: Examined, checks: tuple[str, ...] = EVERY_CHECK) -> list[str]:
    return [f"{link.title}: {link.words}" for link in links(outcome(examined, ALL), checks)]


def host(name: str, *codes: tuple[str, str], age: float = 0) -> Examined:
    return container(name, *(finding(code, check, **({"age": age} if age else {})) for check, code in codes))


WHOLE = (("updates", "up-to-date"), ("signatures", "signed"), ("source", "source-verified"))


def test_a_chain_that_is_whole() -> None:
    assert said(host("web", *WHOLE), host("db", *WHOLE)) == [
        "Update timely: 2 of 2 timely",
        "Trustworthy source: 2 of 2 proven",
        "Integrity: 2 of 2 signed",
    ]


def test_the_weakest_are_named_and_the_longest_wait_is_told() -> None:
    old = host("old", ("updates", "outdated"), ("signatures", "unsigned"), ("source", "unknown-source"), age=24 * DAY)
    new = host("new", ("updates", "outdated"), ("signatures", "signed"), ("source", "source-claimed"), age=DAY)
    assert said(old, new, host("web", *WHOLE)) == [
        "Update timely: 1 of 3 timely, 2 outdated, oldest waits 24d (weakest: old, new)",
        "Trustworthy source: 1 of 3 proven, 1 claimed, 1 unknown (weakest: old)",
        "Integrity: 2 of 3 signed, 1 not signed (weakest: old)",
    ]


def test_what_could_not_be_checked_is_neither_good_nor_bad() -> None:
    dark = host("dark", ("updates", "unreachable"), ("signatures", "unreachable"), ("source", "timeout"))
    assert said(dark, host("web", *WHOLE)) == [
        "Update timely: 1 of 2 timely, 1 not checked (weakest: dark)",
        "Trustworthy source: 1 of 2 proven, 1 not checked (weakest: dark)",
        "Integrity: 1 of 2 signed, 1 not checked (weakest: dark)",
    ]


def test_a_restart_that_is_pending_breaks_the_first_link() -> None:
    pending = host("git", ("updates", "up-to-date"), ("restarts", "restart-pending"))
    assert said(pending, checks=("updates", "restarts")) == [
        "Update timely: 0 of 1 timely, 1 to be recreated (weakest: git)"
    ]


def test_a_changed_signer_that_the_source_tells_breaks_integrity() -> None:
    changed = host("web", ("updates", "up-to-date"), ("signatures", "signed"))
    builder = finding("signer-changed", "signatures")
    assert said((changed[0], (*changed[1], builder)))[2] == (
        "Integrity: 0 of 1 signed, 1 invalid or changed (weakest: web)"
    )


def test_links_that_nobody_asked_for_are_not_there() -> None:
    assert [link.name for link in links(outcome([host("web", *WHOLE)]), ("updates",))] == ["updates"]
    assert [link.name for link in links(outcome([host("web", *WHOLE)]), ("signatures", "source"))] == [
        "source",
        "integrity",
    ]
    assert list(links(outcome([]), EVERY_CHECK)) == []


def test_the_same_as_data() -> None:
    old = host("old", ("updates", "outdated"), age=24 * DAY)
    [link] = links(outcome([old, host("web", *WHOLE)], ALL), ("updates",))
    assert link.plain() == {"total": 2, "timely": 1, "outdated": 1, "oldest_age": 24 * DAY}
