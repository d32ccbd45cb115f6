"""Newer versions on the embedded lab: the tag that is named exists, for this platform, and as the admin wants it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from container_updates.demo import faults
from container_updates.demo.engine.kinds import CLASSIC, CONTAINERD, Kind
from container_updates.demo.http import Request, Response, json_response
from container_updates.demo.registry.content import AMD64, ARM64
from container_updates.model import State
from container_updates.registry.manifests import OCI_MANIFEST
from container_updates.report import nagios
from container_updates.settings import Settings
from tests.support.lab import Checked, Lab, lab

VERSIONS = ("versions",)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


def publish(host: Lab, *tags: str) -> None:
    for tag in tags:
        host.registry.push_image("app/web", tag, created=f"2026-11-0{1 + len(tag) % 8}T00:00:00Z")


def run(host: Lab, tag: str, labels: dict[str, str] | None = None, name: str = "web") -> None:
    host.run(name, host.registry.push_image("app/web", tag), labels)


def code(checked: Checked) -> str:
    return checked.finding("web", "versions").code


def test_the_newest_tag_is_named_and_how_far_it_is(host: Lab) -> None:
    run(host, "1.27.3")
    publish(host, "1.27.4", "1.29.1", "1.29.1-alpine", "latest", "1.30")
    checked = host.check(checks=VERSIONS)
    finding = checked.finding("web", "versions")
    assert finding.code == "newer-version"
    assert finding.message == f"{host.registry.host}/app/web:1.27.3 newer version 1.29.1 (minor)"
    assert finding.details == {"newest": "1.29.1", "step": "minor", "candidates": ["1.29.1", "1.27.4"]}
    assert (checked.metric("newer_versions"), checked.outcome.state) == (1, State.OK)


def test_newest_and_no_version(host: Lab) -> None:
    run(host, "1.29.1")
    assert code(host.check(checks=VERSIONS)) == "newest"
    run(host, "latest", name="other")
    assert host.check(checks=VERSIONS).finding("other", "versions").code == "not-a-version"


def test_a_tag_without_an_image_for_this_platform_is_not_offered(host: Lab) -> None:
    run(host, "1.0")
    publish(host, "1.1")
    arm = host.registry.push_image("app/web", platform=ARM64)
    host.registry.push_index("app/web", "2.0", [arm])
    host.registry.push_image("app/web", "3.0", platform=ARM64)
    finding = host.check(checks=VERSIONS).finding("web", "versions")
    assert (finding.details["newest"], finding.details["candidates"]) == ("1.1", ["1.1"])


def test_newest_is_said_of_what_was_looked_at_alone(host: Lab) -> None:
    """Ten tags that are for other platforms, or no images at all, do not prove that none of the others is newer."""
    run(host, "1.0")
    arm = host.registry.push_image("app/web", platform=ARM64)
    for minor in range(10):
        host.registry.push_index("app/web", f"2.{minor}", [arm])
    checked = host.check(checks=VERSIONS)
    assert checked.finding("web", "versions").message.endswith(
        "newest of its kind, none of the 10 newer tags is an image for its platform"
    )
    publish(host, "1.1")
    checked = host.check(checks=VERSIONS)
    assert (code(checked), checked.metric("newer_versions")) == ("unresolvable", 0)
    assert "none of the 10 newest" in checked.finding("web", "versions").message
    host.registry.delete_tag("app/web", "2.0")
    assert host.check(checks=VERSIONS).finding("web", "versions").details["newest"] == "1.1"


def test_the_very_image_that_runs_is_nothing_newer(host: Lab) -> None:
    run(host, "1.0")
    image = host.registry.push_image("app/web", "1.0")
    host.registry.retag("app/web", "1.1", image.digest)
    assert code(host.check(checks=VERSIONS)) == "newest"


@pytest.mark.parametrize(
    ("media_type", "config"),
    [
        ("application/vnd.cncf.helm.config.v1+json", b'{"name": "web", "version": "2.0"}'),
        ("application/vnd.oci.image.config.v1+json", b'{"architecture": "", "os": "", "rootfs": {}}'),
    ],
    ids=["Helm chart", "signature"],
)
def test_a_chart_or_signature_beside_the_images_is_no_newer_version(host: Lab, media_type: str, config: bytes) -> None:
    run(host, "1.0")
    pointer = {"mediaType": media_type, "digest": host.registry.put_blob("app/web", config), "size": len(config)}
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": pointer, "layers": []}
    host.registry.put_manifest("app/web", json.dumps(manifest).encode(), OCI_MANIFEST, "2.0")
    finding = host.check(checks=VERSIONS).finding("web", "versions")
    assert finding.message.endswith("newest of its kind, the one newer tag is no image for its platform")


@pytest.mark.parametrize("kind", [CLASSIC, CONTAINERD])
def test_another_index_of_the_very_image_that_runs_is_nothing_newer(tmp_path: Path, kind: Kind) -> None:
    with lab(tmp_path, kind) as host:
        amd, arm = (host.registry.push_image("app/web", platform=platform) for platform in (AMD64, ARM64))
        index = host.registry.push_index("app/web", "1.0", [amd, arm])
        host.run("web", index)
        host.registry.push_index("app/web", "1.1", [amd])
        assert code(host.check(checks=VERSIONS)) == "newest"
        other = host.registry.push_image("app/web", platform=AMD64, created="2026-11-20T00:00:00Z")
        host.registry.push_index("app/web", "1.2", [other, arm])
        assert code(host.check(checks=VERSIONS)) == "newer-version"


def test_a_higher_number_on_older_content_is_passed_over(host: Lab) -> None:
    """Its date costs two requests once: manifest and config are kept for good."""
    host.run("web", host.registry.push_image("app/web", "1.3.2", created="2026-06-01T00:00:00Z"))
    host.registry.push_image("app/web", "1.8.1259", created="2025-06-01T00:00:00Z")
    host.registry.push_image("app/web", "1.3.3", created="2026-05-01T00:00:00Z")
    asked = []
    for _ in range(2):
        seen = len(host.registry.requests())
        finding = host.check(checks=VERSIONS, no_cache=False).finding("web", "versions")
        assert finding.details["newest"] == "1.3.3"
        asked.append([entry.method for entry in host.registry.requests()[seen:]])
        host.time += 601
    assert [methods.count("GET") for methods in asked] == [5, 1]


def test_a_line_that_ended_is_not_offered_to_one_that_goes_on(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "10.11.4", created="2023-06-09T00:00:00Z"))
    host.registry.push_image("app/web", "11.3.2", created="2024-02-20T00:00:00Z")
    host.registry.push_image("app/web", "10.11.18", created="2026-05-29T00:00:00Z")
    assert host.check(checks=VERSIONS).finding("web", "versions").details["newest"] == "10.11.18"


def test_numbers_that_went_on_as_years_after_the_running_image_was_made(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "5.26.0", created="2024-12-09T00:00:00Z"))
    publish(host, "5.26.29", "2021.12.1", "2026.07.1")
    finding = host.check(checks=VERSIONS).finding("web", "versions")
    assert (finding.details["newest"], finding.details["step"]) == ("2026.07.1", "major")
    host.run("later", host.registry.push_image("app/web", "5.26.1", created="2026-08-01T00:00:00Z"))
    assert host.check(checks=VERSIONS).finding("later", "versions").details["newest"] == "5.26.29"


def test_both_the_newest_of_the_line_and_of_all_are_told(host: Lab) -> None:
    run(host, "15.4")
    publish(host, "15.14", "18.1", "18.0")
    checked = host.check(checks=VERSIONS)
    finding = checked.finding("web", "versions")
    assert finding.message == f"{host.registry.host}/app/web:15.4 newer version 15.14 (minor), 18.1 (major)"
    assert (finding.details["newest"], finding.details["newest_in_line"]) == ("18.1", "15.14")
    minor = host.check(checks=VERSIONS, level="minor").finding("web", "versions")
    assert minor.message.endswith(":15.4 newer version 15.14 (minor)")
    assert (minor.details["newest"], minor.details["newest_in_line"]) == ("15.14", "15.14")


@pytest.mark.parametrize("level", ["major", "patch"])
def test_a_line_without_a_build_for_a_year_while_others_go_on(host: Lab, level: str) -> None:
    host.run("web", host.registry.push_image("app/web", "9.4", created="2025-01-10T00:00:00Z"))
    host.registry.push_image("app/web", "9.4.7", created="2025-01-10T00:00:00Z")
    publish(host, "9.6")
    checked = host.check(checks=VERSIONS, level=level)
    finding = checked.finding("web", "versions")
    assert finding.code == ("newer-version" if level == "major" else "newest")
    assert finding.message.endswith(", the 9.4 line has no build since 2025-01-10")
    assert finding.details["line_since"] == "2025-01-10T00:00:00Z"
    assert (checked.metric("stale_lines"), checked.outcome.state) == (1, State.OK)
    alarmed = host.check(checks=VERSIONS, level=level, warning={"stale_lines": "0"})
    assert (alarmed.outcome.state, alarmed.judged("web").state) == (State.WARNING, State.WARNING)
    headline = nagios.render(alarmed.outcome, Settings()).partition(" | ")[0]
    told = {"major": "1 of 1 container with a newer version (web)", "patch": "stale_lines 1 (limit 0)"}
    assert headline == f"CONTAINER_UPDATES WARNING - {told[level]}"


def test_a_line_is_not_dead_because_nothing_at_all_is_built(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "9.4", created="2024-01-10T00:00:00Z"))
    host.registry.push_image("app/web", "9.4.7", created="2024-01-10T00:00:00Z")
    host.registry.push_image("app/web", "9.6", created="2024-03-10T00:00:00Z")
    checked = host.check(checks=VERSIONS)
    assert checked.metric("stale_lines") == 0
    host.registry.push_image("app/web", "9.4", created="2026-11-01T00:00:00Z")
    publish(host, "9.8")
    assert host.check(checks=VERSIONS).metric("stale_lines") == 0


def test_a_tag_that_is_no_image_hides_no_other(host: Lab) -> None:
    run(host, "1.0")
    publish(host, "1.1")
    host.registry.put_manifest("app/web", b'{"schemaVersion": 2}', OCI_MANIFEST, "1.2")
    assert host.check(checks=VERSIONS).finding("web", "versions").details["newest"] == "1.1"
    host.registry.delete_tag("app/web", "1.1")
    assert code(host.check(checks=VERSIONS)) == "bad-answer"


def test_levels_and_patterns_of_the_options(host: Lab) -> None:
    run(host, "1.2.3")
    publish(host, "1.2.4", "1.3.0", "2.0.0")

    def newest(**settings: object) -> object:
        return host.check(checks=VERSIONS, **settings).finding("web", "versions").details.get("newest")

    assert newest() == "2.0.0"
    assert newest(level="minor") == "1.3.0"
    assert newest(level="patch") == "1.2.4"
    assert newest(tags=(("", r"^1\."),)) == "1.3.0"
    assert newest(not_tags=((f"{host.registry.host}/app/*", r"^2\."),)) == "1.3.0"
    assert newest(not_tags=(("other/*", r"^2\."),)) == "2.0.0"


@pytest.mark.parametrize(
    ("labels", "newest"),
    [
        ({"wud.tag.include": r"^1\.\d+\.\d+$"}, "1.3.0"),
        ({"dd.tag.include": r"^1\.\d+\.\d+$", "wud.tag.include": "^none$"}, "1.3.0"),
        ({"dd.tag.exclude": r"^2\.", "wud.tag.exclude": "."}, "1.3.0"),
        ({"wud.tag.exclude": r"^2\."}, "1.3.0"),
        ({"diun.include_tags": r"^1\.2;^0\."}, "1.2.4"),
        ({"diun.exclude_tags": r"^2\.;^1\.3"}, "1.2.4"),
    ],
)
def test_the_labels_that_people_already_have(host: Lab, labels: dict[str, str], newest: str) -> None:
    run(host, "1.2.3", labels)
    publish(host, "1.2.4", "1.3.0", "2.0.0")
    assert host.check(checks=VERSIONS).finding("web", "versions").details["newest"] == newest


@pytest.mark.parametrize(
    ("transform", "running", "others", "newest"),
    [
        ("^release-build-(.*)$ => $1", "release-build-1.2.3", ("release-build-1.4.0",), "release-build-1.4.0"),
        (r"^v(\d+)$ => $1", "v3", ("v4", "5"), "5"),
        (r"^v(\d+) => $1", "v3-alpine", ("v4-bookworm",), "v4-bookworm"),
        (r"^(\d+)\.(\d+)_(\d+)$=>$1.$2.$3", "1.2_3", ("1.2_12", "1.2_5"), "1.2_12"),
        (r"^(\d+)(-x)?$ => $1$2", "1", ("2",), "2"),
        (r"^never => $1", "1.2", ("1.3",), "1.3"),
    ],
)
@pytest.mark.parametrize("tool", ["dd", "wud"])
def test_a_tag_is_read_as_its_label_transforms_it(
    host: Lab, tool: str, transform: str, running: str, others: tuple[str, ...], newest: str
) -> None:
    """As What's up Docker does it: what is left of a tag that matches is the replacement alone."""
    run(host, running, {tool + ".tag.transform": transform})
    publish(host, *others)
    assert host.check(checks=VERSIONS).finding("web", "versions").details["newest"] == newest


