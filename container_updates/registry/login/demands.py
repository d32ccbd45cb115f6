"""What repositories demand before they answer, as far as this run or an earlier one has seen it.

By repository: one host may have open ones and closed ones, and another token server for each (Artifactory). What most
repositories of a host demand is the guess for those that were never asked.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from container_updates.errors import Unauthorized
from container_updates.registry.http.exchange import Answer
from container_updates.registry.login.challenge import choose, parse

if TYPE_CHECKING:
    from container_updates.state.store import Store

_KEPT = 7 * 86400.0


class Demand(NamedTuple):
    """What has to be shown: `none`, `basic`, or `bearer` with the server that hands out tokens."""

    scheme: str
    realm: str = ""
    service: str = ""


NOTHING = Demand("none")


def demanded(answer: Answer, host: str) -> Demand | None:
    """Return what an answer demands (RFC 9110, 11.6.1); None where it is no 401, or one that does not say what.

    Raises `Unauthorized` where it says how, but only in ways that are not known here.
    """
    if answer.status != 401:
        return None
    challenges = parse(answer.headers.get("WWW-Authenticate", ""))
    challenge = choose(challenges)
    if challenge is None:
        offered = ", ".join(dict.fromkeys(other.scheme for other in challenges if other.scheme != "bearer"))[:100]
        if offered:
            raise Unauthorized(f"{host} wants a login, but only by {offered}", status=401)
        return None
    if challenge.scheme == "bearer":
        return Demand("bearer", challenge.parameters["realm"], challenge.parameters.get("service", ""))
    return Demand("basic")


class Demands:
    """Demands by host and repository; used by many threads."""

    def __init__(self, store: "Store", key: Callable[[str], str]) -> None:
        """Remember in `store`, a host under `key(host)`."""
        self._store = store
        self._key = key
        self._seen: dict[tuple[str, str], Demand] = {}
        self._remembered: dict[tuple[str, str], Demand | None] = {}
        self._guesses: dict[str, Demand] = {}

    def known(self, host: str, repository: str) -> Demand | None:
        """What the repository demands, or is likely to; None for a host that was never asked."""
        return self._seen.get((host, repository)) or self._recall(host, repository) or self.guess(host)

    def certain(self, host: str, repository: str) -> bool:
        """Whether this run has seen what the repository demands."""
        return (host, repository) in self._seen

    def guess(self, host: str) -> Demand | None:
        """What the host's repositories are likely to demand; None for a host that was never asked."""
        return self._guesses.get(host) or self._recall(host, "")

    def learn(self, host: str, repository: str, demand: Demand) -> None:
        """Remember what a repository demands; that it demands nothing only where nothing else was seen."""
        if demand == NOTHING and self.certain(host, repository):
            return
        self._seen[host, repository] = demand
        guess = self._guesses.get(host)
        if guess is None or (guess == NOTHING and demand != NOTHING):
            self._guesses[host] = demand
            self._keep(host, "", demand)
        if (self._recall(host, repository) or self._guesses[host]) != demand:
            self._keep(host, repository, demand)

    def _recall(self, host: str, repository: str) -> Demand | None:
        place = (host, repository)
        if place not in self._remembered:
            kept = self._store.get("challenge", self._name(host, repository))
            try:
                self._remembered[place] = Demand(*map(str, json.loads(kept))) if kept else None
            except (ValueError, TypeError):
                self._remembered[place] = None
        return self._remembered[place]

    def _keep(self, host: str, repository: str, demand: Demand) -> None:
        if self._recall(host, repository) != demand:
            self._remembered[host, repository] = demand
            value = json.dumps([demand.scheme, demand.realm, demand.service]).encode()
            self._store.put("challenge", self._name(host, repository), value, _KEPT)

    def _name(self, host: str, repository: str) -> str:
        return f"{self._key(host)} {repository}".rstrip()
