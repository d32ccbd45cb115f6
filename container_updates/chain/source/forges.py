"""Pages of the forges where source code is published, by a repository's address (`repositories.address`)."""

from urllib.parse import urlsplit

from container_updates.repositories import REVISION

_PAGES = {
    "github": ("/compare/{old}...{new}", "/releases", "/tree/{new}"),
    "gitea": ("/compare/{old}...{new}", "/releases", "/src/commit/{new}"),
    "gitlab": ("/-/compare/{old}...{new}", "/-/releases", "/-/tree/{new}"),
    "bitbucket": ("/branches/compare/{new}%0D{old}", "/downloads/?tab=tags", "/src/{new}"),
}
"""Kind of forge to the pages of a comparison, of the releases and of the files at a commit."""


def compare(address: str, old: str, new: str) -> str | None:
    """Return the page that shows what lies between two revisions of a repository; None where no such page is known."""
    pages = _PAGES.get(_kind(address) or "")
    if pages is None or old == new or not (REVISION.fullmatch(old) and REVISION.fullmatch(new)):
        return None
    return address + pages[0].format(old=old, new=new)


def releases(address: str) -> str | None:
    """Return the page of a repository's releases; None where no such page is known."""
    pages = _PAGES.get(_kind(address) or "")
    return None if pages is None else address + pages[1]


def files(address: str, revision: str | None) -> str:
    """Return the page of a repository's files at a commit; the repository itself where no such page is known."""
    pages = _PAGES.get(_kind(address) or "")
    if pages is None or revision is None or not REVISION.fullmatch(revision):
        return address
    return address + pages[2].format(new=revision)


def _kind(address: str) -> str | None:
    host = urlsplit(address).hostname or ""
    if host in ("github.com", "bitbucket.org"):
        return host.partition(".")[0]
    first = host.partition(".")[0]
    if first in ("gitlab", "gitea", "forgejo"):
        return "gitlab" if first == "gitlab" else "gitea"
    return "gitea" if host == "codeberg.org" else None
