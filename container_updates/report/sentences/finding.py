"""One finding as a person would tell it: sentences of its code and details, and nothing that is not there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from container_updates.clock import age
from container_updates.model import Finding, Image, JudgedFinding, Verdict, number
from container_updates.report.sentences import packages, signatures, source, update
from container_updates.report.sentences.details import items, moment, sentence, text
from container_updates.report.text import safe

Details = Mapping[str, Any]

_BY_WHOM = {
    "registry": ", as the registry dates it",
    "created": ", when it says it was built",
    "engine": ", as the engine says",
    "first-seen": ", when this check first saw it",
}
"""`since_from` in words."""


def finding(found: Finding, running: Image | None) -> Iterable[str]:
    """Return the lines below a link's heading, safe to print; those that begin with blanks are set in."""
    lines: list[str] = []
    if found.verdict is Verdict.INCONCLUSIVE:
        lines = [*_open(found.details)]
    elif found.code == "up-to-date":
        lines = [*_up_to_date(found.details, running)]
    elif found.code in _TOLD:
        lines = [*_TOLD[found.code](found.details)]
    if not lines or (found.code == "unknown-source" and "repository" in found.details):
        # "docker.io/library/nginx:1.27 held by its digest": the page has said the name already.
        yield sentence((found.message.partition(" ")[2] or found.message).removesuffix(", first seen"))
    yield from lines
    if found.details.get("first_seen") is True:
        yield "It was first seen in this run, which is no alarm."
    if items(found.details, "joined"):
        yield "New beside who it was before:"
        yield from (f"  {line}" for line in signatures.who(found.details["joined"]))
    if "mirror" in found.details:
        yield f"A mirror said so: {text(found.details, 'mirror')}."


def demands(findings: Sequence[JudgedFinding], policies: Sequence[str]) -> Iterable[str]:
    """Return what the admin's policy asks of the image, as far as a finding tells; "" for no policy at all."""
    rules = {text(one.finding.details, "rule"): one.finding.details.get("demanded") for one in findings}
    rules.pop("", None)
    for rule, demanded in rules.items():
        images = " and ".join(safe(str(image), 100) for image in items(demanded, "images"))
        yield f"{rule}{f', for {images}' if images else ''}:"
        yield from (f"  {line}" for line in [*signatures.demanded(demanded)] or ["nothing in particular"])
    if policies and not rules:
        yield "No rule of the policy is for this image."
    allowed = [line for one in findings for line in source.allowed(one.finding.details)]
    yield from dict.fromkeys(allowed)
    if not policies and any(one.finding.check in ("signatures", "source") for one in findings):
        yield "There is none (--trust-policy)."


def _open(details: Details) -> Iterable[str]:
    status = number(details.get("status"))
    yield sentence(f"not known: {text(details, 'reason') or 'there is no answer to believe'}")
    if status is not None and f"HTTP {status}" not in str(details.get("reason")):
        yield f"The answer was HTTP {status}."
    if "retry_at" in details:
        yield f"It is asked again from {moment(details, 'retry_at')} on."


def _up_to_date(details: Details, running: Image | None) -> Iterable[str]:
    published, digests = text(details, "published_digest"), running.digests if running else frozenset()
    if published in digests:
        yield "The registry publishes what runs, by that very digest."
        return
    if details.get("pulled") is True:
        yield "The registry publishes what the engine has pulled since; what runs is an older image:"
    else:
        platform = f" for {safe(str(running.platform))}" if running and running.platform else ""
        yield f"The registry publishes what runs; the tag names another index today, the image{platform} is the same:"
    if published:
        yield f"  {published}"


def _outdated(details: Details) -> Iterable[str]:
    yield f"The registry publishes another image{_since(details)}:"
    yield f"  {text(details, 'published_digest')}"
    yield from _change(details)


def _young(details: Details) -> Iterable[str]:
    yield from _outdated(details)
    yield "That is younger than --min-age, and no alarm yet."


def _held(details: Details) -> Iterable[str]:
    moved = f" since {moment(details, 'tag_moved')}" if "tag_moved" in details else ""
    yield f"What runs is held on purpose. Its tag names another image{moved}:"
    yield f"  {text(details, 'tag_digest')}"
    yield from _change(details)


