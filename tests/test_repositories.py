"""Repositories are what they are, however an image, a build or a certificate writes them down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_updates import repositories

COMMIT = "9f3c0e5a6d1b4c2e8f7a6b5c4d3e2f1a0b9c8d7e"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://github.com/acme/web", "https://github.com/acme/web"),
        ("https://GitHub.com/acme/Web.git", "https://github.com/acme/Web"),
        ("https://www.github.com/acme/web/", "https://github.com/acme/web"),
        ("http://github.com/acme/web", "https://github.com/acme/web"),
        ("github.com/acme/web", "https://github.com/acme/web"),
        ("git+https://github.com/acme/web.git#main:dir", "https://github.com/acme/web"),
        ("git+https://github.com/acme/web@refs/tags/v1.2", "https://github.com/acme/web"),
        (f"git+https://github.com/acme/web@{COMMIT}", "https://github.com/acme/web"),
        ("https://github.com/acme/web/tree/main/docker", "https://github.com/acme/web"),
        ("https://raw.githubusercontent.com/acme/web/main/Dockerfile", "https://github.com/acme/web"),
        ("https://api.github.com/repos/acme/web", "https://github.com/acme/web"),
        ("ssh://git@ssh.github.com:443/acme/web.git", "https://github.com/acme/web"),
        ("git@github.com:acme/web.git", "https://github.com/acme/web"),
        ("ssh://git@gitlab.example.com:2222/group/sub/web.git", "https://gitlab.example.com/group/sub/web"),
        ("https://gitlab.com/group/sub/web/-/tree/main", "https://gitlab.com/group/sub/web"),
        ("https://git.example.com/acme/web/src/branch/main", "https://git.example.com/acme/web"),
        ("https://git.example.com/src/web", "https://git.example.com/src/web"),
        ("git://git.example.com/acme/web", "https://git.example.com/acme/web"),
        ("https://user:secret@github.com/acme/web?token=x", "https://github.com/acme/web"),
        ("http://git.example.com:3000/acme/web", "https://git.example.com:3000/acme/web"),
        ("git.example.com/acme/web", None),
        ("https://github.com/", None),
        ("https://www.example.com/", None),
        ("https://[::1/a/b", None),
        ("file:///srv/git/web", None),
        ("", None),
    ],
)
def test_an_address_without_what_does_not_belong_to_it(text: str, address: str | None) -> None:
    assert repositories.address(text) == address


@pytest.mark.parametrize(
    ("one", "other", "contradict"),
    [
        ("git@github.com:Acme/Web.git", "https://github.com/acme/web", False),
        ("https://gitlab.com/Group/web", "ssh://git@gitlab.com/group/web.git", False),
        ("https://git.example.com/Acme/web", "https://git.example.com/acme/web", True),
        ("https://github.com/acme/web", "https://github.com/acme/api", True),
        ("https://github.com/acme/web", "https://github.com.evil.example/acme/web", True),
        ("https://github.com/acme/web", "https://www.example.com/", False),
        ("https://github.com/acme/web", None, False),
    ],
)
def test_two_contradict_each_other_only_where_both_name_a_repository(
    one: str, other: str | None, contradict: bool
) -> None:
    assert repositories.contradict(one, other) is contradict
    assert repositories.contradict(other, one) is contradict


@pytest.mark.parametrize(
    ("one", "other", "contradict"),
    [
        (COMMIT, COMMIT, False),
        (COMMIT[:7], COMMIT, False),
        (COMMIT, "0" * 40, True),
        (COMMIT, "v1.2.3", False),
        (COMMIT, f"{COMMIT}-dirty", False),
        (None, COMMIT, False),
    ],
)
def test_commits_contradict_each_other(one: str | None, other: str, contradict: bool) -> None:
    assert repositories.contradicting_commits(one, other) is contradict


@given(st.text(max_size=600))
def test_no_text_makes_an_address_that_is_not_https(text: str) -> None:
    address = repositories.address(text)
    assert address is None or (address.startswith("https://") and address.isprintable() and "@" not in address)


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/acme/../evil",
        "https://github.com/acme/..",
        "https://github.com/acme/./evil",
        "git+https://gitlab.example.com/acme/../evil/app.git",
        "https://gitlab.example.com/acme/%2e%2e/evil",
        "git@github.com:acme/../evil.git",
    ],
)
def test_an_address_that_climbs_out_of_where_it_seems_to_be_names_no_repository(text):
    assert repositories.address(text) is None
    assert repositories.climbs(text)
    assert not repositories.climbs("https://github.com/acme/app..x/..y")
