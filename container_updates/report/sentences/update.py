"""What an update brings, and how to bring a container up to date: the lines that stand at -v."""

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from container_updates.model import Container, JudgedContainer, JudgedFinding, number
from container_updates.report.sentences.details import items, text
from container_updates.report.text import safe

_SWARM_SERVICE = "com.docker.swarm.service.name"
_SYSTEMD_UNIT = "PODMAN_SYSTEMD_UNIT"
_COMPOSE_FOLDER = "com.docker.compose.project.working_dir"
_COMPOSE_FILES = "com.docker.compose.project.config_files"
_ONE_OFF = "com.docker.compose.oneoff"
_WATCHTOWER = (
    ("com.centurylinklabs.watchtower.enable", "false"),
    ("com.centurylinklabs.watchtower.monitor-only", "true"),
)
_SHOWN = 3
_PACKAGES = 5
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_TO_UPDATE = {"outdated", "restart-pending"}
"""Held ones stay as they are, and young ones wait."""


def changes(finding: JudgedFinding) -> str:
    """Return what changes with the update, "" where nobody says: `version 1.27.3 → 1.27.4, https://…`."""
    change = finding.finding.details.get("change")
    return ", ".join(filter(None, [*told(change), packages(change), link(change)]))


def told(change: object) -> list[str]:
    """Return what a finding's `change` tells of old and new, without the link."""
    words: list[str] = []
    if not isinstance(change, dict):
        return words
    for name in ("version", "created", "revision", "source"):
        pair = change.get(name)
        if isinstance(pair, dict) and pair.get("old") != pair.get("new"):
            old, new = (_shown(name, pair.get(when)) for when in ("old", "new"))
            words.append(f"{name} {old} → {new}")
    return words


def packages(change: object) -> str:
    """Return what a finding's `change` tells of packages, "" for nothing: `14 packages: openssl 3.0.14 → 3.0.15, …`."""
    known = change.get("packages") if isinstance(change, dict) else None
    count = number(known.get("count")) if isinstance(known, dict) else None
    if count is None or not isinstance(known, dict):
        return ""
    listed = [
        f"{text(one, 'name')} {text(one, 'before') or '(new)'} → {text(one, 'after') or '(gone)'}"
        for one in items(known, "packages")[:_PACKAGES]
    ]
    whose = "" if known.get("signed") is True else " by an unsigned SBOM"
    if not count:
        return f"no package{whose}"
    more = ["…"] if count > len(listed) else []
    return f"{count} package{'s' * (count != 1)}{whose}: {', '.join([*listed, *more])}"


def link(change: object) -> str:
    """Return the page that a finding's `change` names, "" for none."""
    page = change.get("link") if isinstance(change, dict) else None
    return safe(page) if isinstance(page, str) else ""


def mirror(finding: JudgedFinding) -> str:
    """Return which mirror answered instead of the registry, "" where none did: one that is stale hides updates."""
    host = finding.finding.details.get("mirror")
    return f"answered by the mirror {safe(host, 120)}" if isinstance(host, str) else ""


def left_alone(container: Container) -> str:
    """Return the words for a container that Watchtower is told not to update, "" for any other."""
    found = any(container.labels.get(key, "").strip().lower() == value for key, value in _WATCHTOWER)
    return "Watchtower leaves it alone" if found else ""


def commands(containers: Iterable[JudgedContainer]) -> str:
    """Return what to run for the first containers that need it, each command once; "" where none does."""
    found: dict[str, None] = {}
    for judged in containers:
        codes = {finding.finding.code for finding in judged.findings} & _TO_UPDATE
        if codes:
            found[_command(judged.container, pulled=codes == {"restart-pending"})] = None
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return "; ".join([*list(found)[:_SHOWN], *more])


def _command(container: Container, *, pulled: bool) -> str:
    program = container.program
    image, labels = _quoted(container.image), container.labels
    where = f" on {_quoted(container.host)}" if container.qualified else ""
    if program == "kubectl":
        return _rollout(container)
    if _SWARM_SERVICE in labels:
        service = labels[_SWARM_SERVICE] or container.service or container.name
        return f"docker service update --image {image} --force {_quoted(service)}"
    if labels.get(_SYSTEMD_UNIT):
        restart = f"systemctl restart {_quoted(labels[_SYSTEMD_UNIT])}"
        return (restart if pulled else f"{program} pull {image} && {restart}") + where
    if labels.get(_ONE_OFF, "").lower() == "true":
        return f"remove {_quoted(container.name)}: a one-off container of compose run{where}"
    if container.service:
        compose = f"{program} compose{_compose_files(labels)}"
        compose += f" -p {_quoted(container.project)}" if container.project else ""
        service = _quoted(container.service)
        return (
            f"{compose} up -d {service}" if pulled else f"{compose} pull {service} && {compose} up -d {service}"
        ) + where
    name = _quoted(container.name)
    again = f"remove {name} and run it again as it was started{where}"
    return again if pulled else f"{program} pull {image}, then {again}"


def _rollout(container: Container) -> str:
    namespace, kind, workload, _ = [*container.id.split("/"), "", "", ""][:4]
    where = f"kubectl -n {_quoted(namespace)}"
    if kind == "pod":
        return f"{where} delete pod {_quoted(next(iter(container.members), workload))} (whoever made it makes it anew)"
    again = f"{where} rollout restart {_quoted(f'{kind}/{workload}')}"
    kept = "IfNotPresent" in container.status
    return f"{again} (imagePullPolicy IfNotPresent: a node keeps what it has; Always or another tag)" if kept else again


def _compose_files(labels: Mapping[str, str]) -> str:
    """Return the options that lead to a Compose project, from wherever they are typed."""
    folder = labels.get(_COMPOSE_FOLDER, "")
    files = [file for file in labels.get(_COMPOSE_FILES, "").split(",") if file]
    return "".join(
        [f" --project-directory {_quoted(folder)}" if folder else "", *(f" -f {_quoted(file)}" for file in files)]
    )


def _quoted(text: str | None) -> str:
    return shlex.quote(safe(text or "", 100))


def _shown(name: str, value: Any) -> str:
    if not isinstance(value, str):
        return "?"
    if name == "revision" and _COMMIT.fullmatch(value):
        value = value[:12]
    return safe(value[:10] if name == "created" else value, 100)
