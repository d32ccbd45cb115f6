import ssl
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from urllib3.util import ssl_

# How long an example takes is no behaviour: another process may have the processor.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture
def strict_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS contexts as Python 3.13 and later make them, and urllib3 there."""

    def strict(create: Callable[..., ssl.SSLContext]) -> Callable[..., ssl.SSLContext]:
        def made(*args: object, **kwargs: object) -> ssl.SSLContext:
            context = create(*args, **kwargs)
            context.verify_flags |= ssl.VERIFY_X509_STRICT
            return context

        return made

    monkeypatch.setattr(ssl_, "create_urllib3_context", strict(ssl_.create_urllib3_context))
    monkeypatch.setattr("urllib3.connection.create_urllib3_context", strict(ssl_.create_urllib3_context))
    monkeypatch.setattr(ssl, "create_default_context", strict(ssl.create_default_context))
