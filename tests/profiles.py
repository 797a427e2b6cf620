"""Hypothesis profiles: `HYPOTHESIS_PROFILE=dev|ci|soak|glance`, `dev` when unset.

`tests/conftest.py` imports this module; that is all that is needed.
"""

import os

from hypothesis import HealthCheck, Phase, settings

# Examples share the machine with databases and brokers: slowness is no failure.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("dev", _PATIENT, max_examples=50)
# The same examples in every run: what is red on one machine is red on all.
settings.register_profile("ci", _PATIENT, max_examples=300, derandomize=True, print_blob=True)
settings.register_profile("soak", _PATIENT, max_examples=20_000)
settings.register_profile(
    "glance", _PATIENT, max_examples=20, derandomize=True, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
