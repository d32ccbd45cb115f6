"""What an option's text means: each function is an argparse `type` that returns a value of `Settings`.

They raise `argparse.ArgumentTypeError` with the words for the admin.
"""

import argparse
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from container_updates import reference
from container_updates.chain import CHECKS
from container_updates.clock import duration
from container_updates.errors import InvalidReference
from container_updates.settings import Selector
from container_updates.untrusted.urls import without_login

FIELDS = ("name", "image", "label", "project", "service", "host", "namespace")
"""What --include and --exclude look at."""
INVENTORIES = ("engine", "swarm", "kubernetes")
"""What --inventory knows."""
_PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_MAX_SECONDS = 86400.0 * 366


def name(text: str) -> str:
    """A container's name."""
    if not text.strip("/"):
        raise argparse.ArgumentTypeError("the name of a container is missing")
    return text


def engine(text: str) -> tuple[str, str]:
    """[ALIAS=]URL; alias "" where none is given."""
    named = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.*://.*)", text, re.DOTALL)
    return (named[1], named[2]) if named else ("", text)


def inventory(text: str) -> str:
    """KIND of what runs, `kubernetes` with the context of kubeconfig where it is another one: kubernetes:CONTEXT."""
    if text not in INVENTORIES and not text.startswith("kubernetes:"):
        raise argparse.ArgumentTypeError(f"no inventory {text[:40]!r}; there are {', '.join(INVENTORIES)}")
    return text


def namespace(text: str) -> str:
    """A Kubernetes namespace (RFC 1123 label)."""
    if not re.fullmatch("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", text):
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is no namespace")
    return text


def selector(text: str) -> Selector:
    """FIELD=GLOB."""
    field, given, glob = text.partition("=")
    if field not in FIELDS or not given or not glob:
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not FIELD=GLOB, where FIELD is {', '.join(FIELDS)}")
    return Selector(field, glob)


def checks(text: str) -> tuple[str, ...]:
    """A list of checks, in the order of the chain."""
    wanted = set(CHECKS if text.strip() == "all" else (name.strip() for name in text.split(",")))
    unknown = sorted(wanted - set(CHECKS))
    if unknown:
        raise argparse.ArgumentTypeError(f"no check {unknown[0][:40]!r}; there are {', '.join(CHECKS)}")
    return tuple(check for check in CHECKS if check in wanted)


def registry_host(text: str) -> str:
    """A registry's host as image references write it."""
    try:
        registry = reference.parse(f"{text}/repository").registry
    except InvalidReference:
        registry = ""
    if registry not in (text, reference.DOCKER_HUB) or "/" in text:
        raise argparse.ArgumentTypeError(
            f"{text[:80]!r} is no registry as image names have it: HOST.DOMAIN or HOST:PORT"
        )
    return registry


def ca_file(text: str) -> tuple[str, str]:
    """[REGISTRY=]FILE; registry "" means every one without a CA of its own."""
    registry, given, path = text.partition("=")
    return (registry_host(registry), path) if given and "/" not in registry else ("", text)


def mirror(text: str) -> tuple[str, str]:
    """REGISTRY=URL."""
    registry, _, url = text.partition("=")
    try:
        parts = urlsplit(url)
        complete = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        complete = False
    if not complete:
        shown = f"{registry}={without_login(url)}" if url else without_login(text)
        raise argparse.ArgumentTypeError(f"{shown[:80]!r} is not REGISTRY=http[s]://HOST[:PORT]")
    if parts.username is not None:
        raise argparse.ArgumentTypeError("a login does not belong into a mirror's URL: config.json is for it")
    return registry_host(registry), url


def proxy(text: str) -> str:
    """A proxy's URL; its login is the admin's affair, and never shown."""
    try:
        parts = urlsplit(text)
        complete = parts.scheme in _PROXIES and parts.hostname and (parts.port or True)
    except ValueError:
        complete = False
    if not complete:
        raise argparse.ArgumentTypeError(f"{without_login(text)[:80]!r} is not {'|'.join(_PROXIES)}://HOST[:PORT]")
    return text


def pattern(text: str) -> tuple[str, str]:
    """[IMAGE=]REGEX; an image's name has no sign that makes a regular expression one, but for the dot and the star."""
    image, given, regex = text.partition("=")
    return (image, regex) if given and re.fullmatch(r"[a-z0-9][a-z0-9._/:*-]*|\*[a-z0-9._/:*-]*", image) else ("", text)


def seconds(least: float) -> Callable[[str], float]:
    """Return a converter to seconds, from `least` on."""

    def convert(text: str) -> float:
        try:
            seconds = float(text[:-1] if text.endswith("s") else text)
        except ValueError:
            seconds = -1.0
        if not least <= seconds <= _MAX_SECONDS:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of seconds from {least:g} on")
        return seconds

    return convert


def age(text: str) -> float:
    """Seconds from 12h, 2d or 1w."""
    try:
        seconds = duration(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 100 * _MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no age; examples: 12h, 2d, 1w")
    return seconds


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a converter to a whole number from `least` to `most`."""

    def convert(text: str) -> int:
        value = int(text) if re.fullmatch("[0-9]{1,12}", text) else -1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from {least} to {most}")
        return value

    return convert
