"""Engines that are old, odd, out of reach or hostile: one line that says what to do, or the one container it costs."""

import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from container_updates.clock import Clock, Deadline
from container_updates.errors import InventoryError
from container_updates.inventory.connections.failures import words
from container_updates.model import Problem
from container_updates.settings import Selector, Settings

from .conftest import PreparedEngine, answers, ask, by_name

Serve = Callable[..., PreparedEngine]
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
DIGEST = "sha256:" + "d" * 64


def container(name: str = "web", image: str = "nginx:1.27", image_id: str = OLD, **more: Any) -> dict[str, Any]:
    identity = f"{sum(name.encode()):064x}"
    return {"Id": identity, "Names": [f"/{name}"], "Image": image, "ImageID": image_id, "State": "running", **more}


def image(image_id: str = OLD, tag: str | None = "nginx:1.27", digests: Any = (f"nginx@{DIGEST}",)) -> dict[str, Any]:
    tags = [tag] if tag else None
    return {"Id": image_id, "RepoTags": tags, "RepoDigests": list(digests), "Created": 1, "Labels": None}


def refused(url: str | PreparedEngine, settings: Settings | None = None, seconds: float = 20.0) -> str:
    with pytest.raises(InventoryError) as caught:
        list(ask(url, settings, seconds).containers())
    words = str(caught.value)
    assert "\n" not in words
    assert " object at 0x" not in words
    return words


# --- the API's two ends


@pytest.mark.parametrize(
    ("newest", "minimum", "used"),
    [("1.24", None, "1.24"), ("1.41", "1.12", "1.41"), ("1.60", "1.44", "1.53"), ("1.99", "1.70", "1.70")],
)
def test_api_version_is_negotiated(serve: Serve, newest: str, minimum: str | None, used: str) -> None:
    prepared = answers([container()], [image()], api=newest)
    prepared["/version"] = {"ApiVersion": newest} | ({"MinAPIVersion": minimum} if minimum else {})
    served = serve(prepared)
    assert by_name(ask(served))["web"].subject is not None
    assert {path.split("/")[1] for path in served.paths()[1:]} == {f"v{used}"}


def test_engine_older_than_the_oldest_api_is_named(serve: Serve) -> None:
    assert "speaks API 1.18 at most: 1.24 is needed" in refused(serve(answers(api="1.18")))


def test_engine_that_refuses_the_version_is_quoted(serve: Serve) -> None:
    prepared = answers()
    prepared["/containers/json"] = (400, {"message": "client version 1.41 is too old.\nMinimum is 1.44"})
    assert "HTTP 400: client version 1.41 is too old. Minimum is 1.44" in refused(serve(prepared))


# --- out of reach


