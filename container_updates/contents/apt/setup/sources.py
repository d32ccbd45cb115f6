"""Where apt fetches from: sources.list(5) in both forms."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from container_updates.contents.apt.setup.config import is_no, is_yes
from container_updates.contents.apt.setup.names import used
from container_updates.contents.apt.setup.stanzas import paragraphs
from container_updates.contents.files import Tree

_MAX_SOURCES = 200
_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\[[^\]]*\]\S*|\S+)\s+(?P<suite>\S+)(?P<rest>.*)")
_MULTIPLE = {"arch": "architectures", "lang": "languages", "target": "targets"}


@dataclass(frozen=True, slots=True)
class Source:
    """One suite of one repository, with the components that are wanted of it."""

    uri: str
    """As it is written, ending with a slash."""
    suite: str
    """A path that ends with a slash is a flat repository's."""
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    """Empty: all that dpkg is set up for."""
    without: tuple[str, ...] = ()
    """Architectures that are taken away from those."""
    beside: tuple[str, ...] = ()
    """Architectures that are added to those."""
    signed_by: str = ""
    """Paths, fingerprints or a key itself; "": any key that apt trusts."""
    valid_until: bool = True
    """Whether an expired index is refused."""
    by_hash: str = ""
    """yes, no or force, where the source says it."""
    snapshot: str = ""

    @property
    def flat(self) -> bool:
        """Whether the index lies beside the packages, without `dists/`."""
        return self.suite.endswith("/")

    @property
    def release(self) -> str:
        """URL of the folder that has the Release file."""
        if self.flat:
            return self.uri + ("" if self.suite in ("/", "./") else self.suite.lstrip("/"))
        return f"{self.uri}dists/{self.suite}/"


def read(tree: Tree) -> list[Source]:
    """Return the sources of packages in /etc/apt, in apt's order; lines that apt could not read are left out."""
    found: list[Source] = []
    for path in ["sources.list", *used(tree, "sources.list.d", "list", "sources", bare=False)]:
        if path in tree.files:
            text = tree.files[path].decode("utf-8", "replace")
            found += _paragraphs(text) if path.endswith(".sources") else _lines(text)
    return found[:_MAX_SOURCES]


def _lines(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        match = _ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if match is None:
            continue
        options: dict[str, str] = {}
        for option in (match["options"] or "").split():
            name, _, value = option.partition("=")
            sign = name[-1:] if name[-1:] in "+-" else ""
            name = name.rstrip("+-").lower()
            options[_MULTIPLE.get(name, name) + {"+": "-add", "-": "-remove", "": ""}[sign]] = value.replace(",", " ")
        yield from _sources([match["uri"]], [match["suite"]], match["rest"].split(), options)


def _paragraphs(text: str) -> Iterator[Source]:
    for fields in paragraphs(text):
        if "deb" in fields.get("types", "").split():
            uris, suites = fields.get("uris", "").split(), fields.get("suites", "").split()
            yield from _sources(uris, suites, fields.get("components", "").split(), fields)


def _sources(
    uris: Iterable[str], suites: Iterable[str], components: list[str], options: Mapping[str, str]
) -> Iterator[Source]:
    if is_no(options.get("enabled", "yes")):
        return
    for uri in uris:
        for suite in suites:
            if suite.endswith("/") == bool(components):
                continue  # apt: "Malformed entry (absolute Suite Component)", and the other way round
            yield Source(
                uri if uri.endswith("/") else uri + "/",
                suite,
                tuple(dict.fromkeys(components)),
                tuple(options.get("architectures", "").split()),
                tuple(options.get("architectures-remove", "").split()),
                tuple(options.get("architectures-add", "").split()),
                options.get("signed-by", ""),
                not is_no(options.get("check-valid-until", "yes")),
                "yes" if is_yes(options.get("by-hash", "")) else options.get("by-hash", "").lower(),
                options.get("snapshot", ""),
            )


def architectures(source: Source, configured: Iterable[str]) -> list[str]:
    """Return the architectures whose indexes are wanted."""
    wanted = [*(source.architectures or configured), *source.beside]
    return [one for one in dict.fromkeys(wanted) if one not in source.without]
