"""Whether the admin does not want the update that is published now (`--hold`), and which one that is."""

import json

from container_updates.chain import Context
from container_updates.chain.updates.difference import Difference
from container_updates.model import Subject
from container_updates.registry import Published
from container_updates.state.holds import UPDATES


def is_held(subject: Subject, published: Published, found: Difference, context: Context) -> bool:
    """Whether the admin holds this very update: what the tag names, or its manifest for the running platform."""
    hold = context.holds.get(str(subject.reference))
    return hold is not None and not hold.digests.isdisjoint(_digests(published, found))


def before(subject: Subject, context: Context) -> str:
    """Return which update the admin held, "" for none: what is published since then waits for itself."""
    hold = context.holds.get(str(subject.reference))
    return " ".join(sorted(hold.digests)) if hold else ""


def remember(subject: Subject, published: Published, found: Difference, context: Context) -> None:
    """Remember which update waits, for the day when somebody wants to hold it."""
    value = json.dumps(_digests(published, found)).encode()
    if context.store.recall(UPDATES, _key(subject)) != value:
        context.store.remember(UPDATES, _key(subject), value)


def forget(subject: Subject, context: Context) -> None:
    """Forget it: there is none to hold."""
    if context.store.recall(UPDATES, _key(subject)) is not None:
        context.store.remember(UPDATES, _key(subject), None)


def _digests(published: Published, found: Difference) -> list[str]:
    return [digest for digest in (published.digest, found.digest) if digest]


def _key(subject: Subject) -> str:
    return "\n".join((str(subject.reference), subject.image.id, subject.image.manifest_digest or ""))
