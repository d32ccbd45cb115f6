"""A table in colours for a person at a terminal, by `rich` (the extra `table`); without it the plugin text."""

import io
import os
import shutil
import sys
from types import TracebackType
from typing import Any, Self, TextIO

from container_updates.model import JudgedContainer, Outcome, State
from container_updates.report import nagios
from container_updates.report.headline import headline, worst_first
from container_updates.report.text import safe
from container_updates.settings import Settings

STYLES = {State.OK: "green", State.UNKNOWN: "magenta", State.WARNING: "yellow", State.CRITICAL: "bold red"}
"""State to its style, in the words of rich."""


def render(outcome: Outcome, settings: Settings, *, width: int | None = None) -> str:
    """Return the headline, the containers that are not OK (all with -v), worst first, and the rest as lines.

    `width` in columns; the terminal's (or COLUMNS) unless given.
    """
    try:
        from rich.console import Console
        from rich.table import Table
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
    console.print(Text.assemble((outcome.state.name, STYLES[outcome.state]), f" - {headline(outcome, settings)}"))
    news = (judged for judged in worst_first(outcome.containers) if not judged.reported)
    shown = [judged for judged in news if judged.state or settings.verbose]
    if shown:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("state", no_wrap=True)
        table.add_column("container", overflow="fold")
        table.add_column("image", overflow="fold")
        table.add_column("message", overflow="fold", ratio=1)
        for judged in shown:
            image = safe(_image(judged))
            message = nagios.message(judged, everything=settings.verbose >= 1).removeprefix(f"{image} ")
            table.add_row(
                Text(judged.state.name, STYLES[judged.state]), safe(judged.container.name, 80), image, message
            )
        console.print(table)
    for line in (*map(safe, outcome.notes), *nagios.extras(outcome), *nagios.diagnosis(outcome, settings)):
        console.print(line)
    text: str = console.file.getvalue()  # type: ignore[attr-defined] # the StringIO from above
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _image(judged: JudgedContainer) -> str:
    subject = judged.container.subject
    return judged.container.image if subject is None else str(subject.reference)


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
