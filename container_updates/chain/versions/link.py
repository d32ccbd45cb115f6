"""Is there a newer version: the newest tag of the same shape in the repository, for this container's platform."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from container_updates.chain import Context
from container_updates.chain.updates import change, lookup
from container_updates.chain.updates.link import asks
from container_updates.chain.versions import alias, newer, tag_filter, tag_version
from container_updates.chain.versions.choice import MOST_ASKED, Choice, choose
from container_updates.chain.versions.look import look
from container_updates.clock import engine_date, rfc3339
from container_updates.errors import Unresolvable
from container_updates.model import Finding, Subject, Verdict
from container_updates.registry import tags


def examine(subject: Subject, context: Context) -> Iterator[Finding]:
    """Yield the one finding about a subject; raises `Inconclusive` where the tags cannot be listed or filtered."""
    subject = replace(subject, reference=lookup.asked(subject))
    reference = subject.reference
    if reference.tag is None or reference.digest is not None:
        yield Finding("versions", "pinned", Verdict.SKIPPED, f"{reference} pinned to a digest")
        return
    if not asks(subject, context):
        yield Finding("versions", "not-a-version", Verdict.SKIPPED, f"{reference} built here")
        return
    chosen = tag_filter.of(subject, context.settings)
    really = alias.by_path(subject)
    running = tag_version.read(chosen.transformed(really or reference.tag))
    if running is None:
        known, name = _really(really or alias.version_of(subject, None, context), subject)
        yield Finding("versions", "not-a-version", Verdict.SKIPPED, f"{name} names no version", known)
        return
    listed = tags.of(context.registry, reference)
    own = {reference.tag, really or reference.tag}
    names = {chosen.transformed(tag): tag for tag in listed.tags if tag not in own and chosen.wanted(tag)}
    names_and_own = {**names, running.tag: reference.tag}
    found = choose(
        running,
        names,
        context.settings.level,
        engine_date(subject.image.created),
        lambda name: look(subject, names_and_own[name], context),
        context.clock.now(),
    )
    if found.newest is None and not found.all_seen:
        raise Unresolvable(
            f"none of the {MOST_ASKED} newest tags is an image for its platform, and older ones were not looked at"
        )
    known, name = _really(really or alias.version_of(subject, listed, context), subject)
    details = {**_of_line(found, names), **known}
    words = _line_words(found) + ("" if listed.whole else f", looking at the first {len(listed.tags)} tags only")
    if found.newest is None:
        none = _none_fits(found.unfit)
        yield Finding("versions", "newest", Verdict.PASS, f"{name} newest of its kind{none}{words}", details)
        return
    newest, how_far = names[found.newest.tag], newer.step(running, found.newest)
    details = {"newest": newest, "step": how_far, "candidates": [names[one.tag] for one in found.candidates], **details}
    link = change.to_version(subject, newest)
    if link:
        details["change"] = {"link": link}
    told = [found.in_line] if found.in_line and found.in_line != found.newest else []
    steps = ", ".join(f"{names[one.tag]} ({newer.step(running, one)})" for one in [*told, found.newest])
    yield Finding("versions", "newer-version", Verdict.FAIL, f"{name} newer version {steps}{words}", details)


def _none_fits(unfit: int) -> str:
    if unfit < 2:
        return ", the one newer tag is no image for its platform" if unfit else ""
    return f", none of the {unfit} newer tags is an image for its platform"


def _of_line(found: Choice, names: dict[str, str]) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if found.in_line:
        details["newest_in_line"] = names[found.in_line.tag]
    if found.line_since:
        details |= {"line_since": rfc3339(found.line_since), "besides": "stale-line"}
    return details


def _line_words(found: Choice) -> str:
    if found.line_since is None:
        return ""
    return f", the {found.line} line has no build since {found.line_since:%Y-%m-%d}"


def _really(version: str | None, subject: Subject) -> tuple[dict[str, str], str]:
    """Return what a moving tag really is as a detail, and the reference with it for a person."""
    if version is None:
        return {}, str(subject.reference)
    return {"version": version}, f"{subject.reference} ({version})"
