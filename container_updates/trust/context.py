"""What the admin decided and what earlier runs saw; either is read once somebody asks for it.

A run that knows all its findings asks for neither. It only has to know that both are what they were.
"""

import json
import os
import threading
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from container_updates import __version__
from container_updates.clock import Clock
from container_updates.errors import PolicyError
from container_updates.model import Problem
from container_updates.trust.memory.mark import MARK, MEMORY_FILE, Facts
from container_updates.trust.policy import files
from container_updates.trust.policy.files import Source

if TYPE_CHECKING:
    from container_updates.trust.memory.signer_memory import Memory
    from container_updates.trust.policy.rules import Policy


class TrustContext:
    """Policy and memory of one run, for many threads; `close` writes what the run has met."""

    def __init__(self, policies: Sequence[str], folder: str, *, facts: Facts, clock: Clock) -> None:
        """Raises `PolicyError`: a policy is read whole unless its files are those that were found right before."""
        self._policies, self._folder, self._facts, self._clock = tuple(policies), folder, facts, clock
        self._lock = threading.RLock()
        self._policy: Policy | None = None
        self._memory: Memory | None = None
        self._sources: tuple[Source, ...] = ()
        self.final_mirrors: tuple[str, ...] = ()
        """Hosts of mirrors that speak for their registry, as the policy says."""
        if policies:
            self._sources, self.final_mirrors = self._read()
        self.policy_fingerprint = sha256(json.dumps(self._sources).encode()).hexdigest() if policies else ""
        """Of every file of the policy, and where it lies: what is made of it may be kept under this."""
        self.memory_fingerprint = self._seen()
        """The same for the memory: another one where a run has added to it, or where the file is another."""

    @property
    def policy(self) -> "Policy | None":
        """Whom the admin trusts; None where no policy was given."""
        with self._lock:
            if self._policies and self._policy is None:
                self._policy = self._load()
                if self._policy.sources != self._sources:
                    raise PolicyError(f"{self._policies[0]}: changed while it was read")
            return self._policy

    @property
    def memory(self) -> "Memory":
        """Who signed and built last time."""
        with self._lock:
            if self._memory is None:
                from container_updates.trust.memory.signer_memory import Memory

                keys = [key.public_key for key in self.policy.keys] if self.policy else ()
                mark = self.policy_fingerprint[:16] or "none"
                self._memory = Memory(self._folder, facts=self._facts, clock=self._clock, keys=keys, policy=mark)
            return self._memory

    @property
    def problems(self) -> list[Problem]:
        """What is to be said of the memory's file."""
        return self._memory.problems if self._memory else []

    def close(self) -> None:
        """Write what this run has met."""
        if self._memory is not None:
            self._memory.close()

    def _seen(self) -> str:
        mark = (self._facts.recall(*MARK) or b"").decode("ascii", "replace")
        try:
            found = os.stat(Path(self._folder, MEMORY_FILE))
        except OSError:
            return mark
        return f"{mark} {found.st_ino} {found.st_size} {found.st_mtime_ns}"

    def _read(self) -> tuple[tuple[Source, ...], tuple[str, ...]]:
        key = "\n".join((__version__, *self._policies))
        known = _unpack(self._facts.recall("policy", key))
        if known is not None and files.unchanged(known[0]):
            return known
        self._policy = self._load()
        read = self._policy.sources, self._policy.mirrors
        self._facts.remember("policy", key, json.dumps(read).encode())
        return read

    def _load(self) -> "Policy":
        from container_updates.trust.policy import load

        return load.load(self._policies)


def _unpack(fact: bytes | None) -> tuple[tuple[Source, ...], tuple[str, ...]] | None:
    try:
        sources, mirrors = json.loads(fact or b"")
        return tuple((str(path), str(digest)) for path, digest in sources), tuple(map(str, mirrors))
    except (ValueError, TypeError):
        return None
