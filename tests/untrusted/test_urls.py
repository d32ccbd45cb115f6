"""No user's password is printed, however the URL around it is written."""

from string import ascii_letters, digits, punctuation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_updates.untrusted.urls import without_login, without_logins

SCHEMES = st.sampled_from(["tcp", "TCP", "https", "HtTpS", "http", "ssh", "git+https", "socks5h"])
USERS = st.text(ascii_letters + digits, min_size=1, max_size=8)
PASSWORDS = st.text(ascii_letters + digits + punctuation, max_size=12).map(lambda text: f"s3/{text}cr@t")
"""Whatever an admin may type, always with a slash and an @."""
HOSTS = st.sampled_from(["db7:2376", "registry.example.com", "[2001:db8::1]:5000", "10.1.2.3:2375", "git"])


@given(SCHEMES, USERS, PASSWORDS, HOSTS)
def test_the_login_of_a_url_is_never_shown(scheme, user, password, host):
    assert without_login(f"{scheme}://{user}:{password}@{host}") == f"{scheme}://{host}"


@given(USERS, PASSWORDS, HOSTS)
def test_the_login_is_not_shown_where_somebody_forgot_the_scheme(user, password, host):
    assert without_login(f"{user}:{password}@{host}") == host
    assert without_login(f"//{user}:{password}@{host}") == host


@given(USERS, SCHEMES, PASSWORDS, HOSTS)
def test_a_password_that_looks_like_a_scheme_is_not_shown(user, scheme, password, host):
    assert without_login(f"{user}:{scheme}://{password}@{host}") == host


@given(SCHEMES, USERS, PASSWORDS, HOSTS, st.text(ascii_letters + " ", max_size=20))
def test_the_login_in_the_middle_of_a_text_is_never_shown(scheme, user, password, host, words):
    text = f"{words} {scheme}://{user}:{password}@{host}/x {words}"
    assert without_logins(text) == f"{words} {scheme}://{host}/x {words}"


@given(st.text())
def test_any_text_at_all_comes_back_as_text(text):
    assert "@" not in without_login(f"tcp://{text}")
    assert isinstance(without_logins(text), str)


@pytest.mark.parametrize(
    "url",
    [
        "unix:///var/run/docker.sock",
        "unix:///run/user@1000/podman.sock",
        "UNIX:///run/a@b.sock",
        "/run/user@1000/podman.sock",
        "tcp://db7:2376",
        "https://registry.example.com/path?query=1",
        "db7:2375",
        "",
    ],
)
def test_what_has_no_login_stays_as_it_is(url):
    assert without_login(url) == url


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        ("RUN git clone https://bob:p@ss@git/x", "RUN git clone https://git/x"),
        ("RUN pip install -i HTTPS://bob:p/w@pypi/simple x", "RUN pip install -i HTTPS://pypi/simple x"),
        ("RUN git clone https://ghp_token@github.com/x/y.git", "RUN git clone https://github.com/x/y.git"),
        ("ADD https://a:b@one/x https://c:d@two/y /", "ADD https://one/x https://two/y /"),
        ("RUN npm i https://registry/@scope/name", "RUN npm i https://registry/@scope/name"),
        ("RUN curl https://host/v1@2 -o x@y", "RUN curl https://host/v1@2 -o x@y"),
        ("MAINTAINER bob <bob@example.com>", "MAINTAINER bob <bob@example.com>"),
    ],
)
def test_a_step_of_a_build_shows_no_login(step, shown):
    assert without_logins(step) == shown
