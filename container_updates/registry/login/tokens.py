"""Bearer tokens (distribution-spec, auth/token and auth/oauth): as few requests as servers and proxies allow."""

import math
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from container_updates.clock import Clock, Deadline
from container_updates.errors import BadAnswer, Inconclusive, RateLimited, Unauthorized, Unreachable
from container_updates.registry.hosts import Hosts, authority
from container_updates.registry.http.exchange import Answer, Transport
from container_updates.registry.http.headers import retry_at
from container_updates.registry.login.credentials import Credentials, Login
from container_updates.registry.login.demands import Demand
from container_updates.registry.manifests import load
from container_updates.registry.single_flight import Once

_MAX_TOKEN_ANSWER = 1024 * 1024
_MAX_SCOPES = 5000
"""Characters of the scopes in one URL."""
_MAX_SHARED = 6000
"""Characters of a token for several repositories: nginx and Apache take 8 KiB of a header, unless told otherwise."""
_AIMED_AT = 4000


@dataclass(frozen=True, slots=True)
class Place:
    """A host as it is asked: the scheme that works there, and whose login is for it."""

    scheme: str
    host: str
    login_name: str
    names: str = ""
    """What the names of repositories begin with in a token's scope."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a token server gave."""

    text: str = field(repr=False)
    repositories: tuple[str, ...]
    """That it was asked for."""
    with_login: bool
    since: float
    """When it was asked for, on the steady clock."""
    until: float


