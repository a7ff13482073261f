"""Reads the settings from an environment and reports everything that is wrong with it at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from noderr.core.errors import SettingsError
from noderr.core.settings_schema import PREFIX, Settings, secret_fields, variable
from noderr.types import TierManifest

_FILE = "_FILE"

BUILD_VARIABLES = frozenset(
    PREFIX + name
    for name in (
        "ARCHIVES_DIR",
        "CACHE",
        "COMMIT",
        "COMMIT_TIME",
        "CREATED",
        "DEBIAN_KEYRING",
        "DEBIAN_MIRROR",
        "DEBIAN_SNAPSHOT",
        "PANTS",
        "PEX_VERSION",
        "PYTHON",
        "REQUIRE_BROWSER",
        "REQUIRE_ENGINE",
        "REQUIRE_POSTGRES",
        "REQUIRE_PROMTOOL",
        "REQUIRE_S3",
        "ROOT",
        "S3_ENDPOINT",
        "SCREENSHOTS_DIR",
        "VERSION",
        "WITH_PANTS",
    )
)
"""Variables of the build. A node started by `./pants run` inherits them; they are no settings and no mistakes."""


def load_settings[S: Settings](environ: Mapping[str, str], schema: type[S], defaults: Mapping[str, int]) -> S:
    """Read and check the settings of `schema`; `defaults` are those that the manifest gives.

    Raises `SettingsError` with every problem: variable, value and remedy. An empty value counts as unset, because that
    is what a `.env` line without a value gives.
    """
    ours = {name: value for name, value in environ.items() if name.startswith(PREFIX) and value}
    values: dict[str, str] = {}
    secrets = secret_fields(schema)
    problems = list(_unknown(ours, schema, secrets))
    for field in schema.model_fields:
        if variable(field) in ours:
            values[field] = ours[variable(field)]
        if field in secrets and (path := ours.get(variable(field) + _FILE)):
            problems += _read_secret(field, path, values)
    try:
        settings = schema(**(dict(defaults) | values))
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        problems += [_describe(one, ours, schema, secrets) for one in details]
        raise SettingsError(problems) from None  # Its text would repeat the values of secrets.
    if problems:
        raise SettingsError(problems)
    return settings


def tier_defaults(manifest: TierManifest) -> dict[str, int]:
    """Defaults that differ by tier; no other place repeats the manifest's ports."""
    return {"http_port": manifest.http_port, "grpc_port": manifest.grpc_port}


def _unknown(ours: Mapping[str, str], schema: type[Settings], secrets: frozenset[str]) -> Iterator[str]:
    known = {variable(field) for field in schema.model_fields}
    known |= {variable(field) + _FILE for field in secrets}
    for name in sorted(set(ours) - known - BUILD_VARIABLES):
        close = difflib.get_close_matches(name, known, n=1)
        # Its value is not shown: it may be a secret under a misspelt name.
        yield f"{name} is no setting" + (f": did you mean {close[0]}?" if close else ": unset it")


def _read_secret(field: str, path: str, values: dict[str, str]) -> Iterator[str]:
    name = variable(field)
    if field in values:
        yield f"{name} and {name}{_FILE} are both set: unset one of them"
        return
    try:
        values[field] = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        yield f"{name}{_FILE}={path!r}: cannot be read: {reason}. Name a file that holds the secret and nothing else"


def _describe(details: ErrorDetails, ours: Mapping[str, str], schema: type[Settings], secrets: frozenset[str]) -> str:
    message = details["msg"].removeprefix("Value error, ")
    if not details["loc"]:
        return message
    field = str(details["loc"][0])
    name = variable(field)
    value = "(hidden)" if field in secrets else repr(ours.get(name))
    return f"{name}={value}: {message}. It is: {schema.model_fields[field].description}"
