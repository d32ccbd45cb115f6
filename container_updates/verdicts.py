"""Findings and thresholds become states: the only place that knows WARNING from CRITICAL."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import nagiosplugin

from container_updates.clock import duration
from container_updates.errors import UsageError
from container_updates.model import (
    Container,
    Finding,
    JudgedContainer,
    JudgedFinding,
    Metric,
    Outcome,
    Problem,
    RequestRecord,
    State,
    Verdict,
    number,
)
from container_updates.settings import Settings

Examined = Sequence[tuple[Container, Sequence[Finding]]]


class Yardstick(NamedTuple):
    """One metric: what it counts, and the ranges it has until the admin gives others."""

    name: str
    check: str | None = None
    """The check that makes it; None: it is there whatever was asked for."""
    code: str | None = None
    """The code of the findings it counts; None for a number that `judge` is given."""
    detail: str | None = None
    """A detail of these findings: the largest one is the value, and each finding is judged by its own."""
    total: str | None = None
    """A detail that says how many things (not containers) the finding stands for."""
    unit: str = ""
    warning: str = ""
    critical: str = ""
    also: str | None = None
    """Another check that makes the same findings, with the first one's name."""

    def asked(self, checks: Collection[str]) -> bool:
        """Whether it is there when these checks are made."""
        return self.check is None or self.check in checks or self.also in checks


METRICS = (
    Yardstick("containers"),
    Yardstick("images"),
    Yardstick("excluded", None, "excluded"),
    Yardstick("outdated", "updates", "outdated", warning="0"),
    Yardstick("outdated_young", "updates", "outdated-young"),
    Yardstick("held", "updates", "held"),
    Yardstick("outdated_age", "updates", "outdated", detail="age", unit="s"),
    Yardstick("restart_pending", "restarts", "restart-pending", warning="0"),
    Yardstick("newer_versions", "versions", "newer-version"),
    Yardstick("stale_lines", "versions", "stale-line"),
    Yardstick("base_outdated", "source", "base-outdated"),
    Yardstick("oldest_image", unit="s"),
    Yardstick("tag_gone", "updates", "tag-gone", warning="0"),
    Yardstick("signed", "signatures", "signed"),
    Yardstick("source_verified", "source", "source-verified"),
    Yardstick("source_claimed", "source", "source-claimed"),
    Yardstick("unsigned", "signatures", "unsigned", warning="0"),
    Yardstick("unverifiable", "signatures", "unverifiable", warning="0"),
    Yardstick("invalid_signatures", "signatures", "invalid-signature", critical="0"),
    Yardstick("signer_changed", "signatures", "signer-changed", also="source", critical="0"),
    Yardstick("unknown_source", "source", "unknown-source", warning="0"),
    Yardstick("untrusted_registry", "source", "untrusted-registry", warning="0"),
    Yardstick("source_mismatch", "source", "source-mismatch", critical="0"),
    Yardstick("packages_pending", "packages", "packages-pending", total="packages", warning="0"),
    Yardstick("security_pending", "packages", "security-pending", total="security", critical="0"),
    Yardstick("not_checked"),
    Yardstick("registry_requests"),
    Yardstick("ratelimit_remaining"),
    Yardstick("time", unit="s"),
)
"""In the interface's order, which is the order of the performance data."""

_BY_NAME = {metric.name: metric for metric in METRICS}
_RANGE = re.compile(r"(@?)(?:(~|-?NUMBER)?(:))?(-?NUMBER)?".replace("NUMBER", r"[0-9]{1,15}(?:\.[0-9]{1,6})?[smhdw]?"))
_STATES = {
    nagiosplugin.Ok: State.OK,
    nagiosplugin.Unknown: State.UNKNOWN,
    nagiosplugin.Warn: State.WARNING,
    nagiosplugin.Critical: State.CRITICAL,
}
_NAGIOS_STATES = {state: nagios for nagios, state in _STATES.items()}


