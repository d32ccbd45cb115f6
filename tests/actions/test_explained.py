"""`--explain` through the whole plugin: the one container that is meant, its state, and nobody else's questions."""

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from container_updates import cli
from container_updates.demo.engine.kinds import CLASSIC, CONTAINERD
from container_updates.demo.engine.server import EngineServer
from container_updates.errors import UsageError
from container_updates.model import State
from container_updates.options import parser
from container_updates.settings import Settings
from tests.support.lab import Lab, lab
from tests.support.signed import Signer
from tests.test_cli import UPDATES, environment, parsed, plugin, refused


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        for name in ("web", "web2", "shop-db-1"):
            started.run(name, started.registry.push_image(f"app/{name}", "1"))
        yield started


def page(host: Lab, name: str, *argv: str) -> tuple[int, str]:
    checks = () if "--check" in argv else (UPDATES,)
    said, complained = io.StringIO(), io.StringIO()
    with redirect_stdout(said), redirect_stderr(complained):
        command = ["-H", host.engine.host, "--explain", name, *checks, *argv]
        code = cli.main(command, environment(host.folder))
    assert complained.getvalue() == ""
    return code, said.getvalue()


def test_one_container_is_told_and_the_others_are_not_asked_for(host: Lab) -> None:
    code, text = page(host, "web")
    assert code == 0
    assert text.startswith("OK - web: up to date\n\nWhat runs\n")
    assert "HEAD /v2/app/web/manifests/1: 200" in text
    assert len(host.registry.requests(path="/manifests/")) == 1


def test_the_exit_code_is_the_container_s_and_not_the_others(host: Lab) -> None:
    host.registry.push_image("app/web", "1", created="2026-01-01T00:00:00Z")
    assert [page(host, name)[0] for name in ("web", "web2")] == [1, 0]
    assert page(host, "web", "-c", "0", "--no-cache")[0] == 2
    assert page(host, "web2", "-w", "oldest_image=1s")[0] == 0, "no container is to blame for a count of the host"


def test_a_container_by_its_id_or_the_beginning_of_it(host: Lab) -> None:
    whole = host.check().container("shop-db-1").id
    for wanted in (whole, whole[:12], whole[:12].upper()):
        assert host.check(explain=wanted).codes == {"shop-db-1": "up-to-date"}


def test_a_name_outranks_an_id_and_means_itself_alone(host: Lab) -> None:
    begins = host.check().container("web").id[:6]
    host.run(begins, host.registry.push_image("app/other", "1"))
    assert set(host.check(explain=begins).codes) == {begins}
    assert set(host.check(explain="/web").codes) == {"web"}, "as docker inspect writes it"


@pytest.mark.parametrize("glob", ["web*", "*", "[w]eb", "we?"])
def test_signs_of_a_glob_are_signs(host: Lab, glob: str) -> None:
    with pytest.raises(UsageError, match="no such container"):
        host.check(explain=glob)


@pytest.mark.parametrize(
    ("wanted", "near"),
    [
        ("db", "did you mean shop-db-1?"),
        ("web3", "did you mean web or web2?"),
        ("wbe2", "did you mean web2?"),
        ("zzz", "there are web, web2, shop-db-1"),
    ],
)
def test_a_name_that_is_nobody_s_is_one_line_with_the_near_ones(host: Lab, wanted: str, near: str) -> None:
    code, text = page(host, wanted)
    assert (code, text) == (3, f"CONTAINER_UPDATES UNKNOWN - --explain {wanted}: no such container; {near}\n")


def test_a_hostile_name_in_the_engine_stays_on_that_line(host: Lab) -> None:
    host.run("evil\x1b[2J\n|x=1", host.registry.push_image("app/evil", "1"))
    code, text = page(host, "evil")
    assert code == 3
    assert text.count("\n") == 1
    assert text[:-1].isprintable()
    assert "|" not in text


def test_the_same_name_on_two_engines_is_not_guessed(host: Lab) -> None:
    with EngineServer(CONTAINERD) as second:
        Lab(second, host.registry, host.folder).run("web", host.registry.push_image("app/web", "1"))
        both = (host.engine.host, second.host)
        with pytest.raises(UsageError, match=r"2 containers are meant by it, web@unix:///.*: say which one by NAME@"):
            host.check(explain="web", hosts=both)
        assert host.check(explain="web2", hosts=both).codes == {"web2": "up-to-date"}
        aliases = {host.engine.host: "north", second.host: "south"}
        (one,) = host.check(explain="web@south", hosts=both, aliases=aliases).outcome.containers
        assert (one.container.host, one.container.engine) == ("south", second.host)


def test_an_engine_that_cannot_be_read_does_not_hide_the_container(host: Lab) -> None:
    hosts = ("unix:///nowhere/docker.sock", host.engine.host)
    found = host.check(explain="web", hosts=hosts)
    assert found.codes == {"web": "up-to-date"}
    assert found.outcome.state is State.OK
    assert [problem.where for problem in found.outcome.problems] == ["unix:///nowhere/docker.sock"]
    with pytest.raises(UsageError, match=r"unix:///nowhere/docker\.sock could not be read"):
        host.check(explain="db", hosts=hosts)


