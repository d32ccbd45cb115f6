"""Provenance as builders write it, beside images of the embedded registry: signed by a key, or BuildKit's, unsigned."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from container_updates.demo.registry import attached
from container_updates.demo.registry.attached import Pushed
from container_updates.demo.registry.content import PushedImage, PushedIndex, encode
from container_updates.demo.registry.server import RegistryServer
from container_updates.reference import parse
from tests.support import forge

V02, V1 = "https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"
REPOSITORY = "https://github.com/acme/app"
COMMIT = "9f3c0e5a6d1b4c2e8f7a6b5c4d3e2f1a0b9c8d7e"
BUILDER = "https://ci.example.com/builder"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
_VCS = "https://mobyproject.org/buildkit@v1#metadata"

Predicate = dict[str, Any]


def v1(
    repository: str = REPOSITORY, commit: str | None = COMMIT, materials: Sequence[Mapping[str, Any]] = ()
) -> Predicate:
    """As a build service writes SLSA v1."""
    source = {"uri": f"git+{repository}@refs/tags/v1", "digest": {"gitCommit": commit} if commit else {}}
    workflow = {"repository": repository, "ref": "refs/tags/v1", "path": "build.yml"}
    return {
        "buildDefinition": {
            "externalParameters": {"workflow": workflow},
            "resolvedDependencies": [source, *materials],
        },
        "runDetails": {"builder": {"id": BUILDER}, "metadata": {"finishedOn": "2026-11-20T08:00:00Z"}},
    }


def v02(repository: str = REPOSITORY, commit: str = COMMIT, materials: Sequence[Mapping[str, Any]] = ()) -> Predicate:
    """As a build service writes SLSA v0.2."""
    return {
        "builder": {"id": BUILDER},
        "invocation": {"configSource": {"uri": f"git+{repository}@refs/heads/main", "digest": {"sha1": commit}}},
        "materials": list(materials),
        "metadata": {"buildFinishedOn": "2026-11-20T08:00:00Z"},
    }


def git_context(repository: str = REPOSITORY, commit: str = COMMIT) -> Predicate:
    """As BuildKit writes v0.2 of a git context, `mode=min`."""
    source = {"uri": f"{repository}.git#refs/heads/main:docker", "digest": {"sha1": commit}, "entryPoint": "Dockerfile"}
    return {
        "builder": {"id": ""},
        "buildType": "https://mobyproject.org/buildkit@v1",
        "invocation": {"configSource": source},
    }


def local_context(repository: str = REPOSITORY, commit: str = COMMIT) -> Predicate:
    """As BuildKit writes v0.2 of a folder that is a git checkout, `mode=max`."""
    vcs = {"source": repository, "revision": commit, "localdir:context": "."}
    return {
        "builder": {"id": ""},
        "invocation": {"configSource": {"entryPoint": "Dockerfile"}},
        "metadata": {_VCS: {"vcs": vcs, "source": {"infos": []}}},
    }


def local_context_v1(repository: str = REPOSITORY, commit: str = COMMIT) -> Predicate:
    """The same as v1 has it."""
    return {
        "buildDefinition": {"externalParameters": {"configSource": {"path": "Dockerfile"}}, "resolvedDependencies": []},
        "runDetails": {
            "builder": {"id": ""},
            "metadata": {"buildkit_metadata": {"vcs": {"source": repository, "revision": commit}}},
        },
    }


def git_context_v1(repository: str = REPOSITORY, commit: str = COMMIT) -> Predicate:
    """BuildKit's v1 of a git context."""
    source = {"uri": f"{repository}.git#refs/heads/main", "digest": {"sha1": commit}, "path": "Dockerfile"}
    return {"buildDefinition": {"externalParameters": {"configSource": source}}, "runDetails": {"builder": {"id": ""}}}


_BOTTOMLESS = "…"
HOSTILE: dict[str, Callable[[], Predicate]] = {
    "32 MB": lambda: {**v1(), "log": "x" * (32 << 20)},
    "10,000 materials": lambda: v1(materials=[{"uri": f"pkg:npm/{number}@1"} for number in range(10_000)]),
    "1,000 subjects": lambda: {**v1(), "subjects": 1000},
    "10,000 deep": lambda: {**v1(), "deep": _BOTTOMLESS},
}
"""Provenance that is made to cost whoever reads it."""


def statement(digest: str, predicate: Predicate, kind: str = V1) -> bytes:
    """An in-toto statement about one digest; hostile where the predicate asks for it."""
    found = dict(forge.statement(digest, predicate_type=kind, predicate=predicate))
    others = [{"digest": {"sha256": f"{number:064x}"}} for number in range(1, int(predicate.get("subjects", 1)))]
    body = encode({**found, "subject": [*others, *found["subject"]]})
    return body.replace(encode(_BOTTOMLESS), b"[" * 10_000 + b"1" + b"]" * 10_000)


def attest(
    registry: RegistryServer, image: Pushed, key: Any, predicate: Predicate, kind: str = V1, *, about: str | None = None
) -> None:
    """`cosign attest` with a key: the tag `.att`."""
    envelope = encode(forge.dsse(key, statement(about or image.digest, predicate, kind)))
    layer = attached.layer_of(registry, image, DSSE, envelope, {"predicateType": kind})
    attached.beside(registry, image, [layer], "att")


def attest_by_bundle(registry: RegistryServer, image: Pushed, key: Any, predicate: Predicate, kind: str = V1) -> None:
    """`cosign attest` of cosign 3: a bundle, as referrer."""
    body = forge.key_bundle(key, forge.dsse(key, statement(image.digest, predicate, kind)))
    attached.refer(registry, image, BUNDLE, BUNDLE, body)


def attest_as_referrer(registry: RegistryServer, image: Pushed, key: Any, predicate: Predicate, kind: str = V1) -> None:
    """`cosign attest` of cosign 2 in its OCI 1.1 mode: the envelope, as referrer."""
    body = encode(forge.dsse(key, statement(image.digest, predicate, kind)))
    attached.refer(registry, image, "application/vnd.in-toto+json", DSSE, body)


def with_buildkit(
    registry: RegistryServer,
    tag: str,
    image: PushedImage,
    predicate: Predicate,
    kind: str = V02,
    *,
    about: str | None = None,
) -> PushedIndex:
    """The index that BuildKit pushes: the image, and its provenance."""
    return attached.push_attested(registry, tag, image, statement(about or image.digest, predicate, kind), kind)


def material(image: PushedImage | PushedIndex, tag: str | None = None) -> dict[str, Any]:
    """An image that went into a build, as BuildKit's package URL names it."""
    reference = parse(image.reference)
    name = f"pkg:docker/{reference.name}@{tag or reference.tag}?platform=linux%2Famd64"
    return {"uri": name, "digest": {"sha256": image.digest.removeprefix("sha256:")}}
