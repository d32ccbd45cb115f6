"""How a Kubernetes API server is reached: kubeconfig files as kubectl merges them, or a pod's own token.

Source: Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files", "client-go credential plugins" and
"Accessing the Kubernetes API from a Pod". A login plugin is never asked for anything and has a few seconds.
"""

import base64
import binascii
import json
import os
import ssl
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from container_updates.clock import Deadline
from container_updates.errors import InventoryError
from container_updates.inventory.connections.failures import one_line
from container_updates.inventory.connections.sockets import Endpoint, basic, tls_connector

_LARGEST = 4 * 1024 * 1024
_PLUGIN_SECONDS = 8.0
_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Cluster:
    """An API server, and who asks it."""

    name: str
    """The context's name, "in the cluster" for a pod's own."""
    shown: str
    """The server's URL."""
    endpoint: Endpoint


def cluster(files: Sequence[str], context: str, deadline: Deadline) -> Cluster:
    """Return what a context of these files leads to, or the pod's own cluster; raises `InventoryError`."""
    merged = _merged(files)
    name = context or str(merged.get("current-context") or "")
    if not name and not merged["contexts"] and os.environ.get("KUBERNETES_SERVICE_HOST"):
        return _own_cluster()
    if not name:
        raise InventoryError(f"no kubeconfig names a context: {', '.join(files)} (--kubeconfig, kubernetes:CONTEXT)")
    chosen = merged["contexts"].get(name)
    if chosen is None:
        known = ", ".join(list(merged["contexts"])[:3]) or "none"
        raise InventoryError(f"kubeconfig: there is no context {name[:80]!r}; there are {known}")
    server = merged["clusters"].get(_text(chosen, "cluster"))
    if server is None:
        raise InventoryError(f"kubeconfig: the cluster of context {name[:80]!r} is not there")
    user = merged["users"].get(_text(chosen, "user"), ({}, Path()))
    return _cluster(name, server, user, deadline)


def _own_cluster() -> Cluster:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    url = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    server = {"server": url, "certificate-authority": str(_POD / "ca.crt")}
    # Read anew each run: the kubelet renews it.
    user = {"tokenFile": str(_POD / "token")}
    return _cluster("in the cluster", (server, Path()), (user, Path()), None)


def _cluster(
    name: str, server: tuple[Mapping[str, Any], Path], user: tuple[Mapping[str, Any], Path], deadline: Deadline | None
) -> Cluster:
    told, folder = server
    url = _text(told, "server")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    if not host or parts.scheme not in ("https", "http"):
        raise InventoryError(f"kubeconfig: the server of context {name[:80]!r} is no http or https URL")
    if _text(told, "proxy-url"):
        raise InventoryError(f"kubeconfig: context {name[:80]!r} has a proxy-url, which is not supported")
    who, home = user
    if isinstance(who.get("exec"), dict):
        who = {**who, **_by_plugin(who["exec"], home, deadline)}
    headers = _headers(who, home)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    connect = tls_connector((host, port), _context(told, folder, who, home, shown), _text(told, "tls-server-name"))
    if parts.scheme == "http":
        connect = tls_connector((host, port), None, "")
    netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Cluster(name, shown, Endpoint(connect, host=netloc, path=parts.path.rstrip("/"), headers=headers))


def _headers(who: Mapping[str, Any], folder: Path) -> dict[str, str]:
    token = _text(who, "token")
    if not token and _text(who, "tokenFile"):
        token = _file(folder / _text(who, "tokenFile"), "tokenFile").decode("utf-8", "replace").strip()
    if token:
        if not token.isprintable() or not token.isascii():
            raise InventoryError("kubeconfig: the token is none")
        return {"Authorization": f"Bearer {token}"}
    if _text(who, "username"):
        return basic(_text(who, "username"), _text(who, "password"))
    return {}


def _context(told: Mapping[str, Any], folder: Path, who: Mapping[str, Any], home: Path, shown: str) -> ssl.SSLContext:
    authority = _material(told, folder, "certificate-authority")
    try:
        context = ssl.create_default_context(cadata=authority.decode("ascii", "replace") if authority else None)
    except ssl.SSLError:
        raise InventoryError(f"kubeconfig: certificate-authority of {shown} is no certificate in PEM") from None
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if told.get("insecure-skip-tls-verify") is True:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, key = _material(who, home, "client-certificate"), _material(who, home, "client-key")
    if certificate:
        # OpenSSL reads a certificate and its key from a file alone.
        with tempfile.NamedTemporaryFile() as both:
            both.write(certificate + b"\n" + (key or b""))
            both.flush()
            try:
                context.load_cert_chain(both.name, password="")
            except ssl.SSLError:
                raise InventoryError("kubeconfig: client-certificate and client-key are no pair in PEM") from None
    return context


