"""Settings: flag > environment `DOORSTEP_*` (`__` nests) > `doorstep.toml` > default.

Secrets may also come from files: `DOORSTEP_DATABASE_URL_FILE`, `DOORSTEP_MQTT_URL_FILE`,
`DOORSTEP_MQTT__USERNAME_FILE`, `DOORSTEP_MQTT__PASSWORD_FILE`. Everything is checked once, at
start, and a mistake is one line that names the setting. Nothing here is read again later.
"""

import os
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from typing_extensions import override

from alerts.escalation import Figures
from alerts.sessions import Limits
from domain.instant import SECOND_US, from_datetime
from doorstep.clock import AcceleratedClock, Clock, SystemClock
from ingest.sources.address import SourceSettings
from rules.rulebook import Rulebook, RulebookError, load

PREFIX = "DOORSTEP_"
SECRETS = ("database_url", "mqtt_url", "mqtt.username", "mqtt.password")
"""Settings that may be given as a file's path in `<NAME>_FILE`."""


class ConfigurationError(Exception):
    """The settings cannot be used; the message is one line that names what to change."""


class MqttSettings(BaseModel):
    """How ingestion speaks with the broker."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    client_id: str = Field(default="doorstep-ingest", min_length=1, max_length=64)
    username: str | None = None
    password: str | None = Field(default=None, repr=False)
    ca_file: Path | None = None
    receive_maximum: int = Field(default=8_000, ge=10, le=65_535)
    session_expiry_s: int = Field(default=7 * 86_400, ge=60)
    keep_alive_s: int = Field(default=30, ge=5, le=65_535)
    echo_s: int = Field(default=10, ge=0, le=3_600)


class HttpSettings(BaseModel):
    """Where `doorstep serve` listens, and how long somebody stays signed in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)
    session_idle_s: int = Field(default=8 * 3_600, ge=300, le=30 * 86_400)
    session_lasts_s: int = Field(default=86_400, ge=300, le=30 * 86_400)

    def session_limits(self) -> Limits:
        """The latter for `store.access_desk`."""
        return Limits(self.session_idle_s * SECOND_US, self.session_lasts_s * SECOND_US)