def test_an_excluded_one_is_explained_by_what(host: Lab) -> None:
    code, text = page(host, "web", "--exclude", "name=w*")
    assert code == 0
    assert "By --exclude name=w*: no link of the chain is looked at." in text
    assert host.registry.requests() == []


def test_a_stopped_one_is_explained_without_another_option(host: Lab) -> None:
    image = host.registry.push_image("app/old", "1")
    host.engine.pull(image)
    host.engine.run("old", image.reference, state="exited")
    code, text = page(host, "old")
    assert code == 0
    assert "the engine says: Exited (0) 3 days ago." in " ".join(text.split())


@pytest.mark.parametrize("kind", [CLASSIC, CONTAINERD], ids=["classic", "containerd"])
def test_what_is_built_here_and_what_nobody_answers_for(tmp_path: Path, kind: object) -> None:
    with lab(tmp_path, kind) as host:  # type: ignore[arg-type]
        host.engine.build("acme/own:dev")
        host.engine.run("own", "acme/own:dev")
        image = host.registry.push_image("app/dead", "1")
        host.engine.pull(image, "127.0.0.1:9/app/dead:1")
        host.engine.run("dead", "127.0.0.1:9/app/dead:1")
        code, text = page(host, "own")
        assert (code, text.partition("\n")[0]) == (0, "OK - own: local build")
        code, text = page(host, "dead")
        assert (code, text.partition("\n")[0]) == (3, "UNKNOWN - dead: unreachable")
        assert "Not known: 127.0.0.1:9 refuses connections." in text


def test_json_is_the_usual_object_of_one_container_and_its_requests(host: Lab) -> None:
    code, text = page(host, "web", "-o", "json")
    report = json.loads(text)
    assert code == 0
    assert [container["name"] for container in report["containers"]] == ["web"]
    assert report["state"] == "OK"
    assert report["containers"][0]["status"] == "Up 3 days"
    urls = [request["url"] for request in report["requests"]]
    assert f"http://{host.registry.host}/v2/app/web/manifests/1" in urls


def test_who_signed_and_what_the_policy_demands(host: Lab) -> None:
    image = host.registry.push_image("app/signed", "1")
    host.run("signed", image)
    signer = Signer(host.registry)
    argv = ("--check", "updates,signatures", "--trust-policy", str(signer.policy(host.folder)))
    code, text = page(host, "signed", *argv, "--no-cache")
    assert (code, text.partition("\n")[0]) == (1, "WARNING - signed: unsigned")
    signer.classic(image)
    for _ in range(2):  # asked, and remembered
        code, text = page(host, "signed", *argv)
        assert (code, text.partition("\n")[0]) == (0, "OK - signed: up to date, signed")
        assert "\n  Signed by\n    signer.pub\n    by the key\n    sha256:" in text
        assert f"\n  It signs\n    {image.digest}\n" in text
        assert "\n    It may be signed by\n      the owner of the key signer.pub\n" in text
    assert "What the policy demands" in text


# -- options -------------------------------------------------------------------------------------------------------


def test_the_page_is_a_form_of_its_own_unless_json_is_asked_for() -> None:
    assert parsed("--explain", "web").output == "explain"
    assert parsed("--explain", "web", terminal=True).output == "explain"
    assert parsed("--explain", "web", "-o", "json").output == "json"
    assert parsed("--explain", "web", CHECK_CONTAINER_UPDATES_OUTPUT="json").output == "json"
    assert parsed("--explain", "web", CHECK_CONTAINER_UPDATES_OUTPUT="nagios").output == "explain"


def test_what_the_service_has_in_its_environment_does_not_narrow_it() -> None:
    service = {"INCLUDE": "name=db", "NEW_ONLY": "true", "SERVICE": "night", "CHECK": "updates"}
    settings = parsed("--explain=web", **{f"CHECK_CONTAINER_UPDATES_{name}": value for name, value in service.items()})
    assert (settings.include, settings.new_only, settings.service) == ((), False, "")
    assert settings.checks == ("updates",)
    assert settings.all_containers


def test_the_last_report_of_a_service_stays_as_it_was(host: Lab) -> None:
    host.registry.push_image("app/web2", "1", created="2026-01-01T00:00:00Z")
    argv = ("-H", host.engine.host, "--new-only", "--no-cache", UPDATES)
    assert b"web2: " in plugin(host.folder, *argv).stdout
    plugin(host.folder, "-H", host.engine.host, "--explain", "web", CHECK_CONTAINER_UPDATES_NEW_ONLY="true")
    assert b"and 1 reported before" in plugin(host.folder, *argv).stdout


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--new-only"], "--explain and --new-only contradict each other"),
        (["--include", "name=web"], "--explain and --include contradict each other"),
        (["--service", "night", "--new-only"], "contradict each other"),
        (["--output", "table"], "of --output only json goes with it"),
        (["-o", "nagios"], "of --output only json goes with it"),
        (["--explain="], "the name of a container is missing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_contradictions(argv: list[str], words: str) -> None:
    assert words in refused("--explain", "web", *argv)


def test_it_is_no_option_of_a_service() -> None:
    settings = parser.parse([], {}, terminal=False)
    assert isinstance(settings, Settings)
    assert settings.explain == ""
