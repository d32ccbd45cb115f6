"""Any outside string must come out as one harmless line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_updates.report.text import cut, safe
from tests.support.report_cases import HOSTILE

ANYTHING = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx:1.27", "nginx:1.27"),
        ("größe 漢字 🐳", "größe 漢字 🐳"),
        ("web|outdated=0", "web¦outdated=0"),
        ("<none>:<none>", "(none):(none)"),
        ("one\ntwo\r\nthree\tfour\u2028five\x85six\u00a0seven", "one two three four five six seven"),
        ("  padded  ", "padded"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("\x9b31mred", "\ufffd31mred"),
        ("a\u202eb", "a\ufffdb"),
        ("a\u200bb", "a\ufffdb"),
        ("a\x00b\x7fc", "a\ufffdb\ufffdc"),
        ("a\ud800b", "a\ufffdb"),
        (b"a\xffb".decode(errors="surrogateescape"), "a\ufffdb"),
        ("", ""),
        ("\n\n", ""),
    ],
)
def test_what_becomes_of(text: str, expected: str) -> None:
    assert safe(text) == expected


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_one_short_printable_line(text: str) -> None:
    assert_harmless(safe(text, 80), 80)


@given(ANYTHING, st.integers(1, 40))
def test_no_text_at_all_gets_through(text: str, limit: int) -> None:
    assert_harmless(safe(text, limit), limit)


@given(ANYTHING)
def test_what_is_safe_already_stays_as_it_is(text: str) -> None:
    once = safe(text, 1000)
    assert safe(once, 1000) == once


@given(ANYTHING, st.integers(1, 12))
def test_a_shortened_text_shows_that_it_was(text: str, limit: int) -> None:
    whole, short = safe(text, 10_000), safe(text, limit)
    assert short == whole or short.endswith("…")


def test_text_after_many_blanks_is_not_lost_without_a_trace() -> None:
    assert safe("fine" + " " * 50_000 + "but not really", 80) == "fine…"


@given(st.text(), st.integers(0, 60))
def test_a_cut_keeps_to_bytes_and_never_leaves_half_a_character(text: str, size: int) -> None:
    short = cut(text, size)
    assert len(short.encode()) <= size
    assert text.startswith(short.removesuffix("…"))
    if len(text.encode()) <= size:
        assert short == text


def test_no_room_at_all_leaves_nothing() -> None:
    assert cut("anything", -7) == ""


def assert_harmless(line: str, limit: int) -> None:
    assert len(line) <= limit
    assert line.isprintable()
    assert not set("|<>\n") & set(line)
    line.encode()
