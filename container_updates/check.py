"""The walk: every container of every engine past every link of the chain, then judged."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from container_updates import chain, workers
from container_updates.actions import after, explained
from container_updates.chain import Context
from container_updates.chain.updates import lookup, lost
from container_updates.chain.updates.link import asks
from container_updates.clock import Clock, Deadline, engine_date
from container_updates.errors import Inconclusive, TimedOut
from container_updates.inventory import reading
from container_updates.model import Container, Finding, Outcome, Problem, Subject, Verdict
from container_updates.reference import Reference, is_digest
from container_updates.registry import Credentials, Hosts, Registry
from container_updates.settings import Settings
from container_updates.state.holds import Holds
from container_updates.state.store import Store
from container_updates.verdicts import judge

if TYPE_CHECKING:
    from container_updates.chain.packages.session import Session
    from container_updates.trust.context import TrustContext
    from container_updates.trust.policy.rules import Repositories


class Steps(Protocol):
    """Something that shows how far the walk is."""

    def advance(self) -> None:
        """One more subject is done; called from any thread."""
        ...


Progress = Callable[[int], AbstractContextManager[Steps]]
"""Given the number of subjects, shows how far the walk is."""


class _Unseen:
    def advance(self) -> None:
        pass


def run(
    settings: Settings,
    *,
    clock: Clock,
    deadline: Deadline,
    progress: Progress = lambda total: nullcontext(_Unseen()),
    left_out: Callable[[Outcome], Collection[tuple[str, str]]] = lambda outcome: (),
) -> Outcome:
    """Return what was found and what it means; raises `CheckError` where nothing could be checked at all.

    `left_out` says for which containers (engine and id) the report has no room: `--new-only` does not count them.
    At the deadline, or when a signal lets it expire, what is known is returned, and the rest is `timeout`.
    """
    started = clock.steady()
    after.refuse(settings)
    wall = clock.wall()
    # One time for all links: what has waited for the same time is told so, however long the run takes.
    run_clock = Clock(wall=lambda: wall, steady=clock.steady)
    with (
        closing(Store(settings.state_dir, clock=clock, answers=not settings.no_cache, ttl=settings.cache_ttl)) as store,
        closing(Credentials(settings, deadline)) as credentials,
        ExitStack() as opened,
        closing(Holds(settings.state_dir)) as holds,
    ):
        trust = _trust_context(settings, store, clock)
        fleet = reading.read(settings, deadline, opened)
        registry = Registry(
            hosts=Hosts(settings, fleet.registries, final_mirrors=trust.final_mirrors if trust else ()),
            credentials=credentials,
            store=store,
            clock=clock,
            deadline=deadline,
            cache_ttl=settings.cache_ttl,
            jobs=settings.jobs,
        )
        inventories = {inventory.key: inventory for inventory in fleet.inventories}
        packages = _packages(settings, store, trust, run_clock, deadline)
        context = Context(registry, inventories, store, run_clock, settings, trust, holds.everything(), packages)
        if settings.explain:
            fleet = fleet.only(explained.one(settings.explain, fleet.containers, fleet.failures))
        subjects = list(dict.fromkeys(container.subject for container in fleet.containers if container.subject))
        with progress(len(subjects)) as steps:
            found = _examine(subjects, fleet.containers, context, deadline, steps.advance)
        problems = [problem for inventory in fleet.inventories for problem in inventory.problems]
        requests = [request for inventory in fleet.inventories for request in inventory.requests]
        if packages is not None:
            packages.close()
            problems += packages.problems
            requests += packages.requests
        outcome = judge(
            [(container, _findings(container, found, settings)) for container in fleet.containers],
            settings=settings,
            numbers={**_numbers(subjects, context), "time": clock.steady() - started},
            problems=[*problems, *registry.problems, *_missing_packages(found)],
            checked_at=run_clock.now(),
            requests=[*requests, *registry.requests],
            unread=fleet.failures,
            engines=fleet.engines,
        )
        outcome = after.complete(outcome, settings, store, trust, left_out)
        # A disk that is full shows itself here, and is to be told. The store keeps how far the memory got.
        if trust is not None:
            trust.close()
        store.close()
        return replace(
            outcome, problems=(*outcome.problems, *(trust.problems if trust else ()), *store.problems, *holds.problems)
        )


def _numbers(subjects: Sequence[Subject], context: Context) -> dict[str, float | None]:
    """Return the metrics that no finding tells."""
    return {
        "images": len({(subject.reference, subject.image.id) for subject in subjects}),
        "oldest_image": _oldest_image(subjects, context.clock),
        "registry_requests": sum(request.status is not None for request in context.registry.requests),
        "ratelimit_remaining": context.registry.ratelimit_remaining,
    }


def _trust_context(settings: Settings, store: Store, clock: Clock) -> "TrustContext | None":
    """Looked at before anything is asked; raises `PolicyError`."""
    wants_policy = "packages" in settings.checks and settings.trust_policies
    if not {"signatures", "source"} & {*settings.checks} and not wants_policy:
        return None
    from container_updates.trust.context import TrustContext

    return TrustContext(settings.trust_policies, settings.state_dir, facts=store, clock=clock)


def _packages(
    settings: Settings, store: Store, trust: "TrustContext | None", clock: Clock, deadline: Deadline
) -> "Session | None":
    """Return what all containers share whose packages are looked at, None where nobody asks for them."""
    if "packages" not in settings.checks:
        return None
    from container_updates.chain.packages.session import Session

    def repositories() -> "Repositories | None":
        return trust.policy.repositories if trust and trust.policy else None

    fingerprint = trust.policy_fingerprint if trust else ""
    return Session(settings, store, repositories, fingerprint, clock=clock, deadline=deadline)


_ENGINE_AT_ONCE = 8
"""Containers of one engine that are looked into at the same time."""
_Asked = Subject | tuple[str, str]
"""A subject, or engine and id of a container."""


def _examine(
    subjects: Sequence[Subject],
    containers: Sequence[Container],
    context: Context,
    deadline: Deadline,
    finished: Callable[[], None],
) -> Mapping[_Asked, Sequence[Finding]]:
    """Return what every link found about every subject and container, without what the deadline cut off."""
    checks, jobs = context.settings.checks, context.settings.jobs
    links = [(check, chain.link(check)) for check in checks if check not in chain.OF_CONTAINERS]
    inside = [(check, chain.link(check)) for check in checks if check in chain.OF_CONTAINERS]
    looked_into = [container for container in containers if container.excluded is None] if inside else []
    if links:
        # A name that was never pulled must not leave this host, not even in the list of what a token is asked for.
        expected = workers.each(subjects, lambda subject: _asked(subject, context), jobs=jobs, deadline=deadline)
        context.registry.expect(filter(None, expected))

    found: dict[_Asked, list[Finding]] = {subject: [] for subject in subjects}
    found |= {_key(container): [] for container in looked_into}

    def examine(thing: Subject | Container) -> None:
        with context.registry.turn():
            ask(thing)
        if isinstance(thing, Subject):
            finished()

    def ask(thing: Subject | Container) -> None:
        if isinstance(thing, Container):
            findings, asked, name = found[_key(thing)], inside, "packages inside"
        else:
            findings, asked, name = found[thing], links, str(thing.reference)
        for check, link in asked:
            try:
                for finding in link(thing, context):
                    findings.append(finding)  # one by one: what is known when the time is up is told
                    thing = lost.found_again(thing, finding)
            except Inconclusive as error:
                findings.append(chain.inconclusive(check, name, error))
            except Exception as error:  # one image's surprise must not cost the others
                unforeseen = Inconclusive(f"internal error ({type(error).__name__})")
                findings.append(chain.inconclusive(check, name, unforeseen))

    things: list[Subject | Container] = [*subjects, *looked_into]
    workers.each(
        things,
        examine,
        jobs=jobs,
        deadline=deadline,
        group=lambda thing: f"in {thing.engine}" if isinstance(thing, Container) else thing.reference.registry,
        at_once=lambda group: _ENGINE_AT_ONCE if group.startswith("in ") else context.registry.at_once(group),
    )
    return {thing: tuple(findings) for thing, findings in found.items()}


def _key(container: Container) -> tuple[str, str]:
    return container.engine, container.id or container.name


def _asked(subject: Subject, context: Context) -> Reference | None:
    try:
        return lookup.asked(subject) if asks(subject, context) else None
    except Exception:  # said when the subject is examined
        return None


def _findings(container: Container, found: Mapping[_Asked, Sequence[Finding]], settings: Settings) -> Sequence[Finding]:
    """Return what is to be said of a container, also where nothing was asked."""
    check = settings.checks[0]
    if container.excluded is not None:
        return (Finding(check, "excluded", Verdict.SKIPPED, f"{container.image} excluded by {container.excluded}"),)
    known = list(found.get(_key(container), ()))
    subject, checks = container.subject, [*settings.checks]
    if subject is not None:
        known = [*found[subject], *known]
    elif container.skipped is not None and check not in chain.OF_CONTAINERS:
        return (Finding(check, "local-build", Verdict.SKIPPED, container.skipped), *known)
    elif check not in chain.OF_CONTAINERS:
        reason = container.problem or "its image has no name to ask for"
        name = "" if is_digest(container.image) else f"{container.image} "  # 71 characters that nobody reads
        message = f"{name}not checked: {reason}"
        known.insert(0, Finding(check, "unresolvable", Verdict.INCONCLUSIVE, message, {"reason": reason}))
        checks = [check for check in checks if check in chain.OF_CONTAINERS]
    told = {finding.check for finding in known}
    late = TimedOut("the time for the whole check was up before it was asked")
    for check in checks:
        if check not in told:
            name = "packages inside" if subject is None or check in chain.OF_CONTAINERS else str(subject.reference)
            known.append(chain.inconclusive(check, name, late))
    return known


def _missing_packages(found: Mapping[_Asked, Sequence[Finding]]) -> list[Problem]:
    """Return one problem for each Python package that any signature could not be checked without."""
    signed = [
        one
        for findings in found.values()
        for finding in findings
        for member in ("signatures", "attestations")
        for one in finding.details.get(member, ())
    ]
    modules = sorted({one["missing_package"] for one in signed if "missing_package" in one})
    if not modules:
        return []
    from container_updates.signing import packages

    return [Problem("signatures", "missing-package", packages.problem(module)) for module in modules]


def _oldest_image(subjects: Iterable[Subject], clock: Clock) -> float | None:
    """Return the age of the oldest running image in seconds; None where none has a date that can be a real one."""
    now = clock.now()
    dates = (engine_date(subject.image.created) for subject in subjects if subject.running)
    return max((int((now - date).total_seconds()) for date in dates if date and date <= now), default=None)
