"""What was done to make an image, as its config tells it: what there is to read where no blueprint is published."""

from dataclasses import replace

from container_updates.chain import Context
from container_updates.chain.source import base
from container_updates.errors import Inconclusive
from container_updates.model import Subject
from container_updates.untrusted.urls import without_logins

_MOST_ASKED = 2
_MOST = 25
_LONGEST = 200
"""Characters of a step."""
_SHELL = "/bin/sh -c "
_NO_COMMAND = "#(nop)"
"""How the builder before BuildKit marked a step that ran nothing."""


def steps(subject: Subject, context: Context) -> list[str]:
    """Return the steps in the words of a Dockerfile, the oldest first; the last of them where there are many.

    None where the image's config cannot be had. Values of build arguments are left out: they may be secret.
    """
    told = [_step(command) for command in _commands(subject, context)]
    beyond = len(told) - _MOST
    return [f"({beyond} earlier steps)", *told[beyond:]] if beyond > 0 else told


def _commands(subject: Subject, context: Context) -> tuple[str, ...]:
    for digest in subject.own_digests[:_MOST_ASKED]:
        try:
            platform = subject.image.platform or context.details(subject.image).platform
            config = base.config(replace(subject.reference, digest=digest), platform, context.registry)
        except Inconclusive:
            continue  # it is told of what can be had
        if config is not None:
            return config.history
    return ()


def _step(command: str) -> str:
    words = " ".join(command.split()).removesuffix(" # buildkit")
    ran = words.removeprefix("RUN ")
    if ran.startswith("|"):
        # "|1 TOKEN=… /bin/sh -c make": how many arguments, the arguments, and the shell
        ran = _SHELL + ran.partition(" -c ")[2]
    if ran.startswith(_SHELL):
        ran = ran.removeprefix(_SHELL).strip()
        words = ran.removeprefix(_NO_COMMAND).strip() if ran.startswith(_NO_COMMAND) else f"RUN {ran}"
    words = without_logins(words)
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
