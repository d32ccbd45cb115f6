"""Manifests and indexes: understood wholly or refused; the platform decides which entry counts."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_updates import errors
from container_updates.model import Platform
from container_updates.registry.manifests import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    for_platform,
    parse,
    parse_config,
)
from tests.registry.conftest import digest, manifest


def entry(number, **platform):
    platform = {name.replace("_", "."): value for name, value in platform.items()}
    found = {"mediaType": OCI_MANIFEST, "digest": digest(str(number).encode()), "size": number}
    return {**found, "platform": platform} if platform else found


def index(*entries, **members):
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries), **members}).encode()


def test_an_index_lists_manifests():
    body = index(entry(1, os="linux", architecture="arm", variant="v7"), annotations={"a": "b"})
    found = parse(body, OCI_INDEX)
    assert found.is_index
    assert found.digest == digest(body)
    assert found.entries[0].platform == Platform("linux", "arm", "v7")
    assert found.entries[0].size == 1
    assert found.annotations == {"a": "b"}
    assert (found.config, found.layers) == (None, ())


def test_a_manifest_has_config_layers_and_subject():
    document = json.loads(manifest("x"))
    document |= {"layers": [entry(3)], "subject": entry(4), "artifactType": "application/x"}
    found = parse(json.dumps(document).encode(), OCI_MANIFEST)
    assert not found.is_index
    assert found.config.digest == digest(b"x")
    assert [layer.size for layer in found.layers] == [3]
    assert found.subject.digest == digest(b"4")
    assert found.artifact_type == "application/x"


def test_without_a_media_type_of_its_own_the_header_or_the_members_tell():
    body = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    assert parse(body, DOCKER_LIST).media_type == DOCKER_LIST
    assert parse(body, None).media_type == OCI_INDEX
    assert parse(body, "application/json; charset=utf-8").media_type == OCI_INDEX


@pytest.mark.parametrize(
    "body",
    [
        b'{"schemaVersion": 1, "name": "app", "fsLayers": [], "signatures": []}',
        manifest().replace(b'"schemaVersion": 2', b'"schemaVersion": 3'),
        manifest().replace(b'"schemaVersion": 2', b'"schemaVersion": NaN'),
        manifest().replace(b"sha256:", b"sha257:"),
        manifest().replace(b'"size": 1', b'"size": -1'),
        manifest().replace(b'"size": 1', b'"size": true'),
        manifest().replace(b'"size": 1', b'"size": ' + b"9" * 5000),
        manifest().replace(b'"layers": []', b'"layers": {}'),
        manifest().replace(b'"layers": []', b'"layers": [3]'),
        manifest().replace(b'"layers": []', b'"layers": [], "layers": []'),
        manifest().replace(b'"layers": []', b'"layers": [], "manifests": []'),
        manifest().replace(b'"layers": []', b'"layers": [], "annotations": {"a": 3}'),
        manifest().replace(b'"layers": []', b'"layers": [], "artifactType": "\\ud800"'),
        manifest().replace(OCI_MANIFEST.encode(), OCI_INDEX.encode()),
        manifest().replace(OCI_MANIFEST.encode(), b"application/x-other"),
        json.dumps({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "layers": []}).encode(),
        index(*[entry(number) for number in range(1001)]),
        index(entry(1) | {"platform": "linux"}),
        index(entry(1, os=3)),
        b"null",
        b"3",
        b" " * (4 * 1024 * 1024 + 1),
    ],
)
def test_what_is_not_wholly_right_is_a_bad_answer(body):
    with pytest.raises(errors.BadAnswer):
        parse(body, None)


def test_a_manifest_larger_than_4_mib_is_refused_although_it_is_right():
    body = manifest()
    largest = body + b" " * (4 * 1024 * 1024 - len(body))
    assert parse(largest, OCI_MANIFEST).body == largest
    with pytest.raises(errors.BadAnswer, match="larger than 4194304 bytes"):
        parse(largest + b" ", OCI_MANIFEST)


def test_what_is_called_a_web_page_is_none_whatever_it_holds():
    with pytest.raises(errors.BadAnswer, match="a web page instead of a manifest"):
        parse(index(), "text/html; charset=utf-8")


def test_schema_1_is_called_too_old():
    with pytest.raises(errors.BadAnswer, match="too old a format"):
        parse(b'{"schemaVersion": 1}', "application/vnd.docker.distribution.manifest.v1+prettyjws")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(digest(b"")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(
        ["schemaVersion", "mediaType", "manifests", "layers", "config", "digest", "size", "platform", "annotations"]
    ), inner),
    max_leaves=20,
)  # fmt: skip


@given(JSON, st.none() | st.text() | st.sampled_from([OCI_INDEX, OCI_MANIFEST]))
def test_no_document_raises_anything_but_our_own_error(document, media_type):
    for read in (lambda body: parse(body, media_type), parse_config):
        with suppress(errors.BadAnswer):
            read(json.dumps(document).encode())


@given(st.binary())
def test_no_bytes_raise_anything_but_our_own_error(body):
    with pytest.raises(errors.BadAnswer):
        parse(body, None)


INDEX = parse(
    index(
        entry(1, os="linux", architecture="amd64"),
        entry(2, os="linux", architecture="arm", variant="v5"),
        entry(3, os="linux", architecture="arm", variant="v7"),
        entry(4, os="linux", architecture="arm64", variant="v8"),
        entry(5, os="unknown", architecture="unknown"),
        entry(6, os="windows", architecture="amd64", os_version="10.0.17763.6414"),
        entry(7, os="windows", architecture="amd64", os_version="10.0.20348.2762"),
        entry(8, os="linux", architecture="amd64", variant="v3"),
        entry(9),
    ),
    OCI_INDEX,
)


@pytest.mark.parametrize(
    ("platform", "number"),
    [
        (Platform("linux", "amd64"), 1),
        (Platform("linux", "amd64", "v1"), 1),
        (Platform("linux", "amd64", "v2"), 1),
        (Platform("linux", "amd64", "v3"), 8),
        (Platform("linux", "x86_64"), 1),
        (Platform("linux", "arm"), 3),
        (Platform("linux", "arm", "v7"), 3),
        (Platform("linux", "arm", "7"), 3),
        (Platform("linux", "arm", "v6"), 2),
        (Platform("linux", "arm", "v8"), 3),
        (Platform("linux", "arm64"), 4),
        (Platform("linux", "aarch64", "v8"), 4),
        (Platform("windows", "amd64", os_version="10.0.17763.1"), 6),
        (Platform("windows", "amd64", os_version="10.0.20348.1"), 7),
        (Platform("windows", "amd64", os_version="10.0.99999.1"), None),
        (Platform("linux", "s390x"), None),
        (Platform("linux", "arm", "v4"), None),
        (Platform("freebsd", "amd64"), None),
    ],
)
def test_the_platform_decides_which_entry_counts(platform, number):
    found = for_platform(INDEX, platform)
    assert (found and found.size) == number


def test_an_image_config_says_what_it_is():
    document = {"os": "linux", "architecture": "arm64", "variant": "v8", "created": "2026-11-11T20:15:00Z"}
    document |= {"config": {"Labels": {"a": "b"}}, "rootfs": {"type": "layers", "diff_ids": [digest(b"l")]}}
    document |= {"history": [{"created_by": "COPY . /"}, {"comment": "imported"}, "odd", {"created_by": 7}]}
    found = parse_config(json.dumps(document).encode())
    assert found.platform == Platform("linux", "arm64", "v8")
    assert (found.created, found.labels, found.layers) == ("2026-11-11T20:15:00Z", {"a": "b"}, (digest(b"l"),))
    assert found.history == ("COPY . /",)


@pytest.mark.parametrize("history", [None, {}, "x", [[]], 7])
def test_a_history_of_another_shape_costs_nothing_else(history):
    assert parse_config(json.dumps({"os": "linux", "history": history}).encode()).history == ()
