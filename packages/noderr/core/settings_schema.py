"""What every settings schema of ours shares: the names of the variables, secrets, and where values come from."""

from __future__ import annotations

from typing import Annotated, Any, TypeAliasType, get_args

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "NODEOS_"

type Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """A schema. Each field is the environment variable `NODEOS_<FIELD>`; its description is the remedy in error
    messages and the comment in the generated `.env`.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `load_settings` reads the environment that it is given, and hands in what it found.
        return (init_settings,)


def variable(field: str) -> str:
    """The environment variable of a field: `http_port` is NODEOS_HTTP_PORT."""
    return PREFIX + field.upper()


def secret_fields(schema: type[Settings]) -> frozenset[str]:
    """Fields that hold a secret; each may come as `NODEOS_<FIELD>_FILE`, the path of a file that holds it."""
    return frozenset(name for name, field in schema.model_fields.items() if _holds_secret(field.annotation))


def _holds_secret(annotation: Any) -> bool:
    if isinstance(annotation, TypeAliasType):
        return _holds_secret(annotation.__value__)
    return annotation is SecretStr or any(_holds_secret(part) for part in get_args(annotation))
