"""Whole runs of `--check packages` against containers of the embedded engine and a repository on loopback."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from container_updates.demo import faults
from container_updates.demo.engine.filesystem import Special
from container_updates.model import State, Verdict
from tests.support.apt_world import Key, Repository, SuiteOf, key, paragraph, publish
from tests.support.lab import Checked, Lab, lab

pytest.importorskip("debian.debian_support", reason="the extra packages is not installed")
pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg signs the repositories")

RELEASE = b'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\n'
STATUS = "/var/lib/dpkg/status"


def package(name: str, version: str, **fields: str) -> dict[str, str]:
    return {"Package": name, "Version": version, "Architecture": "amd64", "Installed-Size": "7", **fields}


def status(*packages: Mapping[str, str], **states: str) -> bytes:
    told = [{"Package": one["Package"], "Status": f"{states.get(one['Package'], 'install')} ok installed", **one}
            for one in packages]  # fmt: skip
    return "".join(map(paragraph, told)).encode()


@pytest.fixture(scope="module")
def signing() -> Key:
    return key()


class Host:
    """A lab whose containers have packages; `repository` is what their sources name."""

    def __init__(self, lab: Lab, repository: Repository, signing: Key) -> None:
        self.lab, self.repository, self.signing = lab, repository, signing
        self.policy = lab.folder / "policy.toml"
        self.policy.write_text(f'version = 1\n[repositories]\nallow = ["http://{repository.netloc}/**"]\n')
        self.sources = f"deb http://{repository.netloc}/debian bookworm main\n".encode()

    def publish(self, *packages: Mapping[str, str], name: str = "bookworm", **changes: Any) -> None:
        fields = {"Suite": "stable", "Codename": name, **changes.pop("fields", {})}
        suite = SuiteOf(name, fields, packages=[("main", one) for one in packages])
        changes.setdefault("date", datetime.fromtimestamp(self.lab.time, UTC) - timedelta(hours=1))
        publish(self.repository, suite, changes.pop("signing", self.signing), **changes)

    def run(self, name: str, files: Mapping[str, bytes | Special] | None = None, **others: bytes | Special) -> None:
        image = self.lab.registry.push_image(f"acme/{name}", "1")
        self.lab.run(name, image)
        self.fill(name, files if files is not None else {})

    def fill(self, name: str, files: Mapping[str, bytes | Special], mtime: int = 1) -> None:
        self.lab.engine.fill(name, files, mtime=mtime)

    def debian(self, *packages: Mapping[str, str], **states: str) -> dict[str, bytes | Special]:
        return {
            STATUS: status(package("dpkg", "1.21.22"), *packages, **states),
            "/etc/os-release": RELEASE,
            "/etc/apt/sources.list": self.sources,
            "/etc/apt/trusted.gpg.d/archive.gpg": self.signing.public,
        }

    def check(self, **changes: Any) -> Checked:
        settings = {"checks": ("packages",), "trust_policies": (str(self.policy),), **changes}
        return self.lab.check(**settings)


@pytest.fixture
def host(tmp_path: Path, signing: Key) -> Iterator[Host]:
    with lab(tmp_path) as started, Repository() as repository:
        yield Host(started, repository, signing)


def test_pending_packages_are_named_with_both_versions(host: Host) -> None:
    host.publish(package("curl", "7.88.1-10+deb12u8"), package("bash", "5.2-1"))
    host.run("web", host.debian(package("curl", "7.88.1-10+deb12u5"), package("bash", "5.2-1")))
    checked = host.check()
    found = checked.finding("web", "packages")
    assert found.code == "packages-pending"
    assert found.message == "1 package to update (curl 7.88.1-10+deb12u5 → 7.88.1-10+deb12u8)"
    assert found.details["pending"] == [
        {"name": "curl", "architecture": "amd64", "installed": "7.88.1-10+deb12u5", "candidate": "7.88.1-10+deb12u8",
         "suite": "bookworm", "security": False}
    ]  # fmt: skip
    assert (checked.metric("packages_pending"), checked.metric("security_pending")) == (1, 0)
    assert checked.outcome.state is State.WARNING


def test_a_security_update_is_critical_and_counts_as_a_package_too(host: Host) -> None:
    host.publish(package("openssl", "3.0.14-1"), package("curl", "8"))
    host.publish(package("openssl", "3.0.15-1"), name="bookworm-security", fields={"Label": "Debian-Security"})
    host.sources += host.sources.replace(b"bookworm", b"bookworm-security")
    host.run("web", host.debian(package("openssl", "3.0.11-1"), package("curl", "7")))
    checked = host.check()
    assert checked.finding("web", "packages").code == "security-pending"
    assert checked.finding("web", "packages").message.startswith(
        "2 packages to update, 1 of them for security (openssl 3.0.11-1 → 3.0.15-1, curl 7 → 8)"
    )
    assert (checked.metric("packages_pending"), checked.metric("security_pending")) == (2, 1)
    assert checked.outcome.state is State.CRITICAL


def test_a_package_on_hold_is_told_apart(host: Host) -> None:
    host.publish(package("curl", "8"), package("bash", "6"))
    host.run("web", host.debian(package("curl", "7"), package("bash", "5"), curl="hold"))
    found = host.check().finding("web", "packages")
    assert found.details["held"] == ["curl"]
    assert "(bash 5 → 6; on hold: curl)" in found.message


def test_nothing_to_upgrade_is_ok_and_says_how_many_were_compared(host: Host) -> None:
    host.publish(package("curl", "7"))
    host.run("web", host.debian(package("curl", "7")))
    checked = host.check()
    assert checked.finding("web", "packages").code == "none-pending"
    assert "2 installed" in checked.finding("web", "packages").message
    assert checked.outcome.state is State.OK


def test_a_key_of_the_policy_is_trust_of_the_host(host: Host) -> None:
    host.publish(package("curl", "7"))
    host.run("web", host.debian(package("curl", "7")))
    assert host.check().finding("web", "packages").details["trust"] == "container"
    (host.lab.folder / "acme.gpg").write_bytes(host.signing.public)
    host.policy.write_text(host.policy.read_text() + 'keyrings = ["acme.gpg"]\nrequire = "host"\n')
    assert host.check().finding("web", "packages").details["trust"] == "host"


def test_a_key_that_only_the_container_has_is_not_enough_where_the_policy_says_so(host: Host) -> None:
    host.publish(package("curl", "7"))
    host.run("web", host.debian(package("curl", "7")))
    host.policy.write_text(host.policy.read_text() + 'require = "host"\n')
    assert host.check().finding("web", "packages").code == "untrusted-repository"


def _unsigned(host: Host) -> None:
    for name in ("InRelease", "Release.gpg"):
        del host.repository.files[f"/debian/dists/bookworm/{name}"]


def _tampered(host: Host) -> None:
    path = "/debian/dists/bookworm/InRelease"
    host.repository.files[path] = host.repository.files[path].replace(b"Codename: bookworm", b"Codename: bookwork")


def _unsigned_line_before(host: Host) -> None:
    path = "/debian/dists/bookworm/InRelease"
    host.repository.files[path] = b"Codename: evil\n" + host.repository.files[path]


def _another_index(host: Host) -> None:
    for path in host.repository.files:
        if "Packages" in path or "by-hash" in path:
            host.repository.files[path] = host.repository.files[path][:-1] + b"x"


def _of_another_key(host: Host) -> None:
    host.publish(package("curl", "8"), signing=key("somebody"))


def _expired(host: Host) -> None:
    host.publish(package("curl", "8"), fields={"Valid-Until": "Sat, 01 Jan 2022 00:00:00 UTC"})


def _from_the_future(host: Host) -> None:
    host.publish(package("curl", "8"), date=datetime.fromtimestamp(host.lab.time, UTC) + timedelta(days=2))


def _weak_hashes(host: Host) -> None:
    text = host.repository.files["/debian/dists/bookworm/Release"].decode().replace("SHA256:", "MD5Sum:")
    host.repository.files["/debian/dists/bookworm/InRelease"] = host.signing.clearsigned(text)


@pytest.mark.parametrize(
    "spoil",
    [
        _unsigned,
        _tampered,
        _unsigned_line_before,
        _another_index,
        _of_another_key,
        _expired,
        _from_the_future,
        _weak_hashes,
    ],
)
def test_what_is_not_signed_as_it_has_to_be_is_never_ok(host: Host, spoil: Any) -> None:
    host.publish(package("curl", "8"))
    spoil(host)
    host.run("web", host.debian(package("curl", "7")))
    checked = host.check()
    assert checked.finding("web", "packages").code == "untrusted-repository"
    assert checked.outcome.state is State.UNKNOWN


def test_release_with_a_detached_signature_is_as_good(host: Host) -> None:
    host.publish(package("curl", "8"))
    del host.repository.files["/debian/dists/bookworm/InRelease"]
    host.run("web", host.debian(package("curl", "7")))
    assert host.check().finding("web", "packages").code == "packages-pending"


@pytest.mark.parametrize(
    "uri", ["file:///debian", "http://169.254.169.254/debian", "http://127.1:1/debian", "http://user:secret@deb.example.com/"]
)  # fmt: skip
def test_a_container_leads_nobody_to_files_and_internal_addresses(host: Host, uri: str) -> None:
    host.run("web", {**host.debian(package("curl", "7")), "/etc/apt/sources.list": f"deb {uri} bookworm main".encode()})
    found = host.check().finding("web", "packages")
    assert found.code == "untrusted-repository"
    assert "secret" not in found.message
    assert not host.repository.log


def test_a_redirect_to_an_internal_address_is_not_followed(host: Host) -> None:
    host.run("web", host.debian(package("curl", "7")))
    host.repository.fail(faults.redirect("http://127.0.0.2:1"))
    assert host.check().finding("web", "packages").code == "untrusted-repository"


def test_a_repository_that_does_not_answer(host: Host) -> None:
    host.run("web", host.debian(package("curl", "7")))
    host.repository.fail(faults.status(503))
    found = host.check().finding("web", "packages")
    assert (found.code, found.verdict) == ("repository-unreachable", Verdict.INCONCLUSIVE)


@pytest.mark.parametrize(("suite", "code"), [("buster", "release-gone"), ("bookworm", "repository-unreachable")])
def test_a_suite_that_is_gone_is_told_by_its_end(host: Host, suite: str, code: str) -> None:
    sources = host.sources.replace(b"bookworm", suite.encode())
    host.run("web", {**host.debian(package("curl", "7")), "/etc/apt/sources.list": sources})
    assert host.check().finding("web", "packages").code == code


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "not-applicable"),
        ({"/app": b"static"}, "not-applicable"),
        ({STATUS: b"nonsense\n"}, "unsupported"),
        ({STATUS: Special("pipe")}, "unsupported"),
        ({STATUS: Special("file", size=1 << 34)}, "unsupported"),
        ({STATUS: Special("link", STATUS)}, "unsupported"),
        ({STATUS: status(package("dpkg", "1"))}, "unsupported"),
        ({"/var/lib/dpkg/status.d/dpkg": status(package("dpkg", "1"))}, "unsupported"),
        ({"/lib/apk/db/installed": b"P:musl\nV:1\n"}, "unsupported"),
        ({"/var/lib/rpm/rpmdb.sqlite": b"SQLite"}, "unsupported"),
    ],
    ids=["scratch", "static", "broken", "pipe", "sparse", "loop", "no-sources", "distroless", "apk", "rpm"],
)
def test_containers_without_anything_to_compare(host: Host, files: Any, code: str) -> None:
    host.run("web", files)
    assert host.check().finding("web", "packages").code == code


def test_a_snapshot_says_that_it_is_one(host: Host) -> None:
    suite = SuiteOf("bookworm", {"Suite": "stable", "Valid-Until": "Sat, 01 Jan 2022 00:00:00 UTC"})
    publish(host.repository, suite, host.signing, where="/archive/debian/20240101T000000Z")
    uri = f"http://{host.repository.netloc}/archive/debian/20240101T000000Z"
    sources = f"deb [check-valid-until=no] {uri} bookworm main".encode()
    host.lab.time += 86400 * 365 * 5
    host.run("web", {**host.debian(package("curl", "7")), "/etc/apt/sources.list": sources})
    found = host.check().finding("web", "packages")
    assert (found.code, found.details["snapshot"]) == ("none-pending", "2024-01-01")
    assert "snapshot of 2024-01-01" in found.message


def test_containers_of_one_image_are_read_once_and_a_known_one_by_head_alone(host: Host) -> None:
    host.publish(package("curl", "8"))
    image = host.lab.registry.push_image("acme/web", "1")
    host.lab.engine.pull(image)
    for number in range(5):
        host.lab.engine.run(f"web{number}", image.reference)
        host.fill(f"web{number}", host.debian(package("curl", "7")))
    host.check(no_cache=False)
    assert len(host.lab.engine.requests(method="GET", path="dpkg%2Fstatus$")) == 1
    host.lab.engine.log.clear()
    host.repository.log.clear()
    checked = host.check(no_cache=False)
    assert checked.metric("packages_pending") == 5
    assert len(host.lab.engine.requests(path="/archive")) == 5
    assert not host.lab.engine.requests(method="GET", path="/archive")
    assert not host.repository.log


def test_a_container_that_was_upgraded_inside_is_read_anew(host: Host) -> None:
    host.publish(package("curl", "8"))
    host.run("web", host.debian(package("curl", "7")))
    assert host.check(no_cache=False).finding("web", "packages").code == "packages-pending"
    host.fill("web", host.debian(package("curl", "8")), mtime=2)
    assert host.check(no_cache=False).finding("web", "packages").code == "none-pending"


def test_a_later_run_asks_for_the_signed_file_alone_by_its_tag(host: Host) -> None:
    host.publish(package("curl", "8"))
    host.run("web", host.debian(package("curl", "7")))
    host.check(no_cache=False)
    host.repository.log.clear()
    host.lab.time += 3600
    assert host.check(no_cache=False).finding("web", "packages").code == "packages-pending"
    assert [(entry.path.rpartition("/")[2], entry.status) for entry in host.repository.log] == [("InRelease", 304)]


def test_an_index_is_fetched_on_from_where_the_time_was_up(host: Host) -> None:
    many = [package(f"lib{number}", str(number), Description="x" * 900 + str(number * 7919)) for number in range(300)]
    host.publish(package("curl", "8"), *many, suffixes=("",))
    text = host.repository.files["/debian/dists/bookworm/Release"].decode()
    text = "".join(line for line in text.splitlines(True) if not line.rstrip().endswith((".xz", ".gz")))
    host.repository.files["/debian/dists/bookworm/InRelease"] = host.signing.clearsigned(text)
    host.run("web", host.debian(package("curl", "7")))

    def stalls(request: Any, answer: Any) -> Any:
        def parts() -> Iterator[bytes]:
            yield answer.body[:100_000]
            host.lab.deadline.expire()
            yield answer.body[100_000:200_000]

        return replace(answer, body=parts(), headers={"Content-Length": str(len(answer.body))})

    host.repository.fail(stalls, path="by-hash")
    found = host.check().finding("web", "packages")
    assert found.code == "timeout"
    assert "next run goes on" in found.message
    host.repository.heal()
    host.repository.log.clear()
    assert host.check().finding("web", "packages").code == "packages-pending"
    [wanted] = [entry.headers.get("range", "") for entry in host.repository.log if "by-hash" in entry.path]
    assert wanted.startswith("bytes=")
    assert wanted != "bytes=0-"


def test_without_the_check_nothing_inside_is_looked_at(host: Host) -> None:
    host.run("web", host.debian(package("curl", "7")))
    host.check(checks=("updates",), trust_policies=())
    assert not host.lab.engine.requests(path="/archive")


def test_a_container_that_no_registry_knows_is_looked_into_all_the_same(host: Host) -> None:
    host.publish(package("curl", "8"))
    host.lab.engine.build("ours:1")
    host.lab.engine.run("ours", "ours:1")
    host.fill("ours", host.debian(package("curl", "7")))
    assert host.check(checks=("updates", "packages")).finding("ours", "packages").code == "packages-pending"


def test_everything_is_asked_by_get_and_head(host: Host) -> None:
    host.publish(package("curl", "8"))
    host.run("web", host.debian(package("curl", "7")))
    host.check()
    assert {entry.method for entry in host.lab.engine.log} <= {"GET", "HEAD"}
