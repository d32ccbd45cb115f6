"""Labels by which an image says what it is and where it comes from: claims of whoever built it."""

from collections.abc import Mapping

_NAMES = {
    "version": ("org.opencontainers.image.version", "org.label-schema.version"),
    "revision": ("org.opencontainers.image.revision", "org.label-schema.vcs-ref"),
    "source": ("org.opencontainers.image.source", "org.label-schema.vcs-url"),
    "base-name": ("org.opencontainers.image.base.name",),
    "base-digest": ("org.opencontainers.image.base.digest",),
}
"""OCI image-spec, annotations.md; Label Schema, which came before it."""
_MAX_TEXT = 200
VERSION, REVISION, SOURCE, BASE_NAME, BASE_DIGEST = _NAMES


def claimed(labels: Mapping[str, str], what: str) -> str | None:
    """Return what the labels say of `what`, cut to 200 characters; None where they do not."""
    return next((labels[name][:_MAX_TEXT] for name in _NAMES[what] if labels.get(name)), None)
