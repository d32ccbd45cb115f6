"""A table in colours for a person at a terminal, by `rich` (the extra `table`); without it the plugin text."""

import io
import os
import re
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from container_updates.model import JudgedContainer, Outcome, State
from container_updates.report import chain, grouping, nagios
from container_updates.report.headline import headline, worst_first
from container_updates.settings import Settings

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_BAR = 20
"""Columns."""
_DIGESTS = re.compile(r", (?:runs|published) sha256:[0-9a-f]{12}")
STYLES = {State.OK: "green", State.UNKNOWN: "magenta", State.WARNING: "yellow", State.CRITICAL: "bold red"}
"""State to its style, in the words of rich."""


def render(outcome: Outcome, settings: Settings, *, width: int | None = None, height: int | None = None) -> str:
    """Return the headline, what is not OK (all with -v) worst first, the chain of trust, and the rest as lines.

    The headline stands at the end once more where it has scrolled away. `width` in columns and `height` in lines; the
    terminal's (or COLUMNS and LINES) unless given.
    """
    try:
        from rich.console import Console
        from rich.text import Text
    except ImportError:
        return nagios.render(outcome, settings)

    colors = colored(settings.color)
    console = Console(
        file=io.StringIO(),
        width=width or shutil.get_terminal_size().columns,
        force_terminal=colors,
        color_system="standard" if colors else None,
        no_color=not colors,
        # Outside text is shown, never interpreted.
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    first = Text.assemble((outcome.state.name, STYLES[outcome.state]), f" - {headline(outcome, settings)}")
    console.print(first)
    for line in nagios.preface(outcome):
        console.print(line)
    rows = _rows(outcome, settings)
    if rows:
        console.print(_table(rows, console.width))
    for line in nagios.reported_before(outcome):
        console.print(line)
    for link in chain.links(outcome, settings.checks) if rows or settings.verbose else ():
        console.print(_bar(link, console.width))
    if any(row.state for row in rows):
        console.print("More about one container: --explain NAME", style="dim")
    for line in nagios.diagnosis(outcome, settings):
        console.print(line)
    text: str = console.file.getvalue()  # type: ignore[attr-defined] # the StringIO from above
    if text.count("\n") > (height or shutil.get_terminal_size().lines):
        console.print(first)
        text = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _rows(outcome: Outcome, settings: Settings) -> list[grouping.Row]:
    words = partial(nagios.message, everything=True) if settings.verbose else _short
    rows = grouping.rows(outcome, words, everything=settings.verbose >= 1)
    fine = [judged for judged in worst_first(outcome.containers) if judged.state is State.OK and settings.verbose]
    return rows + [grouping.row(judged, words) for judged in fine]


def _short(judged: JudgedContainer) -> str:
    """What the plugin text says, without the digests, which -v has."""
    return _DIGESTS.sub("", nagios.message(judged, everything=False))


def _table(rows: Sequence[grouping.Row], width: int) -> "Table":
    from rich.table import Table
    from rich.text import Text

    short = _shortened({row.image for row in rows if row.image}, max(20, width // 3))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("state", no_wrap=True)
    table.add_column("container", overflow="fold", max_width=max(12, width // 4))
    several = any(row.host for row in rows)
    if several:
        table.add_column("host", overflow="fold", max_width=max(12, width // 5))
    table.add_column("image", overflow="fold", max_width=max(20, width // 3))
    table.add_column("message", overflow="fold", ratio=1)
    for row in rows:
        who = [row.name or row.who, row.host] if several else [row.who]
        table.add_row(Text(row.state.name, STYLES[row.state]), *who, short.get(row.image, ""), row.words)
    return table


def _shortened(images: set[str], room: int) -> dict[str, str]:
    """Each image as there is room for it: a registry that all share is left out, a longer name loses its middle."""
    registries = {image.partition("/")[0] for image in images}
    alone = len(registries) == 1 and all("/" in image for image in images)
    found = {}
    for image in images:
        name = image.partition("/")[2] if alone else image
        registry, slash, rest = name.partition("/")
        if len(name) > room and slash and len(rest) + 8 < room:
            kept = room - len(rest) - 2
            name = f"{registry[: kept // 2]}…{registry[len(registry) - (kept - kept // 2) :]}/{rest}"
        found[image] = name
    return found


def _bar(link: chain.Link, width: int) -> "Text":
    """One line where there is room: a bar, how many, and the weakest by name."""
    from rich.text import Text

    whole = _BAR if width >= 120 else _BAR // 2
    filled = whole if link.good == link.total else min(round(whole * link.good / link.total), whole - 1)
    style = "green" if link.good == link.total else "yellow"
    start = f"{link.title:<19}"
    words = link.words if len(start) + whole + 1 + len(link.words) <= width else link.counted
    return Text.assemble(start, ("━" * filled, style), ("━" * (whole - filled), "dim"), f" {words}")


def colored(when: str) -> bool:
    """Whether `--color WHEN` means colours for this stdout."""
    if when == "auto":
        # https://no-color.org: set and not empty.
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return when == "always"


class Progress:
    """A bar that advances by one for each answer; nothing at all unless the stream is a terminal and rich is there."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        stream = sys.stderr if stream is None else stream
        self._bar: Any = None
        if not stream.isatty():
            return
        try:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
            from rich.progress import Progress as Bar
        except ImportError:
            return
        self._bar = Bar(
            TextColumn("asking registries"),
            BarColumn(),
            MofNCompleteColumn(),
            console=Console(file=stream),
            transient=True,
        )
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self) -> None:
        """One more answer is here; may be called from any thread."""
        if self._bar is not None:
            self._bar.advance(self._task)
