"""What the headers of an answer say about time and quota; anything malformed says nothing."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

_LONGEST_WAIT = timedelta(days=1)
_DEFAULT_WAIT = timedelta(minutes=1)
_SECONDS = re.compile(r"[0-9]{1,9}")
_REMAINING = re.compile(r"([0-9]{1,9})\s*(?:;|$)")


def retry_at(value: str | None, now: datetime) -> datetime:
    """When asking again makes sense by a `Retry-After` header (RFC 9110, 10.2.3: seconds or a date).

    A minute from now without a usable one; never in the past, never more than a day ahead.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        moment = now + min(timedelta(seconds=int(text)), _LONGEST_WAIT)
    else:
        moment = http_date(text) or now + _DEFAULT_WAIT
    return min(max(moment, now), now + _LONGEST_WAIT)


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
