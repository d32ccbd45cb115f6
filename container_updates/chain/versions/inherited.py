"""Which version an image claims for itself, and not for the image it was built upon, whose labels it inherits."""

from collections.abc import Mapping

from container_updates.chain.source import labels
from container_updates.chain.versions import tag_version
from container_updates.reference import Reference

_REF_NAME = "org.opencontainers.image.ref.name"


def own_version(own: Mapping[str, str], reference: Reference) -> str | None:
    """Return the version that the labels claim, where it fits the reference's tag; None for one that came from a base.

    Beside `1.27` it begins with 1.27. What a tag without a version (`latest`) stands for, the label alone cannot prove.
    """
    claimed = labels.claimed(own, labels.VERSION)
    if claimed is None or _is_of_base(own, claimed, reference):
        return None
    tag, version = tag_version.read(reference.tag or ""), tag_version.read(claimed)
    if tag is None:
        return claimed
    if version is None or version.parts[: len(tag.parts)] != tag.parts:
        return None
    return claimed


def _is_of_base(own: Mapping[str, str], claimed: str, reference: Reference) -> bool:
    """Whether the name that came with the version is another image's, as Ubuntu's is, or the base has that very tag."""
    name = own.get(_REF_NAME, "")
    image = name.rpartition("/")[2].partition("@")[0].partition(":")[0]
    if name and name not in (claimed, reference.tag) and image != reference.repository.rpartition("/")[2]:
        return True
    base = (labels.claimed(own, labels.BASE_NAME) or "").partition("@")[0].rpartition("/")[2].partition(":")[2]
    return bool(base) and (base == claimed or base.startswith(f"{claimed}-")) and reference.tag != base
