"""A real engine's recorded answers, served again: pruned lists whose nested members are written `Outer.Inner`."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from container_updates.demo.engine.holdings import without_port
from container_updates.demo.engine.kinds import Kind, api_number
from container_updates.model import Platform
from container_updates.reference import parse

_DESCRIBED = "containers_json_1.52"


class Recording:
    """Answers as they were given; what was pruned and is needed is put back from the recording's other parts."""

    def __init__(self, recorded: Mapping[str, Any], like: Kind) -> None:
        """`like` gives the rest of the answers (info, components) where the recording has none."""
        self._recorded = recorded
        version = recorded["version"]
        described = _DESCRIBED in recorded
        store = "containerd" if described else "podman" if "libpod_containers" in recorded else "classic"
        self.kind = Kind(version["Version"], version["ApiVersion"], version["MinAPIVersion"], store)  # type: ignore[arg-type]
        self._inspects: Mapping[str, Any] = recorded.get("container_inspect") or recorded["inspect"]

    def version(self) -> dict[str, Any]:
        """`GET /version`; components are recorded as "name version"."""
        version = {**self.kind.version_answer(), **self._recorded["version"]}
        if "Components" in self._recorded["version"]:
            split = [str(component).rpartition(" ") for component in version["Components"]]
            version["Components"] = [{"Name": name, "Version": number} for name, _, number in split]
        return version

    def info(self) -> dict[str, Any]:
        """`GET /info`."""
        return self._recorded.get("info") or self.kind.info_answer(Platform("linux", "amd64"))

    def containers(self, api: str, stopped: bool) -> list[dict[str, Any]]:
        """`GET /containers/json`; the manifest's descriptor where this API version has it."""
        described = {entry["Names"][0]: entry for entry in self._recorded.get(_DESCRIBED, ())}
        found = []
        for entry in self._recorded["containers_json"]:
            if not stopped and entry["State"] != "running":
                continue
            name = entry["Names"][0]
            whole = {"Id": _container_id(name), **entry}
            if api_number(api) >= (1, 48) and "ImageManifestDescriptor" in described.get(name, {}):
                whole["ImageManifestDescriptor"] = described[name]["ImageManifestDescriptor"]
            found.append(whole)
        return found

    def images(self, api: str) -> list[dict[str, Any]]:
        """`GET /images/json`."""
        return list(self._recorded["images_json"])

    def container(self, name: str, api: str) -> dict[str, Any] | None:
        """`GET /containers/NAME/json`."""
        for listed in self.containers(api, stopped=True):
            short = listed["Names"][0].removeprefix("/")
            if short in self._inspects and (name == short or listed["Id"].startswith(name)):
                member = {key: value for key, value in listed.items() if key == "ImageManifestDescriptor"}
                inspect = _nested({"Id": listed["Id"], **self._inspects[short]})
                inspect.setdefault("State", {"Status": listed["State"], "Running": listed["State"] == "running"})
                inspect["Config"].setdefault("Labels", listed["Labels"])
                return {**inspect, **member}
        return None

    def image(self, name: str, api: str) -> dict[str, Any] | None:
        """`GET /images/NAME/json`, by id or by any of its names."""
        recorded: Iterable[Mapping[str, Any]] = self._recorded.get("image_inspect", {}).values()
        for entry in [*recorded, *self._recorded["images_json"]]:
            names = [
                entry["Id"],
                entry["Id"].partition(":")[2],
                *(entry["RepoTags"] or ()),
                *(entry["RepoDigests"] or ()),
            ]
            if name in names:
                inspect = _nested({"Architecture": "amd64", "Os": "linux", **entry})
                return {**inspect, **self._identity(entry["Id"], api)}
        return None

    def _identity(self, image_id: str, api: str) -> dict[str, Any]:
        """Where an image was pulled from: not in the recording, as its API did not tell yet, so taken from the rest."""
        if self.kind.store != "containerd" or api_number(api) < (1, 53):
            return {}
        if image_id not in self._recorded["published"].values():
            return {}
        listed = next(entry for entry in self._recorded["images_json"] if entry["Id"] == image_id)
        started = [entry["Config.Image"] for entry in self._inspects.values() if entry["Image"] == image_id]
        names = {parse(text).name for text in [*listed["RepoTags"], *started] if not text.startswith("sha256:")}
        return {"Identity": {"Pull": [{"Repository": without_port(name)} for name in sorted(names)]}}


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """`{"Config.Image": x}` as `{"Config": {"Image": x}}`."""
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        outer, _, inner = key.partition(".")
        if inner:
            nested.setdefault(outer, {})[inner] = value
        else:
            nested[key] = value
    return nested


def _container_id(name: str) -> str:
    """Podman's list was recorded without ids."""
    return hashlib.sha256(name.encode()).hexdigest()
