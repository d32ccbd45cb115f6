"""Which containers an admin excluded, by option or by a label that other tools know."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from container_updates.settings import Selector, Settings

_SWITCHES = ("check_container_updates.enable", "wud.watch", "diun.enable")
"""Labels of tools that tell. Watchtower's forbid updating, not telling, so they are none of these."""
_HEEDED = (
    "wud.watch.digest",
    "wud.link.template",
    "wud.tag.include",
    "wud.tag.exclude",
    "wud.tag.transform",
    "diun.include_tags",
    "diun.exclude_tags",
)
"""Labels that change what is made of a container's image."""
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


def wishes(own: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return those of a container's own labels that some link of the chain heeds, sorted."""
    return tuple(sorted((sys.intern(key), own[key]) for key in _HEEDED if key in own))


def project(labels: Mapping[str, str]) -> str | None:
    """Return the Compose project or Swarm stack that `labels` name."""
    return next((labels[key] for key in _PROJECT if labels.get(key)), None)


def service(labels: Mapping[str, str]) -> str | None:
    """Return the Compose or Swarm service that `labels` name."""
    return next((labels[key] for key in _SERVICE if labels.get(key)), None)


def depends_on_labels(labels: Mapping[str, str], settings: Settings) -> bool:
    """Whether `labels`, or what they name, could decide anything about a container."""
    by_label = any(selector.field in ("label", "project", "service") for selector in settings.exclude)
    return by_label or any(key in labels for key in (*_SWITCHES, *_HEEDED))


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
    for key in _SWITCHES:
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
        case "project":
            values = (project(labels),)
        case "service":
            values = (service(labels),)
        case _:
            values = (*labels, *(f"{key}={value}" for key, value in labels.items()))
    return any(value is not None and fnmatchcase(value, selector.glob) for value in values)
