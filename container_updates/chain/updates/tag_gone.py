"""Whether a tag that its registry answers 404 for is gone: it was there once, and is no longer listed."""

from container_updates.chain import Context
from container_updates.errors import BadAnswer, Inconclusive, NotFound, Unresolvable
from container_updates.model import Subject

_KIND = "tag-seen"
_MOST_ASKED = 2


def remember(subject: Subject, context: Context) -> None:
    """Remember that the tag is there, for the day when it is not; nothing where the engine tells as much."""
    if not _came_from_there(subject, context) and context.store.recall(_KIND, str(subject.reference)) is None:
        context.store.remember(_KIND, str(subject.reference), b"1")


def check(subject: Subject, missing: NotFound, context: Context) -> None:
    """Return where the tag is gone; raises `Inconclusive` where that is not certain.

    A proxy that has lost its upstream answers 404 for what it lists, and a build of one's own in a repository that
    exists was never there: neither is a tag that somebody took away.
    """
    from container_updates.registry import tags  # a usual run lists none

    reference = subject.reference
    try:
        listed = tags.of_registry(context.registry, reference)
    except Inconclusive as error:
        raise BadAnswer(f"{missing.reason}, and its tags cannot be listed: {error.reason}", status=404) from None
    if reference.tag in listed.tags:
        raise BadAnswer(f"{missing.reason}, but lists the tag (a proxy that cannot reach its source?)", status=404)
    if not listed.whole:
        raise BadAnswer(f"{missing.reason}, and has more tags than are looked at", status=404)
    if not _was_there(subject, context):
        raise Unresolvable(f"{missing.reason}, and it was never seen there: built here?", status=404)


def _was_there(subject: Subject, context: Context) -> bool:
    """Whether the tag, or what runs, was ever in the repository, as far as anybody knows."""
    if _came_from_there(subject, context) or context.store.recall(_KIND, str(subject.reference)) is not None:
        return True
    return any(context.registry.has(subject.reference, digest) for digest in subject.own_digests[:_MOST_ASKED])


def _came_from_there(subject: Subject, context: Context) -> bool:
    """Whether the engine says that it pulled what runs from its repository, or pushed it there."""
    return bool(subject.own_digests) and context.pulled(subject.image) is True
