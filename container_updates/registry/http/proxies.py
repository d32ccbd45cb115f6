"""By which proxy a registry is asked: `--proxy`, else HTTP(S)_PROXY, else the engine's own; NO_PROXY as ever."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from container_updates.untrusted.addresses import is_loopback
from container_updates.untrusted.urls import without_login

_MASKED = "xxxxx:xxxxx@"
"""What Docker shows of its proxy's login (moby, daemon/info.go)."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy; its repr and text show no login."""

    url: str = field(repr=False)
    origin: str
    """Who names it."""

    def __str__(self) -> str:
        return f"the proxy {without_login(self.url)[:200]} ({self.origin})"


class Proxies:
    """What the options, the environment and the engine say."""

    def __init__(self, option: str, engine: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> None:
        """Take the URL of `--proxy` or "", and the engine's: http, https, and `no` with its exceptions."""
        self._option = option
        self._engine = engine
        self._environ = environ

    def of(self, scheme: str, host: str) -> Proxy | None:
        """The proxy by which `host[:port]` is asked; None for directly, as always on loopback."""
        if is_loopback(host):
            return None
        named = {name: value for name in ("http", "https", "all") if (value := self._variable(f"{name}_proxy"))}
        exceptions = [self._variable("no_proxy")]
        if self._option:
            proxy = Proxy(self._option, "--proxy")
        elif named:
            name = scheme if scheme in named else "all"
            proxy = Proxy(named.get(name, ""), f"{name.upper()}_PROXY")
        else:
            exceptions.append(self._engine.get("no", ""))
            proxy = Proxy(self._engine.get(scheme, "").replace(f"://{_MASKED}", "://"), "the engine's")
        return proxy if proxy.url and not any(_excepted(scheme, host, text) for text in exceptions if text) else None

    def _variable(self, name: str) -> str:
        return self._environ.get(name) or self._environ.get(name.upper()) or ""


def _excepted(scheme: str, host: str, exceptions: str) -> bool:
    """Whether a host is on a list as NO_PROXY has it; `*` stands for all."""
    from requests.utils import should_bypass_proxies

    return exceptions.strip() == "*" or should_bypass_proxies(f"{scheme}://{host}/", no_proxy=exceptions)
