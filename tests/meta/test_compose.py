"""docker-compose.yml and what it mounts, held against the code and against what the docs promise.

No Docker here: this reads. The broker's access rules are run for real, on a Mosquitto, in
tests/integration/deploy/test_broker.py.
"""

import re
import tomllib
from functools import cache
from typing import Any

import pytest
import yaml
from packaging.version import Version

from doorstep.cli import COMMANDS
from doorstep.settings import PREFIX, HttpSettings, IngestSettings, MqttSettings
from tests.meta.settings_names import secret_files, settings
from tests.meta.source_tree import ROOT

ONE_SHOT = ("migrate", "simulate")
OURS = ("migrate", "ingest", "serve", "simulate")
DAY_S = 86_400


@cache
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())  # type: ignore[no-any-return]


def services() -> dict[str, dict[str, Any]]:
    return compose()["services"]  # type: ignore[no-any-return]


@cache
def broker_directives(profile: str = "mosquitto.conf") -> list[tuple[str, str]]:
    lines = (ROOT / "deploy/mosquitto" / profile).read_text().splitlines()
    pairs = [line.split(" ", 1) for line in lines if line and not line.startswith("#")]
    return [(name, value) for name, value in pairs]


def broker_value(name: str) -> str:
    (value,) = (value for each, value in broker_directives() if each == name)
    return value


def environment() -> dict[str, str]:
    return {
        name: str(value)
        for service in services().values()
        for name, value in service.get("environment", {}).items()
        if name.startswith(PREFIX)
    }


EVERY = pytest.mark.parametrize("name", list(services()))


@EVERY
def test_images_are_pinned_to_a_patch_version(name: str) -> None:
    image, _, tag = services()[name]["image"].partition(":")
    assert re.match(r"\d+\.\d+\.\d+", tag), f"{image}:{tag}"
    if name in OURS:
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        assert tag == version


def test_timescaledb_is_the_apache_edition_and_not_below_the_oldest_good_one() -> None:
    version, postgres, edition = services()["database"]["image"].partition(":")[2].split("-")
    assert Version(version) >= Version("2.26")
    assert postgres in {"pg16", "pg17", "pg18"}
    assert edition == "oss"


