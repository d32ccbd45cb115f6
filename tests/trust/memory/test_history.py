"""Who is another signer than before, and which rows of the memory may go."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from container_updates.model import Finding, Verdict
from container_updates.trust.memory import history, identity
from container_updates.trust.memory.history import (
    ACCEPTED,
    CHANGED,
    SEEN,
    Met,
    Remembered,
    Row,
    additions,
    read,
    superseded,
)
from container_updates.trust.memory.identity import NOBODY, STRANGER, Seen

ISSUER = "https://token.actions.githubusercontent.com"
WORKFLOW = "https://github.com/acme/app/.github/workflows/release.yml"
DAY = 86400.0


def keyless(name: str, issuer: str = ISSUER) -> Seen:
    return identity.signer({"kind": "keyless", "identity": name, "issuer": issuer})


def key(letter: str) -> Seen:
    return identity.signer({"kind": "key", "fingerprint": f"sha256:{letter * 64}", "name": f"{letter}.pub"})


A, B, C = key("a"), key("b"), key("c")


def rows(*runs: Iterable[Seen]) -> list[Row]:
    """One run a day, each with an image of its own."""
    events = [Row(0, SEEN, (one,), f"sha256:{day}", day * DAY) for day, run in enumerate(runs, 1) for one in run]
    return [Row(number, row.event, row.signers, row.digest, row.at) for number, row in enumerate(events, 1)]


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        ([], {A}, False),
        ([[A]], {A}, False),
        ([[A]], {B}, True),
        ([[A]], {A, B}, False),
        ([[A], [A, B]], {B}, True),
        ([[A], *[[A, B]] * 13], {B}, True),
        ([[A], *[[A, B]] * 15], {B}, False),
        ([[A, B]], {B}, False),
        ([[STRANGER], [A]], {A}, False),
        ([[A]], {NOBODY}, True),
        ([[A]], {STRANGER}, True),
        ([[STRANGER]], {STRANGER}, False),
        ([[STRANGER]], {A}, False),
        ([[STRANGER]], {NOBODY}, True),
        ([[NOBODY]], {A}, False),
        ([[NOBODY]], {STRANGER}, False),
        ([[NOBODY], [A]], {NOBODY}, True),
        ([[NOBODY, A]], {NOBODY}, False),
        ([[NOBODY, A]], {B}, True),
        ([[STRANGER], [A]], {STRANGER}, True),
    ],
)
def test_another_one_than_before(before: list[list[Seen]], now: set[Seen], changed: bool) -> None:
    assert read(rows(*before)).changed(frozenset(now)) is changed


def joined(*sightings: tuple[float, str], event: str = SEEN, **facts: str) -> Remembered:
    """A signs from the first day on; B beside it, at these days and images."""
    begins = [Row(1, SEEN, (A,), "sha256:0", DAY)]
    rows = [Row(number, event, (replace(B, **facts),), digest, at) for number, (at, digest) in enumerate(sightings, 2)]
    return read([*begins, *rows, Row(99, SEEN, (A,), "sha256:9", 30 * DAY)])


def test_who_signed_once_beside_the_known_one_does_not_count_alone() -> None:
    """Else two steps change a signer unseen: once beside the old one, then alone."""
    alone = frozenset({B})
    assert joined((2 * DAY, "sha256:1")).changed(alone)
    one_image = [(day * DAY, "sha256:1") for day in range(2, 28)]
    assert joined(*one_image).changed(alone)
    in_a_hurry = [(2 * DAY + hour * 3600, f"sha256:{hour}") for hour in range(20)]
    assert joined(*in_a_hurry).changed(alone)
    assert not joined((2 * DAY, "sha256:1"), (9 * DAY, "sha256:2"), (17 * DAY, "sha256:3")).changed(alone)
    assert not joined((2 * DAY, "sha256:1"), event=ACCEPTED).changed(alone)
    assert not joined((2 * DAY, "sha256:1"), named="policy").changed(alone)


def test_what_lets_a_joiner_count_alone_outlives_the_limit_of_rows() -> None:
    signed = [Row(1, SEEN, (A,), "sha256:0", DAY)]
    signed += [Row(day, SEEN, (one,), f"sha256:{day // 2}", day * DAY) for day in range(2, 60) for one in (A, B)]
    rows = [replace(row, number=number) for number, row in enumerate(signed)]
    left = [row for row in rows if row.number not in superseded(rows)]
    assert len(left) < 10
    assert not read(rows).changed(frozenset({B}))
    assert not read(left).changed(frozenset({B}))


def seen_under(policy: str, who: Seen = A) -> Remembered:
    return read([Row(1, SEEN, (replace(who, policy=policy),), "sha256:1", DAY)])


def test_what_another_policy_proved_is_not_disproved_by_this_one() -> None:
    assert seen_under("old").is_open("new", doubtful=True)
    assert not seen_under("old").is_open("old", doubtful=True)
    assert not seen_under("old").is_open("new", doubtful=False)
    assert not read([Row(1, SEEN, (A,), "sha256:1", DAY)]).is_open("new", doubtful=True)
    trust_data = identity.signer({"kind": "content-trust", "fingerprint": "sha256:1"})
    assert seen_under("old", trust_data).is_open("new", doubtful=False)
    rotated = identity.signer({"kind": "content-trust", "fingerprint": "sha256:2"})
    both_roots = [
        Row(number, SEEN, (replace(one, policy=policy),), "sha256:1", DAY + number)
        for number, (one, policy) in enumerate([(trust_data, "old"), (rotated, "new")], 1)
    ]
    assert not read(both_roots).is_open("old", doubtful=False), "this policy asks for the trust data, which is gone"
    assert read(both_roots).is_open("third", doubtful=False)
    both = read([Row(number, SEEN, (replace(A, policy=str(number)),), "sha256:1", DAY + number) for number in (1, 2)])
    assert not both.is_open("1", doubtful=True)


def test_a_sighting_under_another_policy_is_written_down_once() -> None:
    before = seen_under("old")
    [row] = additions(before, Met({replace(A, policy="new"): "sha256:1"}, digests={"sha256:1"}), DAY + 60)
    assert row.signers[0].policy == "new"
    after = read([Row(1, SEEN, (replace(A, policy="old"),), "sha256:1", DAY), replace(row, number=2)])
    for policy in ("old", "new"):
        assert additions(after, Met({replace(A, policy=policy): "sha256:1"}, digests={"sha256:1"}), DAY + 120) == []


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        (keyless(f"{WORKFLOW}@refs/tags/v1.2"), keyless(f"{WORKFLOW}@refs/tags/v1.3"), True),
        (keyless(f"{WORKFLOW}@refs/tags/v1.2"), keyless(f"{WORKFLOW}@refs/heads/main"), False),
        (keyless(f"{WORKFLOW}@refs/heads/main"), keyless(f"{WORKFLOW}@refs/heads/evil"), False),
        (keyless(f"{WORKFLOW}@refs/tags/v1"), keyless(f"{WORKFLOW.replace('release', 'other')}@refs/tags/v1"), False),
        (keyless(f"{WORKFLOW}@refs/tags/v1"), keyless(f"{WORKFLOW}@refs/tags/v1", "https://evil.example"), False),
        (keyless("a@example.com"), keyless("a@example.com"), True),
        (keyless("a@example.com"), keyless("b@example.com"), False),
        (
            identity.signer({"kind": "key", "fingerprint": "sha256:1", "name": "x"}),
            identity.signer({"kind": "key", "fingerprint": "sha256:1"}),
            True,
        ),
        (
            identity.signer({"kind": "notation", "identity": "CN=a", "issuer": "CN=ca", "fingerprint": "sha256:1"}),
            identity.signer({"kind": "notation", "identity": "CN=a", "issuer": "CN=ca", "fingerprint": "sha256:2"}),
            True,
        ),
        (
            identity.signer({"kind": "notation", "identity": "CN=a", "issuer": "CN=ca"}),
            identity.signer({"kind": "notation", "identity": "CN=a", "issuer": "CN=other"}),
            False,
        ),
        (identity.builder(f"{WORKFLOW}@refs/tags/v1"), identity.builder(f"{WORKFLOW}@refs/tags/v2"), True),
        (
            identity.builder("https://github.com/acme/app/actions/runs/1"),
            identity.builder("https://github.com/acme/app/actions/runs/2/attempts/3"),
            True,
        ),
        (identity.builder("https://a.example"), identity.builder("https://b.example"), False),
        (identity.source("x" * 5000 + "a"), identity.source("x" * 5000 + "b"), False),
    ],
)
def test_the_same_one_in_another_dress(before: Seen, now: Seen, same: bool) -> None:
    assert (before == now) is same
    assert identity.of(before.kept()) == before


@pytest.mark.parametrize(
    ("code", "signatures", "who"),
    [
        (
            "signed",
            [
                {"state": "good", "signer": {"kind": "key", "fingerprint": A.fingerprint}},
                {"state": "unknown", "signer": {"kind": "key", "fingerprint": B.fingerprint}},
            ],
            {A},
        ),
        ("unsigned", [], set()),
        ("unverifiable", [{"state": "unknown"}], {STRANGER}),
        (
            "unverifiable",
            [{"state": "unknown"}, {"state": "unknown", "signer": {"kind": "key", "fingerprint": A.fingerprint}}],
            {A},
        ),
        ("unverifiable", [{"state": "unknown", "lacks": "means"}], None),
        ("invalid-signature", [{"state": "wrong"}], None),
        ("local-build", [], None),
    ],
)
def test_who_signed_by_a_finding(code: str, signatures: list[dict[str, Any]], who: set[Seen] | None) -> None:
    finding = Finding("signatures", code, Verdict.FAIL, "", {"signatures": signatures})
    assert identity.signers(finding) == (None if who is None else frozenset(who))


def test_a_day_without_news_adds_one_row_and_an_hour_none() -> None:
    before = read(rows([A]))
    met = Met({A: "sha256:1"}, digests={"sha256:1"})
    assert additions(before, met, DAY + 3600) == []
    [row] = additions(before, met, 2 * DAY + 3600)
    assert (row.event, row.signers) == (SEEN, (A,))


def test_a_change_waits_until_its_image_is_another_one_s_or_was_gone_for_two_days() -> None:
    change = Row(2, CHANGED, (B,), "sha256:b", DAY)
    before = read([*rows([A]), change])
    assert list(before.pending) == [frozenset({B})]
    elsewhere = Met({A: "sha256:1"}, digests={"sha256:1"})
    assert [row.event for row in additions(before, elsewhere, DAY + 60)] == []
    assert [row.event for row in additions(before, elsewhere, 4 * DAY)] == [SEEN, history.ENDED]
    same_image = Met({A: "sha256:b"}, digests={"sha256:b"})
    assert [row.event for row in additions(before, same_image, DAY + 60)] == [SEEN, history.ENDED]
    accepted = read([*rows([A]), change, Row(3, ACCEPTED, (B,), "sha256:b", 2 * DAY)])
    assert not accepted.pending
    assert not accepted.changed(frozenset({B}))
    assert not accepted.changed(frozenset({A}))
    assert accepted.changed(frozenset({C}))


def test_rows_that_say_nothing_more_go_first_and_what_is_in_force_stays() -> None:
    remembered = [*rows(*([A] for _ in range(50))), Row(51, CHANGED, (B,), "sha256:b", 51 * DAY)]
    numbers = superseded(remembered)
    assert numbers == list(range(2, 50))
    left = [row for row in remembered if row.number not in numbers]
    whole, less = read(remembered), read(left)
    assert (less.known[A].first, less.known[A].last) == (whole.known[A].first, whole.known[A].last)
    assert less.pending == whole.pending


def test_not_more_signers_of_one_repository_are_remembered_than_a_person_can_read() -> None:
    many = {identity.signer({"kind": "key", "fingerprint": f"sha256:{number}"}): "sha256:1" for number in range(1000)}
    assert len(additions(read([]), Met(many), DAY)) == history.MOST_IN_FORCE
