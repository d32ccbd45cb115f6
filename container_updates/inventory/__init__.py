"""What runs: a file for each kind of engine."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from container_updates.inventory.archive import Archive
from container_updates.model import Container, EngineRegistries, Image, ImageDetails, Problem, RequestRecord
from container_updates.reference import Reference


class Inventory(Protocol):
    """Anything that can say what runs."""

    engine: str
    """URL of the engine, as an admin knows it, without a password."""
    key: str
    """What its images call it (`Image.engine`)."""
    host: str
    """What its containers are said to run on: its alias, else what it calls itself; "" where it does not tell."""
    identity: str
    """What it says that it is (`/info` ID), "" for nothing to go by."""
    container_ids: set[str]
    """Ids of all containers that it listed, also of those that `--include` does not mean."""
    requests: list[RequestRecord]
    """Every request made so far."""
    problems: list[Problem]
    """What is wrong with the engine without stopping the check."""

    @property
    def tells_origin(self) -> bool:
        """Whether `details` can tell a pulled image from a local build."""
        ...

    def containers(self) -> Iterable[Container]:
        """Return every container that `--include` means, the excluded ones marked; raises `InventoryError`."""
        ...

    def close(self) -> None:
        """End what reading it started."""
        ...

    def details(self, image: Image) -> ImageDetails:
        """Return what only an inspect of `image` tells, asked once an image; raises `InventoryError`."""
        ...

    def registries(self) -> EngineRegistries:
        """Return what the engine is told about registries; raises `InventoryError`."""
        ...


@runtime_checkable
class WithFiles(Protocol):
    """An inventory that can also look into containers."""

    def files(self, container_id: str) -> Archive:
        """Return the files of a container, running or stopped; nothing is asked yet."""
        ...


@runtime_checkable
class WithImages(Protocol):
    """An inventory of an engine that keeps images, also those that nothing runs of."""

    def images(self) -> Iterable[tuple[Reference, Image]]:
        """Return the images that a registry has, too, as name:tag@digest, a name each; nothing is asked."""
        ...
