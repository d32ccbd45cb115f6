"""Rooms import downwards only; who may know whom stands here, so that a shortcut shows up in review."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "container_updates"

BASE = {"model", "reference", "repositories", "errors", "clock", "settings"}
"""Values and words that everybody speaks."""
ALLOWED: dict[str, set[str]] = {
    "": set(),
    "errors": set(),
    "clock": set(),
    "reference": {"errors"},
    "repositories": set(),
    "model": {"reference"},
    "settings": set(),
    "workers": {"clock"},
    "database": {"model"},
    "inventory": BASE,
    "registry": BASE | {"database"},
    "signing": BASE | {"registry"},
    "trust": BASE | {"database", "signing"},
    "chain": BASE | {"inventory", "registry", "signing", "trust"},
    "reported": {"model", "registry"},
    "explained": {"model", "errors"},
    "verdicts": {"model", "errors", "settings", "clock"},
    "report": {"model", "clock", "settings"},
    "known_signers": {"clock", "errors", "reference", "registry", "report", "settings", "signing", "trust"},
    "demo": {"model", "reference", "clock", "errors"},
    "check": BASE | {"explained", "reported", "trust", "inventory", "registry", "chain", "workers", "verdicts"},
    "defaults": set(),
    "options": {"defaults", "clock", "reference", "chain", "errors", "report", "settings", "verdicts"},
    "cli": {"options", "check", "known_signers", "report", "clock", "errors", "settings", "demo"},
    "__main__": {"cli"},
}
"""Room or module to those it may import, beside itself and the version."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports() -> Iterator[tuple[str, str, str]]:
    """Every import inside the package: room, imported room, and where."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        room = "" if parts == ("__init__",) else parts[0]
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
                    yield room, inner.partition(".")[0], f"{path.name}:{node.lineno}"


def test_every_room_has_its_place_in_the_table() -> None:
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms - {"__init__"} == set(ALLOWED) - {""}


def test_rooms_import_downwards_only() -> None:
    shortcuts = [
        f"{where}: {room or 'container_updates'} imports {imported}"
        for room, imported, where in imports()
        if imported not in (room, "__version__") and imported not in ALLOWED[room]
    ]
    assert shortcuts == []


@pytest.mark.parametrize("room", sorted(set(ALLOWED) - {"", "__main__"}))
def test_nobody_calls_back_up(room: str) -> None:
    """The table itself has no circle."""
    seen, todo = set(), [*ALLOWED[room]]
    while todo:
        lower = todo.pop()
        assert lower != room, f"{room} imports itself by way of others"
        if lower not in seen:
            seen.add(lower)
            todo += ALLOWED[lower]


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
