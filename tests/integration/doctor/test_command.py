"""`doorstep doctor` at a terminal: its words, its exit codes, its silence about secrets."""

import pytest

from tests.integration.doctor.visiting import nobody_there, visit
from tests.services.doorstep import run

pytestmark = pytest.mark.integration


def test_no_broker_is_exit_code_4_and_the_rest_is_checked(database: str) -> None:
    found = visit(database, nobody_there("mqtt"))
    assert found.code == 4
    assert found.failed() == {"broker.reachable"}
    assert found.verdict("database.fsync") == "ok"
    assert found.stderr.startswith("doorstep: broker.reachable: ")
    assert found.stderr.count("\n") == 1


def test_the_text_says_why_and_what_to_do(database: str) -> None:
    env = {"DOORSTEP_DATABASE_URL": database, "DOORSTEP_MQTT_URL": nobody_there("mqtt")}
    done = run(["doctor"], env)
    assert done.returncode == 4
    assert "FAIL  broker.reachable" in done.stdout
    assert "do:  Start the broker, or correct DOORSTEP_MQTT_URL and the login." in done.stdout
    assert "1 fail" in done.stdout.splitlines()[-1]


def test_settings_that_cannot_be_used_are_exit_code_3() -> None:
    for name, value in (
        ("DOORSTEP_MQTT_URL", "http://broker"),
        ("DOORSTEP_MQTT_URL", "mqtt://broker:99999"),
        ("DOORSTEP_MQTT__CA_FILE", "nowhere.pem"),
        ("DOORSTEP_DATABASE_URL", "postgresql://db/doorstep?nonsense=1"),
    ):
        env = {"DOORSTEP_MQTT_URL": "mqtts://broker", name: value}
        done = run(["doctor"], env)
        assert (done.returncode, done.stdout) == (3, ""), name
        assert done.stderr.startswith("doorstep: ")
        assert done.stderr.count("\n") == 1


def test_secrets_are_judged_and_never_shown(database: str) -> None:
    found = visit(
        database,
        nobody_there("mqtt"),
        MQTT__USERNAME="doorstep-ingest",
        MQTT__PASSWORD="sesame",
    )
    assert found.verdict("secrets.environment") == "warn"
    assert "DOORSTEP_MQTT__PASSWORD" in found.seen("secrets.environment")
    assert found.verdict("secrets.passwords") == "fail"
    assert "sesame" not in str(found.items) + found.stderr


def test_a_password_file_that_others_can_read_fails(database: str) -> None:
    # A file of the system's stands in: where tests keep theirs, others may not get through.
    found = visit(database, nobody_there("mqtt"), MQTT__PASSWORD_FILE="/etc/hosts")
    assert found.verdict("secrets.files") == "fail"
    assert "DOORSTEP_MQTT__PASSWORD_FILE (/etc/hosts)" in found.seen("secrets.files")


def test_the_disk_of_a_database_on_this_machine_is_seen(database: str) -> None:
    found = visit(database, nobody_there("mqtt"))
    assert " GiB free (" in found.seen("machine.disk")
