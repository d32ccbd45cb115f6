"""A tag is gone only where it was once, and where its registry no longer lists it."""

from dataclasses import replace
from pathlib import Path

import pytest

from container_updates.demo import faults
from container_updates.demo.engine.kinds import CLASSIC, CONTAINERD, PODMAN, Kind
from container_updates.demo.registry.server import RegistryServer
from container_updates.model import State
from tests.support.lab import Lab, lab

OLDER = replace(CONTAINERD, api="1.50")
"""Its image inspect does not say where an image is from."""
KINDS = pytest.mark.parametrize("kind", [CLASSIC, CONTAINERD, OLDER, PODMAN], ids=["classic", "29", "28", "podman"])


def deleted(host: Lab, *, seen: bool = False) -> None:
    """A container whose tag was taken away, after a check had seen it or before the first one."""
    image = host.registry.push_image("app/web", "1")
    host.run("web", image)
    host.registry.push_image("app/web", "2")
    if seen:
        host.check()
        del host.registry.repositories["app/web"].manifests[image.digest]
    host.registry.delete_tag("app/web", "1")


@KINDS
def test_a_tag_whose_image_is_still_there_is_gone(tmp_path: Path, kind: Kind) -> None:
    with lab(tmp_path, kind) as host:
        deleted(host)
        assert host.check().codes == {"web": "tag-gone"}


@KINDS
def test_a_tag_that_an_earlier_run_saw_is_gone_with_its_image(tmp_path: Path, kind: Kind) -> None:
    with lab(tmp_path, kind) as host:
        deleted(host, seen=True)
        assert host.check().codes == {"web": "tag-gone"}


@KINDS
@pytest.mark.parametrize("error", ["MANIFEST_UNKNOWN", "NOT_FOUND"])
def test_a_tag_that_is_listed_is_not_gone_though_a_proxy_answers_404(tmp_path: Path, kind: Kind, error: str) -> None:
    with lab(tmp_path, kind) as host:
        host.run("web", host.registry.push_image("app/web", "1"))
        host.registry.fail(faults.status(404, error), path="/manifests/1$")
        checked = host.check()
        finding = checked.finding("web")
        assert finding.code == "bad-answer"
        assert "but lists the tag" in finding.message
        assert checked.outcome.state is State.UNKNOWN


@pytest.mark.parametrize("page_size", [None, 1])
def test_a_tag_on_a_later_page_is_listed_too(tmp_path: Path, page_size: int | None) -> None:
    with lab(tmp_path) as host:
        for tag in ("1", "2", "3"):
            image = host.registry.push_image("app/web", tag)
        host.run("web", image)
        host.registry.page_size = page_size
        host.registry.fail(faults.status(404, "MANIFEST_UNKNOWN"), path="/manifests/3$")
        assert host.check().codes == {"web": "bad-answer"}


@pytest.mark.parametrize("status", [401, 403, 500])
def test_where_tags_cannot_be_listed_nobody_knows(tmp_path: Path, status: int) -> None:
    with lab(tmp_path) as host:
        deleted(host)
        host.registry.fail(faults.status(status), path="/tags/list")
        checked = host.check()
        assert checked.finding("web").code == "bad-answer"
        assert "its tags cannot be listed" in checked.finding("web").message


@pytest.mark.parametrize("kind", [OLDER, PODMAN], ids=["28", "podman"])
def test_a_build_of_one_s_own_beside_published_tags_was_never_there(tmp_path: Path, kind: Kind) -> None:
    """The engine cannot tell that it was never pulled."""
    with lab(tmp_path, kind) as host:
        host.registry.push_image("app/web", "1")
        own = f"{host.registry.host}/app/web:dev"
        host.engine.build(own)
        host.engine.run("web", own)
        checked = host.check()
        assert checked.finding("web").code == "unresolvable"
        assert "never seen there: built here?" in checked.finding("web").message
        assert checked.outcome.state is State.UNKNOWN


def test_a_mirror_that_lists_what_it_has_cached_does_not_make_a_tag_gone(tmp_path: Path) -> None:
    with lab(tmp_path) as host, RegistryServer() as mirror:
        host.run("web", host.registry.push_image("app/web", "1"))
        mirror.push_image("app/web", "another")
        host.registry.fail(faults.status(404, "MANIFEST_UNKNOWN"), path="/manifests/1$")
        checked = host.check(mirrors={host.registry.host: (mirror.url,)})
        assert checked.codes == {"web": "bad-answer"}


def test_a_pinned_container_is_not_told_that_a_listed_tag_is_gone(tmp_path: Path) -> None:
    with lab(tmp_path) as host:
        image = host.registry.push_image("app/web", "1")
        both = f"{image.reference}@{image.digest}"
        host.engine.pull(image, both)
        host.engine.run("web", both)
        host.registry.fail(faults.status(404, "MANIFEST_UNKNOWN"), path="/manifests/1$")
        assert "where its tag is now is not known" in host.check().finding("web").message
        host.registry.delete_tag("app/web", "1")
        assert host.check().finding("web").message.endswith("pinned, its tag is gone")
