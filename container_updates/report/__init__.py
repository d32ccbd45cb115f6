"""An outcome as text, a file for each form."""

from importlib import import_module

from container_updates.model import Outcome
from container_updates.settings import Settings

FORMS = ("nagios", "json", "table")
"""What `--output` knows; each is a module here with `render(outcome, settings) -> str`."""


def render(outcome: Outcome, settings: Settings) -> str:
    """Return the report that `settings.output` names, ending in one newline; prints nothing."""
    # Only the form that is asked for is imported: rich alone costs more than the rest of a run's start.
    form = import_module(f"{__name__}.{settings.output}")
    text: str = form.render(outcome, settings)
    return text
