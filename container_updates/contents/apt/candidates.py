"""Which version apt would install of each package (apt, `pkgPolicy::GetCandidateVer` and `debListParser`)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from container_updates.contents.apt import versions
from container_updates.contents.apt.packages import Available
from container_updates.contents.apt.setup.preferences import Index, Package, Preferences
from container_updates.contents.apt.status import Installed

STATUS = Index(archive="now", status=True)
_FORCED = 1000
"""The least priority at which a downgrade is a candidate."""


@dataclass(slots=True, eq=False)
class _Version:
    version: str
    identity: int
    size: int
    multi_arch: str
    source: str
    indexes: list[Index] = field(default_factory=list)

    def is_same(self, other: "Available | Installed", size: int) -> bool:
        return (
            self.identity == other.identity
            and not (size and self.size and size != self.size)
            and self.multi_arch.lower() == other.multi_arch.lower()
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """What apt would choose for an installed package."""

    installed: Installed
    version: str
    """"" where none is."""
    indexes: tuple[Index, ...]
    """That list the candidate."""
    upgradable: bool
    """Whether `apt list --upgradable` names it: newer, or another build of the same version."""
    newer: tuple[Index, ...]
    """That list any version above the installed one."""


def candidates(
    installed: Iterable[Installed],
    indexes: Sequence[tuple[Index, Mapping[str, Iterable[Available]]]],
    preferences: Preferences,
    native: str,
) -> Iterator[Candidate]:
    """Yield the candidate of every installed package; `indexes` in apt's order, each with versions by package name."""
    for one in installed:
        architecture = native if one.architecture == "all" else one.architecture
        known: list[_Version] = []
        any_architecture = "allowed" in (one.multi_arch.lower(), *_multi_arch(indexes, one.name))
        package = Package(one.name, architecture, native, any_architecture)
        for index, listed in indexes:
            for available in listed.get(one.name, ()):
                if (native if available.architecture == "all" else available.architecture) == architecture:
                    _add(known, available, available.size, index)
        current = _add(known, one, 0, STATUS)
        yield _chosen(one, current, known, preferences, package)


def _multi_arch(indexes: Sequence[tuple[Index, Mapping[str, Iterable[Available]]]], name: str) -> Iterator[str]:
    for _, listed in indexes:
        yield from (one.multi_arch.lower() for one in listed.get(name, ()))


def _add(known: list[_Version], one: Available | Installed, size: int, index: Index) -> _Version:
    """Add what an index lists; the same build in two indexes is one version."""
    for version in known:
        if version.version == one.version and version.is_same(one, size):
            if index not in version.indexes:
                version.indexes.append(index)
            return version
    made = _Version(one.version, one.identity, size, one.multi_arch, one.source, [index])
    known.append(made)
    return made


def _chosen(
    installed: Installed,
    current: _Version,
    known: list[_Version],
    preferences: Preferences,
    package: Package,
) -> Candidate:
    pins = preferences.pins(package)
    best, chosen = -1, None
    # Python's sort keeps the order of equal versions: those of repositories before dpkg's own, as apt has it.
    ordered = sorted(known, key=lambda one: versions.newest_first(one.version))
    for version in ordered:
        priority = preferences.of_version(version.version, version.source, version.indexes, package, pins)
        if priority == 0 or priority <= best:
            continue
        if priority < _FORCED and versions.compare(version.version, installed.version) < 0:
            continue
        best, chosen = priority, version
    newer = [
        index
        for version in known
        if version is not current and versions.compare(version.version, installed.version) > 0
        for index in version.indexes
    ]
    return Candidate(
        installed,
        chosen.version if chosen else "",
        tuple(index for index in chosen.indexes if not index.status) if chosen else (),
        chosen is not None and ordered.index(chosen) < ordered.index(current),
        tuple(dict.fromkeys(newer)),
    )
