"""What a registry wants to see before it answers: nothing, Basic, or a Bearer token (distribution-spec, auth/token)."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from container_updates.clock import Clock, Deadline
from container_updates.errors import BadAnswer, RateLimited, Unauthorized, Unreachable
from container_updates.registry.hosts import Hosts, authority
from container_updates.registry.http.exchange import Answer, Transport
from container_updates.registry.http.headers import retry_at
from container_updates.registry.login.challenge import choose, parse
from container_updates.registry.login.credentials import Credentials, Login
from container_updates.registry.manifests import load
from container_updates.registry.single_flight import Once
from container_updates.untrusted.addresses import is_loopback

if TYPE_CHECKING:
    from container_updates.state.store import Store

_MAX_TOKEN_ANSWER = 1024 * 1024
_MAX_SCOPES = 5000
_CHALLENGE_KEPT = 7 * 86400.0
_TOKEN = re.compile(r"[!-~]{1,32768}")


@dataclass(frozen=True, slots=True)
class Place:
    """A host as it is asked: the scheme that works there, and whose login is for it."""

    scheme: str
    host: str
    login_name: str
    names: str = ""
    """What the names of repositories begin with in a token's scope."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a host demands: `none`, `basic`, or `bearer` with the server that hands out tokens."""

    scheme: str
    realm: str = ""
    service: str = ""


_NOTHING = Demand("none")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    until: float
    """On the steady clock."""


