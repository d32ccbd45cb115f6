"""The Python packages that verifying needs, and what a run says where one of them is not installed."""

LACKS = "this host lacks a Python package for it"
"""Why something cannot be checked, for each container; which package it is, the run says once."""
_PACKAGES = {
    "cryptography": ("python3-cryptography", "cryptography", "signatures"),
    "cbor2": ("python3-cbor2", "cbor2", "notation's COSE signatures"),
    "nacl": ("python3-nacl", "PyNaCl", "cosign's signatures by an Ed25519 key"),
    "rfc3161_client": (None, "rfc3161-client", "timestamps (RFC 3161), as signatures without a time of their log need"),
}
"""Module to its package in Debian, its package for pip, and what needs it."""


def missing(error: Exception) -> str | None:
    """Return the module that could not be imported because its package is not installed; None for any other error."""
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    return name if name in _PACKAGES else None


def problem(module: str) -> str:
    """Return the words for a package that is not installed."""
    debian, pip, need = _PACKAGES.get(module, (None, module, "signatures"))
    way = f"apt install {debian}, or pip install {pip}" if debian else f"pip install {pip}; Debian has no package of it"
    return f"{need} cannot be checked without the Python package {pip}: {way}"
