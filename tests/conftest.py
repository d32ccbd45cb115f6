import ssl

import pytest
from hypothesis import HealthCheck, settings
from urllib3.util import ssl_

# How long an example takes is no behaviour: another process may have the processor.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture
def strict_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS contexts as urllib3 makes them on Python 3.13 and later."""
    create = ssl_.create_urllib3_context

    def strict(*args: object, **kwargs: object) -> ssl.SSLContext:
        context = create(*args, **kwargs)  # type: ignore[arg-type]
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl_, "create_urllib3_context", strict)
    monkeypatch.setattr("urllib3.connection.create_urllib3_context", strict)
