"""What `latest` or `1.27` really is: told by a label of what runs, or by a more exact tag of the same image."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from container_updates.demo import faults
from container_updates.model import Finding
from tests.support.lab import Lab, lab

LABEL = "org.opencontainers.image.version"
REF_NAME = "org.opencontainers.image.ref.name"
BASE = "org.opencontainers.image.base.name"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


def publish(host: Lab, *tags: str, day: int = 1) -> None:
    """One image under all of these tags."""
    image = host.registry.push_image("app/web", tags[0], created=f"2026-11-{day:02}T00:00:00Z")
    for tag in tags[1:]:
        host.registry.retag("app/web", tag, image.digest)


def told(host: Lab) -> Finding:
    return host.check(checks=("versions",)).finding("web", "versions")


@pytest.mark.parametrize(
    ("running", "others", "really"),
    [
        ("latest", ("1.29.1", "1.29", "1"), "1.29.1"),
        ("latest", ("v3.5.1", "v3.5", "v3"), "v3.5.1"),
        ("latest", ("1.29.1-alpine", "alpine"), None),
        ("1.27", ("1.27.3", "1"), "1.27.3"),
        ("1", ("1.27", "1.27.3"), "1.27.3"),
        ("1.27-alpine", ("1.27.3-alpine", "1.27.3-alpine3.20"), "1.27.3-alpine"),
        ("v2", ("v2.11.2", "2.11.3"), "v2.11.2"),
        ("1.27.3", ("1.27", "latest"), None),
        ("stable", ("1.26.3",), "1.26.3"),
        ("lts", ("2.440.1", "2.440"), "2.440.1"),
        ("alpine", ("1.29.1-alpine", "1.29.1"), "1.29.1-alpine"),
        ("stable-alpine", ("1.28.0-alpine",), "1.28.0-alpine"),
        ("latest", ("20240501",), "20240501"),
        ("latest", ("2024-05-01",), "2024-05-01"),
        ("latest", ("RELEASE.2024-05-01T01-11-10Z",), "RELEASE.2024-05-01T01-11-10Z"),
        ("latest", ("1.2.3-ls45",), "1.2.3-ls45"),
        ("sha-1a2b3c4", ("1.2.3",), None),
        ("alpine", ("1.29.1",), None),
    ],
)
def test_another_tag_of_the_same_image_tells(
    host: Lab, running: str, others: tuple[str, ...], really: str | None
) -> None:
    image = host.registry.push_image("app/web", running)
    for tag in others:
        host.registry.retag("app/web", tag, image.digest)
    host.run("web", image)
    finding = told(host)
    assert finding.details.get("version") == really
    name = f"{host.registry.host}/app/web:{running}"
    assert finding.message.startswith(f"{name} ({really}) " if really else f"{name} ")


def test_what_runs_counts_and_not_what_the_tag_means_today(host: Lab) -> None:
    old = host.registry.push_image("app/web", "1.27", created="2026-10-01T00:00:00Z")
    host.registry.retag("app/web", "1.27.3", old.digest)
    host.run("web", old)
    publish(host, "1.27.4", "1.27", day=2)
    publish(host, "1.28", day=3)
    finding = told(host)
    assert finding.message == f"{old.reference} (1.27.3) newer version 1.28 (minor)"


@pytest.mark.parametrize(
    ("tag", "labels", "listed", "really"),
    [
        ("latest", {LABEL: "1.27.3"}, ("1.27.3",), "1.27.3"),
        ("latest", {LABEL: "1.27.3"}, ("v1.27.3",), "1.27.3"),
        ("latest", {LABEL: "22.04"}, ("1.27.3",), None),
        ("1.27", {LABEL: "1.27.5"}, (), "1.27.5"),
        ("1.27", {LABEL: "22.04"}, (), None),
        ("1.27", {LABEL: "1.27"}, (), None),
        ("3.13-management", {LABEL: "22.04", REF_NAME: "ubuntu"}, (), None),
        ("latest", {LABEL: "22.04", REF_NAME: "ubuntu"}, ("22.04",), None),
        ("22", {LABEL: "22.04", REF_NAME: "ubuntu"}, ("22.04",), None),
        ("1.27", {LABEL: "1.27.5", REF_NAME: "registry.example.com/app/web:1.27.5"}, (), "1.27.5"),
        ("latest", {LABEL: "3.18.4", BASE: "docker.io/library/alpine:3.18.4"}, ("3.18.4",), None),
    ],
)
def test_a_label_counts_where_it_fits_the_tag_and_is_no_base_s(
    host: Lab, tag: str, labels: dict[str, str], listed: tuple[str, ...], really: str | None
) -> None:
    host.run("web", host.registry.push_image("app/web", tag, labels=labels))
    for name in listed:
        publish(host, name)
    assert told(host).details.get("version") == really


def test_a_version_that_came_with_the_layers_of_the_base_is_not_its_own(host: Lab) -> None:
    """The engine has the base: its layers begin the image's, and it claims the same version."""
    base = host.registry.push_image("library/base", "9", labels={LABEL: "1.27.3"}, layers=[b"base"])
    host.engine.pull(base)
    image = host.registry.push_image("app/web", "1.27", labels={LABEL: "1.27.3"}, layers=[b"base", b"app"])
    host.run("web", image)
    publish(host, "1.27.3", day=9)
    assert "version" not in told(host).details
    other = host.registry.push_image("library/base", "9", labels={LABEL: "12"}, layers=[b"base"])
    host.engine.pull(other)
    host.run("other", host.registry.push_image("app/other", "1.27", labels={LABEL: "1.27.5"}, layers=[b"base", b"x"]))
    assert host.check(checks=("versions",)).finding("other", "versions").details["version"] == "1.27.5"


def test_a_label_costs_nothing_but_the_list(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "latest", labels={LABEL: "1.27.3"}))
    publish(host, "1.27.3")
    assert told(host).details == {"version": "1.27.3"}
    assert [entry.path for entry in host.registry.requests()] == ["/v2/app/web/tags/list?n=1000"]


def test_at_most_three_are_looked_at(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1.27", created="2026-10-01T00:00:00Z"))
    for patch in range(9):
        publish(host, f"1.27.{patch}", day=patch + 1)
    assert "version" not in told(host).details
    assert [entry.path.rpartition("/")[2] for entry in host.registry.requests(method="HEAD")] == [
        "1.27.8",
        "1.27.7",
        "1.27.6",
    ]


def test_it_is_an_extra_whose_failure_is_none(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "latest"))
    host.registry.fail(faults.status(403, "DENIED"), path="tags/list")
    finding = told(host)
    assert (finding.code, finding.details) == ("not-a-version", {})
