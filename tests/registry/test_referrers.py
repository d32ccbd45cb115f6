"""What hangs on a manifest: whether a registry has the referrers API is believed only where it says so itself."""

import json

import pytest

from container_updates import errors
from container_updates.registry import referrers
from tests.registry.conftest import digest

INDEX = "application/vnd.oci.image.index.v1+json"
SIGNATURE = digest(b"signature")
PLAIN = (404, {"Content-Type": "text/plain"}, b"404 page not found\n")


def unknown(code):
    return 404, {"Content-Type": "application/json"}, json.dumps({"errors": [{"code": code}]}).encode()


def listing(*digests):
    entries = [{"mediaType": INDEX, "digest": one, "size": 1, "artifactType": "a/b"} for one in digests]
    return 200, {"Content-Type": INDEX}, json.dumps({"schemaVersion": 2, "manifests": entries}).encode()


def found(asker, server, name, of):
    asker.store.kept = {key: kept for key, kept in asker.store.kept.items() if key[0] == "referrers-api"}
    listing = referrers.of(asker.registry(), server.reference(name), of)
    if listing.failed is not None:
        raise listing.failed
    return [one.digest for one in listing.entries]


def asked(server, name):
    return [path for path in server.asked if f"/v2/{name}/referrers/" in path]


@pytest.mark.parametrize("answer", [unknown("NAME_UNKNOWN"), unknown("MANIFEST_UNKNOWN"), unknown("UNKNOWN")])
def test_a_404_for_one_repository_hides_no_signature_of_another(asker, server, answer):
    one, two = server.publish("one", "1"), server.publish("two", "1")
    server.routes[f"/v2/one/referrers/{one}"] = answer
    server.routes[f"/v2/two/referrers/{two}"] = listing(SIGNATURE)
    assert found(asker, server, "one", one) == []
    assert found(asker, server, "two", two) == [SIGNATURE]


def test_one_host_with_several_registries_behind_it_is_asked_by_repository(asker, server):
    one, two, three = (server.publish(name, "1") for name in ("one", "two", "three"))
    server.routes[f"/v2/one/referrers/{one}"] = listing(SIGNATURE)
    server.routes[f"/v2/two/referrers/{two}"] = PLAIN
    server.routes[f"/v2/three/referrers/{three}"] = listing(SIGNATURE)
    expected = {"one": [SIGNATURE], "two": [], "three": [SIGNATURE]}
    assert {
        name: found(asker, server, name, of) for name, of in zip(expected, (one, two, three), strict=True)
    } == expected


@pytest.mark.parametrize("answer", [unknown("MANIFEST_UNKNOWN"), unknown("NAME_UNKNOWN"), PLAIN])
def test_a_404_for_a_digest_that_was_cleaned_up_says_nothing_of_the_others(asker, server, answer):
    there, gone = server.publish("app", "1"), digest(b"gone")
    server.routes[f"/v2/app/referrers/{gone}"] = answer
    server.routes[f"/v2/app/referrers/{there}"] = listing(SIGNATURE)
    assert found(asker, server, "app", gone) == []
    assert found(asker, server, "app", there) == [SIGNATURE]


def test_a_repository_that_was_not_known_for_a_moment_is_asked_again(asker, server):
    there = server.publish("app", "1")
    server.routes[f"/v2/app/referrers/{there}"] = unknown("NAME_UNKNOWN")
    assert found(asker, server, "app", there) == []
    server.routes[f"/v2/app/referrers/{there}"] = listing(SIGNATURE)
    assert found(asker, server, "app", there) == [SIGNATURE]


@pytest.mark.parametrize("answer", [PLAIN, unknown("UNSUPPORTED"), (405, {}, b""), (501, {}, b"")])
def test_a_registry_without_the_api_is_not_asked_for_it_again(asker, server, answer):
    there = server.publish("app", "1")
    server.routes[f"/v2/app/referrers/{there}"] = answer
    server.routes[f"/v2/app/manifests/{there.replace(':', '-')}"] = listing(SIGNATURE)
    assert found(asker, server, "app", there) == [SIGNATURE]
    assert found(asker, server, "app", there) == [SIGNATURE]
    assert len(asked(server, "app")) == 1


@pytest.mark.parametrize("answer", [PLAIN, unknown("NAME_UNKNOWN"), unknown("MANIFEST_UNKNOWN"), (405, {}, b"")])
def test_a_list_that_was_there_before_and_is_not_now_is_no_empty_one(asker, server, answer):
    there = server.publish("app", "1")
    server.routes[f"/v2/app/referrers/{there}"] = listing(SIGNATURE)
    assert found(asker, server, "app", there) == [SIGNATURE]
    server.routes[f"/v2/app/referrers/{there}"] = answer
    with pytest.raises(errors.BadAnswer, match="which it has listed before"):
        found(asker, server, "app", there)
