"""An image that the engine knows under several repositories and digests is judged, and named, by its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from container_updates import report
from container_updates.demo import faults
from container_updates.demo.engine.kinds import PODMAN
from container_updates.demo.registry.content import PushedIndex
from container_updates.settings import Settings
from tests.support.lab import Lab, lab
from tests.support.signed import Signer

REPOSITORY = "shop/web"
ELSEWHERE = 9
"""Repositories that have the same image under indexes of their own, as mirrors that rebuild them do."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


def push(host: Lab, repository: str, tag: str, **annotations: str) -> PushedIndex:
    image = host.registry.push_image(repository, None, layers=[b"the same"])
    return host.registry.push_index(repository, tag, [image], annotations=annotations or {"of": repository})


def known_everywhere(host: Lab) -> PushedIndex:
    """The engine pulled one image from its own repository and others; runs it under its own name."""
    own = push(host, REPOSITORY, "1")
    for number in range(ELSEWHERE):
        for turn in range(2):
            host.engine.pull(push(host, f"mirror{number}/web", "1", turn=str(turn)))
    host.run("web", own)
    return own


def sorts_first(host: Lab) -> set[str]:
    return {digest for name in host.registry.repositories if name != REPOSITORY for digest in digests(host, name)}


def digests(host: Lab, repository: str) -> set[str]:
    return set(host.registry.repositories[repository].manifests)


def foreign(host: Lab) -> set[str]:
    return sorts_first(host) - digests(host, REPOSITORY)


def test_its_signature_is_found_beside_its_own_digest(host: Lab) -> None:
    own = known_everywhere(host)
    signer = Signer(host.registry)
    signer.bundle(own)
    policy = str(signer.policy(host.folder))
    checked = host.check(checks=("signatures",), trust_policies=(policy,))
    assert checked.finding("web", "signatures").code == "signed"
    assert len(host.registry.requests()) <= 10


def test_a_rebuilt_index_is_asked_for_where_the_old_one_was_cleaned_up(host: Lab) -> None:
    own = known_everywhere(host)
    today = push(host, REPOSITORY, "1", rebuilt="yes")
    del host.registry.repositories[REPOSITORY].manifests[own.digest]
    signer = Signer(host.registry)
    signer.bundle(today)
    policy = str(signer.policy(host.folder))
    checked = host.check(checks=("signatures", "source"), trust_policies=(policy,))
    assert checked.finding("web", "signatures").code == "signed"


def _under_every_name(images: Any) -> Any:
    for image in images:
        names = {entry.partition("@")[0] for entry in image["RepoDigests"]}
        known = {entry.partition("@")[2] for entry in image["RepoDigests"]}
        image["RepoDigests"] = [f"{name}@{digest}" for name in sorted(names) for digest in sorted(known)]
    return images


def test_on_podman_each_name_has_every_digest_and_today_s_counts(tmp_path: Path) -> None:
    with lab(tmp_path, PODMAN) as host:
        own = known_everywhere(host)
        host.engine.fail(faults.edited(_under_every_name), path="/images/json")
        signer = Signer(host.registry)
        signer.bundle(own)
        checked = host.check(checks=("signatures",), trust_policies=(str(signer.policy(host.folder)),))
        assert checked.finding("web", "signatures").code == "signed"
        assert len(host.registry.requests()) <= 10


def test_an_image_that_came_from_mirrors_alone_is_looked_up_by_what_its_own_name_has_today(tmp_path: Path) -> None:
    with lab(tmp_path, PODMAN) as host:
        for number in range(ELSEWHERE):
            image_id = host.engine.pull(push(host, f"mirror{number}/web", "1"))
        own = push(host, REPOSITORY, "1")
        host.engine.tag(image_id, own.reference)
        host.engine.run("web", own.reference)
        signer = Signer(host.registry)
        signer.bundle(own)
        checked = host.check(checks=("updates", "signatures"), trust_policies=(str(signer.policy(host.folder)),))
        assert checked.finding("web", "signatures").code == "signed"
        assert checked.finding("web").code == "up-to-date"
        assert len(host.registry.requests()) <= 10


def test_no_foreign_digest_is_told_of_what_runs(host: Lab) -> None:
    own = known_everywhere(host)
    host.registry.push_image(REPOSITORY, "1", created="2026-11-20T00:00:00Z")
    checked = host.check(checks=("updates",))
    finding = checked.finding("web")
    assert finding.code == "outdated"
    assert finding.details["running_digest"] == own.digest
    assert f"runs {own.digest[:19]}" in finding.message
    settings = Settings(verbose=3, max_output=1 << 20)
    text = report.render(checked.outcome, settings)
    assert not [digest for digest in foreign(host) if digest[7:19] in text]


def test_where_only_other_repositories_gave_it_no_digest_is_told_of_what_runs(tmp_path: Path) -> None:
    with lab(tmp_path, PODMAN) as host:
        mirrored = push(host, "mirror/web", "1")
        own = host.registry.push_image(REPOSITORY, "1", created="2026-11-20T00:00:00Z")
        host.engine.tag(host.engine.pull(mirrored), own.reference)
        host.engine.run("web", own.reference)
        finding = host.check(checks=("updates",)).finding("web")
        assert finding.code == "outdated"
        assert "running_digest" not in finding.details
        assert "runs sha256" not in finding.message
