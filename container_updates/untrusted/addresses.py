"""The one guard of network addresses: which part of the network a host's name stands for, and who may lead us there.

Names are taken for what they say, and looked up only where a caller hands in how: what a name stands for is decided by
whoever owns it, and may be another thing a moment later.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable
from enum import Enum

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052."""
_THIS_MACHINE = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")


class Reach(Enum):
    """From where an address can be reached, and so to whom it means something else."""

    ANYWHERE = "a public address"
    SITE = "a private address"
    """RFC 1918, RFC 4193, shared and reserved ranges (IANA's registries of special-purpose addresses)."""
    LINK = "a link-local address"
    """Where clouds have the service that knows a machine's secrets (169.254.169.254)."""
    MACHINE = "this machine"
    """Loopback, and the unspecified address, by which Linux connects to loopback."""


def address(host: str) -> Address | None:
    """Return the address that `host[:port]` stands for as connect(2) takes it; None for a name.

    Also of the forms that inet_aton(3) takes: 127.1, 0x7f.1, 2130706433, 017700000001; an IPv4 address that is mapped
    into IPv6 is the IPv4 address; a zone is left out.
    """
    name = hostname(host)
    name = name.partition("%")[0] if ":" in name else name
    try:
        found = ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        return getattr(found, "ipv4_mapped", None) or found
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name)) if name[:1].isdigit() else None
    except (OSError, ValueError):
        return None


def hostname(host: str) -> str:
    """Return the name or address in `host[:port]`: in lower case, without brackets and the dot at its end.

    Of letters, digits and dots that Unicode has beside the usual ones (fullwidth, for instance) these, as IDNA has it.
    """
    if not host.isascii():
        import unicodedata

        host = unicodedata.normalize("NFKC", host).replace("\u3002", ".")
    host = host.lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return (host if host.count(":") > 1 else host.partition(":")[0]).rstrip(".")


def is_loopback(host: str) -> bool:
    """Whether `host[:port]` is this machine for certain: a loopback address or `localhost`."""
    found = address(host)
    return hostname(host) == "localhost" if found is None else found.is_loopback


def reach(host: str) -> Reach:
    """Return from where `host[:port]` can be reached, as far as that can be told without a look-up."""
    found = address(host)
    if found is not None:
        return reach_of(found)
    name = hostname(host)
    return Reach.MACHINE if not name or name in _THIS_MACHINE or name.endswith(".localhost") else Reach.ANYWHERE


def reach_of(found: Address) -> Reach:
    """Return from where an address, or the IPv4 address inside of it, can be reached."""
    found = _inner(found)
    if found.is_loopback or found.is_unspecified or (found.version == 4 and int(found) >> 24 == 0):
        return Reach.MACHINE
    if found.is_link_local:
        return Reach.LINK
    return Reach.ANYWHERE if found.is_global and not found.is_multicast else Reach.SITE


def may_lead_to(host: str, other: str, addresses: Callable[[str], Iterable[Address]] = lambda name: ()) -> bool:
    """Return whether what came from `host` (a label, a redirect, a token's realm) may let us talk to `other`.

    To itself, a public address or a name, always. This machine may lead anywhere but to link-local addresses. Else
    only to an address of the kind that its own is: `addresses` tells those of a name, and is asked about `host` alone,
    and only where that matters.
    """
    here, there = reach(host), reach(other)
    if there is Reach.ANYWHERE or here is there or hostname(host) == hostname(other):
        return True
    if here is Reach.MACHINE:
        return there is not Reach.LINK
    if there is Reach.MACHINE or address(host) is not None:
        return False
    return any(reach_of(found) is there for found in addresses(hostname(host)))


def _inner(found: Address) -> Address:
    """Return the IPv4 address that an IPv6 one only wraps, else the same."""
    if isinstance(found, ipaddress.IPv4Address):
        return found
    inner = found.ipv4_mapped or found.sixtofour
    if inner is None and (found in _NAT64 or 1 < int(found) < 1 << 32):  # or IPv4-compatible (RFC 4291, 2.5.5.1)
        inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return inner or found
