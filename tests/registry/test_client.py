"""What a tag names: one question where one is enough, and nothing believed that is not proven."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from container_updates import errors
from container_updates.reference import parse
from container_updates.registry import tags
from tests.registry.conftest import OCI_MANIFEST, digest, manifest


def test_a_head_tells_the_digest(asker, server):
    wanted = server.publish("app", "1", **{"Last-Modified": "Mon, 23 Nov 2026 10:00:00 GMT"})
    published = asker.registry().published(server.reference("app:1"))
    assert published.digest == wanted
    assert published.last_modified.isoformat() == "2026-11-23T10:00:00+00:00"
    assert published.mirror is None
    assert server.asked == ["HEAD /v2/app/manifests/1"]


def test_nothing_packed_is_asked_for(asker, server):
    server.publish("app", "1")
    asker.registry().published(server.reference("app:1"))
    assert server.seen[0][2]["Accept-Encoding"] == "identity"
    assert server.seen[0][2]["User-Agent"].startswith("check_container_updates/")


def test_all_four_manifest_types_are_accepted(asker, server):
    server.publish("app", "1")
    asker.registry().published(server.reference("app:1"))
    assert sorted(server.seen[0][2]["Accept"].split(", ")) == [
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
    ]


def test_many_containers_of_one_image_ask_once(asker, server):
    server.publish("app", "1")
    registry = asker.registry()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(registry.published, [server.reference("app:1")] * 50))
    assert len(server.seen) == 1


def test_an_open_registry_is_asked_once_an_image(asker, server):
    for number in range(30):
        server.publish("app", str(number))
    registry = asker.registry()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(registry.published, [server.reference(f"app:{number}") for number in range(30)]))
    assert len(server.seen) == 30


def test_an_answer_is_kept_for_the_cache_ttl(asker, server):
    wanted = server.publish("app", "1", **{"Last-Modified": "Mon, 23 Nov 2026 10:00:00 GMT"})
    first = asker.registry().published(server.reference("app:1"))
    registry = asker.registry()
    assert registry.published(server.reference("app:1")) == first
    assert first.digest == wanted
    assert registry.requests == []
    assert [ttl for (kind, _), (_, ttl) in asker.store.kept.items() if kind == "published"] == [600]


@pytest.mark.parametrize("status", [404, 405, 501])
def test_where_head_is_refused_the_body_is_hashed(asker, server, status):
    body = manifest()
    server.routes["/v2/app/manifests/1"] = lambda request: (
        (status, {}, b"") if request.command == "HEAD" else (200, {"Content-Type": OCI_MANIFEST}, body)
    )
    assert asker.registry().published(server.reference("app:1")).digest == digest(body)


@pytest.mark.parametrize("header", ["", "sha256:abc", "md5:0123", "SHA256:" + "a" * 64, "sha256:" + "A" * 64])
def test_a_digest_header_without_the_right_form_is_not_believed(asker, server, header):
    body = manifest()
    server.publish("app", "1", body, **{"Docker-Content-Digest": header})
    assert asker.registry().published(server.reference("app:1")).digest == digest(body)


def test_a_digest_header_that_its_body_contradicts_is_a_bad_answer(asker, server):
    body = manifest()
    wrong = {"Docker-Content-Digest": digest(b"other")}
    server.routes["/v2/app/manifests/1"] = lambda request: (
        (405, {}, b"") if request.command == "HEAD" else (200, wrong, body)
    )
    with pytest.raises(errors.BadAnswer, match="does not match"):
        asker.registry().published(server.reference("app:1"))


@pytest.mark.parametrize(
    ("code", "tags", "expected", "questions"),
    [
        ("MANIFEST_UNKNOWN", 200, True, 3),
        ("MANIFEST_UNKNOWN", 404, False, 3),
        ("MANIFEST_UNKNOWN", 403, True, 3),
        ("NAME_UNKNOWN", 200, False, 2),
        ("", 200, True, 3),
        ("", 404, False, 3),
        ("", 403, None, 3),
    ],
)
def test_a_missing_tag_says_whether_the_repository_answers(asker, server, code, tags, expected, questions):
    body = json.dumps({"errors": [{"code": code}]}).encode() if code else b"not found"
    server.routes["/v2/app/manifests/1"] = (404, {}, body)
    server.routes["/v2/app/tags/list"] = (tags, {}, b"{}")
    with pytest.raises(errors.NotFound) as caught:
        asker.registry().published(server.reference("app:1"))
    assert caught.value.repository_answers is expected
    assert len(server.seen) == questions
    with pytest.raises(errors.NotFound) as again:
        asker.registry().published(server.reference("app:1"))
    assert again.value.repository_answers is expected
    assert len(server.seen) == questions


@pytest.mark.parametrize("status", [201, 204, 302, 400, 406, 410, 418])
def test_any_other_status_is_a_bad_answer_that_names_it(asker, server, status):
    server.routes["/v2/app/manifests/1"] = (status, {}, b"")
    with pytest.raises(errors.BadAnswer) as caught:
        asker.registry().published(server.reference("app:1"))
    assert caught.value.status == status
    assert not isinstance(caught.value, errors.NotFound)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_is_tried_once_more(asker, server, status):
    wanted = server.publish("app", "1")
    answers = [(status, {}, b""), server.routes["/v2/app/manifests/1"]]
    server.routes["/v2/app/manifests/1"] = lambda request: answers.pop(0)
    assert asker.registry().published(server.reference("app:1")).digest == wanted
    server.routes["/v2/app/manifests/2"] = (status, {}, b"")
    with pytest.raises(errors.Unreachable) as caught:
        asker.registry().published(server.reference("app:2"))
    assert caught.value.status == status
    assert server.asked.count("HEAD /v2/app/manifests/2") == 2


def test_a_digest_alone_has_nothing_to_ask(asker):
    with pytest.raises(errors.Unresolvable):
        asker.registry().published(parse("example.com/app@sha256:" + "0" * 64))


def test_a_manifest_and_a_blob_are_verified_and_kept_for_good(asker, server):
    wanted = server.publish("app", "1")
    server.routes[f"/v2/app/blobs/{digest(b'config')}"] = (200, {}, b"config")
    reference = server.reference("app:1")
    first = asker.registry()
    assert first.manifest(reference, wanted).digest == wanted
    assert first.blob(reference, digest(b"config"), 100) == b"config"
    again = asker.registry()
    assert again.manifest(reference, wanted) == first.manifest(reference, wanted)
    assert again.blob(reference, digest(b"config"), 100) == b"config"
    assert again.requests == []
    assert {ttl for (kind, _), (_, ttl) in asker.store.kept.items() if kind in ("manifest", "blob")} == {None}


def test_content_of_another_digest_is_a_bad_answer(asker, server):
    wanted = server.publish("app", "1")
    server.routes[f"/v2/app/manifests/{wanted}"] = (200, {"Content-Type": OCI_MANIFEST}, manifest("other"))
    server.routes[f"/v2/app/blobs/{wanted}"] = (200, {}, b"other")
    with pytest.raises(errors.BadAnswer, match="does not match"):
        asker.registry().manifest(server.reference("app:1"), wanted)
    with pytest.raises(errors.BadAnswer, match="does not match"):
        asker.registry().blob(server.reference("app:1"), wanted, 100)


def test_a_spoilt_cache_is_not_believed(asker, server):
    wanted = server.publish("app", "1")
    asker.registry().manifest(server.reference("app:1"), wanted)
    asker.registry().published(server.reference("app:1"))
    asker.store.kept = {key: (b"\xffspoilt", ttl) for key, (_, ttl) in asker.store.kept.items()}
    assert asker.registry().manifest(server.reference("app:1"), wanted).digest == wanted
    assert asker.registry().published(server.reference("app:1")).digest == wanted


def test_429_ends_all_questions_until_the_time_it_names(asker, server):
    server.routes["/v2/app/manifests/1"] = (429, {"Retry-After": "120"}, b"")
    server.publish("app", "2")
    registry = asker.registry()
    with pytest.raises(errors.RateLimited) as caught:
        registry.published(server.reference("app:1"))
    assert timedelta(seconds=100) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=120)
    with pytest.raises(errors.RateLimited):
        registry.published(server.reference("app:2"))
    later = asker.registry()
    with pytest.raises(errors.RateLimited) as remembered:
        later.published(server.reference("app:2"))
    assert remembered.value.retry_at == caught.value.retry_at
    assert later.requests == []
    assert len(server.seen) == 1


def test_a_rate_limited_token_server_ends_the_questions_too(asker, server):
    challenge = {"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}
    for repository in ("one", "two"):
        server.routes[f"/v2/{repository}/manifests/1"] = (401, challenge, b"")
    server.routes["/token"] = (429, {"Retry-After": "120"}, b"")
    registry = asker.registry()
    for repository in ("one", "two"):
        with pytest.raises(errors.RateLimited):
            registry.published(server.reference(f"{repository}:1"))
    assert len(server.seen) == 2


def test_the_smallest_ratelimit_remaining_is_told_and_no_pull_is_made_without_any(asker, server):
    for tag, left in (("1", 7), ("2", 0), ("3", 9)):
        wanted = server.publish("app", tag, **{"ratelimit-remaining": f"{left};w=21600"})
    registry = asker.registry()
    registry.published(server.reference("app:1"))
    assert registry.ratelimit_remaining == 7
    registry.published(server.reference("app:2"))
    assert registry.ratelimit_remaining == 0
    with pytest.raises(errors.RateLimited):
        registry.manifest(server.reference("app:3"), wanted)
    registry.published(server.reference("app:3"))
    assert registry.ratelimit_remaining == 0
    assert all(line.startswith("HEAD") for line in server.asked)


def test_requests_are_recorded_without_query(asker, server):
    server.routes["/v2/app/manifests/1"] = (404, {}, b"")
    server.routes["/v2/app/tags/list"] = (200, {}, b"{}")
    registry = asker.registry()
    with pytest.raises(errors.NotFound):
        registry.published(server.reference("app:1"))
    answered = [(record.method, record.url, record.status) for record in registry.requests if record.status]
    assert answered == [
        ("HEAD", f"{server.url}/v2/app/manifests/1", 404),
        ("GET", f"{server.url}/v2/app/manifests/1", 404),
        ("GET", f"{server.url}/v2/app/tags/list", 200),
    ]


@pytest.mark.parametrize("beside", ["/other", ""], ids=["another mirror", "a registry of its own"])
def test_two_mirrors_on_one_host_never_answer_for_each_other(asker, serve, beside):
    """`--mirror one=http://H/hub --mirror two=http://H/other`, or H itself: each has an app/web:1 of its own."""
    host, one, two = serve(), serve(), serve()
    first, second = manifest("hub"), manifest("other")
    for path, body in (("/hub", first), (beside, second)):
        answer = (200, {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": digest(body)}, body)
        host.routes[f"{path}/v2/app/web/manifests/1"] = answer
    mirrors = {one.host: (f"{host.url}/hub",), two.host: (f"{host.url}{beside}",)}
    mine = two if beside else host

    def ask():
        registry = asker.registry(mirrors=mirrors if beside else {one.host: mirrors[one.host]})
        return [registry.published(place.reference("app/web:1")) for place in (one, mine)]

    for _ in range(2):
        hub, other = ask()
        assert (hub.digest, other.digest) == (digest(first), digest(second))
        assert hub.mirror == f"{host.host}/hub"
        assert other.mirror == (f"{host.host}/other" if beside else None)


def test_what_a_mirror_listed_is_not_taken_for_another_one_s(asker, serve):
    host, upstream = serve(), serve()
    for path in ("/old", "/new"):
        host.routes[f"{path}/v2/app/tags/list"] = (200, {}, json.dumps({"tags": [path[1:]]}).encode())
    for path in ("/old", "/new"):
        registry = asker.registry(mirrors={upstream.host: (f"{host.url}{path}",)})
        assert tags.of(registry, upstream.reference("app:1")).tags == (path[1:],)
