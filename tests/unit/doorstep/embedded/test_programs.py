from pathlib import Path

from doorstep.embedded.programs import Addresses, command, environment
from doorstep.embedded.virtual_clock import SharedClock

ADDRESSES = Addresses(Path("/s/url"), 1884, "doorstep", Path("/s/mqtt"), 8090, 8091)


def test_the_stack_decides_where_its_parts_are() -> None:
    inherited = {
        "PATH": "/bin",
        "PGHOST": "elsewhere",
        "PGPASSWORD": "x",
        "DOORSTEP_DATABASE_URL": "postgresql://elsewhere/",
        "DOORSTEP_MQTT_URL_FILE": "/elsewhere",
        "DOORSTEP_MQTT__PASSWORD": "theirs",
        "DOORSTEP_HTTP__HOST": "0.0.0.0",
        "DOORSTEP_CLOCK__FACTOR": "7",
        "DOORSTEP_RULEBOOK": "/etc/rules.toml",
    }
    made = environment(inherited, ADDRESSES, SharedClock(0, 1.0))
    del made["PYTHONPATH"]
    assert made == {
        "PATH": "/bin",
        "DOORSTEP_RULEBOOK": "/etc/rules.toml",
        "DOORSTEP_DATABASE_URL_FILE": "/s/url",
        "DOORSTEP_MQTT_URL": "mqtt://127.0.0.1:1884",
        "DOORSTEP_MQTT__PROTOCOL": "3.1.1",
        "DOORSTEP_MQTT__USERNAME": "doorstep",
        "DOORSTEP_MQTT__PASSWORD_FILE": "/s/mqtt",
        "DOORSTEP_HTTP__HOST": "127.0.0.1",
        "DOORSTEP_HTTP__PORT": "8090",
        "DOORSTEP_INGEST__HTTP_HOST": "127.0.0.1",
        "DOORSTEP_INGEST__HTTP_PORT": "8091",
        "DOORSTEP_FEEDS__CONSOLE_URL": "http://127.0.0.1:8090",
    }


def test_an_operator_may_say_where_the_console_is_found() -> None:
    name, url = "DOORSTEP_FEEDS__CONSOLE_URL", "https://doorstep.example.org"
    assert environment({name: url}, ADDRESSES, SharedClock(0, 1.0))[name] == url


def test_no_secret_is_in_an_environment_or_a_command_line() -> None:
    made = environment({}, ADDRESSES, SharedClock(0, 60.0))
    assert not {"DOORSTEP_MQTT__PASSWORD", "DOORSTEP_DATABASE_URL"} & made.keys()
    program = command(["serve"], made, Path("/log"))
    assert list(program.argv)[1:] == ["-P", "-m", "doorstep", "serve"]


def test_an_accelerated_clock_is_shared() -> None:
    made = environment({}, ADDRESSES, SharedClock(1_500_000, 60.0))
    assert made["DOORSTEP_CLOCK__ORIGIN_AT"] == "1970-01-01T00:00:01.5Z"
    assert made["DOORSTEP_CLOCK__FACTOR"] == "60.0"
