"""What we make of a generated set, to be held against what apt says."""

import datetime
from pathlib import Path

from container_updates.clock import Clock, Deadline
from container_updates.contents import release_file
from container_updates.contents.apt import upgrades
from container_updates.contents.apt.suites import Suites
from container_updates.contents.files import Files
from container_updates.contents.repositories.fetch import Fetcher
from container_updates.demo.engine.server import EngineServer
from container_updates.inventory.engine import DockerEngine
from container_updates.settings import Settings
from container_updates.state.indexes import Indexes
from tests.support.apt_world import NATIVE, Verdict, World


def we_say(world: World, folder: Path) -> Verdict:
    """Look into an embedded container with the files of a world; raises `Inconclusive`."""
    clock = Clock()
    deadline = Deadline(60, clock)
    with EngineServer() as engine:
        engine.build("app:1")
        engine.run("app", "app:1")
        engine.fill("app", world.files)
        files = Files(DockerEngine(engine.host, settings=Settings(), deadline=deadline).files("app"))
        suites = Suites(
            Fetcher(clock=clock, deadline=deadline, allowed=lambda url: True),
            Indexes(str(folder / "state"), clock=clock),
            host_keys=(),
            clock=clock,
            deadline=deadline,
            cache_ttl=0,
        )
        release = release_file.read(files, datetime.date(2026, 11, 25))
        compared = upgrades.compare(files, upgrades.STATUS_FILE, release, suites)
    named = {
        f"{one.installed.name}:{NATIVE if one.installed.architecture == 'all' else one.installed.architecture}": one
        for one in compared.candidates
        if one.installed.name != "dpkg"
    }
    return Verdict(
        {name: one.version or "(none)" for name, one in named.items()},
        {name: one.version for name, one in named.items() if one.upgradable},
    )


def differences(world: World, theirs: Verdict | None, folder: Path) -> list[str]:
    """Return in what we differ from apt; where it does not work with its own setup, neither must we."""
    from container_updates.contents.errors import Unsupported

    try:
        ours = we_say(world, folder)
    except Unsupported as error:
        return [] if theirs is None else [f"we do not work with it: {error}"]
    if theirs is None:
        return ["apt does not work with it, and we do"]
    found = []
    for what, mine, apts in (
        ("candidate", ours.candidates, theirs.candidates),
        ("upgradable", ours.upgradable, theirs.upgradable),
    ):
        for name in sorted({*mine, *apts}):
            if mine.get(name) != apts.get(name):
                found.append(f"{what} of {name}: {mine.get(name)}, apt says {apts.get(name)}")
    return found
