"""Which engine is played: its name, its range of API versions and how it keeps images."""

from dataclasses import dataclass
from typing import Any, Literal

from container_updates.model import Platform

Store = Literal["classic", "containerd", "podman"]
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "arm": "armv7l"}


@dataclass(frozen=True, slots=True)
class Kind:
    """An engine's version and image store."""

    version: str
    api: str
    """The newest API version it speaks."""
    min_api: str
    store: Store

    def version_answer(self) -> dict[str, Any]:
        """`GET /version`."""
        name = "Podman Engine" if self.store == "podman" else "Engine"
        return {
            "Version": self.version,
            "ApiVersion": self.api,
            "MinAPIVersion": self.min_api,
            "Os": "linux",
            "Arch": "amd64",
            "Components": [{"Name": name, "Version": self.version, "Details": {}}],
        }

    def info_answer(self, platform: Platform) -> dict[str, Any]:
        """`GET /info`, the part that tells about stores and registries."""
        containerd = self.store == "containerd"
        return {
            "Name": "lab",
            "ServerVersion": self.version,
            "Driver": {"classic": "overlay2", "containerd": "overlayfs", "podman": "overlay"}[self.store],
            "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]
            if containerd
            else [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]],
            "IndexServerAddress": "https://index.docker.io/v1/",
            "RegistryConfig": {
                "InsecureRegistryCIDRs": ["127.0.0.0/8", "::1/128"] if containerd else ["127.0.0.0/8"],
                "IndexConfigs": {"docker.io": {"Name": "docker.io", "Mirrors": [], "Secure": True, "Official": True}},
                "Mirrors": [],
            },
            "Architecture": _MACHINES.get(platform.architecture, platform.architecture),
            "OSType": platform.os,
        }


CLASSIC = Kind("20.10.24+dfsg1", "1.41", "1.12", "classic")
CONTAINERD = Kind("29.0.0", "1.56", "1.40", "containerd")
NEWEST = Kind("29.1.0", "1.56", "1.44", "containerd")
OLD = Kind("1.12.6", "1.24", "1.12", "classic")
PODMAN = Kind("4.3.1", "1.41", "1.24", "podman")


def api_number(version: str) -> tuple[int, int]:
    """`1.41` as numbers that compare; raises ValueError for anything else."""
    major, _, minor = version.partition(".")
    return int(major), int(minor)
