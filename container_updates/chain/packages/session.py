"""What all containers of one run share: fetched repositories, indexes, and what was found for the same database."""

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Protocol

from container_updates import __version__
from container_updates.chain.packages.managers import MANAGERS, Database
from container_updates.clock import Clock, Deadline
from container_updates.contents import release_file
from container_updates.contents.apt.setup import keys
from container_updates.contents.apt.suites import Suites
from container_updates.contents.errors import Untrusted
from container_updates.contents.files import Files
from container_updates.contents.libraries import Missing
from container_updates.contents.once import Once
from container_updates.contents.pending import Inside
from container_updates.contents.repositories import proxies
from container_updates.contents.repositories.fetch import Fetcher
from container_updates.errors import InventoryError
from container_updates.model import Container, Finding, Problem, RequestRecord, Verdict
from container_updates.settings import Settings
from container_updates.state.indexes import Indexes

_KEYRINGS = ("/usr/share/keyrings",)
_PLACE, _FOUND = "packages-at", "packages"


class Store(Protocol):
    """Where answers and facts are kept."""

    def get(self, kind: str, key: str) -> bytes | None: ...  # noqa: D102 - as state.store has them
    def put(self, kind: str, key: str, value: bytes, ttl: float | None) -> None: ...  # noqa: D102
    def recall(self, kind: str, key: str) -> bytes | None: ...  # noqa: D102
    def remember(self, kind: str, key: str, value: bytes | None) -> None: ...  # noqa: D102


class Repositories(Protocol):
    """The part of a trust policy that is about package repositories."""

    @property
    def keyrings(self) -> Sequence[bytes]: ...  # noqa: D102 - as trust.policy.rules has them
    @property
    def require_host(self) -> bool: ...  # noqa: D102
    def allows(self, url: str) -> bool: ...  # noqa: D102


class Session:
    """Used from many threads; nothing is opened or asked before it is needed."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        policy: Callable[[], Repositories | None],
        policy_fingerprint: str,
        *,
        clock: Clock,
        deadline: Deadline,
        keyrings: Sequence[str] = _KEYRINGS,
    ) -> None:
        self._settings, self._store, self._clock, self._deadline = settings, store, clock, deadline
        self._policy, self._policy_fingerprint, self._keyrings = policy, policy_fingerprint, keyrings
        self._once = Once()
        self._indexes: Indexes | None = None
        self._fetcher: Fetcher | None = None
        self._missing: dict[str, Problem] = {}

    @property
    def requests(self) -> list[RequestRecord]:
        """Every request to a package repository."""
        return self._fetcher.requests if self._fetcher else []

    @property
    def problems(self) -> list[Problem]:
        """What is to be said of the file of indexes, and of what this host lacks."""
        return [*self._missing.values(), *(self._indexes.problems if self._indexes else ())]

    def close(self) -> None:
        """Close what was opened."""
        if self._indexes is not None:
            self._indexes.close()

    def database(self, files: Files, image: str) -> Database | None:
        """Return the package database of a container, None where it has none; raises `Unsupported`.

        Where an image's is, is remembered: one HEAD is enough for a container that is known.
        """
        place = (self._store.recall(_PLACE, image) or b"").decode("utf-8", "replace") if image else ""
        for path in dict.fromkeys(([place] if place in MANAGERS else []) + [*MANAGERS]):
            found = files.find(path)
            if found is not None and (found[1].size > 0 or found[1].kind != "file"):
                if image and path != place:
                    self._store.remember(_PLACE, image, path.encode())
                return Database(path, *found)
        if files.find("/") is None:
            raise InventoryError("the container is gone")
        return None

    def known(self, container: Container, database: Database, find: Callable[[], Finding]) -> Finding:
        """Return what `find` returned for the same image and database within the time to live, else what it does now.

        Raises what `find` raises, once for all containers that it is about.
        """
        image = container.subject.image.id if container.subject else container.id
        stat = database.stat
        question = [__version__, image, database.path, stat.size, stat.mtime, self._policy_fingerprint]
        key = sha256(json.dumps(question).encode()).hexdigest()

        def answer() -> Finding:
            kept = _unpack(self._store.get(_FOUND, key))
            if kept is not None:
                return kept
            try:
                found = find()
            except Missing as error:
                self._missing.setdefault(error.reason, Problem("packages", error.code, error.reason))
                raise
            self._store.put(_FOUND, key, _pack(found), self._settings.cache_ttl)
            return found

        return self._once.get(key, answer)

    def inside(self, files: Files, database: Database) -> Inside:
        """Read a container's packages and compare them; raises `Inconclusive`."""
        release = release_file.read(files, self._clock.now().date())
        found = MANAGERS[database.path](files, database.real, release, self._once.get("suites", self._suites))
        policy = self._policy()
        if policy is not None and policy.require_host and found.trust != "host":
            raise Untrusted(
                "a repository is signed by a key that only the container has, and the policy wants a host's"
            )
        return found

    def _suites(self) -> Suites:
        policy = self._policy()
        host_keys = keys.on_host(self._keyrings)
        if policy is not None:
            host_keys += [key for keyring in policy.keyrings for key in keys.in_keyring(keyring)]
        self._indexes = Indexes(self._settings.state_dir, clock=self._clock)
        self._fetcher = Fetcher(
            clock=self._clock,
            deadline=self._deadline,
            allowed=policy.allows if policy is not None else lambda url: False,
            proxy=proxies.of_environment,
        )
        return Suites(
            self._fetcher,
            self._indexes,
            host_keys=host_keys,
            clock=self._clock,
            deadline=self._deadline,
            cache_ttl=0 if self._settings.no_cache else self._settings.cache_ttl,
        )


def _pack(found: Finding) -> bytes:
    return json.dumps([found.code, found.verdict.value, found.message, dict(found.details)]).encode()


def _unpack(value: bytes | None) -> Finding | None:
    try:
        code, verdict, message, details = json.loads(value or b"")
        return Finding("packages", str(code), Verdict(verdict), str(message), dict(details))
    except (ValueError, TypeError):
        return None
