"""Many engines in one run: one that is dead, hangs or is asked twice costs and counts nothing else."""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from container_updates.clock import Clock, Deadline
from container_updates.errors import InventoryError
from container_updates.inventory.reading import Fleet, read
from container_updates.settings import Selector, Settings
from tests.inventory.conftest import PreparedEngine, answers

Serve = Callable[..., PreparedEngine]
IMAGE = "sha256:" + "a" * 64


def engine(
    serve: Serve, name: str, *containers: str, identity: str = "", ids: str = "", **options: Any
) -> PreparedEngine:
    records = [
        {
            "Id": (ids or name).encode().hex() + one.encode().hex(),
            "Names": [f"/{one}"],
            "Image": "nginx:1.27",
            "ImageID": IMAGE,
        }
        for one in containers
    ]
    prepared = answers(records, [{"Id": IMAGE, "RepoTags": ["nginx:1.27"], "RepoDigests": [f"nginx@{IMAGE}"]}])
    prepared["/info"] |= {"Name": name, "ID": identity or name}
    return serve(prepared, **options)


def fleet(*hosts: str | PreparedEngine, seconds: float = 20.0, **changes: Any) -> Fleet:
    urls = tuple(host if isinstance(host, str) else host.url for host in hosts)
    settings = replace(Settings(hosts=urls, timeout=seconds), **changes)
    return read(settings, Deadline(seconds, Clock()), ExitStack())


def titles(found: Fleet) -> list[str]:
    return [container.title for container in found.containers]


def test_containers_of_several_engines_are_named_with_their_host(serve: Serve) -> None:
    assert titles(fleet(engine(serve, "db7", "web"), engine(serve, "web3", "web"))) == ["web@db7", "web@web3"]


def test_containers_of_one_engine_keep_their_names(serve: Serve) -> None:
    found = fleet(engine(serve, "db7", "web"))
    assert titles(found) == ["web"]
    assert found.containers[0].host == "db7"


def test_alias_comes_before_what_the_engine_calls_itself(serve: Serve) -> None:
    one, two = engine(serve, "localhost", "web"), engine(serve, "localhost", "db")
    assert titles(fleet(one, two, aliases={one.url: "north", two.url: "south"})) == ["web@north", "db@south"]


def test_engines_that_call_themselves_alike_are_told_apart_by_their_urls(serve: Serve) -> None:
    one, two = engine(serve, "debian", "web"), engine(serve, "debian", "web", ids="other")
    assert titles(fleet(one, two)) == [f"web@{one.url}", f"web@{two.url}"]


def test_engine_that_is_asked_twice_counts_once(serve: Serve) -> None:
    first, again = engine(serve, "db7", "web"), engine(serve, "db7", "web", tcp=True)
    other = engine(serve, "web3", "db")
    found = fleet(first, again, first, other)
    assert titles(found) == ["web@db7", "db@web3"]
    assert found.engines == 2
    assert len(found.inventories) == 2


def test_podman_that_is_asked_twice_is_known_by_its_containers(serve: Serve) -> None:
    """Podman 4 makes up another ID for each request."""
    first, again = engine(serve, "db7", "web", identity="one"), engine(serve, "db7", "web", identity="two")
    for one in (first, again):
        one.answers["/version"]["Components"] = [{"Name": "Podman Engine"}]
    assert fleet(first, again).engines == 1


def test_cloned_machines_that_share_an_identity_are_two_engines(serve: Serve) -> None:
    one, two = engine(serve, "a", "web", identity="same"), engine(serve, "b", "web", identity="same")
    assert fleet(one, two).engines == 2


def test_engine_without_containers_that_is_asked_twice_counts_once(serve: Serve) -> None:
    assert fleet(engine(serve, "db7"), engine(serve, "db7")).engines == 1


def test_dead_engine_costs_only_itself_and_is_named(serve: Serve) -> None:
    found = fleet(engine(serve, "web3", "web"), "tcp://127.0.0.1:1", "unix:///nowhere/docker.sock")
    assert titles(found) == ["web@web3"]
    assert [problem.where for problem in found.failures] == ["127.0.0.1", "unix:///nowhere/docker.sock"]
    assert found.engines == 3


def test_hanging_engine_leaves_two_thirds_of_the_time_to_the_others(serve: Serve, silent_socket: str) -> None:
    class Stopped:
        now = 0.0

    def steady() -> float:
        Stopped.now += 0.05
        return Stopped.now

    deadline = Deadline(300.0, Clock(steady=steady))
    settings = Settings(hosts=(engine(serve, "web3", "web").url, silent_socket), timeout=300.0)
    found = read(settings, deadline, ExitStack())
    assert titles(found) == ["web@web3"]
    assert "does not answer GET /version in time" in found.failures[0].message
    assert deadline.remaining() > 200.0


def test_engines_are_read_at_once_however_few_jobs_there_are(serve: Serve) -> None:
    from threading import Barrier

    together = Barrier(5)
    served = [engine(serve, f"host{number}", "web") for number in range(5)]
    for one in served:
        version = one.answers["/version"]

        def answer(handler: Any, version: Any = version) -> None:
            import json

            together.wait(20)
            body = json.dumps(version).encode()
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

        one.answers["/version"] = answer
    assert len(titles(fleet(*served, jobs=1))) == 5


def test_no_engine_that_could_be_read_is_an_error_that_counts_them(serve: Serve) -> None:
    with pytest.raises(InventoryError, match="none of 2 engines could be read, the first one: no engine at tcp://127"):
        fleet("tcp://127.0.0.1:1", "unix:///nowhere/docker.sock")


def test_login_in_the_url_of_an_engine_that_cannot_be_read_is_in_no_word(serve: Serve) -> None:
    found = fleet(
        engine(serve, "web3", "web"), "tcp://admin:s3cret@127.0.0.1:1", "TCP://admin:s3/cret@h:1", "a:s3cret@h"
    )
    assert "cret" not in str(found.failures)


@pytest.mark.parametrize("glob", ["db7", "db*", "north"])
def test_containers_are_selected_by_host(serve: Serve, glob: str) -> None:
    one, two = engine(serve, "db7", "web"), engine(serve, "web3", "web")
    aliases = {one.url: "north"} if glob == "north" else {}
    found = fleet(one, two, include=(Selector("host", glob),), aliases=aliases)
    assert titles(found) == [f"web@{glob if glob == 'north' else 'db7'}"]


def test_host_without_a_listener_is_not_waited_for(serve: Serve) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        found = fleet(engine(serve, "web3", "web"), f"tcp://127.0.0.1:{bound.getsockname()[1]}")
    assert found.failures[0].message.startswith("no engine at tcp://127.0.0.1:")
