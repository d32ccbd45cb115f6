"""Where a registry is asked (mirrors first), and what is special about TLS there."""

import ipaddress
import os
import socket
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from container_updates.errors import Inconclusive, Unreachable, Unresolvable
from container_updates.model import EngineRegistries, Problem, RegistryRule
from container_updates.reference import DOCKER_HUB
from container_updates.registry.http.proxies import Proxies
from container_updates.settings import Settings
from container_updates.untrusted.addresses import Address, address, hostname, is_loopback, may_lead_to, reach

_DOCKER_HUB_HOST = "registry-1.docker.io"
_DOCKER_HUB_TRUST = "notary.docker.io"
_DEFAULT_PORTS = {"https": "443", "http": "80"}


class Endpoint(NamedTuple):
    """One place that answers for a registry."""

    registry: str
    """The registry as references name it."""
    host: str
    """Host, and port where it is not the scheme's own."""
    schemes: tuple[str, ...]
    """What to try, in this order."""
    mirror: bool = False
    prefix: str = ""
    """Path of a mirror's URL, without the slash at its end."""
    names: str = ""
    """What repositories' names begin with there: at a Content Trust server the registry's, `docker.io/`."""
    final: bool = False
    """Of a mirror: it speaks for the registry, what it does not have is not there."""

    @property
    def login_name(self) -> str:
        """Under which name a login for it is looked up: a mirror gets only those that bear its own."""
        return self.host if self.mirror else self.registry.lower()


class Tls(NamedTuple):
    """How a host's certificate is looked at."""

    verified: bool = True
    ca_files: tuple[str, ...] = ()
    """PEM files that are trusted beside the system's."""
    certificates: tuple[tuple[str, str], ...] = ()
    """Client certificate and key files."""


