"""The story of one container on a real engine and registry, told run by run with the clock handed in."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from container_updates import check, report
from container_updates.clock import Clock, Deadline
from container_updates.settings import Settings

from .engine import Engine
from .published import Publisher, image
from .registries import Registry

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
STORY = "story/web"


class Story:
    """Days pass, images are published and pulled, and somebody reads the report."""

    def __init__(self, engine: Engine, publisher: Publisher, registry: Registry, folder: Path) -> None:
        self.engine = engine
        self.reference = f"{registry.name}/{STORY}:1"
        self.now = START
        self._publisher = publisher
        self._folder = folder
        self._published = ""
        self._digests: dict[str, str] = {}

    def publish(self, version: str) -> None:
        """Push another image under the tag, built now."""
        built = image(version, created=f"{self.now:%Y-%m-%dT%H:%M:%SZ}")
        self._published = self._publisher.push(STORY, "1", built)

    def pull(self) -> None:
        """`docker pull`."""
        self.engine.pull(self.reference)

    def recreate(self) -> None:
        """`docker rm --force`, `docker run`."""
        self.engine.api.remove_container("web", force=True)
        self.engine.run(self.reference, "web")

    def delete_tag(self) -> None:
        """Let another image be all that the repository has."""
        self._publisher.push(STORY, "2", image("other"))
        self._publisher.delete(STORY, self._published)

    def publish_versions(self, *tags: str) -> None:
        """Push images under these tags, all the same but for the newest two, which `1.10` shares."""
        self._publisher.push(STORY, tags[0], image("old"), *tags[1:])
        self._publisher.push(STORY, "1.10.98", image("1.10.98"), "1.10")
        self._digests["1.10.99"] = self._publisher.push(STORY, "1.10.99", image("1.10.99"))

    def run_version(self, tag: str) -> None:
        """`docker run` in place of what ran before."""
        name = self.reference.removesuffix(":1")
        self.engine.pull(f"{name}:{tag}")
        if any("/web" in container["Names"] for container in self.engine.api.containers(all=True)):
            self.engine.api.remove_container("web", force=True)
        self.engine.run(f"{name}:{tag}", "web")

    def delete_version(self, tag: str) -> None:
        """Take it out of the registry."""
        self._publisher.delete(STORY, self._digests.pop(tag))

    def read(self, **changes: Any) -> list[str]:
        """The report without its performance data, a line each, without the reference and digests' ends."""
        settings = Settings(
            hosts=(f"unix://{self.engine.socket}",),
            state_dir=str(self._folder / "state"),
            no_cache=True,
            perfdata=False,
            **{"checks": ("updates", "restarts"), **changes},
        )
        clock = Clock(wall=self.now.timestamp)
        outcome = check.run(settings, clock=clock, deadline=Deadline(30, clock))
        lines = report.render(outcome, settings).splitlines()
        return [
            line.replace(self.reference.removesuffix(":1"), "WEB").replace("WEB:1 ", "WEB ").partition(", runs ")[0]
            for line in lines
        ]


@pytest.fixture
def story(engine: Engine, publisher: Publisher, registry: Registry, tmp_path: Path) -> Story:
    return Story(engine, publisher, registry, tmp_path)


def test_an_update_from_its_publication_to_its_container(story: Story) -> None:
    story.publish("1")
    story.pull()
    story.engine.run(story.reference, "web")
    assert story.read() == ["CONTAINER_UPDATES OK - 1 container up to date"]

    story.now += timedelta(hours=1)
    story.publish("2")
    assert story.read() == [
        "CONTAINER_UPDATES WARNING - 1 of 1 container outdated (web)",
        "[WARNING] web: WEB outdated since 0s",
    ]

    story.now += timedelta(days=3)
    assert story.read() == [
        "CONTAINER_UPDATES WARNING - 1 of 1 container outdated (web 3d)",
        "[WARNING] web: WEB outdated since 3d",
    ]
    assert story.read(critical={"outdated_age": "172800"})[0].startswith("CONTAINER_UPDATES CRITICAL - 1 of 1")
    assert story.read(min_age=4 * 86400.0) == ["CONTAINER_UPDATES OK - 1 container with a young update"]
    assert story.read(min_age=4 * 86400.0, verbose=1)[1:] == [
        "Update timely: 1 of 1 timely",
        "[OK] web: WEB outdated since 3d, no alarm before 4d",
    ]

    story.pull()
    assert story.read() == [
        "CONTAINER_UPDATES WARNING - 1 of 1 container to be recreated (web)",
        "[WARNING] web: WEB restart pending: pulled, not recreated (docker restart does not help)",
    ]

    assert story.read(verbose=1)[-1] == "To update: remove web and run it again as it was started"

    story.recreate()
    assert story.read() == ["CONTAINER_UPDATES OK - 1 container up to date"]

    story.publish("3")
    story.now += timedelta(days=2)
    story.publish("4")
    assert story.read() == [
        "CONTAINER_UPDATES WARNING - 1 of 1 container outdated (web)",
        "[WARNING] web: WEB outdated since 0s",
    ], "nobody looked between the two"
    story.now += timedelta(days=1)
    story.publish("5")
    assert story.read()[1] == "[WARNING] web: WEB outdated since 1d", "since the first of the newer ones that was seen"

    story.delete_tag()
    assert story.read() == [
        "CONTAINER_UPDATES WARNING - 1 of 1 container whose tag is gone (web)",
        "[WARNING] web: WEB tag is gone from the registry, noticed just now",
    ]


def test_only_the_news(story: Story) -> None:
    story.publish("1")
    story.pull()
    story.engine.run(story.reference, "web")
    story.publish("2")
    told = "CONTAINER_UPDATES WARNING - 1 of 1 container outdated (web)"
    assert story.read(new_only=True) == [told, "[WARNING] web: WEB outdated since 0s"]
    assert story.read(new_only=True) == [told, "and 1 reported before"]
    assert story.read(new_only=True, service="other") == [told, "[WARNING] web: WEB outdated since 0s"]
    story.publish("3")
    assert story.read(new_only=True) == [told, "[WARNING] web: WEB outdated since 0s"], "another update is news"


def test_newer_versions_on_more_pages_than_one(story: Story) -> None:
    """The registry says a thousand tags a page, in the alphabet's order: `1.10.2` is far before `1.2.0`."""
    story.publish_versions(*(f"1.{minor}.{patch}" for minor in range(11) for patch in range(100)), "1.10.100-alpine")
    story.run_version("1.2.0")
    assert story.read(checks=("versions",), verbose=1) == [
        "CONTAINER_UPDATES OK - 1 container checked, 1 with a newer version (web 1.10.99)",
        "[OK] web: WEB:1.2.0 newer version 1.10.99 (minor)",
    ]
    story.delete_version("1.10.99")
    assert story.read(checks=("versions",))[0].endswith("(web 1.10.98)")
    story.run_version("1.10")
    assert story.read(checks=("versions",), verbose=1)[1:] == ["[OK] web: WEB:1.10 (1.10.98) newest of its kind"]
