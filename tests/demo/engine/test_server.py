import dataclasses
import os

import docker
import pytest

from container_updates.demo import faults
from container_updates.demo.engine.kinds import CLASSIC, CONTAINERD, NEWEST, OLD, PODMAN
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.http import Request
from container_updates.demo.registry.content import AMD64, ARM64
from container_updates.demo.registry.server import RegistryServer

KINDS = {"classic": CLASSIC, "containerd": CONTAINERD, "podman": PODMAN}


@pytest.fixture
def registry():
    with RegistryServer() as server:
        yield server


@pytest.fixture(params=KINDS)
def engine(request):
    with EngineServer(KINDS[request.param]) as server:
        yield server


def client(engine, version=None, **options):
    return docker.APIClient(base_url=engine.host, version=version or engine.kind.api, timeout=5, **options)


def request_for(path):
    return Request("GET", path, path, {}, {})


def listed(engine, version=None):
    return {entry["Names"][0][1:]: entry for entry in client(engine, version).containers(all=True)}


def images(engine, version=None):
    return {entry["Id"]: entry for entry in client(engine, version).images(all=False)}


def test_the_image_id_is_the_registrys_digest_only_in_a_containerd_store(engine, registry):
    image = registry.push_image("app", "1", labels={"from": "image"})
    engine.pull(image)
    engine.run("web", image.reference, labels={"mine": "1"})
    container = listed(engine)["web"]
    assert container["Image"] == image.reference
    assert container["Labels"] == {"from": "image", "mine": "1"}
    expected = image.digest if engine.kind is CONTAINERD else image.config_digest
    assert container["ImageID"] == expected
    assert images(engine)[expected]["RepoDigests"] == [f"{registry.host}/app@{image.digest}"]


def test_what_each_store_knows_of_an_index(engine, registry):
    amd64, arm64 = registry.push_image("app"), registry.push_image("app", platform=ARM64)
    index = registry.push_index("app", "1", [amd64, arm64])
    image_id = engine.pull(index)
    engine.run("web", index.reference)
    container = listed(engine)["web"]
    digests = [name.rpartition("@")[2] for name in images(engine)[image_id]["RepoDigests"]]
    assert digests == ([index.digest, amd64.digest] if engine.kind is PODMAN else [index.digest])
    described = container.get("ImageManifestDescriptor")
    if engine.kind is CONTAINERD:
        assert (described["digest"], described["platform"]) == (amd64.digest, {"architecture": "amd64", "os": "linux"})
        assert client(engine).inspect_container("web")["ImageManifestDescriptor"] == described
        assert "ImageManifestDescriptor" not in listed(engine, "1.47")["web"]
    else:
        assert described is None
    inspect = client(engine).inspect_image(index.reference)
    assert (inspect["Id"], inspect["Os"], inspect["Architecture"]) == (image_id, "linux", "amd64")
    assert inspect["RootFS"]["Layers"] == list(amd64.layers)


def test_an_old_image_loses_its_names_as_each_engine_does_when_its_tag_is_pulled_again(engine, registry):
    old = registry.push_image("app", "1")
    old_id = engine.pull(old)
    engine.run("web", old.reference)
    new_id = engine.pull(registry.push_image("app", "1", labels={"v": "2"}))
    container, image = listed(engine)["web"], images(engine)[old_id]
    assert container["ImageID"] == old_id != new_id
    assert container["Image"] == (old.reference if engine.kind is PODMAN else old_id)
    assert client(engine).inspect_container("web")["Config"]["Image"] == old.reference
    assert image["RepoTags"] == ([] if engine.kind is CONTAINERD else None)
    assert image["RepoDigests"] == ([f"{registry.host}/app@{old.digest}"] if engine.kind is CLASSIC else [])
    assert images(engine)[new_id]["RepoTags"] == [old.reference]


def test_a_local_build_has_digests_unless_the_store_is_classic(engine):
    image_id = engine.build("localhost/built:1")
    engine.run("local", "localhost/built:1")
    assert listed(engine)["local"]["Image"] == "localhost/built:1"
    assert bool(images(engine)[image_id]["RepoDigests"]) is (engine.kind is not CLASSIC)


def test_only_a_new_containerd_store_tells_pulled_from_built(registry):
    with EngineServer(CONTAINERD) as engine:
        pulled, built = engine.pull(registry.push_image("app", "1")), engine.build("app:dev")
        assert client(engine).inspect_image(pulled)["Identity"] == {"Pull": [{"Repository": "127.0.0.1/app"}]}
        assert "Identity" not in client(engine).inspect_image(built)
        assert "Identity" not in client(engine, "1.52").inspect_image(pulled)


def test_names_stay_as_the_user_wrote_them(engine, registry):
    image = registry.push_image("app", "1")
    image_id = engine.pull(image)
    pinned, digest = f"{image.reference}@{image.digest}", f"{registry.host}/app@{image.digest}"
    for name, reference in (("pinned", pinned), ("digest", digest), ("byid", image_id)):
        engine.run(name, reference)
    assert {name: entry["Image"] for name, entry in listed(engine).items()} == {
        "pinned": pinned,
        "digest": digest,
        "byid": image_id,
    }
    engine.pull(registry.push_image("app", "1", labels={"v": "2"}))
    assert listed(engine)["byid"]["Image"] == image_id


