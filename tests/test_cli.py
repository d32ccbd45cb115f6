"""The plugin as a process and its options: one report on stdout, nothing on stderr, never an exit code by accident."""

import json
import os
import pty
import pwd
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from container_updates import cli
from container_updates.demo import faults
from container_updates.demo.http import Request, Response
from container_updates.errors import UsageError
from container_updates.options import parser
from container_updates.settings import Selector, Settings
from tests.support.lab import Lab, lab
from tests.support.paths import ROOT

PLUGIN = str(ROOT / "check_container_updates.py")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_STATE_HOME": str(folder), **more}


UPDATES = "--check=updates,restarts"
"""Where it does not matter who signed: the lab's images are of nobody."""


def plugin(folder: Path, *argv: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, PLUGIN, *argv], capture_output=True, env=environment(folder, **more))


def parsed(*argv: str, terminal: bool = False, **environ: str) -> Settings:
    settings = parser.parse(argv, {"HOME": "/home/admin", **environ}, terminal=terminal)
    assert isinstance(settings, Settings)
    return settings


def refused(*argv: str, **environ: str) -> str:
    with pytest.raises(UsageError) as error:
        parser.parse(argv, {"HOME": "/home/admin", **environ}, terminal=False)
    return str(error.value)


# -- options -------------------------------------------------------------------------------------------------------


def test_without_any_option() -> None:
    settings = parsed()
    assert (settings.timeout, settings.jobs, settings.cache_ttl, settings.max_output) == (30, 32, 600, 4096)
    assert settings.checks == ("updates", "restarts", "signatures", "source")
    assert settings.not_checked == "unknown"
    assert settings.docker_config == "/home/admin/.docker"
    assert settings.output == "nagios"


def test_a_terminal_gets_a_table() -> None:
    assert parsed(terminal=True).output == "table"
    assert parsed("--output=nagios", terminal=True).output == "nagios"


def test_every_kind_of_value() -> None:
    settings = parsed(
        *("-H", "unix:///a", "-H", "tcp://b:2375", "-a", "--include", "name=web*", "--exclude=label=a=b"),
        *("--insecure-registry", "registry.example.com:5000", "--mirror", "docker.io=http://mirror.example.com:5000"),
        *("--mirror=docker.io=https://second.example.com", "-w", "3", "-c", "outdated_age=14d", "-vv", "--no-perfdata"),
    )
    assert settings.hosts == ("unix:///a", "tcp://b:2375")
    assert settings.all_containers
    assert settings.include == (Selector("name", "web*"),)
    assert settings.exclude == (Selector("label", "a=b"),)
    assert settings.insecure_registries == ("registry.example.com:5000",)
    assert settings.mirrors == {"docker.io": ("http://mirror.example.com:5000", "https://second.example.com")}
    assert settings.warning == {"outdated": "3"}
    assert settings.critical == {"outdated_age": "1209600"}
    assert (settings.verbose, settings.perfdata) == (2, False)


