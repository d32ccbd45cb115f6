"""An update that is not wanted is held until another one is published: apt's and apticron's holds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from container_updates.actions import holds, signer_memory
from container_updates.demo.registry.content import AMD64, ARM64
from container_updates.errors import CheckError, UsageError
from container_updates.model import State
from container_updates.settings import Settings
from tests.support.lab import Lab, lab

DAY = 86400


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


def say(host: Lab, **what: Any) -> str:
    return holds.answer(Settings(state_dir=str(host.folder / "state"), **what), host.clock)


def remembered(host: Lab, **what: Any) -> str:
    return signer_memory.answer(Settings(state_dir=str(host.folder / "state"), memory=True, **what), host.clock)


def outdated(host: Lab, name: str = "app/web", tag: str = "1") -> str:
    host.run(name.rpartition("/")[2] + tag, host.registry.push_image(name, tag))
    return host.registry.push_image(name, tag, created="2026-11-20T00:00:00Z").reference


def test_a_held_update_is_no_alarm_until_another_one_is_published(host: Lab) -> None:
    image = outdated(host)
    assert host.check().codes == {"web1": "outdated"}
    said = say(host, hold=(image,))
    assert said.startswith(f"{image}: the update to sha256:")
    assert said.endswith(" is held until another one is published\n")
    held = host.check()
    assert (held.codes, held.outcome.state) == ({"web1": "held"}, State.OK)
    assert " held by --hold, its tag names sha256:" in held.finding("web1").message
    assert held.metric("held") == 1
    host.registry.push_image("app/web", "1", created="2026-11-23T00:00:00Z")
    assert host.check().codes == {"web1": "outdated"}


def test_what_is_published_after_a_hold_waits_since_then(host: Lab) -> None:
    image = outdated(host)
    host.check()
    say(host, hold=(image,))
    host.time += 10 * DAY
    host.registry.push_image("app/web", "1", created="1970-01-01T00:00:00Z")
    assert host.check().finding("web1").details["age"] == 0
    say(host, unhold=(image,))
    assert host.check().finding("web1").details["age"] > 10 * DAY


def test_taken_back_it_is_an_alarm_again(host: Lab) -> None:
    image = outdated(host)
    host.check()
    say(host, hold=(image,))
    assert say(host, unhold=(image,)) == f"{image}: held no longer\n"
    assert host.check().codes == {"web1": "outdated"}


def test_an_index_that_changed_for_another_platform_is_no_other_update(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    new = host.registry.push_image("app/web", platform=AMD64, created="2026-11-20T00:00:00Z")
    image = host.registry.push_index("app/web", "1", [new]).reference
    host.check()
    say(host, hold=(image,))
    host.registry.push_index("app/web", "1", [new, host.registry.push_image("app/web", platform=ARM64)])
    assert host.check().codes == {"web": "held"}


def test_a_name_means_all_its_tags_and_a_pattern_what_it_matches(host: Lab) -> None:
    for name, tag in (("app/web", "1"), ("app/web", "2"), ("app/db", "1"), ("other/app", "1")):
        outdated(host, name, tag)
    host.check()
    say(host, hold=(f"{host.registry.host}/app/web",))
    assert host.check().codes == {"web1": "held", "web2": "held", "db1": "outdated", "app1": "outdated"}
    say(host, hold=(f"{host.registry.host}/app/*",))
    say(host, unhold=(f"{host.registry.host}/app/web:2",))
    assert host.check().codes == {"web1": "held", "web2": "outdated", "db1": "held", "app1": "outdated"}


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("app/unknown:1", "no update of such an image"),
        ("Not An Image", "--hold Not An Image: "),
        (f"app/web@sha256:{'a' * 64}", "pinned to a digest"),
        ("nobody/*", "no update of such an image"),
    ],
)
def test_an_image_that_means_nothing_holds_nothing(host: Lab, image: str, words: str) -> None:
    known = outdated(host)
    host.check()
    with pytest.raises(UsageError, match=words):
        say(host, hold=(known, image))
    assert host.check().codes == {"web1": "outdated"}


def test_what_is_up_to_date_has_no_update_to_hold_and_what_is_not_held_none_to_take_back(host: Lab) -> None:
    running = host.registry.push_image("app/web", "1")
    host.run("web", running)
    host.registry.push_image("app/web", "1", created="2026-11-20T00:00:00Z")
    host.check()
    host.registry.retag("app/web", "1", running.digest)
    assert host.check().codes == {"web": "up-to-date"}
    with pytest.raises(UsageError, match="no update of such an image waiting"):
        say(host, hold=(running.reference,))
    with pytest.raises(UsageError, match="no update of such an image is held"):
        say(host, unhold=(running.reference,))


def test_the_memory_lists_holds(host: Lab) -> None:
    image = outdated(host)
    published = host.check().finding("web1").details["published_digest"]
    assert remembered(host) == "nothing is remembered of signers, builders and holds\n"
    say(host, hold=(image,))
    assert f"{image}  hold  on 2026-11-24  {published[:19]}  the update is held until" in remembered(host)
    [held] = json.loads(remembered(host, output="json"))["holds"]
    assert held == {"image": image, "digests": [published], "held_at": "2026-11-24T06:00:00Z"}


def test_a_folder_that_cannot_be_used_is_said_and_nothing_is_claimed(host: Lab) -> None:
    image = outdated(host)
    host.check()
    (host.folder / "state" / "holds.sqlite").mkdir()
    with pytest.raises(CheckError, match=r"holds\.sqlite: cannot be used"):
        say(host, hold=(image,))