@pytest.mark.parametrize("label", ["wud.inspect.tag.path", "dd.inspect.tag.path"])
def test_which_tag_really_runs_is_told_by_the_image_s_label_that_a_container_s_label_names(
    host: Lab, label: str
) -> None:
    image = host.registry.push_image("app/web", "latest", labels={"org.opencontainers.image.version": "1.2.3"})
    publish(host, "1.2.3", "1.4.0")
    host.run("web", image, {label: "Config/Labels/org.opencontainers.image.version"})
    finding = host.check(checks=VERSIONS).finding("web", "versions")
    assert (finding.code, finding.details["newest"]) == ("newer-version", "1.4.0")
    assert f"{image.reference} (1.2.3) newer version 1.4.0 (minor)" in finding.message


@pytest.mark.parametrize("path", ["Config/Env/0", "Config/Labels/nothing", ""])
def test_a_path_that_leads_to_no_tag_is_no_answer(host: Lab, path: str) -> None:
    run(host, "1.2.3", {"wud.inspect.tag.path": path})
    publish(host, "1.2.4")
    checked = host.check(checks=VERSIONS)
    assert code(checked) == "unresolvable"
    assert "label wud.inspect.tag.path" in checked.finding("web", "versions").message


def test_another_repository_that_a_label_names_has_the_newer_versions(host: Lab) -> None:
    mine = host.registry.push_image("cache/web", "1.2.3")
    host.registry.push_image("upstream/web", "1.3.0")
    host.run("web", mine, {"dd.registry.lookup.image": f"{host.registry.host}/upstream/web"})
    assert host.check(checks=VERSIONS).finding("web", "versions").details["newest"] == "1.3.0"


