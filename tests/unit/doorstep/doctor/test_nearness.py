"""Only a name that says so is this machine."""

import pytest

from doorstep.doctor.nearness import is_here


@pytest.mark.parametrize(
    "host",
    ["", "/run/postgresql", "@abstract", "localhost", "LOCALHOST.", "127.0.0.1", "127.8.8.8"],
)
def test_this_machine(host: str) -> None:
    assert is_here(host)


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_this_machine_in_version_6(host: str) -> None:
    assert is_here(host)


@pytest.mark.parametrize(
    "host", ["broker", "10.0.0.1", "localhost.example.org", "128.0.0.1", "::2", "127.0.0.1.example"]
)
def test_another_machine(host: str) -> None:
    assert not is_here(host)