def _tag_gone(details: Details) -> Iterable[str]:
    yield f"The registry has the repository, but no longer this tag, noticed on {moment(details, 'since')}."
    yield "There will be no update under this name."


def _local_build(details: Details) -> Iterable[str]:
    yield "The image was built here, never pulled or pushed: no registry knows it."


def _running_current(details: Details) -> Iterable[str]:
    yield "The container runs what the engine has under its tag."


def _restart_pending(details: Details) -> Iterable[str]:
    yield f"The engine has a newer image under the tag{_since(details)}, but the container was not made anew."
    if "pulled_digest" in details:
        yield "It would run then"
        yield f"  {text(details, 'pulled_digest')}"


def _newer_version(details: Details) -> Iterable[str]:
    yield f"There is {text(details, 'newest')}, a {text(details, 'step')} step."
    others = [safe(str(one), 80) for one in items(details, "candidates") if one != details.get("newest")]
    if others:
        yield f"And between it and what runs: {', '.join(others)}."
    in_line = text(details, "newest_in_line")
    if in_line and in_line != text(details, "newest"):
        yield f"The newest of its own line is {in_line}."
    yield from _ended(details)
    yield from _really(details)
    yield from _change(details)


def _newest(details: Details) -> Iterable[str]:
    yield "No newer tag of this shape is there for this platform."
    yield from _ended(details)
    yield from _really(details)


def _ended(details: Details) -> Iterable[str]:
    if "line_since" in details:
        yield f"Its version line has had no build since {moment(details, 'line_since')[:10]}, while others go on."


def _not_a_version(details: Details) -> Iterable[str]:
    yield "Its tag names no version, so that none is newer."
    yield from _really(details)


def _really(details: Details) -> Iterable[str]:
    if "version" in details:
        yield f"What runs is really {text(details, 'version')}."


def _unsigned(details: Details) -> Iterable[str]:
    yield "The registry was asked, and there is no signature: neither beside what runs nor beside its index."


def _signed(details: Details) -> Iterable[str]:
    for one in items(details, "signatures"):
        yield from signatures.signature(one)
    beyond = number(details.get("signatures_not_looked_at"))
    if beyond:
        yield f"There are {beyond} more, which were not looked at."


def _signer_changed(details: Details) -> Iterable[str]:
    by = {"builder": "built by", "source": "built from"}.get(str(details.get("role")), "signed by")
    yield f"It was {by}"
    yield from (f"  {line}" for line in signatures.who(details.get("before")))
    yield f"and is now {by}"
    yield from (f"  {line}" for line in signatures.who(details.get("now")))
    yield "If that is right, --accept the image, or name the signer in the policy."
    yield from _signed(details)


def _change(details: Details) -> Iterable[str]:
    words = [*update.told(details.get("change")), *filter(None, [update.packages(details.get("change"))])]
    if words:
        yield f"What changes: {', '.join(words)}."
    link = update.link(details.get("change"))
    if link:
        yield f"  {link}"


def _since(details: Details) -> str:
    if "since" not in details:
        return ""
    seconds = number(details.get("age"))
    if seconds == 0 and details.get("since_from") == "first-seen":
        return ", first seen just now"
    ago = "" if seconds is None else f" ({age(seconds)} ago{_BY_WHOM.get(str(details.get('since_from')), '')})"
    return f" since {moment(details, 'since')}{ago}"


_TOLD: Mapping[str, Callable[[Details], Iterable[str]]] = {
    "outdated": _outdated,
    "outdated-young": _young,
    "held": _held,
    "tag-gone": _tag_gone,
    "local-build": _local_build,
    "running-current": _running_current,
    "restart-pending": _restart_pending,
    "newer-version": _newer_version,
    "newest": _newest,
    "not-a-version": _not_a_version,
    "unsigned": _unsigned,
    "signed": _signed,
    "unverifiable": _signed,
    "invalid-signature": _signed,
    "signer-changed": _signer_changed,
    "source-verified": source.verified,
    "source-claimed": source.claimed,
    "source-mismatch": source.mismatch,
    "unknown-source": source.unknown,
    "untrusted-registry": source.untrusted,
    "base-outdated": source.base_outdated,
    "none-pending": packages.none,
    "packages-pending": packages.pending,
    "security-pending": packages.pending,
}
