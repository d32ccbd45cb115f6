"""A registry on loopback that answers what a test says, and what is needed to ask it."""

import hashlib
import ipaddress
import json
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from container_updates.clock import Clock, Deadline
from container_updates.model import EngineRegistries
from container_updates.reference import parse
from container_updates.registry import Credentials, Hosts, Registry
from container_updates.settings import Settings

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest(body):
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def manifest(label="a"):
    """The body of a manifest, another one for each label."""
    descriptor = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(label.encode()), "size": 1}
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor, "layers": []}).encode()


class Server:
    """Answers by `routes`: path to (status, headers, body) or to a callable of the request that returns it.

    A body that is no bytes is an iterator of chunks, sent until somebody hangs up.
    """

    def __init__(self, tls=None, name="127.0.0.1"):
        self.routes = {}
        self.seen = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                size = int(self.headers.get("Content-Length") or 0)
                self.form = self.rfile.read(size).decode()
                server.seen.append((self.command, self.path, dict(self.headers)))
                answer = server.routes.get(self.path) or server.routes.get(urlsplit(self.path).path)
                answer = answer(self) if callable(answer) else answer
                status, headers, body = answer or (404, {}, b'{"errors": [{"code": "NAME_UNKNOWN"}]}')
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if isinstance(body, bytes) and "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                if not isinstance(body, bytes):
                    self.send_header("Connection", "close")
                self.end_headers()
                if self.command == "HEAD":
                    return
                for chunk in [body] if isinstance(body, bytes) else body:
                    self.wfile.write(chunk)
                if "Content-Length" in headers:
                    self.close_connection = True

            do_HEAD = do_POST = do_GET  # noqa: N815

            def do_CONNECT(self):
                server.connect(self)

            def log_message(self, *args):
                pass

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *args):
                pass

        self._listener = Listener(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if tls:
            self._listener.socket = tls.wrap_socket(
                self._listener.socket, server_side=True, do_handshake_on_connect=False
            )
            self.scheme = "https"
        self.host = f"{name}:{self._listener.server_port}"
        self.url = f"{self.scheme}://{self.host}"
        threading.Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._listener.shutdown()
        self._listener.server_close()

    def publish(self, repository, tag, body=None, **headers):
        """A tag and its manifest, as registry:2 serves them."""
        body = body or manifest(repository + tag)
        answer = (200, {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": digest(body), **headers}, body)
        self.routes[f"/v2/{repository}/manifests/{tag}"] = answer
        self.routes[f"/v2/{repository}/manifests/{digest(body)}"] = answer
        return digest(body)

    def reference(self, name):
        return parse(f"{self.host}/{name}")

    @property
    def asked(self):
        return [f"{method} {path}" for method, path, _ in self.seen]


class Memory:
    """What the state directory remembers, in this process."""

    def __init__(self):
        self.kept = {}
        self.problems = []

    def get(self, kind, key):
        return self.kept.get((kind, key), (None, None))[0]

    def put(self, kind, key, value, ttl, *, since=None):
        assert isinstance(value, bytes)
        self.kept[kind, key] = (value, ttl)

    def first_seen(self, kind, key):
        return datetime.now(UTC)

    def close(self):
        pass


class Asker:
    """Builds registries of one run each upon one memory."""

    def __init__(self, folder):
        self.folder = folder
        self.store = Memory()
        self.pauses = []
        """Seconds that were waited, which cost no time here."""
        self.clock = Clock(pause=self.pauses.append)

    def login(self, document):
        text = document if isinstance(document, str) else json.dumps(document)
        (self.folder / "config.json").write_text(text)

    def registry(self, *, engine=None, seconds=20.0, environ=None, **settings):
        settings = Settings(docker_config=str(self.folder), **settings)
        deadline = Deadline(seconds, self.clock)
        return Registry(
            hosts=Hosts(settings, engine or EngineRegistries(), self.folder / "certs.d"),
            credentials=Credentials(settings, deadline, environ or {}),
            store=self.store,
            clock=self.clock,
            deadline=deadline,
            cache_ttl=600,
        )


@pytest.fixture
def asker(tmp_path):
    return Asker(tmp_path)


@pytest.fixture
def serve(monkeypatch):
    """Starts servers; those with a `name` below example.test are no loopback hosts to anybody who reads names."""
    resolve = socket.getaddrinfo

    def resolve_here(host, *args, **kwargs):
        return resolve("127.0.0.1" if host.endswith(".example.test") else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_here)
    servers = []

    def start(**options):
        servers.append(Server(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def server(serve):
    return serve()


class Authority:
    """A CA in files: `ca.crt`, and what it signs."""

    def __init__(self, folder):
        from cryptography.hazmat.primitives.asymmetric import ec

        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name, certificate = self._sign("test CA", self._key, None)
        self.ca = folder / "ca.crt"
        self.ca.write_bytes(certificate)

    def _sign(self, name, key, issuer):
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization

        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder(issuer or subject, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - timedelta(days=1))
            .not_valid_after(datetime.now(UTC) + timedelta(days=1))
            .add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
        )
        if issuer:
            addresses = [x509.DNSName("*.example.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return subject, certificate.public_bytes(serialization.Encoding.PEM)

    def certificate(self, name):
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        cert_file, key_file = self.folder / f"{name}.cert", self.folder / f"{name}.key"
        cert_file.write_bytes(self._sign(name, key, self._name)[1])
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return str(cert_file), str(key_file)

    def server_context(self, client_certificates=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate("server"))
        if client_certificates:
            context.load_verify_locations(self.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))
