"""Sets of packages, suites, pins and holds by the dozen, and what Debian's own apt makes of each: the oracle.

apt works on files of its own in a temporary folder; the repository is on loopback, signed by gpg.
"""

import gzip
import hashlib
import lzma
import random
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any

from container_updates.demo.http import Request, Response, Server

NATIVE, FOREIGN = "amd64", "i386"
_VERSIONS = [
    "1.0-1",
    "1.0-1+b1",
    "1.0-1+deb12u1",
    "1.0-1+deb12u2",
    "1.0~rc1-1",
    "1.1-1",
    "1.1-1~bpo12+1",
    "2:0.9-1",
    "1:1.0-1",
    "1.10-1",
    "1.9-1",
    "1.0",
    "1.0+dfsg-1",
    "1.0a-1",
    "1.0-1.1",
    "2.0~beta2-1",
    "0.9",
    "1.0-1ubuntu1",
    "10-1",
    "1.0+git20240101.abc-1",
]
_NAMES = [
    "openssl",
    "libssl3",
    "libssl-dev",
    "zlib1g",
    "g++-12",
    "libstdc++6",
    "base-files",
    "tzdata",
    "python3.11",
    "curl",
    "libcurl4",
    "perl",
    "bash",
    "dash",
    "libc6",
    "vim",
    "nano",
    "git",
    "nginx",
    "redis",
]
_SOURCES = {
    "libssl3": "openssl",
    "libssl-dev": "openssl",
    "libcurl4": "curl",
    "libstdc++6": "gcc-12",
    "g++-12": "gcc-12",
}


class Repository(Server):
    """A package repository on loopback: paths to contents."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}

    def answer(self, request: Request) -> Response:
        body = self.files.get(request.path)
        if body is None:
            return Response(404, b"not here")
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == etag:
            return Response(304, b"", {"ETag": etag})
        wanted = request.headers.get("range", "")
        if wanted.startswith("bytes="):
            start = int(wanted[6:].partition("-")[0])
            part = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
            return Response(206, body[start:], {"ETag": etag, **part})
        return Response(200, body, {"ETag": etag})


@dataclass(frozen=True)
class Key:
    """A key of gpg's, and how to sign with it."""

    home: str
    fingerprint: str
    public: bytes

    def clearsigned(self, text: str) -> bytes:
        return self._gpg(text, "--clearsign", "--digest-algo", "SHA512")

    def detached(self, text: str, *options: str) -> bytes:
        return self._gpg(text, "--detach-sign", "--armor", *options)

    def _gpg(self, text: str, *options: str) -> bytes:
        command = ["gpg", "--homedir", self.home, "--batch", "--yes", "--local-user", self.fingerprint, *options]
        return subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout


@cache
def key(name: str = "archive", kind: str = "ed25519") -> Key:
    home = tempfile.mkdtemp(prefix="ccu-gpg-", dir="/tmp")
    gpg = ["gpg", "--homedir", home, "--batch", "--yes"]
    make = [*gpg, "--passphrase", "", "--quick-gen-key", f"{name} <{name}@example.com>", kind, "sign", "never"]
    subprocess.run(make, check=True, capture_output=True)
    listed = subprocess.run([*gpg, "--list-keys", "--with-colons"], check=True, capture_output=True, text=True).stdout
    fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
    public = subprocess.run([*gpg, "--export", fingerprint], check=True, capture_output=True).stdout
    return Key(home, fingerprint, public)


@dataclass
class SuiteOf:
    """One suite to be published."""

    name: str
    fields: Mapping[str, str] = field(default_factory=dict)
    components: tuple[str, ...] = ("main",)
    architectures: tuple[str, ...] = (NATIVE,)
    packages: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    """Component and fields."""


def paragraph(fields: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in fields.items()) + "\n"


