"""What the README says is what the plugin does."""

import re

import pytest

from container_updates import cli
from container_updates.chain import CHECKS
from container_updates.verdicts import METRICS
from tests.support.paths import ROOT
from tests.test_monitoring_files import FOR_PEOPLE, options

README = (ROOT / "README.md").read_text()
HEADINGS = re.findall(r"^### (.*)$", README, re.MULTILINE)


def section(name: str) -> str:
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def test_every_option_is_explained_and_no_other() -> None:
    rows = [line for line in section("Options").splitlines() if line.startswith("| `")]
    explained = {option for row in rows for option in re.findall(r"`(--[a-z-]+)`", row.split("|")[1])}
    assert explained == options() | FOR_PEOPLE


def test_every_metric_is_explained_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (s?) *\| ([^|]*)\|", section("Perfdata"), re.MULTILINE)
    explained = {name: (unit, warning.strip()) for name, unit, warning in rows}
    expected = {
        metric.name: (metric.unit, metric.warning)
        for metric in METRICS
        if metric.check is None or metric.check in CHECKS
    }
    assert explained == {**expected, "not_checked": ("", "by `--not-checked`")}


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_is_among_the_answers(check: str) -> None:
    assert f"| {check} |" in section("What it answers")


def test_the_first_commands_are_targets_of_the_makefile() -> None:
    commands = re.findall(r"^make (\S+)", README, re.MULTILINE)
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert commands == ["demo", "test"]
    assert set(commands) <= set(targets)


def test_the_messages_of_troubleshooting_are_those_of_the_plugin() -> None:
    """Each heading's longest part without an example's address stands in the sources as it is."""
    sources = "\n".join(path.read_text() for path in (ROOT / "container_updates").rglob("*.py"))
    sources += "unrecognized arguments"  # argparse's own
    for heading in HEADINGS:
        parts = re.split(
            r"\S*(?:/|\.sqlite|example\.com|:\d)\S*|\(HTTP \d+\)|HTTP \d+|: no such socket|\bdocker\b", heading
        )
        longest = max((part.strip(" :") for part in parts), key=len)
        assert longest in sources, heading


@pytest.mark.parametrize(
    ("argv", "heading"),
    [
        (["-H", "unix:///var/run/nowhere.sock"], "no engine at unix:///var/run/docker.sock: no such socket"),
        (["-H", "tcp://127.0.0.1:9"], "no engine at tcp://192.0.2.1:2375: nobody listens there"),
        (["-H", "ftp://engine"], "is no engine URL"),
        (["--vebose"], "unrecognized arguments"),
    ],
)
def test_messages_as_they_come(argv: list[str], heading: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert heading in HEADINGS
    cli.main(argv, {})
    shown = capsys.readouterr().out
    words = re.split(r"\S*[:/]{2}\S*", heading)[-1].strip()
    assert words in shown
