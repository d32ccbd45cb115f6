"""What the environment of a process decides where no option does: Docker's own variables, and where files go."""

import os
import pwd
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_NAME = "check_container_updates"
_SOCKET = "/var/run/docker.sock"
_SYSTEM_STATE = f"/var/lib/{_NAME}"

Default = tuple[str, object, str]
"""Field of `Settings`, its value, and where it came from."""


def of(environ: Mapping[str, str], hosts: Sequence[str] | None, *, terminal: bool) -> Iterator[Default]:
    """Yield every default that depends on where the plugin runs; `hosts` are those that an option gave.

    (Docker's documentation, "Environment variables" and "Protect the Docker daemon socket")
    """
    if hosts is None:
        host, origin = _host(environ)
        hosts = (host,)
        yield "hosts", hosts, origin
    if any(host.startswith(("tcp://", "https://")) for host in hosts):
        yield from _tls(environ)
    config = environ.get("DOCKER_CONFIG")
    yield "docker_config", config or str(_home(environ) / ".docker"), "DOCKER_CONFIG" if config else "default"
    yield "state_dir", *_state_dir(environ)
    yield "output", *(("table", "terminal") if terminal else ("nagios", "default"))


def _host(environ: Mapping[str, str]) -> tuple[str, str]:
    if environ.get("DOCKER_HOST"):
        return environ["DOCKER_HOST"], "DOCKER_HOST"
    runtime = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    for path in (_SOCKET, f"{runtime}/docker.sock"):
        with suppress(OSError):
            if stat.S_ISSOCK(os.stat(path).st_mode):
                return f"unix://{path}", "first socket that exists"
    return f"unix://{_SOCKET}", "default"


def _tls(environ: Mapping[str, str]) -> Iterator[Default]:
    verify, folder = environ.get("DOCKER_TLS_VERIFY"), environ.get("DOCKER_CERT_PATH")
    if not verify and not folder:
        return
    origin = "DOCKER_CERT_PATH" if folder else "DOCKER_TLS_VERIFY"
    certificates = Path(folder) if folder else _home(environ) / ".docker"
    for field, name in (("tls_ca", "ca.pem"), ("tls_cert", "cert.pem"), ("tls_key", "key.pem")):
        if (certificates / name).exists():
            yield field, str(certificates / name), origin
    yield "tls_verify", bool(verify), "DOCKER_TLS_VERIFY"


def _state_dir(environ: Mapping[str, str]) -> tuple[str, str]:
    """The system's folder is for root and for the monitoring user whom an admin gave it."""
    if environ.get("XDG_STATE_HOME"):
        return os.path.join(environ["XDG_STATE_HOME"], _NAME), "XDG_STATE_HOME"
    with suppress(OSError):
        if os.geteuid() == 0 or os.stat(_SYSTEM_STATE).st_uid == os.geteuid():
            return _SYSTEM_STATE, "default"
    return str(_home(environ) / ".local" / "state" / _NAME), "default"


def _home(environ: Mapping[str, str]) -> Path:
    if environ.get("HOME"):
        return Path(environ["HOME"])
    try:
        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError:
        return Path("/")
