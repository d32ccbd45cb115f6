"""What of apt.conf decides on sources and candidates (apt.conf(5)); nothing of it is ever run."""

import re

from container_updates.contents.apt.setup.names import used
from container_updates.contents.files import Tree

_MAX_VALUES = 5000


def read(tree: Tree) -> dict[str, list[str]]:
    """Return every option of apt.conf.d and apt.conf, its name in lower case, with its values, the last one in force.

    An option that is a list has all of them.
    """
    found: dict[str, list[str]] = {}
    for name in [*used(tree, "apt.conf.d", "conf"), "apt.conf"]:
        if name in tree.files:
            _parse(tree.files[name].decode("utf-8", "replace"), found)
    return found


def _parse(text: str, into: dict[str, list[str]]) -> None:
    parts = re.compile(
        r'//[^\n]*|/\*.*?\*/|#(?!clear|include)[^\n]*|"(?:[^"\\]|\\.)*"|[{};]|[^\s{};"]+', re.DOTALL
    ).findall(text)
    scopes: list[str] = []
    words: list[str] = []
    for part in parts:
        if part.startswith(("//", "/*", "#")) and not part.startswith(("#clear", "#include")):
            continue
        if part == "{":
            scopes.append(words[-1] if words else "")
            words = []
        elif part in (";", "}"):
            _set(scopes, words, into)
            words = []
            if part == "}" and scopes:
                scopes.pop()
        else:
            words.append(part)


def _set(scopes: list[str], words: list[str], into: dict[str, list[str]]) -> None:
    if not words or sum(map(len, into.values())) >= _MAX_VALUES:
        return
    if words[0] == "#clear":
        for name in words[1:]:
            into.pop(name.lower(), None)
        return
    value = words[-1]
    named = [*scopes, *([] if len(words) == 1 and value.startswith('"') else [words[0]])]
    name = "::".join(part.strip(":") for part in named if part).lower()
    if value.startswith('"'):
        into.setdefault(name, []).append(value[1:-1])
    elif len(words) > 1:
        into.setdefault(name, []).append(value)


def last(options: dict[str, list[str]], name: str) -> str:
    """Return the value in force, "" for none."""
    values = options.get(name.lower())
    return values[-1] if values else ""


def is_no(value: str) -> bool:
    """Whether a text means no (apt, `StringToBool`)."""
    return value.lower() in ("0", "no", "false", "without", "off", "disable")


def is_yes(value: str) -> bool:
    """Whether a text means yes."""
    return value.lower() in ("1", "yes", "true", "with", "on", "enable")