def judge(
    examined: Examined,
    *,
    settings: Settings,
    numbers: Mapping[str, float | None],
    problems: Sequence[Problem],
    checked_at: datetime,
    requests: Sequence[RequestRecord] = (),
    unread: Sequence[Problem] = (),
    engines: int = 1,
) -> Outcome:
    """Return what a report needs: every finding, container and metric with its state.

    `numbers` are the metrics that no finding tells: images, oldest_image (seconds), registry_requests,
    ratelimit_remaining, time (seconds); None where unknown, which leaves the metric out. `unread` are those of the
    `engines` that could not be read at all, which is at least UNKNOWN, however good the others look.
    """
    contexts = {metric.name: _context(metric, settings) for metric in METRICS}
    counting = [(container, [one for one in found if not _is_idle(one, contexts)]) for container, found in examined]
    check = nagiosplugin.Check(_ContainerUpdates(counting, numbers, settings.checks), *contexts.values(), _Ranked())
    check()
    metrics = tuple(_metric(result) for result in check.results.results)
    states = {metric.name: metric.state for metric in metrics}
    containers = tuple(_judge_container(container, findings, states, contexts) for container, findings in examined)
    state = max(_STATES[check.state], *(container.state for container in containers), State.OK)
    if unread:
        state = max(state, State.UNKNOWN)
    return Outcome(
        state,
        containers,
        metrics,
        (*unread, *problems),
        checked_at,
        tuple(requests),
        settings.origins,
        engines=engines,
        unread=tuple(unread),
    )


def parse_threshold(text: str, checks: Collection[str]) -> tuple[str, str]:
    """Return metric and range of one `-w` or `-c`: `[METRIC=]RANGE`, ages turned into seconds.

    A range alone is for `outdated`; an empty one means no threshold. Only metrics of `checks` are known. Raises
    `UsageError`. (Monitoring Plugins guidelines, threshold and ranges)
    """
    name, given, spec = text.partition("=")
    if not given:
        name, spec = "outdated", text
    known = [metric.name for metric in METRICS if metric.asked(checks)]
    if name not in known:
        raise UsageError(f"threshold for an unknown metric {name[:40]!r}; there are {', '.join(known)}")
    match = _RANGE.fullmatch(spec)
    if match is None:
        raise UsageError(f"threshold {text[:80]!r} is no range; examples: 5, 10:, ~:3, @1:3, and for ages 14d or 12h")
    if not _BY_NAME[name].unit and re.search("[smhdw]", spec):
        raise UsageError(f"threshold {text[:80]!r} has a unit, but {name} is a plain number")
    inverted, start, colon, end = match.groups(default="")
    seconds = f"{inverted}{_in_seconds(start)}{colon}{_in_seconds(end)}"
    try:
        nagiosplugin.Range(seconds)
    except ValueError:
        raise UsageError(f"threshold {text[:80]!r} starts above its end") from None
    return name, seconds


def _in_seconds(atom: str) -> str:
    """Never in scientific notation, which perfdata does not have and `str(float)` slips into."""
    if not atom[-1:].isalpha():
        return atom
    return f"{duration(atom):.6f}".rstrip("0").rstrip(".")


class _ContainerUpdates(nagiosplugin.Resource):  # type: ignore[misc] # nagiosplugin has no types
    """Acquired already; what is left is to count."""

    def __init__(self, examined: Examined, numbers: Mapping[str, float | None], checks: Collection[str]) -> None:
        self._examined = examined
        self._numbers = numbers
        self._checks = checks

    def probe(self) -> Iterator[nagiosplugin.Metric]:
        counted, largest, totals = self._count()
        given = {**self._numbers, "containers": len(self._examined), "not_checked": counted["not_checked"]}
        for metric in METRICS:
            if not metric.asked(self._checks):
                continue
            value: float | None
            if metric.code is None:
                value = number(given.get(metric.name))
            elif metric.detail is not None:
                value = largest.get(metric.name, 0)
            else:
                value = (totals if metric.total else counted)[metric.name]
            if value is not None:
                yield nagiosplugin.Metric(metric.name, value, metric.unit)

    def _count(self) -> tuple[Counter[str], dict[str, float], Counter[str]]:
        counted: Counter[str] = Counter()
        largest: dict[str, float] = {}
        totals: Counter[str] = Counter()
        for _, findings in self._examined:
            counted.update({metric.name for finding in findings for metric in _yardsticks(finding)})
            for finding in findings:
                for metric in _yardsticks(finding):
                    if metric.detail is not None:
                        value = number(finding.details.get(metric.detail))
                        largest[metric.name] = max(largest.get(metric.name, 0), value or 0)
                    if metric.total is not None:
                        totals[metric.name] += int(number(finding.details.get(metric.total)) or 1)
        return counted, largest, totals


_BY_FINDING: dict[tuple[str, str], tuple[Yardstick, ...]] = {
    (metric.check or "", metric.code): tuple(
        other for other in METRICS if (other.check, other.code) == (metric.check, metric.code)
    )
    for metric in METRICS
    if metric.code is not None
}


