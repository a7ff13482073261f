"""Renders pages. Jinja2 is loaded with the first page that is asked for, so that a start does not wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noderr.core.pages import words
from noderr.core.pages.node_view import service_kind

if TYPE_CHECKING:
    from jinja2 import Environment, Template

HERE = Path(__file__).parent


def render(folders: Sequence[Path], template: str, **values: Any) -> str:
    """The template, found in one of `folders` or here, with everything escaped."""
    return _template(tuple(folders), template).render(**values)


async def load(folders: Sequence[Path], template: str) -> None:
    """Compile the template when nobody did before; on a thread, because the first one takes a tenth of a second."""
    await asyncio.to_thread(_template, tuple(folders), template)


@lru_cache
def _template(folders: tuple[Path, ...], name: str) -> Template:
    return _environment(folders).get_template(name)


@lru_cache
def _environment(folders: tuple[Path, ...]) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([*folders, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update({name: getattr(words, name) for name in words.FILTERS} | {"service_kind": service_kind})
    return environment
