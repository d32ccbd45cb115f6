"""One JSON object for scripts: what was found, as data; its form is fixed by the interface's `schema`."""

import json
from collections.abc import Mapping
from typing import Any

from container_updates.clock import engine_date, rfc3339
from container_updates.model import Container, JudgedContainer, Outcome, RequestRecord, number
from container_updates.report import chain
from container_updates.report.headline import headline
from container_updates.settings import Settings

_SCHEMA = 1


def render(outcome: Outcome, settings: Settings) -> str:
    """Return one line of JSON (RFC 8259), sorted keys, never cut: half an object is worth nothing."""
    report = {
        "schema": _SCHEMA,
        "state": outcome.state.name,
        "summary": headline(outcome, settings),
        "checked_at": rfc3339(outcome.checked_at),
        "containers": [_container(judged, settings) for judged in outcome.containers],
        "metrics": [
            {
                "name": metric.name,
                "value": metric.value,
                "unit": metric.unit,
                "warning": metric.warning,
                "critical": metric.critical,
                "state": metric.state.name,
            }
            for metric in outcome.metrics
        ],
        "chain": {link.name: link.plain() for link in chain.links(outcome, settings.checks)},
        "errors": [
            {"where": problem.where, "code": problem.code, "message": problem.message} for problem in outcome.problems
        ],
    }
    if outcome.notes:
        report["notes"] = list(outcome.notes)
    if settings.explain:
        report["requests"] = [_request(request) for request in outcome.requests]
    return line(report)


def line(report: Mapping[str, Any]) -> str:
    """Return plain data as one line of JSON that is safe to print."""
    return _escaped(json.dumps(report, sort_keys=True, ensure_ascii=False, allow_nan=False)) + "\n"


def _container(judged: JudgedContainer, settings: Settings) -> dict[str, Any]:
    container, subject = judged.container, judged.container.subject
    known = {
        "engine": container.engine,
        "id": container.id,
        "name": container.name,
        "host": container.host or None,
        "members": list(container.members) or None,
        **({"display_name": container.display_name} if container.display_name else {}),
        "image": container.image if subject is None else str(subject.reference),
        "platform": None if subject is None or subject.image.platform is None else str(subject.image.platform),
        "running_digests": None if subject is None else sorted(subject.image.digests) or None,
        "state": judged.state.name,
        **(_explained(container) if settings.explain else {}),
        "findings": [
            {
                "check": finding.finding.check,
                "code": finding.finding.code,
                "verdict": finding.finding.verdict.value,
                "state": finding.state.name,
                "message": finding.finding.message,
                "details": _plain(finding.finding.details),
            }
            for finding in judged.findings
        ],
    }
    return {member: value for member, value in known.items() if value is not None}


def _explained(container: Container) -> dict[str, Any]:
    """What only the page of `--explain` tells beyond the findings."""
    image = container.subject.image if container.subject else None
    dates = {"created": container.created, "image_created": image.created if image else None}
    moments = {member: engine_date(seconds) for member, seconds in dates.items()}
    return {
        **{member: rfc3339(moment) for member, moment in moments.items() if moment},
        "status": container.status or None,
        "image_id": image.id if image else None,
        "project": container.project,
        "service": container.service,
    }


def _request(request: RequestRecord) -> dict[str, Any]:
    known = {
        "method": request.method,
        "url": request.url,
        "status": request.status,
        "seconds": round(request.seconds, 6),
        "note": request.note or None,
    }
    return {member: value for member, value in known.items() if value is not None}


def _plain(value: object) -> Any:
    """Details as JSON knows them; a member that is not known is left out."""
    if isinstance(value, Mapping):
        plain = {str(member): _plain(inner) for member, inner in value.items()}
        return {member: inner for member, inner in plain.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, str | bool):
        return value
    return number(value) if isinstance(value, int | float) else str(value)


def _escaped(text: str) -> str:
    """Raw data stays, but nothing in it reaches a terminal as a control: escapes, bidi marks, halves of characters."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    if "\ud800" <= char <= "\udfff":
        # No Unicode text has it alone, so strict readers refuse even its escape.
        return "\\ufffd"
    return json.dumps(char)[1:-1]
