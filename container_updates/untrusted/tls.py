"""TLS as curl, Docker and Go do it: one way to look at certificates, for engines as for registries."""

import ssl


def context() -> ssl.SSLContext:
    """Return a context that verifies certificates; whose it trusts is its caller's affair.

    Python 3.13 began to refuse certificates that leave out what RFC 5280 wants beside a signature (VERIFY_X509_STRICT,
    also set by urllib3): those of ordinary private CAs, as `openssl req -x509` makes them. Nothing else does.
    """
    from urllib3.util import ssl_

    made = ssl_.create_urllib3_context()  # urllib3 1.26 compares host names itself, 2 lets the context do it
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return made