def _material(told: Mapping[str, Any], folder: Path, member: str) -> bytes | None:
    """Return what a member says, as base64 in `…-data` or in a file."""
    data = _text(told, f"{member}-data")
    if data:
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raise InventoryError(f"kubeconfig: {member}-data is no base64") from None
    path = _text(told, member)
    return _file(folder / path, member) if path else None


def _by_plugin(told: Mapping[str, Any], folder: Path, deadline: Deadline | None) -> dict[str, str]:
    """Return token or certificate that a login plugin prints (ExecCredential); it gets no stdin and a few seconds."""
    command = _text(told, "command")
    if "/" in command and not os.path.isabs(command):
        command = str(folder / command)
    arguments = [one for one in told.get("args") or [] if isinstance(one, str)]
    version = _text(told, "apiVersion") or "client.authentication.k8s.io/v1"
    info = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    environment = {**os.environ, "KUBERNETES_EXEC_INFO": json.dumps(info)}
    for one in told.get("env") or []:
        if isinstance(one, dict) and _text(one, "name"):
            environment[_text(one, "name")] = _text(one, "value")
    seconds = min(_PLUGIN_SECONDS, deadline.remaining() if deadline else _PLUGIN_SECONDS)
    name = f"kubeconfig: the login plugin {os.path.basename(command)[:80] or '(none)'}"
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        try:
            child = subprocess.Popen(  # noqa: S603 - the admin's own configuration, no shell
                [command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=said,
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise InventoryError(f"{name} cannot be started: {getattr(error, 'strerror', None) or error}") from None
        try:
            status = child.wait(timeout=max(seconds, 0.1))
        except subprocess.TimeoutExpired:
            raise InventoryError(f"{name} did not end within {seconds:.0f} s") from None
        finally:
            with suppress(OSError):
                os.killpg(child.pid, 9)
            child.wait()
        out.seek(0)
        said.seek(0)
        text, words = out.read(_LARGEST), said.read(4096).decode("utf-8", "replace").strip()
    if status:
        raise InventoryError(
            f"{name} failed (exit code {status}): {one_line(words.rpartition(chr(10))[2] or 'no word')}"
        )
    try:
        credential = json.loads(text)["status"]
        found = {
            key: credential[key] for key in ("token", "clientCertificateData", "clientKeyData") if key in credential
        }
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InventoryError(f"{name} printed no ExecCredential with a status") from None
    shaped = {"token": _text(found, "token")}
    for member, key in (("client-certificate-data", "clientCertificateData"), ("client-key-data", "clientKeyData")):
        if _text(found, key):
            shaped[member] = base64.b64encode(_text(found, key).encode()).decode()
    return shaped


def _merged(files: Sequence[str]) -> dict[str, Any]:
    """Return the files as one: of two things with one name the first counts, and who it is by is kept beside it."""
    merged: dict[str, Any] = {"contexts": {}, "clusters": {}, "users": {}}
    for name in files:
        path = Path(name)
        if not path.exists():
            continue  # as kubectl does
        told = _yaml(path)
        if not merged.get("current-context"):
            merged["current-context"] = told.get("current-context")
        for kind, member in (("contexts", "context"), ("clusters", "cluster"), ("users", "user")):
            listed = told.get(kind)
            for one in listed if isinstance(listed, list) else []:
                inner = one.get(member) if isinstance(one, dict) else None
                if isinstance(inner, dict) and isinstance(one.get("name"), str):
                    merged[kind].setdefault(one["name"], inner if kind == "contexts" else (inner, path.parent))
    return merged


def _yaml(path: Path) -> dict[str, Any]:
    text = _file(path, "kubeconfig")
    try:
        told = json.loads(text)  # a file in JSON is one in YAML, too, and needs no package
    except (ValueError, RecursionError):
        try:
            import yaml
        except ImportError:
            raise InventoryError(
                "the Python package yaml is missing: apt install python3-yaml, or pip install PyYAML"
            ) from None
        try:
            told = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
        except (yaml.YAMLError, ValueError, RecursionError):
            raise InventoryError(f"kubeconfig {path}: no YAML") from None
    if not isinstance(told, dict):
        raise InventoryError(f"kubeconfig {path}: no kubeconfig")
    return told


def _file(path: Path, what: str) -> bytes:
    try:
        if not path.is_file() and path.exists():
            raise InventoryError(f"{what} {path}: no file")
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except OSError as error:
        raise InventoryError(f"{what} {path}: {error.strerror}") from None
    if len(text) > _LARGEST:
        raise InventoryError(f"{what} {path}: larger than {_LARGEST // 1024 // 1024} MiB")
    return text


def _text(told: Mapping[str, Any], member: str) -> str:
    value = told.get(member)
    return value if isinstance(value, str) else ""
