"""Which distribution a container is of (os-release(5)), and when that came to its end."""

import shlex
from dataclasses import dataclass, field
from datetime import date

from container_updates.contents.files import Files

_MAX = 64 * 1024
_PATHS = ("/etc/os-release", "/usr/lib/os-release")
_ENDS = {
    # debian.org/releases, with its long-term support
    "jessie": "2020-06-30",
    "stretch": "2022-06-30",
    "buster": "2024-06-30",
    "bullseye": "2026-08-31",
    "bookworm": "2028-06-30",
    "trixie": "2030-06-30",
    # wiki.ubuntu.com/Releases, standard support
    "trusty": "2019-04-25",
    "xenial": "2021-04-30",
    "bionic": "2023-05-31",
    "focal": "2025-05-31",
    "jammy": "2027-06-01",
    "noble": "2029-05-31",
    "kinetic": "2023-07-20",
    "lunar": "2024-01-25",
    "mantic": "2024-07-11",
    "oracular": "2025-07-10",
    "plucky": "2026-01-15",
}


@dataclass(frozen=True, slots=True)
class Release:
    """The fields of os-release, their names in lower case."""

    fields: dict[str, str] = field(default_factory=dict)
    today: date = date(1970, 1, 1)

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    @property
    def name(self) -> str:
        """What it calls itself."""
        return self["pretty_name"] or self["name"] or self["id"]

    def end_of(self, suite: str) -> str | None:
        """Return the day on which a suite's release came to its end, None where that is not past."""
        codename = suite.partition("/")[0].partition("-")[0]
        end = _ENDS.get(codename, "")
        if not end and codename == self["version_codename"]:
            end = self["support_end"]
        return end if end and end <= self.today.isoformat() else None


def read(files: Files, today: date) -> Release:
    """Return what os-release says, nothing where there is none or it is no such file."""
    for path in _PATHS:
        content = files.read(path, _MAX)
        if content is not None:
            return Release(_parse(content.decode("utf-8", "replace")), today)
    return Release({}, today)


def _parse(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines()[:500]:
        name, given, value = line.strip().partition("=")
        if given and not name.startswith("#"):
            try:
                words = shlex.split(value)
            except ValueError:
                continue
            found[name.strip().lower()] = words[0] if words else ""
    return found