def test_a_link_tells_what_the_newer_version_brings(host: Lab) -> None:
    template = "https://wiki.example.com/web/${original}?${major}-${minor}-${patch}"
    run(host, "v1.2.3", {"wud.link.template": template})
    labels = {"org.opencontainers.image.source": "https://github.com/acme/web.git"}
    host.run("other", host.registry.push_image("app/other", "1.0", labels=labels))
    host.registry.push_image("app/other", "1.1")
    publish(host, "v1.4.0")
    checked = host.check(checks=VERSIONS)
    link = "https://wiki.example.com/web/v1.4.0?1-4-0"
    assert checked.finding("web", "versions").details["change"] == {"link": link}
    assert checked.finding("other", "versions").details["change"] == {"link": "https://github.com/acme/web/releases"}
    assert f"newer version v1.4.0 (minor); {link}\n" in nagios.render(checked.outcome, Settings(verbose=1))


@pytest.mark.parametrize("pattern", ["(", "(?=x)", "x" * 2000, "(a{1000}){1000}"])
def test_a_pattern_that_cannot_be_used_costs_its_own_container(host: Lab, pattern: str) -> None:
    run(host, "1.2.3", {"wud.tag.include": pattern})
    run(host, "1.2.3", name="other")
    publish(host, "1.2.4")
    checked = host.check(checks=VERSIONS)
    assert code(checked) == "unresolvable"
    assert "the regular expression of wud.tag.include" in checked.finding("web", "versions").message
    assert checked.finding("other", "versions").code == "newer-version"


