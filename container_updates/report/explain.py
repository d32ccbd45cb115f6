"""One container as a page for a person (`--explain`): the chain link by link, and only what the checks found."""

import re
import shutil
import textwrap
from collections.abc import Iterable, Sequence

from container_updates.clock import age, engine_date
from container_updates.model import Image, JudgedContainer, JudgedFinding, Outcome, RequestRecord, State, Verdict
from container_updates.report.sentences import finding, packages, update
from container_updates.report.table import STYLES, colored
from container_updates.report.text import name_of, safe
from container_updates.settings import Settings

LINKS = {
    "updates": "Published",
    "restarts": "Restarted",
    "versions": "Newer versions",
    "signatures": "Signed",
    "source": "Built from",
    "packages": "Packages inside",
}
"""Check to the heading of what it found, in the order of the page."""
_CODES = {"green": "32", "magenta": "35", "yellow": "33", "bold red": "1;31"}
"""Styles of the table as a terminal has them (ECMA-48, SGR)."""
_WIDEST = 100
"""Columns: longer lines are harder to read, however wide the terminal is."""
_MOST_REQUESTS = 40
_NO_NEWS = ("running-current", "not-applicable", "newest", "not-a-version")
_UNASKED = ("pinned", "running-current", "restart-pending")
"""Codes that no registry is asked for."""
_VERSION = "org.opencontainers.image.version"


def render(outcome: Outcome, settings: Settings, *, width: int | None = None) -> str:
    """Return the page on the outcome's one container, ending in one newline; prints nothing.

    `width` in columns; the terminal's (or COLUMNS) unless given. A word that is longer, such as a link or a digest,
    stays whole, so that it can be copied.
    """
    (judged,) = outcome.containers
    subject = judged.container.subject
    pen = _Pen(min(width or shutil.get_terminal_size().columns, _WIDEST), colored(settings.color))
    pen.line(f"{pen.state(judged.state)} - {name_of(judged.container)}: {_in_short(judged)}")
    pen.section("What runs", _running(judged, outcome))
    if judged.container.excluded is not None:
        pen.section("Excluded", [f"By {safe(judged.container.excluded)}: no link of the chain is looked at."])
    else:
        # What one link finds may belong to another: the source remembers builders, who are signers.
        for check in dict.fromkeys([*settings.checks, *(one.finding.check for one in judged.findings)]):
            findings = [one for one in judged.findings if one.finding.check == check]
            if findings:
                _link(pen, check, findings, subject.image if subject else None)
        pen.section("What to do", _what_to_do(judged))
        pen.section("What the policy demands", finding.demands(judged.findings, settings.trust_policies))
        others = [check for check in LINKS if check not in settings.checks]
        if others:
            pen.section("Not looked at", [f"{', '.join(others)}: --check {','.join([*settings.checks, *others])}"])
    pen.section("What was asked", _asked(outcome.requests, judged))
    pen.section("Problems", [f"{safe(one.where, 120)}: {safe(one.message)}" for one in outcome.problems])
    if settings.verbose >= 2:
        named = [f"{safe(option, 60)} {safe(value) or '(empty)'}" for option, value, _ in outcome.settings]
        origins = [safe(origin, 120) for _, _, origin in outcome.settings]
        pen.section("Settings", [f"{one} from {origin}" for one, origin in zip(named, origins, strict=True)])
    return pen.text


