"""The table for a person at a terminal, with rich and without it."""

import io
import re
import subprocess
import sys
from dataclasses import replace
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container_updates.model import Outcome, Problem, RequestRecord
from container_updates.report import nagios
from container_updates.report.table import Progress, render
from container_updates.settings import Settings
from tests.support.report_cases import DAY, EVERY_CHECK, HOSTILE, container, finding, fine, infested, outcome, outdated

pytest.importorskip("rich")

PLAIN = Settings(checks=EVERY_CHECK, output="table", color="never")
MIXED = outcome(
    [
        outdated("web", 12),
        *fine(2),
        container("forged", finding("invalid-signature", "signatures")),
        container("open", finding("unreachable", message="registry.example.com does not answer")),
    ],
    PLAIN,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("rich.console", "rich.table", "rich.text", "rich.progress"):
        monkeypatch.setitem(sys.modules, module, None)


def table(judged: Outcome = MIXED, settings: Settings = PLAIN, width: int = 160) -> list[str]:
    return render(judged, settings, width=width).splitlines()


def test_headline_then_what_is_not_ok_worst_first() -> None:
    first, header, *rows = table()
    rows = rows[:3]
    assert first.startswith("CRITICAL - 1 of 5 containers with an invalid signature (forged), 1 outdated (web 12d)")
    assert header.split() == ["state", "container", "image", "message"]
    assert [row.split()[:3] for row in rows] == [
        ["CRITICAL", "forged", "library/nginx:1.27"],
        ["WARNING", "web", "library/nginx:1.27"],
        ["UNKNOWN", "open", "library/nginx:1.27"],
    ]
    assert rows[2].endswith("  registry.example.com does not answer")


def test_one_row_says_what_there_is_to_know_and_v_the_digests() -> None:
    (row,) = [row for row in table(width=80) if row.startswith("WARNING")]
    assert row.split() == ["WARNING", "web", "library/nginx:1.27", "outdated", "since", "12d"]
    (row,) = [row for row in table(settings=replace(PLAIN, verbose=1)) if row.startswith("WARNING")]
    assert row.count("nginx") == 1
    assert "  outdated since 12d, runs sha256:6e6e6e6e6e6e, published sha256:" in row


def test_a_registry_that_not_all_share_is_named_and_a_long_one_loses_its_middle() -> None:
    long = "registry.of-a-department.with-many-parts.example.com:5000/shop/app:1"
    judged = outcome([outdated("web", 12), container("app", finding("tag-gone"), image=long)], PLAIN)
    rows = {row.split()[1]: row.split()[2] for row in table(judged, width=120) if row.startswith("WARNING")}
    assert rows["web"] == "docker.io/library/nginx:1.27"
    assert re.fullmatch(r"registry\.\S+….+:5000/shop/app:1", rows["app"])
    assert len(rows["app"]) <= 40


def test_what_many_containers_share_is_one_row_and_what_is_particular_keeps_its_own() -> None:
    unsigned = finding("unsigned", "signatures", "docker.io/library/nginx:1.27 not signed")
    many = [container(f"app{number}", finding(), unsigned, container_id=f"{number:064x}") for number in range(54)]
    web = container("web", finding("outdated", age=12 * DAY), unsigned, container_id="f" * 64)
    rows = [row for row in table(outcome([*many, web], PLAIN), width=200) if row.startswith("WARNING ")][1:]
    assert re.split(r"  +", rows[0]) == [
        "WARNING",
        "55 containers (web, app0, app1 and 52 more)",
        "library/nginx:1.27",
        "not signed",
    ]
    assert [row.split()[1] for row in rows[1:]] == ["web"]
    assert "not signed" not in rows[1]


def test_a_table_longer_than_the_screen_ends_with_the_headline() -> None:
    judged = outcome([outdated(f"web{number}", number) for number in range(1, 40)], PLAIN)
    whole = render(judged, PLAIN, width=160, height=100).splitlines()
    assert render(judged, PLAIN, width=160, height=24).splitlines() == [*whole, whole[0]]


def test_v_shows_every_container() -> None:
    rows = table(settings=replace(PLAIN, verbose=1))[2:]
    assert [row.split()[0] for row in rows[:5]] == ["CRITICAL", "WARNING", "UNKNOWN", "OK", "OK"]
    assert rows[-1].startswith("To update: ")


def test_nothing_wrong_is_one_line() -> None:
    assert table(outcome(fine(3), PLAIN)) == ["OK - 3 containers up to date"]


def test_problems_stand_above_the_containers_settings_and_requests_below() -> None:
    judged = outcome(
        [outdated("web", 12)],
        PLAIN,
        problems=[Problem("mirror.example.com", "unreachable", "does not answer")],
        requests=[RequestRecord("HEAD", "https://registry.example.com/v2/a/manifests/1", 200, 0.1)],
    )
    judged = replace(judged, settings=(("--timeout", "30", "default"),))
    assert table(judged)[1] == "Problem: mirror.example.com: does not answer"
    assert table(judged, replace(PLAIN, verbose=3))[-3:] == [
        "To update: docker pull nginx:1.27, then remove web and run it again as it was started",
        "Setting: --timeout 30 from default",
        "Request: HEAD https://registry.example.com/v2/a/manifests/1 200 0.100s",
    ]


@pytest.mark.parametrize("width", [20, 40, 80, 300])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = table(settings=replace(PLAIN, verbose=1), width=width)
    assert max(map(len, lines)) <= width


def test_a_narrow_terminal_loses_nothing() -> None:
    _, header, *rows = table(outcome([outdated("web", 12)], PLAIN), replace(PLAIN, verbose=1), width=70)
    column = header.index("message")
    end = next(number for number, row in enumerate(rows) if row.startswith("Update timely"))
    words = "".join(row[column:] for row in rows[:end]).replace(" ", "")
    assert words == "outdatedsince12d,runssha256:6e6e6e6e6e6e,publishedsha256:0a399eb16751"


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("width", [30, 200])
def test_outside_text_is_shown_and_never_interpreted(hostile: str, width: int) -> None:
    loud = replace(PLAIN, verbose=3)
    lines = table(infested(hostile, loud), loud, width)
    assert all(line.isprintable() for line in lines)
    assert not set("|<>") & set("".join(lines))
    "".join(lines).encode()


def test_markup_in_a_name_stays_text() -> None:
    report = render(infested("[bold red]web[/] :smile:", PLAIN), replace(PLAIN, color="always"), width=300)
    assert "[bold red]web[/] :smile:" in report
    assert "\x1b[1;31m" not in report


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=())), st.integers(1, 120))
def test_no_text_at_all_breaks_it(hostile: str, width: int) -> None:
    assert all(line.isprintable() for line in table(infested(hostile, PLAIN), width=width))


