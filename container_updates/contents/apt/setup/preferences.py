"""Which versions an admin prefers (apt_preferences(5)), as apt itself reads and applies it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from container_updates.contents.apt.setup.names import matcher, used
from container_updates.contents.apt.setup.stanzas import paragraphs
from container_updates.contents.errors import Unsupported
from container_updates.contents.files import Tree

NEVER = -32768
_MAX_PINS = 10_000
_FIELDS = {"v": "version", "o": "origin", "a": "archive", "n": "codename", "l": "label", "c": "component"}


@dataclass(frozen=True, slots=True)
class Index:
    """One list of packages, or dpkg's own, as pins see it."""

    archive: str = ""
    """Suite, in Release."""
    codename: str = ""
    version: str = ""
    origin: str = ""
    label: str = ""
    component: str = ""
    architecture: str = ""
    site: str = ""
    """Host of the repository; "" for what is none."""
    not_automatic: bool = False
    but_automatic_upgrades: bool = False
    status: bool = False
    """dpkg's own."""
    suite: str = ""
    """As the source names it."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One paragraph about one package."""

    package: str
    """Name or pattern, "" for all; `src:` before it means source packages, an architecture may follow a colon."""
    kind: str
    """version, release or origin."""
    data: str
    priority: int

    def of_version(self, version: str, indexes: Iterable[Index]) -> bool:
        """Whether a version that these indexes list is meant."""
        if self.kind == "version":
            wanted = self.data.removesuffix("*")
            lower, version_lower = wanted.lower(), version.lower()
            same = version_lower.startswith(lower) if self.data.endswith("*") else version_lower == lower
            return same or matcher(wanted)(version)
        return any(self.of_index(index) for index in indexes)

    def of_index(self, index: Index) -> bool:
        """Whether an index is meant; of pins to a version none is."""
        if self.kind == "origin":
            site = self.data[1:-1] if len(self.data) > 1 and self.data[0] == self.data[-1] == '"' else self.data
            return bool(site) and matcher(site)(index.site)  # an empty one is for file:, which nobody is asked by
        return self.kind == "release" and _release(self.data, index)


@dataclass(slots=True)
class Preferences:
    """All pins, in the order in which they count."""

    general: list[Pin] = field(default_factory=list)
    specific: list[Pin] = field(default_factory=list)

    def of_index(self, index: Index) -> int:
        """Return the priority of an index: never, or what the first pin that means it says, else apt's own default."""
        priorities = [pin.priority for pin in self.general if pin.of_index(index)]
        if priorities:
            return NEVER if NEVER in priorities else priorities[0]
        if index.status or index.but_automatic_upgrades:
            return 100
        return 1 if index.not_automatic else 500

    def of_version(
        self, version: str, source: str, indexes: Iterable[Index], package: "Package", pins: Iterable[tuple[Pin, bool]]
    ) -> int:
        """Return the priority of a version of a source package that indexes list; `pins` are its package's."""
        indexes = list(indexes)
        priorities = [self.of_index(index) for index in indexes]
        for pin, by_source in pins:
            if by_source and not _is_named(pin.package.removeprefix("src:"), source, package):
                continue
            if pin.of_version(version, indexes):
                if pin.priority == NEVER or any(priority != NEVER for priority in priorities):
                    return pin.priority
                break
        return max(priorities, default=0)

    def pins(self, package: "Package") -> list[tuple[Pin, bool]]:
        """Return, in order, the pins that may be for a package, and whether they are for one of its source's name."""
        return [
            (pin, source)
            for pin in self.specific
            if (source := pin.package.startswith("src:")) or _is_named(pin.package, package.name, package)
        ]


def read(tree: Tree, default_release: str = "") -> Preferences:
    """Return the pins of /etc/apt; raises `Unsupported` where apt itself would refuse to work with them."""
    found = Preferences()
    if default_release:
        found.general.append(Pin("", "release", default_release, 990))
    for path in ["preferences", *used(tree, "preferences.d", "pref")]:
        if path in tree.files:
            for pin in _pins(tree.files[path].decode("utf-8", "replace"), path):
                (found.specific if pin.package else found.general).append(pin)
                if len(found.specific) + len(found.general) > _MAX_PINS:
                    raise Unsupported(f"more than {_MAX_PINS} pins in apt's preferences")
    return found


def _pins(text: str, path: str) -> Iterator[Pin]:
    for fields in paragraphs(text):
        package, pin = fields.get("package", ""), fields.get("pin", "")
        if not package:
            raise Unsupported(f"/etc/apt/{path}: a paragraph without Package, so that apt itself does not work")
        if not pin:
            continue
        kind, _, data = (pin.replace("\n", " ") + " ").partition(" ")
        kind = kind.lower()
        packages = [""] if package == "*" else package.split()
        if kind not in ("version", "release", "origin") or (kind == "version" and package == "*"):
            continue  # apt warns, and goes on
        written = fields.get("pin-priority", "")
        number = re.match(r"[+-]?[0-9]+", written)
        priority = NEVER if written == "never" else int(number[0]) if number else 0
        if priority == 0 or not -32768 <= priority <= 32767:
            raise Unsupported(f"/etc/apt/{path}: a pin without a priority, so that apt itself does not work")
        if priority == NEVER and package != "*":
            raise Unsupported(f"/etc/apt/{path}: never is for Package: * alone, so that apt itself does not work")
        for name in packages:
            yield Pin(name, kind, data.strip(), priority)


@dataclass(frozen=True, slots=True)
class Package:
    """A package that pins may be for."""

    name: str
    architecture: str
    native: str
    any_architecture: bool
    """Whether one of its versions is `Multi-Arch: allowed`."""


def _is_named(wanted: str, name: str, package: Package) -> bool:
    wanted, colon, wanted_architecture = wanted.rpartition(":") if ":" in wanted else (wanted, "", "")
    is_pattern = (wanted.startswith("/") and wanted.endswith("/") and len(wanted) > 1) or any(
        one in wanted for one in "*[?"
    )
    meant = package.native if wanted_architecture in ("", "native", "all") else wanted_architecture
    if wanted_architecture != "any" and package.architecture != meant:
        # Without an architecture the native one is meant; but apt also has packages by the name of `bash:any`.
        return is_pattern and not colon and package.any_architecture and matcher(wanted)(f"{name}:any")
    return matcher(wanted)(name) if is_pattern else wanted == name


def _release(data: str, index: Index) -> bool:
    if data == "*":
        return True
    values: Mapping[str, str] = {name: getattr(index, name) for name in _FIELDS.values()}
    if "=" not in data:
        if data[:1].isdigit():
            return _is_version(data, index.version)
        return bool(data) and (matcher(data)(index.archive) or matcher(data)(index.codename))
    wanted: dict[str, str] = {}
    for part in data.split(","):
        part = part.strip()
        key, value = part[:2].lower(), part[2:]
        if len(part) >= 3 and key[1:] == "=" and (key[0] in _FIELDS or key[0] == "b"):
            wanted[key[0]] = value
    if not wanted:
        return False
    for key, value in wanted.items():
        if key == "v":
            if not _is_version(value, index.version):
                return False
        elif not matcher(value)(index.architecture if key == "b" else values[_FIELDS[key]]):
            return False
    return True


def _is_version(wanted: str, version: str) -> bool:
    prefix = wanted.removesuffix("*")
    same = version.lower().startswith(prefix.lower()) if prefix != wanted else version.lower() == wanted.lower()
    return same or matcher(prefix)(version)
