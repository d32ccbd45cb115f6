"""Every recorded scenario of three real engines: what runs, under which name, and by which digests it is known."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from container_updates.inventory.engine import DockerEngine
from container_updates.model import Container, ImageDetails, Platform, Subject

from .conftest import PreparedEngine, ask, by_name, recorded

CLASSIC, CONTAINERD, PODMAN = "docker-20.10-classic-store", "docker-29-containerd-store", "podman-4.3"
SERVER = "127.0.0.1:5101/rec"


@pytest.fixture
def engine(serve: Callable[..., PreparedEngine]) -> Callable[[str], tuple[DockerEngine, dict[str, Container]]]:
    def start(name: str) -> tuple[DockerEngine, dict[str, Container]]:
        inventory = ask(serve(recorded(name)))
        return inventory, by_name(inventory)

    return start


@pytest.fixture
def published() -> Callable[[str, str], str]:
    import json

    from .conftest import ASSETS

    return lambda name, key: json.loads((ASSETS / f"{name}.json").read_text())["published"][key]


def subject(container: Container) -> Subject:
    assert container.subject is not None, container.problem
    return container.subject


Start = Callable[[str], tuple[DockerEngine, dict[str, Container]]]
Published = Callable[[str, str], str]


@pytest.mark.parametrize(
    ("name", "container", "image", "digests", "pulled"),
    [
        (CLASSIC, "single", "single:t", {"single"}, True),
        (CLASSIC, "multi", "multi:t", {"multi"}, True),
        (CLASSIC, "copy", "copy:t", {"single"}, True),
        (CLASSIC, "moved", "moved:t", {"moved-old"}, True),
        (CONTAINERD, "single", "single:t", {"single"}, None),
        (CONTAINERD, "multi", "multi:t", {"multi", "multi-amd64"}, None),
        (CONTAINERD, "copy", "copy:t", {"single"}, None),
        (CONTAINERD, "moved", "moved:t", {"moved-old"}, None),
        (PODMAN, "single", "psingle:t", {"single"}, None),
        (PODMAN, "multi", "pmulti:t", {"multi", "amd64"}, None),
        (PODMAN, "moved", "pmoved:t", set(), None),
    ],
)
def test_running_digests(
    engine: Start, published: Published, name: str, container: str, image: str, digests: set[str], pulled: bool | None
) -> None:
    inventory, containers = engine(name)
    found = subject(containers[container])
    assert containers[container].image == str(found.reference) == f"{SERVER}/{image}"
    assert found.image.digests == {published(name, key) for key in digests}
    assert found.image.pulled is pulled
    assert found.image.engine == inventory.engine


@pytest.mark.parametrize("name", [CLASSIC, CONTAINERD])
def test_pinned_keeps_tag_and_digest(engine: Start, published: Published, name: str) -> None:
    containers = engine(name)[1]
    digest = published(name, "single")
    pinned, digest_only = subject(containers["pinned"]).reference, subject(containers["digestonly"]).reference
    assert (pinned.tag, pinned.digest) == ("t", digest)
    assert (digest_only.tag, digest_only.digest) == (None, digest)


def test_podman_pinned_by_digest(engine: Start, published: Published) -> None:
    reference = subject(engine(PODMAN)[1]["pinned"]).reference
    assert (reference.tag, reference.digest) == (None, published(PODMAN, "single"))


@pytest.mark.parametrize("name", [CLASSIC, CONTAINERD])
def test_started_by_image_id_of_two_names_is_unresolvable(engine: Start, name: str) -> None:
    container = engine(name)[1]["byid"]
    assert container.subject is None
    assert container.excluded is None
    assert container.problem is not None
    assert "started by image id" in container.problem
    assert "no single name" in container.problem
    assert container.image.startswith("sha256:")


@pytest.mark.parametrize(
    ("name", "image", "pulled"), [(CLASSIC, "local/built:1", False), (CONTAINERD, "local/built:1", None)]
)
def test_local_build(engine: Start, name: str, image: str, pulled: bool | None) -> None:
    inventory, containers = engine(name)
    found = subject(containers["local"])
    assert str(found.reference) == f"docker.io/{image}"
    assert found.image.pulled is pulled
    assert inventory.details(found.image).pulled is False


def test_local_build_of_podman(engine: Start) -> None:
    found = subject(engine(PODMAN)[1]["local"])
    assert str(found.reference) == "localhost/built:1"
    assert found.image.pulled is False


@pytest.mark.parametrize(("name", "image"), [(CLASSIC, "moved"), (CONTAINERD, "moved"), (PODMAN, "pmoved")])
def test_old_container_knows_what_its_tag_holds_now(engine: Start, published: Published, name: str, image: str) -> None:
    found = subject(engine(name)[1]["moved"])
    assert found.tag_image is not None
    assert found.tag_image.id != found.image.id
    assert found.tag_image.digests == {published(name, "moved-new")}
    assert found.image.digests.isdisjoint(found.tag_image.digests)
    assert subject(engine(name)[1]["single"]).tag_image is None


@pytest.mark.parametrize(("name", "is_config"), [(CLASSIC, True), (CONTAINERD, False), (PODMAN, True)])
def test_what_an_image_id_is(engine: Start, name: str, is_config: bool) -> None:
    found = subject(engine(name)[1]["single"]).image
    assert found.id_is_config is is_config
    assert (found.id in found.digests) is not is_config


def test_containerd_store_tells_platform_and_its_manifest(engine: Start, published: Published) -> None:
    found = subject(engine(CONTAINERD)[1]["multi"]).image
    assert found.platform == Platform("linux", "amd64")
    assert found.manifest_digest == published(CONTAINERD, "multi-amd64")


def test_details_are_asked_once_an_image(serve: Callable[..., PreparedEngine]) -> None:
    served = serve(recorded(CLASSIC))
    inventory = ask(served)
    containers = by_name(inventory)
    image, same = subject(containers["single"]).image, subject(containers["copy"]).image
    expected = ImageDetails(Platform("linux", "amd64"), True, (), "2026-11-01T00:00:00Z")
    assert inventory.details(image) == inventory.details(same)
    assert replace(inventory.details(image), settings="") == expected
    assert served.paths().count(f"/v1.41/images/{image.id}/json") == 1


@pytest.mark.parametrize(("name", "inspects"), [(CLASSIC, 2), (CONTAINERD, 2), (PODMAN, 0)])
def test_only_what_the_lists_do_not_tell_is_asked(
    serve: Callable[..., PreparedEngine], name: str, inspects: int
) -> None:
    served = serve(recorded(name))
    inventory = ask(served)
    list(inventory.containers())
    inventory.registries()
    assert {method for method, _ in served.asked} == {"GET"}
    assert len(served.asked) == 4 + inspects
    assert len(inventory.requests) == len(served.asked)
    assert inventory.problems == []


def test_containers_of_one_image_are_one_subject(serve: Callable[..., PreparedEngine]) -> None:
    prepared: Any = recorded(CLASSIC)
    single = next(one for one in prepared["/containers/json"] if one["Names"] == ["/single"])
    prepared["/containers/json"] = [{**single, "Names": [f"/web{n}"], "Id": f"{n:064x}"} for n in range(50)]
    containers = list(ask(serve(prepared)).containers())
    assert len(containers) == 50
    assert len({id(container.subject) for container in containers}) == 1
