"""URLs without the login in them: nothing that is printed, kept or logged may show a user's password."""

import re

_LOCAL = frozenset({"unix", "npipe", "fd"})
"""Schemes whose rest is a path on this machine, in which an @ is a character like any other."""


def without_login(url: str) -> str:
    """Return one URL, or what was given for one, without `user:password@`; the rest as it came.

    Whatever stands before the last @ counts as login: a password with a slash or an @ that nobody encoded (RFC 3986,
    3.2.1) would be shown otherwise. Of a text without a scheme, too; paths and sockets of this machine stay whole.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or not _is_scheme(scheme):
        path = url.startswith("/") and not url.startswith("//")
        return url if path else url.rpartition("@")[2]
    return url if scheme.lower() in _LOCAL else f"{scheme}://{rest.rpartition('@')[2]}"


def without_logins(text: str) -> str:
    """Return a text without the logins of the URLs in it.

    A URL ends at white space. An @ behind its first slash is the end of a login only where what stands before that
    slash has a colon, so that `https://host/scope/@name` stays and `https://bob:pass/word@host` does not.
    """
    return re.sub(r"(?<=://)(?:[^/\s]*:\S*|[^/\s]*)@", "", text)


def _is_scheme(text: str) -> bool:
    """Whether a text is a URL's scheme (RFC 3986, 3.1), and no user name with the beginning of a password."""
    return text[:1].isalpha() and text.isascii() and all(letter.isalnum() or letter in "+-." for letter in text)
