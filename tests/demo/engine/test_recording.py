import json

import docker
import pytest

from container_updates.demo.engine.server import EngineServer
from tests.support import paths

ASSETS = paths.ASSETS / "engines"
RECORDINGS = {path.stem: json.loads(path.read_text()) for path in ASSETS.glob("*.json")}


@pytest.fixture(params=sorted(RECORDINGS))
def recorded(request):
    return RECORDINGS[request.param]


@pytest.fixture
def engine(recorded):
    with EngineServer() as server:
        server.load_recording(recorded)
        yield server


@pytest.fixture
def client(engine):
    return docker.APIClient(base_url=engine.host, version="auto", timeout=5)


def test_the_lists_are_those_of_the_recording(recorded, client):
    assert client.images() == recorded["images_json"]
    for answer, entry in zip(client.containers(all=True), recorded["containers_json"], strict=True):
        assert entry.items() <= answer.items()
    version = client.version()
    assert (version["Version"], version["MinAPIVersion"]) == (
        recorded["version"]["Version"],
        recorded["version"]["MinAPIVersion"],
    )
    assert version["Components"][0]["Name"] == ("Engine" if "container_inspect" in recorded else "Podman Engine")
    assert client.info().items() >= recorded.get("info", {}).items()


def test_inspects_are_found_by_name_and_by_id(recorded, client):
    for name, entry in (recorded.get("container_inspect") or recorded["inspect"]).items():
        by_name = client.inspect_container(name)
        assert by_name["Config"]["Image"] == entry["Config.Image"]
        assert client.inspect_container(by_name["Id"]) == by_name
    for image in recorded["images_json"]:
        for name in [image["Id"], *(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]:
            assert client.inspect_image(name)["Id"] == image["Id"]


def test_descriptors_and_identity_only_where_the_version_has_them():
    recorded = RECORDINGS["docker-29-containerd-store"]
    with EngineServer() as engine:
        engine.load_recording(recorded)
        new, old = (docker.APIClient(base_url=engine.host, version=version) for version in ("1.56", "1.47"))
        digests = {entry["Names"][0]: entry["ImageManifestDescriptor"]["digest"] for entry in new.containers(all=True)}
        assert digests["/multi"] == recorded["published"]["multi-amd64"]
        assert not any("ImageManifestDescriptor" in entry for entry in old.containers(all=True))
        assert "Identity" not in new.inspect_image("local/built:1")
        assert new.inspect_image(recorded["published"]["moved-old"])["Identity"]["Pull"] == [
            {"Repository": "127.0.0.1/rec/moved"}
        ]
        assert "Identity" not in old.inspect_image("127.0.0.1:5101/rec/multi:t")
