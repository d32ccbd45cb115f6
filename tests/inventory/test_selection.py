"""What an admin excludes stays counted, and no image can switch its own check off."""

from collections.abc import Callable
from typing import Any

import pytest

from container_updates.settings import Selector, Settings

from .conftest import PreparedEngine, answers, ask, by_name

Serve = Callable[..., PreparedEngine]
IMAGE = "sha256:" + "a" * 64
DIGEST = "sha256:" + "d" * 64


def engine(labels: dict[str, Any], brought: Any = None, *, known: bool = True, **more: Any) -> dict[str, Any]:
    container = {"Id": "c" * 64, "Names": ["/web"], "Image": "nginx:1.27", "ImageID": IMAGE, "Labels": labels, **more}
    image = {"Id": IMAGE, "RepoTags": ["nginx:1.27"], "RepoDigests": [f"nginx@{DIGEST}"], "Labels": brought}
    return answers([container], [image] if known else [])


def excluded(serve: Serve, prepared: dict[str, Any], settings: Settings | None = None) -> str | None:
    return by_name(ask(serve(prepared), settings))["web"].excluded


def test_excluded_container_is_named_by_its_normalised_image(serve: Serve) -> None:
    found = by_name(ask(serve(engine({"wud.watch": "false"}))))["web"]
    assert (found.image, found.subject, found.problem) == ("docker.io/library/nginx:1.27", None, None)


@pytest.mark.parametrize("key", ["check_container_updates.enable", "dd.watch", "wud.watch", "diun.enable"])
@pytest.mark.parametrize("value", ["false", "False", "FALSE"])
def test_labels_of_tools_that_tell_exclude(serve: Serve, key: str, value: str) -> None:
    assert excluded(serve, engine({key: value})) == f"label {key}=false"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("com.centurylinklabs.watchtower.enable", "false"),
        ("com.centurylinklabs.watchtower.monitor-only", "true"),
        ("wud.watch", "true"),
        ("wud.watch", "0"),
        ("wud.watch.digest", "false"),
        ("WUD.WATCH", "false"),
    ],
)
def test_other_labels_never_exclude(serve: Serve, key: str, value: str) -> None:
    assert excluded(serve, engine({key: value})) is None


def test_of_an_old_and_a_new_label_for_the_same_the_new_one_wins(serve: Serve) -> None:
    assert excluded(serve, engine({"dd.watch": "true", "wud.watch": "false"})) is None
    assert excluded(serve, engine({"dd.watch": "false", "wud.watch": "true"})) == "label dd.watch=false"


def test_name_that_people_know(serve: Serve) -> None:
    both = {"wud.display.name": "Shop", "dd.display.name": "The shop"}
    assert by_name(ask(serve(engine({"wud.display.name": "Shop"}))))["web"].display_name == "Shop"
    assert by_name(ask(serve(engine(both))))["web"].display_name == "The shop"
    assert by_name(ask(serve(engine(both, both))))["web"].display_name is None


def test_label_that_came_with_the_image_switches_nothing_off(serve: Serve) -> None:
    assert excluded(serve, engine({"wud.watch": "false"}, {"wud.watch": "false"})) is None
    assert excluded(serve, engine({"wud.watch": "false"}, {"wud.watch": "true"})) == "label wud.watch=false"


def test_label_of_an_unknown_image_cannot_be_compared(serve: Serve) -> None:
    assert excluded(serve, engine({"wud.watch": "false"}, known=False)) is None


@pytest.mark.parametrize(
    ("inspect", "words"),
    [
        ({"Config": {"Labels": {"wud.watch": "false"}}}, None),
        ({"Config": {"Labels": None}}, "label wud.watch=false"),
        ((500, b""), None),
    ],
)
def test_image_list_without_labels_is_completed_by_an_inspect(serve: Serve, inspect: Any, words: str | None) -> None:
    prepared = engine({"wud.watch": "false"})
    del prepared["/images/json"][0]["Labels"]
    prepared[f"/images/{IMAGE}/json"] = inspect
    assert excluded(serve, prepared) == words


def test_own_labels_are_those_the_image_did_not_bring(serve: Serve) -> None:
    found = by_name(ask(serve(engine({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "other"}))))["web"]
    assert found.labels == {"b": "2", "c": "3"}


COMPOSE = {"com.docker.compose.project": "shop", "com.docker.compose.service": "front", "team": "red"}


@pytest.mark.parametrize(
    ("field", "glob"),
    [
        ("name", "w*"),
        ("image", "nginx:*"),
        ("image", "docker.io/library/nginx:1.2?"),
        ("label", "team"),
        ("label", "team=r*"),
        ("project", "shop"),
        ("service", "f[r]ont"),
    ],
)
def test_every_field_excludes_and_includes_by_glob(serve: Serve, field: str, glob: str) -> None:
    selector = (Selector(field, glob),)
    assert excluded(serve, engine(COMPOSE), Settings(exclude=selector)) == f"--exclude {field}={glob}"
    assert excluded(serve, engine(COMPOSE), Settings(include=selector)) is None


