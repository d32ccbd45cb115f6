"""What fools other tools, on real engines and registries: each case by its verdict."""

import shutil
from pathlib import Path

import pytest

from . import published
from .engine import Engine
from .plugin import Plugin
from .published import Publisher, attestation, image, index
from .registries import Registry

pytestmark = pytest.mark.parametrize(
    "engine", ["classic", pytest.param("containerd", marks=pytest.mark.engine29)], indirect=True
)


class Host:
    """A container host for one test: publish, pull and run in a line each."""

    def __init__(self, engine: Engine, publisher: Publisher, registry: Registry) -> None:
        self.engine = engine
        self.publisher = publisher
        self.registry = registry

    def publish(self, name: str, manifest: published.Manifest) -> str:
        """Publish as `name`, a repository with a tag; returns the digest."""
        repository, _, tag = name.rpartition(":")
        return self.publisher.push(repository, tag, manifest)

    def pull(self, name: str) -> str:
        """Pull it; returns the reference."""
        reference = f"{self.registry.name}/{name}"
        self.engine.pull(reference)
        return reference

    def run(self, container: str, name: str) -> None:
        """Pull it and run a container of it."""
        self.engine.run(self.pull(name), container)


@pytest.fixture
def host(engine: Engine, publisher: Publisher, registry: Registry) -> Host:
    """An empty host."""
    return Host(engine, publisher, registry)


def test_published_again_is_outdated_and_the_same_is_not(host: Host, plugin: Plugin) -> None:
    host.publish("plain/same:1", index(image("1")))
    running = host.publish("plain/changed:1", index(image("1")))
    host.run("same", "plain/same:1")
    host.run("changed", "plain/changed:1")
    new = host.publish("plain/changed:1", index(image("2")))

    result = plugin()

    assert result.exit_code == 1
    assert result.codes == {"same": "up-to-date", "changed": "outdated"}
    details = result.finding("changed")["details"]
    assert details["published_digest"] == new
    assert details["running_digest"] == running
    text = plugin(output="nagios")
    assert text.exit_code == 1
    assert text.stdout.startswith("CONTAINER_UPDATES WARNING - 1 of 2 containers outdated (changed")
    assert f"[WARNING] changed: {host.registry.name}/plain/changed:1 outdated" in text.stdout
    assert text.stderr == ""


def test_an_image_with_several_digests_is_compared_with_each_of_them(host: Host, plugin: Plugin) -> None:
    """One config under a Docker manifest, an OCI manifest and an index: one image id, three digests."""
    config = image("1")
    docker = image("1", docker=True)
    for name, manifest in (("oci", config), ("docker", docker), ("index", index(config))):
        host.publish(f"several/{name}:1", manifest)
        host.run(name, f"several/{name}:1")

    result = plugin()

    assert result.codes == {"oci": "up-to-date", "docker": "up-to-date", "index": "up-to-date"}
    assert result.exit_code == 0


def test_one_content_under_two_repositories_is_judged_by_the_name_it_runs_under(host: Host, plugin: Plugin) -> None:
    for name in ("one", "two"):
        host.publish(f"twice/{name}:1", index(image("1")))
        host.run(name, f"twice/{name}:1")
    host.publish("twice/two:1", index(image("2")))

    assert plugin().codes == {"one": "up-to-date", "two": "outdated"}


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_an_index_that_changed_elsewhere_is_no_update(host: Host, plugin: Plugin, docker: bool) -> None:
    here, arm = image("1", docker=docker), image("1", "arm64", docker=docker)
    kind = "docker" if docker else "oci"
    for name in ("attested", "rebuilt", "joined", "changed"):
        host.publish(f"index-{kind}/{name}:1", index(here, arm, docker=docker))
        host.run(name, f"index-{kind}/{name}:1")
    if not docker:
        host.publish(f"index-{kind}/attested:1", index(here, arm, attestation(here)))
    host.publish(f"index-{kind}/rebuilt:1", index(here, image("2", "arm64", docker=docker), docker=docker))
    host.publish(f"index-{kind}/joined:1", index(here, arm, image("1", "s390x", docker=docker), docker=docker))
    host.publish(f"index-{kind}/changed:1", index(image("2", docker=docker), arm, docker=docker))

    result = plugin()

    assert result.codes == {
        "attested": "up-to-date",
        "rebuilt": "up-to-date",
        "joined": "up-to-date",
        "changed": "outdated",
    }


