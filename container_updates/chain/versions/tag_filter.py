"""Which tags an admin wants compared: regular expressions of options and labels, by an engine that runs in linear time.

The labels are those that Drydock, What's up Docker and Diun know, in their own syntax.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from container_updates.errors import Unresolvable, UsageError
from container_updates.model import Subject
from container_updates.settings import Settings

_INCLUDE, _EXCLUDE = ("dd.tag.include", "wud.tag.include"), ("dd.tag.exclude", "wud.tag.exclude")
_PACKAGES = "apt install python3-re2, or pip install google-re2"
_MAX_PATTERN = 1000
_PLACEHOLDER = re.compile(r"\$([0-9]+)")


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked of a tag, and as what it is read."""

    wanted: Callable[[str], bool]
    transformed: Callable[[str], str]


def of(subject: Subject, settings: Settings) -> Filter:
    """Return the filter for a subject; raises `Unresolvable` for a pattern that is none, or that nobody here can run.

    Each source of patterns narrows what the others leave.
    """
    every: list[list[Any]] = []
    none: list[Any] = []
    named = _for(subject, settings.tags)
    if named:
        every.append([_compiled("--tags", text) for text in named])
    none += [_compiled("--not-tags", text) for text in _for(subject, settings.not_tags)]
    for labels, several in ((_INCLUDE, False), (("diun.include_tags",), True)):
        label, texts = _texts(subject, labels, several)
        if texts:
            every.append([_compiled(label, text) for text in texts])
    for labels, several in ((_EXCLUDE, False), (("diun.exclude_tags",), True)):
        label, texts = _texts(subject, labels, several)
        none += [_compiled(label, text) for text in texts]

    def wanted(tag: str) -> bool:
        if any(one.search(tag) for one in none):
            return False
        return all(any(one.search(tag) for one in group) for group in every)

    return Filter(wanted, transform(subject))


def refuse(settings: Settings) -> None:
    """Raise `UsageError` for a pattern of the options that is none, or that nobody here can run."""
    try:
        for option, patterns in (("--tags", settings.tags), ("--not-tags", settings.not_tags)):
            for _, text in patterns:
                _compiled(option, text)
    except Unresolvable as error:
        raise UsageError(error.reason) from None


def transform(subject: Subject) -> Callable[[str], str]:
    """Return how the label `dd.tag.transform` has a tag read: `REGEX => REPLACEMENT`, with $1 for a group.

    As Drydock and What's up Docker do it, the replacement is all that is left of a tag that matches.
    Raises `Unresolvable`.
    """
    label, text = subject.wished("dd.tag.transform", "wud.tag.transform")
    if not text:
        return lambda tag: tag
    pattern, arrow, replacement = text.partition("=>")
    if not arrow:
        raise Unresolvable(f"label {label} is not REGEX => REPLACEMENT")
    compiled = _compiled(label, pattern.strip())
    template = replacement.strip()

    def transformed(tag: str) -> str:
        found = compiled.search(tag)
        if found is None:
            return tag
        groups = {str(number): found[number] or "" for number in range(found.re.groups + 1)}
        return _PLACEHOLDER.sub(lambda placeholder: groups.get(placeholder[1], ""), template)

    return transformed


def _for(subject: Subject, options: Iterable[tuple[str, str]]) -> list[str]:
    name = subject.reference.name
    familiar = name.removeprefix("docker.io/").removeprefix("library/")
    return [text for image, text in options if not image or any(fnmatchcase(one, image) for one in (name, familiar))]


def _texts(subject: Subject, labels: Sequence[str], several: bool) -> tuple[str, Sequence[str]]:
    """The label that is set, and its regular expressions."""
    label, value = subject.wished(*labels)
    text = value or ""
    return label, [part.strip() for part in text.split(";") if part.strip()] if several else [text] if text else []


@lru_cache(maxsize=1000)
def _compiled(where: str, text: str) -> Any:
    try:
        import re2
    except ImportError:
        raise Unresolvable(f"the regular expression of {where} needs the Python package re2: {_PACKAGES}") from None
    if len(text) > _MAX_PATTERN:
        raise Unresolvable(f"the regular expression of {where} is longer than {_MAX_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        return re2.compile(text, options)
    except re2.error:
        raise Unresolvable(f"the regular expression of {where} cannot be used: {text[:60]!r}") from None
