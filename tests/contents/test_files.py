"""A container's files belong to whoever runs it: none of them may cost memory, time or another container's result."""

from collections.abc import Iterator, Mapping

import pytest

from container_updates.clock import Clock, Deadline
from container_updates.contents.errors import Unsupported
from container_updates.contents.files import Files
from container_updates.demo import faults
from container_updates.demo.engine.filesystem import Filesystem, Special
from container_updates.demo.engine.server import EngineServer
from container_updates.errors import InventoryError
from container_updates.inventory.archive import Refused
from container_updates.inventory.engine import DockerEngine
from container_updates.settings import Settings

MiB = 1024 * 1024


@pytest.fixture
def engine() -> Iterator[EngineServer]:
    with EngineServer() as server:
        server.build("app:1")
        server.run("app", "app:1")
        yield server


def files_of(engine: EngineServer, files: Mapping[str, bytes | Special] = {}) -> Files:
    engine.fill("app", files)
    inventory = DockerEngine(engine.host, settings=Settings(), deadline=Deadline(10, Clock()))
    return Files(inventory.files("app"))


def test_a_file_is_read_whole(engine: EngineServer) -> None:
    assert files_of(engine, {"/etc/os-release": b"ID=debian\n"}).read("/etc/os-release", MiB) == b"ID=debian\n"


def test_what_is_not_there_is_none(engine: EngineServer) -> None:
    files = files_of(engine, {"/etc/passwd": b""})
    assert files.read("/etc/os-release", MiB) is None
    assert files.tree("/etc/apt", MiB) is None


def test_links_lead_to_other_files_of_the_container(engine: EngineServer) -> None:
    files = files_of(
        engine,
        {
            "/etc/os-release": Special("link", "../usr/lib/os-release"),
            "/usr/lib/os-release": Special("link", "/opt/release"),
            "/opt/release": b"ID=alpine\n",
            "/lib": Special("link", "usr/lib"),
        },
    )
    assert files.read("/etc/os-release", MiB) == b"ID=alpine\n"
    assert files.read("/lib/os-release", MiB) == b"ID=alpine\n"


@pytest.mark.parametrize("target", ["/a", "/b"])
def test_links_in_a_circle_end(engine: EngineServer, target: str) -> None:
    files = files_of(engine, {"/a": Special("link", "/b"), "/b": Special("link", target)})
    with pytest.raises(Unsupported, match="links"):
        files.read("/a", MiB)


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_not_even_asked_for(engine: EngineServer, kind: str) -> None:
    files = files_of(engine, {"/var/lib/dpkg/status": Special(kind)})  # type: ignore[arg-type]
    with pytest.raises(Unsupported, match="is no file"):
        files.read("/var/lib/dpkg/status", MiB)
    assert not engine.requests(method="GET", path="/archive")


def test_a_sparse_file_of_20_gb_is_not_even_asked_for(engine: EngineServer) -> None:
    files = files_of(engine, {"/var/lib/dpkg/status": Special("file", size=20_000 * MiB)})
    with pytest.raises(Unsupported, match="larger than 1 MiB"):
        files.read("/var/lib/dpkg/status", MiB)
    assert not engine.requests(method="GET", path="/archive")


def test_a_folder_with_an_endless_file_is_left_at_the_limit(engine: EngineServer) -> None:
    files = files_of(engine, {"/etc/apt/a": b"a", "/etc/apt/endless": Special("file", size=4000 * MiB)})
    with pytest.raises(Unsupported, match="larger than 1 MiB"):
        files.tree("/etc/apt", MiB)


def test_a_folder_with_very_many_entries_is_left(engine: EngineServer) -> None:
    files = files_of(engine, {f"/etc/apt/{number}": b"" for number in range(20_100)})
    with pytest.raises(Unsupported, match="entries"):
        files.tree("/etc/apt", 32 * MiB)


def test_a_folder_gives_its_files_and_links_but_no_pipes(engine: EngineServer) -> None:
    files = files_of(
        engine,
        {
            "/etc/apt/sources.list": b"deb",
            "/etc/apt/sources.list.d/x.sources": b"Types",
            "/etc/apt/trusted.gpg.d/k.gpg": Special("link", "/usr/share/keyrings/k.gpg"),
            "/etc/apt/pipe": Special("pipe"),
        },
    )
    tree = files.tree("/etc/apt", MiB)
    assert tree is not None
    assert tree.files == {"sources.list": b"deb", "sources.list.d/x.sources": b"Types"}
    assert tree.links == {"trusted.gpg.d/k.gpg": "/usr/share/keyrings/k.gpg"}


def test_a_file_that_grows_while_it_is_read_is_read_again(engine: EngineServer) -> None:
    files = files_of(engine, {"/status": b"new content"})
    before = Filesystem({"/status": b"old"}, 1).head("/status")
    assert before is not None
    engine.fail(faults.once(lambda request, answer: before), method="HEAD", path="/archive")
    assert files.read("/status", MiB) == b"new content"


def test_a_proxy_that_does_not_let_anybody_look_inside_is_named(engine: EngineServer) -> None:
    files = files_of(engine, {"/etc/os-release": b""})
    engine.fail(faults.status(403), path="/archive")
    with pytest.raises(Refused, match="socket proxy"):
        files.read("/etc/os-release", MiB)


def test_an_engine_that_breaks_off_is_no_empty_container(engine: EngineServer) -> None:
    files = files_of(engine, {"/etc/os-release": b""})
    engine.fail(faults.status(500), path="/archive")
    with pytest.raises(InventoryError, match="HTTP 500"):
        files.read("/etc/os-release", MiB)
