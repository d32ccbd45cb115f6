"""What a Docker Engine runs, or whatever speaks its API: one list each, inspects only where the lists do not tell.

Source: Docker Engine API 1.24 to 1.53 (`api/swagger.yaml`).
"""

import re
import sys
import threading
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from math import inf
from typing import Any
from urllib.parse import quote

from container_updates import reference, workers
from container_updates.clock import Deadline
from container_updates.errors import InvalidReference, InventoryError
from container_updates.inventory import podman, records, selection
from container_updates.inventory.archive import Archive
from container_updates.inventory.connections.exchange import Connection, EngineAnswer, MiB, Refused
from container_updates.inventory.records import ContainerRecord, ImageRecord
from container_updates.model import (
    Container,
    EngineRegistries,
    Image,
    ImageDetails,
    Problem,
    RequestRecord,
    Subject,
    settings_of,
)
from container_updates.reference import Reference
from container_updates.settings import Settings

_OLDEST_API = (1, 24)
_IDENTITY_API = (1, 53)
"""The first whose image inspect has Identity, and the newest of which anything is used."""
_MAX_CONTAINER_LIST = 256 * MiB
_MAX_ANSWER = 64 * MiB
_MAX_RECORDS = 100_000
_INSPECTS_AT_ONCE = 16
_COSTS = {
    "/info": "the engine's mirrors and insecure registries",
    "/images/json": "its images' digests and labels",
}
"""What is missing where a proxy denies a path."""
_CONTAINER_PATH_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


