"""Frozen values that every room speaks; they know nobody but `reference`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum
from typing import Any, NamedTuple

from container_updates.reference import Reference


class Verdict(Enum):
    """What a finding means for the question asked; its severity is decided in `verdicts` alone."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Platform:
    """Where an image runs, in the words of the OCI image index (`platform`)."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class Image:
    """An image as an engine has it."""

    engine: str = field(compare=False)
    """URL of the engine that has it."""
    id: str
    """What the engine calls it, `sha256:…`: the config digest, or in a containerd store a registry digest."""
    digests: frozenset[str]
    """Every registry digest it is known by: of the index or the platform manifest. Empty where none is known.

    Of any repository: what may be compared with them is more than what can be pulled (`Subject.own_digests`)."""
    id_is_config: bool
    """True when `id` is the digest of the image's config (classic store, Podman)."""
    pulled: bool | None = field(compare=False, default=None)
    """False: the engine never pulled or pushed it. None: its lists cannot tell, `Inventory.details` may."""
    manifest_digest: str | None = None
    """Digest of the platform's own manifest, where the engine says it."""
    platform: Platform | None = None
    """Where the engine's lists say it; else ask `Inventory.details`."""
    created: int | None = field(compare=False, default=None)
    """Seconds since the epoch, as its config claims."""
    labels: Mapping[str, str] = field(compare=False, default_factory=dict)
    """The image's own labels: claims of whoever built it."""
    known_as: tuple[tuple[str, str], ...] = field(compare=False, default=())
    """Repository (`Reference.name`) and a digest that it has there, as the engine was told; empty: nobody says."""


@dataclass(frozen=True, slots=True)
class ImageDetails:
    """What only an inspect tells."""

    platform: Platform | None
    pulled: bool | None
    layers: tuple[str, ...] = ()
    """The layers' diff ids (`rootfs.diff_ids` of its config)."""
    created: str | None = None
    """As the config has it, RFC 3339."""
    tagged: str | None = None
    """When the engine last put a tag on it, RFC 3339; the classic store does not count a pull."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The image's own labels: claims of whoever built it."""
    settings: str = ""
    """`settings_of` its config."""


_SETTINGS = ("Cmd", "Entrypoint", "Env", "Labels", "User", "WorkingDir")


def settings_of(config: Mapping[str, Any]) -> str:
    """Return a digest over what an image's `config` makes of a container, the same from an engine and a registry.

    Engines add members of their own and write empty ones in several ways. (OCI image-spec, config.md)
    """
    told = {name: config.get(name) or None for name in _SETTINGS}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Subject:
    """The unique thing to ask about: a thousand containers of one image are one subject."""

    reference: Reference
    image: Image
    tag_image: Image | None = None
    """What the engine has under the reference's tag today, where that is another image than the running one."""
    running: bool = True
    """Whether containers of it run, or are stopped ones that `--all` shows."""
    wishes: tuple[tuple[str, str], ...] = ()
    """Labels by which an admin tells tools of this kind what to make of the image, sorted."""
    replicas: tuple[Image, ...] = ()
    """Every image that its replicas run, `image` first, where they run several; empty where they run one."""
    pending: str = ""
    """Why it is `tag_image` that is to run, in words, where the inventory knows: `1 of 3 tasks still run …`."""

    @property
    def own_digests(self) -> tuple[str, ...]:
        """The digests by which what runs is in its own repository, none of another one's.

        First the one that it was pulled by, as far as that is known. Empty where it is only known elsewhere.
        """
        image = self.image
        own = {digest for name, digest in image.known_as if name == self.reference.name}
        if not image.id_is_config:
            # A containerd store lists one name an image: what it calls it is what the name of ours leads to, too.
            own |= image.digests & {image.id, image.manifest_digest}
        if not image.known_as:
            own |= image.digests
        first = [digest for digest in (self.reference.digest, image.id) if digest in own and digest]
        return tuple(dict.fromkeys([*first, *sorted(own)]))

    @property
    def digest(self) -> str:
        """The digest that what runs can be pulled by from its own repository; "" where none is known."""
        return next(iter(self.own_digests), "")

    def wish(self, *labels: str) -> str | None:
        """The value of the first of these labels that is set; None where none is."""
        return self.wished(*labels)[1]

    def wished(self, *labels: str) -> tuple[str, str | None]:
        """The first of these labels that is set, with its value; of an old and a new name the new one comes first."""
        known = dict(self.wishes)
        found = next((label for label in labels if label in known), labels[0])
        return found, known.get(found)


