"""A replay as one HTML file that needs nothing else: the picture, every trade, and what it all took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from math import log10
from pathlib import Path
from typing import Any

from noderr.alpha_edge.answers import Reason
from noderr.core.pages.rendering import HERE as SHARED
from noderr.core.pages.rendering import render
from noderr.types.trading import decimal_text
from noderr.utils import replace_file
from tests.loop.chart import NARROW, WIDE, page_chart
from tests.loop.journal import ReplayJournal
from tests.loop.picture import Picture
from tests.loop.trade_story import trade_stories

_HERE = Path(__file__).parent
_SECOND_NS = 1_000_000_000
_LONGEST_MS = 10_000.0


def write_page(path: Path, journal: ReplayJournal, picture: Picture, report: Mapping[str, Any]) -> None:
    """`report` is that of `report_of`."""
    replace_file(path, page(journal, picture, report).encode())


def page(journal: ReplayJournal, picture: Picture, report: Mapping[str, Any]) -> str:
    """The same replay gives the same page, but for how long it took."""
    return render(
        (_HERE,),
        "page.html.j2",
        # These are not escaped: the style is ours, and matplotlib escapes what it writes.
        style=(SHARED / "style.css").read_text(),
        wide=page_chart(picture, WIDE, "wide"),
        narrow=page_chart(picture, NARROW, "narrow"),
        report=report,
        begin=_time(report["recording"]["begin_ns"]),
        seconds=(report["recording"]["end_ns"] - report["recording"]["begin_ns"]) / _SECOND_NS,
        stories=trade_stories(journal),
        since=lambda at_ns: (at_ns - report["recording"]["begin_ns"]) / _SECOND_NS,
        abstentions={Reason[name].value: count for name, count in report["signals"]["abstentions"].items()},
        stages=[_stage(one) for one in report["latencies"]],
        money=money,
        milliseconds=milliseconds,
        plain=decimal_text,
        total=total,
    )


def money(value: object, digits: int = 2) -> str:
    """An amount as people read it, with a sign that is as wide as a digit."""
    return f"{Decimal(str(value)):,.{digits}f}".replace(",", "\u202f").replace("-", "\u2212")


def milliseconds(value: float | None) -> str:
    """Tenths up to a second."""
    return "–" if value is None else f"{value:.1f} ms" if value < 1_000 else f"{value:.0f} ms"


def total(counts: Mapping[str, int]) -> int:
    return sum(counts.values())


def _time(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns / _SECOND_NS, UTC)


def _stage(one: Mapping[str, Any]) -> dict[str, Any]:
    """With how long its bars are, in percent: from 1 ms to 10 s, as logarithms."""
    figures: Sequence[float | None] = [one[key] for key in ("p50_ms", "p95_ms", "most_ms")]
    return {**one, "bars": [_percent(value) for value in figures]}


def _percent(ms: float | None) -> float:
    if ms is None or ms < 1:
        return 0.0
    return round(100 * log10(min(ms, _LONGEST_MS)) / log10(_LONGEST_MS), 1)
