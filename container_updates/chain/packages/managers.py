"""Where package managers keep their databases, and who reads them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from container_updates.contents.apt import upgrades
from container_updates.contents.apt.suites import Suites
from container_updates.contents.errors import Unsupported
from container_updates.contents.files import Files
from container_updates.contents.pending import Inside
from container_updates.contents.release_file import Release
from container_updates.inventory.archive import Stat

Reader = Callable[[Files, str, Release, Suites], Inside]


@dataclass(frozen=True, slots=True)
class Database:
    """One container's package database."""

    path: str
    """One of `MANAGERS`."""
    real: str
    """After its links."""
    stat: Stat


def _apt(files: Files, path: str, release: Release, suites: Suites) -> Inside:
    return upgrades.inside(files, upgrades.STATUS_FILE, release, suites)


def _bare(files: Files, path: str, release: Release, suites: Suites) -> Inside:
    return upgrades.inside(files, upgrades.STATUS_FOLDER, release, suites)


def _apk(files: Files, path: str, release: Release, suites: Suites) -> Inside:
    raise Unsupported(f"its packages are apk's ({release.name or 'Alpine'}), which are not read here")


def _rpm(files: Files, path: str, release: Release, suites: Suites) -> Inside:
    raise Unsupported(f"its packages are rpm's ({release.name or 'of an rpm distribution'}), which are not read here")


MANAGERS: Mapping[str, Reader] = {
    upgrades.STATUS_FILE: _apt,
    "/lib/apk/db/installed": _apk,
    "/usr/lib/apk/db/installed": _apk,
    "/var/lib/rpm/rpmdb.sqlite": _rpm,
    "/usr/lib/sysimage/rpm/rpmdb.sqlite": _rpm,
    "/var/lib/rpm/Packages.db": _rpm,
    "/usr/lib/sysimage/rpm/Packages.db": _rpm,
    "/var/lib/rpm/Packages": _rpm,
    "/usr/lib/sysimage/rpm/Packages": _rpm,
    upgrades.STATUS_FOLDER: _bare,
}
"""Path of a database to its reader, in the order in which they are looked for."""