def publish(repository: Repository, suite: SuiteOf, signing: Key, *, where: str = "/debian", **changes: Any) -> None:
    """Put a suite there: indexes as xz and gz, by hash too, Release and its signatures."""
    base = f"{where}/dists/{suite.name}/"
    listed = []
    for component in suite.components:
        for architecture in suite.architectures:
            text = "".join(
                paragraph(fields)
                for named, fields in suite.packages
                if named == component and fields["Architecture"] in (architecture, "all")
            ).encode()
            path = f"{component}/binary-{architecture}/Packages"
            kinds = changes.get("suffixes", (".xz", ".gz"))
            for suffix, body in (("", text), (".xz", lzma.compress(text)), (".gz", gzip.compress(text, mtime=0))):
                digest = hashlib.sha256(body).hexdigest()
                listed.append(f" {digest} {len(body)} {path}{suffix}")
                if suffix in kinds:
                    repository.files[f"{base}{path}{suffix}"] = body
                    repository.files[f"{base}{path.rpartition('/')[0]}/by-hash/SHA256/{digest}"] = body
    date = changes.get("date") or datetime.now(UTC)
    release = {
        "Origin": "Debian",
        "Label": "Debian",
        "Suite": suite.name,
        "Codename": suite.name,
        "Date": format_datetime(date, usegmt=True),
        "Acquire-By-Hash": "yes",
        "Architectures": " ".join(suite.architectures),
        "Components": " ".join(suite.components),
        **suite.fields,
    }
    text = "".join(f"{name}: {value}\n" for name, value in release.items()) + "SHA256:\n" + "\n".join(listed) + "\n"
    repository.files[base + "InRelease"] = signing.clearsigned(text)
    repository.files[base + "Release"] = text.encode()
    repository.files[base + "Release.gpg"] = signing.detached(text)


@dataclass
class World:
    """What is in a container, as its files, and the repository that goes with it."""

    files: dict[str, bytes]
    repository: Repository
    installed: list[str]
    """name:architecture of every package that is installed."""
    foreign: bool = False


def generated(seed: int, repository: Repository) -> World:
    """One of the sets: everything that decides on a candidate, at random."""
    rng = random.Random(seed)
    signing = key()
    foreign = rng.random() < 0.4
    architectures = (NATIVE, FOREIGN) if foreign else (NATIVE,)
    suites = _suites(rng, architectures)
    pool = [
        _build(rng, name, version, architecture)
        for name in rng.sample(_NAMES, rng.randint(5, len(_NAMES)))
        for version in rng.sample(_VERSIONS, rng.randint(1, 6))
        for architecture in _of(rng, architectures)
        for _ in range(2 if rng.random() < 0.15 else 1)
    ]
    for suite in suites:
        for built in pool:
            if rng.random() < 0.35:
                component = rng.choice(suite.components)
                known = [(one["Package"], one["Version"], one["Architecture"]) for _, one in suite.packages]
                if (built["Package"], built["Version"], built["Architecture"]) not in known:
                    suite.packages.append((component, built))
        rng.shuffle(suite.packages)
        publish(repository, suite, signing)
    status, installed = _status(rng, pool, architectures)
    base = f"http://{repository.netloc}/debian"
    files = {
        "/var/lib/dpkg/status": status.encode(),
        "/etc/os-release": b'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\n',
        "/etc/apt/trusted.gpg.d/archive.gpg": signing.public,
        **_sources(rng, suites, base),
        **_preferences(rng, suites, pool),
    }
    if foreign:
        files["/var/lib/dpkg/arch"] = f"{NATIVE}\n{FOREIGN}\n".encode()
    if rng.random() < 0.2:
        release = rng.choice(suites).name
        files["/etc/apt/apt.conf.d/99default"] = f'// chosen\nAPT {{ Default-Release "{release}"; }};\n'.encode()
    return World(files, repository, installed, foreign)


def _of(rng: random.Random, architectures: tuple[str, ...]) -> tuple[str, ...]:
    if rng.random() < 0.2:
        return ("all",)
    return architectures if rng.random() < 0.7 else (rng.choice(architectures),)


def _suites(rng: random.Random, architectures: tuple[str, ...]) -> list[SuiteOf]:
    components = ("main", "contrib") if rng.random() < 0.4 else ("main",)
    known = [
        SuiteOf("bookworm", {"Suite": "stable", "Codename": "bookworm", "Version": "12.5"}),
        SuiteOf(
            "bookworm-updates", {"Suite": "stable-updates", "Codename": "bookworm-updates", "Version": "12-updates"}
        ),
        SuiteOf(
            "bookworm-security",
            {"Suite": "stable-security", "Codename": "bookworm-security", "Version": "12", "Label": "Debian-Security"},
        ),
        SuiteOf(
            "bookworm-backports",
            {
                "Suite": "stable-backports",
                "Codename": "bookworm-backports",
                "Label": "Debian Backports",
                "NotAutomatic": "yes",
                "ButAutomaticUpgrades": "yes",
            },
        ),
        SuiteOf("experimental", {"Suite": "experimental", "Codename": "rc-buggy", "NotAutomatic": "yes"}),
        SuiteOf("trixie", {"Suite": "testing", "Codename": "trixie"}),
        SuiteOf("acme", {"Suite": "acme", "Codename": "acme", "Origin": "Acme Corp", "Label": "acme"}),
    ]
    chosen = [known[0], *rng.sample(known[1:], rng.randint(1, 4))]
    for suite in chosen:
        suite.components = components if rng.random() < 0.7 else ("main",)
        suite.architectures = architectures if rng.random() < 0.8 else (NATIVE,)
    return chosen


