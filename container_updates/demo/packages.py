"""A package repository on loopback for `--demo`, signed once by a key that nobody has kept."""

from container_updates.demo.engine.filesystem import Special
from container_updates.demo.http import Request, Response, Server

_SUITE = "bookworm-security"
_PACKAGES = """\
Package: curl
Version: 7.88.1-10+deb12u8
Architecture: amd64
Installed-Size: 420
Filename: pool/curl.deb
Size: 420

Package: libssl3
Version: 3.0.15-1~deb12u1
Architecture: amd64
Installed-Size: 6029
Filename: pool/libssl3.deb
Size: 6029

Package: openssl
Version: 3.0.15-1~deb12u1
Architecture: amd64
Installed-Size: 2287
Filename: pool/openssl.deb
Size: 2287

Package: zlib1g
Version: 1:1.2.13.dfsg-1
Architecture: amd64
Installed-Size: 168
Filename: pool/zlib1g.deb
Size: 168

"""
_RELEASE = """\
-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA512

Origin: Debian
Label: Debian-Security
Suite: stable-security
Codename: bookworm-security
Date: Wed, 01 Jan 2025 00:00:00 UTC
Architectures: amd64
Components: main
SHA256:
 aa350971e3795c4123c76dab7b3f691ed59c64d89dd9c5b51b648dae2fb03d74 480 main/binary-amd64/Packages
-----BEGIN PGP SIGNATURE-----

iHUEARYKAB0WIQSRJS9BkLQh2iQy34i8RVeWIgKWkwUCawbvGQAKCRC8RVeWIgKW
kyazAQCqmmHMJ54+WIRXp/0atMG6KCQufWM1RDTCcw0Qllx4CAEAy5nEHursPJlU
toS3Q9bkuO8sVuGim6Lyv6ZEBtwdIgY=
=E+9S
-----END PGP SIGNATURE-----
"""
_KEY = b"""\
-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawbvGRYJKwYBBAHaRw8BAQdAd95ubg9Ec8a2yDiuudj/OYfGQ//HcIw+yd+I
BE4JQ3O0F2RlbW8gPGRlbW9AZXhhbXBsZS5jb20+iJAEExYIADgWIQSRJS9BkLQh
2iQy34i8RVeWIgKWkwUCawbvGQIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAK
CRC8RVeWIgKWk3LYAP0VO9zh/79FWcpcvoQ/npj6d4oEqrzJ4rQu9TvIJhW3wwD/
Sjeuz0f8A70qHhy1fQ44nc51wmwr+4r9ZPq9tvX5vgM=
=wcFD
-----END PGP PUBLIC KEY BLOCK-----
"""
_INSTALLED = {"openssl": "3.0.14-1~deb12u1", "libssl3": "3.0.14-1~deb12u1", "dpkg": "1.21.22"}


class PackageRepository(Server):
    """One suite for security updates."""

    def answer(self, request: Request) -> Response:
        """What it has at a path."""
        base = f"/debian-security/dists/{_SUITE}"
        files = {f"{base}/InRelease": _RELEASE, f"{base}/main/binary-amd64/Packages": _PACKAGES}
        body = files.get(request.path)
        return Response(404) if body is None else Response(200, body.encode())

    @property
    def pattern(self) -> str:
        """What a trust policy allows to let containers lead here."""
        return f"http://{self.netloc}/**"

    def container(self) -> dict[str, bytes | Special]:
        """Return the files of a container whose packages are older than what is here."""
        status = "".join(
            f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
            for name, version in _INSTALLED.items()
        )
        return {
            "/var/lib/dpkg/status": status.encode(),
            "/etc/os-release": b'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\n',
            "/etc/apt/sources.list": f"deb http://{self.netloc}/debian-security {_SUITE} main\n".encode(),
            "/etc/apt/trusted.gpg.d/demo.asc": _KEY,
        }
