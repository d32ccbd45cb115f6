"""What comes after the walk: what was learnt is written, what was reported is marked, one container is all there is."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from container_updates.model import Outcome
from container_updates.settings import Settings
from container_updates.state import last_report
from container_updates.state.store import Store

if TYPE_CHECKING:
    from container_updates.trust.context import TrustContext


def refuse(settings: Settings) -> None:
    """Raise `UsageError`, before anything is asked, for what could not be done afterwards."""
    if settings.learn:
        from container_updates.trust.learning import learn

        learn.refuse(settings.learn)


def complete(
    outcome: Outcome,
    settings: Settings,
    store: Store,
    trust: "TrustContext | None",
    left_out: Callable[[Outcome], Collection[tuple[str, str]]],
) -> Outcome:
    """Return the outcome as `--learn`, `--new-only` and `--explain` want it.

    `left_out` says for which containers (engine and id) the report has no room.
    """
    if settings.learn:
        from container_updates.trust.learning import learn

        policy = trust.policy if trust else None
        written = learn.write(settings.learn, outcome.containers, policy, outcome.checked_at, any_port=settings.demo)
        outcome = replace(outcome, notes=(written,))
    policy = trust.policy if trust and settings.verbose and not settings.explain else None
    if policy is not None:
        from container_updates.actions import policy_usage

        subjects = [judged.container.subject for judged in outcome.containers]
        used = policy_usage.told(policy, (subject.reference for subject in subjects if subject))
        outcome = replace(outcome, notes=(*outcome.notes, *used))
    if settings.new_only:
        outcome = last_report.mark(outcome, store, settings.service, left_out)
    if settings.explain:
        outcome = replace(outcome, state=outcome.containers[0].state)
    return outcome
