"""Candidates as apt chooses them: Debian's own apt is the oracle; tests/functional has hundreds of such sets."""

import shutil
from pathlib import Path

import pytest

from tests.support.apt_compared import differences
from tests.support.apt_world import Repository, apt_says, generated

pytest.importorskip("debian.debian_support", reason="the extra packages is not installed")
pytest.importorskip("re2", reason="the extra versions is not installed")
pytestmark = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("apt-get", "apt-cache", "gpg")), reason="apt and gpg are the oracle"
)


@pytest.mark.parametrize("seed", [5, 22, 31, 44, 94])
def test_a_set_that_once_came_out_wrong(seed: int, tmp_path: Path) -> None:
    with Repository() as repository:
        world = generated(seed, repository)
        assert differences(world, apt_says(world, tmp_path), tmp_path) == []
