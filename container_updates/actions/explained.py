"""Which of the containers `--explain` means."""

from collections.abc import Sequence

from container_updates.errors import UsageError
from container_updates.model import Container, Problem

_NAMED = 3
_COMPARED = 5000
"""Names among which near ones are looked for: comparing takes time, and a person can only read a few."""


def one(wanted: str, containers: Sequence[Container], unread: Sequence[Problem] = ()) -> Container:
    """Return the container of that very name (`web`, or `web@db7`), else the one whose id begins so.

    `unread` are the engines that could not be read, where it may be. Raises `UsageError` for none and for several.
    """
    name = wanted.removeprefix("/")
    found = [container for container in containers if name in (container.name, container.display_name, container.title)]
    found = found or [container for container in containers if container.id.startswith(name.lower())]
    found = found or _of_service(name, containers)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"--explain {wanted}: {_several(found)}: {_how(found)}")
    beyond = "".join(f"; {problem.where} could not be read" for problem in unread)
    raise UsageError(f"--explain {wanted}: no such container{_instead(name, containers)}{beyond}")


def _of_service(name: str, containers: Sequence[Container]) -> list[Container]:
    """Return the containers of a service by its name: one stands for all that are alike."""
    found = [container for container in containers if container.service == name]
    alike = len({(container.image, container.subject) for container in found}) == 1
    return found[:1] if alike else found


def _how(found: Sequence[Container]) -> str:
    titles = {container.title for container in found}
    return "say which one by NAME@HOST" if len(titles) == len(found) else "give one --host, or more of its id"


def _several(found: Sequence[Container]) -> str:
    told = [f"{container.title} ({container.id[:12]}, {container.engine})" for container in found[:_NAMED]]
    return f"{len(found)} containers are meant by it, {', '.join(told)}{_more(found)}"


def _instead(name: str, containers: Sequence[Container]) -> str:
    names = list(dict.fromkeys(container.title for container in containers))[:_COMPARED]
    alike = [other for other in names if name in other or other in name]
    near = list(dict.fromkeys([*alike, *_like(name, names)]))
    if near:
        return f"; did you mean {' or '.join(near[:_NAMED])}?"
    return f"; there are {', '.join(names[:_NAMED])}{_more(names)}" if names else "; there is none at all"


def _like(name: str, names: Sequence[str]) -> list[str]:
    from difflib import get_close_matches  # only a mistake needs it

    return get_close_matches(name, names, n=_NAMED)


def _more(found: Sequence[object]) -> str:
    return f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
