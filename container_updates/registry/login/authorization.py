"""One question to a host, and what the host wants to see before it answers: nothing, Basic, or a Bearer token."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from container_updates.clock import Clock, Deadline
from container_updates.errors import Inconclusive, Unauthorized
from container_updates.registry.hosts import Hosts, authority, registry_at
from container_updates.registry.http.exchange import Answer, Transport
from container_updates.registry.login.credentials import Credentials, Login
from container_updates.registry.login.demands import NOTHING, Demand, Demands, demanded
from container_updates.registry.login.tokens import Place, Token, Tokens
from container_updates.registry.single_flight import Once

if TYPE_CHECKING:
    from container_updates.state.store import Store

__all__ = ["Auth", "Place", "Reply"]

_REFUSED = (401, 403)
_TOO_LARGE = (400, 413, 431)
"""Of a header, as nginx, Apache and HAProxy say it."""
_EXPIRED = (400, 401)
_HIDDEN = (401, 403, 404)
"""How registries answer to strangers about what is there."""
_NOT_SENT = "which is not sent without verified TLS (see --insecure-registry)"
_SMALL = 64 * 1024
_KINDS = ("/manifests/", "/blobs/", "/tags/", "/referrers/", "/_trust/")

Send = Callable[[str | None], Answer]
"""Given an Authorization header, asks the question."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a question was asked with."""

    header: str
    demand: Demand
    with_login: bool
    token: Token | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, the host that gave it, and whether that was shown a login."""

    answer: Answer
    place: Place
    with_login: bool


class Auth:
    """Knows what each repository demands and has what satisfies it; used by many threads."""

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
        self._clock = clock
        self._demands = Demands(store, self._memory_key)
        self._tokens = Tokens(transport=transport, hosts=hosts, credentials=credentials, clock=clock, deadline=deadline)
        self._doors: Once[Demand | None] = Once(deadline)

    def expect(self, login_name: str, repositories: Iterable[str]) -> None:
        """Announce the repositories that will be asked for, so that one token can name them all."""
        self._tokens.expect(login_name, repositories)

    def login(self, place: Place, repository: str) -> Login | None:
        """The login that may be sent there; None for anonymous."""
        return self._tokens.login(place, repository)

    def knows(self, host: str) -> bool:
        """Whether this or an earlier run has seen what the host demands."""
        return self._demands.guess(host) is not None

    def ask(
        self,
        place: Place,
        method: str,
        path: str,
        repository: str,
        *,
        headers: Mapping[str, str],
        limit: int,
        heard: Callable[[Answer], None],
    ) -> Reply:
        """Return the answer to a question about a repository, asked as the host demands it. `path` is the URL's.

        Where the host redirects to another one that demands something, that one is shown what is for it (and the first
        one's login never leaves the first one). `heard` is told every answer. Raises `Inconclusive`.
        """

        def asking(url: str, asked: str) -> Send:
            def send(header: str | None) -> Answer:
                extra = {"Authorization": header} if header else {}
                answer = self._transport.send(
                    method, url, asked=asked, headers={**headers, **extra}, limit=limit, elsewhere=self._elsewhere
                )
                heard(answer)
                return answer

            return send

        reply = self._met(place, repository, asking(f"{place.scheme}://{place.host}{path}", place.host))
        url = reply.answer.url
        other = _place_of(url)
        if self._is_from(place, reply.answer) or reply.answer.status not in _HIDDEN:
            return reply
        return self._met(other, _repository_of(url, repository), asking(url, other.host), reply.answer)

    def _met(self, place: Place, repository: str, send: Send, first: Answer | None = None) -> Reply:
        """Ask with what is known of the repository's demand, then as the answers say; `first`: was asked already."""
        started = self._clock.steady()
        shown = self._tried(place, repository) if first is None else None
        guessed = shown is not None
        if shown:
            answer, shown = self._sent(place, repository, send, shown, started)
        else:
            answer = first or send(None)
        told = self._told(place, answer)
        if told is not None:
            self._learn(place, repository, told)
            if shown is None or shown.demand != told:
                answer, shown = self._sent(place, repository, send, self._shown(place, repository, told), started)
        if shown and shown.token:
            answer, shown = self._alone(place, repository, send, answer, shown, started)
        if guessed and answer.status in _REFUSED and self._is_from(place, answer):
            # The guess or the login is wrong: what anybody may read needs neither.
            plain = send(None)
            if plain.status not in _HIDDEN:
                answer, shown = plain, None
        if shown is None and answer.status in _HIDDEN and self._is_from(place, answer):
            answer, shown = self._through_the_door(place, repository, send, answer, started)
        if answer.status == 200 and self._is_from(place, answer):
            self._learn(place, repository, shown.demand if shown else NOTHING)
        return Reply(answer, place, shown is not None and shown.with_login)

    def _tried(self, place: Place, repository: str) -> _Shown | None:
        """What satisfies the demand that is known; nothing where that is only a guess and cannot be satisfied."""
        known = self._demands.known(place.host, place.names + repository)
        if known is None or known == NOTHING:
            return None
        try:
            return self._shown(place, repository, known)
        except Inconclusive:
            if self._demands.certain(place.host, place.names + repository):
                raise
            return None

    def _learn(self, place: Place, repository: str, demand: Demand) -> None:
        self._demands.learn(place.host, place.names + repository, demand)

    def _shown(self, place: Place, repository: str, demand: Demand) -> _Shown:
        """What satisfies a demand; raises `Inconclusive` where there is nothing that does."""
        if demand.scheme == "bearer":
            return _bearer(demand, self._tokens.get(place, demand, repository))
        login = self.login(place, repository)
        if login is None or login.identity_token:
            raise Unauthorized(f"{place.host} wants a login, {self._why_none(place, repository)}", status=401)
        return _Shown(login.basic, demand, True)

    def _sent(self, place: Place, repository: str, send: Send, shown: _Shown, started: float) -> tuple[Answer, _Shown]:
        """Ask with this; where a token is refused for its age or its size, with a new one, then with smaller ones."""
        answer = send(shown.header)
        if answer.status == 400:
            answer, shown = self._renewed(place, repository, send, answer, shown, started)
        while answer.status in _TOO_LARGE and shown.token and len(shown.token.repositories) > 1:
            shown = _bearer(shown.demand, self._tokens.smaller(place, shown.demand, repository, shown.token))
            answer = send(shown.header)
        return answer, shown

    def _alone(
        self, place: Place, repository: str, send: Send, answer: Answer, shown: _Shown, started: float
    ) -> tuple[Answer, _Shown]:
        """Where a token is refused, ask with a new one if it was an old one, then with one for the repository alone."""
        if answer.status in _EXPIRED and "insufficient_scope" not in answer.headers.get("WWW-Authenticate", ""):
            answer, shown = self._renewed(place, repository, send, answer, shown, started)
        if answer.status in _REFUSED:
            alone = _bearer(shown.demand, self._tokens.alone(place, shown.demand, repository))
            if alone.header != shown.header:
                answer, shown = send(alone.header), alone
                if answer.status in _EXPIRED:
                    answer, shown = self._renewed(place, repository, send, answer, shown, started)
        return answer, shown

    def _renewed(
        self, place: Place, repository: str, send: Send, answer: Answer, shown: _Shown, started: float
    ) -> tuple[Answer, _Shown]:
        """Ask with a new token in the place of one that other questions were asked with before."""
        if shown.token is None or shown.token.since >= started:
            return answer, shown
        new = _bearer(shown.demand, self._tokens.renewed(place, shown.demand, repository, shown.token))
        return (send(new.header), new) if new.header != shown.header else (answer, shown)

    def _told(self, place: Place, answer: Answer) -> Demand | None:
        return demanded(answer, place.host) if self._is_from(place, answer) else None

    def _through_the_door(
        self, place: Place, repository: str, send: Send, answer: Answer, started: float
    ) -> tuple[Answer, _Shown | None]:
        """Where a stranger is told nothing, do as Docker does: see what /v2/ demands, and ask with that.

        Where it is refused or not there only if there is a login that may help.
        """
        demand = None
        if answer.status == 401 or self.login(place, repository):
            demand = self._doors.get((place.scheme, place.host), lambda: self._door(place))
        if demand is None:
            if answer.status == 401:
                raise Unauthorized(f"{place.host} wants a login, but without saying how", status=401)
            return answer, None
        try:
            shown = self._shown(place, repository, demand)
        except Inconclusive:
            if answer.status == 401:
                raise
            return answer, None
        again, shown = self._sent(place, repository, send, shown, started)
        if again.status not in _REFUSED:
            self._learn(place, repository, demand)
        elif answer.status == 404:
            return answer, None
        return again, shown

    def _door(self, place: Place) -> Demand | None:
        """What /v2/ demands, if it is this host that demands it."""
        url = f"{place.scheme}://{place.host}/v2/"
        try:
            answer = self._transport.send("GET", url, asked=place.host, headers={}, limit=_SMALL)
            return self._told(place, answer)
        except Inconclusive:
            return None

    def _elsewhere(self, url: str) -> str | None:
        """What a host to which another one redirects was seen to demand in this run, or nothing."""
        place, repository = _place_of(url), _repository_of(url, "")
        shown = self._tried(place, repository) if self._demands.certain(place.host, repository) else None
        return shown.header if shown else None

    def refusal(self, reply: Reply, repository: str) -> str:
        """Say why a host may have refused a repository: what it was shown, or why it was shown nothing."""
        if reply.with_login:
            return "this login may not read it"
        if self.login(reply.place, repository):
            return "it did not ask for the login that there is for it"
        unsent = f", {_NOT_SENT}" if self._credentials.login(reply.place.login_name, repository) else ""
        return f"it may not be read without a login{unsent}"

    def _why_none(self, place: Place, repository: str) -> str:
        return _NOT_SENT if self._credentials.login(place.login_name, repository) else "and there is none for it"

    @staticmethod
    def _is_from(place: Place, answer: Answer) -> bool:
        other = _place_of(answer.url)
        return (other.scheme, other.host) == (place.scheme, place.host)

    def _memory_key(self, host: str) -> str:
        """A token server that was named over a connection anybody could forge is not remembered for a trusted one."""
        return host if self._hosts.may_see_login("https", host) else f"{host} (unverified)"


def _bearer(demand: Demand, token: Token) -> _Shown:
    return _Shown(f"Bearer {token.text}", demand, token.with_login, token)


def _place_of(url: str) -> Place:
    """The host of a URL, with its own login."""
    parts = urlsplit(url)
    host = authority(parts.scheme, parts.netloc)
    return Place(parts.scheme, host, registry_at(host))


def _repository_of(url: str, otherwise: str) -> str:
    """The repository that a URL is about (distribution-spec, Endpoints)."""
    path = urlsplit(url).path
    ends = [path.rindex(kind) for kind in _KINDS if kind in path]
    return path[len("/v2/") : min(ends)] if path.startswith("/v2/") and ends else otherwise
