"""What `apt list --upgradable` would say in a container, after `apt update`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from container_updates.contents.apt import status
from container_updates.contents.apt.candidates import STATUS, Candidate, candidates
from container_updates.contents.apt.setup import config, preferences, sources
from container_updates.contents.apt.setup.keys import Keys
from container_updates.contents.apt.status import Installed
from container_updates.contents.apt.suites import Suite, Suites, is_security
from container_updates.contents.errors import Unsupported
from container_updates.contents.files import Files, MiB, Tree
from container_updates.contents.pending import Inside, Pending, in_order
from container_updates.contents.release_file import Release

STATUS_FILE = "/var/lib/dpkg/status"
STATUS_FOLDER = "/var/lib/dpkg/status.d"
_MAX_STATUS = 64 * MiB
_MAX_CONFIG = 16 * MiB
_MAX_ARCHITECTURES = 10
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,20}")


@dataclass(frozen=True, slots=True)
class Compared:
    """Every installed package with what apt would choose for it."""

    candidates: tuple[Candidate, ...]
    suites: tuple[Suite, ...]


def inside(files: Files, path: str, release: Release, suites: Suites) -> Inside:
    """Return what `apt list --upgradable` would say; `path` is that of the database.

    Raises `Inconclusive` where anything that apt would use could not be read or verified.
    """
    compared = compare(files, path, release, suites)
    return Inside(
        "apt",
        release.name,
        len(compared.candidates),
        in_order(_pending(one) for one in compared.candidates if one.upgradable),
        "container" if any(suite.trust == "container" for suite in compared.suites) else "host",
        max((suite.snapshot for suite in compared.suites), default=""),
        min((suite.date for suite in compared.suites if suite.date), default=None),
    )


def compare(files: Files, path: str, release: Release, suites: Suites) -> Compared:
    """Read the database, apt's setup and all that its sources name; raises like `inside`."""
    packages = _installed(files, path)
    tree = files.tree("/etc/apt", _MAX_CONFIG)
    bare = tree is None and path == STATUS_FOLDER
    tree = tree or Tree()
    options = config.read(tree)
    native = status.native(packages)
    if bare:
        raise Unsupported(
            "it has packages but no apt (distroless): nothing in it says which repositories they are from"
        )
    wanted = sources.read(tree)
    if not wanted:
        raise Unsupported("no repository is set up in it: apt inside knows of no upgrade")
    if config.is_no(config.last(options, "Acquire::Check-Valid-Until")):
        wanted = [replace(source, valid_until=False) for source in wanted]
    pins = preferences.read(tree, config.last(options, "APT::Default-Release"))
    keys = Keys(tree, files)
    configured = _architectures(files, options, native)
    read = [suites.read(source, configured, keys.of(source), release.end_of) for source in wanted]
    names = sorted({one.name for one in packages})
    indexes = [(listed.index, suites.look_up(listed, names)) for suite in read for listed in suite.listed]
    return Compared(tuple(candidates(packages, indexes, pins, native)), tuple(read))


def _installed(files: Files, path: str) -> list[Installed]:
    if path == STATUS_FOLDER:
        tree = files.tree(path, _MAX_STATUS)
        contents = [
            content for name, content in sorted((tree or Tree()).files.items()) if not name.endswith(".md5sums")
        ]
        return status.installed(b"\n\n".join(contents))
    return status.installed(files.read(path, _MAX_STATUS) or b"")


def _architectures(files: Files, options: Mapping[str, Sequence[str]], native: str) -> list[str]:
    """Native and foreign ones, as `dpkg --print-foreign-architectures` has them, or as apt.conf says."""
    named = options.get("apt::architectures")
    if named:
        found = [word for text in named for word in text.replace(",", " ").split()]
    else:
        found = (files.read("/var/lib/dpkg/arch", MiB) or b"").decode("utf-8", "replace").split()
    usable = [one for one in found if _NAME.fullmatch(one)]
    return list(dict.fromkeys([native, *usable]))[:_MAX_ARCHITECTURES]


def _pending(one: Candidate) -> Pending:
    places = [index for index in one.indexes if index != STATUS]
    secure = next((index for index in places if is_security(index)), None)
    suite = (secure or places[0]).suite if places else ""
    return Pending(
        one.installed.name,
        one.installed.architecture,
        one.installed.version,
        one.version,
        suite,
        any(is_security(index) for index in one.newer) or secure is not None,
        one.installed.held,
    )
