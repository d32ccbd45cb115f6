"""Docker contexts as the CLI writes them, and which engine is asked where no option names one."""

import json
from pathlib import Path
from typing import Any

import pytest

from container_updates.errors import UsageError
from container_updates.options import parser
from container_updates.settings import Settings
from tests.support import paths

RECORDED = json.loads((paths.ASSETS / "fleet" / "docker-contexts.json").read_text())
REMOTE = "ssh://root@127.0.0.1:5275"
TLS = "71614c1fecf740cb7c15fc358b0458ce7ab245624a47b58c430fc3334c3d64f2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of config.json, as recorded."""
    (tmp_path / "config.json").write_text(json.dumps(RECORDED["config.json"]))
    for key, meta in RECORDED["contexts/meta"].items():
        (tmp_path / "contexts" / "meta" / key).mkdir(parents=True)
        (tmp_path / "contexts" / "meta" / key / "meta.json").write_text(json.dumps(meta))
    files = tmp_path / "contexts" / "tls" / TLS / "docker"
    files.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (files / name).write_text("")
    return tmp_path


def parsed(*argv: str, folder: Path, **environ: str) -> Settings:
    found = parser.parse(argv, {"HOME": "/nowhere", "DOCKER_CONFIG": str(folder), **environ}, terminal=False)
    assert isinstance(found, Settings)
    return found


def origin(settings: Settings) -> str:
    return next(origin for option, _, origin in settings.origins if option == "--host")


@pytest.mark.parametrize(
    ("argv", "environ", "host", "where"),
    [
        ((), {}, "unix:///run/lab/docker.sock", "docker context swm (config.json)"),
        (("--context", "remote"), {}, REMOTE, "docker context remote (--context)"),
        (("--context", "remote"), {"DOCKER_HOST": "unix:///h"}, REMOTE, "docker context remote (--context)"),
        ((), {"DOCKER_CONTEXT": "remote"}, REMOTE, "docker context remote (DOCKER_CONTEXT)"),
        ((), {"DOCKER_HOST": "unix:///h", "DOCKER_CONTEXT": "remote"}, "unix:///h", "DOCKER_HOST"),
        (
            (),
            {"CONTAINER_HOST": "unix:///p", "DOCKER_CONTEXT": "remote"},
            REMOTE,
            "docker context remote (DOCKER_CONTEXT)",
        ),
        ((), {"CONTAINER_HOST": "unix:///p"}, "unix:///p", "CONTAINER_HOST"),
        (("--context", "default"), {"DOCKER_HOST": "unix:///h"}, "unix:///h", "DOCKER_HOST"),
        (("--host", "unix:///o"), {"DOCKER_CONTEXT": "remote"}, "unix:///o", "command line"),
    ],
)  # fmt: skip
def test_the_first_that_is_there_decides(
    folder: Path, argv: tuple[str, ...], environ: dict[str, str], host: str, where: str
) -> None:
    settings = parsed(*argv, folder=folder, **environ)
    assert settings.hosts == (host,)
    assert origin(settings) == where


def test_a_context_brings_its_tls_along_whatever_the_environment_says_of_another_engine(folder: Path) -> None:
    settings = parsed("--context", "tlsctx", folder=folder, DOCKER_CERT_PATH="/elsewhere", DOCKER_TLS_VERIFY="")
    files = folder / "contexts" / "tls" / TLS / "docker"
    assert (settings.tls_ca, settings.tls_cert) == (str(files / "ca.pem"), str(files / "cert.pem"))
    assert settings.tls_verify


def test_a_missing_skip_tls_verify_means_that_tls_is_verified(folder: Path) -> None:
    meta = folder / "contexts" / "meta" / TLS / "meta.json"
    told: dict[str, Any] = RECORDED["contexts/meta"][TLS]
    for members, verify in (({}, True), ({"SkipTLSVerify": False}, True), ({"SkipTLSVerify": True}, False)):
        meta.write_text(json.dumps({**told, "Endpoints": {"docker": {"Host": "tcp://127.0.0.1:2376", **members}}}))
        assert parsed("--context", "tlsctx", folder=folder).tls_verify is verify


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"Endpoints": 7}', '{"Endpoints": {"docker": {"Host": 7}}}', "[" * 9999]
)
def test_a_context_that_cannot_be_read_is_one_line(folder: Path, text: str) -> None:
    (folder / "contexts" / "meta" / TLS / "meta.json").write_text(text)
    with pytest.raises(UsageError, match="docker context 'tlsctx'") as caught:
        parsed("--context", "tlsctx", folder=folder)
    assert "\n" not in str(caught.value)


def test_a_context_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(UsageError, match="there is no docker context 'other' in"):
        parsed("--context", "other", folder=folder)


@pytest.mark.parametrize("text", ["", "{", '{"currentContext": 7}', '{"currentContext": "default"}', "{}"])
def test_a_config_that_chooses_none_leaves_the_default(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    assert origin(parsed(folder=folder)) in ("default", "first socket that exists")


def test_context_and_host_contradict_each_other(folder: Path) -> None:
    with pytest.raises(UsageError, match="--context and --host"):
        parsed("--context", "swm", "--host", "unix:///x", folder=folder)


@pytest.mark.parametrize("socket", ["docker.sock", "podman/podman.sock"])
def test_rootless_sockets_are_found_by_themselves(tmp_path: Path, socket: str) -> None:
    import socket as sockets
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as runtime, sockets.socket(sockets.AF_UNIX) as listening:
        path = Path(runtime) / socket
        path.parent.mkdir(exist_ok=True)
        listening.bind(str(path))
        hosts = parsed(folder=tmp_path, XDG_RUNTIME_DIR=runtime).hosts
    assert hosts[0] in (f"unix://{path}", "unix:///var/run/docker.sock", "unix:///run/podman/podman.sock")
