"""The services of a swarm, as one of its managers tells them: a row a service, its running tasks being its members.

Source: Docker Engine API, `/services`, `/tasks`, `/nodes`. The manager writes `tag@digest` into a service's image by
itself: that digest is nobody's pin, unless the stack's file has one (label `com.docker.stack.image`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from container_updates import reference
from container_updates.clock import Deadline
from container_updates.errors import InvalidReference, InventoryError
from container_updates.inventory import records, selection
from container_updates.inventory.connections.exchange import Refused
from container_updates.inventory.engine import DockerEngine
from container_updates.model import Container, EngineRegistries, Image, ImageDetails, Platform, Subject
from container_updates.reference import Reference, short
from container_updates.settings import Settings

_STACK_IMAGE = "com.docker.stack.image"
_STACK = "com.docker.stack.namespace"
_SERVICE = "com.docker.swarm.service.name"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386"}
"""What a node calls its architecture (uname) to what an image index does."""
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class _Task:
    """A task that runs now."""

    name: str
    image: str
    node: str
    container_id: str


class SwarmServices:
    """An `Inventory` of the services of one swarm."""

    tells_origin = False

    def __init__(self, url: str, *, settings: Settings, deadline: Deadline, alias: str = "", patience: float) -> None:
        """Ask nothing yet; raises `InventoryError` as `DockerEngine` does."""
        self._settings = settings
        self._manager = DockerEngine(url, settings=settings, deadline=deadline, alias=alias, patience=patience)
        self.engine = self._manager.engine
        self.key = f"{self.engine}#swarm"
        self.requests = self._manager.requests
        self.problems = self._manager.problems
        self.host = alias
        self.identity = ""
        self.container_ids: set[str] = set()
        self._local: Mapping[str, Container] | None = None
        self._platforms: dict[str, Platform] = {}

    def containers(self) -> Iterable[Container]:
        """Return a row for every service that `--include` means; raises `InventoryError`."""
        with self._manager.reading():
            return self._read()

    def details(self, image: Image) -> ImageDetails:
        """Return what the tasks' nodes tell: their platform alone."""
        return ImageDetails(platform=image.platform, pulled=True)

    def registries(self) -> EngineRegistries:
        """Return what the manager is told about registries; raises `InventoryError`."""
        return self._manager.registries()

    def close(self) -> None:
        """End the connection to the manager."""
        self._manager.close()

    def _read(self) -> list[Container]:
        swarm = records.member(self._manager.info(), "Swarm")
        self.host = self.host or self._manager.host
        # A worker knows of no services; where `/info` is denied, `/services` answers for itself.
        if swarm and swarm.get("ControlAvailable") is not True:
            raise self._no_manager()
        services = self._manager.ask("/services", {"status": "true"})
        tasks = self._manager.ask("/tasks", {"filters": '{"desired-state":["running"]}'})
        nodes = self._manager.ask("/nodes")
        try:
            listed = list(services.records(_MOST))
        except Refused as error:
            raise self._no_manager() if error.status in (406, 503) else error from None
        running: dict[str, list[_Task]] = {}
        names = {records.text(raw, "ID"): records.text(records.member(raw, "Spec"), "Name") for raw in listed}
        for raw in tasks.records(_MOST):
            self._add_task(raw, names, running)
        with suppress(InventoryError):  # only where a digest differs does the platform matter
            self._platforms = dict(filter(None, map(_platform, nodes.records(_MOST))))
        found = (self._service(raw, running.get(records.text(raw, "ID"), [])) for raw in listed)
        return [container for container in found if container is not None]

    def _no_manager(self) -> InventoryError:
        return InventoryError(f"{self.engine} is no manager of a swarm: --inventory swarm wants one as --host")

    def _add_task(self, raw: Any, names: Mapping[str, str], running: dict[str, list[_Task]]) -> None:
        status = records.member(raw, "Status")
        if records.text(raw, "DesiredState") != "running" or records.text(status, "State") != "running":
            return
        service, slot = records.text(raw, "ServiceID"), records.integer(raw, "Slot")
        node = records.text(raw, "NodeID")
        spec = records.member(records.member(raw, "Spec"), "ContainerSpec")
        container_id = records.text(records.member(status, "ContainerStatus"), "ContainerID")
        name = f"{names.get(service, service)}.{slot or node}"
        self.container_ids.add(container_id)
        running.setdefault(service, []).append(_Task(name, records.text(spec, "Image"), node, container_id))

    def _service(self, raw: Any, tasks: Sequence[_Task]) -> Container | None:
        spec = records.member(raw, "Spec")
        inner = records.member(records.member(spec, "TaskTemplate"), "ContainerSpec")
        name, text = records.text(spec, "Name"), records.text(inner, "Image")
        if not name:
            return None
        labels = {**records.string_map(inner, "Labels"), **records.string_map(spec, "Labels")}
        written = labels.get(_STACK_IMAGE) or text
        parsed, problem = _reference(written, pinned=_STACK_IMAGE in labels)
        shown = str(parsed) if parsed else written
        container_labels = {**records.string_map(inner, "Labels"), _SERVICE: name}
        candidate = selection.Candidate(
            name, {**labels, _SERVICE: name}, labels, (written, text, shown), (self.host, self.engine)
        )
        if not selection.included(candidate, self._settings):
            return None
        excluded = selection.exclusion(candidate, self._settings)
        if excluded is None:
            # The container's own labels forbid as much as the service's.
            excluded = selection.exclusion(replace(candidate, own=container_labels), self._settings)
        subject = None
        if excluded is None and parsed is not None:
            subject, problem = self._subject(parsed, text, tasks, selection.wishes(labels))
        wanted = _replicas(raw, spec)
        return Container(
            engine=self.engine,
            id=records.text(raw, "ID"),
            name=name,
            image=shown,
            subject=subject,
            problem=None if excluded else problem,
            excluded=excluded,
            running=bool(tasks),
            status=f"{len(tasks)} of {wanted} tasks run" if wanted is not None else f"{len(tasks)} tasks run",
            project=labels.get(_STACK),
            service=name,
            labels={**labels, _SERVICE: name},
            host=self.host,
            members=tuple(sorted(task.name for task in tasks)),
        )

    def _subject(
        self, parsed: Reference, text: str, tasks: Sequence[_Task], wishes: tuple[tuple[str, str], ...]
    ) -> tuple[Subject | None, str | None]:
        """Return what is to be asked of a service; where its tasks run several images, the older one waits."""
        wanted = _digest(text)
        if wanted is None:
            return self._by_containers(parsed, tasks, wishes)
        others = Counter(_digest(task.image) for task in tasks if _digest(task.image) not in (wanted, None))
        running = self._image(wanted, tasks)
        if not others:
            return Subject(parsed, running, None, bool(tasks), wishes), None
        older = others.most_common(1)[0][0] or ""
        pending = f"{sum(others.values())} of {len(tasks)} tasks still run {short(older)}, the service {short(wanted)}"
        return Subject(parsed, self._image(older, tasks), running, True, wishes, pending=pending), None

    def _by_containers(
        self, parsed: Reference, tasks: Sequence[_Task], wishes: tuple[tuple[str, str], ...]
    ) -> tuple[Subject | None, str | None]:
        """Look at the manager's own containers for a service whose image was not resolved (`--no-resolve-image`)."""
        if self._local is None:
            try:
                self._local = {container.id: container for container in self._manager.containers()}
            except InventoryError:
                self._local = {}
        for task in tasks:
            container = self._local.get(task.container_id)
            if container is not None and container.subject is not None:
                return replace(container.subject, reference=parsed, wishes=wishes), None
        return None, "its image has no digest (--no-resolve-image): check the engines where its tasks run"

    def _image(self, digest: str, tasks: Sequence[_Task]) -> Image:
        nodes = [task.node for task in tasks if _digest(task.image) == digest] or [task.node for task in tasks]
        platform = next((self._platforms[node] for node in nodes if node in self._platforms), None)
        if platform is None and len(set(self._platforms.values())) == 1:
            platform = next(iter(self._platforms.values()))
        return Image(
            engine=self.key,
            id=digest,
            digests=frozenset({digest}),
            id_is_config=False,
            pulled=True,
            platform=platform,
        )


def _reference(written: str, *, pinned: bool) -> tuple[Reference | None, str | None]:
    """Return what a service is judged by: the stack's file as it is, else the image without the manager's digest."""
    try:
        parsed = reference.parse(written)
    except InvalidReference as error:
        return None, str(error) if written else "its record names no image"
    if parsed.tag is not None and parsed.digest is not None and not pinned:
        parsed = replace(parsed, digest=None)
    return parsed, None


def _digest(image: str) -> str | None:
    digest = image.rpartition("@")[2]
    return digest if "@" in image and reference.is_digest(digest) else None


def _replicas(raw: Any, spec: Any) -> int | None:
    """Return how many tasks there are to be."""
    told = records.integer(records.member(raw, "ServiceStatus"), "DesiredTasks")
    return (
        told
        if told is not None
        else records.integer(records.member(records.member(spec, "Mode"), "Replicated"), "Replicas")
    )


def _platform(raw: Any) -> tuple[str, Platform] | None:
    platform = records.member(records.member(raw, "Description"), "Platform")
    os, machine = records.text(platform, "OS"), records.text(platform, "Architecture")
    return (records.text(raw, "ID"), Platform(os, _MACHINES.get(machine, machine))) if os and machine else None
