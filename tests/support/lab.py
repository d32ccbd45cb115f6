"""An embedded host with its registry, and whole runs of the check against it."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from container_updates import check
from container_updates.clock import Clock, Deadline
from container_updates.demo import faults
from container_updates.demo.engine.kinds import CLASSIC, Kind
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.http import Fault, Request, Response
from container_updates.demo.registry.server import RegistryServer
from container_updates.model import Container, Finding, JudgedContainer, Outcome
from container_updates.settings import Settings

NOW = 1_795_500_000.0
"""2026-11-24, some time in the morning."""


@dataclass
class Lab:
    """One engine and one registry; `time` is what the check's clock says."""

    engine: EngineServer
    registry: RegistryServer
    folder: Path
    time: float = NOW
    settings: Settings = field(default_factory=Settings)
    deadline: Deadline = field(default_factory=lambda: Deadline(0, Clock()))
    """Of the last run."""
    _done: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def clock(self) -> Clock:
        """The wall clock of the runs; durations are real, but nothing is waited for."""
        return Clock(wall=lambda: self.time, pause=lambda seconds: None)

    def check(self, **changes: Any) -> "Checked":
        """One run with these settings changed; every run asks anew unless `no_cache` is False."""
        settings = Settings(
            hosts=(self.engine.host,),
            state_dir=str(self.folder / "state"),
            docker_config=str(self.folder),
            no_cache=True,
        )
        left_out = changes.pop("left_out", lambda outcome: ())
        settings = replace(settings, **changes)
        self.deadline = Deadline(settings.timeout, self.clock)
        steps = nullcontext(self)
        return Checked(
            check.run(
                settings, clock=self.clock, deadline=self.deadline, progress=lambda total: steps, left_out=left_out
            )
        )

    def advance(self) -> None:
        """Count what a run is done with."""
        self._done.release()

    def wait_for(self, subjects: int) -> None:
        """Return once the run is done with so many subjects."""
        for _ in range(subjects):
            self._done.acquire(timeout=20)

    def silence(self, *, after: int = 0) -> Fault:
        """No answer; and once the run is done with so many subjects, its time is up, however slow this machine is."""

        def silent(request: Request, answer: Response) -> Response:
            self.wait_for(after)
            self.deadline.expire()
            return faults.silence()(request, answer)

        return silent

    def run(self, name: str, image: Any, labels: Mapping[str, str] | None = None) -> None:
        """Pull an image and start a container of it by its name."""
        self.engine.pull(image)
        self.engine.run(name, image.reference, labels=labels)


@dataclass
class Checked:
    """What came out, by container name."""

    outcome: Outcome

    @property
    def codes(self) -> dict[str, str]:
        """Code of each container's first finding."""
        return {judged.container.name: judged.findings[0].finding.code for judged in self.outcome.containers}

    def judged(self, name: str) -> JudgedContainer:
        """One container with its findings."""
        [found] = [judged for judged in self.outcome.containers if judged.container.name == name]
        return found

    def container(self, name: str) -> Container:
        """One container."""
        return self.judged(name).container

    def finding(self, name: str, check: str = "updates") -> Finding:
        """The one thing that a link says about a container."""
        [found] = self.findings(name, check)
        return found

    def findings(self, name: str, check: str) -> list[Finding]:
        """Everything that a link says about a container."""
        return [judged.finding for judged in self.judged(name).findings if judged.finding.check == check]

    def metric(self, name: str) -> float:
        """The value of a metric."""
        [value] = [metric.value for metric in self.outcome.metrics if metric.name == name]
        return value


@contextmanager
def lab(folder: Path, kind: Kind = CLASSIC) -> Iterator[Lab]:
    """Start engine and registry."""
    with RegistryServer() as registry, EngineServer(kind) as engine:
        yield Lab(engine, registry, folder)
