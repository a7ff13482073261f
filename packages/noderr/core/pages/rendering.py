"""Renders pages. Jinja2 is loaded with the first page that is asked for, so that a start does not wait for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent


def render(folders: Sequence[Path], template: str, **values: Any) -> str:
    """The template, found in one of `folders` or here, with everything escaped."""
    return _environment(tuple(folders)).get_template(template).render(**values)


@lru_cache
def _environment(folders: tuple[Path, ...]) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([*folders, HERE]), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(_FILTERS)
    return environment


def duration(seconds: float) -> str:
    """`3 d 4 h`, `2 h 5 min`, `7 min`, `12 s`: the two largest units."""
    left = int(seconds)
    if left < 60:
        return f"{left} s"
    days, hours, minutes = left // 86_400, left // 3600 % 24, left // 60 % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def moment(at: datetime | None) -> str:
    """A time in UTC, to the second."""
    return "never" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def size(count: float) -> str:
    """Bytes in powers of a thousand."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("the loop returns")


def millis(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.1f} ms"


def offset(seconds: float | None) -> str:
    return "not known" if seconds is None else f"{seconds:+.3f} s"


_FILTERS: dict[str, Callable[[Any], str]] = {
    "duration": duration,
    "moment": moment,
    "size": size,
    "millis": millis,
    "offset": offset,
}
