"""Fresh or not, on every kind of engine: what fools those who compare one digest."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from container_updates.clock import rfc3339
from container_updates.demo import faults
from container_updates.demo.engine.kinds import CLASSIC, CONTAINERD, OLD, PODMAN, Kind
from container_updates.demo.registry.content import AMD64, ARM64, DOCKER, OCI, PushedImage, PushedIndex, encode
from container_updates.model import State
from container_updates.settings import Selector
from tests.support.lab import NOW, Lab, lab

DAY = 86400
KINDS = {"classic": CLASSIC, "containerd": CONTAINERD, "podman": PODMAN}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path, request.param) as started:
        yield started


@pytest.fixture
def classic(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


def days_ago(days: float) -> str:
    return rfc3339(datetime.fromtimestamp(NOW - days * DAY, UTC))


def test_the_same_digest_is_up_to_date_and_costs_one_head(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    checked = host.check()
    assert checked.codes == {"web": "up-to-date"}
    assert [(entry.method, entry.path) for entry in host.registry.requests(path="manifests")] == [
        ("HEAD", "/v2/app/web/manifests/1")
    ]


def test_another_image_under_the_tag_is_outdated(host: Lab) -> None:
    old = host.registry.push_image("app/web", "1", created=days_ago(40))
    host.run("web", old)
    new = host.registry.push_image("app/web", "1", created=days_ago(12))
    checked = host.check()
    assert checked.codes == {"web": "outdated"}
    finding = checked.finding("web")
    assert finding.details["published_digest"] == new.digest
    assert finding.details["running_digest"] == old.digest
    assert finding.details["age"] == 12 * DAY
    assert finding.details["since_from"] == "created"
    assert finding.message == (
        f"{old.reference} outdated since 12d, runs {old.digest[:19]}, published {new.digest[:19]}"
    )
    assert checked.outcome.state is State.WARNING


def test_a_host_that_stays_outdated_costs_one_head_an_image(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1", created=days_ago(40)))
    host.registry.push_image("app/web", "1", created=days_ago(12))
    first = host.check(no_cache=False)
    asked = len(host.registry.requests())
    host.time += 3600
    again = host.check(no_cache=False)
    assert again.codes == first.codes == {"web": "outdated"}
    assert [entry.method for entry in host.registry.requests()[asked:]] == ["HEAD"]


def test_within_the_ttl_nothing_is_asked_again(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    host.check(no_cache=False)
    asked = len(host.registry.requests())
    again = host.check(no_cache=False)
    assert again.codes == {"web": "up-to-date"}
    assert len(host.registry.requests()) == asked
    assert again.metric("registry_requests") == 0


def test_an_attestation_in_the_index_is_no_update(host: Lab) -> None:
    images = [host.registry.push_image("app/web", platform=platform) for platform in (AMD64, ARM64)]
    host.run("web", host.registry.push_index("app/web", "1", images))
    host.registry.push_index("app/web", "1", images, attestations=True)
    assert host.check().codes == {"web": "up-to-date"}


def test_another_architecture_rebuilt_is_no_update(host: Lab) -> None:
    amd64 = host.registry.push_image("app/web", platform=AMD64)
    host.run(
        "web", host.registry.push_index("app/web", "1", [amd64, host.registry.push_image("app/web", platform=ARM64)])
    )
    rebuilt = host.registry.push_image("app/web", platform=ARM64, created=days_ago(1))
    host.registry.push_index("app/web", "1", [amd64, rebuilt])
    assert host.check().codes == {"web": "up-to-date"}


def test_this_platform_rebuilt_is_an_update(host: Lab) -> None:
    arm64 = host.registry.push_image("app/web", platform=ARM64)
    host.run(
        "web", host.registry.push_index("app/web", "1", [host.registry.push_image("app/web", platform=AMD64), arm64])
    )
    rebuilt = host.registry.push_image("app/web", platform=AMD64, created=days_ago(1))
    host.registry.push_index("app/web", "1", [rebuilt, arm64])
    assert host.check().codes == {"web": "outdated"}


def test_a_platform_that_is_no_longer_published_is_told(host: Lab) -> None:
    images = [host.registry.push_image("app/web", platform=platform) for platform in (AMD64, ARM64)]
    host.run("web", host.registry.push_index("app/web", "1", images))
    host.registry.push_index("app/web", "1", images[1:])
    checked = host.check()
    assert checked.codes == {"web": "outdated"}
    assert checked.finding("web").message.endswith(", and no longer for linux/amd64")


def test_a_single_manifest_that_became_an_index_of_the_same_is_no_update(host: Lab) -> None:
    image = host.registry.push_image("app/web", "1")
    host.run("web", image)
    host.registry.push_index("app/web", "1", [image, host.registry.push_image("app/web", platform=ARM64)])
    assert host.check().codes == {"web": "up-to-date"}


def test_the_same_content_in_docker_s_media_types_is_no_update_where_the_config_is_known(classic: Lab) -> None:
    """A registry that converts manifests changes the digest and keeps the config, which is the image id."""
    image = classic.registry.push_image("app/web", "1")
    classic.run("web", image)
    again = classic.registry.push_image("app/web", "1", types=DOCKER)
    assert again.digest != image.digest
    assert again.config_digest == image.config_digest
    assert classic.check().codes == {"web": "up-to-date"}


def nameless_index(host: Lab, *members: PushedImage | PushedIndex) -> None:
    """Let the tag name an index whose entries say no platform, as some builders write it."""
    entries = [{"mediaType": one.media_type, "digest": one.digest, "size": one.size} for one in members]
    body = encode({"schemaVersion": 2, "mediaType": OCI.index, "manifests": entries})
    host.registry.put_manifest("app/web", body, OCI.index, "1")


@pytest.mark.parametrize("nested", [False, True])
def test_entries_without_a_platform_are_for_the_one_that_their_configs_name(host: Lab, nested: bool) -> None:
    image = host.registry.push_image("app/web", "1")
    other = host.registry.push_image("app/web", platform=ARM64)
    host.run("web", image)
    if nested:
        nameless_index(host, host.registry.push_index("app/web", None, [other, image]))
    else:
        nameless_index(host, other, image)
    assert host.check().codes == {"web": "up-to-date"}
    nameless_index(host, other, host.registry.push_image("app/web", created=days_ago(1)))
    assert host.check().codes == {"web": "outdated"}
    host.registry.fail(faults.status(403), path="blobs")
    nameless_index(host, other, host.registry.push_image("app/web", created=days_ago(0.5)))
    assert host.check(state_dir=f"{host.folder}/new").codes == {"web": "unauthorized"}


def test_a_manifest_list_of_docker_s_type_is_understood(host: Lab) -> None:
    images = [host.registry.push_image("app/web", platform=platform, types=DOCKER) for platform in (AMD64, ARM64)]
    host.run("web", host.registry.push_index("app/web", "1", images, types=DOCKER))
    host.registry.push_index("app/web", "1", images, types=DOCKER, annotations={"again": "yes"})
    assert host.check().codes == {"web": "up-to-date"}


def test_the_old_index_gone_from_the_registry_is_no_update_while_the_content_is_the_same(host: Lab) -> None:
    images = [host.registry.push_image("app/web", platform=platform) for platform in (AMD64, ARM64)]
    before = host.registry.push_index("app/web", "1", images)
    host.run("web", before)
    host.registry.push_index("app/web", "1", images, attestations=True)
    host.registry.fail(faults.status(404, "MANIFEST_UNKNOWN"), path=before.digest)
    assert host.check().codes == {"web": "up-to-date"}


def test_an_old_container_after_a_newer_pull_is_outdated_by_its_own_digest(host: Lab) -> None:
    host.run("old", host.registry.push_image("app/web", "1", created=days_ago(40)))
    host.run("new", host.registry.push_image("app/web", "1", created=days_ago(3)))
    assert host.check().codes == {"old": "outdated", "new": "up-to-date"}


def test_a_deleted_tag_is_gone_while_its_repository_answers(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    host.registry.push_image("app/web", "2")
    host.registry.delete_tag("app/web", "1")
    first = host.check()
    assert first.codes == {"web": "tag-gone"}
    host.time += 3 * DAY
    later = host.check().finding("web")
    assert later.details["since"] == first.finding("web").details["since"]
    assert later.message.endswith("tag is gone from the registry, noticed 3d ago")


def test_a_repository_that_is_gone_is_not_a_tag_that_is_gone(host: Lab) -> None:
    host.run("web", host.registry.push_image("app/web", "1"))
    host.registry.repositories.clear()
    checked = host.check()
    assert checked.codes == {"web": "unresolvable"}
    assert checked.outcome.state is State.UNKNOWN


def test_pinned_by_digest_alone_asks_nothing(host: Lab) -> None:
    image = host.registry.push_image("app/web", "1")
    by_digest = f"{host.registry.host}/app/web@{image.digest}"
    host.engine.pull(image, by_digest)
    host.engine.run("web", by_digest)
    assert host.check().codes == {"web": "pinned"}
    assert host.registry.requests() == []


def test_tag_and_digest_is_pinned_and_says_where_the_tag_has_gone(host: Lab) -> None:
    image = host.registry.push_image("app/web", "1", created=days_ago(40))
    both = f"{image.reference}@{image.digest}"
    host.engine.pull(image, both)
    host.engine.run("web", both)
    assert host.check().codes == {"web": "pinned"}
    new = host.registry.push_image("app/web", "1", created=days_ago(6))
    checked = host.check()
    assert checked.codes == {"web": "held"}
    details = checked.finding("web").details
    assert (details["tag_digest"], details["tag_moved"]) == (new.digest, days_ago(6))
    assert checked.outcome.state is State.OK
    assert checked.metric("held") == 1


def test_pinned_is_no_alarm_when_the_registry_does_not_answer(host: Lab) -> None:
    image = host.registry.push_image("app/web", "1")
    both = f"{image.reference}@{image.digest}"
    host.engine.pull(image, both)
    host.engine.run("web", both)
    host.registry.fail(faults.status(503))
    checked = host.check()
    assert checked.codes == {"web": "pinned"}
    assert "where its tag is now is not known" in checked.finding("web").message


@pytest.mark.parametrize("kind", [CLASSIC, CONTAINERD], ids=["classic", "containerd"])
def test_a_local_build_is_quiet_and_asked_nowhere(tmp_path: Path, kind: Kind) -> None:
    """Podman gives its builds digests of its own making: nobody can tell them from pulled images."""
    with lab(tmp_path, kind) as host:
        host.engine.build(f"{host.registry.host}/app/own:dev")
        host.engine.run("own", f"{host.registry.host}/app/own:dev")
        assert host.check().codes == {"own": "local-build"}
        assert host.registry.requests() == []


def test_a_name_that_only_docker_tag_gave_is_asked_nowhere(classic: Lab) -> None:
    """A container that was kept by another name before an update: no registry knows that name."""
    image = classic.engine.pull(classic.registry.push_image("app/web", "1"))
    classic.engine.tag(image, f"{classic.registry.host}/app/rollback:1")
    classic.engine.run("old", f"{classic.registry.host}/app/rollback:1")
    assert classic.check().codes == {"old": "local-build"}
    assert classic.registry.requests() == []


@pytest.mark.parametrize("kind", [CLASSIC, OLD, PODMAN], ids=["classic", "old", "podman"])
def test_a_pulled_image_that_lost_all_its_names_is_judged_by_its_config(tmp_path: Path, kind: Kind) -> None:
    """After `docker rmi --force` the container alone still knows the name."""
    with lab(tmp_path, kind) as host:
        for name in ("same", "moved", "rebuilt"):
            host.run(name, host.registry.push_image(f"app/{name}", "1"))
            host.engine.untag(f"{host.registry.host}/app/{name}:1")
        host.registry.push_image("app/moved", "1", created=days_ago(3))
        host.registry.push_image("app/rebuilt", "1", types=DOCKER)
        checked = host.check()
        assert checked.codes == {"same": "up-to-date", "moved": "outdated", "rebuilt": "up-to-date"}
        assert checked.outcome.state is State.WARNING


@pytest.mark.parametrize("published", [False, True], ids=["nowhere", "somebody else's under the same name"])
def test_a_build_of_one_s_own_that_lost_its_name_stays_local(classic: Lab, published: bool) -> None:
    name = f"{classic.registry.host}/app/own:1"
    if published:
        classic.registry.push_image("app/own", "1")
    classic.engine.build(name)
    classic.engine.run("own", name)
    classic.engine.untag(name)
    assert classic.check().codes == {"own": "local-build"}


@pytest.mark.parametrize("own", [False, True], ids=["pulled", "built here"])
def test_what_became_of_an_image_that_lost_its_names_holds_for_signatures_and_source(classic: Lab, own: bool) -> None:
    name = f"{classic.registry.host}/app/web:1"
    if own:
        classic.engine.build(name)
        classic.engine.run("web", name)
    else:
        classic.run("web", classic.registry.push_image("app/web", "1"))
    classic.engine.untag(name)
    checked = classic.check(checks=("updates", "signatures", "source"))
    codes = [judged.finding.code for judged in checked.judged("web").findings]
    assert codes == (["local-build"] * 3 if own else ["up-to-date", "unsigned", "unknown-source"])


def test_a_build_of_one_s_own_under_a_tag_that_a_repository_does_not_have_stays_local(classic: Lab) -> None:
    classic.registry.push_image("app/own", "2")
    classic.engine.build(f"{classic.registry.host}/app/own:1")
    classic.engine.run("own", f"{classic.registry.host}/app/own:1")
    classic.engine.untag(f"{classic.registry.host}/app/own:1")
    assert classic.check().codes == {"own": "local-build"}


def test_a_pulled_image_that_lost_its_names_and_whose_tag_is_gone_says_so(classic: Lab) -> None:
    classic.run("web", classic.registry.push_image("app/web", "1"))
    classic.engine.untag(f"{classic.registry.host}/app/web:1")
    classic.registry.push_image("app/web", "2")
    classic.registry.delete_tag("app/web", "1")
    assert classic.check().codes == {"web": "tag-gone"}


def test_a_build_that_was_built_again_and_not_recreated_is_asked_nowhere(classic: Lab) -> None:
    name = f"{classic.registry.host}/app/own:1"
    classic.engine.build(name, labels={"build": "1"})
    classic.engine.run("own", name)
    classic.engine.build(name, labels={"build": "2"})
    assert classic.check().codes == {"own": "local-build"}
    assert classic.registry.requests() == []


def test_a_service_of_a_swarm_is_judged_by_its_tag_whatever_digest_its_manager_wrote(host: Lab) -> None:
    old = host.registry.push_image("app/web", "1", created=days_ago(30))
    host.engine.pull(old, f"{old.reference}@{old.digest}")
    resolved = f"{old.reference}@{old.digest}"
    service = {"com.docker.swarm.service.id": "jdakbib265ax3x9js5qfwwhkz"}
    host.engine.run("task", resolved, labels=service)
    host.engine.run("kept", resolved, labels={**service, "wud.watch.digest": "false"})
    host.engine.run("stack", resolved, labels={**service, "com.docker.stack.image": resolved})
    host.engine.run("pinned", resolved)
    newer = {**service, "dd.watch.digest": "true", "wud.watch.digest": "false"}
    host.engine.run("newer-label", resolved, labels=newer)
    assert host.check(include=(Selector("name", "[tksp]*"),)).codes == {
        "task": "up-to-date",
        "kept": "up-to-date",
        "stack": "pinned",
        "pinned": "pinned",
    }
    new = host.registry.push_image("app/web", "1", created=days_ago(2))
    checked = host.check(checks=("updates", "restarts"))
    assert checked.codes == {
        "task": "outdated",
        "kept": "held",
        "stack": "held",
        "pinned": "held",
        "newer-label": "outdated",
    }
    assert checked.finding("task").details["published_digest"] == new.digest
    # What somebody pulled by hand is nothing that the manager would run.
    host.engine.pull(new)
    assert host.check(checks=("updates", "restarts")).codes["task"] == "outdated"


def test_an_image_s_own_label_makes_no_pin_a_service_of_a_swarm(host: Lab) -> None:
    labels = {"com.docker.swarm.service.id": "jdakbib265ax3x9js5qfwwhkz"}
    old = host.registry.push_image("app/web", "1", labels=labels)
    host.engine.pull(old, f"{old.reference}@{old.digest}")
    host.engine.run("web", f"{old.reference}@{old.digest}")
    host.registry.push_image("app/web", "1", created=days_ago(2))
    assert host.check().codes == {"web": "held"}


def test_a_label_says_which_repository_is_asked(host: Lab) -> None:
    """A copy in a cache of one's own, while updates are published elsewhere."""
    mine = host.registry.push_image("cache/web", "1")
    host.engine.pull(mine)
    upstream = host.registry.push_image("upstream/web", "1", created=days_ago(2))
    labels = {"wud.registry.lookup.image": f"{host.registry.host}/upstream/web"}
    host.engine.run("web", mine.reference, labels=labels)
    host.engine.run("newer-label", mine.reference, labels={**labels, "dd.registry.lookup.image": mine.reference})
    host.engine.run("wrong", mine.reference, labels={"dd.registry.lookup.image": "No Image"})
    checked = host.check()
    assert checked.codes == {"web": "outdated", "newer-label": "up-to-date", "wrong": "unresolvable"}
    finding = checked.finding("web")
    assert finding.message.startswith(f"{mine.reference} (looked up as {upstream.reference}) outdated ")
    assert finding.details["published_digest"] == upstream.digest


