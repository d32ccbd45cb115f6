"""Rooms import downwards only; who may know whom stands here, so that a shortcut shows up in review."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.support.paths import ROOT

PACKAGE = ROOT / "container_updates"

BASE = {"model", "reference", "repositories", "errors", "clock", "settings", "workers"}
"""Values and tools that everybody speaks."""
ALLOWED: dict[str, set[str]] = {
    "": set(),
    "errors": set(),
    "clock": set(),
    "reference": {"errors"},
    "repositories": set(),
    "model": {"reference"},
    "settings": set(),
    "workers": {"clock"},
    "untrusted": {"errors"},
    "state": BASE,
    "inventory": BASE | {"untrusted", "inventory.connections"},
    "inventory.connections": BASE | {"untrusted"},
    "registry": BASE | {"state", "untrusted", "registry.http", "registry.login"},
    "registry.http": BASE | {"state", "untrusted", "registry"},
    "registry.login": BASE | {"state", "untrusted", "registry", "registry.http"},
    "signing": BASE | {"untrusted", "registry", "signing.sigstore", "signing.notation", "signing.content_trust"},
    "signing.crypto": BASE | {"untrusted", "signing"},
    "signing.sigstore": BASE | {"untrusted", "signing", "signing.crypto"},
    "signing.notation": BASE | {"untrusted", "signing", "signing.crypto"},
    "signing.content_trust": BASE | {"untrusted", "signing", "signing.crypto", "registry", "state"},
    "trust": BASE | {"signing", "trust.policy", "trust.memory"},
    "trust.policy": BASE | {"untrusted", "signing", "signing.crypto", "signing.sigstore", "signing.notation"},
    "trust.memory": BASE | {"state"},
    "trust.learning": BASE | {"signing", "signing.notation", "trust.policy", "trust.memory"},
    "contents": BASE | {"untrusted", "inventory"},
    "contents.repositories": BASE | {"untrusted", "contents"},
    "contents.apt": BASE | {"state", "untrusted", "contents", "contents.repositories", "contents.apt.setup"},
    "contents.apt.setup": BASE | {"contents", "contents.repositories"},
    "chain": BASE
    | {"inventory", "registry", "state", "trust"}
    | {"trust.policy", "trust.memory", "chain.updates", "chain.packages"},
    "chain.updates": BASE
    | {"chain", "state", "registry", "chain.versions", "chain.source", "signing", "signing.sigstore"},
    "chain.packages": BASE
    | {"chain", "state", "inventory", "contents", "contents.apt", "contents.apt.setup", "contents.repositories"},
    "chain.versions": BASE | {"chain", "registry", "chain.updates", "chain.source"},
    "chain.signatures": BASE | {"chain", "signing", "signing.content_trust", "trust", "trust.policy", "trust.memory"},
    "chain.source": BASE
    | {"untrusted", "inventory", "chain", "chain.updates", "registry", "signing", "trust.policy", "trust.memory"},
    "verdicts": BASE,
    "report": BASE | {"report.sentences"},
    "report.sentences": BASE | {"report"},
    "actions": BASE
    | {"state", "report", "signing", "signing.crypto", "signing.sigstore", "trust", "trust.memory", "trust.policy"}
    | {"trust.learning"},
    "demo": BASE | {"demo.engine", "demo.registry"},
    "demo.engine": BASE | {"demo", "demo.registry"},
    "demo.registry": BASE | {"demo"},
    "check": BASE
    | {"actions", "trust", "inventory", "registry", "registry.login", "state", "chain", "signing"}
    | {"chain.updates", "chain.packages", "trust.policy", "untrusted", "verdicts"},
    "options": BASE | {"untrusted", "chain", "chain.versions", "report", "verdicts"},
    "cli": BASE | {"options", "check", "actions", "report", "demo"},
    "__main__": {"cli"},
}
"""Room or module to those it may import, beside itself and the version."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def modules() -> dict[str, Path]:
    """Module, without the package's name, to its file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(module: str, path: Path) -> str:
    """A module at the top is a room of its own."""
    inside = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return inside or module


def imports() -> Iterator[tuple[str, str, int]]:
    """Every import inside the package, wherever it stands: module, imported module and line."""
    known = modules()
    for module, path in known.items():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno}: a relative import"
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                package, _, inner = name.partition(".")
                if package == "container_updates":
                    imported = inner if inner in known else inner.rpartition(".")[0]
                    yield module, imported, node.lineno


def test_every_room_has_its_place_in_the_table() -> None:
    assert {room_of(module, path) for module, path in modules().items()} == set(ALLOWED)


def test_rooms_import_downwards_only() -> None:
    known = modules()
    shortcuts = [
        f"{known[module].relative_to(PACKAGE)}:{line} imports {imported}"
        for module, imported, line in imports()
        if (room := room_of(imported, known[imported])) != room_of(module, known[module])
        and room not in ALLOWED[room_of(module, known[module])] | {""}
    ]
    assert shortcuts == []


def test_no_file_comes_back_to_itself_by_way_of_what_it_imports() -> None:
    """Types and lazy imports count too: a circle is a circle, whoever closes it."""
    graph: dict[str, set[str]] = defaultdict(set)
    known = modules()
    for module, imported, _ in imports():
        if known[imported].name != "__init__.py" and known[module].name != "__init__.py":
            graph[module].add(imported)
    circle: list[str] = []
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert circle == []


def test_no_room_has_more_files_than_a_stranger_reads_in_one_go() -> None:
    rooms: dict[str, int] = defaultdict(int)
    for module, path in modules().items():
        if path.name not in ("__init__.py", "__main__.py"):
            rooms[module.rpartition(".")[0]] += 1
    assert {room: count for room, count in rooms.items() if count > 10} == {}


def test_nothing_below_the_command_line_prints_exits_or_reads_the_time() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] in ("demo", "clock.py", "cli.py", "__main__.py"):
            continue
        for node in ast.walk(tree(path)):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
            name = ast.unparse(node.func) if called else ""
            if name in ("print", "sys.exit", "exit", "time.time", "time.monotonic", "datetime.now", "time.sleep"):
                found.append(f"{path.name}:{node.lineno}: {name}")
    assert found == []
