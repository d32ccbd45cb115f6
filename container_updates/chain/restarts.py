"""Was the container made anew after its image was pulled? The engine alone can tell: no registry is asked."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from container_updates.chain import Context
from container_updates.chain.updates.difference import difference
from container_updates.chain.updates.waiting import real_date, waiting
from container_updates.model import Finding, Image, Subject, Verdict
from container_updates.reference import short
from container_updates.registry import Published


def examine(subject: Subject, context: Context) -> Iterator[Finding]:
    """Yield the one finding about a subject; raises `Unresolvable` where the engine does not tell of an image."""
    reference = subject.reference
    if subject.replicas and reference.tag is not None and reference.digest is None and subject.running:
        yield _replicas(subject, context)
    elif not subject.running:
        yield Finding("restarts", "not-applicable", Verdict.SKIPPED, f"{reference} does not run")
    elif reference.tag is None or reference.digest is not None:
        yield Finding("restarts", "not-applicable", Verdict.SKIPPED, f"{reference} pinned to a digest")
    elif subject.tag_image is not None and is_pending(subject, context):
        yield _pending(subject, subject.tag_image, context)
    else:
        yield Finding("restarts", "running-current", Verdict.PASS, f"{reference} runs what the engine has")


def _replicas(subject: Subject, context: Context) -> Finding:
    """Return whether some of several replicas run what the tag names, and the others do not yet."""
    published = context.registry.published(subject.reference)
    behind = [image for image in subject.replicas if difference(_running(subject, image), published, context)]
    if not behind or len(behind) == len(subject.replicas):
        return Finding("restarts", "running-current", Verdict.PASS, f"{subject.reference} runs the same everywhere")
    since = waiting("restart-pending", replace(subject, image=behind[0], replicas=()), None, context)
    words = f"some replicas still run {short(behind[0].id)}, the others {short(published.digest)} (restart the rollout)"
    details = {**since.plain(), "pulled_digest": published.digest}
    message = f"{subject.reference} restart pending: {words}"
    return Finding("restarts", "restart-pending", Verdict.FAIL, message, details)


def is_current_somewhere(subject: Subject, published: Published, context: Context) -> bool:
    """Whether any of several replicas runs what the tag names; the others wait for a restart."""
    return any(not difference(_running(subject, image), published, context) for image in subject.replicas)


def _running(subject: Subject, image: Image) -> Subject:
    return replace(subject, image=image, replicas=())


def is_pending(subject: Subject, context: Context) -> bool:
    """Whether the engine has another image under the tag than the one that runs; raises `Unresolvable`."""
    renewed = subject.tag_image
    if renewed is None or not subject.running:
        return False
    return not _same(subject.image, renewed, context)


def _same(running: Image, renewed: Image, context: Context) -> bool:
    if running.id_is_config:
        return running.id == renewed.id
    if renewed.id in running.digests:
        return True
    # A containerd store names images by their index: another one may have the same image for this platform.
    before, after = context.details(running), context.details(renewed)
    return bool(before.layers) and replace(before, tagged=None, pulled=None, platform=None) == replace(
        after, tagged=None, pulled=None, platform=None
    )


def _pending(subject: Subject, renewed: Image, context: Context) -> Finding:
    tagged = real_date(context.details(renewed).tagged)
    told = (tagged, "engine") if tagged and tagged <= context.clock.now() else None
    since = waiting("restart-pending", replace(subject, image=renewed), told, context)
    when = f" on {since.moment:%Y-%m-%d}" if since.source == "engine" else f" at least {since.ago}"
    when = when if since.seconds else ""
    details = since.plain()
    how = "built"
    if renewed.digests and context.pulled(renewed) is not False:
        pulled = replace(subject, image=renewed).digest
        details |= {"pulled_digest": pulled} if pulled else {}
        how = "pulled"
        details |= _changes(subject, renewed, context)
    why = subject.pending or f"{how}{when}, not recreated (docker restart does not help)"
    message = f"{subject.reference} restart pending: {why}"
    return Finding("restarts", "restart-pending", Verdict.FAIL, message, details)


def _changes(subject: Subject, pulled: Image, context: Context) -> dict[str, Any]:
    """Which packages the pulled image changes, for somebody who wants to know: that alone asks a registry."""
    if not context.tells_packages:
        return {}
    from container_updates.chain.updates import brought

    packages = brought.by_pull(subject, pulled, context)
    return {"change": {"packages": packages}} if packages is not None else {}
