"""The base of an image that was built on this host: its engine may have it, or the build's labels name it."""

import json
from collections.abc import Iterable, Sequence

from container_updates.chain import Context
from container_updates.chain.source import base, labels
from container_updates.chain.source.base import Base
from container_updates.errors import Unresolvable
from container_updates.inventory import WithImages
from container_updates.model import Image, Subject
from container_updates.reference import Reference

_MOST_COMPARED = 500
"""Images of the engine whose layers are compared with ours."""
_MOST_NAMES = 4
"""Of one base: `debian:12` and `debian:bookworm` are both asked for before it is said to have moved on."""


def find(subject: Subject, context: Context) -> Sequence[Base]:
    """Return the names that the base of a local build may go by, the likeliest first; nothing where nobody knows any.

    What the build's own labels name comes before the image of the engine that has the most layers in common; a label
    that this one has itself was only inherited from it.
    """
    found = within_engine(subject, context)
    named = base.labelled(subject, context, also=_registries(subject, context))
    inherited = {labels.claimed(one.labels, labels.BASE_NAME) for one in found}
    if named is None or labels.claimed(subject.image.labels, labels.BASE_NAME) in inherited:
        return found
    same = [
        one for one in found if one.reference.name == named.reference.name and one.reference.tag == named.reference.tag
    ]
    return same or [named]


def within_engine(subject: Subject, context: Context) -> Sequence[Base]:
    """The image of the same engine that came from a registry and whose layers begin ours, by each of its names."""
    try:
        ours = _layers(subject.image, context)
    except Unresolvable:
        return ()
    found: list[tuple[int, Base]] = []
    images = _images(subject, context)
    for reference, image in sorted(images, key=lambda one: str(one[0]))[:_MOST_COMPARED]:
        if image.id == subject.image.id or not base.is_allowed(reference.registry, context):
            continue
        try:
            theirs = _layers(image, context)
        except Unresolvable:
            continue  # removed meanwhile
        if theirs and theirs == ours[: len(theirs)] and context.pulled(image) is not False:
            found.append((len(theirs), Base(reference, reference.digest, True, image.labels)))
    longest = max((length for length, _ in found), default=0)
    return [one for length, one in found if length == longest][:_MOST_NAMES]


def _registries(subject: Subject, context: Context) -> frozenset[str]:
    """The registries that this engine's images are from: whoever runs it has chosen them."""
    return frozenset(reference.registry for reference, _ in _images(subject, context))


def _images(subject: Subject, context: Context) -> Iterable[tuple[Reference, Image]]:
    inventory = context.inventories[subject.image.engine]
    return inventory.images() if isinstance(inventory, WithImages) else ()


def _layers(image: Image, context: Context) -> tuple[str, ...]:
    """The layers of an image, which never change: asked of the engine once in its life."""
    kept = context.store.get("layers", image.id)
    if kept is not None:
        return tuple(map(str, json.loads(kept)))
    layers = context.details(image).layers
    context.store.put("layers", image.id, json.dumps(layers).encode(), None)
    return layers
