"""Why nothing can be said of a container's packages: each with the code of the check `packages`."""

from container_updates.errors import Inconclusive


class Unsupported(Inconclusive):
    """No package database, a broken one, or one of a kind that cannot be read here."""

    code = "unsupported"


class Untrusted(Inconclusive):
    """Not signed, a wrong or expired signature, another hash or size, no key, or a URL that is not allowed."""

    code = "untrusted-repository"


class RepositoryUnreachable(Inconclusive):
    """The repository did not answer, or not with what was asked for."""

    code = "repository-unreachable"


class ReleaseGone(Inconclusive):
    """The repository no longer has this release, and its distribution's end is past: nothing will ever come."""

    code = "release-gone"