class IngestSettings(BaseModel):
    """How `doorstep ingest` batches, and where its health is served."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8081, ge=0, le=65_535)
    batch_readings: int = Field(default=5_000, ge=1, le=100_000)
    batch_bytes: int = Field(default=4_000_000, ge=65_536, le=256_000_000)
    batch_age_ms: int = Field(default=50, ge=1, le=10_000)
    device_burst: int = Field(default=100_000, ge=1_000, le=100_000_000)
    device_per_s: int = Field(default=50, ge=1, le=1_000_000)
    rejections_per_minute: int = Field(default=6_000, ge=1, le=100_000_000)


class DutySettings(BaseModel):
    """How long people have to answer before the next is told. `ingest` and `serve` share it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    acknowledge_critical_s: int = Field(default=300, ge=10, le=86_400)
    acknowledge_urgent_s: int = Field(default=900, ge=10, le=86_400)
    visit_critical_s: int = Field(default=1_800, ge=10, le=86_400)
    visit_urgent_s: int = Field(default=3_600, ge=10, le=86_400)
    outcome_s: int = Field(default=3_600, ge=10, le=86_400)
    round_at: str = Field(default="09:00", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    alerts_a_doctor: int = Field(default=12, ge=1, le=10_000)

    def figures(self) -> Figures:
        """The same for `alerts.escalation`."""
        hour, minute = self.round_at.split(":")
        given = self.model_dump(exclude={"round_at"})
        return Figures(**given, round_at_min=int(hour) * 60 + int(minute))


class FeedsSettings(BaseModel):
    """What alert events may be handed to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allow_private: bool = False
    mqtt: bool | None = None
    """None: exactly when a broker is named."""
    console_url: str = ""

    @field_validator("console_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and (
            urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc
        ):
            raise ValueError("must look like https://doorstep.example.org")
        return value


class CanarySettings(BaseModel):
    """Messages of our own that prove the way of readings and alerts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: bool | None = None
    """None: exactly when a broker is named."""
    every_s: float = Field(default=60, ge=0.1, le=3_600)
    overdue_s: float = Field(default=90, ge=0.1, le=7_200)

    @model_validator(mode="after")
    def _in_proportion(self) -> Self:
        if not self.every_s <= self.overdue_s <= 5 * self.every_s:
            raise ValueError("overdue_s must be from every_s to five times as much")
        return self


class ClockSettings(BaseModel):
    """The shared clock of an accelerated demo; `doorstep up --demo` sets it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    origin_at: AwareDatetime | None = None
    factor: float = Field(default=1.0, gt=0, le=100_000)


class Settings(BaseSettings):
    """All settings of all commands."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        toml_file="doorstep.toml",
        extra="forbid",
        frozen=True,
    )

    database_url: str = Field(default="postgresql:///doorstep", repr=False)
    mqtt_url: str = Field(default="mqtt://127.0.0.1:1883", repr=False)
    mqtt: MqttSettings = MqttSettings()
    http: HttpSettings = HttpSettings()
    ingest: IngestSettings = IngestSettings()
    duty: DutySettings = DutySettings()
    feeds: FeedsSettings = FeedsSettings()
    canary: CanarySettings = CanarySettings()
    clock: ClockSettings = ClockSettings()
    rulebook: Path | None = None

    @field_validator("mqtt_url")
    @classmethod
    def _mqtt_scheme(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("mqtt", "mqtts") or not urlsplit(value).hostname:
            raise ValueError("must look like mqtt://host:1883 or mqtts://host:8883")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_scheme(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("postgresql", "postgres"):
            raise ValueError("must look like postgresql://user@host:5432/doorstep")
        return value

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del env_settings, dotenv_settings, file_secret_settings
        toml = TomlConfigSettingsSource(settings_cls)
        return (init_settings, _Environment(settings_cls), _SecretFiles(settings_cls), toml)

    @property
    def alerts_by_mqtt(self) -> bool:
        """Whether alerts go to the broker: as it is said, else when `mqtt_url` is given."""
        said = self.feeds.mqtt
        return "mqtt_url" in self.model_fields_set if said is None else said

    @property
    def canaries_fly(self) -> bool:
        """Whether canaries are sent: as it is said, else when `mqtt_url` is given."""
        said = self.canary.on
        return "mqtt_url" in self.model_fields_set if said is None else said

    def make_clock(self) -> Clock:
        """The clock every process of this deployment shares."""
        if self.clock.origin_at is None:
            return SystemClock()
        return AcceleratedClock(from_datetime(self.clock.origin_at), self.clock.factor)

    @property
    def clock_factor(self) -> float:
        """How many times as fast as the time of day the clock runs."""
        return self.clock.factor if self.clock.origin_at is not None else 1.0

    def source_settings(self) -> SourceSettings:
        """The broker as the sources want it. Raises `ConfigurationError`."""
        mqtt = self.mqtt
        try:
            made = SourceSettings(
                url=self.mqtt_url,
                protocol=mqtt.protocol,
                client_id=mqtt.client_id,
                username=mqtt.username,
                password=mqtt.password,
                ca_file=None if mqtt.ca_file is None else str(mqtt.ca_file),
                receive_maximum=mqtt.receive_maximum,
                session_expiry_s=mqtt.session_expiry_s,
                keep_alive_s=mqtt.keep_alive_s,
                echo_s=mqtt.echo_s,
            )
            made.tls_context()  # an unusable CA file is found before anything is tried
        except ValueError as error:
            raise ConfigurationError(f"mqtt: {error}") from error
        return made

    def load_rulebook(self) -> Rulebook:
        """The rulebook the operator named, or ours. Raises `ConfigurationError`."""
        return load(self.rulebook_document())

    def rulebook_document(self) -> dict[str, Any]:
        """The same as a document that holds every figure, those that do not differ included."""
        ours = tomllib.loads((files("rules") / "default.toml").read_text("utf-8"))
        if self.rulebook is None:
            return ours
        try:
            with self.rulebook.open("rb") as file:
                given = tomllib.load(file)
            load(given)
        except (OSError, tomllib.TOMLDecodeError, RulebookError) as error:
            raise ConfigurationError(f"rulebook {self.rulebook}: {error}") from error
        return _laid_over(ours, given)


class _Environment(EnvSettingsSource):
    """The environment, without the names of secrets' files, which are no settings."""

    @override
    def __call__(self) -> dict[str, Any]:
        found = super().__call__()
        for name in SECRETS:
            *way, leaf = name.split(".")
            inside = found
            for key in way:
                inside = inside.get(key, {})
            inside.pop(f"{leaf}_file", None)
        return found


class _SecretFiles(PydanticBaseSettingsSource):
    """Reads the secrets that are given as files."""

    @override
    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        del field
        return None, field_name, False

    @override
    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in SECRETS:
            variable = f"{PREFIX}{name.upper().replace('.', '__')}_FILE"
            path = os.environ.get(variable)
            if path:
                _put(found, name.split("."), _read_secret(variable, Path(path)))
        return found


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both documents, table by table; what is above wins."""
    tables = {
        key: _laid_over(below[key], value)
        for key, value in above.items()
        if isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
    }
    return {**below, **above, **tables}


def _read_secret(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{variable}: cannot read {path}: {error}") from error


def _put(tree: dict[str, Any], keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
    tree[keys[-1]] = value


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings, with `overrides` (from flags) on top. Raises `ConfigurationError`."""
    try:
        return Settings(**dict(overrides or {}))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise ConfigurationError(problems) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"doorstep.toml: {error}") from error
