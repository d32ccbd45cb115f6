"""What an admin copies into Icinga 2 and its Director has every option that the plugin has, and no other."""

import json
import re
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from tests.support.paths import ROOT

COMMAND = (ROOT / "icinga2" / "container_updates.conf").read_text()
BASKET = json.loads((ROOT / "icinga2" / "director-basket.json").read_text())
FOR_PEOPLE = {
    *(
        "--help",
        "--version",
        "--explain",
        "--accept",
        "--hold",
        "--unhold",
        "--memory",
        "--check-policy",
        "--image",
        "--learn",
    ),
    *("--quiet", "--output-file"),
}
"""Options for a person at a terminal, cron or a collector: no service of a monitoring system has them."""


@cache
def options() -> set[str]:
    """The long options that `--help` tells, without those that only a person at a terminal needs."""
    argv = [sys.executable, str(ROOT / "check_container_updates.py"), "--help"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    listed = "\n".join(line for line in shown.splitlines() if re.match(r" {1,4}-", line))
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", listed)) - FOR_PEOPLE


def arguments() -> dict[str, dict[str, Any]]:
    """The arguments of the CheckCommand, read from its text."""
    blocks = re.findall(r'^\t\t"(--[a-z-]+)" = \{\n(.*?)^\t\t\}', COMMAND, re.MULTILINE | re.DOTALL)
    return {
        option: {name: json.loads(value) for name, value in re.findall(r"^\t\t\t(\w+) = (.*)$", block, re.MULTILINE)}
        for option, block in blocks
    }


def test_the_check_command_has_every_option() -> None:
    assert set(arguments()) == options()


def test_the_director_basket_says_what_the_check_command_says() -> None:
    command = BASKET["Command"]["container_updates"]
    assert command["arguments"] == arguments()
    assert command["command"] == "PluginContribDir + /check_container_updates"


@pytest.mark.parametrize("option", sorted(arguments()))
def test_each_option_has_its_variable_a_description_and_a_field_in_the_director(option: str) -> None:
    argument = arguments()[option]
    variable = "container_updates_" + option.removeprefix("--").replace("-", "_")
    assert argument["description"]
    assert argument.get("value", argument.get("set_if")) == f"${variable}$"
    [field] = [field for field in BASKET["Datafield"].values() if field["varname"] == variable]
    kind = "Boolean" if "set_if" in argument else "Array" if argument.get("repeat_key") else "(String|Number)"
    assert re.search(rf"DataType{kind}$", field["datatype"])
    assert int(field["originalId"]) in {
        entry["datafield_id"] for entry in BASKET["Command"]["container_updates"]["fields"]
    }


def test_the_director_has_the_service_for_invalid_signatures_alone_as_services_conf_has_it() -> None:
    services = (ROOT / "icinga2" / "services.conf").read_text()
    block = services.partition('apply Service "container-signatures" {')[2].partition("\n}\n")[0]
    given = {name: re.findall(r'"([^"]*)"', value) for name, value in re.findall(r"\tvars\.(\w+) = (\[.*|\".*)", block)}
    template = BASKET["ServiceTemplate"]["container-signatures-service"]
    assert {name: value if isinstance(value, list) else [value] for name, value in template["vars"].items()} == given
    assert template["imports"] == ["container-updates-service"]
    assert set(given) <= {"container_updates_" + option[2:].replace("-", "_") for option in options()}