def _build(rng: random.Random, name: str, version: str, architecture: str) -> dict[str, str]:
    built = {"Package": name, "Version": version, "Architecture": architecture, "Maintainer": "a@example.com"}
    if name in _SOURCES:
        built["Source"] = _SOURCES[name] + (f" ({version})" if rng.random() < 0.3 else "")
    built["Installed-Size"] = str(rng.randint(10, 4000))
    if rng.random() < 0.5:
        built["Depends"] = rng.choice(
            ["libc6 (>= 2.36), zlib1g (<< 2)", "debconf (>= 0.5) | debconf-2.0", "libfoo (= 1)"]
        )
    if rng.random() < 0.2 and architecture != "all":
        built["Multi-Arch"] = rng.choice(["same", "foreign", "allowed"])
    digest = hashlib.sha256(repr(sorted(built.items())).encode()).hexdigest()
    return {
        **built,
        "Filename": f"pool/{name}_{version}_{architecture}.deb",
        "Size": str(rng.randint(1000, 9000)),
        "SHA256": digest,
        "Description": f"{name}",
    }


def _status(rng: random.Random, pool: list[dict[str, str]], architectures: tuple[str, ...]) -> tuple[str, list[str]]:
    text = paragraph(
        {
            "Package": "dpkg",
            "Status": "install ok installed",
            "Version": "1.21.22",
            "Architecture": NATIVE,
            "Maintainer": "a@example.com",
            "Description": "dpkg",
        }
    )
    installed: list[str] = []
    seen: set[tuple[str, str]] = set()
    for built in rng.sample(pool, len(pool)):
        architecture = NATIVE if built["Architecture"] == "all" else built["Architecture"]
        if (built["Package"], architecture) in seen or rng.random() < 0.3:
            continue
        seen.add((built["Package"], architecture))
        fields = {name: value for name, value in built.items() if name not in ("Filename", "Size", "SHA256")}
        state = rng.choices(
            [
                "install ok installed",
                "hold ok installed",
                "deinstall ok config-files",
                "install ok half-configured",
                "install ok unpacked",
                "install reinstreq half-installed",
                "install ok triggers-pending",
            ],
            [75, 10, 6, 3, 2, 2, 2],
        )[0]
        if rng.random() < 0.25:
            fields["Version"] = rng.choice(_VERSIONS)
        if rng.random() < 0.15:
            fields["Installed-Size"] = "7"  # a build of their own
        fields = {"Package": fields.pop("Package"), "Status": state, **fields}
        text += paragraph(fields)
        if not state.endswith("config-files"):
            installed.append(f"{fields['Package']}:{architecture}")
    return text, sorted(installed)


def _sources(rng: random.Random, suites: list[SuiteOf], base: str) -> dict[str, bytes]:
    order = rng.sample(suites, len(suites))
    if rng.random() < 0.5:
        lines = ["# generated", "#deb http://127.0.0.1:1/x stable main"]
        for suite in order:
            options = rng.choice(["", "", "[arch=amd64] ", "[by-hash=no] ", "[arch=amd64,i386 lang=none] "])
            lines.append(f"deb {options}{base} {suite.name} {' '.join(suite.components)}  # here")
        return {"/etc/apt/sources.list": ("\n".join(lines) + "\n").encode()}
    files = {}
    for number, suite in enumerate(order):
        text = f"Types: deb\nURIs: {base}/\nSuites: {suite.name}\nComponents: {' '.join(suite.components)}\n"
        if rng.random() < 0.2:
            text += "Architectures: amd64\n"
        files[f"/etc/apt/sources.list.d/{number}.sources"] = f"# a comment\n{text}".encode()
    return files


