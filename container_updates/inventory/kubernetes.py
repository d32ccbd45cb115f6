"""What runs in a Kubernetes cluster: a row a container of a workload, its pods being its members.

Source: Kubernetes API, `GET /api/v1/pods` in pages; nodes only for their architecture. The least right is
kubernetes/rbac.yaml: pods list, and nodes list where it may be.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from container_updates import reference
from container_updates.clock import Deadline
from container_updates.errors import InvalidReference, InventoryError
from container_updates.inventory import records, selection
from container_updates.inventory.connections.exchange import Connection, MiB, Refused
from container_updates.inventory.connections.kubeconfig import cluster
from container_updates.model import (
    Container,
    EngineRegistries,
    Image,
    ImageDetails,
    Platform,
    Problem,
    RequestRecord,
    Subject,
)
from container_updates.settings import Settings

_PAGE = 250
_LARGEST_PAGE = 128 * MiB
_MOST = 500_000
_AS_METADATA = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"}
_CRON = re.compile(r"-[0-9]{8,10}$")
_PREFIXES = ("docker-pullable://", "docker://")


@dataclass(slots=True)
class _Row:
    """One container of a workload, over all of its pods."""

    namespace: str
    workload: str
    container: str
    image: str
    annotations: Mapping[str, str]
    pods: list[str] = field(default_factory=list)
    ids: Counter[str] = field(default_factory=Counter)
    """`imageID` to the number of pods that run it."""
    running: bool = False
    kind: str = ""
    """What `kubectl rollout restart` calls the workload: `deployment`; "" for what cannot be rolled out."""
    policy: str = ""
    """`imagePullPolicy`: whether a new pod asks the registry anew."""


class KubernetesPods:
    """An `Inventory` of the pods of one cluster."""

    tells_origin = False

    def __init__(self, context: str, *, settings: Settings, deadline: Deadline, patience: float) -> None:
        """Read kubeconfig, and run its login plugin; raises `InventoryError`."""
        self._settings = settings
        self._deadline, self._patience = deadline, patience
        found = cluster(settings.kubeconfig, context, deadline.within(patience))
        self._connection = Connection(
            found.shown, settings=settings, deadline=deadline, patience=patience, at=found.endpoint
        )
        self.engine = self.key = found.shown
        self.host = settings.aliases.get(found.shown, "") or found.name
        self.identity = found.shown
        self.container_ids: set[str] = set()
        self.requests: list[RequestRecord] = self._connection.requests
        self.problems: list[Problem] = []
        self._nodes: dict[str, set[str]] = {}
        """Image id to the nodes where it runs."""
        self._platforms: dict[str, Platform] | None = None

    def containers(self) -> Iterable[Container]:
        """Return a row for every container of a workload that is meant; raises `InventoryError`."""
        self._connection.deadline = self._deadline.within(self._patience)
        try:
            rows: dict[tuple[str, str, str, str], _Row] = {}
            for namespace in self._settings.namespaces or ("",):
                for pod in self._pods(namespace):
                    self._add(pod, rows)
            return [container for row in rows.values() if (container := self._container(row)) is not None]
        finally:
            self._connection.deadline = self._deadline

    def details(self, image: Image) -> ImageDetails:
        """Return the platform of the nodes where an image runs; None where nodes may not be listed."""
        platforms = self._architectures()
        found = {platforms[node] for node in self._nodes.get(image.id, ()) if node in platforms}
        return ImageDetails(platform=found.pop() if len(found) == 1 else None, pulled=image.pulled)

    def registries(self) -> EngineRegistries:
        """Return nothing: what the nodes are told about registries, the API does not tell."""
        return EngineRegistries()

    def close(self) -> None:
        """End nothing: there is only a connection."""

    def _pods(self, namespace: str) -> Iterator[Any]:
        """Yield every pod, page by page; a list that expired between two pages goes on where the server says."""
        path = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
        token, again = "", False
        while True:
            parameters = {"limit": str(_PAGE)}
            parameters |= {"labelSelector": self._settings.selector} if self._settings.selector else {}
            parameters |= {"continue": token} if token else {}
            rest: dict[str, Any] = {}
            try:
                answer = self._connection.get(path, _LARGEST_PAGE, parameters)
                yield from answer.items(_MOST, rest)
            except Refused as error:
                if error.status != 410 or again:
                    raise self._refused(error, path) from None
                token, again = records.text(records.member(error.told, "metadata"), "continue"), True
                if not token:
                    raise InventoryError(f"{self.engine}: the list of pods expired while it was read") from None
                continue
            token = records.text(records.member(rest, "metadata"), "continue")
            if not token:
                return

    def _refused(self, error: Refused, path: str) -> InventoryError:
        words = records.text(error.told, "message")
        why = f": {' '.join(words.split())[:200]}" if words else ""
        if error.status == 401:
            return InventoryError(
                f"{self.engine} does not accept this login (HTTP 401): a new token or certificate in kubeconfig"
            )
        if error.status == 403:
            return InventoryError(f"{self.engine} refuses GET {path} (HTTP 403){why} (kubernetes/rbac.yaml)")
        return InventoryError(f"{self.engine} answers HTTP {error.status} to GET {path}{why}")

    def _add(self, pod: Any, rows: dict[tuple[str, str, str, str], _Row]) -> None:
        meta, spec, status = (records.member(pod, name) for name in ("metadata", "spec", "status"))
        namespace, name, node = (
            records.text(meta, "namespace"),
            records.text(meta, "name"),
            records.text(spec, "nodeName"),
        )
        if not name:
            return
        kind, workload = _workload(meta, name, node)
        annotations = records.string_map(meta, "annotations")
        for kind in ("containers", "initContainers", "ephemeralContainers"):
            statuses = {records.text(one, "name"): one for one in _list(status, f"{kind.removesuffix('s')}Statuses")}
            for told in _list(spec, kind):
                container = records.text(told, "name")
                state = statuses.get(container, {})
                image_id = records.text(state, "imageID")
                running = not records.member(records.member(state, "state"), "terminated")
                if not image_id or not (running or self._settings.all_containers):
                    continue
                image = records.text(told, "image")
                key = (namespace, workload, container, image)
                row = rows.setdefault(key, _Row(namespace, workload, container, image, annotations, kind=kind))
                row.pods.append(name)
                row.ids[image_id] += 1
                row.running |= running
                row.policy = records.text(told, "imagePullPolicy")
                self._nodes.setdefault(_identity(image_id)[0], set()).add(node)

    def _container(self, row: _Row) -> Container | None:
        name = f"{row.namespace}/{row.workload}/{row.container}"
        labels = _labels(row)
        try:
            parsed, problem = reference.parse(row.image), None
        except InvalidReference as error:
            parsed, problem = None, str(error)
        shown = str(parsed) if parsed else row.image
        candidate = selection.Candidate(
            name, labels, labels, (row.image, shown), (self.host, self.engine), namespace=row.namespace
        )
        if not selection.included(candidate, self._settings):
            return None
        excluded = selection.exclusion(candidate, self._settings)
        subject = None
        if excluded is None and parsed is not None:
            images = [image for text, _ in row.ids.most_common() if (image := self._image(text, parsed.registry))]
            if images:
                subject = Subject(
                    parsed,
                    images[0],
                    running=row.running,
                    wishes=selection.wishes(labels),
                    replicas=tuple(dict.fromkeys(images)) if len(set(images)) > 1 else (),
                )
            else:
                problem = "its image id is none"
        return Container(
            engine=self.engine,
            id=f"{row.namespace}/{row.kind or 'pod'}/{row.workload}/{row.container}",
            name=name,
            image=shown,
            subject=subject,
            problem=None if excluded else problem,
            excluded=excluded,
            running=row.running,
            status=f"{len(row.pods)} pod{'s' * (len(row.pods) != 1)}, imagePullPolicy {row.policy or 'not said'}",
            project=row.namespace,
            service=row.workload,
            labels=labels,
            host=self.host,
            program="kubectl",
            members=tuple(sorted(row.pods)),
        )

    def _image(self, text: str, registry: str) -> Image | None:
        digest, config = _identity(text)
        if not digest:
            return None
        local = config and registry == "localhost"
        return Image(
            engine=self.key,
            id=digest,
            digests=frozenset() if config else frozenset({digest}),
            id_is_config=config,
            pulled=False if local else None if config else True,
        )

    def _architectures(self) -> dict[str, Platform]:
        if self._platforms is None:
            self._platforms = {}
            try:
                answer = self._connection.get("/api/v1/nodes", _LARGEST_PAGE, headers=_AS_METADATA)
                for node in answer.items(_MOST, {}):
                    meta = records.member(node, "metadata")
                    labels = records.string_map(meta, "labels")
                    os, machine = labels.get("kubernetes.io/os", "linux"), labels.get("kubernetes.io/arch", "")
                    if machine:
                        self._platforms[records.text(meta, "name")] = Platform(os, machine)
            except InventoryError:  # all platforms are compared then
                self._platforms = {}
        return self._platforms


def _identity(text: str) -> tuple[str, bool]:
    """Return the digest in an `imageID`, and whether it is the config's: only `repo@digest` is a manifest's."""
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix)
    digest = text.rpartition("@")[2]
    known = records.identifier(digest)
    return (known, "@" not in text) if known else ("", False)


def _workload(meta: Mapping[str, Any], pod: str, node: str) -> tuple[str, str]:
    """Return kind and name of what made a pod, as people know it, by its owner's name alone: nothing else is read."""
    owners = [one for one in _list(meta, "ownerReferences") if one.get("controller") is not False]
    kind, name = (records.text(owners[0], "kind"), records.text(owners[0], "name")) if owners else ("", "")
    template = records.string_map(meta, "labels").get("pod-template-hash", "")
    if kind == "ReplicaSet" and template:
        return "deployment", name.removesuffix(f"-{template}")
    if kind == "Job":
        return "", _CRON.sub("", name)
    if kind in ("", "Node"):
        return "", pod.removesuffix(f"-{node}") if node else pod
    return kind.lower() if kind in ("StatefulSet", "DaemonSet") else "", name


def _labels(row: _Row) -> dict[str, str]:
    """Return a pod's annotations as labels; one that ends in /CONTAINER is for that container alone."""
    own = {key: value for key, value in row.annotations.items() if "/" not in key}
    for key, value in row.annotations.items():
        head, _, tail = key.rpartition("/")
        if head and tail == row.container:
            own[head] = value
    return own


def _list(raw: Any, key: str) -> list[dict[str, Any]]:
    value = raw.get(key) if isinstance(raw, dict) else None
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
