"""`--explain` of a container on a real engine: what the engine alone can tell, and what the registry adds."""

import json
import sys

import pytest

from .engine import Engine
from .plugin import PLUGIN, Plugin, Run, run
from .published import Publisher, image, index
from .registries import Registry

pytestmark = pytest.mark.parametrize(
    "engine", ["classic", pytest.param("containerd", marks=pytest.mark.engine29)], indirect=True
)


def explain(plugin: Plugin, name: str, *argv: str) -> Run:
    checks = "--check=updates,restarts,source"
    return run(
        [sys.executable, str(PLUGIN), f"--host=unix://{plugin.socket}", "--explain", name, checks, *argv], plugin.folder
    )


def test_one_container_from_the_engine_to_the_steps_of_its_image(
    engine: Engine, publisher: Publisher, registry: Registry, plugin: Plugin
) -> None:
    running = publisher.push("explained/web", "1", index(image("first")))
    reference = f"{registry.name}/explained/web:1"
    engine.pull(reference)
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "front"}
    container = engine.run(reference, "shop-front-1", labels)
    published = publisher.push("explained/web", "1", index(image("second")))

    made = engine.api.inspect_container(container)["Created"][:10]

    shown = explain(plugin, "shop-front-1")

    assert (shown.exit_code, shown.stderr) == (1, "")
    words = " ".join(shown.stdout.split())
    assert words.startswith(f"WARNING - shop-front-1: outdated, unknown source What runs {reference}")
    assert running in words
    assert f"Container {container[:12]}, made on {made} (" in words
    status = "Created" if engine.containerd_store else "Up "
    assert f"; the engine says: {status}" in words
    assert "service front of project shop." in words
    assert "Published: outdated (WARNING) The registry publishes another image since " in words
    assert f"{published} " in words
    assert "Built from: unknown-source (WARNING) Nothing says where it was built from" in words
    assert "The steps that made it, as the image tells them: first" in words
    assert "docker compose -p shop pull front && docker compose -p shop up -d front" in words
    assert "HEAD /v2/explained/web/manifests/1: 200" in words

    by_id = json.loads(explain(plugin, container[:12], "-o", "json").stdout)
    [one] = by_id["containers"]
    assert (one["name"], one["state"], by_id["state"]) == ("shop-front-1", "WARNING", "WARNING")
    assert one["status"].startswith(status)
    assert one["created"][:10] == made

    near = explain(plugin, "shop-fornt-1")
    assert near.exit_code == 3
    assert near.stdout.endswith("no such container; did you mean shop-front-1?\n")
