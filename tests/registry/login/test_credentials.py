"""Logins as admins keep them: docker's file, its helpers, Podman's file; a broken one costs nothing but itself."""

import base64
import json
import os
import stat
import threading

import pytest

from container_updates.clock import Clock, Deadline
from container_updates.registry import Credentials
from container_updates.settings import Settings


def auth(user, password):
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def credentials(tmp_path):
    def build(document=None, environ=None, seconds=20.0):
        if document is not None:
            text = document if isinstance(document, bytes) else json.dumps(document).encode()
            (tmp_path / "config.json").write_bytes(text)
        return Credentials(Settings(docker_config=str(tmp_path)), Deadline(seconds, Clock()), environ or {})

    return build


def who(login):
    return login and (login.username, login.password, login.identity_token)


def test_without_a_file_everybody_is_anonymous(credentials):
    found = credentials()
    assert found.login("docker.io", "library/nginx") is None
    assert found.problems == []


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("https://index.docker.io/v1/", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("ghcr.io", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("https://registry.example.com:5000/v2/", "registry.example.com:5000"),
        ("http://Registry.Example.com/v1/", "registry.example.com"),
    ],
)
def test_keys_as_docker_has_written_them_over_the_years(credentials, key, registry):
    found = credentials({"auths": {key: auth("user", "pa:ss")}})
    assert who(found.login(registry, "team/app")) == ("user", "pa:ss", "")
    assert found.login("other.example.com", "team/app") is None


def test_a_login_is_for_its_host_alone(credentials):
    found = credentials({"auths": {"example.com": auth("user", "secret")}})
    for other in ("example.com:5000", "sub.example.com", "example.com.evil.org", "docker.io"):
        assert found.login(other, "app") is None


def test_user_name_and_password_as_members(credentials):
    found = credentials({"auths": {"example.com": {"username": "user", "password": "secret"}}})
    assert who(found.login("example.com", "app")) == ("user", "secret", "")


def test_an_identity_token_goes_before_the_password(credentials):
    found = credentials({"auths": {"example.com": {**auth("user", ""), "identitytoken": "refresh"}}})
    assert who(found.login("example.com", "app")) == ("user", "", "refresh")


def test_podmans_most_exact_path_wins(credentials):
    logins = {"example.com": auth("host", "1"), "example.com/team": auth("team", "2")}
    logins["example.com/team/app"] = auth("app", "3")
    found = credentials({"auths": logins})
    names = [found.login("example.com", name).username for name in ("other", "team/web", "team/app", "teams/app")]
    assert names == ["host", "team", "app", "host"]


def test_podmans_file_is_read_where_podman_looks(credentials, tmp_path):
    runtime = tmp_path / "run" / "containers"
    runtime.mkdir(parents=True)
    (runtime / "auth.json").write_text(json.dumps({"auths": {"one.example.com": auth("one", "1")}}))
    (tmp_path / "own.json").write_text(json.dumps({"auths": {"two.example.com": auth("two", "2")}}))
    found = credentials(
        environ={"XDG_RUNTIME_DIR": str(tmp_path / "run"), "REGISTRY_AUTH_FILE": str(tmp_path / "own.json")}
    )
    assert found.login("one.example.com", "app").username == "one"
    assert found.login("two.example.com", "app").username == "two"


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b'{"auths": {"a.example.com": {}}, "auths": {}}',
        b" " * 2_000_000,
        b'{"auths": []}',
        b'{"credHelpers": 3}',
        b'{"credsStore": []}',
        b'{"auths": {"example.com": 3}}',
        b'{"auths": {"example.com": {"auth": "not base64!"}}}',
        b'{"auths": {"example.com": {"auth": "bm9jb2xvbg=="}}}',
        b'{"auths": {"example.com": {"auth": 3}}}',
    ],
)
def test_a_broken_file_is_a_problem_that_names_it_and_the_rest_goes_on(credentials, tmp_path, content):
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {"example.com": auth("user", "secret")}}))
    found = credentials(content)
    assert found.login("example.com", "app").username == "user"
    assert [problem.where for problem in found.problems] == [str(tmp_path / "config.json")]
    assert found.problems[0].code == "bad-answer"


def test_one_broken_entry_does_not_cost_the_others(credentials):
    found = credentials({"auths": {"bad.example.com": {"auth": "!"}, "example.com": auth("user", "secret")}})
    assert found.login("example.com", "app").username == "user"
    assert len(found.problems) == 1


def test_a_file_that_may_not_be_read_is_a_problem(credentials, tmp_path):
    (tmp_path / "config.json").mkdir()
    found = credentials()
    assert found.login("example.com", "app") is None
    assert len(found.problems) == 1


def test_a_file_that_is_a_named_pipe_is_a_problem_and_waits_for_nobody(credentials, tmp_path):
    os.mkfifo(tmp_path / "config.json")
    found = credentials()
    assert found.login("example.com", "app") is None
    assert [problem.message for problem in found.problems] == ["cannot be read: not a regular file"]


