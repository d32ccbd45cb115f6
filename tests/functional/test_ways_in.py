"""The ways in: the file run in place, `pip install`, `python -m`; and what is said when a package is missing."""

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from .daemons import program, unavailable
from .plugin import PLUGIN, ROOT, Run, run

DEBIAN_PYTHON = "/usr/bin/python3"
ONE_OF_EACH = Path(__file__).with_name("one_of_each.py")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment of its own into which the project was installed by pip."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    # pip builds in the source's folder: keep this one clean.
    source = tmp_path_factory.mktemp("source") / "project"
    ignored = [".git", ".venv*", "build", "*.egg-info", ".mypy_cache", ".ruff_cache", ".pytest_cache", "__pycache__"]
    excludes = [f"--exclude=./{name}" if name in (".git", "build") else f"--exclude={name}" for name in ignored]
    source.mkdir()
    subprocess.run(
        f"tar -C '{ROOT}' {' '.join(excludes)} -cf - . | tar -C '{source}' -xf -", shell=True, check=True, timeout=300
    )
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", str(source)]
    done = subprocess.run(install, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "bin"


def one_of_each(python: str, folder: Path, env: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the verdicts on one signature of each kind by what that interpreter finds installed."""
    argv = [python, "-P", str(ONE_OF_EACH), str(ROOT / "tests" / "assets" / "signatures")]
    result = run(argv, folder, env)
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout))


def demo(argv: list[str], home: Path) -> Run:
    """Run the demo, which needs no engine."""
    return run([*argv, "--demo", "--output=nagios"], home)


def test_the_file_runs_in_place_with_debian_s_own_python_and_packages(tmp_path: Path) -> None:
    packages = subprocess.run([DEBIAN_PYTHON, "-c", "import docker, nagiosplugin, requests"], capture_output=True)
    if packages.returncode != 0:
        unavailable("apt install python3-nagiosplugin python3-docker python3-requests")

    result = demo([DEBIAN_PYTHON, str(PLUGIN)], tmp_path)

    assert result.exit_code in (1, 2), result.stdout
    assert result.stdout.startswith("CONTAINER_UPDATES ")
    assert result.stderr == ""


def test_debian_s_own_packages_verify_all_that_needs_no_timestamp(tmp_path: Path) -> None:
    needed = [DEBIAN_PYTHON, "-c", "import cryptography, cbor2, nacl"]
    if subprocess.run(needed, capture_output=True).returncode != 0:
        unavailable("apt install python3-cryptography python3-cbor2 python3-nacl")
    verdicts = one_of_each(DEBIAN_PYTHON, tmp_path, {"PYTHONPATH": str(ROOT)})["verdicts"]
    needing = {name for name in verdicts if "imestamp" in name}
    assert {name for name, (state, _) in verdicts.items() if state == "good"} == set(verdicts) - needing
    assert {verdicts[name][1] for name in needing} == {"this host lacks a Python package for it"}


def test_pip_install_brings_the_command_and_the_module(installed: Path, tmp_path: Path) -> None:
    version = run([str(installed / "check_container_updates"), "--version"], tmp_path)
    assert version.exit_code == 0
    by_command = demo([str(installed / "check_container_updates")], tmp_path)
    by_module = demo([str(installed / "python"), "-P", "-m", "container_updates"], tmp_path)
    assert by_command.exit_code in (1, 2), by_command.stdout
    assert by_module.exit_code == by_command.exit_code
    for result in (by_command, by_module):
        assert result.stdout.startswith("CONTAINER_UPDATES ")
        assert result.stderr == ""


def test_pip_install_alone_verifies_one_of_each_kind(installed: Path, tmp_path: Path) -> None:
    """Without an extra, and without the sigstore package."""
    said = one_of_each(str(installed / "python"), tmp_path)
    assert not said["sigstore"]
    assert {name: verdict[0] for name, verdict in said["verdicts"].items()} == dict.fromkeys(said["verdicts"], "good")
    assert len(said["verdicts"]) == 7


def test_a_missing_package_is_said_once_however_many_containers_need_it(installed: Path, tmp_path: Path) -> None:
    hidden = tmp_path / "sitecustomize.py"
    hidden.write_text("import sys; sys.modules['cryptography'] = None")
    argv = ["env", f"PYTHONPATH={tmp_path}", str(installed / "check_container_updates")]
    result = demo([*argv, "--check=signatures,source"], tmp_path)
    assert result.stdout.count("pip install") == 1, result.stdout
    assert "apt install python3-cryptography, or pip install cryptography" in result.stdout


def test_all_ways_in_say_the_same_options(installed: Path, tmp_path: Path) -> None:
    ways = [[sys.executable, str(PLUGIN)], [str(installed / "check_container_updates")]]
    first, second = (run([*way, "--help"], tmp_path) for way in ways)
    assert first.exit_code == second.exit_code == 0
    assert "--host" in first.stdout
    assert first.stdout.replace(".py", "") == second.stdout.replace(".py", "")


@pytest.mark.parametrize("missing", ["nagiosplugin", "docker", "requests"])
def test_a_missing_package_is_one_line_that_names_it_and_unknown(missing: str, tmp_path: Path) -> None:
    """An interpreter whose site-packages lack this one."""
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False)
    [site] = (bare / "lib").glob("python*/site-packages")
    hidden = f"import sys; sys.modules[{missing!r}] = None"
    found = [entry for entry in sys.path if entry.endswith("site-packages")]
    (site / "others.pth").write_text("\n".join([*found, hidden]) + "\n")

    result = demo([str(bare / "bin" / "python"), str(PLUGIN)], tmp_path)

    assert result.exit_code == 3
    assert len(result.stdout.splitlines()) == 1
    assert missing in result.stdout
    assert result.stderr == ""


def test_make_demo_succeeds_and_says_what_the_exit_code_means(tmp_path: Path) -> None:
    done = subprocess.run(
        [program("make", "make"), "-C", str(ROOT), "--no-print-directory", "demo"],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CONTAINER_UPDATES " in done.stdout
    assert "exit code 1: WARNING" in done.stdout or "exit code 2: CRITICAL" in done.stdout
