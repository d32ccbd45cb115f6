"""What the rules of a policy decide among what runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from container_updates.report import render
from container_updates.settings import Settings
from tests.support.lab import Lab, lab


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


def test_rules_that_match_nothing_that_runs_and_what_the_others_decide_are_told_at_v(host: Lab) -> None:
    for name in ("web", "db"):
        host.run(name, host.registry.push_image(f"acme/{name}", "1"))
    host.run("own", host.registry.push_image("other/own", "1"))
    file = host.folder / "policy.toml"
    rules = [f'[[rule]]\nimages = ["{images}"]\nsignatures = "accepted"\n' for images in (
        f"{host.registry.host}/acme/*", "ghcr.io/acme/*", f"{host.registry.host}/acme/never", "quay.io/x/y",
    )]  # fmt: skip
    file.write_text("version = 1\n" + "".join(rules))
    checked = host.check(checks=("signatures",), trust_policies=(str(file),), verbose=1)
    words = "nothing that runs matches rule 2 (ghcr.io/acme/*); rule 3"
    assert f"Policy {file}: rule 1 decides 2 containers, {words}" in checked.outcome.notes[0]
    assert checked.outcome.notes[1] == "Policy: no rule decides 1 container"
    assert words in render(checked.outcome, Settings(verbose=1, max_output=100_000))
    assert host.check(checks=("signatures",), trust_policies=(str(file),)).outcome.notes == ()