def test_a_catastrophic_pattern_is_as_fast_as_any(host: Lab) -> None:
    run(host, "1.2.3", {"wud.tag.exclude": "(a+)+$"})
    publish(host, "a" * 127 + "b", "1.2.4")
    assert code(host.check(checks=VERSIONS)) == "newer-version"


def test_a_label_of_the_image_decides_nothing(host: Lab) -> None:
    labels = {"wud.tag.include": "^none$"}
    image = host.registry.push_image("app/web", "1.2.3", labels=labels)
    host.run("web", image, labels)
    publish(host, "1.2.4")
    assert code(host.check(checks=VERSIONS)) == "newer-version"


def test_one_list_for_all_tags_of_a_repository_and_none_while_it_is_kept(host: Lab) -> None:
    for name, tag in (("web", "1.0"), ("two", "1.1"), ("three", "1.2")):
        run(host, tag, name=name)
    host.check(checks=VERSIONS, no_cache=False)
    assert len(host.registry.requests(path="tags/list")) == 1
    asked = len(host.registry.requests())
    host.check(checks=VERSIONS, no_cache=False)
    assert len(host.registry.requests()) == asked


def test_after_the_time_to_live_a_list_that_is_the_same_costs_no_body(host: Lab) -> None:
    sizes = []

    def with_etag(request: Request, answer: Response) -> Response:
        same = request.headers.get("if-none-match") == '"v1"'
        answer = Response(304, b"") if same else replace(answer, headers={**answer.headers, "ETag": '"v1"'})
        sizes.append(len(answer.body))
        return answer

    host.registry.fail(with_etag, path="tags/list")
    run(host, "1.0")
    publish(host, "1.1")
    for _ in range(3):
        assert host.check(checks=VERSIONS, no_cache=False).finding("web", "versions").code == "newer-version"
        host.time += 601
    assert [bool(size) for size in sizes] == [True, False, False]