def _preferences(rng: random.Random, suites: list[SuiteOf], pool: list[dict[str, str]]) -> dict[str, bytes]:
    if rng.random() < 0.3:
        return {}
    texts = []
    for _ in range(rng.randint(1, 6)):
        built, suite = rng.choice(pool), rng.choice(suites)
        name = built["Package"]
        package = rng.choices(
            [
                "*",
                name,
                f"{name}:{rng.choice([NATIVE, FOREIGN, 'any'])}",
                "lib*",
                f"{name} curl",
                "/^lib.*ssl/",
                f"src:{_SOURCES.get(name, name)}",
                "?ash",
                "src:open*",
                "[a-c]*",
                f"{name[0]}*:any",
            ],
            [30, 25, 8, 8, 6, 6, 8, 3, 2, 2, 2],
        )[0]
        fields = {"Suite": suite.name, "Codename": suite.name, "Origin": "Debian", "Label": "Debian", **suite.fields}
        pin = rng.choice(
            [
                f"version {built['Version']}",
                f"version {built['Version'][:2]}*",
                "version /1\\.[01]/",
                f"release a={fields['Suite']}",
                f"release n={fields['Codename']}",
                f"release l={fields['Label']}",
                f"release o={fields['Origin']}",
                f"release o={fields['Origin']},a={fields['Suite']}",
                "release c=main",
                f"release {fields['Suite']}",
                f"release {fields['Codename']}",
                "release n=bookworm*",
                "release a=stable-*",
                "release v=12*",
                "release v=12.5",
                "release 12.5",
                "release *",
                'origin "127.0.0.1"',
                'origin ""',
                "origin 127.*",
                "release b=amd64",
                "release a=now",
                "release n=/book.*/",
                "release c=contrib, a=stable",
                "release l=Debian*",
            ]
        )
        priority = rng.choice(
            ["1001", "1000", "999", "990", "500", "499", "400", "100", "99", "50", "1", "-1", "-10", "never"]
        )
        text = f"Explanation: at random\nPackage: {package}\nPin: {pin}\nPin-Priority: {priority}\n"
        texts.append(text)
    if len(texts) > 1 and rng.random() < 0.5:
        return {
            "/etc/apt/preferences": "\n".join(texts[1:]).encode(),
            "/etc/apt/preferences.d/first": texts[0].encode(),
            "/etc/apt/preferences.d/not.read.this": b"Package: *\nPin: release a=stable\nPin-Priority: -1\n",
        }
    return {"/etc/apt/preferences": ("# pins\n" + "\n".join(texts)).encode()}


@dataclass(frozen=True)
class Verdict:
    """What apt says."""

    candidates: dict[str, str]
    """By name:architecture."""
    upgradable: dict[str, str]


def apt_says(world: World, folder: Path) -> Verdict | None:
    """Run the real apt upon the files of a world; None where it refuses to work with them."""
    root = folder / "root"
    for path, content in world.files.items():
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (root / path.lstrip("/")).write_bytes(content)
    for path in (
        "etc/apt/apt.conf.d",
        "etc/apt/preferences.d",
        "etc/apt/trusted.gpg.d",
        "etc/apt/sources.list.d",
        "var/lib/apt/lists/partial",
        "var/cache/apt/archives/partial",
        "var/log/apt",
    ):
        (root / path).mkdir(parents=True, exist_ok=True)
    config = folder / "apt.conf"
    foreign = (
        f'APT::Architectures {{ "{NATIVE}"; "{FOREIGN}"; }};'
        if world.foreign
        else f'APT::Architectures {{ "{NATIVE}"; }};'
    )
    config.write_text(
        f'Dir "{root}";\nDir::State::status "{root}/var/lib/dpkg/status";\nAPT::Architecture "{NATIVE}";\n{foreign}\n'
        'APT::Sandbox::User "";\nAcquire::Languages "none";\nAcquire::http::Proxy "DIRECT";\n'
        'Dir::Bin::Methods "/usr/lib/apt/methods";\n'
    )
    environment = {"APT_CONFIG": str(config), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}

    def apt(*command: str) -> str:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    apt("apt-get", "update", "-q", "--error-on=any")
    command = ["apt-cache", "policy", *world.installed]
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if refused.returncode and "can only be used for 'Package: *' records" in refused.stderr:
        return None
    policy = apt(*command) if world.installed else ""
    found: dict[str, str] = {}
    name = ""
    for line in policy.splitlines():
        if not line.startswith(" ") and line.endswith(":"):
            name = line[:-1] if ":" in line[:-1] else f"{line[:-1]}:{NATIVE}"
        elif line.startswith("  Candidate: "):
            found[name] = line.split()[1]
    found.pop(f"dpkg:{NATIVE}", None)
    listed = {}
    for line in apt("apt", "list", "--upgradable").splitlines():
        if "/" in line:
            package, version, architecture, *_ = line.split()
            architecture = NATIVE if architecture == "all" else architecture
            listed[f"{package.partition('/')[0]}:{architecture}"] = version
    return Verdict(found, listed)