def test_a_ca_file_for_one_registry_or_for_all(tmp_path: Path) -> None:
    one, other = tmp_path / "one=1.crt", tmp_path / "other.crt"
    one.touch()
    other.touch()
    settings = parsed(f"--ca-file={one}", f"--ca-file=registry.example.com={other}")
    assert settings.ca_files == {"": str(one), "registry.example.com": str(other)}


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--bogus"], "unrecognized arguments: --bogus"),
        (["surplus"], "unrecognized arguments: surplus"),
        (["--time", "5"], "unrecognized arguments: --time 5"),
        (["--timeout"], "--timeout: expected one argument"),
        (["--timeout=soon"], "'soon' is no number of seconds"),
        (["--timeout=0"], "'0' is no number of seconds"),
        (["--timeout=nan"], "'nan' is no number of seconds"),
        (["--timeout=inf"], "'inf' is no number of seconds"),
        (["--jobs=0"], "'0' is no whole number from 1 to 256"),
        (["--jobs=²"], "'²' is no whole number"),
        (["--max-output=9"], "'9' is no whole number from 256"),
        (["--check=updates,foo"], "no check 'foo'; there are updates"),
        (["--check="], "no check ''"),
        (["--include=web"], "'web' is not FIELD=GLOB"),
        (["--exclude=size=3"], "'size=3' is not FIELD=GLOB"),
        (["--output=xml"], "invalid choice: 'xml'"),
        (["--not-checked=fine"], "invalid choice: 'fine'"),
        (["-w", "5:3"], "starts above its end"),
        (["-c", "outdated=many"], "is no range"),
        (["-c", "unheard_of=5"], "unknown metric 'unheard_of'"),
        (["-w", "3", "-w", "outdated=5"], "outdated is given twice"),
        (["--mirror=docker.io"], "is not REGISTRY=http[s]://HOST"),
        (["--mirror=docker.io=ftp://mirror"], "is not REGISTRY=http[s]://HOST"),
        (
            ["--proxy=user:secret@proxy:3128"],
            "'proxy:3128' is not http|https|socks4|socks4a|socks5|socks5h://HOST[:PORT]",
        ),
        (["--mirror=docker.io=https://user:secret@mirror"], "a login does not belong into a mirror's URL"),
        (["--insecure-registry=https://registry.example.com"], "is no registry as image names have it"),
        (["--insecure-registry=10.0.0.0/8"], "is no registry as image names have it"),
        (["--ca-file=/nowhere/ca.crt"], "--ca-file /nowhere/ca.crt: No such file or directory"),
        (["-H", "tcp://a:2376", "--tls-ca=/nowhere"], "--tls-ca /nowhere: No such file or directory"),
        (["-H", "tcp://a:2376", "--tls-cert=/dev/null"], "--tls-cert and --tls-key belong together"),
        (["-H", "unix:///a", "--tls-ca=/dev/null"], "are for a tcp:// or https:// --host"),
        (["--demo", "-H", "unix:///a"], "--demo and --host contradict each other"),
        (["--no-cache", "--cache-ttl=5"], "--no-cache and --cache-ttl contradict each other"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_said_in_one_line(argv: list[str], words: str) -> None:
    message = refused(*argv)
    assert words in message
    assert "\n" not in message
    assert "secret" not in message


def test_the_environment_speaks_where_no_option_does() -> None:
    environ = {
        "CHECK_CONTAINER_UPDATES_TIMEOUT": "12",
        "CHECK_CONTAINER_UPDATES_ALL": "true",
        "CHECK_CONTAINER_UPDATES_NO_CACHE": "no",
        "CHECK_CONTAINER_UPDATES_VERBOSE": "2",
        "CHECK_CONTAINER_UPDATES_WARNING": "5 outdated_age=2d tag_gone=",
        "CHECK_CONTAINER_UPDATES_EXCLUDE": "name=a* 'label=two words'",
    }
    settings = parsed("--exclude=name=b", **environ)
    assert (settings.timeout, settings.all_containers, settings.no_cache, settings.verbose) == (12, True, False, 2)
    assert settings.warning == {"outdated": "5", "outdated_age": "172800", "tag_gone": ""}
    assert settings.exclude == (Selector("name", "b"),), "an option replaces the environment's list"
    assert parsed(**environ).exclude == (Selector("name", "a*"), Selector("label", "two words"))


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("TIMEOUT", "soon", "'soon' is no number of seconds"),
        ("ALL", "perhaps", "neither true nor false: 'perhaps'"),
        ("VERBOSE", "9", "'9' is no whole number from 0 to 3"),
        ("TIMEOUTS", "5", "there is no such option"),
        ("EXCLUDE", "'name=a", "No closing quotation"),
    ],
)
def test_what_is_wrong_in_the_environment_names_the_variable(variable: str, value: str, words: str) -> None:
    message = refused(**{f"CHECK_CONTAINER_UPDATES_{variable}": value})
    assert message.startswith(f"CHECK_CONTAINER_UPDATES_{variable}: ")
    assert words in message


