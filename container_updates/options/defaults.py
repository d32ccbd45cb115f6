"""What the environment of a process decides where no option does: Docker's own variables, and where files go."""

import os
import pwd
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from container_updates.options import contexts

_NAME = "check_container_updates"
_NO_CONTEXT = "default"
"""Docker's word for the engine that is asked without any context."""
_SOCKET = "/var/run/docker.sock"
_SYSTEM_STATE = f"/var/lib/{_NAME}"

READ = (
    "CONTAINER_HOST",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "HOME",
    "XDG_STATE_HOME",
)
"""Variables of others that decide something here."""

Default = tuple[str, object, str]
"""Field of `Settings`, its value, and where it came from."""


def of(
    environ: Mapping[str, str],
    hosts: Sequence[str] | None,
    *,
    terminal: bool,
    context: str = "",
    docker_config: str | None = None,
) -> Iterator[Default]:
    """Yield every default that depends on where the plugin runs; raises `UsageError`.

    `hosts`, `context` and `docker_config` are those that options gave. (Docker's documentation, "Environment
    variables", "Docker contexts" and "Protect the Docker daemon socket")
    """
    config = docker_config or environ.get("DOCKER_CONFIG") or str(_home(environ) / ".docker")
    tls = _tls(environ)
    if hosts is None:
        host, origin, files = _engine(environ, context, Path(config))
        hosts = (host,)
        yield "hosts", hosts, origin
        tls = tls if files is None else iter(files)
    if any(host.startswith(("tcp://", "https://")) for host in hosts):
        yield from tls
    yield "docker_config", config, "DOCKER_CONFIG" if environ.get("DOCKER_CONFIG") else "default"
    known = [path for path in environ.get("KUBECONFIG", "").split(":") if path]
    kubeconfig = known or [str(_home(environ) / ".kube" / "config")]
    yield "kubeconfig", kubeconfig, "KUBECONFIG" if known else "default"
    yield "state_dir", *_state_dir(environ)
    yield "output", *(("table", "terminal") if terminal else ("nagios", "default"))


def _engine(environ: Mapping[str, str], context: str, config: Path) -> tuple[str, str, list[Default] | None]:
    """Return the engine to ask, where that was decided, and its TLS where a context has it: the first that is there."""
    if context == _NO_CONTEXT:
        return *_host(environ), None
    if context:
        return _of_context(context, config, "--context")
    if environ.get("DOCKER_HOST"):
        return environ["DOCKER_HOST"], "DOCKER_HOST", None
    chosen = environ.get("DOCKER_CONTEXT", "")
    if chosen and chosen != _NO_CONTEXT:
        return _of_context(chosen, config, "DOCKER_CONTEXT")
    if environ.get("CONTAINER_HOST"):
        return environ["CONTAINER_HOST"], "CONTAINER_HOST", None
    current = "" if chosen else contexts.current(config)
    if current and current != _NO_CONTEXT:
        return _of_context(current, config, "config.json")
    return *_host(environ), None


def _of_context(name: str, config: Path, origin: str) -> tuple[str, str, list[Default]]:
    context = contexts.load(name, config)
    where = f"docker context {name} ({origin})"
    tls: list[Default] = [(field, path, where) for field, path in context.tls_files]
    return context.host, where, [*tls, ("tls_verify", context.verify, where)]


def _host(environ: Mapping[str, str]) -> tuple[str, str]:
    if environ.get("DOCKER_HOST"):
        return environ["DOCKER_HOST"], "DOCKER_HOST"
    runtime = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    for path in (_SOCKET, f"{runtime}/docker.sock", "/run/podman/podman.sock", f"{runtime}/podman/podman.sock"):
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
    """Return HOME, unless it is another user's: a service that root started by hand has root's."""
    home = environ.get("HOME")
    with suppress(KeyError):
        if not home or _is_another_s(home):
            return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    return Path(home or "/")


def _is_another_s(home: str) -> bool:
    try:
        return os.stat(home).st_uid != os.geteuid()
    except (OSError, ValueError):
        return False
