"""Which files of a folder apt reads, and how it matches names: fnmatch(3), or a regular expression between slashes."""

import fnmatch
import re
from collections.abc import Callable
from functools import lru_cache

from container_updates.contents.files import Tree
from container_updates.contents.libraries import needed

_FILE = re.compile(r"[A-Za-z0-9_.-]+")


def used(tree: Tree, folder: str, *extensions: str, bare: bool = True) -> list[str]:
    """Return the paths in a folder that apt reads, in its order: by extension, or without any where `bare`.

    Names with other characters than letters, digits, `_`, `.` and `-` are not read. (apt, `GetListOfFilesInDir`)
    """
    names = sorted(path for path in tree.files if path.startswith(folder + "/"))
    return [path for path in names if _is_used(path[len(folder) + 1 :], extensions, bare)]


def _is_used(name: str, extensions: tuple[str, ...], bare: bool) -> bool:
    if not _FILE.fullmatch(name) or name.startswith("."):
        return False
    stem, dot, extension = name.rpartition(".")
    return extension in extensions if dot and stem else bare


@lru_cache(maxsize=512)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Return whether a text matches a pattern as apt has it; raises `Missing` without re2 for a regular expression.

    The patterns are the container's: Python's own expressions could be made to take for ever.
    """
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        return _expression(pattern[1:-1])
    if not any(char in pattern for char in "*?[\\"):
        return pattern.__eq__
    compiled = re.compile(fnmatch.translate(_as_python(pattern)))
    return lambda text: compiled.match(text) is not None


def _expression(pattern: str) -> Callable[[str], bool]:
    re2 = needed("re2")
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        return lambda text: False  # apt warns, and matches nothing
    return lambda text: compiled.search(text) is not None


def _as_python(pattern: str) -> str:
    """Write the brackets and backslashes of fnmatch(3) as Python's module has them."""
    pattern = re.sub(r"\\([*?\[])", r"[\1]", pattern).replace("[^", "[!")
    return re.sub(r"\\(.)", r"\1", pattern)
