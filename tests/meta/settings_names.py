"""The settings as an operator spells them, walked from the model itself."""

from collections.abc import Iterator

from pydantic import BaseModel

from doorstep.settings import PREFIX, SECRETS, Settings


def settings(
    model: type[BaseModel] = Settings, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, object]]:
    """(`DOORSTEP_MQTT__PROTOCOL`, its default) for every setting, nested ones too."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings(kind, (*path, name))
        else:
            yield PREFIX + "__".join((*path, name)).upper(), field.default


def secret_files() -> Iterator[str]:
    for name in SECRETS:
        yield f"{PREFIX}{name.upper().replace('.', '__')}_FILE"
