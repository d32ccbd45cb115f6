"""Text as Icinga, Nagios, Naemon and NRPE take it, whatever the names in it are."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_updates.model import Container, Problem, RequestRecord
from container_updates.report import FORMS, render
from container_updates.report.text import failure
from container_updates.settings import Settings
from container_updates.verdicts import METRICS
from tests.support.report_cases import (
    DAY,
    EVERY_CHECK,
    HOSTILE,
    container,
    finding,
    fine,
    infested,
    on_host,
    outcome,
    outdated,
)

ALL = Settings(checks=EVERY_CHECK)
LOUD = Settings(checks=EVERY_CHECK, verbose=3, max_output=10**6)
NRPE_BUFFER = 1024
ONE = re.compile(r"([a-z_]+)=(-?[0-9]+(?:\.[0-9]+)?)(s?)(?:;([-0-9.:~@]*))?(?:;([-0-9.:~@]*))?")
"""One item of performance data by the guidelines, as narrow as ours need to be."""
NUMBERS = {"images": 41, "oldest_image": 400.0 * DAY, "registry_requests": 44, "ratelimit_remaining": 97, "time": 1.25}


def text(judged: object, settings: Settings = ALL) -> str:
    return render(judged, settings)  # type: ignore[arg-type] # an Outcome, spelled out by the callers


def first_line(report: str) -> str:
    return report.split("\n", 1)[0]


def perfdata(report: str) -> dict[str, str]:
    items = first_line(report).split(" | ")[1].split(" ")
    assert all(ONE.fullmatch(item) for item in items), items
    return dict(item.split("=", 1) for item in items)


def test_the_sample_of_the_interface() -> None:
    unsigned = container("app0", finding("unsigned", "signatures", "docker.io/library/app:1 is not signed"))
    examined = [outdated("cache", 1), unsigned, outdated("web", 12), *fine(54), outdated("db", 3)]
    lines = text(outcome(examined, ALL)).splitlines()
    assert lines[0].startswith(
        "CONTAINER_UPDATES WARNING - 3 of 58 containers outdated (web 12d, db 3d, cache 1d), 1 unsigned | containers=58"
    )
    assert lines[1] == (
        "[WARNING] web: docker.io/library/nginx:1.27 outdated since 12d, "
        "runs sha256:6e6e6e6e6e6e, published sha256:0a399eb16751"
    )
    assert [line.split(":")[0] for line in lines[1:]] == [
        "[WARNING] web",
        "[WARNING] db",
        "[WARNING] cache",
        "[WARNING] app0",
    ]


def test_the_name_that_people_know_stands_before_the_container_s_own() -> None:
    record, findings = outdated("srv-web-1", 12)
    lines = text(outcome([(replace(record, display_name="The | shop"), findings)], ALL)).splitlines()
    assert " outdated (The ¦ shop 12d) | " in lines[0]
    assert lines[1].startswith("[WARNING] The ¦ shop (srv-web-1): ")


def test_the_worst_stands_first() -> None:
    examined = [
        container("fine"),
        container("open", finding("unreachable")),
        outdated("late", 30),
        container("forged", finding("invalid-signature", "signatures")),
    ]
    report = text(outcome(examined, ALL), replace(ALL, verbose=1))
    assert re.findall(r"^\[(\w+)\] (\w+):", report, re.M) == [
        ("CRITICAL", "forged"),
        ("WARNING", "late"),
        ("UNKNOWN", "open"),
        ("OK", "fine"),
    ]


# -- what may be in it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_outside_text_can_neither_add_lines_nor_performance_data_nor_html(hostile: str) -> None:
    report = text(infested(hostile, LOUD), LOUD)
    assert_well_formed(report)
    lines = report.splitlines()
    assert len(lines) == 1 + 2 + 3 + 3 + 1 + 1 + 2
    assert [line.split(" ")[0] for line in lines[1:]] == [
        "Problem:",
        "Problem:",
        "Update",
        "Trustworthy",
        "Integrity:",
        "[WARNING]",
        "[UNKNOWN]",
        "[OK]",
        "To",
        "Setting:",
        "Request:",
        "Request:",
    ]
    assert perfdata(report)["outdated"] == "1;0"


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_outside_text_keeps_to_the_limits(hostile: str) -> None:
    report = text(infested(hostile, ALL), replace(ALL, verbose=3))
    assert_well_formed(report)
    assert len(report.encode()) <= ALL.max_output


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_at_all_breaks_the_report(hostile: str) -> None:
    assert_well_formed(text(infested(hostile, LOUD), LOUD))


def test_an_image_without_a_name_is_no_html() -> None:
    nameless = Container("unix:///x", "4f" * 32, "web", "<none>:<none>", None)
    report = text(outcome([(nameless, ())], ALL), replace(ALL, verbose=1))
    assert "[OK] web: (none):(none)\n" in report


@pytest.mark.parametrize("verbose", range(4))
@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_written_anywhere(form: str, verbose: int, capfd: pytest.CaptureFixture[str]) -> None:
    settings = replace(ALL, output=form, verbose=verbose)
    assert render(infested(HOSTILE["lone surrogate"], settings), settings).endswith("\n")
    assert capfd.readouterr() == ("", "")


# -- how much of it ------------------------------------------------------------------------------------------------


def test_the_first_line_and_its_performance_data_fit_the_oldest_nrpe() -> None:
    limits = {metric.name: "1000000000:2000000000" for metric in METRICS}
    settings = Settings(checks=EVERY_CHECK, warning=limits, critical=limits)
    names = [container("漢" * 200, *everything_wrong()) for _ in range(200)]
    report = text(outcome(names, settings, numbers=NUMBERS), settings)
    assert len(first_line(report).encode()) < NRPE_BUFFER
    assert list(perfdata(report)) == [metric.name for metric in METRICS]
    assert first_line(report).startswith("CONTAINER_UPDATES CRITICAL - ")


@pytest.mark.parametrize(
    "absurd",
    [10**400, 1e300, float("nan"), float("inf"), -1e300, 10**5000],
    ids=["10^400", "1e300", "nan", "inf", "-1e300", "10^5000"],
)
def test_an_absurd_number_does_not_eat_the_line(absurd: float) -> None:
    numbers = dict.fromkeys(NUMBERS, absurd)
    judged = outcome([container("web", finding("outdated", age=absurd))], ALL, numbers=numbers)
    report = text(judged)
    assert_well_formed(report)
    assert "1 of 1 container outdated (web)" in report
    assert not set(NUMBERS) & set(perfdata(report))


@pytest.mark.parametrize("size", [1024, 2000, 4096, 8192, 65536])
def test_the_whole_stays_within_max_output_and_counts_what_is_missing(size: int) -> None:
    settings = replace(ALL, max_output=size, verbose=1)
    report = text(outcome([outdated(f"web-{number}", number) for number in range(1000)], ALL), settings)
    *kept, last = report.splitlines()[1:]
    more = re.fullmatch(r"… and (\d+) more", last)
    assert size - 200 < len(report.encode()) <= size
    assert more
    assert int(more[1]) + len(kept) == 3 + 1000 + 1, "and the line that says how to update"
    assert all(line.startswith("[WARNING] web-") and line.endswith("0a399eb16751") for line in kept[3:])


def test_what_just_fits_is_not_cut() -> None:
    judged = outcome([outdated(f"web-{number}", number) for number in range(20)], ALL)
    whole = text(judged, replace(ALL, max_output=10**6))
    size = len(whole.encode())
    assert text(judged, replace(ALL, max_output=size)) == whole
    assert "… and " in text(judged, replace(ALL, max_output=size - 1))


@pytest.mark.parametrize("size", [0, 1, 100, 300])
def test_too_little_room_still_tells_state_and_numbers(size: int) -> None:
    report = text(outcome([outdated("web", 12)], ALL), replace(ALL, max_output=size))
    assert report.startswith("CONTAINER_UPDATES WARNING - ")
    assert perfdata(report)["outdated"] == "1;0"
    assert report.count("\n") == 1


# -- performance data ----------------------------------------------------------------------------------------------


def test_performance_data_with_its_units_and_limits() -> None:
    settings = Settings(checks=EVERY_CHECK, warning={"outdated": "@1:5"}, critical={"outdated": "~:10", "time": "9.5"})
    found = perfdata(text(outcome([outdated("web", 12)], settings, numbers=NUMBERS), settings))
    assert list(found) == [metric.name for metric in METRICS]
    assert found["outdated"] == "1;@1:5;~:10"
    assert found["outdated_age"] == "1036800s"
    assert found["invalid_signatures"] == "0;;0"
    assert found["time"] == "1.25s;;9.5"
    assert found["containers"] == "1"


def test_labels_differ_in_what_rrd_keeps_of_them() -> None:
    names = [metric.name for metric in METRICS]
    assert len({name[:19] for name in names}) == len(names)


@pytest.mark.parametrize(
    ("seconds", "printed"),
    [(1e-07, "0s"), (0.0006, "0.001s"), (1e14, "100000000000000s"), (1 / 3, "0.333s"), (-0.0, "0s")],
)
def test_no_number_in_scientific_notation(seconds: float, printed: str) -> None:
    assert perfdata(text(outcome(fine(1), ALL, numbers={"time": seconds})))["time"] == printed


def test_without_performance_data() -> None:
    report = text(outcome([outdated("web", 12)], ALL), replace(ALL, perfdata=False))
    assert first_line(report) == "CONTAINER_UPDATES WARNING - 1 of 1 container outdated (web 12d)"


# -- verbosity -----------------------------------------------------------------------------------------------------

TALKATIVE = replace(
    outcome(
        [outdated("web", 12), container("db")],
        ALL,
        problems=[Problem("mirror.example.com", "unreachable", "does not answer")],
        requests=[
            RequestRecord("HEAD", "https://registry.example.com/v2/a/manifests/1", 200, 0.1234),
            RequestRecord("GET", "https://other.example.com/v2/", None, 30, "connection refused"),
        ],
    ),
    settings=(("--timeout", "30", "default"), ("--docker-config", "", "environment")),
)


def test_only_what_is_not_ok_by_default() -> None:
    assert [line.split(" ")[0] for line in text(TALKATIVE).splitlines()[1:]] == ["Problem:", "[WARNING]"]


def test_v_adds_all_containers() -> None:
    report = text(TALKATIVE, replace(ALL, verbose=1))
    assert report.splitlines()[6:] == [
        "[OK] db: docker.io/library/nginx:1.27 is up-to-date",
        "To update: docker pull nginx:1.27, then remove web and run it again as it was started",
    ]


def test_vv_adds_the_settings_and_where_they_came_from() -> None:
    report = text(TALKATIVE, replace(ALL, verbose=2))
    assert report.splitlines()[8:] == [
        "Setting: --timeout 30 from default",
        "Setting: --docker-config (empty) from environment",
    ]


def test_vvv_adds_every_request_with_status_and_time() -> None:
    report = text(TALKATIVE, replace(ALL, verbose=3))
    assert report.splitlines()[10:] == [
        "Request: HEAD https://registry.example.com/v2/a/manifests/1 200 0.123s",
        "Request: GET https://other.example.com/v2/ no answer 30.000s (connection refused)",
    ]


def test_v_tells_the_good_findings_of_a_bad_container_too() -> None:
    judged = outcome([container("web", finding(message="current"), finding("unsigned", "signatures", "bare"))], ALL)
    assert "[WARNING] web: docker.io/library/nginx:1.27 bare\n" in text(judged)
    assert "[WARNING] web: docker.io/library/nginx:1.27 bare; current\n" in text(judged, replace(ALL, verbose=1))


def test_two_checks_that_fail_alike_say_it_once() -> None:
    both = container("web", finding("timeout", message="no time"), finding("timeout", "signatures", "no time"))
    assert "[UNKNOWN] web: docker.io/library/nginx:1.27 no time\n" in text(outcome([both], ALL))


def test_the_engine_is_named_where_there_are_several() -> None:
    two = [on_host("db7", outdated("web", 2)), on_host("web3", outdated("web", 1))]
    report = text(outcome(two, ALL))
    assert "\n[WARNING] web@db7: " in report
    assert "\n[WARNING] web@web3: " in report
    assert "@" not in text(outcome([outdated("web", 1)], ALL))


def test_the_same_finding_on_many_hosts_is_one_line_and_every_container_at_v() -> None:
    many = [on_host(f"host{number:02}", outdated("app", 3)) for number in range(50)]
    lines = text(outcome(many, ALL)).splitlines()
    assert lines[1].startswith("[WARNING] docker.io/library/nginx:1.27 outdated since 3d")
    assert lines[1].endswith(": 50 containers (app@host00, app@host01, app@host02 and 47 more)")
    assert len(lines) == 2
    verbose = text(
        outcome(many, replace(ALL, verbose=1, max_output=100_000)), replace(ALL, verbose=1, max_output=100_000)
    )
    assert sum(line.startswith("[WARNING] app@host") for line in verbose.splitlines()) == 50


def test_engines_that_could_not_be_read_stand_above_the_containers() -> None:
    gone = Problem("db7", "unreachable", "no engine at tcp://db7:2376: nobody listens there")
    lines = text(outcome([outdated("web", 1)], ALL, unread=[gone], engines=2)).splitlines()
    assert lines[1] == "Not read: db7: no engine at tcp://db7:2376: nobody listens there"
    assert lines[2].startswith("[WARNING] web: ")
    assert not any(line.startswith("Problem: db7") for line in lines)


# -- a check that could not be made --------------------------------------------------------------------------------


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_failure_is_one_harmless_line(hostile: str) -> None:
    line = failure(f"no socket {hostile}")
    assert line.startswith("CONTAINER_UPDATES UNKNOWN - no socket")
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    assert "|" not in line
    assert len(line.encode()) < NRPE_BUFFER


def test_an_engine_that_is_gone_is_told_once() -> None:
    gone = Problem("unix:///run/docker.sock", "unreachable", "nothing listens")
    report = text(outcome([], ALL, unread=[gone], engines=2))
    assert report.count("nothing listens") == 1
    assert report.startswith("CONTAINER_UPDATES UNKNOWN - 1 of 2 engines not read (unix:///run/docker.sock) | ")


def everything_wrong() -> list[object]:
    codes = {
        "updates": ("outdated", "tag-gone", "unreachable"),
        "restarts": ("restart-pending",),
        "versions": ("newer-version",),
        "signatures": ("unsigned", "unverifiable", "invalid-signature", "signer-changed"),
        "source": ("unknown-source", "source-mismatch", "untrusted-registry", "base-outdated"),
        "packages": ("packages-pending", "security-pending"),
    }
    return [finding(code, check, age=999 * DAY, packages=10**9) for check in codes for code in codes[check]]


def assert_well_formed(report: str) -> None:
    report.encode()
    assert report.endswith("\n")
    assert all(line.isprintable() for line in report[:-1].split("\n"))
    assert report.count("|") == 1
    assert not set("<>") & set(report)
    assert len(first_line(report).encode()) < NRPE_BUFFER
    assert perfdata(report)
