"""Docker's contexts as files: which engine a name stands for, and how TLS is spoken with it.

Source: docker/cli, `cli/context/store`: `contexts/meta/<sha256 of the name>/meta.json`, `contexts/tls/<it>/docker/`.
The docker package's own reader costs 0.2 s to import, and takes a missing SkipTLSVerify for true.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from container_updates.errors import UsageError
from container_updates.untrusted import json

_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DockerContext:
    """One engine that a context names."""

    name: str
    host: str
    tls_files: tuple[tuple[str, str], ...] = ()
    """Field of `Settings` to a file that the context has."""
    verify: bool = True


def current(folder: Path) -> str:
    """Return the name of the context that `config.json` chose, "" for none; a broken file chooses none."""
    try:
        chosen = _read(folder / "config.json").get("currentContext")
    except (OSError, json.Invalid):
        return ""
    return chosen if isinstance(chosen, str) else ""


def load(name: str, folder: Path) -> DockerContext:
    """Return a context of the folder of `config.json` by its name; raises `UsageError`."""
    key = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    try:
        meta = _read(folder / "contexts" / "meta" / key / "meta.json")
    except FileNotFoundError:
        raise UsageError(f"there is no docker context {name[:80]!r} in {folder}") from None
    except OSError as error:
        raise UsageError(f"docker context {name[:80]!r}: {error.strerror}") from None
    except json.Invalid as error:
        raise UsageError(f"docker context {name[:80]!r}: its meta.json {error}") from None
    endpoints = meta.get("Endpoints")
    docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
    host = docker.get("Host") if isinstance(docker, dict) else None
    if not isinstance(docker, dict) or not isinstance(host, str) or not host:
        raise UsageError(f"docker context {name[:80]!r} names no engine")
    files = tuple(_tls_files(folder / "contexts" / "tls" / key / "docker"))
    return DockerContext(name, host, files, docker.get("SkipTLSVerify") is not True)


def _tls_files(folder: Path) -> Iterator[tuple[str, str]]:
    for field, name in (("tls_ca", "ca.pem"), ("tls_cert", "cert.pem"), ("tls_key", "key.pem")):
        if (folder / name).is_file():
            yield field, str(folder / name)


def _read(path: Path) -> dict[str, object]:
    if not path.is_file() and path.exists():
        raise json.Invalid("is no file")
    with path.open("rb") as file:
        return json.read_object(file.read(_LARGEST + 1), limit=_LARGEST)
