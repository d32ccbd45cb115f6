"""The containers of `--demo`: a small host on which everything that the check can find is there to be found."""

import json
import socket
from contextlib import ExitStack
from datetime import timedelta
from email.utils import format_datetime
from typing import Self

from container_updates.clock import Clock, rfc3339
from container_updates.demo import faults, signed
from container_updates.demo.engine.kinds import CONTAINERD, Kind
from container_updates.demo.engine.server import EngineServer
from container_updates.demo.packages import PackageRepository
from container_updates.demo.registry.attached import push_attested
from container_updates.demo.registry.content import AMD64, ARM64, PushedImage, PushedIndex
from container_updates.demo.registry.server import RegistryServer

_SPDX = "https://spdx.dev/Document"
_FOR_EVERY_CHECK = frozenset({"local-build", "rate-limited", "unauthorized", "unreachable"})
_FOR_THE_FIRST_CHECK = frozenset({"excluded", "unresolvable"})
"""Codes that leave no other check anything to say."""


class Demo:
    """`with Demo() as demo: ...` starts an engine (`host` is its URL) and its registries; nothing outlives it."""

    def __init__(self, kind: Kind = CONTAINERD, clock: Clock | None = None) -> None:
        self.engine = EngineServer(kind)
        self.registry = RegistryServer()
        self.busy_registry = RegistryServer()
        """One that has had enough of us."""
        self.packages = PackageRepository()
        self.expected: dict[str, dict[str, str]] = {}
        """Container to check to the code of its finding; of several findings of a check, the one to be looked at."""
        self._clock = clock or Clock()
        self._resources = ExitStack()

    @property
    def host(self) -> str:
        """The engine's URL, as `--host` takes it."""
        return self.engine.host

    def write_policy(self, folder: str) -> str:
        """Write the trust policy that goes with the demo into a folder; returns the policy's path."""
        registries = (self.registry.host, self._dead_host, "docker.io")
        return signed.write_policy(folder, registries, self.packages.pattern)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in (self.registry, self.busy_registry, self.packages, self.engine):
                stack.enter_context(server)
            self._dead_host = stack.enter_context(_ClosedPort()).host
            self._fill()
            self._resources = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._resources.close()

    def _fill(self) -> None:
        self._current()
        self._outdated()
        self._pinned()
        self._apart()
        self._inconclusive()
        self._signed()

    def _current(self) -> None:
        web = self._push("library/nginx", "1.27", days_old=20)
        self._run("web", web, "up-to-date", service="web")
        self.engine.fill("web", self.packages.container())
        cache = self.registry.push_index(
            "library/redis",
            "7.4",
            [self._push("library/redis", days_old=25), self._push("library/redis", days_old=25, arm=True)],
        )
        self.engine.pull(cache)
        self._start("cache", cache.reference, "up-to-date", service="cache")
        # the index is another one today: an attestation came, this platform's image stayed as it was
        base = self._push("acme/base", "12", days_old=80)
        amd64, arm64 = (self._push("acme/mail", days_old=40, arm=arm, base=base) for arm in (False, True))
        self._push("acme/base", "12", days_old=8)
        before = self.registry.push_index("acme/mail", "2", [amd64, arm64])
        self.engine.pull(before)
        self.registry.push_index("acme/mail", "2", [amd64, arm64], attestations=True)
        self._start("mail", before.reference, "up-to-date", project="groupware", service="mail", source="base-outdated")

    def _outdated(self) -> None:
        before = self._listed(
            self._push("library/postgres", days_old=45), {"postgresql-16": "16.4-1", "openssl": "3.0.14-1"}
        )
        self._run("db", before, "outdated", service="db")
        after = self._publish("library/postgres", "16", days_old=12)
        self._listed(after, {"postgresql-16": "16.6-1", "openssl": "3.0.15-1"})
        # "git" runs an image whose tag was pulled again since; "git-mirror" runs the new one
        forge = self._push("acme/forge", "9", days_old=30)
        self._run("git", forge, "restart-pending", check="restarts", project="forge", service="git")
        newer = self._publish("acme/forge", "9", days_old=3)
        self._run("git-mirror", newer, "up-to-date", project="forge", service="mirror")
        wiki = self._push("acme/wiki", "3.1", days_old=400)
        self._run("wiki", wiki, "tag-gone", project="groupware", service="wiki")
        self._push("acme/wiki", "4.0", days_old=90)
        self.registry.delete_tag("acme/wiki", "3.1")

    def _pinned(self) -> None:
        proxy = self._push("library/haproxy", "3.0", days_old=60)
        by_digest = f"{self.registry.host}/library/haproxy@{proxy.digest}"
        self.engine.pull(proxy, by_digest)
        self._start("proxy", by_digest, "pinned", service="proxy")
        queue = self._push("library/rabbitmq", "4", days_old=70)
        both = f"{queue.reference}@{queue.digest}"
        self.engine.pull(queue, both)
        self._publish("library/rabbitmq", "4", days_old=6)
        self._start("queue", both, "held", service="queue")

    def _apart(self) -> None:
        self.engine.build("acme/intranet:dev")
        self._start("intranet", "acme/intranet:dev", "local-build", project="intranet", service="app")
        lab = self._push("acme/playground", "latest", days_old=200)
        self.engine.pull(lab)
        labels = {"check_container_updates.enable": "false"}
        self._start("playground", lab.reference, "excluded", labels=labels)
        two = self._push("acme/backup", "1", days_old=15)
        image_id = self.engine.pull(two)
        self.engine.tag(image_id, f"{self.registry.host}/acme/backup-archive:1")
        self._start("backup", image_id, "unresolvable")

    def _inconclusive(self) -> None:
        metrics = self.busy_registry.push_image("acme/metrics", "2", created=self._ago(10))
        self._run(
            "metrics", metrics, "rate-limited", project="monitoring", service="metrics", source="untrusted-registry"
        )
        self.busy_registry.fail(faults.too_many_requests("3600"), path="/manifests/")
        billing = self._push("acme/billing", "5", days_old=10)
        self._run("billing", billing, "unauthorized", project="shop", service="billing")
        self.registry.fail_in(
            "acme/billing", faults.status(403, "DENIED", "requested access to the resource is denied")
        )
        logs = self._push("acme/logs", "1", days_old=10)
        self.engine.pull(logs, f"{self._dead_host}/acme/logs:1")
        self._start("logs", f"{self._dead_host}/acme/logs:1", "unreachable", project="monitoring", service="logs")

    def _signed(self) -> None:
        for name, image, signatures, source in signed.publish(self.registry):
            self._run(name, image, "up-to-date", service=name, signatures=signatures, source=source)

    def _push(
        self,
        repository: str,
        tag: str | None = None,
        *,
        days_old: int,
        arm: bool = False,
        base: PushedImage | None = None,
    ) -> PushedImage:
        labels = {"org.opencontainers.image.source": f"https://git.example.com/{repository}"}
        if base is not None:
            labels["org.opencontainers.image.base.name"] = base.reference
            labels["org.opencontainers.image.base.digest"] = base.digest
        platform = ARM64 if arm else AMD64
        return self.registry.push_image(repository, tag, platform=platform, created=self._ago(days_old), labels=labels)

    def _listed(self, image: PushedImage, packages: dict[str, str]) -> PushedIndex:
        """Publish an image with a list of what is in it, as BuildKit does with --sbom."""
        predicate = {"spdxVersion": "SPDX-2.3", "packages": [_package(*one) for one in packages.items()]}
        said = {"_type": "https://in-toto.io/Statement/v0.1", "predicateType": _SPDX, "predicate": predicate}
        subject = {"name": "pkg:docker/postgres", "digest": {"sha256": image.digest.removeprefix("sha256:")}}
        statement = json.dumps({**said, "subject": [subject]}).encode()
        return push_attested(self.registry, "16", image, statement, _SPDX)

    def _publish(self, repository: str, tag: str, *, days_old: int) -> PushedImage:
        """Let a tag move on; the registry says since when, as some do."""
        moved = self._clock.now() - timedelta(days=days_old)
        date = format_datetime(moved, usegmt=True)
        self.registry.fail(faults.header("Last-Modified", date), path=f"^/v2/{repository}/manifests/{tag}$")
        return self._push(repository, tag, days_old=days_old)

    def _run(
        self,
        name: str,
        image: PushedImage | PushedIndex,
        code: str,
        *,
        check: str = "updates",
        project: str = "shop",
        service: str,
        signatures: str = "accepted",
        source: str | None = None,
    ) -> None:
        self.engine.pull(image)
        self._start(
            name,
            image.reference,
            code,
            check=check,
            project=project,
            service=service,
            signatures=signatures,
            source=source,
        )

    def _start(
        self,
        name: str,
        image: str,
        code: str,
        *,
        check: str = "updates",
        project: str = "shop",
        service: str | None = None,
        labels: dict[str, str] | None = None,
        signatures: str = "accepted",
        source: str | None = None,
    ) -> None:
        compose = {"com.docker.compose.project": project, "com.docker.compose.service": service} if service else {}
        self.engine.run(name, image, labels={**compose, **(labels or {})})
        self.expected[name] = {check: code}
        if code in _FOR_EVERY_CHECK:
            self.expected[name] |= {"signatures": code, "source": source or code}
        elif code not in _FOR_THE_FIRST_CHECK:
            self.expected[name] |= {"signatures": signatures, "source": source or "source-claimed"}

    def _ago(self, days: int) -> str:
        return rfc3339(self._clock.now() - timedelta(days=days))


def _package(name: str, version: str) -> dict[str, object]:
    purl = {"referenceType": "purl", "referenceLocator": f"pkg:deb/debian/{name}@{version}"}
    return {"name": name, "versionInfo": version, "externalRefs": [purl]}


class _ClosedPort:
    """A port that nobody listens on, and nobody else can take meanwhile."""

    def __enter__(self) -> Self:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()

    @property
    def host(self) -> str:
        """Host and port, as they stand in an image reference."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"
