"""Logins as the admin keeps them: docker's config.json, its credential helpers, and Podman's auth.json."""

import base64
import os
import signal
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from container_updates.clock import Deadline
from container_updates.errors import Inconclusive
from container_updates.model import Problem
from container_updates.reference import DOCKER_HUB
from container_updates.registry.manifests import load
from container_updates.registry.single_flight import Once
from container_updates.settings import Settings
from container_updates.untrusted import files

_MAX_FILE = 1024 * 1024
_MAX_SECRET = 16 * 1024
_DOCKER_HUB_KEY = "https://index.docker.io/v1/"
_DOCKER_HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")


@dataclass(frozen=True, slots=True)
class Login:
    """What a registry is told about who asks; its repr shows no secret."""

    key: str
    """Which login it is, for the cache: where it comes from and the user name, nothing secret."""
    username: str = field(repr=False)
    password: str = field(repr=False)
    identity_token: str = field(default="", repr=False)
    """A refresh token (docker's `identitytoken`); then there is no password."""

    @property
    def basic(self) -> str:
        """The value of an Authorization header (RFC 7617, UTF-8)."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


class Credentials:
    """Finds the login for a repository; files are read when first asked, a helper runs once a server."""

    def __init__(self, settings: Settings, deadline: Deadline, environ: Mapping[str, str] = os.environ) -> None:
        folder = Path(settings.docker_config) if settings.docker_config else None
        runtime = environ.get("XDG_RUNTIME_DIR")
        places = [
            folder and folder / "config.json",
            folder and folder / "auth.json",
            environ.get("REGISTRY_AUTH_FILE") and Path(environ["REGISTRY_AUTH_FILE"]),
            runtime and Path(runtime) / "containers" / "auth.json",
        ]
        self._places = list(dict.fromkeys(place for place in places if isinstance(place, Path)))
        self._deadline = deadline
        self._lock = threading.Lock()
        self._files: list[_File] | None = None
        self._helped: Once[Login | None] = Once(deadline)
        self._helpers: set[int] = set()
        """Process groups of the helpers that run."""
        self.problems: list[Problem] = []

    def login(self, registry: str, repository: str) -> Login | None:
        """The login for a repository of a registry (or of a mirror's host); None for anonymous.

        The most exact entry first, as Podman's containers-auth.json(5) has it: host/path/name, host/path, host.
        """
        with self._lock:
            if self._files is None:
                self._files = [file for place in self._places if (file := self._read(place))]
        # Without the lock: a helper that hangs costs the registries that it is for, not all of them.
        return next((login for file in self._files if (login := self._from(file, registry, repository))), None)

    def close(self) -> None:
        """End the helpers that still run: the threads that wait for them end with the process, and they would not."""
        for group in [*self._helpers]:
            with suppress(OSError):
                os.killpg(group, signal.SIGKILL)

    def _from(self, file: "_File", registry: str, repository: str) -> Login | None:
        parts = repository.split("/")
        hosts = _DOCKER_HUB_NAMES if registry == DOCKER_HUB else (registry,)
        for length in range(len(parts), 0, -1):
            for host in hosts:
                if login := file.logins.get(f"{host}/{'/'.join(parts[:length])}"):
                    return login
        for host in hosts:
            helper = file.helpers.get(host, file.store)
            if helper and (login := self._helper(helper, registry)):
                return login
        return next((file.logins[host] for host in hosts if host in file.logins), None)

    def _helper(self, name: str, registry: str) -> Login | None:
        from container_updates.registry.login.credential_helpers import ask

        server = _DOCKER_HUB_KEY if registry == DOCKER_HUB else registry

        def login() -> Login | None:
            try:
                answer = ask(name, server, self._deadline, self._helpers)
            except Inconclusive as error:
                self.problems.append(Problem(f"docker-credential-{name}", error.code, f"{server}: {error.reason}"))
                return None
            return _login(f"docker-credential-{name}", registry, *answer) if answer else None

        return self._helped.get((name, server), login)

    def _read(self, path: Path) -> "_File | None":
        try:
            content = files.read(path, _MAX_FILE)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.problems.append(Problem(str(path), "bad-answer", f"cannot be read: {error.strerror}"))
            return None
        try:
            if len(content) > _MAX_FILE:
                raise _Broken(f"larger than {_MAX_FILE} bytes")
            return _File(str(path), load(content, "login file") if content.strip() else {}, self.problems)
        except Inconclusive as error:
            self.problems.append(Problem(str(path), "bad-answer", error.reason))
            return None


class _Broken(Inconclusive):
    """An entry of a login file that cannot be used."""


class _File:
    """One config.json or auth.json."""

    def __init__(self, path: str, document: Mapping[str, Any], problems: list[Problem]) -> None:
        self.logins: dict[str, Login] = {}
        self.helpers: dict[str, str] = {}
        auths, helpers, store = document.get("auths"), document.get("credHelpers"), document.get("credsStore")
        self.store = store if isinstance(store, str) else ""
        for host, entry in _items(auths):
            try:
                login = _entry(path, _name(host), entry)
            except _Broken as error:
                problems.append(Problem(path, "bad-answer", f"the login for {host[:100]!r} {error.reason}"))
                continue
            if login:
                self.logins.setdefault(_name(host), login)
        for host, helper in _items(helpers):
            if isinstance(helper, str):
                self.helpers[_name(host)] = helper
        for member, value, kind in (("auths", auths, dict), ("credHelpers", helpers, dict), ("credsStore", store, str)):
            if value is not None and not isinstance(value, kind):
                problems.append(Problem(path, "bad-answer", f"{member} has another shape than docker writes"))


def _items(value: object) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else ()


def _name(key: str) -> str:
    """A key of `auths` as host[:port][/path]: old docker versions wrote https://HOST/v1/ and the like."""
    scheme, separator, rest = key.rpartition("://")
    name = (rest if separator else key).rstrip("/")
    host, slash, path = name.partition("/")
    legacy = bool(scheme) or path in ("v1", "v2")
    return host.lower() if legacy else f"{host.lower()}{slash}{path}"


def _entry(path: str, name: str, entry: object) -> Login | None:
    """The login of one entry; None for the empty ones that docker writes beside a credsStore."""
    if not isinstance(entry, dict):
        raise _Broken("is no object")
    members = {member: entry.get(member) or "" for member in ("username", "password", "auth", "identitytoken")}
    if not all(isinstance(value, str) and len(value) <= _MAX_SECRET for value in members.values()):
        raise _Broken("has a member that is no text")
    username, password = members["username"], members["password"]
    if members["auth"]:
        try:
            pair = base64.b64decode(members["auth"], validate=True).decode("utf-8").rstrip("\0")
        except ValueError:
            raise _Broken("has an auth that is no base64") from None
        username, colon, password = pair.partition(":")
        if not colon:
            raise _Broken("has an auth without user:password")
    if members["identitytoken"]:
        return _login(path, name, username, "", members["identitytoken"])
    return _login(path, name, username, password) if username else None


def _login(source: str, name: str, username: str, password: str, identity_token: str = "") -> Login:
    if username == "<token>":
        username, password, identity_token = "", "", password or identity_token
    return Login("\t".join((source, name, username)), username, password, identity_token)
