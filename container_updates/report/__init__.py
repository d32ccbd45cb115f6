"""An outcome as text, a file for each form."""

from importlib import import_module

from container_updates.model import Outcome, State
from container_updates.settings import Settings

FORMS = ("nagios", "json", "table", "prometheus")
"""What `--output` knows; each is a module here with `render(outcome, settings) -> str`."""


def render(outcome: Outcome, settings: Settings) -> str:
    """Return the report that `settings.output` names, ending in one newline; prints nothing."""
    # Only the form that is asked for is imported: rich alone costs more than the rest of a run's start.
    form = import_module(f"{__name__}.{settings.output}")
    text: str = form.render(outcome, settings)
    return text


def left_out(outcome: Outcome, settings: Settings) -> set[tuple[str, str]]:
    """Return the containers (engine and id) for which the report has no room: only one form is ever cut."""
    if settings.output != "nagios":
        return set()
    from container_updates.report import nagios

    return nagios.left_out(outcome, settings)


def has_news(outcome: Outcome, settings: Settings) -> bool:
    """Whether there is anything to tell to somebody who wants to hear of trouble alone."""
    if not settings.new_only:
        return outcome.state is not State.OK
    wrong = [judged for judged in outcome.containers if judged.state is not State.OK]
    return any(not judged.reported for judged in wrong) or (outcome.state is not State.OK and not wrong)
