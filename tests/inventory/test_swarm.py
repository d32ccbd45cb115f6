"""A recorded swarm of one node: services created by hand and by a stack, pinned, scaled to 0, half rolled out."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from container_updates.clock import Clock, Deadline
from container_updates.errors import InventoryError
from container_updates.inventory.swarm import SwarmServices
from container_updates.model import Container, Platform, Subject
from container_updates.settings import Selector, Settings
from tests.inventory.conftest import PreparedEngine, ask, by_name
from tests.support import paths

Serve = Callable[..., PreparedEngine]
RECORDED = json.loads((paths.ASSETS / "fleet" / "swarm-20.10.json").read_text())
STATUS = {one["ID"]: one["ServiceStatus"] for one in RECORDED["services_status"]}
SPECS = {one["Spec"]["Name"]: one["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] for one in RECORDED["services"]}
OLDER = "sha256:677b73d7e55f78ef5c2350d39714e0055cabc40fa5006e361d6ff76e0fce56fa"


def recorded() -> dict[str, Any]:
    services = [{**one, "ServiceStatus": STATUS[one["ID"]]} for one in deepcopy(RECORDED["services"])]
    return {
        "/version": {"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Components": [{"Name": "Engine"}]},
        "/info": {"Name": "node1", "Driver": "overlay2", "RegistryConfig": {}, **RECORDED["info"]},
        "/services": services,
        "/tasks": deepcopy(RECORDED["tasks"]),
        "/nodes": RECORDED["nodes"],
        "/containers/json": RECORDED["containers"],
        "/images/json": RECORDED["images"],
    }


def services(engine: PreparedEngine, **changes: Any) -> dict[str, Container]:
    settings = Settings(**changes)
    inventory = SwarmServices(engine.url, settings=settings, deadline=Deadline(20, Clock()), patience=20)
    return {container.name: container for container in inventory.containers()}


def subject(container: Container) -> Subject:
    assert container.subject is not None, container.problem
    return container.subject


def digest(name: str) -> str:
    return SPECS[name].partition("@")[2]


def test_a_service_is_one_row_with_its_running_tasks(serve: Serve) -> None:
    found = services(serve(recorded()))
    assert set(found) == set(SPECS)
    assert found["old"].members == ("old.1", "old.2")
    assert found["old"].status == "2 of 2 tasks run"
    assert found["elsewhere"].members == ()
    assert found["demo_web"].project == "demo"
    assert {container.host for container in found.values()} == {"node1"}


@pytest.mark.parametrize("name", ["pin", "glob", "shop_web", "old", "cur", "idx", "demo_web", "zero", "elsewhere"])
def test_the_manager_s_own_digest_is_no_pin_and_tells_what_runs(serve: Serve, name: str) -> None:
    found = subject(services(serve(recorded()))[name])
    assert str(found.reference) == SPECS[name].partition("@")[0]
    assert found.image.digests == {digest(name)}
    assert found.image.platform == Platform("linux", "amd64")
    assert found.tag_image is None


@pytest.mark.parametrize(("name", "tag"), [("demo_pinned", "1"), ("pinonly", None)])
def test_what_the_stack_s_file_pins_and_a_digest_alone_are_pins(serve: Serve, name: str, tag: str | None) -> None:
    reference = subject(services(serve(recorded()))[name]).reference
    assert (reference.tag, reference.digest) == (tag, digest(name))


def test_a_service_scaled_to_nothing_is_judged_by_its_spec(serve: Serve) -> None:
    container = services(serve(recorded()))["zero"]
    assert not container.running
    assert subject(container).image.digests == {digest("zero")}


@pytest.mark.parametrize("name", ["wud.watch", "diun.enable"])
def test_labels_of_the_service_and_of_its_containers_exclude(serve: Serve, name: str) -> None:
    answers = recorded()
    if name == "diun.enable":  # only the container says so
        labelled = next(one for one in answers["/services"] if one["Spec"]["Name"] == "demo_labelled")
        labelled["Spec"]["Labels"] = {}
        labelled["Spec"]["TaskTemplate"]["ContainerSpec"]["Labels"] = {"diun.enable": "false"}
    assert services(serve(answers))["demo_labelled"].excluded == f"label {name}=false"


def test_a_service_half_rolled_out_says_how_many_tasks_wait(serve: Serve) -> None:
    answers = recorded()
    for task in answers["/tasks"]:
        if task["Slot" if "Slot" in task else "ID"] == 2 and task["DesiredState"] == "running":
            task["Spec"]["ContainerSpec"]["Image"] = f"127.0.0.1:5260/sw/old:1@{OLDER}"
    found = subject(services(serve(answers))["old"])
    assert found.image.digests == {OLDER}
    assert found.tag_image is not None
    assert found.tag_image.digests == {digest("old")}
    assert found.pending == "1 of 2 tasks still run sha256:677b73d7e55f, the service sha256:7a3e01bbd5bc"


def test_old_tasks_are_history(serve: Serve) -> None:
    """Two tasks of `old` that were shut down still stand in the list, with the older image."""
    assert subject(services(serve(recorded()))["old"]).pending == ""


def test_an_image_that_was_not_resolved_is_known_by_the_manager_s_own_containers(serve: Serve) -> None:
    found = subject(services(serve(recorded()))["nores"])
    assert str(found.reference) == "127.0.0.1:5260/sw/nores:1"
    assert "sha256:c4618ce8b0253d61b9f7a053f23414e99239f2f5aa98af9525586769dedd3a32" in found.image.digests


def test_an_image_that_was_not_resolved_and_runs_elsewhere_says_where_to_look(serve: Serve) -> None:
    container = services(serve({**recorded(), "/containers/json": []}))["nores"]
    assert container.subject is None
    assert container.problem == ("its image has no digest (--no-resolve-image): check the engines where its tasks run")


def test_services_are_selected_by_name_service_and_project(serve: Serve) -> None:
    engine = serve(recorded())
    assert set(services(engine, include=(Selector("service", "shop_web"),))) == {"shop_web"}
    assert set(services(engine, include=(Selector("project", "demo"),))) == {"demo_web", "demo_pinned", "demo_labelled"}


@pytest.mark.parametrize("status", [503, 406])
@pytest.mark.parametrize("info", [True, False])
def test_an_engine_that_is_no_manager_is_told_in_one_line(serve: Serve, status: int, info: bool) -> None:
    answers = recorded()
    answers["/services"] = (status, {"message": "This node is not a swarm manager."})
    answers["/info"] = {"Swarm": {"LocalNodeState": "inactive", "ControlAvailable": False}} if info else (403, b"")
    with pytest.raises(InventoryError, match=r"is no manager of a swarm: --inventory swarm wants one as --host"):
        services(serve(answers))


@pytest.mark.parametrize(
    "odd", [{}, 7, {"Spec": 7}, {"Spec": {"Name": "odd"}}, {"Spec": {"Name": "odd", "Labels": []}}]
)
def test_an_odd_record_costs_only_itself(serve: Serve, odd: Any) -> None:
    answers = recorded()
    answers["/services"].append(odd)
    answers["/tasks"] += [odd, {"DesiredState": "running", "Status": {"State": "running"}}]
    answers["/nodes"] = [odd, *RECORDED["nodes"]]
    found = services(serve(answers))
    assert set(SPECS) <= set(found)
    assert "odd" not in found or found["odd"].problem == "its record names no image"


def test_tasks_on_any_engine_are_named_by_their_service(serve: Serve) -> None:
    names = set(by_name(ask(serve(recorded()))))
    assert {"old.1", "old.2", "glob", "demo_web.1", "shop-app-1"} <= names
