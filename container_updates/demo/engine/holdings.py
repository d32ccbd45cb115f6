"""What an embedded engine holds, images and containers, told as each kind of engine tells it.

How each kind keeps and forgets names was read from recorded answers of Docker 20.10, Docker 29 and Podman 4.3.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Protocol

from container_updates.demo.engine.kinds import Kind, api_number
from container_updates.demo.registry.content import CREATED, PushedImage, PushedIndex, platform_member
from container_updates.model import Platform
from container_updates.reference import DOCKER_HUB, Reference, parse

_ALIVE = frozenset({"running", "paused", "restarting"})


class Holdings(Protocol):
    """Whoever can answer for an engine's lists; an inspect that finds nothing returns None."""

    def version(self) -> dict[str, Any]: ...  # noqa: D102 - the API's words
    def info(self) -> dict[str, Any]: ...  # noqa: D102
    def containers(self, api: str, stopped: bool) -> list[dict[str, Any]]: ...  # noqa: D102
    def images(self, api: str) -> list[dict[str, Any]]: ...  # noqa: D102
    def container(self, name: str, api: str) -> dict[str, Any] | None: ...  # noqa: D102
    def image(self, name: str, api: str) -> dict[str, Any] | None: ...  # noqa: D102


@dataclass(slots=True, eq=False)
class StoredImage:
    """An image in the engine's store."""

    id: str
    platform: Platform
    created: str
    labels: Mapping[str, str]
    layers: tuple[str, ...]
    descriptor: dict[str, Any]
    """Of what was pulled, index or manifest."""
    manifest: dict[str, Any]
    """Descriptor of the platform's own manifest."""
    tags: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    """`repository@digest`, as the engine keeps them."""
    pinned: list[str] = field(default_factory=list)
    """Those of `digests` that were pulled by digest: no tag takes them away."""
    origins: list[str] = field(default_factory=list)
    """Names of the repositories it was pulled from."""
    named_here: str = ""
    """When `docker build` or `docker tag` last named it; a pull does not count."""


@dataclass(slots=True, eq=False)
class StoredContainer:
    """A container record."""

    id: str
    name: str
    image: StoredImage
    started_from: str
    labels: Mapping[str, str]
    state: str


_ENGINES = count()
"""Two engines never have a container id in common, nor the id of their own."""


