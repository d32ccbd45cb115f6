"""Which tags are newer: kinds of one family each, beside the real lists of test_real_lists."""

from datetime import UTC, datetime

import pytest

from container_updates.chain.versions import tag_version
from container_updates.chain.versions.newer import Newer, parts_kept, stands_for_line, step

MADE = datetime(2024, 12, 9, tzinfo=UTC)


def newest(running: str, *others: str, level: str = "major", created: datetime | None = None) -> str | None:
    version = tag_version.read(running)
    assert version
    found = Newer(version, others, created).newest_first(parts_kept(version, level))
    return next((one.tag for one in found), None)


@pytest.mark.parametrize(
    ("running", "others", "expected"),
    [
        ("1.0-jdk17", ("1.1-jdk17", "1.1-jdk21"), "1.1-jdk17"),
        ("1.0-jdk17", ("1.1-jdk21",), "1.1-jdk21"),
        ("1.0-jdk17", ("1.1-jdk11",), None),
        ("1.0-jdk17", ("1.0-jdk21",), None),
        ("1.0-jdk17-r1", ("1.0-jdk21-r2", "1.0-jdk17-r2"), "1.0-jdk17-r2"),
        ("1.0-alpine3.20", ("1.0-alpine3.22",), "1.0-alpine3.22"),
        ("1.0-alpine3.20", ("1.1-alpine3.19",), None),
        ("1.0-ltsc2022", ("1.0-ltsc2025",), None),
        ("pg14-v0.2.0", ("pg16-v0.2.1", "pg14-v0.2.1"), "pg14-v0.2.1"),
        ("4.0.12-22-trixie", ("4.0.13-24-trixie", "4.0.13-22-trixie", "4-22-trixie"), "4.0.13-22-trixie"),
        ("1.2.3-1-slim", ("1.2.3-2-slim", "1.2-slim"), "1.2.3-2-slim"),
    ],
)
def test_components_stay_where_they_can_and_never_go_back(
    running: str, others: tuple[str, ...], expected: str | None
) -> None:
    assert newest(running, *others) == expected


@pytest.mark.parametrize(
    ("running", "others", "expected"),
    [
        ("5.26.0", ("2026.07.1",), "2026.07.1"),
        ("5.26.0", ("2024.12.1", "5.26.1"), "5.26.1"),
        ("5.26.0", ("2025.01.0",), "2025.01.0"),
        ("v5.26.0", ("v2021.12.16",), None),
        ("9.0-community", ("2026.2-community", "2026.2"), "2026.2-community"),
        ("1.2.3", ("20250601.1.2",), None),
    ],
)
def test_years_follow_numbers_after_the_running_image_was_made(
    running: str, others: tuple[str, ...], expected: str | None
) -> None:
    assert newest(running, *others, created=MADE) == expected


def test_years_without_a_date_of_the_running_image_need_a_series() -> None:
    assert newest("1.48.1", "1.47.0", "1.48.0", "2022.5.0", "2024.8.1", "2025.10.0") == "2025.10.0"
    assert newest("10.8.13", "10.8.12", "10.8.11", "2021.12.16") is None


@pytest.mark.parametrize(
    ("running", "others", "expected"),
    [
        ("26.0.2", ("26.0.2.1", "26.0.1"), "26.0.2.1"),
        ("3.5.2", ("3.5.2.1", "3.5", "3", "3.5.1"), None),
        ("4.0.9", ("4.0.9.2244", "4.0.8", "4.0.8.1874"), None),
        ("1.27", ("1.27.3", "1.28.0"), None),
        ("4.28.0.1", ("4.28.0", "5.0.1", "4.29.0"), "5.0.1"),
        ("1.0.0.1", ("2.5.0", "2.4.1"), None),
        ("9.4-1181.1724035907", ("9.4-1214", "9.4-1214.1726694543"), "9.4-1214.1726694543"),
        ("8.7-923.1669829893", ("8.7-1049",), "8.7-1049"),
        ("1-105", ("1-105.1724037697",), None),
    ],
)
def test_a_part_more_or_less(running: str, others: tuple[str, ...], expected: str | None) -> None:
    assert newest(running, *others) == expected


@pytest.mark.parametrize("level", ["major", "minor", "patch"])
@pytest.mark.parametrize(("running", "other"), [("20240501", "20250101"), ("2024-05-01", "2025-01-01")])
def test_a_date_has_no_major(running: str, other: str, level: str) -> None:
    assert newest(running, other, level=level) == other
    old, new = tag_version.read(running), tag_version.read(other)
    assert old
    assert new
    assert step(old, new) == "other"


@pytest.mark.parametrize(
    ("running", "others", "expected"),
    [
        ("1.1.1w", ("1.1.1x", "1.1.1a"), "1.1.1x"),
        ("2024a", ("2024b", "2025b"), "2025b"),
        ("1.1.1", ("1.1.1w",), None),
        ("1.2.3-pr45", ("1.2.3-pr46",), None),
    ],
)
def test_letters_and_pull_requests(running: str, others: tuple[str, ...], expected: str | None) -> None:
    assert newest(running, *others) == expected


@pytest.mark.parametrize(
    ("running", "others", "stands"),
    [
        ("3.18", ("3.18.4",), True),
        ("15-alpine", ("15.4-alpine",), True),
        ("15-alpine", ("15.4", "15.4-bookworm"), False),
        ("9.4", ("9.4-1214",), True),
        ("15.4", ("15.14", "15.4-alpine"), False),
        ("1.2.3", ("1.2.3.4",), False),
        ("20240501", ("20240501.1",), False),
    ],
)
def test_which_tags_stand_for_a_line(running: str, others: tuple[str, ...], stands: bool) -> None:
    version = tag_version.read(running)
    assert version
    assert stands_for_line(version, others) is stands
