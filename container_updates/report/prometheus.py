"""Text exposition format of Prometheus, for node_exporter's textfile collector.

(Prometheus documentation, "Exposition formats"; OpenMetrics is not needed for a textfile.)
"""

from collections.abc import Iterator

from container_updates.model import JudgedContainer, Metric, Outcome
from container_updates.report import grouping
from container_updates.report.text import safe
from container_updates.settings import Settings

_PREFIX = "container_updates"
_UNITS = {"s": "_seconds"}
_STATE = f"{_PREFIX}_state"


def render(outcome: Outcome, settings: Settings) -> str:
    """Return every metric, the state of the whole check, and a state for each finding; never cut."""
    lines = [
        *_gauge(f"{_PREFIX}_check_state", "State of the whole check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."),
        f"{_PREFIX}_check_state {outcome.state.exit_code}",
        *_gauge(f"{_PREFIX}_last_run_timestamp_seconds", "When the check was made."),
        f"{_PREFIX}_last_run_timestamp_seconds {int(outcome.checked_at.timestamp())}",
    ]
    for metric in outcome.metrics:
        lines += _metric(metric)
    lines += _gauge(_STATE, "State of each finding: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.")
    # Two findings of one container with the same code are one series; the worse one counts.
    states: dict[str, int] = {}
    for judged in outcome.containers:
        for labels, exit_code in _findings(judged):
            states[labels] = max(states.get(labels, 0), exit_code)
    lines += [f"{_STATE}{{{labels}}} {exit_code}" for labels, exit_code in states.items()]
    return "\n".join(lines) + "\n"


def _metric(metric: Metric) -> list[str]:
    name = f"{_PREFIX}_{metric.name}{_UNITS.get(metric.unit, '')}"
    return [*_gauge(name, f"The metric {metric.name} of the check."), f"{name} {metric.value}"]


def _gauge(name: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} gauge"]


def _findings(judged: JudgedContainer) -> Iterator[tuple[str, int]]:
    container = judged.container
    where = {"container": safe(container.name, 80), "image": grouping.image(judged), "host": safe(container.engine, 80)}
    for one in judged.findings:
        labels = {**where, "check": one.finding.check, "code": one.finding.code}
        yield ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()), one.state.exit_code


def _escaped(value: str) -> str:
    """A label's value; line feeds are gone already."""
    return value.replace("\\", "\\\\").replace('"', '\\"')