def _yardsticks(finding: Finding) -> tuple[Yardstick, ...]:
    """The metrics that a finding counts toward: those of its code, and of what it says `besides`."""
    if finding.verdict is Verdict.INCONCLUSIVE:
        return (_BY_NAME["not_checked"],)
    besides = _BY_FINDING.get((finding.check, str(finding.details.get("besides"))), ())
    return (_BY_FINDING.get((finding.check, finding.code), ()) or _BY_FINDING.get(("", finding.code), ())) + besides


class _Threshold(nagiosplugin.ScalarContext):  # type: ignore[misc] # nagiosplugin has no types
    """A scalar context where no range means no limit.

    nagiosplugin reads an empty range as "from 0 on" and calls a negative value critical.
    """

    def __init__(self, name: str, warning: str, critical: str) -> None:
        super().__init__(name, warning or "~:", critical or "~:")
        self.warning_text = warning or None
        self.critical_text = critical or None


class _NotChecked(_Threshold):
    """What could not be determined counts as `--not-checked` says, unless ranges were given.

    A critical range alone leaves `--not-checked` in force below it: only a warning range can make it OK.
    """

    def __init__(self, settings: Settings) -> None:
        self._state = State[settings.not_checked.upper()]
        given = {"not_checked"} & {*settings.warning, *settings.critical}
        warning = settings.warning.get("not_checked", "0" if self._state is State.WARNING and not given else "")
        critical = settings.critical.get("not_checked", "0" if self._state is State.CRITICAL and not given else "")
        super().__init__("not_checked", warning, critical)
        self._ranges_decide = "not_checked" in settings.warning

    def evaluate(self, metric: nagiosplugin.Metric, resource: nagiosplugin.Resource) -> nagiosplugin.Result:
        result = super().evaluate(metric, resource)
        if result.state != nagiosplugin.Ok or self._ranges_decide or not metric.value:
            return result
        return self.result_cls(_NAGIOS_STATES[self._state], None, metric)


def _context(metric: Yardstick, settings: Settings) -> _Threshold:
    if metric.name == "not_checked":
        return _NotChecked(settings)
    warning = settings.warning.get(metric.name, metric.warning)
    return _Threshold(metric.name, warning, settings.critical.get(metric.name, metric.critical))


class _Ranked(nagiosplugin.Results):  # type: ignore[misc] # nagiosplugin has no types
    """OK < UNKNOWN < WARNING < CRITICAL; nagiosplugin lets UNKNOWN hide a CRITICAL."""

    @property
    def most_significant_state(self) -> nagiosplugin.state.ServiceState:
        return max(self.by_state, key=_STATES.__getitem__)


def _metric(result: nagiosplugin.Result) -> Metric:
    metric, context = result.metric, result.context
    value = round(metric.value, 3)
    value = int(value) if value == int(value) else value
    return Metric(metric.name, value, metric.uom, context.warning_text, context.critical_text, _STATES[result.state])


def _judge_container(
    container: Container,
    findings: Sequence[Finding],
    states: Mapping[str, State],
    contexts: Mapping[str, _Threshold],
) -> JudgedContainer:
    judged = tuple(JudgedFinding(finding, _state(finding, states, contexts)) for finding in findings)
    return JudgedContainer(container, judged, max((finding.state for finding in judged), default=State.OK))


def _is_idle(finding: Finding, contexts: Mapping[str, _Threshold]) -> bool:
    """Whether an open question is about a metric that has no range: no answer to it could be an alarm, nor is none."""
    about = contexts.get(str(finding.details.get("about")))
    idle = about is not None and about.warning_text is None and about.critical_text is None
    return finding.verdict is Verdict.INCONCLUSIVE and idle


def _state(finding: Finding, states: Mapping[str, State], contexts: Mapping[str, _Threshold]) -> State:
    fine = finding.verdict is Verdict.PASS and "besides" not in finding.details
    if fine or finding.verdict is Verdict.SKIPPED or _is_idle(finding, contexts):
        return State.OK
    found = []
    for metric in _yardsticks(finding):
        if metric.detail is None:
            found.append(states[metric.name])
        else:
            value = number(finding.details.get(metric.detail)) or 0
            own = nagiosplugin.Metric(metric.name, value, contextobj=contexts[metric.name])
            found.append(_STATES[own.evaluate().state])
    # A failure that no metric knows must not look fine.
    return max(found, default=State.UNKNOWN)
