"""What changes with an update, as the old and the new image tell it by their labels: claims, and said as such."""

from typing import Any
from urllib.parse import urlsplit

from container_updates import repositories
from container_updates.chain.source import forges, labels
from container_updates.chain.updates.waiting import real_date
from container_updates.clock import engine_date, rfc3339
from container_updates.errors import Unresolvable
from container_updates.model import Subject
from container_updates.registry.manifests import ImageConfig


def between(subject: Subject, new: ImageConfig) -> dict[str, Any]:
    """Return what is known of version, revision, source and created, each {old, new}, and a link; {} for nothing."""
    found: dict[str, Any] = {}
    for name in (labels.VERSION, labels.REVISION, labels.SOURCE):
        pair = {"old": labels.claimed(subject.image.labels, name), "new": labels.claimed(new.labels, name)}
        if name == labels.VERSION and any(pair.values()):
            pair = _own_versions(subject, new)
        if any(pair.values()):
            found[name] = {when: value for when, value in pair.items() if value}
    before, after = engine_date(subject.image.created), real_date(new.created)
    if before or after:
        dates = {"old": before, "new": after}
        found["created"] = {when: rfc3339(moment) for when, moment in dates.items() if moment}
    link = _template(subject, subject.reference.tag) or _link(found)
    return {**found, "link": link} if link else found


def _own_versions(subject: Subject, new: ImageConfig) -> dict[str, str | None]:
    """Return the versions that both images claim for themselves, and did not inherit from their base."""
    from container_updates.chain.versions import inherited  # its patterns are compiled for a change alone

    every = {"old": subject.image.labels, "new": new.labels}
    return {when: inherited.own_version(own, subject.reference) for when, own in every.items()}


def to_version(subject: Subject, tag: str) -> str | None:
    """Return a link to what a newer version brings: the admin's own, else the releases of the source it names."""
    address = repositories.address(labels.claimed(subject.image.labels, labels.SOURCE) or "")
    return _template(subject, tag) or (forges.releases(address) if address else None)


def _link(found: dict[str, Any]) -> str | None:
    source = found.get("source", {})
    address = repositories.address(source.get("new") or source.get("old") or "")
    if address is None:
        return None
    revision = found.get("revision", {})
    compared = None
    if repositories.address(source.get("old") or source.get("new") or "") == address:
        compared = forges.compare(address, revision.get("old", ""), revision.get("new", ""))
    return compared or forges.releases(address)


def _template(subject: Subject, tag: str | None) -> str | None:
    """The link that the admin set for Drydock or What's up Docker, filled with the tag; http and https only."""
    template = subject.wish("dd.link.template", "wud.link.template")
    if template is None or tag is None:
        return None
    transformed = _transformed(subject, tag)
    numbers = [*transformed.removeprefix("v").partition("-")[0].split("."), "", ""]
    values = dict(zip(("major", "minor", "patch"), numbers, strict=False))
    values |= {"original": tag, "raw": tag, "transformed": transformed, "prerelease": transformed.partition("-")[2]}
    for name, value in values.items():
        template = template.replace(f"${{{name}}}", value)
    try:
        parts = urlsplit(template)
    except ValueError:
        return None
    fine = parts.scheme in ("http", "https") and parts.hostname and template.isprintable() and "@" not in parts.netloc
    return template[:500] if fine else None


def _transformed(subject: Subject, tag: str) -> str:
    if subject.wish("dd.tag.transform", "wud.tag.transform") is None:
        return tag
    from container_updates.chain.versions import tag_filter

    try:
        return tag_filter.transform(subject)(tag)
    except Unresolvable:
        return tag
