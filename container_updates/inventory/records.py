"""An engine's records as values: what is missing or of another kind becomes a default, never an exception."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from container_updates.model import EngineRegistries, Platform
from container_updates.reference import is_digest

_HEX = re.compile(r"[0-9a-f]+")
_NO_NAME = "<none>"
_SERVICE_ID = "com.docker.swarm.service.id"
_TASK = re.compile(r"^(.+?\.[0-9]+|.+?)(?:\.[a-z0-9]{25}){1,2}$")
"""Name of a Swarm task: service, number (of a global service the node's id), id of the task."""


class ImageRecord(NamedTuple):
    """One element of `GET /images/json`."""

    id: str
    tags: tuple[str, ...]
    digests: frozenset[str]
    known_as: tuple[tuple[str, str], ...]
    """Repository, as the engine writes its name, and a digest that the image has there."""
    created: int | None
    labels: Mapping[str, str] | None
    """None where the engine does not say, which is not the same as having none."""
    digest: str | None = None
    """Of the manifest that runs, also where all names are gone (Podman alone tells it)."""


class ContainerRecord(NamedTuple):
    """One element of `GET /containers/json`."""

    id: str
    name: str
    image: str
    image_id: str
    labels: Mapping[str, str]
    running: bool
    created: int | None
    status: str
    """`Up 3 days (healthy)`."""
    manifest_digest: str | None
    """`ImageManifestDescriptor`: the platform's own manifest (containerd store, API 1.48 and later)."""
    platform: Platform | None


def image_record(raw: Any) -> ImageRecord | None:
    """Return the image that a record of the list describes, None for one without an id."""
    image_id = identifier(text(raw, "Id"))
    if image_id is None:
        return None
    entries = (entry.rpartition("@") for entry in strings(raw, "RepoDigests"))
    known = [(name, digest) for name, _, digest in entries if name and is_digest(digest)]
    own = text(raw, "Digest")
    return ImageRecord(
        id=image_id,
        tags=tags(raw),
        digests=frozenset(digest for _, digest in (*known, ("", own)) if is_digest(digest)),
        known_as=tuple(known),
        created=integer(raw, "Created"),
        labels=string_map(raw, "Labels") if isinstance(raw, dict) and "Labels" in raw else None,
        digest=own if is_digest(own) else None,
    )


def container_record(raw: Any) -> ContainerRecord | None:
    """Return the container that a record of the list describes, None for one that has neither name nor id."""
    container_id = text(raw, "Id")
    names = [name.removeprefix("/") for name in strings(raw, "Names")]
    # A legacy link is a second name with a slash in it: /other/alias.
    name = next((name for name in names if name.strip() and "/" not in name), "") or container_id[:12]
    if not name:
        return None
    name = _TASK.sub(r"\1", name) if _SERVICE_ID in string_map(raw, "Labels") else name
    descriptor = member(raw, "ImageManifestDescriptor")
    digest = text(descriptor, "digest")
    return ContainerRecord(
        id=container_id,
        name=name,
        image=text(raw, "Image"),
        image_id=identifier(text(raw, "ImageID")) or "",
        labels=string_map(raw, "Labels"),
        running=text(raw, "State") in ("running", "paused", "restarting", ""),
        created=integer(raw, "Created"),
        status=text(raw, "Status"),
        manifest_digest=digest if is_digest(digest) else None,
        platform=platform(member(descriptor, "platform")),
    )


_PROXIES = {"http": "HttpProxy", "https": "HttpsProxy", "no": "NoProxy"}


def registries(info: Any) -> EngineRegistries:
    """Return `RegistryConfig` and the proxies of `GET /info`; nothing where they are not there."""
    config = member(info, "RegistryConfig")
    mirrors = {"docker.io": strings(config, "Mirrors")}
    insecure = set()
    for name, index in member(config, "IndexConfigs").items():
        own = strings(index, "Mirrors")
        if own:
            mirrors[name] = own
        if isinstance(index, dict) and index.get("Secure") is False:
            insecure.add(name)
    return EngineRegistries(
        mirrors={name: urls for name, urls in mirrors.items() if urls},
        insecure_hosts=frozenset(insecure),
        insecure_networks=strings(config, "InsecureRegistryCIDRs"),
        proxies={name: url for name, member in _PROXIES.items() if (url := text(info, member))},
    )


def platform(raw: Any) -> Platform | None:
    """Return an OCI platform, from a descriptor's members or an image inspect's capitalised ones."""
    os, architecture = text(raw, "os") or text(raw, "Os"), text(raw, "architecture") or text(raw, "Architecture")
    if not os or not architecture:
        return None
    variant, version = text(raw, "variant") or text(raw, "Variant"), text(raw, "os.version") or text(raw, "OsVersion")
    return Platform(os, architecture, variant, version)


def is_docker(version: Any) -> bool:
    """Whether `GET /version` comes from Docker: its Components have an "Engine" (API 1.35 and later), Podman's none."""
    components = version.get("Components") if isinstance(version, dict) else None
    if not isinstance(components, list) or not components:
        return api_version(text(version, "ApiVersion")) < (1, 36)
    names = [one if isinstance(one, str) else text(one, "Name") for one in components]
    return any(name.split(" ")[0] == "Engine" for name in names)


def uses_containerd_store(info: Any) -> bool:
    """Whether `GET /info` tells of the containerd image store."""
    status = info.get("DriverStatus") if isinstance(info, dict) else None
    return isinstance(status, list) and ["driver-type", "io.containerd.snapshotter.v1"] in status


def is_swarm_manager(info: Any) -> bool:
    """Whether `GET /info` comes from an engine that manages a Swarm."""
    return member(info, "Swarm").get("ControlAvailable") is True


def stack_images(services: Iterable[Any], label: str) -> dict[str, str]:
    """Return what `label` says of each service of `GET /services`, by the service's id."""
    found = {text(one, "ID"): text(member(member(one, "Spec"), "Labels"), label) for one in services}
    return {service: image for service, image in found.items() if image}


def api_version(value: str) -> tuple[int, int]:
    """Return `1.41` as numbers that compare; (0, 0) for anything else."""
    found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", value, re.ASCII)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def identifier(value: str) -> str | None:
    """Return an image id as `algorithm:hex`, None for anything else."""
    value = value if ":" in value else f"sha256:{value}"
    return value if is_digest(value) else None


def is_bare_id(value: str, image_id: str) -> bool:
    """Whether `value` is `image_id` itself, with or without its algorithm, or the beginning of its hex digits."""
    digits = value.removeprefix("sha256:")
    whole = is_digest(f"sha256:{digits}")
    return whole or bool(_HEX.fullmatch(digits) and image_id.partition(":")[2].startswith(digits))


def tags(raw: Any) -> tuple[str, ...]:
    """Return `RepoTags` without the old engines' `<none>:<none>`."""
    return tuple(tag for tag in strings(raw, "RepoTags") if _NO_NAME not in tag)


def member(raw: Any, key: str) -> dict[str, Any]:
    """Return the object under `key`, an empty one if there is none."""
    value = raw.get(key) if isinstance(raw, dict) else None
    return value if isinstance(value, dict) else {}


def text(raw: Any, key: str) -> str:
    """Return the string under `key`, "" if there is none."""
    value = raw.get(key) if isinstance(raw, dict) else None
    return value if isinstance(value, str) else ""


def integer(raw: Any, key: str) -> int | None:
    """Return the whole number under `key`."""
    value = raw.get(key) if isinstance(raw, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def strings(raw: Any, key: str) -> tuple[str, ...]:
    """Return the strings in the list under `key`."""
    value = raw.get(key) if isinstance(raw, dict) else None
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def string_map(raw: Any, key: str) -> dict[str, str]:
    """Return the object under `key`, reduced to what maps to strings."""
    return {name: value for name, value in member(raw, key).items() if isinstance(value, str)}
