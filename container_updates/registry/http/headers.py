"""What the headers of an answer say about time and quota; anything malformed says nothing."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

_LONGEST_WAIT = timedelta(days=1)
_DEFAULT_WAIT = timedelta(minutes=1)
_UNITS = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
"""Of Go's `time.Duration`, in seconds."""
_GO_DURATION = r"([0-9]{1,9}(?:\.[0-9]{0,9})?)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)"
_REMAINING = re.compile(r"([0-9]{1,9})\s*(?:;|$)")


def retry_at(value: str | None, now: datetime, body: bytes = b"") -> datetime:
    """When asking again makes sense: `said`, or a minute from now where nothing usable is said."""
    seconds = said(value, now, body)
    return now + (_DEFAULT_WAIT if seconds is None else min(timedelta(seconds=seconds), _LONGEST_WAIT))


def said(value: str | None, now: datetime, body: bytes = b"") -> float | None:
    """Return the seconds to wait by a `Retry-After` header, else by the words in the body; None where neither says it.

    Seconds or a date (RFC 9110, 10.2.3), with decimals as some have it; in a body `retry-after: 985.123\u00b5s`, as Go
    prints durations and ghcr.io tells it. Never negative, never more than a day.
    """
    text = (value or "").strip()
    seconds = float(text) if len(text) < 20 and re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", text) else None
    if seconds is None and (moment := http_date(text)):
        seconds = (moment - now).total_seconds()
    if seconds is None:
        found = re.search(rf"retry.after:? *((?:{_GO_DURATION})+)", _text(body), re.IGNORECASE)
        parts = re.findall(_GO_DURATION, found[1], re.IGNORECASE) if found else []
        seconds = sum(float(number) * _UNITS[unit.lower()] for number, unit in parts) if parts else None
    return None if seconds is None else min(max(seconds, 0.0), _LONGEST_WAIT.total_seconds())


def _text(body: bytes) -> str:
    """The beginning of a body, with the escape that JSON may have for the micro sign resolved."""
    return body[:4096].decode("utf-8", "replace").replace("\\u00b5", "\u00b5").replace("\\u03bc", "\u03bc")


def http_date(value: str | None) -> datetime | None:
    """A date as headers write it (RFC 9110, 5.6.7), in UTC; None if it is none."""
    try:
        moment = parsedate_to_datetime((value or "")[:64])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def remaining(value: str | None) -> int | None:
    """How much Docker Hub's `ratelimit-remaining` (`76;w=21600`) still allows; None without a usable one."""
    match = _REMAINING.match((value or "").strip())
    return int(match.group(1)) if match else None


def next_query(link: str) -> str | None:
    """Return the query of the next page that a `Link` names (RFC 8288; distribution-spec, Listing Tags), None for none.

    Only what it asks for is taken from it, never where: the next page is where this one was.
    """
    target, _, relation = link.partition(";")
    if "next" not in relation or not target.strip().startswith("<"):
        return None
    try:
        query = urlsplit(target.strip(" <>")).query
    except ValueError:
        return None
    return query if query and query.isprintable() and len(query) < 2000 else None
