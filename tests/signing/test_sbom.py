"""Lists of what is in an image: of real tools, of any size, and of anybody who wants to cost us memory."""

import base64
import json
from typing import Any

import pytest

from container_updates.signing import sbom
from tests.support.paths import ASSETS

DIGEST = "sha256:" + "ab" * 32


def spdx(*packages: Any, digest: str = DIGEST, kind: str = "https://spdx.dev/Document", **members: Any) -> bytes:
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": kind,
        "subject": [{"name": "pkg:docker/app", "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicate": {"files": [{"fileName": "a"}] * 3, "packages": list(packages), **members},
    }
    return json.dumps(statement).encode()


def package(name: str, version: str, purl: str = "") -> dict[str, Any]:
    refs = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}] if purl else []
    return {"SPDXID": "SPDXRef-1", "name": name, "versionInfo": version, "externalRefs": refs}


def test_packages_are_known_by_their_purl() -> None:
    body = spdx(
        package("openssl", "3.0.14-1", "pkg:deb/debian/openssl@3.0.14-1?arch=amd64&distro=debian-12"),
        package("core", "7.1", "pkg:npm/%40babel/core@7.1.0"),
        package("plain", "1"),
    )
    assert sbom.read(body, DIGEST) == {
        ("deb", "openssl"): "3.0.14-1",
        ("npm", "@babel/core"): "7.1",
        ("", "plain"): "1",
    }


def test_several_versions_of_one_package_are_all_told() -> None:
    body = spdx(*(package("lodash", version, f"pkg:npm/lodash@{version}") for version in ("4.17.21", "3.10.1")))
    assert sbom.read(body, DIGEST) == {("npm", "lodash"): "3.10.1, 4.17.21"}


def test_cyclonedx_is_read_too() -> None:
    components = [
        {"type": "library", "name": "musl", "version": "1.2.5-r0", "purl": "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64"},
        {"type": "operating-system", "name": "alpine", "version": "3.20"},
    ]
    statement = json.loads(spdx(kind="https://cyclonedx.org/bom/v1.4"))
    statement["predicate"] = {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": components}
    assert sbom.read(json.dumps(statement).encode(), DIGEST) == {("apk", "musl"): "1.2.5-r0"}


def test_an_envelope_is_opened() -> None:
    payload = base64.b64encode(spdx(package("a", "1"))).decode()
    envelope = {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": [{"sig": "x"}]}
    assert sbom.read(json.dumps(envelope).encode(), DIGEST) == {("", "a"): "1"}


def test_what_buildkit_itself_wrote() -> None:
    folder = ASSETS / "buildkit" / "unsigned-index" / "blobs" / "sha256"
    body = (folder / "a9646604f9522bf59d203a86ac5c2354a573ea041b8846409c4fc0f8c4a70850").read_bytes()
    about = "sha256:da8b190665956ea07890a0273e2a9c96bfe291662f08e2860e868eef69c34620"
    assert sbom.read(body, about) is not None


@pytest.mark.parametrize(
    "body",
    [
        spdx(package("a", "1"), digest="sha256:" + "cd" * 32),
        spdx(package("a", "1"), kind="https://slsa.dev/provenance/v1"),
        spdx(package("a", "1"))[:-5],
        b"<html>",
        b"[]",
        b"",
        b'{"predicate":' * 5000,
        b'{"payloadType":"x","payload":"=="}',
    ],
    ids=["of another image", "provenance", "cut off", "a web page", "a list", "nothing", "deep", "no statement"],
)
def test_what_is_no_list_of_this_image_is_none(body: bytes) -> None:
    assert sbom.read(body, DIGEST) is None


def test_what_is_kept_is_what_was_read() -> None:
    packages = sbom.read(spdx(package("a", "1")), DIGEST)
    assert sbom.unpack(sbom.pack(packages)) == packages
    assert sbom.unpack(sbom.pack(None)) is None
