"""What every layer has at hand: the hypothesis profile and the real servers, started when asked."""

import tests.profiles  # noqa: F401 - loads the profile

pytest_plugins = ["tests.services.fixtures"]
