"""Writes the commented `.env` from the schema: every setting, what it means, and its default."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from noderr.core.settings_schema import Settings, secret_fields, variable


def settings_template(schema: type[Settings], defaults: Mapping[str, int], title: str) -> str:
    """The text of a `.env` in which every setting is commented out at its default; `title` says what it is for."""
    blocks = [f"# Settings of {title}. Remove the # before a line to set it."]
    secrets = secret_fields(schema)
    for name, field in schema.model_fields.items():
        lines = textwrap.wrap(field.description or "", 110, initial_indent="# ", subsequent_indent="# ")
        default = defaults.get(name, field.default)
        lines.append(f"#{variable(name)}={'' if default is None else default}")
        if name in secrets:
            lines += [f"# Or the path of a file that holds {variable(name)}:", f"#{variable(name)}_FILE="]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"
