"""Podman's registries.conf: where its names really lead to, and which mirrors come first."""

import pytest

from container_updates import errors
from container_updates.model import EngineRegistries, RegistryRule
from container_updates.reference import parse
from container_updates.registry import Hosts
from container_updates.settings import Settings


def engine(*rules, insecure=()):
    return EngineRegistries(rules=rules, insecure_hosts=frozenset(insecure))


def test_a_mirrors_path_belongs_into_the_name_that_it_is_asked_for(asker, serve):
    server = serve()
    wanted = server.publish("hubmirror/library/nginx", "1")
    rule = RegistryRule("docker.io", "docker.io", (f"{server.host}/hubmirror",))
    published = asker.registry(engine=engine(rule)).published(parse("nginx:1"))
    assert published.digest == wanted
    assert published.mirror == f"{server.host}/hubmirror/"


def test_a_location_is_asked_in_the_place_of_the_name_s_own_host(asker, serve):
    server = serve()
    wanted = server.publish("corp/app", "1")
    rule = RegistryRule("corp.example", f"{server.host}/corp")
    published = asker.registry(engine=engine(rule)).published(parse("corp.example/app:1"))
    assert (published.digest, published.mirror) == (wanted, None)


def test_two_prefixes_of_one_registry_that_lead_apart_have_answers_of_their_own(asker, serve):
    server = serve()
    first, second = server.publish("one/team/app", "1"), server.publish("app", "1")
    registry = asker.registry(
        engine=engine(
            RegistryRule("corp.example/team", f"{server.host}/one/team"), RegistryRule("corp.example", server.host)
        )
    )
    assert registry.published(parse("corp.example/team/app:1")).digest == first
    assert registry.published(parse("corp.example/app:1")).digest == second


def test_what_registries_conf_blocks_is_not_asked_and_costs_nobody_else(asker, serve):
    server = serve()
    wanted = server.publish("app", "1")
    registry = asker.registry(engine=engine(RegistryRule("blocked.example", "blocked.example", blocked=True)))
    references = [parse("blocked.example/app:1"), server.reference("app:1")]
    registry.expect(references)
    assert registry.at_once("blocked.example") is None
    with pytest.raises(errors.Unresolvable, match=r"registries\.conf blocks blocked\.example"):
        registry.published(references[0])
    assert registry.published(references[1]).digest == wanted


@pytest.mark.parametrize(
    ("prefix", "location", "name", "host", "names"),
    [
        ("docker.io", "docker.io", "nginx", "registry-1.docker.io", ""),
        ("docker.io/library", "m.example/hub/library", "nginx", "m.example", "hub/"),
        ("docker.io/library", "m.example/library", "nginx", "m.example", ""),
        ("docker.io/lib", "m.example/x", "nginx", "registry-1.docker.io", ""),
        ("*.corp.example", "m.example", "a.corp.example/app", "m.example", ""),
        ("*.corp.example", "*.corp.example", "a.corp.example/app", "a.corp.example", ""),
        ("*.corp.example", "m.example", "corp.example/app", "corp.example", ""),
        ("corp.example", "m.example", "corp.example.org/app", "corp.example.org", ""),
    ],
)
def test_the_prefix_that_fits_decides(prefix, location, name, host, names):
    hosts = Hosts(Settings(), engine(RegistryRule(prefix, location)))
    reference = parse(f"{name}:1")
    (endpoint,) = hosts.endpoints(reference.registry, reference.repository)
    assert (endpoint.host, endpoint.names) == (host, names)


def test_an_option_s_mirror_comes_before_those_of_registries_conf():
    rule = RegistryRule("docker.io", "docker.io", ("second.example",))
    hosts = Hosts(Settings(mirrors={"docker.io": ("https://first.example",)}), engine(rule))
    found = [endpoint.host for endpoint in hosts.endpoints("docker.io", "library/nginx")]
    assert found == ["first.example", "second.example", "registry-1.docker.io"]


def test_a_path_in_the_place_of_another_is_said_and_not_guessed():
    hosts = Hosts(Settings(), engine(RegistryRule("docker.io/library", "m.example/other")))
    with pytest.raises(errors.Unresolvable, match=r"leads docker\.io/library to m\.example/other"):
        hosts.endpoints("docker.io", "library/nginx")