def test_a_single_manifest_that_became_an_index_of_the_same_is_no_update(host: Host, plugin: Plugin) -> None:
    host.publish("grown/app:1", image("1"))
    host.run("app", "grown/app:1")
    host.publish("grown/app:1", index(image("1"), attestation(image("1"))))

    assert plugin().codes == {"app": "up-to-date"}


def test_an_old_container_after_a_newer_pull_is_outdated(host: Host, plugin: Plugin) -> None:
    """In the containerd store its image has lost every tag and digest by then."""
    host.publish("pulled/again:1", index(image("1")))
    host.run("old", "pulled/again:1")
    host.publish("pulled/again:1", index(image("2")))
    host.run("new", "pulled/again:1")

    result = plugin()

    assert result.codes == {"old": "outdated", "new": "up-to-date"}
    assert result.exit_code == 1


def test_an_old_image_without_any_name_left_is_no_local_build(host: Host, plugin: Plugin) -> None:
    host.publish("nameless/app:1", index(image("1")))
    host.run("old", "nameless/app:1")
    host.publish("nameless/app:1", index(image("2")))
    digests = host.engine.api.inspect_image(f"{host.registry.name}/nameless/app:1")["RepoDigests"]
    host.pull("nameless/app:1")
    if not host.engine.containerd_store:
        host.engine.api.remove_image(digests[0], force=True)
    old = [image for image in host.engine.api.images() if not image["RepoTags"] or "<none>" in image["RepoTags"][0]]
    assert [entry for image in old for entry in image["RepoDigests"] or [] if "<none>" not in entry] == []

    assert plugin().codes == {"old": "outdated"}


def test_a_pulled_image_whose_names_were_all_removed_is_judged_by_its_config(host: Host, plugin: Plugin) -> None:
    """`docker rmi --force` while a container runs it: the classic store forgets tag and digests."""
    for name in ("same", "moved"):
        host.publish(f"untagged/{name}:1", index(image(name)))
        host.run(name, f"untagged/{name}:1")
    host.publish("untagged/moved:1", index(image("2")))
    for name in ("same", "moved"):
        host.engine.api.remove_image(f"{host.registry.name}/untagged/{name}:1", force=True)

    assert plugin().codes == {"same": "up-to-date", "moved": "outdated"}


def test_a_build_of_one_s_own_that_lost_its_name_stays_local(host: Host, plugin: Plugin) -> None:
    if host.engine.containerd_store:
        pytest.skip("that store forgets the image: nobody can tell whether it was built here")
    name = f"{host.registry.name}/untagged/own"
    host.publish("untagged/own:1", index(image("somebody else's")))
    host.engine.build(name, "1")
    host.engine.run(f"{name}:1", "own")
    host.engine.api.remove_image(f"{name}:1", force=True)

    assert plugin().codes == {"own": "local-build"}


def test_pinned_says_where_the_tag_has_gone(host: Host, plugin: Plugin) -> None:
    digest = host.publish("pinned/stays:1", index(image("1")))
    moved = host.publish("pinned/moves:1", index(image("1")))
    for name in ("stays", "moves"):
        reference = f"{host.registry.name}/pinned/{name}:1@{digest if name == 'stays' else moved}"
        host.engine.pull(f"{host.registry.name}/pinned/{name}@{digest if name == 'stays' else moved}")
        host.engine.run(reference, name)
    host.engine.run(f"{host.registry.name}/pinned/stays@{digest}", "digest-only")
    new = host.publish("pinned/moves:1", index(image("2")))

    result = plugin()

    assert result.exit_code == 0
    assert result.codes == {"stays": "pinned", "moves": "held", "digest-only": "pinned"}
    assert result.finding("moves")["details"]["tag_digest"] == new


