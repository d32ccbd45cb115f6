"""Cache of expensive findings, keyed by all their inputs."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from typing import NamedTuple

from container_updates import __version__
from container_updates.chain import Context
from container_updates.model import Finding, Subject, Verdict
from container_updates.state.store import PASSING


class Made(NamedTuple):
    """What a step of a link makes."""

    findings: Sequence[Finding]
    until: datetime | None = None
    """From when on they may be others; None: they do not depend on the time."""


_KIND = "findings"
_PACKAGES = ("cryptography", "cbor2", "nacl", "rfc3161_client", "sigstore")
"""With another version of one, or without it, a verdict may be another one; sigstore may bring a newer root."""


class Cached:
    """The findings of one step of a link, kept for the next run that has the same question.

    The question is: what runs (name, digests, platform), the policy, this plugin's and its libraries' versions, the
    login, and `under`.
    """

    def __init__(self, check: str, subject: Subject, context: Context, under: Sequence[str] = ()) -> None:
        self._context = context
        self._reference = subject.reference
        self._name = _name(check, subject, context, under)

    def recall(self) -> Made | None:
        """Return what was kept, for at most `Settings.cache_ttl`; None for nothing."""
        registry = self._context.registry
        return _unpack(registry.recall(_KIND, self._reference, self._name), self._context.clock.wall())

    def keep(self, made: Made) -> Made:
        """Keep findings, unless one of them is inconclusive, and return them."""
        if all(finding.verdict is not Verdict.INCONCLUSIVE for finding in made.findings):
            registry, now = self._context.registry, self._context.clock.wall()
            ends = [now + registry.cache_ttl, self._context.store.earliest_end(PASSING)]
            ends += [made.until.timestamp()] if made.until else []
            until = min(end for end in ends if end is not None)
            if until > now:
                with suppress(TypeError, ValueError):  # facts that are no plain data
                    value, since = _pack(made.findings, until), self._context.store.oldest(PASSING)
                    registry.keep(_KIND, self._reference, self._name, value, until - now, since=since)
        return made


def as_told(context: Context) -> list[str]:
    """Return what findings depend on once they are compared with earlier runs, and worded for this one."""
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
        subject.own_digests,
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
        return Made(findings, datetime.fromtimestamp(until, UTC))
    except (ValueError, TypeError, OverflowError, OSError):
        return None
