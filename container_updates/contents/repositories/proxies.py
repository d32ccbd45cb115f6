"""By which proxy a repository is asked: what the admin's environment says, never anything inside a container."""

from urllib.parse import urlsplit


def of_environment(url: str) -> str | None:
    """Return the proxy of HTTP_PROXY or HTTPS_PROXY for a URL, None where NO_PROXY or nothing names one."""
    from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

    parts = urlsplit(url)
    known = getproxies_environment()
    if proxy_bypass_environment(parts.netloc, known):
        return None
    return known.get(parts.scheme) or known.get("all")
