"""What Podman tells beyond Docker's API: pods' infra containers, and registries as its registries.conf has them.

Source: Podman's libpod API (`/libpod/containers/json`, `/libpod/info`) and containers-registries.conf(5). A proxy may
deny it; then Docker's side of the API has to do.
"""

import re
from collections.abc import Iterable
from typing import Any

from container_updates.inventory.records import ContainerRecord, member, text
from container_updates.model import EngineRegistries, RegistryRule

_INFRA_NAME = re.compile(r"[0-9a-f]{12}-infra")
"""A pod's id and `-infra`, as Podman names what holds its namespaces."""


def is_podman(version: Any) -> bool:
    """Whether `GET /version` comes from Podman."""
    components = version.get("Components") if isinstance(version, dict) else None
    names = (one if isinstance(one, str) else text(one, "Name") for one in components or () if components)
    return isinstance(components, list) and any(name.startswith("Podman Engine") for name in names)


def infra_ids(containers: Iterable[Any]) -> set[str]:
    """Return the ids of infra containers among the records of `/libpod/containers/json`."""
    return {text(raw, "Id") for raw in containers if isinstance(raw, dict) and raw.get("IsInfra") is True}


def is_infra(record: ContainerRecord, known: set[str] | None) -> bool:
    """Whether a container is a pod's infra container; `known` is None where libpod did not tell which ones are."""
    return record.id in known if known is not None else bool(_INFRA_NAME.fullmatch(record.name))


def runs_no_image(record: ContainerRecord) -> bool:
    """Whether a container was started from a folder (`--rootfs`), which Podman lists without image and image id."""
    return not record.image and not record.image_id


def registries(info: Any) -> EngineRegistries:
    """Return what registries.conf says, of `GET /libpod/info`."""
    rules, insecure = [], set()
    for name, raw in member(info, "registries").items():
        if not isinstance(raw, dict):
            continue  # `search`, the registries for short names, which are resolved before a name is stored
        prefix, location = text(raw, "Prefix") or name, text(raw, "Location")
        listed = raw.get("Mirrors")
        mirrors = [one for one in listed if text(one, "Location")] if isinstance(listed, list) else []
        by_digest = raw.get("MirrorByDigestOnly") is True
        if raw.get("Insecure") is True:
            insecure.add(_host(location or prefix))
        insecure |= {_host(text(one, "Location")) for one in mirrors if one.get("Insecure") is True}
        for_tags = [
            text(one, "Location")
            for one in mirrors
            if not by_digest and text(one, "PullFromMirror") in ("", "all", "tag-only")
        ]
        rules.append(RegistryRule(prefix, location or prefix, tuple(for_tags), raw.get("Blocked") is True))
    return EngineRegistries(insecure_hosts=frozenset(insecure), rules=tuple(rules))


def _host(location: str) -> str:
    return location.partition("/")[0]
