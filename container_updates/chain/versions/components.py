"""What the numbers behind a version stand for: `jdk17` names a runtime, `alpine3.20` a base, `ls45` counts rebuilds."""

import re
from enum import Enum


class Kind(Enum):
    """What one number means for whether a tag is newer."""

    REVISION = "revision"
    """Counts: more is newer, less is older."""
    RUNTIME = "runtime"
    """A component that the application or its data depends on (also Windows' build, which is bound to the host): it
    never goes back, and another one alone is no newer version."""
    BASE = "base"
    """The operating system below: it never goes back, and a later one alone may be a newer version."""


def split(words: str) -> tuple[str, tuple[tuple[int, ...], ...], tuple[Kind, ...]]:
    """Return `words` with a `#` for each number, the numbers (`3.20` is (3, 20)), and what each of them means.

    A commit (`@` and its length in full-width digits) is a negative number. The number of a pull request or an issue is
    part of its name, and stays a word.
    """
    numbers: list[tuple[int, ...]] = []
    kinds: list[Kind] = []

    def masked(found: re.Match[str]) -> str:
        word, between, text = found.groups()
        if word.lower() in _NAMED:
            return found[0]
        numbers.append((-int(text[1:]),) if text[0] == "@" else tuple(map(int, text.split("."))))
        glued = found.start() == 0 or words[found.start() - 1].isdecimal()
        kinds.append(_kind(word.lower(), between, text, glued))
        return f"{word}{between}#"

    return _NUMBER.sub(masked, words), tuple(numbers), tuple(kinds)


_NUMBER = re.compile(r"([A-Za-z]*)([-_.]?)(@[０-９]+|[0-9]+(?:\.[0-9]+)*)")
_NAMED = frozenset({"pr", "mr", "pull", "issue"})
_BASES = frozenset({
    "alpine", "debian", "deb", "ubuntu", "ubu", "ubi", "el", "al", "amazonlinux", "amzn", "centos", "rhel", "fedora",
    "fc", "rocky", "rockylinux", "alma", "almalinux", "ol", "oracle", "oraclelinux", "opensuse", "leap", "suse",
    "sles", "bci", "photon", "mariner", "azurelinux", "wolfi", "bookworm", "bullseye", "buster", "trixie",
})  # fmt: skip
_WINDOWS = frozenset(["ltsc", "windowsservercore", "servercore", "nanoserver", "windows"])
_RUNTIMES = frozenset({
    "jdk", "jre", "java", "openjdk", "temurin", "corretto", "zulu", "graalvm", "semeru", "openj", "python", "py",
    "php", "node", "nodejs", "ruby", "perl", "go", "golang", "rust", "dotnet", "scala", "kotlin", "erlang", "otp",
    "elixir", "pg", "postgres", "postgresql", "mysql", "mariadb", "mongo", "mongodb", "redis", "cuda", "cudnn",
    "rocm", "tensorrt", "spark", "hadoop", "tomcat", "jetty", "gcc", "clang", "llvm",
})  # fmt: skip
"""Whose number may stand behind a hyphen or underscore: behind other words that is a revision, as in `-slim-2`."""
_REVISIONS = frozenset({
    "ls", "ga", "cu", "kb", "gdr", "sr", "sp", "rev", "revision", "build", "patch", "pl", "post", "fix", "hotfix",
    "update", "upd", "run", "ci", "job", "rel", "release", "ver", "version", "rc", "cr", "dev", "alpha", "beta",
    "pre", "preview", "eap", "ea", "snapshot", "nightly", "canary", "milestone", "final", "stable", "unstable",
    "edge", "testing",
})  # fmt: skip


_DATE = 8
"""Digits of a date, or of something else that no component has."""


def _kind(word: str, between: str, text: str, glued: bool) -> Kind:
    """`glued`: the word stands right behind a number, as Debian's revisions do: `1.2.3-1ubuntu2`."""
    first = text.partition(".")[0]
    padded = len(first) > 1 and first[0] == "0"
    if between == "." or len(word) < 2 or text[0] == "@" or len(first) >= _DATE or padded:
        return Kind.REVISION
    if word in _BASES:
        return Kind.REVISION if glued else Kind.BASE
    if word in _WINDOWS or word in _RUNTIMES:
        return Kind.RUNTIME
    return Kind.RUNTIME if not between and word not in _REVISIONS else Kind.REVISION
