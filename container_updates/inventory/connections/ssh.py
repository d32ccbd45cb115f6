"""An engine behind ssh: a child `ssh` carries HTTP to `docker system dial-stdio` there, as Docker's client does it.

ssh_config, agent and known hosts count as they do at a terminal; nobody is asked for anything.
"""

import os
import shlex
import socket
import subprocess
import threading
from contextlib import suppress
from math import ceil
from urllib.parse import urlsplit

from container_updates.clock import Deadline
from container_updates.errors import InventoryError
from container_updates.inventory.connections.failures import one_line

_FORM = "ssh://[USER@]HOST[:PORT][/PATH/OF/SOCKET]"
_NEVER = frozenset(" \t\r\n\0\"'`$\\;&<>|(){}")
"""Signs that some shell between ssh_config and the host could take for its own."""
_LONGEST_WORDS = 4096
"""Bytes of what ssh says that are looked at."""


class Ssh:
    """The way to one engine; `connect` starts a child that lives as long as its socket, `close` ends those left."""

    def __init__(self, url: str, shown: str) -> None:
        """Start nothing yet; raises `InventoryError` for a URL that is none, or that ssh would take for an option."""
        try:
            parts = urlsplit(url)
            host, user, port, path = parts.hostname or "", parts.username or "", parts.port, parts.path.rstrip("/")
        except ValueError:
            host = user = path = ""
            port = None
        if not host or parts.query or parts.fragment:
            raise InventoryError(f"{shown} is no engine URL: {_FORM}")
        if parts.password is not None:
            raise InventoryError(f"{shown}: ssh takes no password from a URL: use a key")
        if any(not part or part[0] == "-" or set(part) & _NEVER for part in (host, user or "root")):
            raise InventoryError(f"{shown}: no ssh host or user is called so")
        # urlsplit folds it; an alias in ssh_config is looked up as it is written.
        written = parts.netloc.rpartition("@")[2]
        if not written.startswith("["):
            host = written.partition(":")[0]
        self._target = [*(("-l", user) if user else ()), *(("-p", str(port)) if port else ()), "--", host]
        self._remote = _remote_command(path)
        self._children: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()

    def connect(self, deadline: Deadline) -> socket.socket:
        """Return a socket to a child `ssh`; raises `OSError` where none can be started."""
        seconds = max(1, ceil(deadline.remaining()))
        options = ["-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={seconds}"]
        ours, theirs = socket.socketpair()
        try:
            child = subprocess.Popen(  # noqa: S603 - no shell, and what stands for an option is refused
                ["ssh", *options, *self._target, self._remote],  # noqa: S607 - the one that the admin uses
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,  # a terminal's Ctrl-C is for the check, which ends its children itself
            )
        except FileNotFoundError:
            ours.close()
            raise InventoryError("ssh is missing: apt install openssh-client") from None
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        with self._lock:
            self._children.append(child)
        ours.settimeout(max(deadline.remaining(), 0.001))
        return ours

    def complaint(self) -> str:
        """Return what ssh, or the command that it started, said last; "" for nothing."""
        with self._lock:
            child = self._children[-1] if self._children else None
        if child is None or child.stderr is None:
            return ""
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=1)  # its end of the socket is closed: what it has to say comes now
        with suppress(OSError, ValueError):
            os.set_blocking(child.stderr.fileno(), False)
            said = child.stderr.read(_LONGEST_WORDS) or b""
            lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
            return one_line(lines[-1]) if lines else ""
        return ""

    def close(self) -> None:
        """End the children that are left."""
        with self._lock:
            for child in self._children:
                with suppress(OSError):
                    child.kill()
                with suppress(OSError, subprocess.TimeoutExpired):
                    child.wait(timeout=1)
                if child.stderr is not None:
                    child.stderr.close()
            self._children.clear()


def _remote_command(path: str) -> str:
    """Return what carries the engine's socket on the other side; for a path it is that socket."""
    if not path:
        return "docker system dial-stdio"
    url = shlex.quote(f"unix://{path}")
    return f"podman --url {url} system dial-stdio" if "podman" in path else f"docker --host {url} system dial-stdio"
