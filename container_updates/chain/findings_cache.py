"""Findings that were costly to make, kept under everything that they were made from."""

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.util import find_spec

from container_updates import __version__
from container_updates.chain import Context
from container_updates.model import Finding, Subject, Verdict

Made = tuple[Sequence[Finding], datetime | None]
"""Findings, and from when on they may be others; None: they do not depend on the time."""
_KIND = "findings"
_PASSING = ("published", "not-found", "referrers", "attached", _KIND)
"""Answers about what may be another thing tomorrow: findings made of them are not to be older than these may be."""
_PACKAGES = ("cryptography", "cbor2", "rfc3161_client", "sigstore")
"""Optional ones: with another version, or without it, a verdict may be another one."""


def kept(
    check: str, subject: Subject, context: Context, find: Callable[[], Made], *, under: Sequence[str] = ()
) -> list[Finding]:
    """Return what `find` returned for the same question, for at most `Settings.cache_ttl`; else what it returns now.

    The question is: what runs (name, digests, platform), the policy, this plugin's and its libraries' versions, the
    login, and `under`. Inconclusive findings are never kept. Raises what `find` raises.
    """
    return list(kept_until(check, subject, context, find, under=under)[0])


def kept_until(
    check: str, subject: Subject, context: Context, find: Callable[[], Made], *, under: Sequence[str] = ()
) -> Made:
    """The same, with the time until which it holds: for findings that are made of these, and kept too."""
    registry, reference = context.registry, subject.reference
    name = _name(check, subject, context, under)
    remembered = _unpack(registry.recall(_KIND, reference, name), context.clock.wall())
    if remembered is not None:
        return remembered
    findings, holds_until = find()
    if all(finding.verdict is not Verdict.INCONCLUSIVE for finding in findings):
        now = context.clock.wall()
        ends = [now + registry.cache_ttl, context.store.earliest_end(_PASSING)]
        ends += [holds_until.timestamp()] if holds_until else []
        until = min(end for end in ends if end is not None)
        if until > now:
            with suppress(TypeError, ValueError):  # facts that are no plain data
                registry.keep(_KIND, reference, name, _pack(findings, until), until - now)
    return findings, holds_until


def as_told(context: Context) -> list[str]:
    """Under what findings are kept that were held against what earlier runs saw, as this run tells them."""
    return [context.trust.memory_fingerprint if context.trust else "", str(bool(context.settings.explain))]


def _name(check: str, subject: Subject, context: Context, under: Sequence[str]) -> str:
    image = subject.image
    question = [
        check,
        __version__,
        *_packages(),
        str(subject.reference),
        image.id,
        image.manifest_digest,
        sorted(image.digests),
        str(image.platform),
        context.trust.policy_fingerprint if context.trust else "",
        list(under),
    ]
    return sha256(json.dumps(question).encode()).hexdigest()


@cache
def _packages() -> tuple[str, ...]:
    """Which of the optional packages are there, and since when: their versions are costly to read."""
    found = []
    for package in _PACKAGES:
        with suppress(OSError, ValueError, ImportError):
            spec = find_spec(package)
            if spec is not None and spec.origin is not None:
                found.append(f"{spec.origin} {os.stat(spec.origin).st_mtime_ns}")
    return tuple(found)


def _pack(findings: Sequence[Finding], until: float) -> bytes:
    plain = [[one.check, one.code, one.verdict.value, one.message, dict(one.details)] for one in findings]
    return json.dumps([until, plain]).encode()


def _unpack(value: bytes | None, now: float) -> Made | None:
    try:
        until, plain = json.loads(value or b"")
        if now >= until:
            return None
        findings = [
            Finding(str(check), str(code), Verdict(verdict), str(message), dict(details))
            for check, code, verdict, message, details in plain
        ]
        return findings, datetime.fromtimestamp(until, UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
