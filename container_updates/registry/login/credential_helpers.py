"""Docker's credential helpers: a program that knows logins (docker/docker-credential-helpers, "Development")."""

import os
import selectors
import subprocess
from contextlib import suppress

from container_updates.clock import Clock, Deadline
from container_updates.errors import BadAnswer, TimedOut
from container_updates.registry.manifests import load

_SECONDS = 5.0
_POLL = 0.05
"""Seconds after which a deadline that a signal moved is noticed: the helper must not outlive the check."""
_MAX_ANSWER = 64 * 1024
_NOT_FOUND = b"credentials not found"


def ask(name: str, server: str, deadline: Deadline, running: set[int]) -> tuple[str, str] | None:
    """User name and secret that `docker-credential-NAME get` has for `server`; None where it has none.

    While the program runs its process group stands in `running`, for whom the deadline ends before this thread.
    Raises `BadAnswer` or `TimedOut` after 5 s or at the deadline; neither holds what the program printed.
    """
    if not name or not all(letter.isalnum() or letter in "-_." for letter in name):
        raise BadAnswer("a credential helper's name is made of letters, digits, dots and dashes")
    limit = min(_SECONDS, deadline.remaining())
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell, the name is checked, the admin's own configuration
            [f"docker-credential-{name}", "get"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise BadAnswer(f"the credential helper cannot be started: {error.strerror}") from None
    running.add(process.pid)
    try:
        answer = _talk(process, server, limit, deadline)
    finally:
        with suppress(OSError):
            os.killpg(process.pid, 9)
        running.discard(process.pid)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
    if _NOT_FOUND in answer[:1024]:
        return None
    document = load(answer, "credential helper's answer")
    username, secret = document.get("Username"), document.get("Secret")
    if not isinstance(username, str) or not isinstance(secret, str):
        raise BadAnswer("the credential helper answered without Username and Secret")
    return (username, secret) if username and secret else None


def _talk(process: "subprocess.Popen[bytes]", server: str, limit: float, whole: Deadline) -> bytes:
    """Write the server's name, read until the end; the time limit is the whole conversation's."""
    deadline = Deadline(limit, Clock())
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None  # noqa: S101 - both are pipes
    assert stdout is not None  # noqa: S101
    with suppress(OSError):
        stdin.write(server.encode())
        stdin.close()
    answer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        while not deadline.passed() and not whole.passed():
            if not selector.select(min(_POLL, deadline.remaining())):
                continue
            chunk = os.read(stdout.fileno(), 4096)
            if not chunk:
                return answer
            answer += chunk
            if len(answer) > _MAX_ANSWER:
                raise BadAnswer("the credential helper answers more than a login")
    raise TimedOut(f"the credential helper did not answer within {limit:.1f} s")
