"""A real Icinga 2 with our CheckCommand and services, in a folder of its own, read through its REST API."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from .certificates import Authority
from .daemons import SERVICE_ENVIRONMENT, Daemon, answers, free_port, program, unavailable, wait_until
from .plugin import PLUGIN, ROOT

_DEBIAN = Path("/etc/icinga2/conf.d")


@dataclass(frozen=True)
class Icinga:
    """A running Icinga 2."""

    port: int
    ca: Path

    def check(self, service: str) -> dict[str, Any]:
        """Let a service be checked now and return its `last_check_result`."""
        asked_at = time.time()
        body = {"type": "Service", "filter": f'service.__name=="{service}"', "force": True, "next_check": asked_at}
        done = self._request("POST", "/v1/actions/reschedule-check", body)["results"]
        assert [result["code"] for result in done] == [200], done
        wait_until(lambda: self._result(service).get("execution_end", 0) > asked_at, f"Icinga has checked {service}")
        return self._result(service)

    def names(self, kind: str) -> set[str]:
        """The names of all objects of a kind (services, notifications, dependencies)."""
        try:
            return {found["name"] for found in self._request("GET", f"/v1/objects/{kind}")["results"]}
        except requests.ConnectionError:  # while it starts anew
            return set()

    def connected(self, endpoint: str) -> bool:
        """Whether an agent is connected."""
        found = self._request("GET", f"/v1/objects/endpoints/{endpoint}")["results"]
        return bool(found[0]["attrs"]["connected"])

    def _result(self, service: str) -> dict[str, Any]:
        found = self._request("GET", f"/v1/objects/services/{service}")["results"]
        return found[0]["attrs"]["last_check_result"] or {}

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                method,
                f"https://127.0.0.1:{self.port}{path}",
                json=body,
                headers={"Accept": "application/json"},
                auth=("tests", "only-for-tests"),
                verify=str(self.ca),
                timeout=60,
            )
        answer.raise_for_status()
        parsed: dict[str, Any] = answer.json()
        return parsed


@contextlib.contextmanager
def started(objects: str) -> Iterator[Icinga]:
    """A master with our files, Debian's templates and these further objects, and the agent of host `docker1`."""
    with tempfile.TemporaryDirectory(prefix="icinga-") as name, contextlib.ExitStack() as stack:
        authority = Authority("CA of the tests' Icinga")
        ports = {"docker1": free_port(), "master": free_port()}  # in the order of their start
        for node, port in ports.items():
            folder = Path(name) / node
            _prepare(folder, node, authority)
            zones = _ZONES.format(agent_port=ports["docker1"] if node == "master" else "0")
            (folder / "icinga2.conf").write_text(_CONFIG.format(node=node, port=port, folder=folder) + zones)
        master = Path(name) / "master"
        _copy_ours(master / "zones.d", objects)
        for node, port in ports.items():
            daemon = stack.enter_context(_daemon(Path(name) / node))
            daemon.ready_when(lambda port=port: answers(port))  # type: ignore[misc]
        ca = master / "certs" / "ca.crt"
        icinga, agent = Icinga(ports["master"], ca), Icinga(ports["docker1"], ca)
        # The agent gets the CheckCommand by the global zone and starts anew with it.
        wait_until(lambda: "container_updates" in agent.names("checkcommands"), "the agent has our CheckCommand")
        wait_until(lambda: icinga.connected("docker1"), "the agent is connected")
        yield icinga


def _prepare(folder: Path, node: str, authority: Authority) -> None:
    for part in ("certs", "log", "cache", "spool", "run", "plugins", "zones.d"):
        (folder / part).mkdir(parents=True)
    (folder / "plugins" / "check_container_updates").symlink_to(PLUGIN)
    authority.issue(folder / "certs", node)
    (folder / "certs" / "ca.crt").write_bytes(authority.pem)


def _copy_ours(zones: Path, objects: str) -> None:
    """Our two files where their comments say that they belong."""
    for zone, file in (("global-templates", "container_updates.conf"), ("master", "services.conf")):
        (zones / zone).mkdir()
        shutil.copy(ROOT / "icinga2" / file, zones / zone)
    for file in ("templates.conf", "commands.conf", "timeperiods.conf"):
        shutil.copy(_DEBIAN / file, zones / "master")
    (zones / "master" / "hosts.conf").write_text(objects)


def _daemon(folder: Path) -> Daemon:
    icinga2 = program("icinga2", "icinga2")
    if os.geteuid() != 0:
        unavailable("icinga2 must be started by root")
    places = {
        "RunAsUser": "root",
        "RunAsGroup": "root",
        "ConfigDir": folder,
        "ZonesDir": folder / "zones.d",
        "DataDir": folder,
        "LogDir": folder / "log",
        "CacheDir": folder / "cache",
        "SpoolDir": folder / "spool",
        "InitRunDir": folder / "run",
        "PidPath": folder / "run" / "pid",
    }
    argv = [
        icinga2,
        "daemon",
        "-c",
        str(folder / "icinga2.conf"),
        *(f"-D{name}={value}" for name, value in places.items()),
    ]
    return Daemon(argv, folder / "log" / "console.log", SERVICE_ENVIRONMENT)


_CONFIG = """
const NodeName = "{node}"
const ZoneName = NodeName
const PluginDir = "/usr/lib/nagios/plugins"
const PluginContribDir = "{folder}/plugins"
include <itl>
object ApiUser "tests" {{
  password = "only-for-tests"
  permissions = [ "*" ]
}}
object ApiListener "api" {{
  bind_host = "127.0.0.1"
  bind_port = {port}
  accept_config = true
  accept_commands = true
}}
object CheckerComponent "checker" {{ }}
"""

_ZONES = """
object Endpoint "master" {{ }}
object Endpoint "docker1" {{
  if (NodeName == "master") {{
    host = "127.0.0.1"
    port = {agent_port}
  }}
}}
object Zone "master" {{ endpoints = [ "master" ] }}
object Zone "docker1" {{
  endpoints = [ "docker1" ]
  parent = "master"
}}
object Zone "global-templates" {{ global = true }}
"""
