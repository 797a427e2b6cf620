"""Looks at this machine: the disk that holds the data, and where passwords are. Judges nothing."""

import shutil
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from doorstep.doctor.machine_checks import Disk, Login, MachineFacts, SecretFile
from doorstep.doctor.nearness import is_here
from doorstep.settings import PREFIX, SECRETS, ConfigurationError, Settings
from ingest.sources.address import SourceSettings, parse_address
from store.durability import Durability

_TOML: Final = Path("doorstep.toml")
_THROUGH: Final = 0o001


def look(
    settings: Settings, mqtt: SourceSettings, database: Durability | None, env: Mapping[str, str]
) -> MachineFacts:
    """The facts; `database` is None when it could not be reached.

    Raises `ConfigurationError` for a database url that is none.
    """
    return MachineFacts(
        disk=None if database is None else _disk(database),
        files=tuple(_files(env)),
        in_environment=tuple(_in_environment(env)),
        logins=tuple(_logins(settings, mqtt)),
    )


def _disk(database: Durability) -> Disk | None:
    """Where the database's files are, if they are here and we may know it."""
    if database.data_directory is None or not is_here(database.host):
        return None
    try:
        usage = shutil.disk_usage(database.data_directory)
    except OSError:  # another file system: a container's, or one that we may not enter
        return None
    return Disk(database.data_directory, usage.free, usage.total)


def _files(env: Mapping[str, str]) -> Iterator[SecretFile]:
    for secret in SECRETS:
        name = f"{_variable(secret)}_FILE"
        if path := env.get(name):
            yield _file(name, Path(path))
    if _TOML.exists() and any(_has_password(key, word) for key, word in _toml_secrets()):
        yield _file(_TOML.name, _TOML)


def _file(name: str, path: Path) -> SecretFile:
    whole = path.resolve()
    return SecretFile(
        name=name,
        path=str(path if path.is_absolute() else whole),
        mode=stat.S_IMODE(whole.stat().st_mode),
        reachable=all(folder.stat().st_mode & _THROUGH for folder in whole.parents),
    )


def _toml_secrets() -> Iterator[tuple[str, object]]:
    with _TOML.open("rb") as file:
        tree = tomllib.load(file)
    for secret in SECRETS:
        found: object = tree
        for key in secret.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        yield secret, found


def _in_environment(env: Mapping[str, str]) -> Iterator[str]:
    # As pydantic-settings does it, which does not mind capitals.
    words = {name.upper(): word for name, word in env.items()}
    for secret in SECRETS:
        if _has_password(secret, words.get(_variable(secret))):
            yield _variable(secret)


def _variable(secret: str) -> str:
    return f"{PREFIX}{secret.upper().replace('.', '__')}"


def _has_password(secret: str, word: object) -> bool:
    if not isinstance(word, str) or not word:
        return False
    if secret == "database_url":  # noqa: S105 - a setting's name
        return bool(_database_login(word).password)
    if secret == "mqtt_url":  # noqa: S105 - a setting's name
        return bool(parse_address(word).password)
    return secret.endswith("password")


def _logins(settings: Settings, mqtt: SourceSettings) -> Iterator[Login]:
    broker = mqtt.address()
    if broker.username is not None:
        name = "mqtt.password" if settings.mqtt.username is not None else "mqtt_url"
        yield Login(name, broker.username, broker.password)
    database = _database_login(settings.database_url)
    if database.password is not None:
        yield database


def _database_login(url: str) -> Login:
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError as error:
        raise ConfigurationError(f"database_url: {' '.join(str(error).split())}") from error
    user, password = parts.get("user"), parts.get("password")
    return Login("database_url", str(user or ""), None if password is None else str(password))