def test_what_was_pulled_by_digest_keeps_that_name_when_its_tag_moves_on(engine, registry):
    image = registry.push_image("app", "1")
    digest = f"{registry.host}/app@{image.digest}"
    image_id = engine.pull(image)
    engine.pull(image, digest)
    engine.pull(registry.push_image("app", "1", labels={"v": "2"}))
    assert images(engine)[image_id]["RepoDigests"] == [digest]


def test_docker_hubs_names_are_short_in_docker_and_long_in_podman(engine, registry):
    engine.pull(registry.push_image("library/nginx", "1.27"), "nginx:1.27")
    engine.run("web", "docker.io/library/nginx:1.27")
    (image,) = images(engine).values()
    expected = "docker.io/library/nginx:1.27" if engine.kind is PODMAN else "nginx:1.27"
    assert image["RepoTags"] == [expected]


def test_the_containerd_list_misses_a_repository_that_inspect_has(registry):
    with EngineServer(CONTAINERD) as engine:
        image_id = engine.pull(registry.push_image("single", "t"))
        engine.pull(registry.push_image("single", "t"), f"{registry.host}/copy:t")
        assert images(engine)[image_id]["RepoDigests"] == [f"{registry.host}/single@{image_id}"]
        inspect = client(engine).inspect_image(image_id)
        assert inspect["RepoDigests"] == [f"{registry.host}/copy@{image_id}", f"{registry.host}/single@{image_id}"]


def test_stopped_containers_only_when_asked_for(engine):
    engine.build("localhost/a:1")
    engine.run("up", "localhost/a:1")
    engine.run("down", "localhost/a:1", state="exited")
    assert [entry["Names"] for entry in client(engine).containers()] == [["/up"]]
    assert set(listed(engine)) == {"up", "down"}


@pytest.mark.parametrize("kind", [CLASSIC, CONTAINERD, NEWEST, OLD])
def test_versions_out_of_range_are_refused_in_the_engines_words(kind):
    with EngineServer(kind) as engine:
        assert client(engine).version()["ApiVersion"] == kind.api
        for version, words in (("1.99", b"client version 1.99 is too new"), ("1.1", b"client version 1.1 is too old")):
            refusal = engine.answer(request_for(f"/v{version}/containers/json"))
            assert refusal.status == 400
            assert words in refusal.body
        assert "IndexConfigs" in client(engine).info()["RegistryConfig"]
        assert client(engine).ping()


def test_what_is_not_there_is_a_404(engine):
    with pytest.raises(docker.errors.NotFound):
        client(engine).inspect_container("nobody")
    with pytest.raises(docker.errors.ImageNotFound):
        client(engine).inspect_image("nobody:1")


def test_it_can_only_be_read_and_remembers_who_tried_more(engine):
    with pytest.raises(docker.errors.APIError):
        client(engine).prune_images()
    assert [(entry.method, entry.status) for entry in engine.log] == [("POST", 403)]


def test_faults_reach_the_client(engine):
    engine.fail(faults.html(), path="/containers/json")
    with pytest.raises(ValueError, match="Expecting value"):
        client(engine).containers()
    engine.heal()
    assert client(engine).containers() == []


def test_an_image_deleted_while_it_runs_leaves_only_its_id(engine, registry):
    image = registry.push_image("app", "1")
    image_id = engine.pull(image)
    engine.run("web", image.reference)
    engine.remove_image(image_id)
    assert images(engine) == {}
    assert listed(engine)["web"]["ImageID"] == image_id


def test_another_platform_is_pulled_when_asked_for(registry):
    index = registry.push_index("app", "1", [registry.push_image("app"), registry.push_image("app", platform=ARM64)])
    with EngineServer(CLASSIC, platform=AMD64) as engine:
        engine.pull(index, platform=ARM64)
        assert client(engine).inspect_image(index.reference)["Variant"] == "v8"


def test_it_listens_on_tcp_with_tls(server_tls, certificate, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # requests prefers them to what the session says
        monkeypatch.delenv(name, raising=False)
    tls = docker.tls.TLSConfig(ca_cert=str(certificate / "cert.pem"), verify=True)
    with EngineServer(CLASSIC, tcp=True, tls=server_tls) as engine:
        assert engine.host.startswith("tcp://127.0.0.1:")
        assert client(engine, tls=tls).ping()


def test_a_long_list_is_encoded_once(registry):
    with EngineServer(dataclasses.replace(CONTAINERD, api="1.48")) as engine:
        image = registry.push_image("app", "1")
        engine.pull(image)
        for number in range(1_000):
            engine.run(f"c{number}", image.reference)
        assert len(client(engine).containers()) == 1_000
        answers = [engine.answer(request_for("/containers/json")) for _ in range(2)]
        assert answers[0] is answers[1]
        engine.remove_container("c1")
        assert len(client(engine).containers()) == 999


def test_the_socket_goes_with_the_server():
    with EngineServer() as engine:
        path = engine.host.removeprefix("unix://")
        assert os.path.exists(path)
        assert len(path) < 100
    assert not os.path.exists(os.path.dirname(path))
