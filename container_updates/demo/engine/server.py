"""A container engine on a unix socket, the reading part of the Docker Engine API, and a Python side to fill it."""

import os
import re
import shutil
import ssl
import tempfile
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import unquote

from container_updates.demo.engine.filesystem import Filesystem, Special
from container_updates.demo.engine.holdings import Holdings, Shelves
from container_updates.demo.engine.kinds import CLASSIC, Kind, api_number
from container_updates.demo.engine.recording import Recording
from container_updates.demo.http import Request, Response, Server, json_response
from container_updates.demo.registry.content import AMD64, PushedImage, PushedIndex
from container_updates.model import Platform
from container_updates.reference import parse

_VERSIONED = re.compile(r"/v(?P<version>[0-9]+\.[0-9]+)(?P<path>/.*)")
_INSPECT = re.compile(r"/(?P<what>containers|images)/(?P<name>.+)/json")
_ARCHIVE = re.compile(r"/containers/(?P<name>[^/]+)/archive")


class EngineServer(Server):
    """`with EngineServer(CONTAINERD) as engine: engine.pull(image); engine.run("web", image.reference)`."""

    def __init__(
        self,
        kind: Kind = CLASSIC,
        *,
        platform: Platform = AMD64,
        tcp: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.kind = kind
        super().__init__(tls=tls)
        self._tcp = tcp
        self._shelves = Shelves(kind, platform)
        self._holdings: Holdings = self._shelves
        self._filesystems: dict[str, Filesystem] = {}
        """By container name; a container that is not in it is empty."""
        self._encoded: dict[tuple[str, str, bool], Response] = {}

    @property
    def host(self) -> str:
        """The URL that `--host` takes: unix:// or tcp://."""
        return f"tcp://{self.netloc}" if self._tcp else f"unix://{self._unix_socket}"

    def __enter__(self) -> Self:
        if not self._tcp:
            # a unix socket's path may have 107 bytes at most, so never under a long $TMPDIR
            self._unix_socket = tempfile.mkdtemp(prefix="ccu-", dir="/tmp") + "/docker.sock"
        return super().__enter__()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        if self._unix_socket is not None:
            shutil.rmtree(os.path.dirname(self._unix_socket), ignore_errors=True)

    # filling it

    def pull(
        self, pushed: PushedImage | PushedIndex, reference: str | None = None, *, platform: Platform | None = None
    ) -> str:
        """`docker pull`: by the name it was pushed under, or as `reference`. Returns the image id."""
        self._encoded.clear()
        return self._shelves.pull(pushed, parse(reference or pushed.reference), platform)

    def build(self, name: str, *, labels: Mapping[str, str] | None = None, base: str | None = None) -> str:
        """`docker build --tag NAME`, FROM the image of the id `base`. Returns the image id."""
        self._encoded.clear()
        return self._shelves.build(parse(name), labels or {}, base)

    def tag(self, image_id: str, name: str) -> None:
        """`docker tag`."""
        self._encoded.clear()
        self._shelves.tag(image_id, parse(name))

    def untag(self, name: str) -> None:
        """`docker rmi --force NAME`, while a container goes on running the image."""
        self._encoded.clear()
        self._shelves.untag(parse(name))

    def remove_image(self, image_id: str) -> None:
        """`docker rmi --force`, while a container goes on running it."""
        self._encoded.clear()
        self._shelves.remove_image(image_id)

    def run(self, name: str, image: str, *, labels: Mapping[str, str] | None = None, state: str = "running") -> str:
        """`docker run`: `image` as a user would write it (name, name@digest, name:tag@digest, id). Returns the id."""
        self._encoded.clear()
        return self._shelves.run(name, image, labels or {}, state)

    def remove_container(self, name: str) -> None:
        """`docker rm --force`."""
        self._encoded.clear()
        self._shelves.remove_container(name)

    def fill(self, name: str, files: Mapping[str, bytes | Special], *, mtime: int = 1_700_000_000) -> None:
        """Let a container have these files at absolute paths, instead of those it had."""
        self._filesystems[name] = Filesystem(files, mtime)

    def set_info(self, **members: Any) -> None:
        """Let `/info` have these members instead of the usual ones."""
        self._encoded.clear()
        self._shelves.info_extra.update(members)

    def load_recording(self, recorded: Mapping[str, Any]) -> None:
        """Answer what a real engine answered, from now on instead of what was put here (tests/assets/engines)."""
        self._encoded.clear()
        recording = Recording(recorded, self.kind)
        self._holdings, self.kind = recording, recording.kind

    # answering

    def answer(self, request: Request) -> Response:
        """What the engine says to GET and HEAD; anything else is refused, and stands in the record."""
        if request.method not in ("GET", "HEAD"):
            return self._error(403, "this engine can only be read")
        versioned = _VERSIONED.fullmatch(request.path)
        api, path = (versioned["version"], versioned["path"]) if versioned else (self.kind.api, request.path)
        refusal = self._refuse_version(api)
        if refusal is not None:
            return refusal
        if path == "/_ping":
            return self._headed(Response(200, b"OK", {"Content-Type": "text/plain; charset=utf-8"}))
        stopped = request.parameter("all") in ("1", "true", "True")
        if path in ("/version", "/info", "/containers/json", "/images/json"):
            key = (path, api, stopped)
            if key not in self._encoded:
                self._encoded[key] = self._headed(json_response(self._list(path, api, stopped)))
            return self._encoded[key]
        archive = _ARCHIVE.fullmatch(path)
        if archive is not None:
            return self._archive(unquote(archive["name"]), request)
        inspect = _INSPECT.fullmatch(path)
        if inspect is None:
            return self._error(404, "page not found")
        name = unquote(inspect["name"])
        if inspect["what"] == "containers":
            found, missing = self._holdings.container(name, api), f"No such container: {name}"
        else:
            found, missing = self._holdings.image(name, api), f"No such image: {name}"
        return self._error(404, missing) if found is None else self._headed(json_response(found))

    def _list(self, path: str, api: str, stopped: bool) -> Any:
        if path == "/version":
            return self._holdings.version()
        if path == "/info":
            return self._holdings.info()
        return self._holdings.containers(api, stopped) if path == "/containers/json" else self._holdings.images(api)

    def _refuse_version(self, api: str) -> Response | None:
        if self.kind.store == "podman":
            return None  # it takes any version in the path
        if api_number(api) > api_number(self.kind.api):
            return self._error(
                400, f"client version {api} is too new. Maximum supported API version is {self.kind.api}"
            )
        if api_number(api) < api_number(self.kind.min_api):
            return self._error(
                400,
                f"client version {api} is too old. Minimum supported API version is {self.kind.min_api}, "
                "please upgrade your client to a newer version",
            )
        return None

    def _archive(self, name: str, request: Request) -> Response:
        container = self._holdings.container(name, self.kind.api)
        if container is None:
            return self._error(404, f"No such container: {name}")
        path = request.parameter("path") or ""
        filesystem = self._filesystems.get(container["Name"].lstrip("/"), Filesystem({}, 0))
        answer = filesystem.head(path) if request.method == "HEAD" else filesystem.archive(path)
        if answer is None:
            return self._error(404, f"Could not find the file {path} in container {name}")
        return self._headed(answer)

    def _error(self, status: int, message: str) -> Response:
        body = {"message": message}
        if self.kind.store == "podman":
            body |= {"cause": message, "response": str(status)}
        return self._headed(json_response(body, status))

    def _headed(self, response: Response) -> Response:
        name = "Libpod" if self.kind.store == "podman" else "Docker"
        headers = {
            "Api-Version": self.kind.api,
            "Ostype": "linux",
            "Docker-Experimental": "false",
            "Server": f"{name}/{self.kind.version} (linux)",
        }
        return Response(response.status, response.body, {**headers, **response.headers})
