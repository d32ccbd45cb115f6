"""Lists of what is in an image (SBOM): SPDX 2.x and CycloneDX 1.x in in-toto statements, read as a stream.

A list is worth what its signature is worth, and BuildKit's has none: who reads it here decides that elsewhere. (SPDX
2.3; CycloneDX 1.4 to 1.6; package-url/purl-spec; in-toto attestation, predicates spdx and cyclonedx)
"""

import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from container_updates.untrusted import jsonstream

PREDICATES = ("https://spdx.dev/Document", "https://cyclonedx.org/bom")
"""How the predicate types begin; a version may follow."""
MAX_SBOM = 32 * 1024 * 1024
"""Bytes that are looked at."""
_MAX_PACKAGES = 100_000
_MAX_TEXT = 300
_CHUNK = 256 * 1024
_SPDX, _CYCLONE = ("predicate", "packages"), ("predicate", "components")
_WANTED = (_SPDX, _CYCLONE, ("predicate", "Data", "packages"), ("predicateType",), ("subject",))
_PAYLOAD = re.compile(rb'"payload"\s*:\s*"([A-Za-z0-9+/=\\]*)"')
_ROOTS = ("CONTAINER", "OPERATING-SYSTEM", "operating-system", "container", "file", "FILE", "application-root")

Packages = Mapping[tuple[str, str], str]
"""Type (`deb`, `npm`, "") and name of a package to its version, several joined by commas."""


def read(body: bytes, digest: str) -> Packages | None:
    """Return the packages in a statement, bare or in an envelope; None where it is no list, or not about `digest`."""
    algorithm, _, value = digest.partition(":")
    found: dict[tuple[str, str], dict[str, None]] = {}
    about = kind = False
    try:
        for place, element in jsonstream.picked(_chunks(body), _WANTED):
            if place == ("predicateType",):
                kind = isinstance(element, str) and element.startswith(PREDICATES)
            elif place == ("subject",):
                about = about or _member(element, "digest", algorithm) == value
            elif len(found) < _MAX_PACKAGES:
                one = _spdx(element) if place[-1] == "packages" else _cyclone(element)
                if one is not None:
                    found.setdefault(one[:2], {})[one[2]] = None
    except ValueError:
        return None
    if not (about and kind):
        return None
    return {key: ", ".join(sorted(versions)[:5]) for key, versions in found.items()}


def pack(packages: Packages | None) -> bytes:
    """Return it as bytes to be kept."""
    if packages is None:
        return b"null"
    return json.dumps([[*key, version] for key, version in packages.items()]).encode()


def unpack(value: bytes) -> Packages | None:
    """Return what `pack` made; raises ValueError for anything else."""
    known = json.loads(value)
    return None if known is None else {(str(kind), str(name)): str(version) for kind, name, version in known}


def _chunks(body: bytes) -> Iterator[bytes]:
    """The statement; an envelope's payload is decoded without making JSON of it first."""
    match = _PAYLOAD.search(body)
    if match is not None and b'"payloadType"' in body:
        try:
            body = binascii.a2b_base64(memoryview(body)[match.start(1) : match.end(1)])
        except binascii.Error:
            raise ValueError("a payload that is no base64") from None
    for start in range(0, len(body), _CHUNK):
        yield body[start : start + _CHUNK]


def _spdx(package: Any) -> tuple[str, str, str] | None:
    if _member(package, "primaryPackagePurpose") in _ROOTS:
        return None
    references = _member(package, "externalRefs")
    purl = next(
        (
            locator
            for one in (references if isinstance(references, list) else [])
            if _member(one, "referenceType") == "purl" and isinstance(locator := _member(one, "referenceLocator"), str)
        ),
        "",
    )
    return _named(purl, _member(package, "name"), _member(package, "versionInfo"))


def _cyclone(component: Any) -> tuple[str, str, str] | None:
    if _member(component, "type") in _ROOTS:
        return None
    purl = _member(component, "purl")
    return _named(purl if isinstance(purl, str) else "", _member(component, "name"), _member(component, "version"))


def _named(purl: str, name: Any, version: Any) -> tuple[str, str, str] | None:
    kind = ""
    if purl.startswith("pkg:"):
        kind, _, rest = purl[4:].partition("/")
        path, _, at = rest.partition("?")[0].partition("#")[0].rpartition("@")
        path, at = (path, at) if path else (at, "")
        parts = [unquote(part) for part in path.split("/")]
        # A distribution's packages have it as their namespace, others' belong to the name: @babel/core.
        name = parts[-1] if kind in ("deb", "apk", "rpm", "alpm") else "/".join(parts)
        version = version if isinstance(version, str) and version else unquote(at)
    if not isinstance(name, str) or not isinstance(version, str) or not 0 < len(name) <= _MAX_TEXT or not version:
        return None
    return kind[:20], name, version[:_MAX_TEXT]


def _member(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
