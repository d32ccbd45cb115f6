"""Text for Icinga, Nagios and NRPE: one line for the phone with the performance data, then a line an item.

The performance data stands on the first line at every verbosity: Nagios reads it there, Icinga on any line, and NRPE
version 2 carries 1,024 bytes (Monitoring Plugins guidelines, "Plugin Output for Nagios").
"""

from collections.abc import Iterable

import nagiosplugin

from container_updates.model import JudgedContainer, JudgedFinding, Metric, Outcome, RequestRecord, State
from container_updates.report.headline import headline, worst_first
from container_updates.report.sentences import update
from container_updates.report.text import FIRST_LINE, SERVICE, cut, safe
from container_updates.settings import Settings

_MORE = len("… and 000000 more\n".encode())


def render(outcome: Outcome, settings: Settings) -> str:
    """Return the report: at most `settings.max_output` bytes, though the performance data is never cut."""
    first = _first_line(outcome, settings)
    return _within(settings.max_output, first, [*lines(outcome, settings)])


def lines(outcome: Outcome, settings: Settings) -> Iterable[str]:
    """Return what stands below the first line, worst first, as much of it as the verbosity asks for."""
    yield from map(safe, outcome.notes)
    several = len({judged.container.engine for judged in outcome.containers}) > 1
    ordered = worst_first(outcome.containers)
    wrong = [judged for judged in ordered if judged.state is not State.OK]
    for judged in wrong:
        if not judged.reported:
            yield _container(judged, settings, several)
    yield from extras(outcome)
    if settings.verbose >= 1:
        for judged in ordered:
            if judged.state is State.OK:
                yield _container(judged, settings, several)
    yield from diagnosis(outcome, settings)


def extras(outcome: Outcome) -> Iterable[str]:
    """Return what `--new-only` left out, and what went wrong in places that are no container.

    A single problem is not said twice where it is the headline.
    """
    count = sum(judged.reported for judged in outcome.containers)
    if count:
        yield f"and {count} reported before"
    if not outcome.containers and len(outcome.problems) == 1 and outcome.state is not State.OK:
        return
    for problem in outcome.problems:
        yield f"Problem: {safe(problem.where, 120)}: {safe(problem.message)}"


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
    """Return the findings that matter as one sentence, worst first."""
    findings = sorted(judged.findings, key=lambda finding: -finding.state)
    told = [safe(finding.finding.message) for finding in findings if everything or _matters(finding, judged)]
    if everything:
        told += [update.changes(finding) for finding in findings] + [update.left_alone(judged.container)]
        told += [update.mirror(finding) for finding in findings]
    # Two links of the chain that fail at the same registry say the same, and the image's name is enough once.
    first, *others = [*dict.fromkeys(filter(None, told))] or [safe(judged.container.image)]
    subject = judged.container.subject
    name = f"{safe(judged.container.image if subject is None else str(subject.reference))} "
    return "; ".join([first, *(other.removeprefix(name) for other in others)])


def _matters(finding: JudgedFinding, judged: JudgedContainer) -> bool:
    return finding.state is not State.OK or judged.state is State.OK


def _container(judged: JudgedContainer, settings: Settings, several: bool) -> str:
    engine = f" ({safe(judged.container.engine, 80)})" if several else ""
    words = message(judged, everything=settings.verbose >= 1)
    return f"[{judged.state.name}] {safe(judged.container.name, 80)}{engine}: {words}"


def _request(request: RequestRecord) -> str:
    status = "no answer" if request.status is None else request.status
    note = f" ({safe(request.note)})" if request.note else ""
    return f"Request: {safe(request.method, 10)} {safe(request.url)} {status} {request.seconds:.3f}s{note}"


def _first_line(outcome: Outcome, settings: Settings) -> str:
    start = f"{SERVICE} {outcome.state.name} - "
    perfdata = _perfdata(outcome.metrics) if settings.perfdata else ""
    room = min(FIRST_LINE, settings.max_output - 1) - len(start.encode()) - len(perfdata.encode())
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


def _within(limit: int, first: str, rest: list[str]) -> str:
    sizes = [len(line.encode()) + 1 for line in rest]
    room = limit - len(first.encode()) - 1
    if not rest or sum(sizes) <= room:
        return "\n".join([first, *rest]) + "\n"
    kept = 0
    while sizes[kept] <= room - _MORE:
        room -= sizes[kept]
        kept += 1
    more = [f"… and {len(rest) - kept} more"] if room >= _MORE else []
    return "\n".join([first, *rest[:kept], *more]) + "\n"
