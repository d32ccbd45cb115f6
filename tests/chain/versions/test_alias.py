"""What `latest` or `1.27` really is: told by a label of what runs, or by a more exact tag of the same image."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from container_updates.demo import faults
from container_updates.model import Finding
from tests.support.lab import Lab, lab

LABEL = "org.opencontainers.image.version"


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
        ("stable", ("1.26.3",), None),
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


def test_a_label_costs_no_request(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "latest", labels={LABEL: "1.27.3"}))
    publish(host, "1.29.1")
    assert told(host).details == {"version": "1.27.3"}
    assert host.registry.requests() == []


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
