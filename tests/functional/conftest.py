"""The real parts, started once for the session: engines, registries, token server, and records of requests."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from . import engine as engines
from . import registries
from .certificates import Authority
from .engine import Engine
from .plugin import Plugin
from .proxies import LoggingProxy
from .published import Publisher
from .registries import Registry
from .token_server import TokenServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder needs real daemons."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.functional)


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One storage for all registries: what is published in the open one is in all of them."""
    return tmp_path_factory.mktemp("storage")


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory, storage: Path) -> Iterator[Registry]:
    """The open registry."""
    started = registries.start_open(tmp_path_factory.mktemp("open"), storage)
    with started.daemon:
        yield started


@pytest.fixture(scope="session")
def htpasswd_registry(tmp_path_factory: pytest.TempPathFactory, storage: Path) -> Iterator[Registry]:
    """The registry with Basic authentication."""
    started = registries.start_htpasswd(tmp_path_factory.mktemp("htpasswd"), storage)
    with started.daemon:
        yield started


@pytest.fixture(scope="session")
def running_token_server() -> Iterator[TokenServer]:
    """The token server, for the whole session."""
    with TokenServer(registries.USER, registries.PASSWORD) as server:
        yield server


@pytest.fixture
def token_server(running_token_server: TokenServer) -> TokenServer:
    """The token server as new."""
    running_token_server.reset()
    return running_token_server


@pytest.fixture(scope="session")
def token_registry(
    tmp_path_factory: pytest.TempPathFactory, storage: Path, running_token_server: TokenServer
) -> Iterator[Registry]:
    """The registry with token authentication."""
    started = registries.start_token(tmp_path_factory.mktemp("token"), storage, running_token_server)
    with started.daemon:
        yield started


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The CA of the TLS registry."""
    return Authority("CA of the tests")


@pytest.fixture(scope="session")
def tls_registry(tmp_path_factory: pytest.TempPathFactory, storage: Path, authority: Authority) -> Iterator[Registry]:
    """The registry with TLS."""
    started = registries.start_tls(tmp_path_factory.mktemp("tls"), storage, authority)
    with started.daemon:
        yield started


@pytest.fixture(scope="session")
def publisher(registry: Registry) -> Publisher:
    """Publishes in all registries, by the open one."""
    return Publisher(registry.url)


@pytest.fixture(scope="session")
def running_engines(registry: Registry) -> Iterator[dict[str, Engine]]:
    """The engines that were started so far, by store."""
    with ExitStack() as stack:

        class Started(dict[str, Engine]):
            def __missing__(self, store: str) -> Engine:
                start = engines.classic if store == "classic" else engines.containerd_store
                self[store] = stack.enter_context(start(registry.url))
                return self[store]

        yield Started()


@pytest.fixture
def engine(request: pytest.FixtureRequest, running_engines: dict[str, Engine]) -> Iterator[Engine]:
    """An engine without containers and images: the classic one where the test does not ask for both."""
    started = running_engines[getattr(request, "param", "classic")]
    yield started
    started.clean()


@pytest.fixture
def engine_log(engine: Engine) -> Iterator[LoggingProxy]:
    """What the plugin asks the engine."""
    socket = engine.socket.removesuffix(".sock") + "-logged.sock"
    with LoggingProxy(upstream=engine.socket, socket=socket) as proxy:
        yield proxy
    Path(socket).unlink()


@pytest.fixture
def plugin(engine: Engine, engine_log: LoggingProxy, tmp_path: Path) -> Iterator[Plugin]:
    """The plugin for this engine; whatever a test does, it may only have read."""
    options = ("--all",) if engine.containerd_store else ()
    assert engine_log.socket is not None
    yield Plugin(engine_log.socket, tmp_path, options)
    assert engine_log.methods <= {"GET", "HEAD"}