# -- colours -------------------------------------------------------------------------------------------------------


def colored(when: str, monkeypatch: pytest.MonkeyPatch, stdout: io.StringIO, **environment: str) -> bool:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stdout)
        return "\x1b[1;31mCRITICAL" in render(MIXED, replace(PLAIN, color=when), width=100)


def test_colours_only_where_there_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert colored("auto", monkeypatch, Terminal())
    assert not colored("auto", monkeypatch, io.StringIO())


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_may_say_no(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not colored("auto", monkeypatch, Terminal(), **{name: value})


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb"), ("FORCE_COLOR", "1")])
def test_the_option_outranks_the_environment(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert colored("always", monkeypatch, io.StringIO(), **{name: value})
    assert not colored("never", monkeypatch, Terminal(), **{name: value})


def test_colours_change_nothing_else() -> None:
    lines = render(MIXED, replace(PLAIN, color="always"), width=160).splitlines()
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in lines] == table()


# -- without rich --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("without_rich")
def test_without_rich_it_is_the_plugin_text() -> None:
    assert render(MIXED, PLAIN) == nagios.render(MIXED, PLAIN)


@pytest.mark.parametrize("form", ["nagios", "json"])
def test_a_plugin_run_does_not_pay_for_rich(form: str) -> None:
    code = (
        "import sys; from tests.support.report_cases import fine, outcome; "
        "from container_updates.report import render; "
        "from container_updates.settings import Settings; "
        f"render(outcome(fine(1)), Settings(output={form!r})); sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


# -- progress ------------------------------------------------------------------------------------------------------


def advance_all(stream: io.StringIO) -> str:
    with Progress(8, stream) as progress:
        threads = [Thread(target=progress.advance) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return stream.getvalue()


def test_a_terminal_sees_how_far_it_is() -> None:
    assert "8/8" in advance_all(Terminal())


def test_whoever_is_no_terminal_sees_nothing() -> None:
    assert advance_all(io.StringIO()) == ""


@pytest.mark.usefixtures("without_rich")
def test_no_progress_without_rich() -> None:
    assert advance_all(Terminal()) == ""


def test_stderr_is_where_it_goes(capfd: pytest.CaptureFixture[str]) -> None:
    with Progress(1) as progress:
        progress.advance()
    assert capfd.readouterr() == ("", "")