@EVERY
def test_every_service_is_hardened(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert int(service["user"].partition(":")[0]) > 0
    assert not service.get("privileged")
    assert "docker.sock" not in str(service.get("volumes", ""))


@EVERY
def test_what_runs_for_long_has_a_health_check_and_comes_back(name: str) -> None:
    service = services()[name]
    if name in ONE_SHOT:
        assert "healthcheck" not in service
    else:
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", OURS)
def test_commands_are_commands_that_are_there(name: str) -> None:
    command = services()[name]["command"][0]
    assert command in COMMANDS


def test_every_variable_is_a_setting() -> None:
    known = {name for name, _ in settings()} | set(secret_files())
    assert environment()
    assert not set(environment()) - known


def test_secrets_come_from_files_that_prepare_makes() -> None:
    prepare = (ROOT / "deploy/prepare").read_text()
    for name, secret in compose()["secrets"].items():
        assert secret["file"] == f"./deploy/secrets/{name}"
        made = re.sub(r"mqtt_(ingest|serve|simulate)_password", "mqtt_${role}_password", name)
        assert f"secrets/{made}" in prepare
    for service in services().values():
        for variable, value in service.get("environment", {}).items():
            assert not re.search(r"PASSWORD$|DATABASE_URL$|TOKEN", variable), variable
            if variable.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_ports_are_the_defaults() -> None:
    values = environment()
    assert int(values["DOORSTEP_HTTP__PORT"]) == HttpSettings().port
    assert int(values["DOORSTEP_INGEST__HTTP_PORT"]) == IngestSettings().http_port
    assert services()["serve"]["ports"] == [
        f"${{CONSOLE_ADDRESS:-127.0.0.1}}:${{CONSOLE_PORT:-8080}}:{HttpSettings().port}"
    ]
    for name, settings_of in (
        ("serve", HttpSettings().port),
        ("ingest", IngestSettings().http_port),
    ):
        assert f"127.0.0.1:{settings_of}/healthz" in services()[name]["healthcheck"]["test"][-1]


def test_only_the_broker_for_devices_and_the_console_are_published() -> None:
    published = {
        name: service["ports"] for name, service in services().items() if "ports" in service
    }
    assert sorted(published) == ["broker", "serve"]
    (device_port,) = (port.rpartition(":")[2] for port in published["broker"])
    listeners = dict(split_listeners())
    assert "use_username_as_clientid true" in listeners[device_port]
    assert any(line.startswith("certfile ") for line in listeners[device_port])
    assert environment()["DOORSTEP_MQTT_URL"] == "mqtt://broker:1884"
    assert "1884" in listeners
    assert "1884" not in str(published)


def split_listeners() -> list[tuple[str, list[str]]]:
    """(port, the lines that belong to it) of the broker's configuration."""
    found: list[tuple[str, list[str]]] = []
    for name, value in broker_directives():
        if name == "listener":
            found.append((value, []))
        elif found:
            found[-1][1].append(f"{name} {value}")
    return found


def test_the_database_is_on_the_inner_network_only() -> None:
    assert compose()["networks"]["inside"] == {"internal": True}
    assert services()["database"]["networks"] == ["inside"]
    assert services()["ingest"]["networks"] == ["inside"]


def test_nothing_ingests_or_serves_before_the_schema_is_there() -> None:
    for name in ("ingest", "serve"):
        waits = services()[name]["depends_on"]["migrate"]
        assert waits == {"condition": "service_completed_successfully"}
    assert services()["migrate"]["depends_on"]["database"] == {"condition": "service_healthy"}


def test_the_simulator_is_not_part_of_a_real_deployment() -> None:
    with_profiles = [name for name, service in services().items() if service.get("profiles")]
    assert with_profiles == ["simulate"]


@EVERY
def test_what_is_mounted_from_here_is_here(name: str) -> None:
    for volume in services()[name].get("volumes", []):
        source, _, _ = volume.partition(":")
        if source.startswith("./deploy/secrets"):
            assert (ROOT / "deploy/secrets/.gitignore").exists()
        elif source.startswith("."):
            assert (ROOT / source).exists()
            assert volume.endswith(":ro")
        else:
            assert source in compose()["volumes"]


def test_the_broker_writes_what_it_confirms_at_once() -> None:
    names = [name for name, _ in broker_directives()]
    plugin = names.index("global_plugin")
    assert broker_value("global_plugin").endswith("mosquitto_persist_sqlite.so")
    assert names[plugin + 1 : plugin + 3] == ["plugin_opt_flush_period", "plugin_opt_sync"]
    assert broker_value("plugin_opt_flush_period") == "0"
    assert broker_value("plugin_opt_sync") == "full"
    assert "persistence" not in names, "cannot be used with a persistence plugin"
    mounts = [volume.rpartition(":")[2] for volume in services()["broker"]["volumes"]]
    assert broker_value("persistence_location").rstrip("/") in mounts


def test_the_profile_for_mosquitto_2_0_differs_in_how_it_writes_only() -> None:
    ways = {
        "mosquitto.conf": {"global_plugin", "plugin_opt_flush_period", "plugin_opt_sync"},
        "mosquitto-2.0.conf": {"persistence", "autosave_on_changes", "autosave_interval"},
    }
    new, old = (
        [(name, value) for name, value in broker_directives(profile) if name not in way]
        for profile, way in ways.items()
    )
    assert new == old
    said = dict(broker_directives("mosquitto-2.0.conf"))
    assert said["persistence"] == said["autosave_on_changes"] == "true"
    assert said["autosave_interval"] == "1"


def test_the_broker_drops_nothing_by_count_and_is_bounded_by_bytes() -> None:
    assert broker_value("max_queued_messages") == "0"
    assert 0 < int(broker_value("max_queued_bytes")) < 2**31, "2.1 does not start with more"


def test_the_broker_leaves_the_window_and_the_session_to_ingestion() -> None:
    assert int(broker_value("max_inflight_messages")) > MqttSettings().receive_maximum
    days = int(broker_value("persistent_client_expiration").removesuffix("d"))
    assert days * DAY_S > MqttSettings().session_expiry_s


def test_the_broker_lets_doorstep_refuse_what_is_too_large() -> None:
    assert int(broker_value("max_packet_size")) > 64 * 1024
    assert "message_size_limit" not in dict(broker_directives())


def test_the_broker_knows_everybody() -> None:
    assert broker_value("allow_anonymous") == "false"
    assert broker_value("password_file")
    rules = (ROOT / "deploy/mosquitto/acl").read_text()
    assert "pattern write doorstep/v1/devices/%u/readings" in rules.splitlines()
    users = set(re.findall(r"^user (\S+)$", rules, re.MULTILINE))
    assert users == {
        str(service["environment"]["DOORSTEP_MQTT__USERNAME"])
        for service in services().values()
        if "DOORSTEP_MQTT__USERNAME" in service.get("environment", {})
    }


def test_the_image_is_pinned_and_installs_by_hash() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert bases
    assert all(re.search(r":\d+\.\d+\.\d+-", base) for base in bases)
    assert "requirements-service.lock" in dockerfile
    assert re.search(r"^USER 10001", dockerfile, re.MULTILINE)


def test_every_word_of_the_env_example_is_read_by_compose() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    said = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert said == dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", text))
