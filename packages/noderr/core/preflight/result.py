"""What a check found, and how that is shown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    OK = "ok"
    WARNING = "warning"  # the node runs, and not as well as it could
    FAILED = "failed"  # the node does not start, or never gets ready
    SKIPPED = "skipped"  # nothing is set that could be checked, or an earlier failure hides it


class CheckResult(msgspec.Struct, frozen=True):
    """`found` is what is so, `remedy` what to do about it (empty when nothing)."""

    name: str
    outcome: Outcome
    found: str
    remedy: str = ""


_MARKS = {Outcome.OK: "✓", Outcome.WARNING: "!", Outcome.FAILED: "✕", Outcome.SKIPPED: "–"}
_NARROWEST = 60


def failed(results: Sequence[CheckResult]) -> bool:
    """Whether anything keeps the node from working."""
    return any(result.outcome is Outcome.FAILED for result in results)


def render_table(results: Sequence[CheckResult], width: int = 100) -> str:
    """A line a check, the remedy below it, and a sentence that sums up; at most `width` columns where words allow."""
    name_width = max(len(result.name) for result in results)
    indent = " " * (name_width + 4)
    lines = []
    for result in results:
        head = f"{_MARKS[result.outcome]} {result.name:<{name_width}}  "
        room = max(width, _NARROWEST)
        lines += textwrap.wrap(head + result.found, room, subsequent_indent=indent, break_on_hyphens=False)
        if result.remedy:
            lines += textwrap.wrap(
                f"→ {result.remedy}",
                room,
                initial_indent=indent,
                subsequent_indent=indent + "  ",
                break_on_hyphens=False,
            )
    return "\n".join([*lines, "", _summary(results)]) + "\n"


def render_json(results: Sequence[CheckResult]) -> str:
    """The same as JSON, for programs."""
    return msgspec.json.encode({"ok": not failed(results), "checks": results}).decode() + "\n"


def _summary(results: Sequence[CheckResult]) -> str:
    failures = sum(result.outcome is Outcome.FAILED for result in results)
    warnings = sum(result.outcome is Outcome.WARNING for result in results)
    also = f" {warnings} warning(s)." if warnings else ""
    if failures:
        return f"{failures} of {len(results)} checks failed: mend them and check again.{also}"
    return f"This node can be started.{also}"