def test_an_engine_too_old_to_tell_asks_and_believes_the_registry(tmp_path: Path) -> None:
    with lab(tmp_path, OLD) as old:
        old.run("web", old.registry.push_image("app/web", "1"))
        old.run("db", old.registry.push_image("app/db", "1"))
        old.registry.push_image("app/db", "1", created=days_ago(2))
        assert old.check().codes == {"web": "up-to-date", "db": "outdated"}


def test_the_registry_s_own_date_says_since_when(classic: Lab) -> None:
    classic.run("web", classic.registry.push_image("app/web", "1", created=days_ago(400)))
    classic.registry.push_image("app/web", "1", created=days_ago(300))
    classic.registry.fail(faults.header("Last-Modified", "Thu, 12 Nov 2026 06:00:00 GMT"), path="manifests/1$")
    details = classic.check().finding("web").details
    assert (details["since"], details["since_from"]) == ("2026-11-12T06:00:00Z", "registry")
    assert details["created"] == days_ago(300)


def test_without_any_date_it_counts_from_when_it_was_first_seen(classic: Lab) -> None:
    classic.run("web", classic.registry.push_image("app/web", "1", created="1970-01-01T00:00:00Z"))
    classic.registry.push_image("app/web", "1", created="1970-01-01T00:00:01Z")
    assert classic.check().finding("web").details["age"] == 0
    classic.time += 5 * DAY
    details = classic.check().finding("web").details
    assert (details["age"], details["since_from"]) == (5 * DAY, "first-seen")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.status(400, "BAD"), "bad-answer"),
        (faults.status(401, "UNAUTHORIZED"), "unauthorized"),
        (faults.status(403, "DENIED"), "unauthorized"),
        (faults.too_many_requests(), "rate-limited"),
        (faults.status(500), "unreachable"),
        (faults.wrong_digest("sha256:ABC"), "up-to-date"),
        (faults.no_digest(), "up-to-date"),
        (faults.html(), "bad-answer"),
        (faults.endless_redirect(), "bad-answer"),
    ],
    ids=["400", "401", "403", "429", "500", "malformed digest", "no digest", "html", "redirects"],
)
def test_no_answer_is_never_an_answer(classic: Lab, fault: faults.Fault, code: str) -> None:
    classic.run("web", classic.registry.push_image("app/web", "1"))
    classic.registry.fail(fault)
    checked = classic.check()
    assert checked.codes == {"web": code}
    assert (checked.outcome.state is State.OK) == (code == "up-to-date")


