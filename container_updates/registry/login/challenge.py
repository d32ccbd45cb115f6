"""The `WWW-Authenticate` header: what a registry wants to see before it answers."""

import re
from dataclasses import dataclass, field

_MAX_HEADER = 16 * 1024
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'({_WORD})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')
_SCHEME = re.compile(rf"({_WORD})(?=[ \t,]|$)")
_BETWEEN = re.compile(r"[\s,]*")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to log in that a server offers."""

    scheme: str
    """In lower case: `bearer`, `basic`, ..."""
    parameters: dict[str, str] = field(default_factory=dict)
    """Names in lower case; values exactly as given: realm and service are case-sensitive."""


def parse(header: str) -> list[Challenge]:
    """Return the challenges of a `WWW-Authenticate` header (RFC 9110, 11.6.1), several joined by commas, in order.

    What follows the first thing that is no challenge is left out; never raises.
    """
    found: list[Challenge] = []
    text = header[:_MAX_HEADER]
    position = 0
    while True:
        between = _BETWEEN.match(text, position)
        position = between.end() if between else position
        if position >= len(text):
            return found
        parameter = _PARAMETER.match(text, position) if found else None
        if parameter:
            name, quoted, plain = parameter.groups()
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1].parameters.setdefault(name.lower(), value)
            position = parameter.end()
            continue
        scheme = _SCHEME.match(text, position)
        if not scheme:
            return found
        found.append(Challenge(scheme.group(1).lower()))
        position = scheme.end()


def choose(challenges: list[Challenge]) -> Challenge | None:
    """The challenge that can be met: Bearer with a realm before Basic; None if there is neither."""
    for challenge in challenges:
        if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
            return challenge
    return next((challenge for challenge in challenges if challenge.scheme == "basic"), None)
