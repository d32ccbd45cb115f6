"""Hundreds of generated sets of packages, pins, holds and suites: candidate by candidate as Debian's own apt says."""

import os
from pathlib import Path

import pytest

from tests.support.apt_compared import differences
from tests.support.apt_world import Repository, apt_says, generated

SETS = int(os.environ.get("APT_SETS", "300"))


@pytest.mark.parametrize("first", range(0, SETS, 20))
def test_generated_sets_come_out_as_apt_says(first: int, tmp_path: Path) -> None:
    wrong = {}
    for seed in range(first, min(first + 20, SETS)):
        with Repository() as repository:
            world = generated(seed, repository)
            folder = tmp_path / str(seed)
            folder.mkdir()
            found = differences(world, apt_says(world, folder), folder)
        if found:
            wrong[seed] = found
    assert wrong == {}
