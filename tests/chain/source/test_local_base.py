"""A build of this host is local for ever, and what it was built upon moves on all the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from container_updates.demo.engine.kinds import CLASSIC, CONTAINERD
from container_updates.demo.registry.content import PushedImage
from tests.support.lab import Checked, Lab, lab

OCI = "org.opencontainers.image."
BOTH = ("updates", "source")
NEW = "2026-11-20T00:00:00Z"


@pytest.fixture(params=[CLASSIC, CONTAINERD], ids=["classic", "containerd"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path, request.param) as started:
        yield started


def codes(checked: Checked) -> list[str]:
    return [one.code for check in BOTH for one in checked.findings("own", check)]


def build(host: Lab, *, upon: PushedImage | None = None, labels: dict[str, str] | None = None) -> None:
    base = host.engine.pull(upon) if upon else None
    host.engine.build("own:1", labels=labels, base=base)
    host.engine.run("own", "own:1")


def named(base: PushedImage, digest: str | None = None) -> dict[str, str]:
    return {f"{OCI}base.name": base.reference, f"{OCI}base.digest": digest or base.digest}


def test_a_base_that_the_engine_has_and_that_has_moved_on_is_told(host: Lab) -> None:
    base = host.registry.push_image("base/os", "12", layers=[b"os"])
    build(host, upon=base)
    assert codes(host.check(checks=BOTH)) == ["local-build", "local-build"]
    today = host.registry.push_image("base/os", "12", layers=[b"os, mended"], created=NEW)
    checked = host.check(checks=BOTH)
    assert codes(checked) == ["local-build", "local-build", "base-outdated"]
    found = checked.findings("own", "source")[1]
    assert (found.details["base"], found.details["published_digest"]) == (base.reference, today.digest)
    assert checked.metric("base_outdated") == 1
    assert not host.registry.requests(path="/own/")


def test_since_when_a_base_is_outdated_is_remembered(host: Lab) -> None:
    base = host.registry.push_image("base/os", "12", layers=[b"os"])
    build(host, upon=base)
    host.registry.push_image("base/os", "12", layers=[b"os, mended"], created=NEW)
    host.check(checks=BOTH)
    host.time += 3 * 86400
    found = host.check(checks=BOTH).findings("own", "source")[1]
    assert (found.details["age"], found.details["since_from"]) == (3 * 86400, "first-seen")
    assert found.message.endswith(" since 3d (first seen)")


def test_a_base_that_was_pulled_anew_and_not_built_upon_again_is_told(host: Lab) -> None:
    """Its tag is another image's by now: the repository and the layers still say what it was."""
    build(host, upon=host.registry.push_image("base/os", "12", layers=[b"os"]))
    host.engine.pull(host.registry.push_image("base/os", "12", layers=[b"os, mended"], created=NEW))
    expected = ["base-outdated"] if host.engine.kind.store == "classic" else []  # the other store forgets the old name
    assert codes(host.check(checks=BOTH)) == ["local-build", "local-build", *expected]


def test_the_image_with_the_most_layers_in_common_is_the_base(host: Lab) -> None:
    host.engine.pull(host.registry.push_image("base/os", "12", layers=[b"os"]))
    build(host, upon=host.registry.push_image("base/python", "3", layers=[b"os", b"python"]))
    host.registry.push_image("base/os", "12", layers=[b"os, mended"], created=NEW)
    assert codes(host.check(checks=BOTH)) == ["local-build", "local-build"]
    host.registry.push_image("base/python", "3", layers=[b"os, mended", b"python"], created=NEW)
    assert codes(host.check(checks=BOTH)) == ["local-build", "local-build", "base-outdated"]


def test_a_base_of_two_names_has_moved_on_when_both_have(host: Lab) -> None:
    base = host.registry.push_image("base/os", "12", layers=[b"os"])
    host.registry.retag("base/os", "latest", base.digest)
    build(host, upon=base)
    host.engine.pull(base, f"{host.registry.host}/base/os:latest")
    host.registry.push_image("base/os", "latest", layers=[b"os 13"], created=NEW)
    assert codes(host.check(checks=BOTH)) == ["local-build", "local-build"]
    host.registry.push_image("base/os", "12", layers=[b"os, mended"], created=NEW)
    assert codes(host.check(checks=BOTH)) == ["local-build", "local-build", "base-outdated"]


def test_labels_of_the_build_name_its_base(host: Lab) -> None:
    base = host.registry.push_image("base/os", "12")
    host.engine.pull(host.registry.push_image("other/app", "1"))  # the engine's admin knows this registry
    build(host, labels=named(base))
    assert codes(host.check(checks=BOTH)) == ["local-build", "local-build"]
    host.registry.push_image("base/os", "12", created=NEW)
    assert codes(host.check(checks=BOTH)) == ["local-build", "local-build", "base-outdated"]


def test_labels_that_came_with_the_base_name_the_base_s_own_base(host: Lab) -> None:
    below = host.registry.push_image("base/os", "12", layers=[b"os"])
    base = host.registry.push_image("base/python", "3", layers=[b"os", b"python"], labels=named(below))
    build(host, upon=base, labels=named(below))
    host.registry.push_image("base/os", "12", layers=[b"os, mended"], created=NEW)
    assert codes(host.check(checks=BOTH)) == ["local-build", "local-build"]


def test_labels_of_a_build_lead_to_no_place_that_only_this_machine_reaches(host: Lab) -> None:
    build(host, labels=named(host.registry.push_image("base/os", "12")))
    host.registry.push_image("base/os", "12", created=NEW)
    assert codes(host.check(checks=BOTH)) == ["local-build", "local-build"]
    assert host.registry.requests() == []


def test_a_base_whose_tag_is_gone_is_told(host: Lab) -> None:
    base = host.registry.push_image("base/os", "12", layers=[b"os"])
    build(host, upon=base)
    host.registry.delete_tag("base/os", "12")
    assert codes(host.check(checks=BOTH)) == ["local-build", "local-build", "base-outdated"]