def test_started_by_image_id_is_judged_by_the_one_name_of_its_image(host: Host, plugin: Plugin) -> None:
    host.publish("byid/current:1", index(image("1")))
    host.publish("byid/changed:1", index(image("2")))
    for name in ("current", "changed"):
        host.engine.run(host.engine.image_id(host.pull(f"byid/{name}:1")), name)
    host.publish("byid/changed:1", index(image("3")))

    assert plugin().codes == {"current": "up-to-date", "changed": "outdated"}


def test_an_image_id_without_a_name_cannot_be_resolved_and_is_never_sent_anywhere(host: Host, plugin: Plugin) -> None:
    one = host.engine.build("mine/nameless", "1")
    host.engine.run(one, "nameless")
    host.engine.api.remove_image("mine/nameless:1", force=True)
    before = len(host.registry.requests())

    result = plugin()

    assert result.codes in ({"nameless": "unresolvable"}, {"nameless": "local-build"})
    assert host.registry.requests()[before:] == []


def test_a_local_build_is_quiet_and_a_pushed_one_is_asked_for(host: Host, plugin: Plugin) -> None:
    host.engine.build("mine/local", "1")
    host.engine.run("mine/local:1", "local")
    pushed = f"{host.registry.name}/mine/pushed"
    host.engine.build(pushed, "1")
    host.engine.push(f"{pushed}:1")
    host.engine.run(f"{pushed}:1", "pushed")
    before = len(host.registry.requests())

    result = plugin()

    assert result.exit_code == 0
    assert result.codes == {"local": "local-build", "pushed": "up-to-date"}
    asked = [target for _, target in host.registry.requests()[before:]]
    assert asked
    assert not [target for target in asked if "mine/local" in target]


def test_a_name_that_only_docker_tag_gave_is_neither_outdated_nor_up_to_date(host: Host, plugin: Plugin) -> None:
    """An engine with the containerd store does not say of which names an image was pulled, so the registry is asked."""
    host.publish("tagged/app:1", index(image("1")))
    kept = f"{host.registry.name}/tagged/rollback"
    host.engine.api.tag(host.pull("tagged/app:1"), kept, "1")
    host.engine.run(f"{kept}:1", "old")
    before = len(host.registry.requests())

    assert plugin().codes == {"old": "unresolvable" if host.engine.containerd_store else "local-build"}
    asked = [target for _, target in host.registry.requests()[before:] if "rollback" in target]
    assert bool(asked) == host.engine.containerd_store


def test_a_deleted_tag_is_said_to_be_gone(host: Host, plugin: Plugin) -> None:
    host.publish("gone/app:2", index(image("2")))
    digest = host.publish("gone/app:1", index(image("1")))
    host.run("app", "gone/app:1")
    host.publisher.delete("gone/app", digest)

    result = plugin()

    assert result.codes == {"app": "tag-gone"}
    assert result.exit_code == 1


def test_a_tag_that_the_registry_lists_is_not_gone_though_its_manifest_cannot_be_had(
    host: Host, plugin: Plugin, storage: Path
) -> None:
    """As of a proxy that has lost its source: the revision is taken from the registry's storage, the tag is left."""
    digest = host.publish("listed/app:1", index(image("1")))
    host.run("app", "listed/app:1")
    [revision] = storage.glob(
        f"**/repositories/listed/app/_manifests/revisions/sha256/{digest.removeprefix('sha256:')}"
    )
    shutil.rmtree(revision)

    result = plugin()

    assert result.codes == {"app": "bad-answer"}
    assert "lists the tag" in result.finding("app")["message"]
    assert result.exit_code == 3


