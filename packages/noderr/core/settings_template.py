"""Writes the commented `.env` from the schema: every setting, what it means, and its default."""

from __future__ import annotations

import textwrap

from noderr.core.settings import NodeSettings, secret_fields, variable
from noderr.core.settings_loader import tier_defaults
from noderr.types import TierManifest


def settings_template(manifest: TierManifest, version: str) -> str:
    """The text of a `.env` for this tier in which every setting is commented out at its default."""
    defaults = tier_defaults(manifest)
    blocks = [f"# Settings of a NodeOS {manifest.tier} node, version {version}. Remove the # before a line to set it."]
    for name, field in NodeSettings.model_fields.items():
        lines = textwrap.wrap(field.description or "", 110, initial_indent="# ", subsequent_indent="# ")
        default = defaults.get(name, field.default)
        lines.append(f"#{variable(name)}={'' if default is None else default}")
        if name in secret_fields():
            lines += [f"# Or the path of a file that holds {variable(name)}:", f"#{variable(name)}_FILE="]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"
