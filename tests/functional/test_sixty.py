"""A real host's size: 60 containers of 60 images, 6 outdated, 40 ms away from the registry."""

import pytest

from .engine import Engine
from .plugin import Plugin
from .proxies import LoggingProxy
from .published import Publisher, image, index
from .registries import Registry

IMAGES = [f"app{number:02}" for number in range(60)]
OUTDATED = set(IMAGES[::10])


def test_sixty_containers_six_outdated_only_reads(
    engine: Engine, engine_log: LoggingProxy, publisher: Publisher, registry: Registry, plugin: Plugin
) -> None:
    with LoggingProxy(upstream=registry.port) as far:
        for name in IMAGES:
            publisher.push(f"sixty/{name}", "1", index(image(name)))
            reference = f"127.0.0.1:{far.port}/sixty/{name}:1"
            engine.pull(reference)
            engine.run(reference, name)
        for name in OUTDATED:
            publisher.push(f"sixty/{name}", "1", index(image(f"{name} again")))
        far.round_trip = 0.04
        far.requests.clear()
        engine_log.requests.clear()
        before = len(registry.requests())

        text = plugin("--no-cache", output="nagios")

        assert text.exit_code == 1, text.stdout
        assert text.stdout.startswith("CONTAINER_UPDATES WARNING - 6 of 60 containers outdated")
        named = {line.split()[1].rstrip(":") for line in text.stdout.splitlines() if line.startswith("[WARNING]")}
        assert named == OUTDATED
        by_registry = registry.requests()[before:]
        assert sorted(by_registry) == sorted(far.requests)
        assert {method for method, _ in by_registry} <= {"GET", "HEAD"}
        assert engine_log.methods <= {"GET", "HEAD"}
        assert len(by_registry) <= 60 + 2 + 3 * 6

        assert plugin().codes == {name: "outdated" if name in OUTDATED else "up-to-date" for name in IMAGES}
        far.requests.clear()
        again = plugin()
        assert again.metric("outdated") == 6
        if far.requests:
            pytest.fail(f"everything was cached, and yet: {far.requests}")