@pytest.mark.parametrize(
    "fault",
    [faults.html(), faults.invalid_json(), faults.invalid_utf8(), faults.truncated(), faults.huge(), faults.bomb()],
    ids=["html", "json", "utf8", "truncated", "3 GB", "bomb"],
)
def test_a_body_that_is_not_what_its_digest_says_is_never_an_answer(classic: Lab, fault: faults.Fault) -> None:
    classic.run("web", classic.registry.push_image("app/web", "1"))
    classic.registry.push_image("app/web", "1", created=days_ago(1))
    classic.registry.fail(fault, method="GET", path="manifests")
    checked = classic.check()
    assert checked.codes == {"web": "bad-answer"}
    assert checked.outcome.state is State.UNKNOWN


def test_by_its_image_id_a_container_is_judged_by_the_one_name_of_its_image(host: Lab) -> None:
    image_id = host.engine.pull(host.registry.push_image("app/web", "1", created=days_ago(9)))
    host.engine.run("web", image_id)
    assert host.check().codes == {"web": "up-to-date"}


def test_an_image_with_two_names_cannot_be_resolved_by_its_id(host: Lab) -> None:
    image_id = host.engine.pull(host.registry.push_image("app/web", "1"))
    host.engine.tag(image_id, f"{host.registry.host}/app/other:1")
    host.engine.run("web", image_id)
    checked = host.check()
    assert checked.codes == {"web": "unresolvable"}
    short = image_id.removeprefix("sha256:")[:12]
    told = f"not checked: started by image id {short}, its image has no single name"
    assert checked.finding("web").message == told
    assert host.registry.requests() == []


def test_one_content_under_two_repositories_is_judged_by_the_name_it_runs_under(host: Lab) -> None:
    layers = [b"the same"]
    for repository in ("app/one", "app/two"):
        host.run(repository[4:], host.registry.push_image(repository, "1", layers=layers))
    host.registry.push_image("app/two", "1", layers=layers, created=days_ago(2))
    assert host.check().codes == {"one": "up-to-date", "two": "outdated"}
