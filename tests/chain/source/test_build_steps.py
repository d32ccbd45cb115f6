"""The steps that made an image, in the words of a Dockerfile: for `--explain`, and where nothing is proven."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from container_updates.demo import faults
from container_updates.demo.engine.kinds import CLASSIC, CONTAINERD
from tests.support import built, forge
from tests.support.lab import Lab, lab

ONLY = ("source",)
STEPS = [
    ("/bin/sh -c #(nop) ADD file:1f3e in / ", "ADD file:1f3e in /"),
    ('/bin/sh -c #(nop)  CMD ["bash"]', 'CMD ["bash"]'),
    ("/bin/sh -c apt-get update &&     apt-get install -y curl", "RUN apt-get update && apt-get install -y curl"),
    ("RUN /bin/sh -c make install # buildkit", "RUN make install"),
    ("COPY . /app # buildkit", "COPY . /app"),
    ("|2 TOKEN=s3cr3t WHO=a b /bin/sh -c make all", "RUN make all"),
    ("RUN |1 TOKEN=s3cr3t /bin/bash -o pipefail -c make all # buildkit", "RUN make all"),
    (
        "RUN /bin/sh -c git clone https://me:s3cr3t@git.example.com/a # buildkit",
        "RUN git clone https://git.example.com/a",
    ),
    ("bazel build //app", "bazel build //app"),
]


@pytest.fixture(params=[CLASSIC, CONTAINERD], ids=["classic", "containerd"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path, request.param) as started:
        yield started


def history(host: Lab, **changes: object) -> list[str] | None:
    found = host.check(checks=ONLY, explain="web", **changes).finding("web", "source")
    steps: list[str] | None = found.details.get("history")
    return steps


def test_the_steps_are_told_as_a_dockerfile_has_them_and_no_secret_with_them(host: Lab) -> None:
    host.run("web", host.registry.push_image("acme/app", "1", history=[command for command, _ in STEPS]))
    assert history(host) == [words for _, words in STEPS]


def test_of_many_steps_the_last_ones_are_told_and_long_ones_are_cut(host: Lab) -> None:
    commands = [f"RUN /bin/sh -c step {number} {'x' * 1000}" for number in range(300)]
    host.run("web", host.registry.push_image("acme/app", "1", history=commands))
    steps = history(host) or []
    assert steps[0] == "(275 earlier steps)"
    assert len(steps) == 26
    assert steps[-1].startswith("RUN step 299 xxx")
    assert max(map(len, steps)) == 200


def test_through_an_index_it_is_that_of_the_platform(host: Lab) -> None:
    image = host.registry.push_image("acme/app", history=["RUN /bin/sh -c for amd64"])
    index = host.registry.push_index("acme/app", "1", [image])
    host.engine.pull(index)
    host.engine.run("web", index.reference)
    assert history(host) == ["RUN for amd64"]


def test_nobody_pays_for_it_who_did_not_ask(host: Lab) -> None:
    image = host.registry.push_image("acme/app", "1")
    host.run("web", image)
    assert "history" not in host.check(checks=ONLY).finding("web", "source").details
    assert host.registry.requests(path=image.config_digest) == []


def test_where_the_source_is_proven_its_blueprint_is_to_be_read_instead(host: Lab) -> None:
    key = forge.new_key()
    image = host.registry.push_image("acme/app", "1")
    built.attest(host.registry, image, key, built.v1())
    (host.folder / "acme.pub").write_bytes(forge.pem(key))
    file = host.folder / "policy.toml"
    file.write_text('version = 1\n[[rule]]\nimages = ["**"]\n[[rule.signer]]\ntype = "key"\nfile = "acme.pub"\n')
    host.run("web", image)
    found = host.check(checks=ONLY, explain="web", trust_policies=(str(file),)).finding("web", "source")
    assert found.code == "source-verified"
    assert "history" not in found.details
    assert found.details["demanded"]["signers"] == [[{"kind": "key", "name": "acme.pub"}]]


def test_a_config_that_cannot_be_had_leaves_the_rest_as_it_is(host: Lab) -> None:
    image = host.registry.push_image("acme/app", "1")
    host.run("web", image)
    host.registry.fail(faults.status(500), path=image.config_digest)
    assert host.check(checks=ONLY, explain="web").finding("web", "source").code == "unknown-source"
    assert history(host) is None
