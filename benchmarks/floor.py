"""The floor: the same questions by a bare script, which judges nothing and keeps nothing.

It lists containers and images, sends a HEAD for each tag, and for what changed GETs the manifest and its config.
"""

import http.client
import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

ACCEPT = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
ACCEPT += "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


def main(engine: str) -> None:
    """Print how many images there are, how many the registry answered for, and how many have changed."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(engine.removeprefix("unix://"))

    def engine_list(path: str) -> Any:
        connection.request("GET", f"/v1.41/{path}")
        return json.loads(connection.getresponse().read())

    images = {container["Image"] for container in engine_list("containers/json")}
    known = {digest.partition("@")[2] for image in engine_list("images/json") for digest in image["RepoDigests"] or ()}
    session = requests.Session()
    session.trust_env = False
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=32)
    session.mount("http://", adapter)

    def ask(image: str) -> tuple[str, bool]:
        name, _, tag = image.rpartition(":")
        host, _, repository = name.partition("/")
        base = f"http://{host}/v2/{repository}"
        answer = session.head(f"{base}/manifests/{tag}", headers={"Accept": ACCEPT}, timeout=10)
        digest = answer.headers["Docker-Content-Digest"]
        if digest in known:
            return digest, False
        manifest = session.get(f"{base}/manifests/{digest}", headers={"Accept": ACCEPT}, timeout=10).json()
        session.get(f"{base}/blobs/{manifest['config']['digest']}", timeout=10).json()
        return digest, True

    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(ask, images))
    print(len(images), len(found), sum(changed for _, changed in found))


if __name__ == "__main__":
    main(sys.argv[1])
