"""Who signed last time, run by run on the embedded lab, and what becomes of that when a run or the disk fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from container_updates.demo.content import PushedImage
from container_updates.model import Finding, State
from tests.lab import Checked, Lab, lab
from tests.signed import Signer

ONLY = ("signatures",)
DAY = 86400.0


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


class Publisher:
    """Publishes one image after another under tags of app/web, and runs them as `web`."""

    def __init__(self, host: Lab) -> None:
        self.host = host
        self.acme, self.other = Signer(host.registry), Signer(host.registry)
        self.number = 0

    def publish(self, *signers: Signer, tag: str = "1", name: str = "web") -> PushedImage:
        """A new image with these signatures, pulled and started at once."""
        self.number += 1
        created = f"2026-11-01T00:{self.number // 60:02}:{self.number % 60:02}Z"
        image = self.host.registry.push_image("app/web", tag, created=created)
        for signer in signers:
            signer.classic(image)
        if self.number > 1 and name == "web":
            self.host.engine.remove_container(name)
        self.host.run(name, image)
        return image

    def policy(self, signer: Signer, images: str = "**") -> tuple[str, ...]:
        """A policy that names one of the two."""
        return (str(signer.policy(self.host.folder, images)),)


def says(checked: Checked, name: str = "web") -> Finding:
    """The one finding on the signatures of a container."""
    return checked.finding(name, "signatures")


def test_a_story_of_two_signers(host: Lab) -> None:
    publisher = Publisher(host)
    acme, other = publisher.acme, publisher.other
    policy = publisher.policy(acme)

    publisher.publish(acme)
    first = host.check(checks=ONLY, trust_policies=policy)
    assert says(first).code == "signed"
    assert says(first).message.endswith(", first seen")
    host.time += DAY
    same = says(host.check(checks=ONLY, trust_policies=policy))
    assert (same.code, same.message.endswith(", first seen")) == ("signed", False)

    publisher.publish(acme, tag="2")
    host.time += DAY
    assert says(host.check(checks=ONLY, trust_policies=policy)).code == "signed"

    publisher.publish(other, tag="2")
    host.time += DAY
    for _ in range(2):
        changed = host.check(checks=ONLY, trust_policies=policy)
        assert says(changed).code == "signer-changed", says(changed)
        assert changed.outcome.state is State.CRITICAL
        assert changed.metric("signer_changed") == 1
        [before], [now] = says(changed).details["before"], says(changed).details["now"]
        assert before["name"] == "signer.pub"
        assert now == {"kind": "unknown"}
        host.time += DAY
