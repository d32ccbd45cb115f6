"""Text for Icinga, Nagios and NRPE: one line for the phone with the performance data, then a line an item.

The performance data stands on the first line at every verbosity: Nagios reads it there, Icinga on any line, and NRPE
version 2 carries 1,024 bytes (Monitoring Plugins guidelines, "Plugin Output for Nagios").
"""

from collections.abc import Iterable, Sequence
from functools import partial

import nagiosplugin

from container_updates.model import Container, JudgedContainer, JudgedFinding, Metric, Outcome, RequestRecord, State
from container_updates.report import chain, grouping
from container_updates.report.headline import headline, worst_first
from container_updates.report.sentences import packages, update
from container_updates.report.text import FIRST_LINE, SERVICE, cut, safe
from container_updates.settings import Settings

_LEAST_SENTENCE = 120
"""Bytes."""
_MORE = len("… and 000000 more\n".encode())


def render(outcome: Outcome, settings: Settings) -> str:
    """Return the report: at most `settings.max_output` bytes, though the performance data is never cut."""
    first = _first_line(outcome, settings)
    rest = [line for line, _ in _lines(outcome, settings)]
    kept, more = _kept(settings.max_output, first, rest)
    return "\n".join([first, *rest[:kept], *more]) + "\n"


def left_out(outcome: Outcome, settings: Settings) -> set[tuple[str, str]]:
    """Return the containers (engine and id) that are wrong and of which not everything has room in the report."""
    rest = [*_lines(outcome, settings)]
    kept, _ = _kept(settings.max_output, _first_line(outcome, settings), [line for line, _ in rest])
    return {(one.engine, one.id) for _, containers in rest[kept:] for one in containers}


def _lines(outcome: Outcome, settings: Settings) -> Iterable[tuple[str, Sequence[Container]]]:
    """Yield what stands below the first line, each with the containers it tells of.

    Problems of the check itself come first, then what is wrong, worst first.
    """
    for line in preface(outcome):
        yield line, ()
    if settings.verbose >= 1:
        for link in chain.links(outcome, settings.checks):
            yield f"{link.title}: {link.words}", ()
    words = partial(message, everything=settings.verbose >= 1)
    for row in grouping.rows(outcome, words, everything=settings.verbose >= 1):
        yield _line(row), row.containers
    for line in reported_before(outcome):
        yield line, ()
    if settings.verbose >= 1:
        for judged in worst_first(outcome.containers):
            if judged.state is State.OK:
                yield _line(grouping.row(judged, words)), ()
        for judged in worst_first(outcome.containers):
            for line in inside(judged):
                yield line, ()
    for line in diagnosis(outcome, settings):
        yield line, ()


def inside(judged: JudgedContainer) -> Iterable[str]:
    """Return every package inside a container that would be upgraded, a line each."""
    for one in judged.findings:
        if one.finding.check == "packages":
            name = safe(judged.container.title, 80)
            yield from (f"Inside {name}: {line}" for line in packages.lines(one.finding.details))
            yield from (f"Inside {name}: {line}" for line in packages.brings(each.finding for each in judged.findings))


def preface(outcome: Outcome) -> Iterable[str]:
    """Return what else was done, why engines were not read, and what else went wrong in places that are no container.

    A single problem is not said twice where it is the headline.
    """
    yield from map(safe, outcome.notes)
    for problem in outcome.unread:
        yield f"Not read: {safe(problem.where, 120)}: {safe(problem.message)}"
    if not outcome.containers and len(outcome.problems) == 1 and outcome.state is not State.OK:
        return
    for problem in outcome.problems[len(outcome.unread) :]:
        yield f"Problem: {safe(problem.where, 120)}: {safe(problem.message)}"


def reported_before(outcome: Outcome) -> Iterable[str]:
    """Return how much `--new-only` left out."""
    count = sum(judged.reported for judged in outcome.containers)
    if count:
        yield f"and {count} reported before"


def diagnosis(outcome: Outcome, settings: Settings) -> Iterable[str]:
    """Return how to bring things up to date (-v), the settings in force (-vv) and every request (-vvv)."""
    if settings.verbose >= 1:
        how = update.commands(worst_first(outcome.containers))
        if how:
            yield f"To update: {how}"
    if settings.verbose >= 2:
        for option, value, origin in outcome.settings:
            yield f"Setting: {safe(option, 60)} {safe(value) or '(empty)'} from {safe(origin, 120)}"
    if settings.verbose >= 3:
        for request in outcome.requests:
            yield _request(request)


def message(judged: JudgedContainer, *, everything: bool) -> str:
    """Return the findings that matter as one sentence, worst first, without the image's name in front."""
    findings = sorted(judged.findings, key=lambda finding: -finding.state)
    told = [safe(finding.finding.message) for finding in findings if everything or _matters(finding, judged)]
    if everything:
        told += [update.changes(finding) for finding in findings] + [update.left_alone(judged.container)]
        told += [update.mirror(finding) for finding in findings]
    # Two links of the chain that fail at the same registry say the same.
    name = f"{grouping.image(judged)} "
    return "; ".join(words.removeprefix(name) for words in dict.fromkeys(filter(None, told)))


def _matters(finding: JudgedFinding, judged: JudgedContainer) -> bool:
    return finding.state is not State.OK or judged.state is State.OK


def _line(row: grouping.Row) -> str:
    what = " ".join(filter(None, [row.image, row.words]))
    return f"[{row.state.name}] {what}: {row.who}" if row.shared else f"[{row.state.name}] {row.who}: {what}"


def _request(request: RequestRecord) -> str:
    status = "no answer" if request.status is None else request.status
    note = f" ({safe(request.note)})" if request.note else ""
    return f"Request: {safe(request.method, 10)} {safe(request.url)} {status} {request.seconds:.3f}s{note}"


def _first_line(outcome: Outcome, settings: Settings) -> str:
    start = f"{SERVICE} {outcome.state.name} - "
    perfdata = _perfdata(outcome.metrics) if settings.perfdata else ""
    room = min(FIRST_LINE, settings.max_output - 1) - len(start.encode()) - len(perfdata.encode())
    # The performance data is never cut, and a sentence has to be left beside it, however small the output may be.
    room = max(room, _LEAST_SENTENCE)
    return start + cut(headline(outcome, settings), room) + perfdata


def _perfdata(metrics: Iterable[Metric]) -> str:
    metrics = [*metrics]
    items = [_performance(metric, metric.warning, metric.critical) for metric in metrics]
    if sum(len(item) + 1 for item in items) > FIRST_LINE * 3 // 4:
        # Only ranges of absurd length get here. The numbers are worth more than they are.
        items = [_performance(metric, None, None) for metric in metrics]
    return f" | {' '.join(items)}" if items else ""


def _performance(metric: Metric, warning: str | None, critical: str | None) -> str:
    return str(nagiosplugin.Performance(metric.name, _decimal(metric.value), metric.unit, warning, critical))


def _decimal(value: float) -> str:
    """Never `1e-07`, `True` or 17 digits: nagiosplugin prints what it is given."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _kept(limit: int, first: str, rest: list[str]) -> tuple[int, list[str]]:
    """Return how many of the other lines have room, and the line that says how many have none."""
    sizes = [len(line.encode()) + 1 for line in rest]
    room = limit - len(first.encode()) - 1
    if not rest or sum(sizes) <= room:
        return len(rest), []
    kept = 0
    while sizes[kept] <= room - _MORE:
        room -= sizes[kept]
        kept += 1
    more = [f"… and {len(rest) - kept} more"] if room >= _MORE else []
    return kept, more