def test_a_list_without_end_is_cut_and_said(host: Lab) -> None:
    pages = count(1)

    def endless(request: Request, answer: Response) -> Response:
        number = next(pages)
        link = f'</v2/app/web/tags/list?last=x{number}&n=1000>; rel="next"'
        return json_response({"name": "app/web", "tags": [f"x{number}", "1.1"]}, headers={"Link": link})

    run(host, "1.0")
    publish(host, "1.1")
    host.registry.fail(endless, path="tags/list")
    finding = host.check(checks=VERSIONS).finding("web", "versions")
    assert finding.message.endswith("newer version 1.1 (minor), looking at the first 101 tags only")
    assert len(host.registry.requests(path="tags/list")) == 100


def test_without_the_check_no_tags_are_asked_for(host: Lab) -> None:
    run(host, "1.0")
    host.check(checks=("updates", "restarts"))
    assert host.registry.requests(path="tags/list") == []


def test_a_registry_that_does_not_list_is_no_newest(host: Lab) -> None:
    run(host, "1.0")
    host.registry.fail(faults.status(403, "DENIED"), path="tags/list")
    checked = host.check(checks=VERSIONS)
    assert code(checked) == "unauthorized"
    assert checked.outcome.state is State.UNKNOWN


def test_pinned_and_local_are_not_asked_for(tmp_path: Path) -> None:
    with lab(tmp_path, CONTAINERD) as host:
        image = host.registry.push_image("app/web", "1.0", platform=AMD64)
        both = f"{image.reference}@{image.digest}"
        host.engine.pull(image, both)
        host.engine.run("web", both)
        host.engine.build(f"{host.registry.host}/app/own:1.0")
        host.engine.run("own", f"{host.registry.host}/app/own:1.0")
        checked = host.check(checks=VERSIONS)
        assert checked.finding("web", "versions").code == "pinned"
        assert checked.finding("own", "versions").code == "not-a-version"
        assert host.registry.requests() == []


def test_what_is_not_known_of_the_line_does_not_hide_the_newest(host: Lab) -> None:
    run(host, "15.4")
    publish(host, "15.14", "18.1")
    host.registry.fail(faults.status(429), path="manifests/15.14")
    finding = host.check(checks=VERSIONS).finding("web", "versions")
    assert (finding.details["newest"], finding.details.get("newest_in_line")) == ("18.1", None)