class Tokens:
    """Tokens of one run, in memory only; used by many threads."""

    def __init__(
        self, *, transport: Transport, hosts: Hosts, credentials: Credentials, clock: Clock, deadline: Deadline
    ) -> None:
        self._transport = transport
        self._hosts = hosts
        self._credentials = credentials
        self._clock = clock
        self._tokens: Once[Token] = Once(deadline)
        self._expected: dict[str, set[str]] = {}
        self._lock = threading.Lock()
        self._shared: dict[tuple[Place, Demand], dict[str, tuple[str, ...]]] = {}
        self._renewed: set[Token] = set()

    def expect(self, login_name: str, repositories: Iterable[str]) -> None:
        """Announce the repositories that will be asked for, so that one token can name them all."""
        with self._lock:
            self._expected.setdefault(login_name, set()).update(repositories)
            self._shared.clear()

    def login(self, place: Place, repository: str) -> Login | None:
        """The login that may be sent there; None for anonymous."""
        login = self._credentials.login(place.login_name, repository)
        return login if login and self._hosts.may_see_login(place.scheme, place.host) else None

    def get(self, place: Place, demand: Demand, repository: str) -> Token:
        """A token for the repository and others that are expected; for it alone where there is none to be had.

        Raises `Inconclusive` where there is none for it alone.
        """
        login = self.login(place, repository)
        while len(together := self._together(place, demand, repository)) > 1:
            try:
                token = self._valid(place, demand, login, together)
            except Inconclusive:
                break  # one of them may be to blame, or their number
            if len(token.text) <= _MAX_SHARED:
                return token
            self._split(place, demand, together, math.ceil(len(token.text) / _AIMED_AT))
        return self._valid(place, demand, login, (repository,))

    def alone(self, place: Place, demand: Demand, repository: str) -> Token:
        """A token for this repository only."""
        return self._valid(place, demand, self.login(place, repository), (repository,))

    def smaller(self, place: Place, demand: Demand, repository: str, refused: Token) -> Token:
        """A token for fewer repositories than the one that was too large for whoever stands before the registry."""
        self._split(place, demand, refused.repositories, 2)
        return self.get(place, demand, repository)

    def renewed(self, place: Place, demand: Demand, repository: str, refused: Token) -> Token:
        """A new token for the same repositories in the place of a refused one; itself where it is a new one already."""
        login = self.login(place, repository)
        with self._lock:
            if refused not in self._renewed:
                self._renewed.add(refused)
                self._tokens.forget(_key(place, demand, login, refused.repositories))
        token = self._valid(place, demand, login, refused.repositories)
        with self._lock:
            self._renewed.add(token)
        return token

    def _together(self, place: Place, demand: Demand, repository: str) -> tuple[str, ...]:
        """The expected repositories that share this one's login and token, few enough for one URL."""
        if place.names:
            return (repository,)  # expected in the registry, not beside it
        shared = self._shared.get((place, demand))
        if shared is None:
            by_login: dict[Login | None, list[list[str]]] = {}
            for name in sorted(self._expected.get(place.login_name, ())):
                chunks = by_login.setdefault(self.login(place, name), [[]])
                if len("&scope=repository::pull".join(["", *chunks[-1], name])) > _MAX_SCOPES:
                    chunks.append([])
                chunks[-1].append(name)
            shared = {name: tuple(chunk) for chunks in by_login.values() for chunk in chunks for name in chunk}
            with self._lock:
                shared = self._shared.setdefault((place, demand), shared)
        return shared.get(repository, (repository,))

    def _split(self, place: Place, demand: Demand, repositories: tuple[str, ...], parts: int) -> None:
        """Let fewer repositories share a token, unless they do already."""
        size = max(1, math.ceil(len(repositories) / max(2, parts)))
        with self._lock:
            shared = self._shared.get((place, demand), {})
            for start in range(0, len(repositories), size):
                chunk = repositories[start : start + size]
                shared.update({name: chunk for name in chunk if shared.get(name) == repositories})

    def _valid(self, place: Place, demand: Demand, login: Login | None, repositories: tuple[str, ...]) -> Token:
        key = _key(place, demand, login, repositories)
        token = self._tokens.get(key, lambda: self._fetch(place, demand, login, repositories))
        if token.until <= self._clock.steady():
            self._tokens.forget(key)
            token = self._tokens.get(key, lambda: self._fetch(place, demand, login, repositories))
        return token

    def _fetch(self, place: Place, demand: Demand, login: Login | None, repositories: tuple[str, ...]) -> Token:
        realm = self._checked_realm(place, demand.realm)
        scheme, _, rest = realm.partition("://")
        realm_host = authority(scheme, rest.partition("/")[0])
        if login and not self._hosts.may_see_login(scheme, realm_host):
            login = None
        started = self._clock.steady()
        scopes = [f"repository:{place.names}{repository}:pull" for repository in repositories]
        headers: dict[str, str] = {}
        if login and login.identity_token:
            # OAuth2 refresh (distribution-spec's token/oauth): the only POST, and never to a registry's own data.
            form = {"grant_type": "refresh_token", "client_id": "check_container_updates", "service": demand.service,
                    "scope": " ".join(scopes), "refresh_token": login.identity_token}  # fmt: skip
            answer = self._transport.send(
                "POST", realm, asked=place.host, headers={}, limit=_MAX_TOKEN_ANSWER, form=form
            )
        else:
            if login:
                headers["Authorization"] = login.basic
            query = [("service", demand.service)] if demand.service else []
            query += [("scope", scope) for scope in scopes]
            url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(query, safe=':/')}"
            answer = self._transport.send("GET", url, asked=place.host, headers=headers, limit=_MAX_TOKEN_ANSWER)
        text, seconds = self._read(realm_host, answer, login is not None)
        return Token(text, repositories, login is not None, started, started + seconds)

    def _read(self, host: str, answer: Answer, with_login: bool) -> tuple[str, float]:
        """The token in an answer, and the seconds for which it is good."""
        if answer.status in (400, 401, 403, 404):
            who = "the login was refused" if with_login else "it gives no anonymous token"
            raise Unauthorized(f"no token from {host}: {who} (HTTP {answer.status})", status=answer.status)
        if answer.status == 429:
            until = retry_at(answer.headers.get("Retry-After"), self._clock.now(), answer.body)
            raise RateLimited(f"{host} gives no more tokens for now", status=429, retry_at=until)
        if answer.status >= 500:
            words = f"no token from {host}: server error (HTTP {answer.status})"
            raise Unreachable(words, status=answer.status)
        if answer.status != 200:
            raise BadAnswer(f"no token from {host}: HTTP {answer.status}", status=answer.status)
        document = load(answer.body, f"token from {host}")
        text = document.get("token") or document.get("access_token")
        if not isinstance(text, str) or not re.fullmatch(r"[!-~]{1,32768}", text):
            raise BadAnswer(f"the token server {host} answers without a token")
        return text, _lifetime(document)

    def _checked_realm(self, place: Place, realm: str) -> str:
        """The realm exactly as given, if a token may be asked for there."""
        try:
            parts = urlsplit(realm)
            _ = parts.port
        except ValueError:
            raise BadAnswer(f"{place.host} names a token server that is no URL") from None
        host = authority(parts.scheme, parts.netloc)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in host or not realm.isprintable():
            raise BadAnswer(f"{place.host} names a token server that is no https URL")
        if reason := self._hosts.objection(place.scheme, place.host, parts.scheme, host):
            raise BadAnswer(f"{place.host} names a token server {reason}: {host}")
        return realm.partition("#")[0]


def _key(place: Place, demand: Demand, login: Login | None, repositories: tuple[str, ...]) -> tuple[object, ...]:
    return (place, demand, login.key if login else "", repositories)


def _lifetime(document: Mapping[str, object]) -> float:
    """Seconds a token is good for, 60 unless said otherwise (distribution, auth/token)."""
    seconds = document.get("expires_in")
    usable = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 10 <= seconds <= 86400
    return float(seconds) - 5 if usable else 55.0  # type: ignore[arg-type]
