"""Which repository is asked for updates: the image's own, unless a label of its container names another one."""

from dataclasses import replace

from container_updates import reference as references
from container_updates.errors import InvalidReference, Unresolvable
from container_updates.model import Subject
from container_updates.reference import Reference

LABELS = ("dd.registry.lookup.image", "wud.registry.lookup.image")


def asked(subject: Subject) -> Reference:
    """Return the reference to ask for: of what the label names the repository, with the running tag and digest.

    Raises `Unresolvable` where the label names no image.
    """
    label, text = subject.wished(*LABELS)
    if text is None:
        return subject.reference
    try:
        other = references.parse(text.strip())
    except InvalidReference as error:
        raise Unresolvable(f"label {label}: {error}") from None
    return replace(subject.reference, registry=other.registry, repository=other.repository)
