import json

import pytest
import requests

from container_updates.demo import faults
from container_updates.demo.registry.server import RegistryServer


@pytest.fixture
def registry():
    with RegistryServer() as server:
        server.push_image("app", "1")
        yield server


def ask(registry, method="GET", timeout=5.0, **options):
    return requests.request(method, f"{registry.url}/v2/app/manifests/1", timeout=timeout, **options)


def test_a_fault_stays_with_its_repository_and_method_until_healed(registry):
    registry.push_image("other", "1")
    registry.fail_in("app", faults.status(405, "UNSUPPORTED"), method="HEAD")
    assert ask(registry, "HEAD").status_code == 405
    assert ask(registry).status_code == 200
    assert requests.head(f"{registry.url}/v2/other/manifests/1", timeout=5).status_code == 200
    registry.heal()
    assert ask(registry, "HEAD").status_code == 200


def test_a_fault_may_wear_off(registry):
    registry.fail(faults.once(faults.status(503)))
    assert [ask(registry).status_code for _ in range(3)] == [503, 200, 200]


def test_limits_are_told_as_docker_hub_tells_them(registry):
    registry.fail(faults.ratelimit(7))
    assert ask(registry, "HEAD").headers["ratelimit-remaining"] == "7;w=21600"
    registry.fail(faults.too_many_requests("60"))
    answer = ask(registry)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")


def test_the_digest_may_be_missing_or_wrong(registry):
    registry.fail(faults.wrong_digest())
    assert ask(registry, "HEAD").headers["Docker-Content-Digest"] == "sha256:" + "0" * 64
    registry.fail(faults.no_digest())
    assert "Docker-Content-Digest" not in ask(registry, "HEAD").headers


def test_bodies_that_are_no_json(registry):
    for fault in (faults.html(), faults.invalid_json(), faults.invalid_utf8()):
        registry.heal()
        registry.fail(fault)
        answer = ask(registry)
        assert answer.status_code == 200
        with pytest.raises((json.JSONDecodeError, UnicodeDecodeError)):
            json.loads(answer.content)


def test_a_truncated_body_is_shorter_than_announced(registry):
    registry.fail(faults.truncated())
    with pytest.raises(requests.exceptions.RequestException):
        ask(registry).content  # noqa: B018


def test_a_huge_body_comes_in_parts(registry):
    registry.fail(faults.huge(1 << 40, announced=True))
    with ask(registry, stream=True) as answer:
        assert answer.headers["Content-Length"] == str(1 << 40)
        assert len(next(answer.iter_content(1 << 20))) > 0


def test_a_bomb_is_small_on_the_wire_and_large_unpacked(registry):
    registry.fail(faults.bomb(1 << 22))
    answer = ask(registry)
    assert int(answer.headers["Content-Length"]) < 1 << 16
    assert len(answer.content) == 1 << 22


def test_an_answer_may_be_edited(registry):
    registry.fail(faults.edited(lambda document: {**document, "schemaVersion": 1}))
    assert ask(registry).json()["schemaVersion"] == 1


def test_a_drip_is_the_right_answer_only_slowly(registry):
    whole = ask(registry).content
    registry.fail(faults.drip(0.0001))
    assert ask(registry).content == whole


def test_silence_ends_only_with_the_server(registry):
    registry.fail(faults.silence())
    with pytest.raises(requests.exceptions.ReadTimeout):
        ask(registry, timeout=0.05)
    assert registry.log[-1].status == 0


def test_redirects_lead_to_another_host_or_nowhere(registry):
    with RegistryServer() as other:
        theirs = other.push_image("app", "1", labels={"from": "elsewhere"})
        registry.fail(faults.redirect(other.url))
        assert ask(registry).headers["Docker-Content-Digest"] == theirs.digest
    registry.heal()
    registry.fail(faults.endless_redirect())
    with pytest.raises(requests.exceptions.TooManyRedirects):
        ask(registry)
