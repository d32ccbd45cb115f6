"""Where source code is published: repositories as what they are, however an image writes them down."""

import re
from urllib.parse import urlsplit

_SCP_FORM = re.compile(r"(?:[\w.-]+@)?([\w.-]+):(?!//)(.+)")
_PATH = re.compile(r"[\w.~+-]+(?:/[\w.~+-]+)+")
_REVISION = re.compile(r"[0-9a-f]{7,64}")
_MAX_URL = 500
_PAGES = {
    "github": ("/compare/{old}...{new}", "/releases"),
    "gitea": ("/compare/{old}...{new}", "/releases"),
    "gitlab": ("/-/compare/{old}...{new}", "/-/releases"),
    "bitbucket": ("/branches/compare/{new}%0D{old}", "/downloads/?tab=tags"),
}
"""Kind of forge to the pages of a comparison and of the releases."""


def repository(text: str) -> str | None:
    """Return the https address of a repository, without user, port of ssh, `.git`, fragment and query.

    Understands `https://`, `git+https://`, `git://`, `ssh://` and `git@host:path`; None for anything else.
    """
    text = text.strip().removeprefix("git+")
    if len(text) > _MAX_URL or not text.isprintable():
        return None
    if "://" not in text:
        scp = _SCP_FORM.fullmatch(text)
        if scp is None:
            return None
        text = f"ssh://{scp[1]}/{scp[2]}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("https", "http", "ssh", "git") or not parts.hostname:
        return None
    path = parts.path.strip("/").removesuffix(".git").strip("/")
    if not _PATH.fullmatch(path):
        return None
    host = parts.hostname.removeprefix("www.") if parts.hostname == "www.github.com" else parts.hostname
    at = f":{port}" if port and parts.scheme in ("http", "https") and port not in (80, 443) else ""
    return f"https://{host}{at}/{path}"


def compare(address: str, old: str, new: str) -> str | None:
    """Return the page that shows what lies between two revisions of a repository; None where no such page is known."""
    pages = _PAGES.get(_kind(address) or "")
    if pages is None or old == new or not (_REVISION.fullmatch(old) and _REVISION.fullmatch(new)):
        return None
    return address + pages[0].format(old=old, new=new)


def releases(address: str) -> str | None:
    """Return the page of a repository's releases; None where no such page is known."""
    pages = _PAGES.get(_kind(address) or "")
    return None if pages is None else address + pages[1]


def _kind(address: str) -> str | None:
    host = urlsplit(address).hostname or ""
    if host in ("github.com", "bitbucket.org"):
        return host.partition(".")[0]
    first = host.partition(".")[0]
    if first in ("gitlab", "gitea", "forgejo"):
        return "gitlab" if first == "gitlab" else "gitea"
    return "gitea" if host == "codeberg.org" else None