class Auth:
    """Knows what each host demands and has what satisfies it; tokens live in memory only."""

    def __init__(
        self,
        *,
        transport: Transport,
        hosts: Hosts,
        credentials: Credentials,
        store: "Store",
        clock: Clock,
        deadline: Deadline,
    ) -> None:
        self._transport = transport
        self._hosts = hosts
        self._credentials = credentials
        self._store = store
        self._clock = clock
        self._demands: dict[str, Demand] = {}
        self._confirmed: set[str] = set()
        self._tokens: Once[_Token] = Once(deadline)
        self._expected: dict[str, set[str]] = {}
        self._shared: dict[Place, dict[str, tuple[str, ...]]] = {}

    def expect(self, login_name: str, repositories: Iterable[str]) -> None:
        """Announce the repositories that will be asked for, so that one token can name them all."""
        self._expected.setdefault(login_name, set()).update(repositories)
        self._shared.clear()

    def login(self, place: Place, repository: str) -> Login | None:
        """The login that may be sent there; None for anonymous."""
        login = self._credentials.login(place.login_name, repository)
        return login if login and self._hosts.may_see_login(place.scheme, place.host) else None

    def demand(self, host: str) -> Demand | None:
        """What the host demands as far as this or an earlier run has learnt; None if it was never asked."""
        if host not in self._demands:
            kept = self._store.get("challenge", self._memory_key(host))
            if kept is None:
                return None
            try:
                self._demands[host] = Demand(*map(str, json.loads(kept)))
            except (ValueError, TypeError):
                return None
        return self._demands[host]

    def confirmed(self, host: str) -> bool:
        """Whether what the host demands was seen in this run."""
        return host in self._confirmed

    def learn(self, host: str, answer: Answer, authorization: str | None) -> bool:
        """Remember what an answer to a request with this authorization says of the host's demand; True if that is news.

        Raises `Unauthorized` for a 401 that does not say how to log in, or only in ways that are not known here.
        """
        if answer.status != 401:
            if answer.status in (200, 404):
                self._confirmed.add(host)
                if authorization is None:
                    self._remember(host, _NOTHING)
            return False
        header = answer.headers.get("WWW-Authenticate", "")
        challenges = parse(header)
        challenge = choose(challenges)
        if challenge is None:
            if self._demands.get(host, _NOTHING) != _NOTHING:
                return False
            offered = ", ".join(dict.fromkeys(other.scheme for other in challenges))[:100]
            how = f"only by {offered}" if offered else "without saying how"
            raise Unauthorized(f"{host} wants a login, but {how}", status=401)
        parameters = challenge.parameters
        demand = Demand("basic")
        if challenge.scheme == "bearer":
            demand = Demand("bearer", parameters["realm"], parameters.get("service", ""))
        news = self._demands.get(host) != demand
        self._remember(host, demand)
        return news

    def _remember(self, host: str, demand: Demand) -> None:
        self._confirmed.add(host)
        if self._demands.get(host) != demand:
            self._demands[host] = demand
            value = json.dumps([demand.scheme, demand.realm, demand.service]).encode()
            self._store.put("challenge", self._memory_key(host), value, _CHALLENGE_KEPT)

    def _memory_key(self, host: str) -> str:
        """A token server that was named over a connection anybody could forge is not remembered for a trusted one."""
        return host if self._hosts.may_see_login("https", host) else f"{host} (unverified)"

    def authorization(self, place: Place, repository: str, *, alone: bool = False) -> str | None:
        """The Authorization header for a repository; None where nothing is demanded, or nothing known of it.

        `alone`: by a token for this repository only. Raises `Inconclusive` where there is no token to be had.
        """
        demand = self.demand(place.host)
        if demand is None or demand == _NOTHING:
            return None
        login = self.login(place, repository)
        if demand.scheme == "basic":
            if login is None or login.identity_token:
                raise Unauthorized(self._no_login(place, repository), status=401)
            return login.basic
        if not alone:
            together = self._together(place, repository)
            try:
                return self._bearer(place, demand, login, together)
            except (Unauthorized, BadAnswer):
                if together == (repository,):
                    raise
        return self._bearer(place, demand, login, (repository,))

    def _together(self, place: Place, repository: str) -> tuple[str, ...]:
        """The expected repositories that share this one's login and token, few enough for one URL."""
        if place.names:
            return (repository,)  # expected in the registry, not beside it
        shared = self._shared.get(place)
        if shared is None:
            by_login: dict[Login | None, list[list[str]]] = {}
            for name in sorted(self._expected.get(place.login_name, ())):
                chunks = by_login.setdefault(self.login(place, name), [[]])
                if len("&scope=repository::pull".join(["", *chunks[-1], name])) > _MAX_SCOPES:
                    chunks.append([])
                chunks[-1].append(name)
            shared = {name: tuple(chunk) for chunks in by_login.values() for chunk in chunks for name in chunk}
            self._shared[place] = shared
        return shared.get(repository, (repository,))

    def _bearer(self, place: Place, demand: Demand, login: Login | None, repositories: tuple[str, ...]) -> str:
        key = (place, demand, login.key if login else "", repositories)
        token = self._tokens.get(key, lambda: self._fetch(place, demand, login, repositories))
        if token.until <= self._clock.steady():
            self._tokens.forget(key)
            token = self._tokens.get(key, lambda: self._fetch(place, demand, login, repositories))
        return f"Bearer {token.text}"

    def _fetch(self, place: Place, demand: Demand, login: Login | None, repositories: tuple[str, ...]) -> _Token:
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
        return self._token(realm_host, answer, started, login is not None)

    def _token(self, host: str, answer: Answer, started: float, with_login: bool) -> _Token:
        if answer.status in (400, 401, 403, 404):
            who = "the login was refused" if with_login else "it gives no anonymous token"
            raise Unauthorized(f"no token from {host}: {who} (HTTP {answer.status})", status=answer.status)
        if answer.status == 429:
            until = retry_at(answer.headers.get("Retry-After"), self._clock.now())
            raise RateLimited(f"{host} gives no more tokens for now", status=429, retry_at=until)
        if answer.status >= 500:
            raise Unreachable(f"no token from {host}: HTTP {answer.status}", status=answer.status)
        if answer.status != 200:
            raise BadAnswer(f"no token from {host}: HTTP {answer.status}", status=answer.status)
        document = load(answer.body, f"token from {host}")
        text = document.get("token") or document.get("access_token")
        if not isinstance(text, str) or not _TOKEN.fullmatch(text):
            raise BadAnswer(f"the token server {host} answers without a token")
        return _Token(text, started + _lifetime(document))

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
        if parts.scheme == "http":
            here = place.scheme == "http" and is_loopback(place.host)
            if not (here if is_loopback(host) else self._hosts.insecure(host)):
                raise BadAnswer(f"{place.host} names a token server without TLS: {host}")
        return realm.partition("#")[0]

    def _no_login(self, place: Place, repository: str) -> str:
        if self._credentials.login(place.login_name, repository):
            return f"{place.host} wants a login, which is not sent without verified TLS (see --insecure-registry)"
        return f"{place.host} wants a login, and there is none for it"


def _lifetime(document: Mapping[str, object]) -> float:
    """Seconds a token is good for, 60 unless said otherwise (distribution, auth/token)."""
    seconds = document.get("expires_in")
    usable = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 10 <= seconds <= 86400
    return float(seconds) - 5 if usable else 55.0  # type: ignore[arg-type]