def test_of_an_image_that_has_many_names_the_own_digest_is_told(host: Host, plugin: Plugin) -> None:
    """One image under an index of its own in each repository, as mirrors that rebuild them have it."""
    foreign = []
    for number in range(6):
        name = f"mirror{number}/many:1"
        foreign.append(host.publish(name, index(image("1"), image(f"{number}", "arm64"))))
        host.pull(name)
    own = host.publish("own/many:1", index(image("1"), image("own", "arm64")))
    host.run("app", "own/many:1")
    host.publish("own/many:1", index(image("2"), image("own", "arm64")))
    before = len(host.registry.requests())

    result = plugin("--check", "updates,restarts,signatures,source")

    assert result.finding("app")["code"] == "outdated"
    assert result.finding("app")["details"]["running_digest"] == own
    asked = [target for _, target in host.registry.requests()[before:]]
    assert not [target for target in asked for digest in foreign if digest in target]
    text = plugin("-vv", output="nagios").stdout
    assert f"runs {own[:19]}" in text
    assert not [digest for digest in foreign if digest[7:19] in text]


def test_docker_hub_by_all_its_names_and_by_the_engine_s_mirror(host: Host, plugin: Plugin) -> None:
    """The engine has the registry as mirror of docker.io; docker.io itself is never asked."""
    host.publish("library/hubby:1", index(image("1")))
    host.publish("someone/app:1", index(image("1")))
    host.publish("library/moved:1", index(image("1")))
    names = {
        "short": "hubby:1",
        "long": "docker.io/library/hubby:1",
        "index": "index.docker.io/library/hubby:1",
        "user": "someone/app:1",
        "moved": "moved:1",
    }
    for container, name in names.items():
        host.engine.pull(name)
        host.engine.run(name, container)
    host.publish("library/moved:1", index(image("2")))

    result = plugin()

    assert result.codes == dict.fromkeys(names, "up-to-date") | {"moved": "outdated"}


def test_nested_repositories_keep_their_whole_path(host: Host, plugin: Plugin) -> None:
    host.publish("group/sub.group/project/part/app:v3", index(image("1")))
    host.run("app", "group/sub.group/project/part/app:v3")
    before = len(host.registry.requests())

    assert plugin().codes == {"app": "up-to-date"}
    assert {target for _, target in host.registry.requests()[before:]} - {"/v2/"} == {
        "/v2/group/sub.group/project/part/app/manifests/v3"
    }


def test_a_swarm_task_s_reference_with_port_tag_and_digest_is_split_rightly(host: Host, plugin: Plugin) -> None:
    """As the manager writes it into the task: `host:port/repository:tag@digest`."""
    digest = host.publish("swarm/app:1", index(image("1")))
    host.pull("swarm/app:1")
    reference = f"{host.registry.name}/swarm/app:1@{digest}"
    host.engine.run(reference, "shop_web.1.abc", {"com.docker.swarm.service.name": "shop_web"})
    host.publish("swarm/app:1", index(image("2")))

    result = plugin("--include", "service=shop_web")

    assert result.codes == {"shop_web.1.abc": "held"}


def test_many_containers_of_one_image_cost_one_question(host: Host, plugin: Plugin) -> None:
    host.publish("many/app:1", index(image("1")))
    reference = host.pull("many/app:1")
    for number in range(5):
        host.engine.run(reference, f"app{number}")
    before = len(host.registry.requests())

    result = plugin()

    assert result.metric("containers") == 5
    assert result.metric("images") == 1
    assert [target for _, target in host.registry.requests()[before:] if target != "/v2/"] == [
        "/v2/many/app/manifests/1"
    ]


def test_an_admin_s_label_excludes_and_an_image_s_label_does_not(host: Host, plugin: Plugin) -> None:
    quiet = image("1", labels={"wud.watch": "false"})
    host.publish("labels/quiet:1", index(quiet))
    host.publish("labels/app:1", index(image("1")))
    host.run("image-says-no", "labels/quiet:1")
    host.engine.run(host.pull("labels/app:1"), "admin-says-no", {"wud.watch": "false"})
    host.publish("labels/quiet:1", index(image("2")))
    host.publish("labels/app:1", index(image("2")))

    result = plugin()

    assert result.codes == {"image-says-no": "outdated", "admin-says-no": "excluded"}
    assert result.metric("excluded") == 1