@pytest.mark.parametrize("field", ["name", "image", "label", "project", "service"])
def test_what_does_not_match(serve: Serve, field: str) -> None:
    selector = (Selector(field, "Web"),)
    assert excluded(serve, engine(COMPOSE), Settings(exclude=selector)) is None
    assert by_name(ask(serve(engine(COMPOSE)), Settings(include=selector))) == {}


def test_one_of_several_includes_is_enough_and_exclude_wins(serve: Serve) -> None:
    include = (Selector("name", "nothing"), Selector("project", "shop"))
    assert excluded(serve, engine(COMPOSE), Settings(include=include)) is None
    exclude = (Selector("name", "web"),)
    assert excluded(serve, engine(COMPOSE), Settings(include=include, exclude=exclude)) == "--exclude name=web"


@pytest.mark.parametrize("selector", [Selector("label", "team"), Selector("project", "shop")])
def test_image_can_neither_exclude_nor_uninclude_itself(serve: Serve, selector: Selector) -> None:
    assert excluded(serve, engine(COMPOSE, COMPOSE), Settings(exclude=(selector,))) is None
    assert excluded(serve, engine(COMPOSE, COMPOSE), Settings(include=(selector,))) is None


def test_image_of_a_renamed_container_is_asked_before_it_is_selected(serve: Serve) -> None:
    prepared = engine({}, Image=IMAGE)
    prepared["/images/json"][0]["RepoTags"] = None
    prepared[f"/containers/{'c' * 64}/json"] = {"Config": {"Image": "nginx:1.27"}}
    by_image = (Selector("image", "nginx*"),)
    assert excluded(serve, prepared, Settings(exclude=by_image)) is not None
    assert excluded(serve, prepared, Settings(include=by_image)) is None
    assert by_name(ask(serve(prepared), Settings(include=(Selector("image", "x"),)))) == {}


@pytest.mark.parametrize(
    ("labels", "project", "service"),
    [
        ({"com.docker.compose.project": "p", "com.docker.compose.service": "s"}, "p", "s"),
        ({"io.podman.compose.project": "p", "io.podman.compose.service": "s"}, "p", "s"),
        ({"com.docker.stack.namespace": "p", "com.docker.swarm.service.name": "p_s"}, "p", "p_s"),
        ({}, None, None),
    ],
)
def test_project_and_service(serve: Serve, labels: dict[str, str], project: str | None, service: str | None) -> None:
    found = by_name(ask(serve(engine(labels))))["web"]
    assert (found.project, found.service) == (project, service)


SERVICE = "s012vygp4ropewaw4odhgo2fb"


@pytest.mark.parametrize(
    ("manager", "written", "digest"),
    [
        (True, "nginx:1.27", None),
        (True, f"nginx:1.27@{DIGEST}", DIGEST),
        (True, None, None),
        (False, f"nginx:1.27@{DIGEST}", None),
    ],
    ids=["by tag", "by digest", "unknown to the manager", "not a manager"],
)
def test_digest_of_a_stack_is_a_pin_where_the_manager_knows_it_from_the_stack_s_file(
    serve: Serve, manager: bool, written: str | None, digest: str | None
) -> None:
    labels = {"com.docker.stack.namespace": "demo", "com.docker.swarm.service.id": SERVICE}
    prepared = engine(labels, Image=f"nginx:1.27@{DIGEST}")
    prepared["/info"]["Swarm"] = {"ControlAvailable": manager}
    named = {"com.docker.stack.image": written} if written else {}
    prepared["/services"] = [{"ID": SERVICE, "Spec": {"Labels": named}}, "odd", {"ID": 1}]
    served = serve(prepared)
    subject = by_name(ask(served))["web"].subject
    assert subject is not None
    assert (subject.reference.tag, subject.reference.digest) == ("1.27", digest)
    assert len([path for path in served.paths() if path.endswith("/services")]) == manager


def test_digest_alone_is_a_pin_in_a_swarm_too(serve: Serve) -> None:
    prepared = engine({"com.docker.swarm.service.id": SERVICE}, Image=f"nginx@{DIGEST}")
    subject = by_name(ask(serve(prepared)))["web"].subject
    assert subject is not None
    assert (subject.reference.tag, subject.reference.digest) == (None, DIGEST)


def test_manager_that_does_not_tell_its_services_leaves_the_tag_to_judge_by(serve: Serve) -> None:
    labels = {"com.docker.stack.namespace": "demo", "com.docker.swarm.service.id": SERVICE}
    prepared = engine(labels, Image=f"nginx:1.27@{DIGEST}")
    prepared["/info"]["Swarm"] = {"ControlAvailable": True}
    subject = by_name(ask(serve(prepared)))["web"].subject
    assert subject is not None
    assert subject.reference.digest is None


def test_swarm_task_keeps_tag_and_digest_of_a_registry_with_port(serve: Serve) -> None:
    found = by_name(ask(serve(engine({}, Image=f"reg.example:5000/team/web:1@{DIGEST}"))))["web"]
    assert found.subject is not None
    reference = found.subject.reference
    assert (reference.registry, reference.repository) == ("reg.example:5000", "team/web")
    assert (reference.tag, reference.digest) == ("1", DIGEST)
