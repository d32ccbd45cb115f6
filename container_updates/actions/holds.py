"""Updates that are not wanted, for a person at a terminal: held (`--hold`), and held no longer (`--unhold`).

No engine and no registry is asked: what is held is the update that the last check of an image found waiting.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing

from container_updates import reference
from container_updates.clock import Clock
from container_updates.errors import CheckError, InvalidReference, UsageError
from container_updates.reference import short
from container_updates.report.text import safe
from container_updates.settings import Settings
from container_updates.signing.signers import matches
from container_updates.state.holds import UPDATES, Holds
from container_updates.state.store import Store


def answer(settings: Settings, clock: Clock) -> str:
    """Return what is to be printed; raises `CheckError` where nothing can be kept, or no such image is known."""
    with closing(Store(settings.state_dir, clock=clock)) as store, closing(Holds(settings.state_dir)) as holds:
        if settings.hold:
            text = _hold(settings.hold, _waiting(store), holds, clock)
        else:
            text = _release(settings.unhold, holds)
        for problem in (*store.problems, *holds.problems):
            raise CheckError(f"{problem.where}: {problem.message}")
        return text


def _hold(images: Iterable[str], waiting: Mapping[str, list[str]], holds: Holds, clock: Clock) -> str:
    names = _meant("--hold", images, waiting, "the last check found no update of such an image waiting")
    holds.hold({name: waiting[name] for name in names}, clock.wall())
    return "".join(
        f"{safe(name)}: the update to {short(waiting[name][0])} is held until another one is published\n"
        for name in names
    )


def _release(images: Iterable[str], holds: Holds) -> str:
    names = _meant("--unhold", images, holds.everything(), "no update of such an image is held (see --memory)")
    holds.release(names)
    return "".join(f"{safe(name)}: held no longer\n" for name in names)


def _waiting(store: Store) -> Mapping[str, list[str]]:
    """Every update that waits: image to its digests, first what its tag names."""
    found: dict[str, list[str]] = {}
    for key, value in store.facts(UPDATES).items():
        try:
            digests = [str(digest) for digest in json.loads(value) if reference.is_digest(str(digest))]
        except (ValueError, TypeError):
            continue
        image = key.partition("\n")[0]
        if digests:
            found[image] = list(dict.fromkeys((*found.get(image, ()), *digests)))
    return found


def _meant(option: str, images: Iterable[str], known: Iterable[str], none: str) -> list[str]:
    """Return those of the known images that each of `images` means; raises `UsageError` for one that means none."""
    found: list[str] = []
    for image in images:
        means = _meaning(option, image)
        names = [name for name in known if means(name)]
        if not names:
            raise UsageError(f"{option} {image}: {none}")
        found += names
    return sorted(dict.fromkeys(found))


def _meaning(option: str, image: str) -> Callable[[str], bool]:
    """Whether a known image is meant: by a tag only that one, by a name all its tags, by a pattern what matches."""
    if "*" in image:
        return lambda known: matches(image, reference.parse(known).name) or matches(image, known)
    try:
        wanted = reference.parse(image)
    except InvalidReference as error:
        raise UsageError(f"{option} {image}: {error}") from None
    if wanted.digest is not None:
        raise UsageError(f"{option} {image}: what is pinned to a digest has no update")
    if ":" in image.rpartition("/")[2]:
        return lambda known: known == str(wanted)
    return lambda known: reference.parse(known).name == wanted.name