class DockerEngine:
    """An `Inventory` of one engine."""

    def __init__(
        self, url: str, *, settings: Settings, deadline: Deadline, alias: str = "", patience: float = inf
    ) -> None:
        """Ask nothing yet; `url` is unix://, tcp://, http:// or https://. Raises `InventoryError` for any other.

        `patience`: seconds that reading the lists may take, and each later request.
        """
        self._settings = settings
        self._deadline = deadline
        self._patience = patience
        self._connection = Connection(url, settings=settings, deadline=deadline, patience=patience)
        self.engine = self.key = self._connection.shown
        self.requests: list[RequestRecord] = self._connection.requests
        self.problems: list[Problem] = []
        self.host = alias
        self.identity = ""
        self.container_ids: set[str] = set()
        self._lock = threading.RLock()
        self._api: tuple[int, int] | None = None
        self._is_docker = True
        self._is_podman = False
        self._libpod_registries: EngineRegistries | None = None
        self._infra: set[str] | None = None
        self._info: Any = None
        self._refusals: dict[str, int] = {}
        """Path to the status by which a proxy denied it."""
        self._containerd = False
        self._records: dict[str, ImageRecord] = {}
        self._tagged: dict[str, str] = {}
        self._images: dict[tuple[str, str | None, bool | None], Image] = {}
        self._subjects: dict[Hashable, Subject] = {}
        self._written: Mapping[str, str] | None = None
        self._inspects: dict[str, _Once] = {}

    @property
    def tells_origin(self) -> bool:
        """Whether `details` can tell a pulled image from a local build (Identity: API 1.53)."""
        return self._is_docker and (not self._containerd or self._negotiate() >= _IDENTITY_API)

    def containers(self) -> Iterable[Container]:
        """Return every container that `--include` means, the excluded ones marked; raises `InventoryError`."""
        with self.reading():
            return self._read_lists()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Give all requests of the block together the time that reading this engine may take."""
        self._connection.deadline = self._deadline.within(self._patience)
        try:
            yield
        finally:
            self._connection.deadline = self._deadline

    def ask(self, path: str, params: Mapping[str, str] | None = None) -> EngineAnswer:
        """Start a GET of the API; raises `InventoryError`, also when its answer is read."""
        return self._connection.get(self._path(path), _MAX_CONTAINER_LIST, params)

    def info(self) -> Any:
        """Return `/info`, an empty object where it is denied; raises `InventoryError`."""
        self.registries()
        return self._info

    def _read_lists(self) -> list[Container]:
        self._negotiate()
        info = self._connection.get(self._path("/info"), _MAX_ANSWER) if self._info is None else None
        images = self._connection.get(self._path("/images/json"), _MAX_ANSWER, {"all": "0"})
        every = "1" if self._settings.all_containers else "0"
        libpod = self._ask_libpod(every) if self._is_podman else ()
        listed = self._connection.get(self._path("/containers/json"), _MAX_CONTAINER_LIST, {"all": every})
        if info is not None:
            self._read_info(info)
        with self._denied("/images/json"):
            for raw in images.records(_MAX_RECORDS):
                self._add_image(raw)
        if libpod:
            self._read_libpod(*libpod)
        try:
            return self._read_containers(listed)
        except Refused as error:
            raise self._nothing_allowed(error) from None

    def _read_containers(self, listed: EngineAnswer) -> list[Container]:
        """Return the containers in the order of the list; those that need an inspect are looked at side by side."""
        found: list[Container | ContainerRecord] = []
        unreadable = 0
        for raw in listed.records(_MAX_RECORDS):
            record = records.container_record(raw)
            if record is None:
                unreadable += 1
                continue
            self._containerd |= record.manifest_digest is not None
            self.container_ids.add(record.id)
            if self._is_podman and podman.is_infra(record, self._infra):
                continue
            if self._needs_inspect(record):
                found.append(record)
            elif container := self._container(record):
                found.append(container)
        if unreadable:
            message = f"{unreadable} container record{'s' * (unreadable > 1)} with neither name nor id: not checked"
            self.problems.append(Problem(self.engine, "bad-answer", message))
        costly = [one for one in found if isinstance(one, ContainerRecord)]
        # The inspects are kept, so that the second walk finds them.
        workers.each(costly, self._container, jobs=_INSPECTS_AT_ONCE, deadline=self._connection.deadline)
        known = (self._container(one) if isinstance(one, ContainerRecord) else one for one in found)
        return [container for container in known if container is not None]

    def _ask_libpod(self, every: str) -> tuple[EngineAnswer, EngineAnswer]:
        """Start asking for what only Podman's own API tells."""
        all_of_them = {"all": "true" if every == "1" else "false"}
        return (
            self._connection.get(self._path("/libpod/info"), _MAX_ANSWER),
            self._connection.get(self._path("/libpod/containers/json"), _MAX_CONTAINER_LIST, all_of_them),
        )

    def _read_libpod(self, info: EngineAnswer, containers: EngineAnswer) -> None:
        """Take what libpod tells; where a proxy denies it, Docker's side of the API has to do."""
        with suppress(InventoryError):
            self._libpod_registries = podman.registries(info.json())
        with suppress(InventoryError):
            self._infra = podman.infra_ids(containers.records(_MAX_RECORDS))

    def details(self, image: Image) -> ImageDetails:
        """Return what an inspect of `image` tells, asked once; raises `InventoryError`."""
        inspect = self._inspect_image(image.id)
        config = records.member(inspect, "Config")
        pulled = image.pulled
        if not image.id_is_config:
            pulled = (
                None if self._negotiate() < _IDENTITY_API else bool(records.member(inspect, "Identity").get("Pull"))
            )
        elif pulled is None and self._is_docker:
            # The parent is of `docker build` and `docker commit`: what is pulled comes without one.
            pulled = True if records.strings(inspect, "RepoDigests") else None
            pulled = False if pulled is None and records.text(inspect, "Parent") else pulled
        return ImageDetails(
            platform=image.platform or records.platform(inspect),
            pulled=pulled,
            layers=records.strings(records.member(inspect, "RootFS"), "Layers"),
            created=records.text(inspect, "Created") or None,
            tagged=records.text(records.member(inspect, "Metadata"), "LastTagTime") or None,
            labels=records.string_map(config, "Labels"),
            settings=settings_of(config),
        )

    def close(self) -> None:
        """End a connection that is a process of its own."""
        self._connection.close()

    def files(self, container_id: str) -> Archive:
        """Return the files of a container, running or stopped; nothing is asked yet."""
        return Archive(self._connection, self._path(f"/containers/{quote(container_id, safe='')}/archive"))

    def images(self) -> Iterable[tuple[Reference, Image]]:
        """Return the images that a registry has, too, as name:tag@digest, a name each; nothing is asked.

        One that has lost its tag to a newer pull goes by the one tag that its repository has on the engine.
        """
        tags: defaultdict[str, set[str]] = defaultdict(set)
        for tag in self._tagged:
            tags[reference.parse(tag).name].add(tag)
        for record in self._records.values():
            own = {str(parsed) for tag in record.tags if (parsed := _parsed(tag))}
            for name, digest in _by_repository(record.known_as):
                known = tags[name] & own or (tags[name] if len(tags[name]) == 1 else ())
                for tag in known:
                    yield replace(reference.parse(tag), digest=digest), self._image(record.id, None)

    def registries(self) -> EngineRegistries:
        """Return mirrors and insecure registries of `/info`; none where it does not tell. Raises `InventoryError`."""
        with self._lock:
            if self._info is None:
                self._negotiate()
                self._read_info(self._connection.get(self._path("/info"), _MAX_ANSWER))
            told = records.registries(self._info)
            # Podman's side for Docker clients has mirrors in another form; of the rest, its proxies count.
            libpod = self._libpod_registries
            return told if libpod is None else replace(libpod, proxies=told.proxies)

    def _negotiate(self) -> tuple[int, int]:
        """Return the API version both ends speak, as new as is of use."""
        with self._lock:
            if self._api is None:
                version = self._connection.get("/version", _MAX_ANSWER).json()
                newest = records.api_version(records.text(version, "ApiVersion"))
                oldest = records.api_version(records.text(version, "MinAPIVersion"))
                if newest == (0, 0):
                    raise InventoryError(f"{self.engine} answers, but is no Docker Engine (/version has no ApiVersion)")
                if newest < _OLDEST_API:
                    raise InventoryError(f"{self.engine} speaks API {newest[0]}.{newest[1]} at most: 1.24 is needed")
                self._is_docker = records.is_docker(version)
                self._is_podman = podman.is_podman(version)
                self._api = max(min(newest, _IDENTITY_API), oldest)
            return self._api

    def _path(self, path: str) -> str:
        major, minor = self._negotiate()
        return f"/v{major}.{minor}{path}"

    def _read_info(self, answer: Any) -> None:
        """Take `/info`; an engine that has none is one without mirrors, but a refusal is worth a word."""
        self._info = {}
        with suppress(InventoryError), self._denied("/info"):
            self._info = answer.json()
        self._containerd = records.uses_containerd_store(self._info)
        self.host = self.host or records.text(self._info, "Name")
        # Podman 4 answers with another one each time.
        self.identity = records.text(self._info, "ID") if self._is_docker else ""

    @contextmanager
    def _denied(self, path: str) -> Iterator[None]:
        """Go on without what a socket proxy denies, and say what that costs: one line for all of it."""
        try:
            yield
        except Refused as error:
            if error.status not in (401, 403):
                raise
            self._refusals[path] = error.status
            denied = [one for one in _COSTS if one in self._refusals]
            words = f"{_denial(self.engine, self._refusals)}: {', '.join(_COSTS[one] for one in denied)} not known"
            self.problems[:] = [one for one in self.problems if one.code != "unauthorized"]
            self.problems.append(Problem(self.engine, "unauthorized", words))

    def _nothing_allowed(self, error: Refused) -> InventoryError:
        """Return what to say of an engine whose containers nobody may list."""
        if error.status not in (401, 403):
            return error
        self._refusals["/containers/json"] = error.status
        return InventoryError(_denial(self.engine, self._refusals))

    def _add_image(self, raw: Any) -> None:
        record = records.image_record(raw)
        if record is None:
            return
        self._records[record.id] = record
        # A containerd store names images by registry digests; one such image tells it of the whole engine.
        self._containerd |= record.id in record.digests
        for tag in record.tags:
            parsed = _parsed(tag)
            if parsed is not None:
                self._tagged[str(parsed)] = record.id

    def _container(self, record: ContainerRecord) -> Container | None:
        """Turn a record into what is asked or shown, with an inspect only if the list does not tell its name.

        None for a container that `--include` does not mean.
        """
        own = self._own_labels(record)
        text, problem = record.image, None
        nameless = self._is_nameless(text, record.image_id)
        candidate = selection.Candidate(
            record.name, record.labels, own, () if nameless else _spellings(text), (self.host, self.engine)
        )
        if not selection.included(candidate, self._settings):
            return None
        excluded = selection.exclusion(candidate, self._settings)
        if excluded is None and nameless:
            text, problem = self._name_of(record)
            nameless = problem is not None
            candidate = replace(candidate, images=_spellings(text))
            if not selection.included(candidate, self._settings):
                return None
            excluded = selection.exclusion(candidate, self._settings)
        subject, skipped = None, None
        if self._is_podman and podman.runs_no_image(record):
            nameless, skipped, problem = True, "runs no image", None
        try:
            parsed = None if nameless else reference.parse(text)
        except InvalidReference as error:
            parsed, problem = None, str(error) if text else "its record names no image"
        if parsed is not None:
            text = str(parsed)
            if not record.image_id:
                problem = "its record has no image id: what runs is not known"
            elif excluded is None:
                subject = self._subject(parsed, self._is_managed(parsed, own), record, selection.wishes(own))
        return Container(
            engine=self.engine,
            id=record.id,
            name=record.name,
            image=sys.intern(text),
            subject=subject,
            problem=None if excluded else problem,
            skipped=skipped,
            excluded=excluded,
            running=record.running,
            created=record.created,
            status=sys.intern(record.status),
            project=_interned(selection.project(record.labels)),
            service=_interned(selection.service(record.labels)),
            display_name=selection.display_name(own),
            labels={sys.intern(key): sys.intern(value) for key, value in own.items()},
            host=self.host,
            program="podman" if self._is_podman else "docker",
        )

    def _is_managed(self, parsed: Reference, own: Mapping[str, str]) -> bool:
        """Whether a Swarm manager wrote the digest beside the tag, which makes it nobody's pin.

        (Docker's documentation, "docker service create": the tag is resolved unless --no-resolve-image is given.)
        """
        service = selection.swarm_service(own)
        if service is None or parsed.tag is None or parsed.digest is None:
            return False
        written = own.get(selection.STACK_IMAGE)
        if written is None and selection.is_of_stack(own):
            written = self._stack_images().get(service)
        return "@" not in (written or "")

    def _stack_images(self) -> Mapping[str, str]:
        """Return what the stacks' files say, by service; only a manager knows, and only it is asked, once."""
        with self._lock:
            if self._written is None:
                self._written = {}
                if records.is_swarm_manager(self._info):
                    with suppress(InventoryError):
                        services = self._connection.get(self._path("/services"), _MAX_ANSWER)
                        self._written = records.stack_images(services.records(_MAX_RECORDS), selection.STACK_IMAGE)
            return self._written

    def _is_nameless(self, text: str, image_id: str) -> bool:
        """Whether `text` is an image id, whole or shortened, and not a name that merely looks like one."""
        if not records.is_bare_id(text, image_id):
            return False
        parsed = _parsed(text)
        return parsed is None or self._tagged.get(str(parsed)) != image_id

    def _name_of(self, record: ContainerRecord) -> tuple[str, str | None]:
        """Return the name of a container listed by image id: what it was started from, else its image's one tag."""
        key = _path_name(record)
        if not key:
            return record.image, "its record has no id to ask for"
        try:
            inspect = self._inspect(f"/containers/{key}/json")
        except InventoryError as error:
            return record.image, f"started by image id, and its name cannot be asked: {error}"
        started_from = records.text(records.member(inspect, "Config"), "Image")
        if started_from and not self._is_nameless(started_from, record.image_id):
            return started_from, None
        image = self._records.get(record.image_id)
        if image is not None and len(image.tags) == 1:
            return image.tags[0], None
        short = record.image.removeprefix("sha256:")[:12]
        return record.image, f"started by image id {short}, its image has no single name"

    def _own_labels(self, record: ContainerRecord) -> Mapping[str, str]:
        """Return the labels that the image did not bring along: none where they cannot be compared."""
        image = self._records.get(record.image_id)
        if image is None:
            return {}
        brought = image.labels
        if brought is None and selection.depends_on_labels(record.labels, self._settings):
            try:
                brought = records.string_map(records.member(self._inspect_image(image.id), "Config"), "Labels")
            except InventoryError:
                return {}
        brought = brought or {}
        return {key: value for key, value in record.labels.items() if brought.get(key) != value}

    def _subject(
        self, parsed: Reference, managed: bool, record: ContainerRecord, wishes: tuple[tuple[str, str], ...]
    ) -> Subject:
        key = (str(parsed), managed, record.image_id, record.manifest_digest, record.running, wishes)
        if key not in self._subjects:
            tag = str(replace(parsed, digest=None)) if parsed.tag is not None else ""
            # What a manager resolved is the next task's image as well, whatever this engine has under the tag.
            tagged = record.image_id if managed else self._tagged.get(tag, record.image_id)
            parsed = replace(parsed, digest=None) if managed else parsed
            renewed = self._image(tagged, self._pulled(tagged, parsed)) if tagged != record.image_id else None
            image = self._image(record.image_id, self._pulled(record.image_id, parsed, renewed), record)
            self._subjects[key] = Subject(parsed, image, renewed, record.running, wishes)
        return self._subjects[key]

    def _pulled(self, image_id: str, parsed: Reference, renewed: Image | None = None) -> bool | None:
        """Whether the lists show that the image was pulled or pushed; False only when they are sure."""
        record = self._records.get(image_id)
        if not self._is_docker:
            return False if parsed.registry == "localhost" else None
        if self._containerd or record is None:
            return None
        names = {origin.name for text, _ in record.known_as if (origin := _parsed(text))}
        if parsed.name in names:
            return True
        if any(_parsed(tag) == replace(parsed, digest=None) for tag in record.tags):
            return False  # a pull or push would have left a digest beside the tag: built here, or named by `docker tag`
        # `docker rmi --force` takes tag and digests away, too, and leaves the tag to nobody.
        return None if record.digests or renewed is None or renewed.digests else False

    def _image(self, image_id: str, pulled: bool | None, container: ContainerRecord | None = None) -> Image:
        manifest_digest = container.manifest_digest if container else None
        key = (image_id, manifest_digest, pulled)
        if key not in self._images:
            record = self._records.get(image_id)
            digests = set(record.digests) if record else set()
            digests |= {image_id} if self._containerd and image_id else set()
            digests |= {manifest_digest} if manifest_digest else set()
            manifest_digest = manifest_digest or (record.digest if record else None)
            self._images[key] = Image(
                engine=self.engine,
                id=image_id,
                digests=frozenset(digests),
                id_is_config=not self._containerd,
                pulled=pulled,
                manifest_digest=manifest_digest,
                platform=container.platform if container else None,
                created=record.created if record else None,
                labels=(record.labels if record else None) or {},
                known_as=_by_repository(record.known_as) if record else (),
            )
        return self._images[key]

    def _needs_inspect(self, record: ContainerRecord) -> bool:
        if self._is_nameless(record.image, record.image_id):
            return True
        image = self._records.get(record.image_id)
        unlabelled = image is not None and image.labels is None
        return unlabelled and selection.depends_on_labels(record.labels, self._settings)

    def _inspect_image(self, image_id: str) -> Any:
        if records.identifier(image_id) is None:
            raise InventoryError(f"{self.engine}: an image without an id cannot be asked for")
        return self._inspect(f"/images/{image_id}/json")

    def _inspect(self, path: str) -> Any:
        """Return the answer to an inspect, asked once; raises the same `InventoryError` each time."""
        with self._lock:
            once = self._inspects.setdefault(path, _Once())
        with once.lock:
            if once.error is None and once.answer is None:
                try:
                    once.answer = self._connection.get(self._path(path), _MAX_ANSWER).json()
                except InventoryError as error:
                    once.error = error
        if once.error is not None:
            raise once.error
        return once.answer


