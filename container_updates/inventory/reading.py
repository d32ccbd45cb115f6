"""Every engine read side by side, each within a time of its own: one that hangs costs nothing but itself."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from math import inf
from typing import NamedTuple
from urllib.parse import urlsplit

from container_updates import workers
from container_updates.clock import Deadline
from container_updates.errors import InventoryError
from container_updates.inventory import Inventory
from container_updates.inventory.engine import DockerEngine
from container_updates.inventory.swarm import SwarmServices
from container_updates.model import Container, EngineRegistries, Problem, RegistryRule
from container_updates.settings import Settings
from container_updates.untrusted.urls import without_login

_LONGEST = 10.0
"""Seconds that one of several engines may take, whatever `--timeout` is."""
_KINDS: dict[str, type[DockerEngine | SwarmServices]] = {"engine": DockerEngine, "swarm": SwarmServices}
_PART = 3
"""An engine's part of `--timeout` is one of so many."""
_SSH_AT_ONCE = 16
"""Children `ssh`, at 17 to 19 MB each."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What all engines told."""

    inventories: Sequence[Inventory]
    containers: Sequence[Container]
    """Named with their host where there are several engines."""
    registries: EngineRegistries
    failures: Sequence[Problem]
    """Engines that could not be read: each by its name, with the reason."""
    engines: int
    """How many there are, read or not."""

    def only(self, container: Container) -> "Fleet":
        """Return the fleet reduced to one container and its engine, and the engines where it may be too."""
        return replace(
            self,
            inventories=[one for one in self.inventories if one.engine == container.engine],
            containers=[container],
        )


class _Source(NamedTuple):
    """An engine that was asked for, not read yet."""

    name: str
    """What people call it: the alias, else the host or the path in its URL."""
    group: str
    open: Callable[[float], Inventory]
    """Given the seconds that it may take."""


@dataclass(slots=True)
class _Read:
    """What one engine told."""

    name: str
    inventory: Inventory
    containers: list[Container]
    registries: EngineRegistries = field(default_factory=EngineRegistries)


def read(settings: Settings, deadline: Deadline, opened: ExitStack) -> Fleet:
    """Read all engines; raises the `InventoryError` of the first one where none could be read.

    `opened` is given what is to be closed after the check.
    """
    sources = _sources(settings, deadline)
    several = len(sources) > 1
    patience = min(_LONGEST, settings.timeout / _PART) if several else inf

    def one(source: _Source) -> _Read | InventoryError:
        try:
            inventory = source.open(patience)
            opened.callback(inventory.close)
            return _Read(source.name, inventory, list(inventory.containers()), inventory.registries())
        except InventoryError as error:
            return error
        except Exception as error:  # one engine's surprise must not cost the others
            return InventoryError(f"{source.name}: internal error ({type(error).__name__})")

    answers = workers.each(
        sources,
        one,
        jobs=max(len(sources), 1),
        deadline=deadline,
        group=lambda source: source.group,
        at_once=lambda group: _SSH_AT_ONCE if group == "ssh" else None,
    )
    errors: list[tuple[str, InventoryError]] = []
    found: list[_Read] = []
    for source, answer in zip(sources, answers, strict=True):
        if isinstance(answer, _Read):
            found.append(answer)
        else:
            late = InventoryError(f"{source.name} did not answer within the time for the whole check")
            errors.append((source.name, answer or late))
    if errors and not found:
        raise _none_read(errors)
    found = _each_once(found)
    if several:
        _name_by_host(found)
    return Fleet(
        inventories=[one.inventory for one in found],
        containers=[container for one in found for container in one.containers],
        registries=_merged(one.registries for one in found),
        failures=[Problem(name, "unreachable", str(error)) for name, error in errors],
        engines=len(found) + len(errors),
    )


def _sources(settings: Settings, deadline: Deadline) -> list[_Source]:
    """Return the engines that were asked for, each URL once."""

    def source(kind: str, url: str) -> _Source:
        alias = settings.aliases.get(url, "")
        group = "ssh" if url.lower().startswith("ssh://") else ""
        return _Source(
            alias or _short(url),
            group,
            lambda patience: _KINDS[kind](url, settings=settings, deadline=deadline, alias=alias, patience=patience),
        )

    def pods(context: str) -> _Source:
        from container_updates.inventory.kubernetes import KubernetesPods

        return _Source(
            f"kubernetes {context}".strip(),
            "",
            lambda patience: KubernetesPods(context, settings=settings, deadline=deadline, patience=patience),
        )

    found: list[_Source] = []
    for kind in dict.fromkeys(settings.inventories):
        name, _, context = kind.partition(":")
        if name == "kubernetes":
            found.append(pods(context))
        else:
            found += [source(kind, url) for url in dict.fromkeys(settings.hosts)]
    return found


def _short(url: str) -> str:
    """Return what tells an engine from others without a login in it: the host of its URL, else the URL itself."""
    shown = without_login(url).rstrip("/")
    try:
        return urlsplit(shown).hostname or shown
    except ValueError:
        return shown


def _none_read(errors: Sequence[tuple[str, InventoryError]]) -> InventoryError:
    if len(errors) == 1:
        return errors[0][1]
    return InventoryError(f"none of {len(errors)} engines could be read, the first one: {errors[0][1]}")


def _each_once(found: Sequence[_Read]) -> list[_Read]:
    """Return the engines without those that another URL led to already."""
    kept: list[_Read] = []
    for one in found:
        if not any(_same(one.inventory, other.inventory) for other in kept):
            kept.append(one)
    return kept


def _same(one: Inventory, other: Inventory) -> bool:
    """Whether two inventories are one engine.

    By what it says that it is, unless no container is in both: cloned machines share their ids. Podman, and an engine
    behind a proxy that denies `/info`, say nothing to go by: there the containers tell.
    """
    if type(one) is not type(other):
        return False
    common = not one.container_ids.isdisjoint(other.container_ids)
    if one.identity and other.identity:
        return one.identity == other.identity and (common or not one.container_ids or not other.container_ids)
    return common


def _name_by_host(found: Iterable[_Read]) -> None:
    """Name every container with its host, by which it is found again: where hosts share a name, by the URL."""
    found = list(found)
    shared = Counter(one.inventory.host for one in found)
    for one in found:
        host = one.inventory.host
        if not host or shared[host] > 1:
            host = one.name if Counter(other.name for other in found)[one.name] == 1 else one.inventory.engine
        one.containers = [replace(container, host=host, qualified=True) for container in one.containers]


def _merged(all_registries: Iterable[EngineRegistries]) -> EngineRegistries:
    """Return what any of the engines is told: the first engine's mirrors come first, its proxies alone."""
    mirrors: dict[str, tuple[str, ...]] = {}
    hosts: set[str] = set()
    networks: list[str] = []
    rules: dict[str, RegistryRule] = {}
    proxies: Mapping[str, str] = {}
    for registries in all_registries:
        for registry, urls in registries.mirrors.items():
            mirrors[registry] = tuple(dict.fromkeys((*mirrors.get(registry, ()), *urls)))
        hosts |= registries.insecure_hosts
        networks += registries.insecure_networks
        for rule in registries.rules:
            rules.setdefault(rule.prefix, rule)
        proxies = proxies or registries.proxies
    return EngineRegistries(mirrors, frozenset(hosts), tuple(dict.fromkeys(networks)), tuple(rules.values()), proxies)
