from hypothesis import HealthCheck, settings

# How long an example takes is no behaviour: another process may have the processor.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
