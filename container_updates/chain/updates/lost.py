"""An image of which nothing is left of how it came here, as after `docker rmi --force`: its config alone can tell."""

from dataclasses import replace
from typing import TypeVar

from container_updates.chain import Context
from container_updates.chain.updates.waiting import real_date
from container_updates.errors import Inconclusive, NotFound, Unresolvable
from container_updates.model import Finding, Subject
from container_updates.registry import configs

Thing = TypeVar("Thing")
"""A subject, or what else a link is asked about."""


def its_names(subject: Subject) -> bool:
    """Whether nothing is left of how the image came here, as after `docker rmi --force`: its config alone can tell."""
    image = subject.image
    return image.id_is_config and not image.digests and image.pulled is None and subject.tag_image is None


def was_named_here(subject: Subject, context: Context) -> bool:
    """Whether `docker build` or `docker tag` named the image: Docker's classic store does not count a pull."""
    try:
        return real_date(context.details(subject.image).tagged) is not None
    except Unresolvable:
        return False


def has_its_config(subject: Subject, context: Context) -> bool:
    """Whether the repository has the running image's config: it was pulled from there then, or pushed."""
    try:
        context.registry.blob(subject.reference, subject.image.id, configs.MAX_CONFIG)
    except NotFound:
        return False
    except Inconclusive:
        return True  # nothing is known against it
    return True


def found_again(subject: Thing, finding: Finding) -> Thing:
    """Return the subject for the links that follow, with what a finding on updates tells of such an image.

    That it was built here, or that it is what the tag names: then its digest is known again.
    """
    if not isinstance(subject, Subject) or finding.check != "updates" or not its_names(subject):
        return subject
    digest = finding.details.get("published_digest")
    if finding.code == "local-build":
        return replace(subject, image=replace(subject.image, pulled=False))
    if finding.code == "up-to-date" and isinstance(digest, str):
        known_as = ((subject.reference.name, digest),)
        return replace(subject, image=replace(subject.image, digests=frozenset({digest}), known_as=known_as))
    return subject
