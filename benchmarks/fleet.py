"""Many engines in one run, one of them dead and one hanging; and a large Kubernetes cluster."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks.measure import Row, run
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.kubernetes import KubernetesServer
from container_updates.demo.registry.server import RegistryServer

ENGINES, CONTAINERS, PODS = 48, 20, 5000
TIMEOUT = 15
MiB = 1024 * 1024


def rows(plugin: str, folder: str) -> Iterator[Row]:
    """Yield the rows of the table."""
    yield from _engines(plugin, folder)
    yield from _pods(plugin, folder)


def _engines(plugin: str, folder: str) -> Iterator[Row]:
    with ExitStack() as stack:
        registry = stack.enter_context(RegistryServer())
        images = [registry.push_image(f"shop/app{number}", "1") for number in range(CONTAINERS)]
        hosts = []
        for number in range(ENGINES):
            engine = stack.enter_context(EngineServer())
            engine.set_info(Name=f"host{number:02}")
            for position, image in enumerate(images):
                engine.pull(image)
                engine.run(f"app{position}", image.reference)
            hosts.append(f"--host={engine.host}")
        place = tempfile.mkdtemp(prefix="ccu-", dir="/tmp")
        silent = stack.enter_context(socket.socket(socket.AF_UNIX))
        silent.bind(f"{place}/silent.sock")
        silent.listen()
        hosts += [f"--host=db7=unix://{place}/nobody.sock", f"--host=web3=unix://{place}/silent.sock"]
        state = f"{folder}/fleet"
        check = [plugin, *hosts, "--check=updates,restarts", f"--state-dir={state}", f"--timeout={TIMEOUT}"]
        registry.log.clear()
        first = run(check)
        asked = len(registry.log)
        registry.log.clear()
        again = run(check)
        known = len(registry.log)
        told = subprocess.run([sys.executable, *check], capture_output=True, text=True).stdout
        shutil.rmtree(place)
    what = f"(g) {ENGINES + 2} engines of {CONTAINERS}, one dead, one hanging, -t {TIMEOUT}"
    said = "2 of 50 engines not read (db7, web3)" in told and f"containers={ENGINES * CONTAINERS}" in told
    yield (
        what,
        f"{first.wall:.1f} s, {'said so' if said else 'not said'}",
        "a third of -t + 3 s",
        (said and first.wall <= TIMEOUT / 3 + 3),
    )
    yield "(g) registry requests, cold and known", f"{asked}, {known}", "26, 0", asked <= 26 and known == 0
    memory = max(first.memory, again.memory)
    yield "(g) memory", f"{memory:.0f} MB", "60 MB", memory <= 60


def _pods(plugin: str, folder: str) -> Iterator[Row]:
    with RegistryServer() as registry:
        image = registry.push_image("load/app", "1")
        filler = [
            {"name": f"SETTING_{number}", "value": f"value {number} of a longer setting"} for number in range(100)
        ]
        pods = [
            {
                "metadata": {"namespace": "load", "name": f"app{number // 10}-{number % 10}", "uid": str(number)},
                "spec": {"containers": [{"name": "c", "image": image.reference, "env": filler}], "nodeName": "n1"},
                "status": {
                    "containerStatuses": [
                        {
                            "name": "c",
                            "imageID": f"x@{image.digest}",
                            "image": image.reference,
                            "state": {"running": {}},
                        }
                    ]
                },
            }
            for number in range(PODS)
        ]
        with KubernetesServer(pods) as cluster:
            config = f"{folder}/kubeconfig"
            with open(config, "w") as file:
                json.dump(
                    {
                        "current-context": "lab",
                        "contexts": [{"name": "lab", "context": {"cluster": "c"}}],
                        "clusters": [{"name": "c", "cluster": {"server": f"http://{cluster.netloc}"}}],
                    },
                    file,
                )
            done = run(
                [
                    plugin,
                    "--inventory=kubernetes",
                    f"--kubeconfig={config}",
                    "--check=updates,restarts",
                    f"--state-dir={folder}/pods",
                    "--timeout=60",
                ]
            )
    size = len(json.dumps(pods)) / MiB
    yield f"(h) {PODS:,} pods ({size:.0f} MiB of JSON): CPU", f"{done.cpu:.1f} s", "3 s", done.cpu <= 3
    yield f"(h) {PODS:,} pods: memory", f"{done.memory:.0f} MB", "100 MB", done.memory <= 100
