"""What is known of one container's packages, whatever manages them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Pending:
    """A package that would be upgraded."""

    name: str
    architecture: str
    installed: str
    candidate: str
    suite: str
    """Where the candidate is from, as the repository or its source is named."""
    security: bool
    """Whether any version above the installed one is a security update."""
    held: bool = False
    """Somebody put it on hold inside: it is listed, and the package manager would leave it."""

    def plain(self) -> dict[str, Any]:
        """As one of the details' pending ones."""
        members = ("name", "architecture", "installed", "candidate", "suite", "security")
        told = {member: getattr(self, member) for member in members}
        return {**told, "held": True} if self.held else told


@dataclass(frozen=True, slots=True)
class Inside:
    """All that was read and verified."""

    manager: str
    """apt, apk or rpm."""
    release: str
    """What the container says it is: `Debian GNU/Linux 12 (bookworm)`."""
    count: int
    """Installed packages."""
    pending: tuple[Pending, ...]
    trust: str
    """host, or container where only the container's own keys vouch for a repository."""
    snapshot: str = ""
    """Date of the snapshot that its repositories are, "" for none."""
    oldest: datetime | None = None
    """Date of the oldest Release among its repositories."""
    notes: tuple[str, ...] = field(default=())


def in_order(pending: Iterable[Pending]) -> tuple[Pending, ...]:
    """Sort as apticron does: security updates first, then by name; those on hold at the end."""
    return tuple(sorted(pending, key=lambda one: (one.held, not one.security, one.name, one.architecture)))
