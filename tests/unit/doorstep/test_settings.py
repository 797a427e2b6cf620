"""Settings: flag over environment over file over default; mistakes name the setting."""

from pathlib import Path

import pytest

from domain.instant import MINUTE_US, parse_rfc3339
from doorstep.clock import AcceleratedClock, SystemClock
from doorstep.settings import ConfigurationError, load_settings
from rules.rulebook import DEFAULT, load


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_are_those_of_the_contract() -> None:
    settings = load_settings()
    assert (settings.http.port, settings.ingest.http_port) == (8080, 8081)
    assert settings.mqtt.protocol == "auto"
    assert isinstance(settings.make_clock(), SystemClock)


@pytest.mark.parametrize(
    ("url", "said", "published"),
    [
        (None, None, False),
        ("mqtt://broker", None, True),
        ("mqtt://broker", "false", False),
        (None, "true", True),
    ],
)
def test_alerts_go_to_a_broker_that_is_named(
    monkeypatch: pytest.MonkeyPatch, url: str | None, said: str | None, published: bool
) -> None:
    for name, value in (("MQTT_URL", url), ("FEEDS__MQTT", said)):
        if value is not None:
            monkeypatch.setenv(f"DOORSTEP_{name}", value)
    assert load_settings().alerts_by_mqtt is published


def test_flag_beats_environment_beats_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "doorstep.toml").write_text("[http]\nport = 1001\n[ingest]\nhttp_port = 1002\n")
    assert load_settings().http.port == 1001
    monkeypatch.setenv("DOORSTEP_HTTP__PORT", "2001")
    settings = load_settings()
    assert (settings.http.port, settings.ingest.http_port) == (2001, 1002)
    assert load_settings({"http": {"port": 3001}}).http.port == 3001


def test_secrets_come_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    (tmp_path / "url").write_text("postgresql://u:p@db/doorstep")
    monkeypatch.setenv("DOORSTEP_MQTT__PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("DOORSTEP_DATABASE_URL_FILE", str(tmp_path / "url"))
    settings = load_settings()
    assert settings.mqtt.password == "s3cret"
    assert settings.database_url == "postgresql://u:p@db/doorstep"
    assert "s3cret" not in repr(settings)
    assert "u:p" not in repr(settings)


def test_a_secret_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORSTEP_MQTT__PASSWORD_FILE", "/nowhere/at/all")
    with pytest.raises(ConfigurationError, match="DOORSTEP_MQTT__PASSWORD_FILE"):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("DOORSTEP_MQTT_URL", "http://broker", "mqtt_url"),
        ("DOORSTEP_DATABASE_URL", "mysql://db", "database_url"),
        ("DOORSTEP_MQTT__PROTOCOL", "4", "mqtt.protocol"),
        ("DOORSTEP_HTTP__PORT", "eighty", "http.port"),
        ("DOORSTEP_FEEDS__CONSOLE_URL", "doorstep.example.org", "feeds.console_url"),
        ("DOORSTEP_CLOCK__FACTOR", "0", "clock.factor"),
        ("DOORSTEP_MQTT__COLOUR", "red", "mqtt.colour"),
    ],
)
def test_a_wrong_value_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=named) as caught:
        load_settings()
    assert "\n" not in str(caught.value)


def test_the_shared_clock_of_a_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORSTEP_CLOCK__ORIGIN_AT", "2026-02-03T04:05:06Z")
    monkeypatch.setenv("DOORSTEP_CLOCK__FACTOR", "60")
    clock = load_settings().make_clock()
    assert clock == AcceleratedClock(parse_rfc3339("2026-02-03T04:05:06Z"), 60)


def test_an_accelerated_clock_runs_ahead_of_the_machine() -> None:
    origin_at = SystemClock().now() - MINUTE_US
    ahead = AcceleratedClock(origin_at, 60).now() - SystemClock().now()
    assert 58 * MINUTE_US < ahead < 62 * MINUTE_US


def test_a_rulebook_that_cannot_be_read_is_a_configuration_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = tmp_path / "rules.toml"
    monkeypatch.setenv("DOORSTEP_RULEBOOK", str(book))
    with pytest.raises(ConfigurationError, match=r"rules\.toml"):
        load_settings().load_rulebook()
    book.write_text("version = 'x'\n[fever]\nhold_s = 'ten minutes'\n")
    with pytest.raises(ConfigurationError, match="hold_s"):
        load_settings().load_rulebook()
    book.write_text("version = 'ours-2'\n[fever]\nhold_s = 900\n")
    assert load_settings().load_rulebook().version == "ours-2"


def test_the_rulebooks_document_holds_every_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = load_settings().rulebook_document()
    assert load(ours) == DEFAULT
    book = tmp_path / "rules.toml"
    book.write_text("version = 'ours-2'\n[fever.threshold_c]\noral = 38.0\n")
    monkeypatch.setenv("DOORSTEP_RULEBOOK", str(book))
    document = load_settings().rulebook_document()
    assert document.keys() == ours.keys()
    assert document["fever"].keys() == ours["fever"].keys()
    assert document["fever"]["threshold_c"] == {**ours["fever"]["threshold_c"], "oral": 38.0}
    assert document["silent"] == ours["silent"]
