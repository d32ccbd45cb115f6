"""Containers with findings, and outcomes made of them by the real judge."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from container_updates.errors import InvalidReference
from container_updates.model import (
    Container,
    Finding,
    Image,
    Outcome,
    Platform,
    Problem,
    RequestRecord,
    Subject,
    Verdict,
)
from container_updates.reference import parse
from container_updates.settings import Settings
from container_updates.verdicts import judge

ENGINE = "unix:///var/run/docker.sock"
DAY = 86400
EVERY_CHECK = ("updates", "restarts", "versions", "signatures", "source", "packages")
NOW = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
DIGEST = "sha256:" + "6e" * 32
VERDICTS = {
    Verdict.PASS: {
        "updates": ("up-to-date", "pinned", "outdated-young", "held"),
        "restarts": ("running-current",),
        "versions": ("newest",),
        "signatures": ("signed",),
        "source": ("source-verified", "source-claimed"),
        "packages": ("none-pending",),
    },
    Verdict.FAIL: {
        "updates": ("outdated", "tag-gone"),
        "restarts": ("restart-pending",),
        "versions": ("newer-version",),
        "signatures": ("unsigned", "unverifiable", "invalid-signature", "signer-changed"),
        "source": ("unknown-source", "source-mismatch", "untrusted-registry", "base-outdated"),
        "packages": ("packages-pending", "security-pending"),
    },
    Verdict.INCONCLUSIVE: {
        **dict.fromkeys(
            ("updates", "versions", "signatures", "source"),
            ("unreachable", "unauthorized", "rate-limited", "timeout", "bad-answer", "unresolvable"),
        ),
        "packages": ("unsupported", "repository-unreachable", "untrusted-repository", "release-gone"),
    },
    Verdict.SKIPPED: {
        "updates": ("local-build", "excluded"),
        "restarts": ("not-applicable",),
        "versions": ("not-a-version", "pinned"),
        "signatures": ("accepted", "local-build"),
        "source": ("accepted", "local-build"),
        "packages": ("not-applicable",),
    },
}
"""The interface's table of findings."""

_DEFAULTS = Settings()
Examined = tuple[Container, Sequence[Finding]]


def finding(code: str = "up-to-date", check: str = "updates", message: str = "", **details: Any) -> Finding:
    verdict = next(verdict for verdict, checks in VERDICTS.items() if code in checks.get(check, ()))
    return Finding(check, code, verdict, message or f"docker.io/library/nginx:1.27 is {code}", details)


def container(
    name: str, *findings: Finding, image: str = "nginx:1.27", engine: str = ENGINE, container_id: str = "4f" * 32
) -> Examined:
    try:
        running = Image(engine, DIGEST, frozenset({DIGEST}), True, platform=Platform("linux", "amd64"))
        subject = Subject(parse(image), running)
    except InvalidReference:
        subject = None
    return Container(engine, container_id, name, image, subject), findings or (finding(),)


def on_host(host: str, examined: Examined) -> Examined:
    """The same container as one of several engines."""
    one, findings = examined
    return replace(one, host=host, qualified=True, engine=f"tcp://{host}:2376"), findings


def outdated(name: str, days: float) -> Examined:
    message = f"docker.io/library/nginx:1.27 outdated since {days}d, runs {DIGEST[:19]}, published sha256:0a399eb16751"
    return container(name, finding("outdated", message=message, age=days * DAY))


def fine(count: int) -> list[Examined]:
    return [container(f"app{number}") for number in range(count)]


def outcome(
    examined: Sequence[Examined],
    settings: Settings = _DEFAULTS,
    *,
    numbers: Mapping[str, float | None] | None = None,
    problems: Sequence[Problem] = (),
    requests: Sequence[RequestRecord] = (),
    unread: Sequence[Problem] = (),
    engines: int = 1,
) -> Outcome:
    return judge(
        examined,
        settings=settings,
        numbers=numbers or {},
        problems=problems,
        checked_at=NOW,
        requests=requests,
        unread=unread,
        engines=engines,
    )


HOSTILE = {
    "performance data": "web|outdated=0;;;0 'x'=1",
    "newline": "web\nCONTAINER_UPDATES OK - all fine | containers=0",
    "carriage return": "web\r\n\x0b\x0cOK",
    "escape sequence": "\x1b[2J\x1b[31mweb\x1b]0;title\x07",
    "one-byte escape sequence": "\x9b31mweb",
    "none": "<none>:<none>",
    "html": "<b>web</b><script>alert(1)</script>",
    "bidi": "web\u202egnp.exe\u2066\u200f",
    "zero width": "w\u200beb\ufeff\u00ad",
    "line separators": "web\u2028x\u2029y\x85z\x1c",
    "zero byte": "we\x00b\x7f",
    "lone surrogate": "web\ud800\udfff",
    "invalid UTF-8": b"web\xff\xc3\x28".decode(errors="surrogateescape"),
    "not assigned": "web\U000e0041\uffff\U0010fffe",
    "shell": 'it\'s = "web" `id` $(id) ; * ~ & \\',
    "markup": "[bold red]web[/] :smile: [link=http://x]y[/link]",
    "long": "x" * 10_000,
    "long and wide": "漢" * 10_000,
    "long combining": "e" + "\u0301" * 10_000,
    "blanks": "web" + " \t\n" * 10_000 + "end",
    "empty": "",
}
"""What names, labels, references and a registry's words may hold. The engine's API has no rule that keeps it out."""


def infested(text: str, settings: Settings = _DEFAULTS) -> Outcome:
    """Return an outcome with `text` in every place that outside data can reach."""
    bad = Finding("updates", "outdated", Verdict.FAIL, text, {"age": 12 * DAY, "label": text, "list": [text]})
    open_question = Finding("updates", "unreachable", Verdict.INCONCLUSIVE, text, {"reason": text})
    judged = outcome(
        [
            container(text, bad, image=text, engine=text, container_id=text),
            container(text, open_question, image=text),
            container(text, image=text),
        ],
        settings,
        problems=[Problem(text, "unreachable", text), Problem(text, text, text)],
        requests=[RequestRecord(text, text, 200, 0.1, text), RequestRecord("GET", text, None, 1.5, text)],
    )
    return replace(judged, settings=(("--warning", text, text),))
