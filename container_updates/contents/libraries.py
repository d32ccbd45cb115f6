"""Optional packages that contents are read with; one that is missing is said by its names for apt and pip."""

from importlib import import_module
from typing import Any

from container_updates.contents.errors import Unsupported

_NAMES = {
    "debian.debian_support": ("python3-debian", "python-debian"),
    "zstandard": ("python3-zstandard", "zstandard"),
    "pysequoia": ("gpgv", "pysequoia"),
    "rpm_version": ("", "rpm-version"),
    "cryptography": ("python3-cryptography", "cryptography"),
    "re2": ("", "google-re2"),
}


class Missing(Unsupported):
    """A package of Python that is needed for this."""


def needed(module: str) -> Any:
    """Return a module; raises `Missing` with what to install."""
    try:
        return import_module(module)
    except ImportError:
        apt, pip = _NAMES[module]
        by_apt = f"apt install {apt}, or " if apt else ""
        raise Missing(f"the Python package {pip} is missing: {by_apt}pip install {pip}") from None
