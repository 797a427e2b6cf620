from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.address import Address, SourceSettings, parse_address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker", Address("broker", 1883, tls=False)),
        ("mqtt://broker/", Address("broker", 1883, tls=False)),
        ("mqtts://broker", Address("broker", 8883, tls=True)),
        ("MQTT://Broker.Example:1884", Address("broker.example", 1884, tls=False)),
        ("mqtt://[::1]:9", Address("::1", 9, tls=False)),
        ("mqtt://u@h", Address("h", 1883, tls=False, username="u")),
        ("mqtt://u:p@h", Address("h", 1883, tls=False, username="u", password="p")),
        (
            "mqtts://a%40b:c%2Fd%3A%E4%BD%A0@h:1",
            Address("h", 1, tls=True, username="a@b", password="c/d:你"),
        ),
    ],
)
def test_addresses(url: str, expected: Address) -> None:
    assert parse_address(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "broker:1883",
        "http://broker",
        "mqtt://",
        "mqtt://:1883",
        "mqtt://broker:0",
        "mqtt://broker:65536",
        "mqtt://broker:x",
        "mqtt://broker/path",
        "mqtt://broker?x=1",
        "mqtt://broker#x",
        "mqtt://[::1",
        "mqtt://" + "a" * 64 + ".example",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match="broker"):
        parse_address(url)


@given(st.text())
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    for url in (text, f"mqtt://{text}"):
        try:
            address = parse_address(url)
        except ValueError:
            continue
        assert address.host
        assert 1 <= address.port <= 65_535


def test_a_password_is_never_shown() -> None:
    settings = SourceSettings("mqtt://h", "ingest", username="u", password="hush")
    assert "hush" not in repr(settings) + repr(settings.address())
    with pytest.raises(ValueError, match="port") as caught:
        parse_address("mqtt://u:hush@h:x")
    assert "hush" not in str(caught.value)


def test_explicit_credentials_win_over_those_in_the_address() -> None:
    settings = SourceSettings("mqtt://a:b@h", "ingest")
    assert (settings.address().username, settings.address().password) == ("a", "b")
    settings = SourceSettings("mqtt://a:b@h", "ingest", username="c", password="d")
    assert (settings.address().username, settings.address().password) == ("c", "d")
    settings = SourceSettings("mqtt://a:b@h", "ingest", username="c")
    assert (settings.address().username, settings.address().password) == ("c", None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "broker"},
        {"client_id": ""},
        {"protocol": "4"},
        {"topics": ()},
        {"topics": ("",)},
        {"receive_maximum": 0},
        {"receive_maximum": 65_536},
        {"keep_alive_s": 0},
        {"keep_alive_s": 65_536},
        {"session_expiry_s": 0},
        {"session_expiry_s": 2**32},
    ],
)
def test_settings_that_would_lose_messages_are_refused(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"url": "mqtt://h", "client_id": "ingest"}
    SourceSettings(**right)
    with pytest.raises(ValueError):
        SourceSettings(**(right | wrong))


def test_a_tls_context_only_for_mqtts(tmp_path: Path) -> None:
    assert SourceSettings("mqtt://h", "ingest", ca_file="absent").tls_context() is None
    context = SourceSettings("mqtts://h", "ingest").tls_context()
    assert context is not None
    assert context.check_hostname


def test_an_unusable_ca_file_is_named(tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    for path in (str(junk), str(tmp_path / "absent.pem")):
        with pytest.raises(ValueError, match=r"\.pem"):
            SourceSettings("mqtts://h", "ingest", ca_file=path).tls_context()
