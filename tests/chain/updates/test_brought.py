"""What an update brings, package by package, where both images have a list of what is in them."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from container_updates.demo.registry.attached import beside, layer_of, push_attested
from container_updates.demo.registry.content import PushedImage, PushedIndex
from container_updates.report import nagios
from container_updates.settings import Settings
from tests.support.lab import Lab, lab


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


def statement(image: PushedImage, packages: dict[str, str]) -> bytes:
    listed = [
        {"name": name, "versionInfo": version, "externalRefs": [
            {"referenceType": "purl", "referenceLocator": f"pkg:deb/debian/{name}@{version}?arch=amd64"}]}
        for name, version in packages.items()
    ]  # fmt: skip
    told = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://spdx.dev/Document",
        "subject": [{"name": "pkg:docker/app", "digest": {"sha256": image.digest.removeprefix("sha256:")}}],
        "predicate": {"spdxVersion": "SPDX-2.3", "packages": listed},
    }
    return json.dumps(told).encode()


def publish(host: Lab, built: str, packages: dict[str, str] | None) -> PushedIndex | PushedImage:
    image = host.registry.push_image("acme/app", None if packages is not None else "1", labels={"built": built})
    if packages is None:
        return image
    return push_attested(host.registry, "1", image, statement(image, packages), "https://spdx.dev/Document")


def change(host: Lab, **settings: Any) -> Any:
    found = host.check(checks=("updates",), **settings).finding("app")
    assert found.code == "outdated"
    return found.details.get("change", {}).get("packages")


def test_an_update_is_told_package_by_package(host: Lab) -> None:
    host.run("app", publish(host, "before", {"openssl": "3.0.14-1", "curl": "7", "old": "1", "same": "1"}))
    publish(host, "after", {"openssl": "3.0.15-1", "curl": "7", "new": "1", "same": "1"})
    assert change(host, changes=True) == {
        "from": "sbom",
        "signed": False,
        "count": 3,
        "packages": [
            {"name": "new", "type": "deb", "after": "1"},
            {"name": "old", "type": "deb", "before": "1"},
            {"name": "openssl", "type": "deb", "before": "3.0.14-1", "after": "3.0.15-1"},
        ],
    }


def test_the_text_says_it_at_v_and_by_whose_word(host: Lab) -> None:
    host.run("app", publish(host, "before", {"openssl": "3.0.14-1"}))
    publish(host, "after", {"openssl": "3.0.15-1"})
    outcome = host.check(checks=("updates",), changes=True).outcome
    text = nagios.render(outcome, Settings(verbose=1, checks=("updates",)))
    assert "1 package by an unsigned SBOM: openssl 3.0.14-1 → 3.0.15-1" in text


def test_cosign_s_attestation_beside_the_image_is_found(host: Lab) -> None:
    before = host.registry.push_image("acme/app", "1", labels={"built": "before"})
    host.run("app", before)
    after = host.registry.push_image("acme/app", "1", labels={"built": "after"})
    for image, version in ((before, "1"), (after, "2")):
        payload = base64.b64encode(statement(image, {"curl": version})).decode()
        envelope = {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": [{"sig": "eA=="}]}
        layer = layer_of(
            host.registry,
            image,
            "application/vnd.dsse.envelope.v1+json",
            json.dumps(envelope).encode(),
            {"predicateType": "https://spdx.dev/Document"},
        )
        beside(host.registry, image, [layer], "att")
    told = change(host, changes=True)
    assert told["packages"] == [{"name": "curl", "type": "deb", "before": "1", "after": "2"}]
    assert told["signed"] is False


def test_without_a_list_on_either_side_nothing_is_said_and_nothing_asked_again(host: Lab) -> None:
    host.run("app", publish(host, "before", None))
    publish(host, "after", {"openssl": "3.0.15-1"})
    assert change(host, changes=True, no_cache=False) is None
    host.registry.log.clear()
    host.time += 3600
    assert change(host, changes=True, no_cache=False) is None
    assert not host.registry.requests(path=r"\.att$|/blobs/")


def test_a_list_is_asked_for_once(host: Lab) -> None:
    host.run("app", publish(host, "before", {"openssl": "3.0.14-1"}))
    publish(host, "after", {"openssl": "3.0.15-1"})
    change(host, changes=True, no_cache=False)
    host.registry.log.clear()
    host.time += 3600
    assert change(host, changes=True, no_cache=False)["count"] == 1
    assert not host.registry.requests(path=r"/blobs/|\.att$")


def test_nobody_pays_for_it_who_does_not_want_it(host: Lab) -> None:
    host.run("app", publish(host, "before", {"openssl": "3.0.14-1"}))
    publish(host, "after", {"openssl": "3.0.15-1"})
    assert change(host) is None
    assert not host.registry.requests(path=r"\.att$")
