"""One exception family: each error carries the words an admin reads.

The text of an error is one line, names what is wrong and, where there is something to do, what to do. It may quote
outside data; whoever prints it makes it safe with `report.text.safe`. It never holds a secret.
"""

from collections.abc import Iterator
from datetime import datetime


class CheckError(Exception):
    """The check as a whole cannot be made: one line, exit 3 (UNKNOWN)."""


class UsageError(CheckError):
    """The options contradict each other or a value is not what it must be."""


class InventoryError(CheckError):
    """An engine cannot be read: no socket, no permission, not an engine, an answer of another shape."""


class InvalidReference(CheckError):
    """A text is no image reference by the distribution grammar."""


class PolicyError(CheckError):
    """A trust policy cannot be used as it is: names the file and the place in it."""


class Inconclusive(CheckError):
    """A question that got no answer: never "up to date", never "outdated".

    `code` is one of the inconclusive codes of the interface (unreachable, unauthorized, rate-limited, timeout,
    bad-answer, unresolvable), `status` the HTTP status where there was one, `retry_at` when asking again makes sense.
    """

    code = "bad-answer"

    def __init__(self, reason: str, *, status: int | None = None, retry_at: datetime | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.retry_at = retry_at


class Unreachable(Inconclusive):
    """No connection, no TLS, no name, or a server error (5xx) that one retry did not cure."""

    code = "unreachable"


class Unauthorized(Inconclusive):
    """401 or 403: no login, a wrong one, or one without the right to read this repository."""

    code = "unauthorized"


class RateLimited(Inconclusive):
    """429, or a registry that said there is nothing left: not asked again before `retry_at`."""

    code = "rate-limited"


class TimedOut(Inconclusive):
    """The deadline of the whole run, or of one question, passed first."""

    code = "timeout"


class BadAnswer(Inconclusive):
    """An answer that cannot be believed: wrong digest, wrong shape, too large, too many redirects."""

    code = "bad-answer"


class Unresolvable(Inconclusive):
    """There is no name, or no repository, to ask for."""

    code = "unresolvable"


class NotFound(BadAnswer):
    """404 for what was asked; `repository_answers`: whether the repository itself exists, None if nobody can tell."""

    def __init__(self, reason: str, *, repository_answers: bool | None, status: int | None = 404) -> None:
        super().__init__(reason, status=status)
        self.repository_answers = repository_answers


class NoTls(Unreachable):
    """The host answers, but not with TLS, or with a certificate that is not accepted: asking again changes nothing."""


class NoCertificate(NoTls):
    """The host speaks TLS, with a certificate that is not accepted."""


class PlainText(NoTls):
    """The host speaks plain HTTP."""


class NoConnection(Unreachable):
    """There is no way to the host at all: no name, no route, nobody who listens, a proxy that does not lead there."""


class NoHttp(BadAnswer):
    """What came back is of another protocol: TLS, as a rule."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that led to it, outermost first: urllib3 hides causes in `reason` and `args`."""
    waiting: list[object] = [error]
    seen: list[BaseException] = []
    while waiting and len(seen) < 50:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and not any(cause is known for known in seen):
            seen.append(cause)
            yield cause
            waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
