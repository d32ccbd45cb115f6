"""Patterns of images and registries, brought into the one form that names are compared in.

A pattern that can never match decides nothing and says nothing, so it is refused; where it has one meaning, as Docker
reads names, it gets that. Both raise ValueError with the reason.
"""

import re

from container_updates.reference import DOCKER_HUB, Reference

_CHARACTERS = re.compile(r"[A-Za-z0-9*\[\]:._/-]+")
_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_PORT = re.compile(r"[.\]][^:]*:\d+\Z|\Alocalhost:\d+\Z")
_TAGGED = re.compile(r":[A-Za-z0-9_.*-]+\Z")


def image(pattern: str) -> str:
    """Return a pattern of registry/repository as it is compared with names.

    `nginx` is docker.io/library/nginx, `acme/app` is docker.io/acme/app; hosts are in lower case, without `:443`.
    """
    if "@" in pattern:
        raise ValueError("has a digest: a rule is for a repository")
    _check_characters(pattern)
    first, slash, rest = pattern.partition("/")
    if not slash:
        return _short(pattern)
    if "" in pattern.split("/"):
        raise ValueError("begins or ends with '/', or has '//' in it" + _below(pattern))
    if _TAGGED.search(rest.rpartition("/")[2]):
        raise ValueError("has a tag: a rule is for a repository")
    if ":" in rest or "[" in rest or "]" in rest:
        raise ValueError("is no registry/repository")
    if "*" not in first and not _is_host(first):
        return image(f"{DOCKER_HUB}/{pattern}")
    if rest != rest.lower():
        raise ValueError("has a repository in upper case, which no image has")
    host = registry(first)
    if host == DOCKER_HUB and "/" not in rest and "**" not in rest:
        if "*" in rest:
            raise ValueError(
                f"matches nothing: official images are {DOCKER_HUB}/library/{rest}, all are {DOCKER_HUB}/**"
            )
        rest = f"library/{rest}"
    return f"{host}/{rest}"


def registry(pattern: str) -> str:
    """Return a pattern of registry hosts as it is compared with them: in lower case, without `:443`."""
    _check_characters(pattern)
    if "/" in pattern:
        raise ValueError("is no registry: it has a '/' in it")
    if "*" not in pattern and not _is_host(pattern):
        raise ValueError("is no registry: Docker takes it for a part of a repository's name")
    host = pattern.lower().removesuffix(":443")
    return DOCKER_HUB if host in _HUB_NAMES else host


def name(reference: Reference) -> str:
    """Return an image's registry and repository in the form of the patterns."""
    return f"{host_of(reference.registry)}/{reference.repository}"


def host_of(host: str) -> str:
    """Return an image's registry in the form of the patterns."""
    host = host.lower().removesuffix(":443")
    return DOCKER_HUB if host in _HUB_NAMES else host


def _short(pattern: str) -> str:
    """A pattern without "/": an official image, everything, or nothing."""
    if "**" in pattern:
        return pattern
    if "*" in pattern:
        raise ValueError(f"matches nothing: official images are {DOCKER_HUB}/library/{pattern}, all images are **")
    if ":" in pattern and not _PORT.search(pattern):
        raise ValueError("has a tag: a rule is for a repository")
    if _is_host(pattern):
        raise ValueError(f"names no repository: all that is at a registry is {pattern}/**")
    return f"{DOCKER_HUB}/library/{pattern}"


def _check_characters(pattern: str) -> None:
    if "://" in pattern:
        raise ValueError("is a URL; images have no scheme")
    if not _CHARACTERS.fullmatch(pattern) or "***" in pattern:
        raise ValueError("is no pattern of registry/repository")


def _is_host(first: str) -> bool:
    """Whether Docker takes the first part of a name for a registry (normalize.go, splitDockerDomain)."""
    return "." in first or ":" in first or first == "localhost" or first != first.lower()


def _below(pattern: str) -> str:
    return f"; all that is below is {pattern}**" if pattern.endswith("/") and not pattern.startswith("/") else ""
