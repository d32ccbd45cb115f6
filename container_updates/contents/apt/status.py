"""What dpkg says is installed: /var/lib/dpkg/status, or the paragraphs that distroless images have in status.d."""

from collections.abc import Iterable
from dataclasses import dataclass

from container_updates.contents.apt.fields import fields, identity
from container_updates.contents.errors import Unsupported

_ABSENT = ("not-installed", "config-files")
_MAX_PACKAGES = 100_000
_MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Installed:
    """One package that is there, whole or half."""

    name: str
    architecture: str
    """As dpkg has it; `all` for what fits every one."""
    version: str
    source: str
    """Name of the source package."""
    held: bool
    identity: int
    multi_arch: str


def installed(paragraphs: bytes) -> list[Installed]:
    """Return the packages that are installed; raises `Unsupported` where the file is no such database."""
    found: list[Installed] = []
    for raw in paragraphs.replace(b"\r\n", b"\n").split(b"\n\n"):
        paragraph = b"\n" + raw.strip(b"\n")
        if len(paragraph) == 1:
            continue
        told = fields(paragraph)
        package = _text(told, b"Package")
        if not package:
            raise Unsupported("dpkg's database is broken: a paragraph without a package")
        status = _text(told, b"Status").split()
        version = _text(told, b"Version")
        if (status and status[-1] in _ABSENT) or not version or len(package) > _MAX_NAME:
            continue
        if len(found) >= _MAX_PACKAGES:
            raise Unsupported(f"dpkg's database has more than {_MAX_PACKAGES} packages")
        found.append(
            Installed(
                package,
                _text(told, b"Architecture"),
                version,
                source_of(_text(told, b"Source"), package),
                bool(status) and status[0] == "hold",
                identity(told),
                _text(told, b"Multi-Arch"),
            )
        )
    return found


def native(packages: Iterable[Installed]) -> str:
    """Return the architecture that dpkg itself is of, else the most frequent one; "" for none."""
    counts: dict[str, int] = {}
    for one in packages:
        if one.name == "dpkg" and one.architecture != "all":
            return one.architecture
        if one.architecture != "all":
            counts[one.architecture] = counts.get(one.architecture, 0) + 1
    return max(counts, key=lambda name: counts[name], default="")


def source_of(field_: str, package: str) -> str:
    """Return a source package's name from the field Source: `glibc (2.36-9)`, or nothing where it is the package's."""
    return field_.partition(" ")[0] or package


def _text(told: dict[bytes, bytes], name: bytes) -> str:
    return told.get(name, b"").strip().decode("utf-8", "replace")
