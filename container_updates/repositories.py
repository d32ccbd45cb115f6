"""Source repositories as what they are, however an image or a build writes them down."""

import re
from urllib.parse import unquote, urlsplit

_SCP_FORM = re.compile(r"(?:[\w.-]+@)?([\w.-]+):(?!//)(.+)")
_PATH = re.compile(r"[\w.~+-]+(?:/[\w.~+-]+)+")
REVISION = re.compile(r"[0-9a-f]{7,64}")
"""A commit, whole or shortened as git does."""
_REF = re.compile(r"@(?:refs/[^@]*|[0-9a-f]{7,64})$")
_BELOW = re.compile(r"((?:/[^/]+){2,}?)/(?:-/.*|(?:tree|blob|commit|commits|raw|src|releases|archive)/.+)")
"""Where a page inside a repository begins, on the forges that are known."""
_MAX_URL = 500
_ALIASES = {
    "www.github.com": "github.com",
    "ssh.github.com": "github.com",
    "raw.githubusercontent.com": "github.com",
    "codeload.github.com": "github.com",
    "www.gitlab.com": "gitlab.com",
    "altssh.gitlab.com": "gitlab.com",
    "www.bitbucket.org": "bitbucket.org",
    "altssh.bitbucket.org": "bitbucket.org",
}
"""Other names of a forge, which lead to the same repositories."""
_TWO_PARTS = frozenset({"github.com", "bitbucket.org", "codeberg.org"})
"""Forges whose repositories are always OWNER/NAME, in any case of the letters."""


def address(text: str) -> str | None:
    """Return the https address of a repository, without user, password, port of ssh, `.git`, ref, fragment and query.

    Understands `https://`, `git+https://`, `git://`, `ssh://`, `git@host:path` and github.com's other names; None for
    anything else.
    """
    text = _REF.sub("", text.strip().removeprefix("git+").partition("#")[0])
    if not text or len(text) > _MAX_URL or not text.isprintable():
        return None
    if "://" not in text:
        text = _with_scheme(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("https", "http", "ssh", "git") or not parts.hostname:
        return None
    host = _ALIASES.get(parts.hostname, parts.hostname)
    path = f"/{parts.path.strip('/')}"
    below = _BELOW.fullmatch(path)
    path = (below[1] if below else path).strip("/").removesuffix(".git").strip("/")
    if parts.hostname == "api.github.com":
        host, path = "github.com", path.removeprefix("repos/")
    if not _PATH.fullmatch(path) or climbs(path):
        return None
    if host in _TWO_PARTS:
        path = "/".join(path.split("/")[:2]).removesuffix(".git")
    at = f":{port}" if port and parts.scheme in ("http", "https") and port not in (80, 443) else ""
    return f"https://{host}{at}/{path}"


def climbs(text: str) -> bool:
    """Whether a part of an address is "." or "..", however it is written: it leads to another place than it seems."""
    return any(part in (".", "..") for part in unquote(text).split("/"))


def same(one: str, other: str) -> bool:
    """Whether two addresses name one repository; github.com and its like know no case."""
    return key(one) == key(other)


def contradict(one: str | None, other: str | None) -> bool:
    """Whether two texts name different repositories: both have to name one at all."""
    here, there = address(one or ""), address(other or "")
    return here is not None and there is not None and not same(here, there)


def commit(text: str | None) -> str | None:
    """Return the commit that a revision names; None for a tag, a version or something dirty."""
    return text if text and REVISION.fullmatch(text) else None


def contradicting_commits(one: str | None, other: str | None) -> bool:
    """Whether two revisions name different commits; a short one is the beginning of a long one."""
    here, there = commit(one), commit(other)
    return here is not None and there is not None and not (here.startswith(there) or there.startswith(here))


def key(address: str) -> str:
    """Return an address in the one form that all ways to write it have in common."""
    host, _, path = address.removeprefix("https://").partition("/")
    return f"https://{host}/{path.lower() if host in _TWO_PARTS or host == 'gitlab.com' else path}"


def _with_scheme(text: str) -> str:
    scp = _SCP_FORM.fullmatch(text)
    if scp is not None:
        return f"ssh://{scp[1]}/{scp[2]}"
    host = text.partition("/")[0].lower()
    return f"https://{text}" if host in _TWO_PARTS or host in _ALIASES or host == "gitlab.com" else text
