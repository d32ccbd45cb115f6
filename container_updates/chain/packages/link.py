"""What would a container's own package manager upgrade? Nothing is run in it: its files are read, and compared."""

from collections.abc import Iterator

from container_updates.chain import Context
from container_updates.chain.packages.findings import finding, not_applicable
from container_updates.contents.errors import Unsupported
from container_updates.contents.files import Files
from container_updates.errors import Inconclusive, InventoryError, Unauthorized, Unreachable
from container_updates.inventory import WithFiles
from container_updates.inventory.archive import Refused
from container_updates.model import Container, Finding


def examine(container: Container, context: Context) -> Iterator[Finding]:
    """Yield the one finding about a container; raises `Inconclusive` where something could not be read or verified."""
    inventory = context.inventories.get(container.engine)
    session = context.packages
    if session is None or not isinstance(inventory, WithFiles):
        raise Unsupported("this inventory cannot look into containers")
    if container.members:
        raise Unsupported("it stands for several containers, which their own engines can look into")
    try:
        files = Files(inventory.files(container.id))
        image = container.subject.image.id if container.subject else ""
        found = session.database(files, image)
        if found is None:
            yield not_applicable()
            return
        yield session.known(container, found, lambda: finding(session.inside(files, found), context.clock.now()))
    except Refused as error:
        raise Unauthorized(str(error)) from None
    except InventoryError as error:
        if isinstance(error, Inconclusive):
            raise
        raise Unreachable(str(error)) from None
