"""TLS as curl, Docker and Go do it: one way to look at certificates, for engines as for registries."""

import os
import ssl
from collections.abc import Iterable

from container_updates.untrusted import files


def context(
    *, verified: bool, system: bool, ca_files: Iterable[str], certificates: Iterable[tuple[str, str]]
) -> ssl.SSLContext:
    """Return a context that trusts the system's CAs (`system`) and these, and shows these certificates with their keys.

    Whoever uses it from several threads must not load anything into it any more: OpenSSL does not survive that.
    Python 3.13 began to refuse certificates that leave out what RFC 5280 wants beside a signature (VERIFY_X509_STRICT,
    also set by urllib3): those of ordinary private CAs, as `openssl req -x509` makes them. Nothing else does.
    Raises ValueError with words for a file that cannot be used.
    """
    from urllib3.util import ssl_

    made = ssl_.create_urllib3_context()  # urllib3 1.26 compares host names itself, 2 lets the context do it
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if system:
        refuse_system_file()
        made.load_default_certs()
        paths = ssl.get_default_verify_paths()
        if paths.cafile is None and paths.capath is None:
            from requests.utils import DEFAULT_CA_BUNDLE_PATH

            made.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    if not verified:
        import urllib3

        # Only for hosts that the admin or the engine names insecure; urllib3 would warn on stderr at each request.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    for file in ca_files:
        try:
            files.check(file)
            made.load_verify_locations(file)
        except (OSError, ValueError) as error:
            raise ValueError(f"CA file {file} cannot be used: {_words(error)}") from None
    for certificate, key in certificates:
        try:
            files.check(certificate)
            files.check(key)
            made.load_cert_chain(certificate, key, password="")  # never ask at a terminal
        except (OSError, ValueError) as error:
            raise ValueError(f"client certificate {certificate} cannot be used: {_words(error)}") from None
    return made


def refuse_system_file() -> None:
    """Raise ValueError where OpenSSL would wait for its own file of CAs, which SSL_CERT_FILE may name."""
    paths = ssl.get_default_verify_paths()
    file = os.environ.get(paths.openssl_cafile_env) or paths.openssl_cafile
    try:
        files.check(file)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise ValueError(f"CA file {file} cannot be used: {_words(error)}") from None


def _words(error: Exception) -> str:
    """What the system says about a file, in a line."""
    if isinstance(error, ssl.SSLError):
        return "no PEM certificate, or a key that does not belong to it"
    return getattr(error, "strerror", None) or "it is not PEM"