def test_an_empty_file_is_none(credentials):
    found = credentials(b"")
    assert found.login("example.com", "app") is None
    assert found.problems == []


def test_a_login_shows_no_secret_and_its_key_has_none(credentials):
    login = credentials({"auths": {"example.com": auth("user", "s3cret")}}).login("example.com", "app")
    assert "s3cret" not in repr(login) + login.key
    assert "user" in login.key


@pytest.fixture
def helper(tmp_path, monkeypatch):
    """Puts a credential helper on the PATH that writes down what it was asked."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def install(name, script):
        path = tmp_path / f"docker-credential-{name}"
        path.write_text(f'#!/bin/sh\nserver=$(cat)\necho "$1 $server" >> {tmp_path}/asked\n{script}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return tmp_path / "asked"

    return install


def test_a_helper_is_asked_once_a_host(credentials, helper):
    asked = helper("vault", """echo '{"ServerURL": "x", "Username": "user", "Secret": "pa:ss"}'""")
    found = credentials({"credHelpers": {"example.com": "vault"}})
    assert who(found.login("example.com", "one")) == ("user", "pa:ss", "")
    assert who(found.login("example.com", "two")) == ("user", "pa:ss", "")
    assert found.login("other.example.com", "app") is None
    assert asked.read_text() == "get example.com\n"
    assert "pa:ss" not in found.login("example.com", "one").key


def test_the_store_is_asked_for_docker_hub_by_its_old_name(credentials, helper):
    asked = helper("vault", """echo '{"Username": "<token>", "Secret": "refresh"}'""")
    found = credentials({"credsStore": "vault", "auths": {"https://index.docker.io/v1/": {}}})
    assert who(found.login("docker.io", "library/nginx")) == ("", "", "refresh")
    assert asked.read_text() == "get https://index.docker.io/v1/\n"


def test_credentials_not_found_means_anonymous(credentials, helper):
    helper("vault", 'echo "credentials not found in native keychain"; exit 1')
    found = credentials({"credsStore": "vault"})
    assert found.login("example.com", "app") is None
    assert found.problems == []


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 1", "bad-answer"),
        ("echo s3cret", "bad-answer"),
        ("""echo '{"Username": 3}'""", "bad-answer"),
        ("yes s3cret", "bad-answer"),
        ("exec sleep 60", "timeout"),
    ],
)
def test_a_helper_that_fails_is_a_problem_that_names_it(credentials, helper, script, code):
    helper("vault", script)
    found = credentials({"credsStore": "vault"}, seconds=0.5 if code == "timeout" else 20)
    assert found.login("example.com", "app") is None
    assert found.login("example.com", "web") is None
    assert [(problem.where, problem.code) for problem in found.problems] == [("docker-credential-vault", code)]
    assert "s3cret" not in found.problems[0].message


@pytest.mark.parametrize(
    ("end", "code"),
    [(lambda found: found._deadline.expire(), "timeout"), (lambda found: found.close(), "bad-answer")],
    ids=["deadline moved", "closed"],
)
def test_the_end_of_the_check_ends_its_helpers(credentials, helper, tmp_path, end, code):
    helper("vault", f"echo $$ > {tmp_path}/pid; mv {tmp_path}/pid {tmp_path}/started; exec sleep 60")
    found = credentials({"credsStore": "vault"}, seconds=600)
    asking = threading.Thread(target=found.login, args=("example.com", "app"))
    asking.start()
    while not (tmp_path / "started").exists():
        asking.join(0.01)
    end(found)
    asking.join(4)
    assert [problem.code for problem in found.problems] == [code]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "started").read_text()), 0)


def test_a_helper_that_hangs_for_one_registry_does_not_cost_the_others(credentials, helper, tmp_path):
    asked = helper("stuck", f"touch {tmp_path}/started; exec sleep 60")
    helper("vault", """echo '{"Username": "user", "Secret": "secret"}'""")
    helpers = {"stuck.example.com": "stuck", "example.com": "vault"}
    found = credentials({"credHelpers": helpers, "auths": {"plain.example.com": auth("plain", "secret")}}, seconds=600)
    asking = [threading.Thread(target=found.login, args=("stuck.example.com", name)) for name in ("one", "two")]
    for thread in asking:
        thread.start()
    while not (tmp_path / "started").exists():
        asking[0].join(0.01)
    assert found.login("example.com", "app").username == "user"
    assert found.login("plain.example.com", "app").username == "plain"
    assert all(thread.is_alive() for thread in asking)
    found._deadline.expire()
    for thread in asking:
        thread.join(4)
    assert asked.read_text().count("stuck.example.com") == 1


@pytest.mark.parametrize("name", ["missing", "../vault", "a b", "x;id", "/bin/true"])
def test_a_helper_that_cannot_be_started_is_a_problem(credentials, name):
    found = credentials({"credsStore": name})
    assert found.login("example.com", "app") is None
    assert len(found.problems) == 1
