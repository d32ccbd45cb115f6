"""A recorded Podman host (containers of every kind), with libpod and without it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from container_updates.inventory.engine import DockerEngine
from container_updates.model import Container, RegistryRule, Subject
from tests.inventory.conftest import PreparedEngine, ask, by_name
from tests.support import paths

Serve = Callable[..., PreparedEngine]
RECORDED = json.loads((paths.ASSETS / "fleet" / "podman-4.3-api.json").read_text())
IMAGES = {image["Id"]: image for image in RECORDED["images"]}


def podman(**changes: Any) -> dict[str, Any]:
    answers = {
        "/version": RECORDED["version"],
        "/info": RECORDED["info"],
        "/containers/json": RECORDED["containers"],
        "/images/json": RECORDED["images"],
        "/libpod/info": RECORDED["libpod_info"],
        "/libpod/containers/json": RECORDED["libpod_containers"],
    }
    return answers | {f"/{path.replace('_', '/')}": answer for path, answer in changes.items()}


DENIED: dict[str, Any] = {"libpod_info": (403, b"no"), "libpod_containers_json": (404, b"no")}


@pytest.fixture(params=[{}, DENIED], ids=["libpod", "libpod denied"])
def host(request: pytest.FixtureRequest, serve: Serve) -> tuple[PreparedEngine, DockerEngine, dict[str, Container]]:
    answers = podman()
    for path, answer in request.param.items():
        answers["/" + path.replace("_", "/")] = answer
    answers["/libpod/containers/json"] = (404, b"no") if request.param else answers["/libpod/containers/json"]
    served = serve(answers)
    inventory = ask(served)
    return served, inventory, by_name(inventory)


Host = tuple[PreparedEngine, DockerEngine, dict[str, Container]]


def subject(container: Container) -> Subject:
    assert container.subject is not None, container.problem
    return container.subject


def test_infra_containers_of_pods_are_not_counted(host: Host) -> None:
    _, _, found = host
    assert set(found) == {record["Names"][0].strip("/") for record in RECORDED["containers"]} - {"b1d86412f80b-infra"}


@pytest.mark.parametrize("image", ["", "registry.example.com/pause:1"])
def test_infra_container_of_a_newer_podman_or_of_another_image_is_known_by_what_libpod_says(
    serve: Serve, image: str
) -> None:
    answers = podman()
    answers["/containers/json"] = [
        {**record, "Image": image, "ImageID": "sha256:"} if record["Names"] == ["/b1d86412f80b-infra"] else record
        for record in RECORDED["containers"]
    ]
    assert "b1d86412f80b-infra" not in by_name(ask(serve(answers)))


def test_container_that_is_called_like_an_infra_container_counts_where_libpod_says_so(serve: Serve) -> None:
    answers = podman()
    record = {**RECORDED["containers"][0], "Names": ["/0123456789ab-infra"]}
    answers["/containers/json"] = [record]
    assert "0123456789ab-infra" in by_name(ask(serve(answers)))


def test_container_from_a_folder_has_nothing_to_check(host: Host) -> None:
    container = host[2]["rootfs"]
    assert (container.subject, container.problem, container.skipped) == (None, None, "runs no image")


@pytest.mark.parametrize("name", ["again", "again-idx", "untagged", "single", "idx"])
def test_digest_of_what_runs_is_known_also_where_the_names_moved_on(host: Host, name: str) -> None:
    image = subject(host[2][name]).image
    digest = IMAGES[image.id]["Digest"]
    assert digest in image.digests
    assert image.manifest_digest == digest


def test_image_that_was_pulled_again_waits_for_its_container(host: Host) -> None:
    renewed = subject(host[2]["again"]).tag_image
    assert renewed is not None
    assert renewed.id == "sha256:" + "7b1977d475" + IMAGES[renewed.id]["Id"][17:]


def test_local_builds(host: Host) -> None:
    assert subject(host[2]["built-localhost"]).image.pulled is False
    assert subject(host[2]["built-named"]).image.pulled is None


def test_nothing_is_inspected_for_what_podman_cannot_tell(host: Host) -> None:
    served, inventory, found = host
    assert not inventory.tells_origin
    assert len(served.asked) == 6
    assert {container.program for container in found.values()} == {"podman"}


def test_registries_as_registries_conf_has_them(serve: Serve) -> None:
    inventory = ask(serve(podman()))
    inventory.containers()
    registries = inventory.registries()
    assert registries.insecure_hosts == {"127.0.0.1:5260"}
    assert registries.mirrors == {}
    assert set(registries.rules) == {
        RegistryRule("127.0.0.1:5260", "127.0.0.1:5260"),
        RegistryRule("corp.example", "127.0.0.1:5260/corp"),
        RegistryRule("docker.io", "docker.io", ("127.0.0.1:5260/hubmirror",)),
    }


@pytest.mark.parametrize(
    ("changes", "mirrors"),
    [
        ({"MirrorByDigestOnly": True}, ()),
        ({"Mirrors": [{"Location": "m.example", "PullFromMirror": "digest-only"}]}, ()),
        ({"Mirrors": [{"Location": "m.example", "PullFromMirror": "tag-only"}, 7, {}]}, ("m.example",)),
        ({"Mirrors": "x"}, ()),
    ],
)
def test_mirrors_that_are_for_digests_only_are_not_asked_for_tags(
    serve: Serve, changes: dict[str, Any], mirrors: tuple[str, ...]
) -> None:
    registry = {**RECORDED["libpod_info"]["registries"]["docker.io"], **changes}
    answers = podman()
    answers["/libpod/info"] = {"registries": {"docker.io": registry}}
    inventory = ask(serve(answers))
    inventory.containers()
    assert inventory.registries().rules == (RegistryRule("docker.io", "docker.io", mirrors),)


@pytest.mark.parametrize(
    "odd", [[], None, {"registries": []}, {"registries": {"docker.io": 7, "search": ["x"]}}, b"<html>"]
)
def test_odd_words_of_libpod_cost_nothing(serve: Serve, odd: Any) -> None:
    answers = podman()
    answers["/libpod/info"] = answers["/libpod/containers/json"] = odd
    inventory = ask(serve(answers))
    assert "single" in by_name(inventory)
    assert inventory.registries().rules == ()