class _Pen:
    """Writes lines that fit into a terminal."""

    def __init__(self, width: int, colors: bool) -> None:
        self._width = max(width, 20)
        self._colors = colors
        self.text = ""

    def section(self, title: str, lines: Iterable[str], state: State | None = None, code: str = "") -> None:
        """Write a heading and what stands below it; nothing where there is nothing to say."""
        lines = [*lines]
        if not lines:
            return
        verdict = "" if state is None else f": {code} ({self.state(state)})"
        self.text += f"\n{self._styled(title, '1')}{verdict}\n"
        for line in lines:
            self.line(line, indent="  ")

    def line(self, text: str, indent: str = "") -> None:
        """Write a line; blanks at its beginning set it in, and what does not fit follows below."""
        words = text.lstrip(" ")
        indent += " " * (len(text) - len(words))
        folded = textwrap.wrap(
            words,
            self._width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        self.text += "\n".join(folded) + "\n"

    def state(self, state: State) -> str:
        return self._styled(state.name, _CODES[STYLES[state]])

    def _styled(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colors else text


def _in_short(judged: JudgedContainer) -> str:
    """What is wrong, worst first; else what is right."""
    told = [one for one in judged.findings if one.state is judged.state is State.OK or one.state is not State.OK]
    worst_first = sorted(told, key=lambda one: -one.state)
    codes = dict.fromkeys(one.finding.code for one in worst_first if one.finding.code not in _NO_NEWS)
    return ", ".join(code.replace("-", " ") for code in codes) or "nothing wrong"


def _link(pen: _Pen, check: str, findings: Sequence[JudgedFinding], running: Image | None) -> None:
    worst = max(findings, key=lambda one: one.state)
    lines = [line for one in findings for line in finding.finding(one.finding, running)]
    pen.section(LINKS.get(check, check), lines, worst.state, worst.finding.code)


def _running(judged: JudgedContainer, outcome: Outcome) -> Iterable[str]:
    container, subject = judged.container, judged.container.subject
    if subject is None:
        yield safe(container.image)
    else:
        image = subject.image
        yield f"{safe(str(subject.reference))}{f' for {safe(str(image.platform))}' if image.platform else ''}"
        own = subject.own_digests
        if own:
            yield "Its digest" + ("s" if len(own) > 1 else "")
        for digest in own:
            yield f"  {safe(digest)}"
        elsewhere = dict.fromkeys(one for one in image.known_as if one[1] not in own)
        if elsewhere:
            yield "Known elsewhere as"
        for name, digest in elsewhere:
            yield f"  {safe(name)}@{safe(digest)}"
        if image.id not in image.digests and image.id:
            yield "Its image id" + (" (the digest of its config)" if image.id_is_config else "")
            yield f"  {safe(image.id)}"
        built, version = _day(image.created, outcome), image.labels.get(_VERSION, "")
        if built or version:
            words = [f"built on {built}" if built else "", f"version {safe(version, 100)}" if version else ""]
            yield f"The image says of itself: {', '.join(filter(None, words))}."
    made = _day(container.created, outcome)
    status = f"; the engine says: {safe(container.status, 80)}" if container.status else ""
    yield f"Container {safe(container.id[:12])}{f', made on {made}' if made else ''}{status}."
    if container.members:
        yield f"What runs of it: {safe(', '.join(container.members), 400)}."
    service = f"service {safe(container.service, 80)}" if container.service else ""
    project = f"project {safe(container.project, 80)}" if container.project else ""
    part = " of ".join(filter(None, [service, project]))
    yield f"Engine {safe(container.engine, 120)}{f', {part}' if part else ''}."
    alone = update.left_alone(container)
    if alone:
        yield f"{alone}, by its label."


def _day(seconds: int | None, outcome: Outcome) -> str:
    """`2026-11-11 (12d ago)`, "" for what is no date."""
    moment = engine_date(seconds)
    if moment is None:
        return ""
    ago = (outcome.checked_at - moment).total_seconds()
    return f"{moment:%Y-%m-%d}" + (f" ({age(ago)} ago)" if ago >= 0 else " (which is yet to come)")


def _what_to_do(judged: JudgedContainer) -> Iterable[str]:
    yield from (f"{line[:1].upper()}{line[1:]}:" for line in packages.brings(one.finding for one in judged.findings))
    how = update.commands([judged])
    if how:
        yield how


def _asked(requests: Sequence[RequestRecord], judged: JudgedContainer) -> Iterable[str]:
    asked = [request for request in requests if not request.url.startswith(judged.container.engine)]
    if not asked:
        answered = (Verdict.PASS, Verdict.FAIL)
        kept = any(one.finding.verdict in answered and one.finding.code not in _UNASKED for one in judged.findings)
        yield "No registry: what it answered before still holds (--no-cache asks anew)." if kept else "No registry."
    host = ""
    for request in asked[:_MOST_REQUESTS]:
        before, (host, path) = host, _parted(request.url)
        if host != before:
            yield f"{safe(host, 120)}:"
        note = f" ({safe(request.note)})" if request.note else ""
        answer = "no answer" if request.status is None else str(request.status)
        yield f"  {safe(request.method, 10)} {safe(path)}: {answer}{note}"
    if len(asked) > _MOST_REQUESTS:
        yield f"and {len(asked) - _MOST_REQUESTS} more"


def _parted(url: str) -> tuple[str, str]:
    """Return host and path, in which a digest is as short as a person needs it to know it again."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}", "/" + re.sub(r"([0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", path)
