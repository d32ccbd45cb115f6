"""Headers from outside: what is well-formed is understood, what is not never hurts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_updates.registry.http.headers import http_date, remaining, retry_at
from container_updates.registry.login.challenge import Challenge, choose, parse

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a:pull"',
            [("bearer", "https://auth.docker.io/token", "registry.docker.io")],
        ),
        ('BEARER Realm = "https://X.org/JWT" , SERVICE=Reg', [("bearer", "https://X.org/JWT", "Reg")]),
        (
            'Basic realm="a, b", Bearer realm="https://x/\\"y",service="s"',
            [("basic", "a, b", None), ("bearer", 'https://x/"y', "s")],
        ),
        ('Negotiate, Basic realm="x"', [("negotiate", None, None), ("basic", "x", None)]),
        ("Negotiate YII=, Basic", [("negotiate", None, None), ("basic", None, None)]),
        (',, Basic realm="x",,', [("basic", "x", None)]),
    ],
)
def test_challenges_are_read_and_values_kept_as_given(header, expected):
    found = [(c.scheme, c.parameters.get("realm"), c.parameters.get("service")) for c in parse(header)]
    assert found == expected


def test_a_token_goes_before_a_password():
    assert choose(parse('Basic realm="x", Bearer realm="https://y"')).scheme == "bearer"
    assert choose(parse('Bearer service="no realm", Basic realm="x"')).scheme == "basic"
    assert choose(parse("Digest realm=x")) is None


@given(st.text() | st.text(alphabet='Bearlmsic =",\\\t;', max_size=300))
def test_no_challenge_header_raises(header):
    found = parse(header)
    assert all(isinstance(challenge, Challenge) for challenge in found)
    choose(found)


_QUOTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@given(st.lists(st.tuples(st.sampled_from(["Basic", "BEARER", "x"]), _QUOTABLE, _QUOTABLE), min_size=1))
def test_what_a_server_quotes_is_what_is_read(challenges):
    def quote(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    header = ", ".join(
        f"{scheme} realm={quote(realm)},service={quote(service)}" for scheme, realm, service in challenges
    )
    found = [(c.scheme, c.parameters["realm"], c.parameters["service"]) for c in parse(header[: 16 * 1024])]
    if len(header) < 16 * 1024:
        assert found == [(scheme.lower(), realm, service) for scheme, realm, service in challenges]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("Tue, 24 Nov 2026 12:05:00 GMT", 300),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("999999999", 86400),
        ("99999999999999999999", 60),
        ("-5", 60),
        ("soon", 60),
        ("", 60),
        (None, 60),
    ],
)
def test_when_asking_again_makes_sense(value, seconds):
    assert retry_at(value, NOW) == NOW + timedelta(seconds=seconds)


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,9} [A-Z][a-z]{2} \d{1,9} \d\d?:\d\d?:\d\d? [-+A-Z0-9]{0,9}"))
def test_no_date_raises_and_no_wait_is_longer_than_a_day(value):
    http_date(value)
    assert NOW <= retry_at(value, NOW) <= NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("76;w=21600", 76), ("0;w=21600", 0), (" 5 ", 5), ("", None), (None, None), ("many", None), ("-1", None)],
)
def test_docker_hubs_remaining_pulls(value, expected):
    assert remaining(value) == expected
