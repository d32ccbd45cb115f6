"""The links of the chain of trust; a link is a module with `examine(subject, context)`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from container_updates.clock import Clock, rfc3339
from container_updates.errors import Inconclusive, InventoryError, Unresolvable
from container_updates.inventory import Inventory
from container_updates.model import Finding, Image, ImageDetails, Verdict
from container_updates.settings import Settings

if TYPE_CHECKING:
    from container_updates.chain.packages.session import Session
    from container_updates.registry import Registry
    from container_updates.state.holds import Hold
    from container_updates.state.store import Store
    from container_updates.trust.context import TrustContext
    from container_updates.trust.memory.signer_memory import Memory
    from container_updates.trust.policy.rules import Policy, Rule

_LINKS = {
    "updates": "updates.link",
    "restarts": "restarts",
    "versions": "versions.link",
    "signatures": "signatures.link",
    "source": "source.link",
    "packages": "packages.link",
}
OF_CONTAINERS = frozenset({"packages"})
"""Checks that look at each container's own files; the others look at images."""
CHECKS = tuple(_LINKS)
"""What `--check` knows, in the order of the chain."""
DEFAULT_CHECKS = ("updates", "restarts", "signatures", "source")


@dataclass(frozen=True, slots=True)
class Context:
    """What a link may ask, and what it was told."""

    registry: "Registry"
    inventories: Mapping[str, Inventory]
    """By `Image.engine`."""
    store: "Store"
    clock: Clock
    settings: Settings
    trust: "TrustContext | None" = None
    """Policy and memory. None: neither signatures nor source is checked."""
    holds: "Mapping[str, Hold]" = field(default_factory=dict)
    """Updates that the admin does not want, by image."""
    packages: "Session | None" = None
    """What containers share whose packages are looked at. None: nobody's are."""

    @property
    def policy(self) -> "Policy | None":
        """Whom the admin trusts, where a policy was given."""
        return self.trust.policy if self.trust else None

    @property
    def memory(self) -> "Memory | None":
        """Who signed and built last time."""
        return self.trust.memory if self.trust else None

    @property
    def tells_packages(self) -> bool:
        """Whether somebody wants to know which packages an update changes."""
        settings = self.settings
        return settings.changes or bool(settings.explain) or "packages" in settings.checks

    def details(self, image: Image) -> ImageDetails:
        """Return what only an inspect tells of an image; raises `Unresolvable`."""
        try:
            return self.inventories[image.engine].details(image)
        except InventoryError as error:
            raise Unresolvable(f"the engine does not tell about its image: {error}") from None

    def explained(self, rule: "Rule | None") -> dict[str, Any]:
        """Return what the admin's policy asks for, as details: only `--explain` has room for it."""
        if not self.settings.explain or self.policy is None:
            return {}
        known = {"demanded": rule and rule.plain(), "registries": self.policy.registries}
        return {member: value for member, value in known.items() if value is not None}

    def pulled(self, image: Image) -> bool | None:
        """Whether the image came from a registry or went to one; None where its engine cannot tell."""
        if image.pulled is not None:
            return image.pulled
        if not self.inventories[image.engine].tells_origin:
            return None
        # That an image was pulled stays true; that it was not may end with a push.
        if self.store.recall("pulled", image.id):
            return True
        try:
            pulled = self.details(image).pulled
        except Unresolvable:
            return None
        if pulled:
            self.store.remember("pulled", image.id, b"1")
        return pulled


def inconclusive(check: str, what: str, error: Inconclusive, **details: object) -> Finding:
    """Return the finding on a question about `what` that got no answer to believe."""
    known = {
        "reason": error.reason,
        "status": error.status,
        "retry_at": rfc3339(error.retry_at) if error.retry_at else None,
    }
    told = {member: value for member, value in known.items() if value is not None}
    message = f"{what} not checked: {error.reason}"
    return Finding(check, error.code, Verdict.INCONCLUSIVE, message, {**told, **details})


Link = Callable[[Any, Context], Iterable[Finding]]
"""What looks at a `Subject`, or at a `Container` where its check is one of `OF_CONTAINERS`."""


def link(check: str) -> Link:
    """Return the `examine` of a check; imported only when it is asked for.

    It may raise `Inconclusive`, which is then the finding.
    """
    examine: Link = import_module(f"{__name__}.{_LINKS[check]}").examine
    return examine
