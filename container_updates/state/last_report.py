"""What the last report of a service had, so that the next one can list only the news (apticron's DIFF_ONLY)."""

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import replace

from container_updates.model import JudgedContainer, JudgedFinding, Outcome, State
from container_updates.state.store import Store

_KIND = "reported"


def mark(
    outcome: Outcome,
    store: Store,
    service: str,
    left_out: Callable[[Outcome], Collection[tuple[str, str]]] = lambda outcome: (),
) -> Outcome:
    """Return `outcome` with those containers marked that were in the last report of `service` in the same way.

    The new report takes the last one's place in the store, without what it has no room for: `left_out` says of which
    containers (engine and id) that is so, and they are news again the next time.
    """
    try:
        before = set(json.loads(store.recall(_KIND, service) or b"[]"))
    except (ValueError, TypeError):
        before = set()
    wrong = [judged for judged in outcome.containers if judged.state is not State.OK]
    containers = tuple(
        replace(judged, reported=judged.state is not State.OK and _print(judged) in before)
        for judged in outcome.containers
    )
    marked = replace(outcome, containers=containers)
    missing = left_out(marked)
    told = {_print(one) for one in wrong if (one.container.engine, one.container.id) not in missing}
    still = {_print(one) for one in wrong} & before
    store.remember(_KIND, service, json.dumps(sorted(told | still)).encode())
    return marked


def _print(judged: JudgedContainer) -> str:
    """A fingerprint of what is wrong with a container: the same until something about it changes, but for its age."""
    wrong = [
        [finding.finding.check, finding.finding.code, *(finding.finding.details.get(name) for name in _what(finding))]
        for finding in judged.findings
        if finding.state is not State.OK
    ]
    told = [judged.container.engine, judged.container.name, judged.state.name, wrong]
    return hashlib.sha256(json.dumps(told, default=str).encode(errors="replace")).hexdigest()[:24]


def _what(judged: JudgedFinding) -> tuple[str, ...]:
    """Details that make it another piece of news; how long a registry's limit lasts is none."""
    told = ("published_digest", "pulled_digest", "newest")
    return told if judged.finding.code == "rate-limited" else (*told, "reason")