def _denial(engine: str, refusals: Mapping[str, int]) -> str:
    """Return what a proxy denies, and by which settings Tecnativa's and linuxserver's let it pass."""
    paths = ", ".join(refusals)
    statuses = ", ".join(f"HTTP {status}" for status in sorted(set(refusals.values())))
    switches = " ".join(f"{path.split('/')[1].upper()}=1" for path in sorted(refusals))
    it = "it" if len(refusals) == 1 else "them"
    return f"permission denied by {engine}: {statuses} for GET {paths} (a socket proxy must let {it} pass: {switches})"


class _Once:
    """The answer to one question, or the error in its place."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answer: Any = None
        self.error: InventoryError | None = None


def _path_name(record: ContainerRecord) -> str:
    """Return what a container is asked for by, "" for one whose id and name cannot stand in a path."""
    key = record.id if record.id.isalnum() and record.id.isascii() else record.name
    return key if _CONTAINER_PATH_NAME.fullmatch(key) else ""


def _parsed(text: str) -> Reference | None:
    try:
        return reference.parse(text)
    except InvalidReference:
        return None


def _by_repository(known_as: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The same by `Reference.name`: engines leave out what is Docker Hub's."""
    return tuple((parsed.name, digest) for name, digest in known_as if (parsed := _parsed(name)))


def _spellings(text: str) -> tuple[str, ...]:
    """Return an image as written and as normalised, to be selected by either."""
    parsed = _parsed(text)
    return (text,) if parsed is None else (text, str(parsed))


def _interned(text: str | None) -> str | None:
    return None if text is None else sys.intern(text)
