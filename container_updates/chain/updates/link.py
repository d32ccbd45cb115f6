"""Is what runs still what its tag names in the registry? The platform decides, not the index."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from container_updates.chain import Context, restarts
from container_updates.chain.updates import change, hold, lookup, lost, tag_gone
from container_updates.chain.updates.difference import Difference, difference
from container_updates.chain.updates.waiting import no_longer_waiting, published_since, waiting
from container_updates.clock import age, rfc3339
from container_updates.errors import Inconclusive, NotFound, Unauthorized, Unresolvable
from container_updates.model import Finding, Subject, Verdict
from container_updates.reference import DOCKER_HUB, short
from container_updates.registry import Published


def asks(subject: Subject, context: Context) -> bool:
    """Whether the registry is asked about this subject at all."""
    if subject.reference.tag is None:
        return False
    return subject.wish(*lookup.LABELS) is not None or context.pulled(subject.image) is not False


def examine(subject: Subject, context: Context) -> Iterator[Finding]:
    """Yield the one finding about a subject; raises `Inconclusive` where there is no answer to believe."""
    looked_up = lookup.asked(subject)
    if looked_up == subject.reference:
        yield _examined(subject, context)
        return
    finding = _examined(replace(subject, reference=looked_up), context)
    words = f"{subject.reference} (looked up as {looked_up}){finding.message.removeprefix(str(looked_up))}"
    yield replace(finding, message=words, details={**finding.details, "looked_up": str(looked_up)})


def _examined(subject: Subject, context: Context) -> Finding:
    reference = subject.reference
    if reference.tag is None:
        return _finding("pinned", Verdict.PASS, f"{reference} pinned")
    if not asks(subject, context):
        return _local_build(subject)
    return _tagged(subject, context) if reference.digest is None else _pinned(subject, context)


def _tagged(subject: Subject, context: Context) -> Finding:
    reference = subject.reference
    try:
        published = context.registry.published(reference)
    except NotFound as error:
        if lost.its_names(subject):
            if not lost.has_its_config(subject, context):
                return _local_build(subject)
            tag_gone.remember(subject, context)
        if error.repository_answers:
            tag_gone.check(subject, error, context)
            return _tag_gone(subject, context)
        if _unknown_to_docker_hub(subject):
            return _local_build(subject)
        raise Unresolvable(error.reason, status=error.status) from None
    except Unauthorized:
        # Docker Hub's answer for a repository that does not exist.
        if _unknown_to_docker_hub(subject):
            return _local_build(subject)
        raise
    tag_gone.remember(subject, context)
    if _is_pulled(subject, published, context):
        return _finding(
            "up-to-date",
            Verdict.PASS,
            f"{reference} pulled image up to date",
            {**_published(published), "pulled": True},
        )
    found = difference(subject, published, context)
    if found is None:
        no_longer_waiting(subject, context, "outdated", "held", "tag-gone")
        hold.forget(subject, context)
        return _finding("up-to-date", Verdict.PASS, f"{reference} up to date", _published(published))
    if lost.its_names(subject) and lost.was_named_here(subject, context) and not lost.has_its_config(subject, context):
        return _local_build(subject)
    no_longer_waiting(subject, context, "tag-gone")
    label, watched = subject.wished("dd.watch.digest", "wud.watch.digest")
    if watched == "false":
        return _held(subject, published, found, f"by label {label}=false", context)
    hold.remember(subject, published, found, context)
    if hold.is_held(subject, published, found, context):
        return _held(subject, published, found, "by --hold", context)
    return _outdated(subject, published, found, context)


def _pinned(subject: Subject, context: Context) -> Finding:
    """Judge `name:tag@digest`: what runs cannot change, but the admin may want to know where the tag is now."""
    reference = subject.reference
    try:
        published = context.registry.published(reference)
        found = None
        if published.digest != reference.digest:
            found = difference(subject, published, context)
    except Inconclusive as error:
        if isinstance(error, NotFound) and error.repository_answers and _is_gone(subject, error, context):
            return _finding("pinned", Verdict.PASS, f"{reference} pinned, its tag is gone")
        words = f"{reference} pinned, where its tag is now is not known: {error.reason}"
        return _finding("pinned", Verdict.PASS, words)
    if found is None:
        no_longer_waiting(subject, context, "held")
        return _finding("pinned", Verdict.PASS, f"{reference} pinned", _mirror(published))
    return _held(subject, published, found, "by its digest", context)


def _is_gone(subject: Subject, error: NotFound, context: Context) -> bool:
    try:
        tag_gone.check(subject, error, context)
    except Inconclusive:
        return False
    return True


def _is_pulled(subject: Subject, published: Published, context: Context) -> bool:
    """Whether the published image waits on the engine for a restart, which the check `restarts` tells then."""
    if "restarts" in context.settings.checks and subject.replicas:
        return restarts.is_current_somewhere(subject, published, context)
    if "restarts" not in context.settings.checks or subject.tag_image is None:
        return False
    if not restarts.is_pending(subject, context):
        return False
    pulled = replace(subject, image=subject.tag_image, tag_image=None)
    return difference(pulled, published, context) is None


def _held(subject: Subject, published: Published, found: Difference, why: str, context: Context) -> Finding:
    since = waiting("held", subject, published_since(subject, published, found.created, context), context)
    message = f"{subject.reference} held {why}, its tag names {short(published.digest)} {since.words}"
    details = {"tag_digest": published.digest, "tag_moved": rfc3339(since.moment), **_mirror(published)}
    return _finding("held", Verdict.PASS, message, {**details, **_changed(subject, found, context)})


def _outdated(subject: Subject, published: Published, found: Difference, context: Context) -> Finding:
    told = published_since(subject, published, found.created, context)
    since = waiting("outdated", subject, told, context, after=hold.before(subject, context))
    running = subject.digest
    runs = f", runs {short(running)}" if running else ""
    young = since.seconds < context.settings.min_age
    patience = f", no alarm before {age(context.settings.min_age)}" if young else ""
    new = f"published {short(published.digest)}{found.words}"
    words = f"{subject.reference} outdated {since.words}{patience}{runs}, {new}"
    details = {**_published(published), **since.plain()}
    if running:
        details["running_digest"] = running
    if found.created:
        details["created"] = rfc3339(found.created)
    details |= _changed(subject, found, context)
    if young:
        return _finding("outdated-young", Verdict.PASS, words, details)
    return _finding("outdated", Verdict.FAIL, words, details)


def _changed(subject: Subject, found: Difference, context: Context) -> dict[str, Any]:
    changes = change.between(subject, found.config) if found.config else {}
    if found.published is not None and context.tells_packages:
        from container_updates.chain.updates import brought  # what is signed and how costs more than a cached run

        packages = brought.brought(subject, found.published, context)
        changes |= {"packages": packages} if packages is not None else {}
    return {"change": changes} if changes else {}


def _tag_gone(subject: Subject, context: Context) -> Finding:
    since = waiting("tag-gone", subject, None, context)
    message = f"{subject.reference} tag is gone from the registry, noticed {since.ago}"
    return _finding("tag-gone", Verdict.FAIL, message, {"since": rfc3339(since.moment)})


def _local_build(subject: Subject) -> Finding:
    return _finding("local-build", Verdict.SKIPPED, f"{subject.reference} built or named here, never pulled or pushed")


def _unknown_to_docker_hub(subject: Subject) -> bool:
    """Whether a name without a registry may be a local build's: nobody but Docker publishes under `library/`."""
    reference = subject.reference
    return (
        subject.image.pulled is None
        and reference.registry == DOCKER_HUB
        and reference.repository.startswith("library/")
    )


def _finding(code: str, verdict: Verdict, message: str, details: dict[str, Any] | None = None) -> Finding:
    return Finding("updates", code, verdict, message, details or {})


def _published(published: Published) -> dict[str, Any]:
    return {"published_digest": published.digest, **_mirror(published)}


def _mirror(published: Published) -> dict[str, Any]:
    return {"mirror": published.mirror} if published.mirror else {}
