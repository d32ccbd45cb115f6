import hashlib
import json

import pytest
import requests

from container_updates.demo.registry.auth import BasicAuth, BearerAuth
from container_updates.demo.registry.content import ARM64, DOCKER, OCI, encode
from container_updates.demo.registry.server import RegistryServer


@pytest.fixture
def registry():
    with RegistryServer() as server:
        yield server


def get(registry, path, **options):
    return requests.get(registry.url + path, timeout=5, **options)


def manifest(registry, repository, name, **options):
    return get(registry, f"/v2/{repository}/manifests/{name}", **options)


def test_a_pushed_image_is_there_by_tag_and_by_digest_down_to_its_layers(registry):
    image = registry.push_image("app/web", "1", labels={"a": "b"})
    for name in ("1", image.digest):
        answer = manifest(registry, "app/web", name)
        assert answer.headers["Docker-Content-Digest"] == image.digest
        assert "sha256:" + hashlib.sha256(answer.content).hexdigest() == image.digest
    config = get(registry, f"/v2/app/web/blobs/{image.config_digest}").json()
    assert config["config"]["Labels"] == {"a": "b"}
    assert tuple(config["rootfs"]["diff_ids"]) == image.layers
    for layer in answer.json()["layers"]:
        assert len(get(registry, f"/v2/app/web/blobs/{layer['digest']}").content) == layer["size"]


def test_head_says_the_same_as_get_without_a_body(registry):
    registry.push_image("app/web", "1")
    url = f"{registry.url}/v2/app/web/manifests/1"
    head, full = requests.head(url, timeout=5), requests.get(url, timeout=5)
    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.headers) == dict(full.headers)


def test_the_same_image_has_the_same_digest_in_every_run(registry):
    with RegistryServer() as other:
        assert registry.push_image("app/web", "1").digest == other.push_image("app/web", "1").digest
    newer = registry.push_image("app/web", "1", created="2026-11-20T00:00:00Z")
    assert newer.digest != registry.push_image("app/web", "2").digest


@pytest.mark.parametrize("types", [OCI, DOCKER])
def test_an_index_names_its_platforms_and_is_refused_to_who_does_not_accept_it(registry, types):
    images = [registry.push_image("app", types=types), registry.push_image("app", types=types, platform=ARM64)]
    index = registry.push_index("app", "1", images, types=types, attestations=True)
    answer = manifest(registry, "app", "1", headers={"Accept": f"{types.manifest}, {types.index};q=0.5"})
    assert answer.headers["Content-Type"] == types.index
    assert answer.headers["Docker-Content-Digest"] == index.digest
    platforms = [entry["platform"]["architecture"] for entry in answer.json()["manifests"]]
    assert platforms == ["amd64", "arm64", "unknown", "unknown"]
    assert manifest(registry, "app", "1", headers={"Accept": types.manifest}).status_code == 404


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v2/app/web/manifests/9", "MANIFEST_UNKNOWN"),
        ("/v2/app/web/manifests/sha256:" + "0" * 64, "MANIFEST_UNKNOWN"),
        ("/v2/app/web/blobs/sha256:" + "0" * 64, "BLOB_UNKNOWN"),
        ("/v2/nobody/manifests/1", "NAME_UNKNOWN"),
    ],
)
def test_what_is_not_there_is_a_404_with_the_specifications_code(registry, path, code):
    registry.push_image("app/web", "1")
    answer = get(registry, path)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, code)


def test_a_tag_moves_and_goes_while_its_manifest_stays(registry):
    old, new = registry.push_image("app", "1"), registry.push_image("app", "2", labels={"v": "2"})
    registry.retag("app", "1", new.digest)
    assert manifest(registry, "app", "1").headers["Docker-Content-Digest"] == new.digest
    registry.delete_tag("app", "1")
    assert manifest(registry, "app", "1").status_code == 404
    assert manifest(registry, "app", old.digest).status_code == 200


def test_tags_come_in_pages_and_in_order(registry):
    for tag in ("3", "1", "2", "10"):
        registry.push_image("app", tag)
    seen, url, session = [], f"{registry.url}/v2/app/tags/list?n=3", requests.Session()
    while url:
        answer = session.get(url, timeout=5)
        seen.append(answer.json()["tags"])
        url = answer.links and registry.url + answer.links["next"]["url"]
    assert seen == [["1", "10", "2"], ["3"]]


def artifact(subject, artifact_type):
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "sha256:" + "4" * 64, "size": 2}
    link = {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size}
    return encode({"schemaVersion": 2, "artifactType": artifact_type, "config": config, "layers": [], "subject": link})


def test_referrers_are_found_by_type_and_in_pages(registry):
    image = registry.push_image("app", "1")
    for kind in ("text/sbom", "text/signature", "text/other"):
        registry.put_manifest("app", artifact(image, kind), OCI.manifest)
    registry.page_size = 2
    url = f"/v2/app/referrers/{image.digest}"
    first = get(registry, url)
    second = get(registry, first.links["next"]["url"])
    types = [entry["artifactType"] for page in (first, second) for entry in page.json()["manifests"]]
    assert types == ["text/sbom", "text/signature", "text/other"]
    only = get(registry, url, params={"artifactType": "text/signature"})
    assert [entry["artifactType"] for entry in only.json()["manifests"]] == ["text/signature"]
    assert only.headers["OCI-Filters-Applied"] == "artifactType"
    assert get(registry, "/v2/app/referrers/sha256:" + "0" * 64).json()["manifests"] == []
    registry.referrers_api = False
    assert get(registry, url).status_code == 404


