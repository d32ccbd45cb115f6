"""Image references by the distribution grammar: registry, repository, tag and digest, all kept.

Source: distribution/reference, `reference.go` (grammar) and `normalize.go` (docker.io and library/).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from container_updates.errors import InvalidReference

DOCKER_HUB = "docker.io"
_DOCKER_HUB_NAMES = (DOCKER_HUB, "index.docker.io")
_DIGEST_HEX_LENGTHS = {"sha256": 64, "sha512": 128}
_MAX_REPOSITORY = 255
_MAX_TEXT = 1024

_DOMAIN_COMPONENT = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_DOMAIN_COMPONENT}(?:\.{_DOMAIN_COMPONENT})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_PATH_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}")
_IMAGE_ID = re.compile(r"(?:sha256:)?[a-f0-9]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A normalised reference: what `docker pull` would ask for."""

    registry: str
    """Host and port as written, `docker.io` for Docker Hub."""
    repository: str
    """With `library/` where Docker Hub's short form left it out."""
    tag: str | None = None
    """None only where a digest stands alone."""
    digest: str | None = None
    """`sha256:…` or `sha512:…`: what runs is pinned to it."""

    @property
    def name(self) -> str:
        """Registry and repository, as trust policies and people write them."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        digest = f"@{self.digest}" if self.digest is not None else ""
        return f"{self.name}{tag}{digest}"


@lru_cache(maxsize=4096)
def parse(text: str) -> Reference:
    """Return the reference that `text` names; `latest` where it has neither tag nor digest.

    Raises `InvalidReference` for anything else: a bare image id, upper case in the repository, another algorithm.
    """
    if len(text) > _MAX_TEXT:
        raise InvalidReference(f"image reference is longer than {_MAX_TEXT} characters")
    if _IMAGE_ID.fullmatch(text):
        raise InvalidReference("an image id, not an image reference")
    rest, at, digest = text.partition("@")
    if at and not is_digest(digest):
        raise InvalidReference(f"image reference with a digest that is neither sha256 nor sha512: {text!r}")
    slash, colon = rest.rfind("/"), rest.rfind(":")
    tag = None
    if colon > slash:
        rest, tag = rest[:colon], rest[colon + 1 :]
        if not _TAG.fullmatch(tag):
            raise InvalidReference(f"image reference with an invalid tag: {text!r}")
    registry, repository = _split(rest)
    if not _DOMAIN.fullmatch(registry):
        raise InvalidReference(f"image reference with an invalid registry: {text!r}")
    if len(repository) > _MAX_REPOSITORY:
        raise InvalidReference(f"image reference with a repository longer than {_MAX_REPOSITORY} characters")
    if not _REPOSITORY.fullmatch(repository):
        raise InvalidReference(f"image reference with an invalid repository (lower case only): {text!r}")
    if tag is None and not at:
        tag = "latest"
    return Reference(registry, repository, tag, digest if at else None)


def is_digest(text: str) -> bool:
    """Whether `text` is a sha256 or sha512 digest in its one right form (OCI image-spec, descriptor.md, Digests)."""
    algorithm, _, value = text.partition(":")
    return len(value) == _DIGEST_HEX_LENGTHS.get(algorithm) and not value.strip("0123456789abcdef")


def short(digest: str) -> str:
    """Return the beginning of a digest, as people compare them: `sha256:0a399eb16751`."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:12]}"


def is_tag(text: str) -> bool:
    """Whether `text` can be a tag (distribution/reference, regexp.go)."""
    return _TAG.fullmatch(text) is not None


def _split(name: str) -> tuple[str, str]:
    """Part a name into registry and repository as Docker does (normalize.go, splitDockerDomain)."""
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry, repository = DOCKER_HUB, name
    else:
        registry, repository = first, rest
    if registry in _DOCKER_HUB_NAMES:
        registry = DOCKER_HUB
        if "/" not in repository:
            repository = f"library/{repository}"
    return registry, repository