class Hosts:
    """What the options, the engines and /etc/docker/certs.d say about registry hosts."""

    def __init__(
        self,
        settings: Settings,
        engine: EngineRegistries,
        certs_dir: str | os.PathLike[str] = "/etc/docker/certs.d",
        *,
        final_mirrors: Iterable[str] = (),
    ) -> None:
        """`final_mirrors`: hosts of mirrors that speak for the registry, which is not asked itself then (air gap)."""
        self._final_mirrors = frozenset(final_mirrors)
        self._mirrors = [settings.mirrors, engine.mirrors]
        self._rules = sorted(engine.rules, key=lambda rule: -len(rule.prefix))
        self._named = {_host_of(host) for host in settings.insecure_registries}
        self._insecure = self._named | {_host_of(host) for host in engine.insecure_hosts}
        self._networks = [network for text in engine.insecure_networks if (network := _network(text))]
        self._ca_files = {_host_of(registry): file for registry, file in settings.ca_files.items()}
        self._certs_dir = Path(certs_dir)
        self.proxies = Proxies(settings.proxy, engine.proxies)
        self.problems: list[Problem] = []
        self.endpoints = lru_cache(maxsize=None)(self._endpoints)
        self.tls = lru_cache(maxsize=None)(self._tls)
        self.addresses = lru_cache(maxsize=None)(self._look_up)
        self._certs = lru_cache(maxsize=None)(self._read_certs)

    def trust_server(self, registry: str, url: str | None) -> Endpoint:
        """Where Content Trust data of a registry's images is: at `url`, else at the registry, Docker Hub's beside it.

        The registry's login goes there, unless the host is another one: that gets its own.
        """
        *_, upstream = self.endpoints(registry)
        if upstream.final:
            upstream = Endpoint(registry, _host_of(registry), self.schemes(_host_of(registry)))
        host = _DOCKER_HUB_TRUST if registry == DOCKER_HUB else upstream.host
        if url is None:
            return upstream._replace(host=host, names=f"{registry}/")
        server = _at(registry, url)
        if server is None:
            raise Unresolvable("the policy names a Content Trust server that is no http or https URL")
        same = hostname(server.host) == hostname(host)
        return server._replace(registry=registry if same else server.host, mirror=False, names=f"{registry}/")

    def insecure(self, host: str) -> bool:
        """Whether a host may be asked with an unverified certificate or without TLS.

        As Docker decides it: by name, by network, and on loopback; but whoever has a CA for a host of the latter two
        wants it looked at.
        """
        if host in self._insecure:
            return True
        if host in self._ca_files or self._certs(host)[0]:
            return False
        found = address(host)
        return is_loopback(host) or (found is not None and any(found in network for network in self._networks))

    def follow_engine(self, endpoint: Endpoint, failure: Inconclusive) -> bool:
        """Whether the engine asks an endpoint without verified TLS because its name leads into an insecure network.

        As moby decides it (registry/config.go, isSecureIndex), but only asked for where there is no TLS: a look-up
        costs time, and where a proxy is between, nobody else needs it. From then on the host is `insecure`.
        """
        host = endpoint.host
        if not isinstance(failure, Unreachable) or endpoint.schemes != ("https",) or endpoint.mirror:
            return False
        if host in self._ca_files or self._certs(host)[0]:
            return False
        found = self.addresses(hostname(host)) if self._networks and registry_at(host) != DOCKER_HUB else ()
        if not any(one in network for one in found for network in self._networks):
            return False
        self._insecure.add(host)
        self.tls.cache_clear()
        return True

    def may_see_login(self, scheme: str, host: str) -> bool:
        """Whether a login may go there: verified TLS, loopback, or a host named in --insecure-registry."""
        return is_loopback(host) or host in self._named or (scheme == "https" and self.tls(host, host).verified)

    def objection(self, scheme: str, host: str, other_scheme: str, other: str) -> str:
        """What speaks against going from a host to where its redirect or its token's realm leads; "" for nothing."""
        leaves = other_scheme == "http" and (scheme, host) != ("http", other)
        if leaves and not (is_loopback(host) if is_loopback(other) else self.insecure(other)):
            return "without TLS"
        return "" if may_lead_to(host, other, self.addresses) else f"at {reach(other).value}"

    def _look_up(self, name: str) -> tuple[Address, ...]:
        """The addresses of a name; none where it has none."""
        try:
            found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return ()
        return tuple(known for *_, where in found if (known := address(f"[{where[0]}]")))

    def _endpoints(self, registry: str, repository: str = "") -> tuple[Endpoint, ...]:
        """Where a registry is asked, in this order: --mirror, the engine's mirrors, the registry itself.

        What an engine's registries.conf says of a repository counts for that one; raises `Unresolvable` for a name that
        it blocks.
        """
        found: list[Endpoint] = []
        for mirrors in self._mirrors:
            for url in mirrors.get(registry, ()):
                mirror = _at(registry, url)
                if mirror:
                    found.append(mirror)
                else:
                    self.problems.append(Problem(registry, "bad-answer", "a mirror that is no http or https URL"))
        rule = self._rule(f"{registry}/{repository}")
        if rule is not None:
            return self._until_final(dict.fromkeys((*found, *self._ruled(registry, rule))))
        upstream = Endpoint(registry, _host_of(registry), self.schemes(_host_of(registry)))
        return self._until_final(dict.fromkeys((*found, upstream)))

    def _until_final(self, endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
        """Return the endpoints up to a mirror that speaks for the registry."""
        asked: list[Endpoint] = []
        for endpoint in endpoints:
            final = endpoint.mirror and endpoint.host in self._final_mirrors
            asked.append(endpoint._replace(final=True) if final else endpoint)
            if final:
                break
        return tuple(asked)

    def _rule(self, name: str) -> RegistryRule | None:
        """Return the rule of registries.conf with the longest prefix that fits a name."""
        return next((rule for rule in self._rules if _fits(rule.prefix, name)), None)

    def _ruled(self, registry: str, rule: RegistryRule) -> list[Endpoint]:
        if rule.blocked:
            raise Unresolvable(f"the engine's registries.conf blocks {rule.prefix}")
        found = []
        for location in rule.mirrors:
            try:
                found.append(_moved(self, registry, rule, location, mirror=True))
            except Unresolvable as error:
                self.problems.append(Problem(registry, error.code, str(error)))
        return [*found, _moved(self, registry, rule, rule.location, mirror=False)]

    def schemes(self, host: str) -> tuple[str, ...]:
        """Return what to try at a host, in this order."""
        schemes: tuple[str, ...] = ("https", "http") if self.insecure(host) else ("https",)
        if len(schemes) > 1 and is_loopback(host):
            schemes = ("http", "https")  # nobody listens in on loopback, and most registries there are plain
        return schemes

    def _tls(self, host: str, asked: str) -> Tls:
        """How to look at the certificate of `host`, reached on behalf of the registry host `asked`.

        A registry's token server or blob store is often signed by the same company CA, so a host without a CA of its
        own takes the one of `asked`; client certificates stay with the host they are for.
        """
        ca_files, certificates = self._certs(host)
        option = self._ca_files.get(host) or self._ca_files.get("")
        if option:
            ca_files = (*ca_files, option)
        if not ca_files and asked != host:
            ca_files = self.tls(asked, asked).ca_files
        return Tls(not self.insecure(host), ca_files, certificates)

    def _read_certs(self, host: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        """CA files and client certificates of certs.d/HOST (Docker's documentation, "Verify repository client")."""
        ca_files: list[str] = []
        certificates: list[tuple[str, str]] = []
        for name in [host, DOCKER_HUB] if host == _DOCKER_HUB_HOST else [host]:
            if name in ("", ".", "..") or "/" in name:
                continue
            folder = self._certs_dir / name
            try:
                files = sorted(folder.iterdir())
            except FileNotFoundError:
                continue
            except OSError as error:
                self.problems.append(Problem(str(folder), "bad-answer", f"cannot be read: {error.strerror}"))
                continue
            ca_files += [str(file) for file in files if file.suffix == ".crt"]
            for file in files:
                key = file.with_suffix(".key")
                if file.suffix == ".cert" and key in files:
                    certificates.append((str(file), str(key)))
                elif file.suffix == ".cert":
                    self.problems.append(Problem(str(file), "bad-answer", f"has no {key.name} beside it"))
        return tuple(ca_files), tuple(certificates)


def _fits(prefix: str, name: str) -> bool:
    """Whether a prefix of registries.conf is that of a name: whole parts of it, or `*.` and a domain."""
    if prefix.startswith("*."):
        return name.partition("/")[0].partition(":")[0].endswith(prefix[1:])
    return name.rstrip("/") == prefix or name.startswith(f"{prefix}/")


def _moved(hosts: Hosts, registry: str, rule: RegistryRule, location: str, *, mirror: bool) -> Endpoint:
    """Return where names with the rule's prefix are at a location: its path becomes part of the name there."""
    _, _, before = ("", "", "") if rule.prefix.startswith("*.") else rule.prefix.partition("/")
    place, _, path = ("" if location.startswith("*.") else location).partition("/")
    place = place or registry
    if before and path != before and not path.endswith(f"/{before}"):
        raise Unresolvable(
            f"the engine's registries.conf leads {rule.prefix} to {location}: "
            "another path in the place of its own is not followed"
        )
    names = path.removesuffix(before) if before else f"{path}/" if path else ""
    host = _host_of(place)
    return Endpoint(registry if mirror else place, host, hosts.schemes(host), mirror, names=names)


def authority(scheme: str, netloc: str) -> str:
    """Host in lower case, and port where it is not the scheme's own."""
    host, colon, port = netloc.lower().rpartition(":")
    return host if colon and port in (_DEFAULT_PORTS.get(scheme), "") else netloc.lower()


def registry_at(host: str) -> str:
    """The registry, as references name it, that is asked at a host."""
    return DOCKER_HUB if host == _DOCKER_HUB_HOST else host


def _at(registry: str, url: str) -> Endpoint | None:
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        _ = parts.port
    except ValueError:
        return None
    host = authority(parts.scheme, parts.netloc)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in host:
        return None
    return Endpoint(registry, host, (parts.scheme,), True, parts.path.rstrip("/"))


def _host_of(registry: str) -> str:
    return _DOCKER_HUB_HOST if registry == DOCKER_HUB else authority("https", registry)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