def test_docker_s_own_variables(tmp_path: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    docker = {"DOCKER_HOST": "tcp://engine:2376", "DOCKER_CERT_PATH": str(tmp_path), "DOCKER_CONFIG": "/etc/logins"}
    settings = parsed(**docker, DOCKER_TLS_VERIFY="1")
    assert settings.hosts == ("tcp://engine:2376",)
    assert (settings.tls_ca, settings.tls_cert) == (f"{tmp_path}/ca.pem", f"{tmp_path}/cert.pem")
    assert (settings.tls_key, settings.tls_verify) == (f"{tmp_path}/key.pem", True)
    assert settings.docker_config == "/etc/logins"
    assert not parsed(**docker).tls_verify
    assert parsed("-H", "unix:///a", **docker).tls_ca is None


def test_the_state_directory_of_a_user() -> None:
    assert parsed(XDG_STATE_HOME="/s").state_dir == "/s/check_container_updates"
    assert parsed("--state-dir=/t", XDG_STATE_HOME="/s").state_dir == "/t"


@pytest.mark.parametrize("url", ["tcp://bob:s3/cr@t@127.0.0.1:1", "TCP://bob:s3cr@127.0.0.1:1", "bob:s3cr@127.0.0.1:1"])
def test_the_login_of_an_engine_that_fails_is_in_no_output(host: Lab, url: str, tmp_path: Path) -> None:
    host.run("web", host.registry.push_image("acme/web", "1"))
    state = f"--state-dir={tmp_path}"
    for argv in (["-vvv"], ["--output=json"], ["--explain=web"], ["-H", host.engine.host, "-vv"]):
        done = plugin(tmp_path, "-H", url, *argv, UPDATES, state)
        assert done.returncode == 3
        assert b"127.0.0.1:1" in done.stdout
        assert b"s3" not in done.stdout


def test_a_proxy_is_shown_without_its_login() -> None:
    settings = parsed("--proxy=http://user:s3cret@proxy:3128")
    assert settings.proxy == "http://user:s3cret@proxy:3128"
    assert ("--proxy", "http://proxy:3128", "command line") in settings.origins


def test_where_each_setting_came_from() -> None:
    environ = {"CHECK_CONTAINER_UPDATES_JOBS": "4", "DOCKER_HOST": "tcp://user:secret@engine:2375"}
    origins = {option: (value, origin) for option, value, origin in parsed("-t", "5", **environ).origins}
    assert origins["--timeout"] == ("5.0", "command line")
    assert origins["--jobs"] == ("4", "CHECK_CONTAINER_UPDATES_JOBS")
    assert origins["--host"] == ("tcp://engine:2375", "DOCKER_HOST")
    assert origins["--cache-ttl"] == ("600.0", "default")


# -- the process ---------------------------------------------------------------------------------------------------


def test_version_and_help_are_no_check(tmp_path: Path) -> None:
    for argv in (["-V", "--demo"], ["--help"]):
        done = plugin(tmp_path, *argv)
        assert (done.returncode, done.stderr) == (0, b""), argv
        assert b"check_container_updates" in done.stdout
    assert parser.parse(["--version"], {}, terminal=False) == parser.parse(["-V"], {}, terminal=True)
    assert parser.parse(["-h"], {}, terminal=False) == parser.parse(["--help"], {}, terminal=True)


def test_neither_version_nor_help_imports_what_only_a_check_needs(tmp_path: Path) -> None:
    script = f"import sys; sys.argv = ['x', '--version']; sys.path.insert(0, {str(ROOT)!r})\n"
    script += "from container_updates.cli import main; main()\n"
    script += (
        "print([name for name in ('docker', 'requests', 'nagiosplugin', 'sqlite3', 'ssl') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(tmp_path))
    assert done.stdout.splitlines()[-1] == "[]"


def test_check_whose_answers_are_known_loads_nothing_that_only_asking_needs(host: Lab, tmp_path: Path) -> None:
    host.run("web", host.registry.push_image("shop/web", "1"))
    arguments = ["x", "-H", host.engine.host, "--check=updates,restarts,signatures,source"]
    script = f"import sys; sys.argv = {arguments!r}; sys.path.insert(0, {str(ROOT)!r})\n"
    script += "from container_updates.cli import main; main()\n"
    script += "print([name for name in ('requests', 'urllib3', 'docker', 'cryptography') if name in sys.modules])"
    for loaded in (True, False):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(tmp_path))
        assert ("requests" in done.stdout.splitlines()[-1]) is loaded, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_cannot_be_checked_is_unknown_in_one_line_on_stdout(tmp_path: Path) -> None:
    done = plugin(tmp_path, "-H", "unix:///nowhere/docker.sock")
    assert done.returncode == 3
    assert done.stdout.startswith(b"CONTAINER_UPDATES UNKNOWN - ")
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


@pytest.mark.parametrize("argv", [["--bogus"], ["-w", "x"], ["-H", "ftp://x"]])
def test_whatever_is_wrong_with_the_options_is_unknown(argv: Sequence[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(argv, {}) == 3
    stdout, stderr = capfd.readouterr()
    assert stdout.startswith("CONTAINER_UPDATES UNKNOWN - ")
    assert stdout.count("\n") == 1
    assert stderr == ""


def test_exit_codes_and_outputs_of_a_check(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    argv = ("-H", host.engine.host, UPDATES)
    fine = plugin(host.folder, *argv)
    assert fine.returncode == 0
    assert fine.stdout.startswith(b"CONTAINER_UPDATES OK - 1 container up to date | containers=1 images=1 ")
    host.registry.push_image("app/web", "1", created="2026-01-01T00:00:00Z")
    assert plugin(host.folder, *argv).returncode == 0, "within the cache's time to live"
    assert plugin(host.folder, *argv, "--no-cache").returncode == 1
    as_json = plugin(host.folder, *argv, "--no-cache", "-c", "0", "-o", "json")
    assert as_json.returncode == 2
    assert json.loads(as_json.stdout)["state"] == "CRITICAL"
    assert as_json.stderr == fine.stderr == b""


def test_the_demo_needs_nothing_and_ignores_the_host_s_settings(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{ broken")
    done = plugin(
        *(tmp_path, "--demo", "-v"),
        DOCKER_HOST="tcp://127.0.0.1:1",
        DOCKER_CONFIG=str(tmp_path),
        HTTP_PROXY="http://127.0.0.1:1",
        HTTPS_PROXY="http://127.0.0.1:1",
        TMPDIR=str(tmp_path),
    )
    assert done.returncode == 2
    assert done.stdout.startswith(b"CONTAINER_UPDATES CRITICAL - 1 of 19 containers with an invalid signature")
    assert done.stderr == b""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json"], "nothing is left behind"


def test_the_demo_shows_who_signed_what(tmp_path: Path) -> None:
    done = plugin(tmp_path, "--demo", "-v", "--max-output=20000")
    assert done.returncode == 2
    said = done.stdout.decode()
    assert "1 of 19 containers with an invalid signature (newsletter)" in said
    assert "/shop/newsletter:3 signature invalid: signed for another image" in said
    assert "/shop/payments:3 not signed" in said
    assert "; signature cannot be verified: signed with a key that the policy does not name" in said
    assert "/shop/search:3 source mismatch: https://git.example.com/shop/find by its signed provenance, but" in said
    [line] = [line for line in said.splitlines() if "/shop/api:3" in line]
    assert "; signed by shop-release.pub" in line
    assert "; built from https://git.example.com/shop/api at 9f3c0e5a6d1b by https://ci.example.com/release" in line


def test_the_demo_without_the_packages_for_signatures_names_them(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['cryptography'] = None")
    done = plugin(tmp_path, "--demo", "--check=updates,signatures", PYTHONPATH=str(tmp_path))
    said = done.stdout.decode()
    assert "1 unsigned, 2 unverifiable" in said, "for another image can be told without them"
    assert said.count("pip install") == 1, "for the whole run, not a container"
    assert (
        "Problem: signatures: signatures cannot be checked without the Python package cryptography: "
        "apt install python3-cryptography, or pip install cryptography\n"
    ) in said
    assert "check_container_updates[" not in said


def test_every_request_is_shown_at_vvv_and_no_secret_with_it(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    logins = {"auths": {host.registry.host: {"auth": "YWRtaW46c2VjcmV0"}}}
    (host.folder / "config.json").write_text(json.dumps(logins))
    done = plugin(host.folder, "-H", host.engine.host, "-vvv", "--docker-config", str(host.folder))
    assert f"Request: HEAD http://{host.registry.host}/v2/app/web/manifests/1 200 ".encode() in done.stdout
    assert b"Setting: --host unix://" in done.stdout
    assert b"secret" not in done.stdout + done.stderr
    assert b"YWRtaW46c2VjcmV0" not in done.stdout + done.stderr


def test_sigterm_reports_what_is_known(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    asked = threading.Event()

    def silence(request: Request, answer: Response) -> Response:
        asked.set()
        return faults.silence()(request, answer)

    host.registry.fail(silence)
    argv = [sys.executable, PLUGIN, "-H", host.engine.host, "--timeout=600"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(host.folder)
    ) as running:
        assert asked.wait(60)
        running.send_signal(signal.SIGTERM)
        stdout, stderr = running.communicate(timeout=30)
    assert running.returncode == 3
    assert stdout.startswith(b"CONTAINER_UPDATES UNKNOWN - 1 of 1 container not checked: timeout (web)")
    assert stderr == b""


def test_a_signal_while_modules_are_read_is_reported_too(tmp_path: Path) -> None:
    """On a busy machine that takes longer than the rest; a module that never comes stands for it."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, time\n"
        "class Slow:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'container_updates.check' and not getattr(self, 'told', 0):\n"
        "            self.told = print('reading', file=sys.stderr, flush=True) or 1\n"
        "            sys.stdin.readline()\n"
        "sys.meta_path.insert(0, Slow())\n"
    )
    environ = environment(tmp_path, PYTHONPATH=str(tmp_path))
    argv, pipe = [sys.executable, PLUGIN, "-H", "unix:///nowhere"], subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env=environ) as running:
        assert running.stderr
        assert running.stderr.readline() == b"reading\n"
        running.send_signal(signal.SIGTERM)
        stdout, _ = running.communicate(b"\n", timeout=60)
    assert running.returncode == 3
    assert stdout.startswith(b"CONTAINER_UPDATES UNKNOWN - unix:///nowhere did not answer within the time")


def test_a_helper_does_not_outlive_the_check(host: Lab) -> None:
    """It sleeps beyond the deadline, and so does a program that it started."""
    host.run("web", host.registry.push_image("app/web", "1"))
    helper, pid = host.folder / "docker-credential-slow", host.folder / "pid"
    helper.write_text(f"#!/bin/sh\necho $$ > {pid}\nsleep 600\n")
    helper.chmod(0o755)
    (host.folder / "config.json").write_text('{"credsStore": "slow"}')
    options = ["-H", host.engine.host, f"--docker-config={host.folder}", "--timeout=2"]
    done = plugin(host.folder, *options, PATH=f"{host.folder}:{os.environ['PATH']}")
    assert done.returncode == 3
    assert b"timeout (web)" in done.stdout
    if pid.exists():  # else it was ended before it had begun
        command = Path(f"/proc/{pid.read_text().strip()}/cmdline")
        for _ in range(1000):
            if not (command.exists() and command.read_bytes()):
                return
            threading.Event().wait(0.01)
        pytest.fail("the helper still runs")


def test_a_reader_who_left_changes_nothing(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    reading, writing = os.pipe()
    os.close(reading)
    argv = [sys.executable, PLUGIN, "-H", host.engine.host, UPDATES]
    done = subprocess.run(argv, stdout=writing, stderr=subprocess.PIPE, env=environment(host.folder))
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_stdout_that_is_closed_changes_nothing(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    command = ["sh", "-c", f'exec "{sys.executable}" "{PLUGIN}" -H "{host.engine.host}" {UPDATES} >&-']
    done = subprocess.run(command, stderr=subprocess.PIPE, env=environment(host.folder))
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_ascii_locale_still_gets_utf_8_in_a_pipe(host: Lab) -> None:
    host.run("wöb", host.registry.push_image("app/web", "1"))
    done = plugin(host.folder, "-H", host.engine.host, "-v", UPDATES, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 0
    assert "wöb" in done.stdout.decode()


def test_a_terminal_gets_the_table_and_a_bar(host: Lab) -> None:
    pytest.importorskip("rich", reason="the extra `table`")
    host.run("web", host.registry.push_image("app/web", "1"))
    ours, theirs = pty.openpty()
    argv = [sys.executable, PLUGIN, "-H", host.engine.host, "-v", UPDATES]
    environ = environment(host.folder, TERM="xterm", COLUMNS="120")
    running = subprocess.Popen(argv, stdout=theirs, stderr=theirs, stdin=theirs, env=environ)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert running.wait() == 0
    text = shown.decode()
    assert "asking registries" in text
    assert "\x1b[32mOK\x1b[0m - 1 container up to date" in text
    assert "CONTAINER_UPDATES" not in text


def test_a_package_that_is_missing_is_named(tmp_path: Path) -> None:
    for package in ("nagiosplugin", "docker", "requests"):
        (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.modules[{package!r}] = None")
        done = plugin(tmp_path, "--demo", PYTHONPATH=str(tmp_path))
        assert done.returncode == 3
        assert done.stdout.startswith(f"CONTAINER_UPDATES UNKNOWN - the Python package {package} is missing".encode())
        assert done.stderr == b""


def test_the_file_without_its_folder_says_so(tmp_path: Path) -> None:
    alone = tmp_path / "check_container_updates.py"
    alone.write_bytes(Path(PLUGIN).read_bytes())
    done = subprocess.run([sys.executable, "-P", "-S", str(alone)], capture_output=True, env=environment(tmp_path))
    assert done.returncode == 3
    assert done.stdout.startswith(b"CONTAINER_UPDATES UNKNOWN - No module named 'container_updates'")


def test_a_report_in_a_file_is_whole_and_leaves_stdout_alone(host: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    file = host.folder / "container_updates.prom"
    file.write_text("what a collector reads meanwhile")
    options = ["-H", host.engine.host, f"--state-dir={host.folder}/state", "--check=updates"]
    code = cli.main([*options, "--output=prometheus", f"--output-file={file}"], {"HOME": str(host.folder)})
    assert (code, capsys.readouterr().out) == (0, "")
    assert "container_updates_outdated 0\n" in file.read_text()
    assert [path.name for path in host.folder.glob(".container_updates.prom*")] == []
    code = cli.main([*options, f"--output-file={host.folder}/none/x.prom"], {"HOME": str(host.folder)})
    assert code == 3
    assert "--output-file" in capsys.readouterr().out


def test_quiet_says_nothing_where_nothing_is_wrong_or_new(host: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """What cron mails: trouble, once."""
    web = host.registry.push_image("app/web", "1")
    host.run("web", web)
    options = ["-H", host.engine.host, f"--state-dir={host.folder}/state", "--check=updates", "--cache-ttl=0"]

    def asked(*more: str) -> tuple[int, str]:
        code = cli.main([*options, "--quiet", *more], {"HOME": str(host.folder)})
        return code, capsys.readouterr().out

    assert asked() == (0, "")
    host.registry.push_image("app/web", "1", layers=[b"newer"])
    code, text = asked("--new-only")
    assert code == 1
    assert "outdated" in text
    assert asked("--new-only") == (1, "")
    assert "outdated" in asked()[1]


@pytest.mark.parametrize("text", ["5", "5s", "5.0s"])
def test_a_timeout_may_say_its_unit(text: str) -> None:
    settings = parser.parse([f"--timeout={text}"], {"HOME": "/"}, terminal=False)
    assert isinstance(settings, Settings)
    assert settings.timeout == 5


@pytest.mark.parametrize("option", ["--tags", "--not-tags"])
def test_a_tag_pattern_that_is_none_is_refused_before_anything_is_asked(option: str) -> None:
    assert refused(f"{option}=(") == f"the regular expression of {option} cannot be used: '('"
    assert parsed(f"{option}=^1").tags or parsed(f"{option}=^1").not_tags


def test_without_re2_a_tag_pattern_names_the_packages_of_apt_and_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    words = refused("--tags=never-compiled-before")
    assert words.endswith("needs the Python package re2: apt install python3-re2, or pip install google-re2")


@pytest.mark.parametrize("option", ["--service", "--host", "--trust-policy", "--include", "--state-dir"])
def test_bytes_that_are_not_utf_8_are_a_usage_error(option: str, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "check_container_updates.py"), option, b"unix:///tmp/M\xfcller"]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, check=False)
    assert done.returncode == 3
    assert b"UNKNOWN - the command line has bytes that are not UTF-8" in done.stdout
    assert (done.stdout.count(b"\n"), done.stderr) == (1, b"")


def test_bytes_that_are_not_utf_8_in_the_environment_name_the_variable() -> None:
    assert refused(HOME="/home/M\udcfcller").startswith("HOME of the environment has bytes that are not UTF-8: ")
    variable = "CHECK_CONTAINER_UPDATES_SERVICE"
    assert refused(**{variable: "\udcfc"}).startswith(f"{variable} of the environment has bytes")


@pytest.mark.parametrize("option", ["--trust-policy", "--tls-ca", "--tls-cert", "--ca-file", "DOCKER_CONFIG"])
def test_a_named_pipe_in_the_place_of_a_file_keeps_no_check_waiting(host: Lab, option: str) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    pipe = host.folder / "config.json"
    os.mkfifo(pipe)
    argv = ["-t", "5", "-H", host.engine.host]
    argv += {"--tls-cert": ["--tls-cert", str(pipe), "--tls-key", str(pipe)], "DOCKER_CONFIG": []}.get(
        option, [option, str(pipe)]
    )
    argv += ["-H", "tcp://127.0.0.1:1"] if option.startswith("--tls") else []
    done = plugin(host.folder, *argv, DOCKER_CONFIG=str(host.folder))
    assert b"not a regular file" in done.stdout
    assert (done.returncode == 3) == (option != "DOCKER_CONFIG")


def test_home_of_another_user_is_not_used(tmp_path: Path) -> None:
    """Icinga, started by root from a shell, has root's HOME."""
    foreign = next((one for one in ("/root", "/home") if os.stat(one).st_uid != os.geteuid()), None)
    if foreign is None:
        os.chown(tmp_path, 65534, -1)
        foreign = str(tmp_path)
    settings = parser.parse([], {"HOME": foreign}, terminal=False)
    assert isinstance(settings, Settings)
    assert settings.docker_config == os.path.join(pwd.getpwuid(os.geteuid()).pw_dir, ".docker")
    assert parser.parse([], {"HOME": "/nowhere"}, terminal=False).docker_config == "/nowhere/.docker"  # type: ignore[union-attr]


def test_where_nothing_can_be_remembered_the_first_line_says_so(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    (host.folder / "file").write_text("")
    done = plugin(host.folder, "-H", host.engine.host, "--check=updates", "--state-dir", str(host.folder / "file"))
    first = done.stdout.decode().splitlines()[0]
    assert first.startswith("CONTAINER_UPDATES OK - 1 container up to date, nothing is remembered (")


def test_however_small_the_output_a_sentence_is_left(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    done = plugin(host.folder, "-H", host.engine.host, "--check=updates", "--max-output=256")
    assert done.stdout.startswith(b"CONTAINER_UPDATES OK - 1 container up to date | containers=1")
