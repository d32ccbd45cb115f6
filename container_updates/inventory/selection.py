"""Which containers an admin excluded, by option or by a label that other tools know."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from container_updates.settings import Selector, Settings

_SWITCHES = (("check_container_updates.enable",), ("dd.watch", "wud.watch"), ("diun.enable",))
"""Labels of tools that tell, a row a tool: of an old and a new name the first that is set decides.

Watchtower's forbid updating, not telling, so they are none of these.
"""
_WISHES = (
    "watch.digest",
    "link.template",
    "tag.include",
    "tag.exclude",
    "tag.transform",
    "registry.lookup.image",
    "inspect.tag.path",
)
_HEEDED = (*(f"{tool}.{wish}" for wish in _WISHES for tool in ("dd", "wud")), "diun.include_tags", "diun.exclude_tags")
"""Labels that change what is made of a container's image: Drydock's, its ancestor What's up Docker's, and Diun's."""
_DISPLAY_NAME = ("dd.display.name", "wud.display.name")
_SWARM_SERVICE = "com.docker.swarm.service.id"
_STACK = "com.docker.stack.namespace"
STACK_IMAGE = "com.docker.stack.image"
"""What a stack's file says; `docker stack deploy` writes it to the service."""
_DECISIVE = frozenset((*(key for keys in _SWITCHES for key in keys), *_HEEDED, *_DISPLAY_NAME, _SWARM_SERVICE))
"""Labels that count only where the image did not bring them along."""
_PROJECT = ("com.docker.compose.project", "io.podman.compose.project", "com.docker.stack.namespace")
_SERVICE = ("com.docker.compose.service", "io.podman.compose.service", "com.docker.swarm.service.name")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a container can be selected by."""

    name: str
    labels: Mapping[str, str]
    """All labels of its record, those of its image among them."""
    own: Mapping[str, str]
    """Those that its image did not bring along; empty where nobody knows."""
    images: tuple[str, ...] = field(default=())
    """Its image as written and as normalised; empty while that would take an inspect to know."""
    hosts: tuple[str, ...] = ()
    """What the machine that it runs on is called by."""
    namespace: str | None = None
    """Of a Kubernetes cluster."""


def wishes(own: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return those of a container's own labels that some link of the chain heeds, sorted."""
    return tuple(sorted((sys.intern(key), own[key]) for key in _HEEDED if key in own))


def display_name(own: Mapping[str, str]) -> str | None:
    """Return the name by which people know a container, None where its own labels have none."""
    return next((own[key] for key in _DISPLAY_NAME if own.get(key, "").strip()), None)


def swarm_service(own: Mapping[str, str]) -> str | None:
    """Return the id of the Swarm service that made a container, None for one that nobody made for a service."""
    return own.get(_SWARM_SERVICE) or None


def is_of_stack(own: Mapping[str, str]) -> bool:
    """Whether a Swarm service's container is of a stack, whose file may pin a digest."""
    return _STACK in own


def project(labels: Mapping[str, str]) -> str | None:
    """Return the Compose project or Swarm stack that `labels` name."""
    return next((labels[key] for key in _PROJECT if labels.get(key)), None)


def service(labels: Mapping[str, str]) -> str | None:
    """Return the Compose or Swarm service that `labels` name."""
    return next((labels[key] for key in _SERVICE if labels.get(key)), None)


def depends_on_labels(labels: Mapping[str, str], settings: Settings) -> bool:
    """Whether `labels`, or what they name, could decide anything about a container."""
    by_label = any(selector.field in ("label", "project", "service") for selector in settings.exclude)
    return by_label or any(key in labels for key in _DECISIVE)


def included(candidate: Candidate, settings: Settings) -> bool:
    """Whether `candidate` is one of those that are looked at, by all of its labels; what is not is never mentioned.

    While its image is not known, an `--include` by image may still be meant for it.
    """
    if not settings.include or any(_matches(selector, candidate, candidate.labels) for selector in settings.include):
        return True
    return not candidate.images and any(selector.field == "image" for selector in settings.include)


def exclusion(candidate: Candidate, settings: Settings) -> str | None:
    """Return the admin's decision that excludes `candidate`, as words, or None.

    An image must not be able to switch its own check off: only the container's own labels exclude.
    """
    for keys in _SWITCHES:
        key = next((key for key in keys if key in candidate.own), keys[0])
        if candidate.own.get(key, "").strip().lower() == "false":
            return f"label {key}=false"
    for selector in settings.exclude:
        if _matches(selector, candidate, candidate.own):
            return f"--exclude {selector.field}={selector.glob}"
    return None


def _matches(selector: Selector, candidate: Candidate, labels: Mapping[str, str]) -> bool:
    values: tuple[str | None, ...]
    match selector.field:
        case "name":
            values = (candidate.name,)
        case "image":
            values = candidate.images
        case "namespace":
            values = (candidate.namespace,)
        case "host":
            values = candidate.hosts
        case "project":
            values = (project(labels),)
        case "service":
            values = (service(labels),)
        case _:
            values = (*labels, *(f"{key}={value}" for key, value in labels.items()))
    return any(value is not None and fnmatchcase(value, selector.glob) for value in values)