def test_an_oci_layout_is_published_with_its_names_and_its_referrers(registry, tmp_path):
    with RegistryServer() as source:
        image = source.push_image("app", "1")
        index = source.push_index("app", "2", [image])
        nameless = source.put_manifest("app", artifact(image, "text/signature"), OCI.manifest)
        held = source.repositories["app"]
    for digest, body in [*held.blobs.items(), *((key, body) for key, (body, _) in held.manifests.items())]:
        file = tmp_path / "blobs" / digest.replace(":", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    entries = [
        {"mediaType": OCI.index, "digest": index.digest, "annotations": {"org.opencontainers.image.ref.name": "2"}},
        {"mediaType": OCI.manifest, "digest": nameless},
        {"mediaType": OCI.manifest, "digest": "sha256:" + "0" * 64},
    ]
    (tmp_path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    assert registry.load_oci_layout(tmp_path, "copy") == {"2": index.digest}
    assert manifest(registry, "copy", "2").json()["manifests"][0]["digest"] == image.digest
    assert manifest(registry, "copy", image.digest).headers["Content-Type"] == OCI.manifest
    found = get(registry, f"/v2/copy/referrers/{image.digest}").json()["manifests"]
    assert [entry["digest"] for entry in found] == [nameless]


def test_basic_auth_wants_a_login_and_keeps_what_is_denied(registry):
    registry.push_image("app", "1")
    registry.push_image("secret", "1")
    registry.auth = BasicAuth({"icinga": "pw"}, deny={"secret"})
    refused = manifest(registry, "app", "1")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Basic realm="Registry Realm"')
    assert manifest(registry, "app", "1", auth=("icinga", "wrong")).status_code == 401
    assert manifest(registry, "app", "1", auth=("icinga", "pw")).status_code == 200
    assert manifest(registry, "secret", "1", auth=("icinga", "pw")).status_code == 403


def scopes(*repositories):
    return {"service": "Registry of the Lab", "scope": [f"repository:{name}:pull" for name in repositories]}


def bearer(token):
    return {"headers": {"Authorization": f"Bearer {token}"}}


def test_one_token_may_name_many_repositories_and_opens_no_other(registry):
    for name in ("a", "b/c", "d"):
        registry.push_image(name, "1")
    registry.auth = BearerAuth(path="/JWT/Auth", member="access_token")
    challenge = manifest(registry, "a", "1").headers["WWW-Authenticate"]
    assert f'realm="{registry.url}/JWT/Auth"' in challenge
    assert 'scope="repository:a:pull"' in challenge
    token = get(registry, "/JWT/Auth", params=scopes("a", "b/c")).json()["access_token"]
    assert manifest(registry, "a", "1", **bearer(token)).status_code == 200
    assert manifest(registry, "b/c", "1", **bearer(token)).status_code == 200
    assert manifest(registry, "d", "1", **bearer(token)).status_code == 401
    registry.auth.forget()
    assert manifest(registry, "a", "1", **bearer(token)).status_code == 401


def test_a_denied_repository_spoils_the_whole_request_or_is_left_out(registry):
    registry.push_image("a", "1")
    registry.auth = BearerAuth(deny={"secret"})
    assert get(registry, "/token", params=scopes("a", "secret")).status_code == 403
    registry.auth = BearerAuth(deny={"secret"}, denied_request_fails=False)
    token = get(registry, "/token", params=scopes("a", "secret")).json()["token"]
    assert manifest(registry, "a", "1", **bearer(token)).status_code == 200
    assert manifest(registry, "secret", "1", **bearer(token)).status_code == 401
    registry.auth = BearerAuth(multi_scope=False)
    assert get(registry, "/token", params=scopes("a", "b")).status_code == 400


def test_a_token_wants_the_right_user_or_refresh_token(registry):
    registry.auth = BearerAuth(users={"icinga": "pw"}, refresh_tokens={"idt"})
    assert get(registry, "/token", params=scopes("a")).status_code == 401
    assert get(registry, "/token", params=scopes("a"), auth=("icinga", "pw")).status_code == 200
    form = {**scopes("a"), "grant_type": "refresh_token", "refresh_token": "idt"}
    assert requests.post(registry.url + "/token", data=form, timeout=5).status_code == 200
    assert requests.post(registry.url + "/token", data={**form, "refresh_token": "x"}, timeout=5).status_code == 401


def test_every_request_stands_in_the_log(registry):
    registry.push_image("app", "1")
    session = requests.Session()
    session.head(f"{registry.url}/v2/app/manifests/1", timeout=5)
    session.post(f"{registry.url}/v2/app/blobs/uploads", timeout=5)
    assert [(entry.method, entry.path, entry.status) for entry in registry.log] == [
        ("HEAD", "/v2/app/manifests/1", 200),
        ("POST", "/v2/app/blobs/uploads", 405),
    ]
    assert registry.log[0].headers["user-agent"].startswith("python-requests/")
    assert len(registry.requests(method="HEAD", path="/manifests/")) == 1


def test_it_speaks_tls_and_other_addresses(server_tls, certificate):
    with RegistryServer(tls=server_tls) as registry:
        assert get(registry, "/v2/", verify=str(certificate / "cert.pem")).status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            get(registry, "/v2/")
        assert get(registry, "/v2/", verify=str(certificate / "cert.pem")).status_code == 200
    with RegistryServer(address="::1") as registry:
        assert get(registry, "/v2/").status_code == 200