class Shelves:
    """The images and containers that a scenario puts there."""

    def __init__(self, kind: Kind, platform: Platform) -> None:
        self.kind = kind
        self.platform = platform
        self._number = next(_ENGINES)
        # Podman 4 makes up another ID for each request.
        self.info_extra: dict[str, Any] = {} if kind.store == "podman" else {"ID": f"LAB:{self._number:04}"}
        self._images: dict[str, StoredImage] = {}
        self._tags: dict[str, StoredImage] = {}
        self._containers: dict[str, StoredContainer] = {}

    def pull(self, pushed: PushedImage | PushedIndex, reference: Reference, platform: Platform | None) -> str:
        """Have what the registry has under this reference; returns the image id."""
        image = pushed.image_for(platform or self.platform) if isinstance(pushed, PushedIndex) else pushed
        target = {"mediaType": pushed.media_type, "digest": pushed.digest, "size": pushed.size}
        manifest = {"mediaType": image.media_type, "digest": image.digest, "size": image.size}
        key = pushed.digest if self.kind.store == "containerd" else image.config_digest
        stored = self._images.setdefault(
            key,
            StoredImage(key, image.platform, image.created, image.labels, image.layers, target, manifest),
        )
        name = self._shown(reference)
        for digest in (pushed.digest, image.digest) if self.kind.store == "podman" else (pushed.digest,):
            _add(stored.digests, f"{name}@{digest}")
        _add(stored.origins, reference.name)
        if reference.digest is None:
            self._tag(stored, f"{name}:{reference.tag}")
        else:
            _add(stored.pinned, f"{name}@{pushed.digest}")
        return stored.id

    def build(self, reference: Reference, labels: Mapping[str, str], base: str | None) -> str:
        """Have an image that no registry ever saw, built upon another image or none; returns its id."""
        digest = _hex(f"built {reference} {sorted(labels.items())}")
        manifest = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 405}
        key = _hex(digest) if self.kind.store != "containerd" else digest
        layers = (*(self._images[base].layers if base else ()), _hex("layer " + digest))
        stored = self._images.setdefault(
            key, StoredImage(key, self.platform, CREATED, labels, layers, manifest, manifest, named_here=CREATED)
        )
        self._tag(stored, f"{self._shown(reference)}:{reference.tag}")
        if self.kind.store != "classic":
            _add(stored.digests, f"{self._shown(reference)}@{digest}")
        return stored.id

    def tag(self, image_id: str, reference: Reference) -> None:
        """`docker tag`: one more name for an image."""
        stored = self._images[image_id]
        self._tag(stored, f"{self._shown(reference)}:{reference.tag}")
        if self.kind.store == "containerd":
            _add(stored.digests, f"{self._shown(reference)}@{stored.id}")

    def untag(self, reference: Reference) -> None:
        """`docker rmi --force NAME`, while a container goes on running the image: it stays, without that name."""
        name = self._shown(reference)
        stored = self._tags.pop(f"{name}:{reference.tag}")
        stored.tags.remove(f"{name}:{reference.tag}")
        if not any(tag.rpartition(":")[0] == name for tag in stored.tags):
            stored.digests = [digest for digest in stored.digests if digest.partition("@")[0] != name]

    def remove_image(self, image_id: str) -> None:
        """`docker rmi --force`: a container may go on running what is no longer in the list."""
        stored = self._images.pop(image_id)
        for tag in list(stored.tags):
            self._tags.pop(tag)
        stored.tags.clear()
        stored.digests.clear()

    def run(self, name: str, image: str, labels: Mapping[str, str], state: str) -> str:
        """Start a container of an image that is there, named as a user would; returns the container's id."""
        stored = self._find(image)
        if stored is None:
            raise LookupError(f"the engine has no image {image}; pull or build it first")
        container_id = _hex(f"container {name} of {self._number}")[7:]
        merged = {**stored.labels, **labels}
        self._containers[container_id] = StoredContainer(container_id, name, stored, image, merged, state)
        return container_id

    def remove_container(self, name: str) -> None:
        """Take a container away."""
        self._containers.pop(_hex(f"container {name} of {self._number}")[7:])

    def version(self) -> dict[str, Any]:
        """`GET /version`."""
        return self.kind.version_answer()

    def info(self) -> dict[str, Any]:
        """`GET /info`."""
        return {**self.kind.info_answer(self.platform), **self.info_extra}

    def containers(self, api: str, stopped: bool) -> list[dict[str, Any]]:
        """`GET /containers/json`."""
        return [
            {
                "Id": container.id,
                "Names": [f"/{container.name}"],
                "Image": self._image_in_list(container),
                "ImageID": container.image.id,
                "Command": "/entrypoint",
                "Created": _seconds(container.image.created) + 3600,
                "Ports": [],
                "Labels": dict(container.labels),
                "State": container.state,
                "Status": "Up 3 days" if container.state in _ALIVE else "Exited (0) 3 days ago",
                "HostConfig": {"NetworkMode": "default"},
                "Mounts": [],
                **self._manifest_member(container.image, api),
            }
            for container in self._containers.values()
            if stopped or container.state in _ALIVE
        ]

    def images(self, api: str) -> list[dict[str, Any]]:
        """`GET /images/json`."""
        return [
            {
                "Id": image.id,
                "ParentId": "",
                **self._names_in_list(image, api),
                "Created": _seconds(image.created),
                "Size": 1_987_347,
                "SharedSize": -1,
                "Labels": dict(image.labels) or None,
                "Containers": -1,
            }
            for image in self._images.values()
        ]

    def container(self, name: str, api: str) -> dict[str, Any] | None:
        """`GET /containers/NAME/json`."""
        for container in self._containers.values():
            if name == container.name or (len(name) >= 12 and container.id.startswith(name)):
                return {
                    "Id": container.id,
                    "Name": f"/{container.name}",
                    "Created": container.image.created,
                    "Image": container.image.id,
                    "Platform": container.image.platform.os,
                    "Config": {"Image": container.started_from, "Labels": dict(container.labels)},
                    "State": {"Status": container.state, "Running": container.state in _ALIVE},
                    **self._manifest_member(container.image, api),
                }
        return None

    def image(self, name: str, api: str) -> dict[str, Any] | None:
        """`GET /images/NAME/json`, by id or by any name."""
        image = self._find(name)
        if image is None:
            return None
        classic = self.kind.store == "classic"
        answer: dict[str, Any] = {
            "Id": image.id,
            "RepoTags": list(image.tags),
            "RepoDigests": sorted(image.digests),
            "Created": image.created,
            "Architecture": image.platform.architecture,
            "Os": image.platform.os,
            **({"Variant": image.platform.variant} if image.platform.variant else {}),
            **({"OsVersion": image.platform.os_version} if image.platform.os_version else {}),
            "Size": 1_987_347,
            "Config": {"Labels": dict(image.labels) or None},
            "RootFS": {"Type": "layers", "Layers": list(image.layers)},
            **({"Metadata": {"LastTagTime": image.named_here or "0001-01-01T00:00:00Z"}} if classic else {}),
        }
        if self.kind.store == "containerd" and api_number(api) >= (1, 48):
            answer["Descriptor"] = image.descriptor
        if self.kind.store == "containerd" and api_number(api) >= (1, 53) and image.origins:
            answer["Identity"] = {"Pull": [{"Repository": without_port(name)} for name in image.origins]}
        return answer

    def _find(self, name: str) -> StoredImage | None:
        bare = name.removeprefix("sha256:")
        if len(bare) >= 12 and not bare.strip("0123456789abcdef"):
            return next((image for key, image in self._images.items() if key[7:].startswith(bare)), None)
        reference = parse(name)
        shown = self._shown(reference)
        if reference.digest is not None:
            pinned = f"{shown}@{reference.digest}"
            return next((image for image in self._images.values() if pinned in image.digests), None)
        return self._tags.get(f"{shown}:{reference.tag}")

    def _tag(self, image: StoredImage, tag: str) -> None:
        before = self._tags.get(tag)
        if before is not None and before is not image:
            before.tags.remove(tag)
            if self.kind.store != "classic":
                named = {kept.rpartition(":")[0] for kept in before.tags}
                before.digests = [
                    digest for digest in before.digests if digest in before.pinned or digest.partition("@")[0] in named
                ]
        self._tags[tag] = image
        _add(image.tags, tag)
        image.tags.sort()

    def _image_in_list(self, container: StoredContainer) -> str:
        # Docker shows the name only while it still leads to the image; Podman never takes it back
        if self.kind.store == "podman" or self._find(container.started_from) is container.image:
            return container.started_from
        return container.image.id

    def _names_in_list(self, image: StoredImage, api: str) -> dict[str, list[str] | None]:
        tags, digests = list(image.tags), list(image.digests)
        if self.kind.store == "podman":
            return {"RepoTags": tags or None, "RepoDigests": digests}
        if not tags and not digests and api_number(api) < (1, 43):
            return {"RepoTags": ["<none>:<none>"], "RepoDigests": ["<none>@<none>"]}
        if self.kind.store == "classic":
            return {"RepoTags": tags or None, "RepoDigests": digests or None}
        return {"RepoTags": tags, "RepoDigests": digests[:1]}

    def _manifest_member(self, image: StoredImage, api: str) -> dict[str, Any]:
        if self.kind.store != "containerd" or api_number(api) < (1, 48):
            return {}
        return {"ImageManifestDescriptor": {**image.manifest, "platform": platform_member(image.platform)}}

    def _shown(self, reference: Reference) -> str:
        """Docker shows Docker Hub's names short, Podman in full."""
        if self.kind.store == "podman":
            return reference.name
        return reference.name.removeprefix(f"{DOCKER_HUB}/").removeprefix("library/")


def without_port(name: str) -> str:
    """A repository's name as an image's Identity has it."""
    registry, _, repository = name.partition("/")
    return f"{registry.rpartition(':')[0] or registry}/{repository}"


def _add(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)


def _hex(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())
