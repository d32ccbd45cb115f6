"""The newest tag of the same shape, for the tag lists of well-known images (tests/assets/versions, a file each).

`newest` has what an admin expects for a running tag: another tag, null where it is the newest of its kind, false where
it names no version at all.
"""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container_updates.chain.versions import newer, tag_version
from container_updates.chain.versions.newer import Newer, parts_kept
from tests.support import paths

ASSETS = paths.ASSETS / "versions"
SETS = {path.stem: json.loads(path.read_text()) for path in sorted(ASSETS.glob("*.json"))}


def newest(tags: list[str], running: str, level: str = "major") -> str | bool | None:
    version = tag_version.read(running)
    if version is None:
        return False
    found = Newer(version, tags, None).newest_first(parts_kept(version, level))
    return next((one.tag for one in found), None)


@pytest.mark.parametrize("name", SETS)
def test_the_newest_as_an_admin_expects_it(name: str) -> None:
    known = SETS[name]
    level = known.get("level", "major")
    assert {running: newest(known["tags"], running, level) for running in known["newest"]} == known["newest"]


def test_there_are_enough_of_them() -> None:
    assert sum(len(known["newest"]) for known in SETS.values()) >= 500
    named = "nginx postgres python node traefik nextcloud linuxserver grafana keycloak mariadb redis gitlab-ce"
    assert {*named.split(), "home-assistant", "ubuntu", "eclipse-temurin"} <= set(SETS)


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        ("1.27.3", "2.0.0", "major"),
        ("1.27.3", "1.28.0", "minor"),
        ("1.27.3", "1.27.4", "patch"),
        ("1.27.3.1", "1.27.3.2", "patch"),
        ("15", "16", "major"),
        ("1.2.3-ls45", "1.2.3-ls46", "other"),
        ("7.0.0-rc1", "7.0.0", "patch"),
        ("linux-amd64-2.19.4", "linux-amd64-2.33.0", "minor"),
        ("alpine3.19-v16.11.0", "alpine3.21-v18.3.0", "major"),
    ],
)
def test_how_far_it_is(old: str, new: str, step: str) -> None:
    before, after = tag_version.read(old), tag_version.read(new)
    assert before
    assert after
    assert newer.step(before, after) == step


@given(st.text(max_size=130))
def test_any_text_is_a_version_or_none(text: str) -> None:
    version = tag_version.read(text)
    assert version is None or version.tag == text


tags = st.from_regex(r"\A(v|r|amd64-)?[0-9]{1,4}(\.[0-9]{1,3}){0,3}(-(alpine|ls|rc)[0-9.]{0,4})?\Z")


@settings(max_examples=50)
@given(tags, st.lists(tags, max_size=6))
def test_what_is_named_is_newer_and_of_the_same_kind(running: str, others: list[str]) -> None:
    version = tag_version.read(running)
    if version is None:
        return
    found = [*Newer(version, others, None).newest_first()]
    for one in found:
        assert one.shape[3] == version.shape[3]
        assert (one.parts, one.stage) >= (version.parts, version.stage)
        assert version not in Newer(one, [running], None).newest_first()
    assert [one.parts for one in found] == sorted((one.parts for one in found), reverse=True)
