"""Where passwords are found: environment, files, doorstep.toml, addresses."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from doorstep.doctor import machine
from doorstep.doctor.machine_checks import MachineFacts
from doorstep.settings import ConfigurationError, load_settings
from ingest.sources.address import SourceSettings

URL = "postgresql://watch:s3cret-word@db/doorstep"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def looked(env: Mapping[str, str], mqtt_url: str = "mqtt://broker") -> MachineFacts:
    settings = load_settings({"database_url": URL})
    return machine.look(settings, SourceSettings(mqtt_url, "x"), None, env)


@pytest.mark.parametrize(
    ("name", "word", "found"),
    [
        ("DOORSTEP_MQTT__PASSWORD", "word", True),
        ("doorstep_mqtt__password", "word", True),
        ("DOORSTEP_MQTT__PASSWORD", "", False),
        ("DOORSTEP_MQTT__USERNAME", "ingest", False),
        ("DOORSTEP_MQTT_URL", "mqtt://u:p@broker", True),
        ("DOORSTEP_MQTT_URL", "mqtt://broker", False),
        ("DOORSTEP_DATABASE_URL", URL, True),
        ("DOORSTEP_DATABASE_URL", "postgresql://db/doorstep?password=word", True),
        ("DOORSTEP_DATABASE_URL", "postgresql:///doorstep", False),
        ("PGPASSWORD_UNRELATED", "word", False),
    ],
)
def test_passwords_in_the_environment(name: str, word: str, found: bool) -> None:
    assert bool(looked({name: word}).in_environment) is found


def test_a_file_is_seen_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "word"
    file.write_text("s3cret")
    file.chmod(0o640)
    (found,) = looked({"DOORSTEP_MQTT__PASSWORD_FILE": str(file)}).files
    assert (found.path, found.mode) == (str(file), 0o640)


def test_a_closed_folder_keeps_others_out(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    (folder / "word").write_text("s3cret")
    (found,) = looked({"DOORSTEP_DATABASE_URL_FILE": str(folder / "word")}).files
    assert not found.reachable


def test_open_folders_let_others_through() -> None:
    (found,) = looked({"DOORSTEP_MQTT_URL_FILE": "/etc/hosts"}).files
    assert found.reachable


def test_the_settings_file_counts_when_a_password_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "doorstep.toml"
    file.write_text("[http]\nport = 8080\n")
    assert looked({}).files == ()
    file.write_text('[mqtt]\nusername = "u"\npassword = "word"\n')
    (found,) = looked({}).files
    assert (found.name, found.path) == ("doorstep.toml", str(file))


def test_the_logins_that_are_used_are_seen() -> None:
    facts = looked({}, "mqtt://band:w%40rd@broker")
    assert [(login.name, login.user, login.password) for login in facts.logins] == [
        ("mqtt_url", "band", "w@rd"),
        ("database_url", "watch", "s3cret-word"),
    ]


def test_an_address_that_is_none_is_a_configuration_error() -> None:
    settings = load_settings({"database_url": "postgresql://db/doorstep?nonsense=1"})
    with pytest.raises(ConfigurationError, match=r"database_url: .*nonsense"):
        machine.look(settings, SourceSettings("mqtt://broker", "x"), None, {})