def test_no_socket(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/docker.sock"
    assert refused(url) == (f"no engine at {url}: no such socket (is Docker running? another one: -H or DOCKER_HOST)")


def test_socket_nobody_listens_on(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "left-behind").touch()
    assert "nobody listens there" in refused(f"unix://{tmp_path}/left-behind")
    assert "nobody listens there" in refused("tcp://127.0.0.1:1")


def test_no_permission_on_the_socket() -> None:
    assert words(PermissionError(13, "Permission denied"), "unix:///run/docker.sock", "/version") == (
        "permission denied on unix:///run/docker.sock: run as a member of group docker (equals root) "
        "or use a read-only socket proxy"
    )


@pytest.mark.parametrize("path", ["/version", "/containers/json"])
def test_socket_proxy_that_denies_what_is_needed(serve: Serve, path: str) -> None:
    words = refused(serve({**answers(), path: (403, b"<html><body>403 Forbidden</body></html>")}))
    assert "permission denied by" in words
    assert f"GET {path} (a socket proxy must let it pass" in words


def test_socket_proxy_that_denies_everything_is_told_in_one_line_with_its_switches(serve: Serve) -> None:
    """Tecnativa's and linuxserver's proxies let /version pass by default, and nothing else that is needed."""
    denied = dict.fromkeys(("/info", "/images/json", "/containers/json"), (403, b"<html>"))
    served = serve({**answers(), **denied})
    assert refused(served) == (
        f"permission denied by {served.url}: HTTP 403 for GET /info, /images/json, /containers/json "
        "(a socket proxy must let them pass: CONTAINERS=1 IMAGES=1 INFO=1)"
    )


def test_socket_proxy_that_denies_images_leaves_what_the_containers_tell(serve: Serve) -> None:
    inventory = ask(serve({**answers([container()], [image()]), "/images/json": (403, b"no")}))
    subject = by_name(inventory)["web"].subject
    assert subject is not None
    assert (subject.image.id, subject.image.digests, subject.image.pulled) == (OLD, frozenset(), None)
    (problem,) = inventory.problems
    assert "its images' digests and labels not known" in problem.message
    assert "IMAGES=1" in problem.message


def test_socket_proxy_that_denies_info_costs_only_a_word(serve: Serve) -> None:
    inventory = ask(serve({**answers([container()], [image()]), "/info": (403, b"no")}))
    assert by_name(inventory)["web"].subject is not None
    assert [problem.code for problem in inventory.problems] == ["unauthorized"]
    assert "mirrors and insecure registries not known" in inventory.problems[0].message
    assert inventory.registries().mirrors == {}


def test_images_that_fail_otherwise_are_an_error(serve: Serve) -> None:
    assert "HTTP 500" in refused(serve({**answers([container()]), "/images/json": (500, {"message": "broken"})}))


def test_containerd_store_is_recognised_without_info(serve: Serve) -> None:
    images = [image(OLD, None, []), image(NEW, "nginx:1.27", [f"nginx@{NEW}"])]
    inventory = ask(serve({**answers([container()], images), "/info": (403, b"no")}))
    subject = by_name(inventory)["web"].subject
    assert subject is not None
    assert subject.image.digests == {OLD}


@pytest.mark.parametrize("path", ["", "/version"])
def test_web_server_is_no_engine(serve: Serve, path: str) -> None:
    page = b"<!DOCTYPE html><html><body>It works!</body></html>"
    words = refused(serve({"/version": page if path else (404, page)}, tcp=True))
    assert words.startswith("tcp://127.0.0.1:")
    assert "answers, but is no Docker Engine (HTML)" in words


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"{}",
        b"[]",
        b"null",
        b"7",
        b'{"ApiVersion": 1.41}',
        b'{"ApiVersion": "1.41; rm"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"ApiVersion": ' + b"9" * 5000 + b"}",
    ],
)
def test_anything_else_is_no_engine(serve: Serve, body: bytes) -> None:
    assert "is no Docker Engine" in refused(serve({"/version": body}))


@pytest.mark.parametrize("path", ["/containers/json", "/images/json"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"message": "x"}',
        b'[{"Id": ',
        b"[1 2]",
        b"[{}] []",
        b"[" * 100_000,
        b'[{"a":' * 50_000,
        b"[" + b"9" * 5000 + b"]",
        b"\x1f\x8b\x08\x00",
        b'[{"Names": ["\xff',
    ],
)
def test_list_that_is_no_list(serve: Serve, path: str, body: bytes) -> None:
    assert "is no Docker Engine" in refused(serve({**answers(), path: body}))


