from hypothesis import settings

# How long an example takes is no behaviour: another process may have the processor.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