@dataclass(frozen=True, slots=True)
class Container:
    """A container record, reduced to what is asked or shown."""

    engine: str
    id: str
    name: str
    image: str
    """As a person knows it: the reference it was started from, or the bare image id."""
    subject: Subject | None
    """None when there is nothing to ask: excluded before a name was needed, or unresolvable."""
    problem: str | None = None
    """Why `subject` is None although the container is to be checked."""
    skipped: str | None = None
    """Why there is nothing to check about it: `runs no image`."""
    excluded: str | None = None
    """Which decision of the admin excludes it, as words."""
    running: bool = True
    created: int | None = None
    """When the container was made, seconds since the epoch, as its engine says."""
    status: str = ""
    """How it is, in the engine's words: `Up 3 days (healthy)`."""
    project: str | None = None
    service: str | None = None
    display_name: str | None = None
    """The name by which people know it, from a label of its own."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The container's own labels, without those that its image brought along."""
    members: tuple[str, ...] = ()
    """What runs of it, where it stands for several: a service's tasks."""
    host: str = ""
    """Where it runs, as people call the machine: the engine's alias, else its own name."""
    program: str = "docker"
    """The command by which people handle it: `docker`, `podman`, `kubectl`."""
    qualified: bool = False
    """Whether its name alone does not tell which container it is, as there are several engines."""

    @property
    def title(self) -> str:
        """Its name for people, as it is shown and found by `--explain`: `web`, of several engines `web@db7`."""
        name = self.display_name or self.name
        return f"{name}@{self.host}" if self.qualified and self.host else name


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of one link of the chain. It never knows its severity."""

    check: str
    """The link: updates, restarts, versions, signatures, source, packages."""
    code: str
    """From the interface's table of findings."""
    verdict: Verdict
    message: str
    """For a person, without the container's name; not yet safe to print."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Plain data for JSON; a member that is not known is left out."""


def number(value: object) -> float | int | None:
    """Return `value` where it is a number that something can be counted or measured by, else None."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    # Not for a NaN either; and what is larger is no count of anything, but fills a line of performance data.
    return value if abs(value) <= 1e15 else None


NOT_KEPT = "not-kept"
"""Code of the problem that nothing can be remembered from run to run."""


class Problem(NamedTuple):
    """An error that belongs to a place (a registry, an engine, a file) rather than to one container."""

    where: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RegistryRule:
    """Where an engine looks for the names that begin with a prefix (containers-registries.conf(5))."""

    prefix: str
    """`host`, `host/path` or `*.domain`: the longest one that fits a name decides."""
    location: str
    """What stands in the prefix's place when the registry is asked; mostly the prefix itself."""
    mirrors: tuple[str, ...] = ()
    """Locations that are asked first, for tags."""
    blocked: bool = False
    """Whether the engine may not pull from there."""


@dataclass(frozen=True, slots=True)
class EngineRegistries:
    """What an engine is told about registries (`/info` RegistryConfig)."""

    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Registry name to the URLs of its pull-through mirrors, in the engine's order."""
    insecure_hosts: frozenset[str] = frozenset()
    """Host or host:port that may be asked without TLS or with an unverified certificate."""
    insecure_networks: tuple[str, ...] = ()
    """The same by network, in CIDR notation."""
    rules: tuple[RegistryRule, ...] = ()
    """Podman's registries.conf."""
    proxies: Mapping[str, str] = field(default_factory=dict)
    """The engine's own proxies by scheme, and under `no` a list of hosts as NO_PROXY has it."""


class RequestRecord(NamedTuple):
    """One request that was made, for `-vvv`: never a secret in it."""

    method: str
    url: str
    """Without user, password and query."""
    status: int | None
    """None where no answer came."""
    seconds: float
    note: str = ""
    """Why there was no answer, in the words of the error."""


class State(IntEnum):
    """Severity, ranked as the interface ranks it; `exit_code` is what the plugin guidelines want."""

    OK = 0
    UNKNOWN = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def exit_code(self) -> int:
        """0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (Monitoring Plugins guidelines, return codes)."""
        return {State.OK: 0, State.WARNING: 1, State.CRITICAL: 2, State.UNKNOWN: 3}[self]


class JudgedFinding(NamedTuple):
    """A finding with the severity that the thresholds give it."""

    finding: Finding
    state: State


@dataclass(frozen=True, slots=True)
class JudgedContainer:
    """A container with what was found about it."""

    container: Container
    findings: tuple[JudgedFinding, ...]
    state: State
    """The worst of its findings' states."""
    reported: bool = False
    """Whether the last report of this service had the same about it (`--new-only`)."""


class Metric(NamedTuple):
    """One number of the performance data."""

    name: str
    value: float | int
    unit: str
    warning: str | None
    """Range as the plugin guidelines write it, or None for no threshold."""
    critical: str | None
    state: State


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a report needs, whatever its form."""

    state: State
    containers: tuple[JudgedContainer, ...]
    """In the engine's order; the reports sort."""
    metrics: tuple[Metric, ...]
    """In the interface's order, without those whose check was not asked for."""
    problems: tuple[Problem, ...]
    checked_at: datetime
    requests: tuple[RequestRecord, ...] = ()
    """For -vvv."""
    settings: tuple[tuple[str, str, str], ...] = ()
    """Option, value and where it came from, for -vv."""
    notes: tuple[str, ...] = ()
    """What else was done in this run, a line each."""
    engines: int = 1
    """How many engines were asked."""
    unread: tuple[Problem, ...] = ()
    """Those that could not be read at all, `where` being the engine's name; they are among the problems too."""