def test_answer_cut_off_by_the_connection(serve: Serve) -> None:
    def cut(handler: Any) -> None:
        handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{"Id": "1"')
        handler.close_connection = True

    words = refused(serve({**answers(), "/containers/json": cut}))
    assert "GET /v1.41/containers/json" in words


def test_no_http_at_all(serve: Serve) -> None:
    def greet(handler: Any) -> None:
        handler.wfile.write(b"220 mail.example.com ESMTP\r\n")
        handler.close_connection = True

    assert "no HTTP, or an incomplete answer" in refused(serve({"/version": greet}))


def test_answer_beyond_its_size_is_not_read_on(serve: Serve) -> None:
    def endless(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n[")
        while True:
            handler.wfile.write(b'{"Id": "%b"},' % (b"x" * 60_000))

    assert "answers more than 64 MiB" in refused(serve({**answers(), "/images/json": endless}))


def test_more_records_than_can_be(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("container_updates.inventory.engine._MAX_RECORDS", 2)
    assert "more than 2 records" in refused(serve(answers([container("a"), container("b"), container("c")])))


def test_compressed_answer_is_not_inflated(serve: Serve) -> None:
    import gzip

    def bomb(handler: Any) -> None:
        body = gzip.compress(b"[" + b" " * 50_000_000 + b"]", compresslevel=1)
        handler.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )

    assert "is no Docker Engine" in refused(serve({**answers(), "/containers/json": bomb}))


def test_redirect_is_not_followed(serve: Serve) -> None:
    target = serve(answers(), tcp=True)

    def away(handler: Any) -> None:
        handler.send_response(302)
        handler.send_header("Location", target.url.replace("tcp", "http") + "/version")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    assert "HTTP 302" in refused(serve({"/version": away}, tcp=True))
    assert target.asked == []


@pytest.mark.parametrize(
    "url", ["npipe://host", "docker.sock", "tcp://host", "tcp://[::1", "tcp://h:99999", "unix://", ""]
)
def test_url_that_names_no_engine(url: str) -> None:
    assert "is no engine URL: unix:///PATH" in refused(url)


def test_login_in_a_url_is_never_shown() -> None:
    inventory = ask("tcp://admin:s3cret@127.0.0.1:1")
    with pytest.raises(InventoryError) as caught:
        inventory.containers()
    shown = f"{caught.value} {inventory.engine} {inventory.requests} {inventory.problems}"
    assert "s3cret" not in shown
    assert inventory.engine == "tcp://127.0.0.1:1"


# --- time


def test_silent_socket_ends_with_the_deadline(silent_socket: str) -> None:
    assert refused(silent_socket, seconds=0.05) == (
        f"{silent_socket} does not answer GET /version in time (-t gives it longer)"
    )


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n\r\n["])
def test_dripping_socket_ends_with_the_deadline(serve: Serve, start: bytes) -> None:
    from threading import Event

    never = Event()

    def drip(handler: Any) -> None:
        handler.wfile.write(start)
        while not never.wait(0.005):
            handler.wfile.write(b" ")

    served = serve({**answers(), "/containers/json": drip})
    assert "does not answer GET /v1.41/containers/json in time" in refused(served, seconds=0.5)
    never.set()


def test_deadline_moved_by_a_signal_ends_the_wait(silent_socket: str) -> None:
    from threading import Timer

    from container_updates.inventory.engine import DockerEngine

    deadline = Deadline(3600, Clock())
    inventory = DockerEngine(silent_socket, settings=Settings(), deadline=deadline)
    Timer(0.05, deadline.expire).start()
    with pytest.raises(InventoryError, match="in time"):
        inventory.containers()


# --- TLS


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for ca in ("ca", "other-ca"):
        openssl(
            "req", "-x509", *curve, "-keyout", f"{ca}.key", "-out", f"{ca}.crt", "-days", "30", "-subj", f"/CN={ca}"
        )
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl("req", *curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile", "san")
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signed)
    return folder


@pytest.fixture
def tls_engine(serve: Serve, certificates: Path) -> PreparedEngine:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    context.load_verify_locations(certificates / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    return serve(answers([container()], [image()]), tls=context)


def tls(folder: Path, ca: str = "ca", *, client: bool = True, verify: bool = True) -> Settings:
    cert, key = (str(folder / "client.crt"), str(folder / "client.key")) if client else (None, None)
    return Settings(tls_ca=str(folder / f"{ca}.crt"), tls_cert=cert, tls_key=key, tls_verify=verify)


def test_tls_with_a_client_certificate(tls_engine: PreparedEngine, certificates: Path) -> None:
    assert "web" in by_name(ask(tls_engine, tls(certificates)))


def test_an_ordinary_private_ca_is_accepted_where_python_is_strict_by_default(
    tls_engine: PreparedEngine, certificates: Path, strict_python: None
) -> None:
    assert "web" in by_name(ask(tls_engine, tls(certificates)))


def test_tls_of_another_ca_is_not_trusted(tls_engine: PreparedEngine, certificates: Path) -> None:
    words = refused(tls_engine, tls(certificates, "other-ca"))
    assert "no trusted TLS to" in words
    assert "--tls-ca" in words
    assert tls_engine.asked == []


def test_tls_without_the_client_certificate(tls_engine: PreparedEngine, certificates: Path) -> None:
    words = refused(tls_engine, tls(certificates, client=False))
    assert tls_engine.asked == []
    assert tls_engine.url in words


def test_tls_unverified_only_when_asked_for(
    tls_engine: PreparedEngine, certificates: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert "web" in by_name(ask(tls_engine, tls(certificates, "other-ca", verify=False)))
    assert capfd.readouterr() == ("", "")


def test_plain_http_to_a_tls_engine_says_so(serve: Serve) -> None:
    body = b"Client sent an HTTP request to an HTTPS server.\n"
    assert "wants TLS: --tls-ca" in refused(serve({"/version": (400, body)}, tcp=True))


def test_tls_file_that_is_not_there_is_named(certificates: Path) -> None:
    words = refused("tcp://127.0.0.1:1", tls(certificates, "missing"))
    assert words == f"--tls-ca {certificates}/missing.crt: No such file or directory"


# --- odd records


def test_broken_record_costs_only_itself(serve: Serve) -> None:
    odd: list[Any] = [7, None, [], "x", {}, {"Names": "web"}, {"Names": [None], "Id": 3}]
    inventory = ask(
        serve(
            answers(
                [*odd, container(), {"Names": ["/half"]}, container("anon", image_id="x")], [1, {"Id": "x"}, image()]
            )
        )
    )
    found = by_name(inventory)
    assert set(found) == {"web", "half", "anon"}
    assert found["anon"].problem == "its record has no image id: what runs is not known"
    assert found["web"].subject is not None
    assert found["half"].subject is None
    assert found["half"].problem == "its record names no image"
    assert inventory.problems == [
        Problem(inventory.engine, "bad-answer", "7 container records with neither name nor id: not checked")
    ]


@pytest.mark.parametrize(
    "name", ["NGINX", "nginx@sha256:1", "a b", "x" * 2000, "nginx|; rm\n", "\x1b[31m", "\ud800", ""]
)
def test_container_of_an_impossible_name_is_a_problem_of_its_own(serve: Serve, name: str) -> None:
    found = by_name(ask(serve(answers([container("odd", name), container()], [image()]))))
    assert found["odd"].subject is None
    assert found["odd"].problem
    assert found["web"].problem is None


def test_hostile_words_stay_data(serve: Serve) -> None:
    name, label = "we|b\n\x1b[2J\u202e", "x" * 10_000
    hostile = container(name, Labels={"a": label, "b": 1, "com.docker.compose.project": "p\n|"})
    found = next(iter(ask(serve(answers([hostile], [image()]))).containers()))
    assert (found.name, found.labels["a"], found.project) == (name, label, "p\n|")
    assert found.subject is not None


def test_invalid_utf8_spoils_only_the_name_it_stands_in(serve: Serve) -> None:
    body = json.dumps([container("AAA"), container()]).encode().replace(b"AAA", b"A\xffA")
    found = by_name(ask(serve({**answers([], [image()]), "/containers/json": body})))
    assert set(found) == {"A\ufffdA", "web"}


@pytest.mark.parametrize("body", [b"null", b"[]", b" [ ] \n"])
def test_engine_without_containers(serve: Serve, body: bytes) -> None:
    assert by_name(ask(serve({**answers(), "/containers/json": body}))) == {}


# --- names by image id


def test_short_image_id_is_an_id_and_not_a_name(serve: Serve) -> None:
    prepared = answers([container("web", OLD[7:19])], [image()])
    prepared[f"/containers/{container()['Id']}/json"] = {"Config": {"Image": OLD[7:19]}}
    found = by_name(ask(serve(prepared)))["web"]
    assert found.image == "docker.io/library/nginx:1.27"


def test_name_that_looks_like_an_id_stays_a_name(serve: Serve) -> None:
    served = serve(answers([container("web", "aaaa")], [image(tag="aaaa:latest", digests=[f"aaaa@{DIGEST}"])]))
    assert by_name(ask(served))["web"].image == "docker.io/library/aaaa:latest"
    assert not any("/web/" in path or path.endswith(f"{OLD}/json") for path in served.paths())


def test_inspect_that_fails_costs_only_its_container(serve: Serve) -> None:
    found = by_name(ask(serve(answers([container("old", OLD), container()], [image(NEW), image(OLD, None)]))))
    assert found["old"].problem is not None
    assert "its name cannot be asked" in found["old"].problem
    assert found["web"].subject is not None


def test_containers_started_by_image_id_are_asked_for_side_by_side_each_once(serve: Serve) -> None:
    """400 images at 40 ms must not take 16 seconds."""
    from threading import Barrier

    together = Barrier(8)
    prepared = answers([container(f"c{number}", OLD) for number in range(8)], [image(OLD, None)])

    def inspect(handler: Any) -> None:
        together.wait(20)
        body = json.dumps({"Config": {"Image": "nginx:1.27"}}).encode()
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    for record in prepared["/containers/json"]:
        prepared[f"/containers/{record['Id']}/json"] = inspect
    served = serve(prepared)
    found = by_name(ask(served))
    assert {one.image for one in found.values()} == {"docker.io/library/nginx:1.27"}
    assert len(served.asked) == 4 + 8


def test_details_of_several_images_are_asked_side_by_side_each_once(serve: Serve) -> None:
    from threading import Barrier, Thread

    together = Barrier(2)
    prepared = answers([container("a"), container("b", "redis:7", NEW)], [image(), image(NEW, "redis:7")])

    def inspect(handler: Any) -> None:
        together.wait(20)
        body = b'{"Os": "linux", "Architecture": "amd64"}'
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    prepared[f"/images/{OLD}/json"] = prepared[f"/images/{NEW}/json"] = inspect
    served = serve(prepared)
    inventory = ask(served)
    images = [one.subject.image for one in by_name(inventory).values() if one.subject]
    asking = [Thread(target=inventory.details, args=(images[number % 2],)) for number in range(6)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len(served.asked) == 4 + 2


def test_hostile_id_is_never_put_into_a_path(serve: Serve) -> None:
    record = container("../../images", OLD) | {"Id": "../../images"}
    served = serve(answers([record], [image()]))
    found = next(iter(ask(served).containers()))
    assert found.problem == "its record has no id to ask for"
    assert len(served.asked) == 4


# --- pulled or built


def test_old_image_that_lost_its_names_is_no_local_build(serve: Serve) -> None:
    images = [image(OLD, None, []), image(NEW)]
    subject = by_name(ask(serve(answers([container()], images))))["web"].subject
    assert subject is not None
    assert subject.image.pulled is None
    assert subject.tag_image is not None
    assert subject.tag_image.id == NEW


def test_image_deleted_under_a_running_container(serve: Serve) -> None:
    subject = by_name(ask(serve(answers([container()], []))))["web"].subject
    assert subject is not None
    assert (subject.image.pulled, subject.image.digests) == (None, frozenset())


@pytest.mark.parametrize(
    ("api", "identity", "pulled"),
    [
        ("1.53", {"Identity": {"Pull": [{"Repository": "docker.io/library/nginx"}]}}, True),
        ("1.53", {}, False),
        ("1.53", {"Identity": None}, False),
        ("1.52", {}, None),
    ],
)
def test_identity_tells_a_pulled_image_from_a_built_one(
    serve: Serve, api: str, identity: dict[str, Any], pulled: bool | None
) -> None:
    prepared = answers([container()], [image(digests=[f"nginx@{OLD}"])], api=api)
    prepared[f"/images/{OLD}/json"] = {"Os": "linux", "Architecture": "arm", "Variant": "v7", **identity}
    inventory = ask(serve(prepared))
    subject = by_name(inventory)["web"].subject
    assert subject is not None
    details = inventory.details(subject.image)
    assert details.pulled is pulled
    assert str(details.platform) == "linux/arm/v7"


def test_details_of_an_image_that_is_gone(serve: Serve) -> None:
    inventory = ask(serve(answers([container()], [])))
    subject = by_name(inventory)["web"].subject
    assert subject is not None
    with pytest.raises(InventoryError, match="HTTP 404: page not found"):
        inventory.details(subject.image)


# --- registries, records of requests, size


def test_engine_is_asked_without_proxy_and_netrc(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text(
        "machine localhost login me password s3cret\nmachine 127.0.0.1 login me password x\n"
    )
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for tcp in (False, True):
        served = serve(answers([container()], [image()]), tcp=tcp)
        assert "web" in by_name(ask(served))
        assert not any("authorization" in headers for headers in served.headers)


def test_broken_docker_config_does_not_hide_the_engine(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text('{"auths": {"reg.example": {"auth": "no base64"}}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert "web" in by_name(ask(serve(answers([container()], [image()]))))


def test_name_of_a_container_with_legacy_links(serve: Serve) -> None:
    record = container() | {"Names": ["/other/alias", "/web"]}
    assert set(by_name(ask(serve(answers([record], [image()]))))) == {"web"}


@pytest.mark.parametrize("names", [None, [], [""], ["/"], ["/ "]])
def test_container_without_a_name_is_known_by_its_id(serve: Serve, names: list[str] | None) -> None:
    record = container() | {"Names": names}
    assert set(by_name(ask(serve(answers([record], [image()]))))) == {record["Id"][:12]}


def test_registries_of_the_engine(serve: Serve) -> None:
    config = {
        "Mirrors": ["https://mirror.example/", 7],
        "InsecureRegistryCIDRs": ["127.0.0.0/8"],
        "IndexConfigs": {
            "docker.io": {"Mirrors": [], "Secure": True},
            "reg.example:5000": {"Mirrors": [], "Secure": False},
            "quay.io": {"Mirrors": ["https://q.example"], "Secure": True},
            "odd": 7,
        },
    }
    served = serve({**answers(), "/info": {"RegistryConfig": config}})
    inventory = ask(served)
    found = inventory.registries()
    assert found.mirrors == {"docker.io": ("https://mirror.example/",), "quay.io": ("https://q.example",)}
    assert found.insecure_hosts == {"reg.example:5000"}
    assert found.insecure_networks == ("127.0.0.0/8",)
    inventory.containers()
    assert [path.rpartition("/")[2] for path in served.paths()].count("info") == 1


def test_the_engine_s_own_proxies(serve: Serve) -> None:
    info = {"HttpProxy": "http://proxy:3128", "HttpsProxy": "", "NoProxy": ".lan", "RegistryConfig": {}}
    inventory = ask(serve({**answers(), "/info": info}))
    inventory.containers()
    assert inventory.registries().proxies == {"http": "http://proxy:3128", "no": ".lan"}


@pytest.mark.parametrize("info", [(404, b""), (500, b"x"), [], b"nonsense", {"RegistryConfig": 7, "DriverStatus": 1}])
def test_engine_without_usable_info_is_one_without_mirrors(serve: Serve, info: Any) -> None:
    inventory = ask(serve({**answers([container()], [image()]), "/info": info}))
    assert by_name(inventory)["web"].subject is not None
    assert inventory.registries().insecure_networks == ()
    assert inventory.problems == []


def test_stopped_containers_only_on_request(serve: Serve) -> None:
    for settings, every in ((Settings(), "all=0"), (Settings(all_containers=True), "all=1")):
        served = serve(answers([container(State="exited")], [image()]))
        assert by_name(ask(served, settings))["web"].running is False
        assert any(path.endswith(f"/containers/json?{every}") for _, path in served.asked)


def test_requests_are_recorded_without_their_query(serve: Serve) -> None:
    served = serve({**answers(), "/info": (403, b"")})
    inventory = ask(served)
    inventory.containers()
    assert {(one.method, one.url.removeprefix(served.url), one.status) for one in inventory.requests} == {
        ("GET", "/version", 200),
        ("GET", "/v1.41/info", 403),
        ("GET", "/v1.41/images/json", 200),
        ("GET", "/v1.41/containers/json", 200),
    }
    assert all(one.seconds >= 0 for one in inventory.requests)


def test_nothing_is_said_but_by_exceptions(
    serve: Serve, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    by_name(ask(serve(answers([container()], [image()]))))
    refused("tcp://127.0.0.1:1")
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_excluded_containers_cost_no_inspect(serve: Serve) -> None:
    prepared = answers([container("old", OLD)], [image(OLD, None)])
    served = serve(prepared)
    found = by_name(ask(served, Settings(exclude=(Selector("name", "o*"),))))["old"]
    assert found.excluded == "--exclude name=o*"
    assert (found.subject, found.problem) == (None, None)
    assert len(served.asked) == 4


def test_ten_thousand_containers_stay_small(serve: Serve, tmp_path: Path) -> None:
    filler = {f"org.example.label{n}": "v" * 30 for n in range(20)}
    ids = [f"sha256:{n:064x}" for n in range(300)]
    records = [
        container(f"web{n}", f"registry.example:5000/team/app{n % 300}:1", ids[n % 300], Labels=filler)
        for n in range(10_000)
    ]
    images = [image(ids[n], f"registry.example:5000/team/app{n}:1") | {"Labels": filler} for n in range(300)]
    served = serve(answers(records, images))
    script = (
        "import re, sys\n"
        "from container_updates.inventory.engine import DockerEngine\n"
        "from container_updates.settings import Settings\n"
        "from container_updates.clock import Clock, Deadline\n"
        "found = DockerEngine(sys.argv[1], settings=Settings(), deadline=Deadline(60, Clock())).containers()\n"
        "print(len(found), len({id(one.subject) for one in found}),"
        " int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)\n"
    )
    run = subprocess.run([sys.executable, "-c", script, served.url], capture_output=True, text=True, check=True)
    containers, subjects, mebibytes = map(int, run.stdout.split())
    assert (containers, subjects) == (10_000, 300)
    assert mebibytes <= 80
    assert run.stderr == ""
