"""Draws a replay's picture with matplotlib: as SVG or PNG to a file, or as SVG for a page that has its own colours.

The same picture gives the same SVG, byte for byte.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from noderr.utils import replace_file
from tests.loop.errors import OptionError
from tests.loop.picture import MarketPicture, Picture, Traded

# Those of the project's pages in the light; where a page is drawn on, its own take their place.
COLOURS = {
    "#171a20": "--ink",
    "#5a6371": "--soft",
    "#c4cad3": "--edge",
    "#e3e6eb": "--line",
    "#1d57b0": "--link",
    "#8a5100": "--warn",
    "#b3261e": "--bad",
    "#ffffff": "--card",
}
_INK, _SOFT, _EDGE, _LINE, _BUY, _SELL, _BAD, _CARD = COLOURS
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "noderr replay",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "path.simplify": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
# In inches: beside the axes, between markets, below the last, and the rows of what was decided.
_LEFT, _RIGHT, _GAP, _FOOT, _LANES = 0.78, 0.12, 0.5, 0.5, 0.5


@dataclass(frozen=True, slots=True)
class Size:
    """In inches; `font` in points."""

    width: float
    market: float
    """Height of one market."""
    account: float
    legend: float
    font: float


WIDE = Size(11.6, 2.6, 1.5, 0.75, 9.0)
NARROW = Size(4.7, 2.6, 1.7, 0.95, 9.0)


def write_chart(picture: Picture, path: Path) -> None:
    """By its suffix, `.svg` or `.png`. Raises `OptionError` for another."""
    if path.suffix == ".svg":
        content = _svg(picture, WIDE).encode()
    elif path.suffix == ".png":
        drawn = io.BytesIO()
        with rc_context(_STYLE):
            FigureCanvasAgg(_figure(picture, WIDE)).figure.savefig(drawn, format="png", dpi=160)
        content = drawn.getvalue()
    else:
        raise OptionError(f"the chart is to be {path.name}: name a file that ends in .svg or .png")
    replace_file(path, content)


def page_chart(picture: Picture, size: Size, prefix: str) -> str:
    """An `<svg>` for inside a page: its colours are the page's variables, its ids begin with `prefix`."""
    svg = _svg(picture, size, ground="none")
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'id="', f'id="{prefix}-', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    svg = re.sub(r'<svg ([^>]*?)width="[^"]*"', r"<svg \1", svg, count=1)
    svg = re.sub(r'(<svg [^>]*?)height="[^"]*"', r"\1", svg, count=1)
    return re.sub("|".join(COLOURS), lambda found: f"var({COLOURS[found[0]]})", svg)


def _svg(picture: Picture, size: Size, ground: str = _CARD) -> str:
    drawn = io.BytesIO()
    with rc_context(_STYLE):
        _figure(picture, size, ground).savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return drawn.getvalue().decode()


def _figure(picture: Picture, size: Size, ground: str = _CARD) -> Figure:
    height = size.legend + len(picture.markets) * (size.market + _GAP) + size.account + _FOOT
    figure = Figure(figsize=(size.width, height), facecolor=ground)
    top = height - size.legend

    def axes(inches: float) -> Axes:
        nonlocal top
        top -= inches
        width = size.width - _LEFT - _RIGHT
        return figure.add_axes(
            (_LEFT / size.width, top / height, width / size.width, inches / height), xlim=(0, picture.seconds)
        )

    for market in picture.markets:
        prices, decisions = axes(size.market - _LANES), axes(_LANES)
        _draw_market(prices, market, size)
        _draw_decisions(decisions, market)
        prices.spines["bottom"].set_visible(False)
        top -= _GAP
    _draw_account(axes(size.account), picture, size)
    for row in figure.axes:
        is_last = row is figure.axes[-1]
        _plain(row, size, ground)
        row.tick_params(axis="x", labelbottom=is_last, length=3 if is_last else 0)
    figure.axes[-1].set_xlabel("seconds since the first frame", color=_SOFT, fontsize=size.font)
    _legend(figure, size)
    return figure


def _draw_market(axes: Axes, market: MarketPicture, size: Size) -> None:
    times = [quote.at_s for quote in market.quotes]
    bids, asks = [quote.bid for quote in market.quotes], [quote.ask for quote in market.quotes]
    axes.fill_between(times, bids, asks, step="post", color=_LINE, linewidth=0)
    axes.step(times, bids, where="post", color=_EDGE, linewidth=0.8)
    axes.step(times, asks, where="post", color=_EDGE, linewidth=0.8)
    mids = [(quote.bid + quote.ask) / 2 for quote in market.quotes]
    axes.step(times, mids, where="post", color=_SOFT, linewidth=1.0)
    for is_buy, colour in ((True, _BUY), (False, _SELL)):
        _scatter(axes, [one for one in market.orders if one.is_buy is is_buy], "D", 58, "none", colour)
        _scatter(axes, [one for one in market.fills if one.is_buy is is_buy], "o", 15, colour, colour)
    axes.set_title(market.symbol, loc="left", fontsize=size.font + 2, color=_INK, fontweight="bold", pad=5)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    axes.margins(y=0.12)


def _scatter(axes: Axes, ones: list[Traded], marker: str, area: float, face: str, edge: str) -> None:
    at, prices = [one.at_s for one in ones], [one.price for one in ones]
    axes.scatter(at, prices, s=area, marker=marker, facecolors=face, edgecolors=edge, linewidths=1.1, zorder=3)


def _draw_decisions(axes: Axes, market: MarketPicture) -> None:
    """Two rows: what oracles agreed on, and what guardians said to it."""
    for direction, marker, colour in (("BUY", "^", _BUY), ("SELL", "v", _SELL), ("HOLD", "o", _SOFT)):
        ones = [one for one in market.decisions if one.direction == direction]
        areas = [9.0 if direction == "HOLD" else _area(one.confidence) for one in ones]
        axes.scatter([one.at_s for one in ones], [1.0] * len(ones), s=areas, marker=marker, c=colour, linewidths=0)
    none = [one.at_s for one in market.decisions if not one.direction]
    axes.scatter(none, [1.0] * len(none), s=4, marker="o", c=_EDGE, linewidths=0)
    for approved, marker, colour in ((True, "s", _INK), (False, "x", _BAD)):
        at = [one.at_s for one in market.asked if one.approved is approved]
        axes.scatter(at, [0.0] * len(at), s=18, marker=marker, c=colour, linewidths=1.2 if marker == "x" else 0)
    axes.set_ylim(-0.7, 1.7)
    axes.set_yticks([1.0, 0.0], ["oracles", "guardians"])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _area(confidence: float) -> float:
    """From 24 for who knows nothing to 110 for who is certain."""
    return 24 + 172 * max(0.0, confidence - 0.5)


def _draw_account(axes: Axes, picture: Picture, size: Size) -> None:
    axes.axhline(0, color=_EDGE, linewidth=0.8)
    fees_at = [at for at, _ in picture.fees]
    axes.step(fees_at, [-paid for _, paid in picture.fees], where="post", color=_SELL, linewidth=1.0, linestyle="--")
    axes.step(
        [at for at, _ in picture.earned], [one for _, one in picture.earned], where="post", color=_INK, linewidth=1.3
    )
    axes.set_title(f"P&L, {picture.currency}", loc="left", fontsize=size.font + 2, color=_INK, fontweight="bold", pad=5)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.margins(y=0.12)


def _plain(axes: Axes, size: Size, ground: str) -> None:
    axes.set_facecolor(ground)
    axes.tick_params(colors=_SOFT, labelsize=size.font, length=3, width=0.8)
    for spine in axes.spines.values():
        spine.set_color(_EDGE)
        spine.set_linewidth(0.8)


def _legend(figure: Figure, size: Size) -> None:
    def mark(label: str, marker: str, colour: str, face: str | None = None, area: float = 6.5) -> Line2D:
        return Line2D(
            [],
            [],
            linestyle="",
            marker=marker,
            color=colour,
            markersize=area,
            label=label,
            markerfacecolor=face or colour,
        )

    marks = [
        mark("buy", "^", _BUY),
        mark("sell", "v", _SELL),
        mark("hold", "o", _SOFT, area=3.5),
        mark("approved", "s", _INK, area=4.5),
        mark("not approved", "x", _BAD, area=5),
        mark("order", "D", _INK, "none", 6),
        mark("fill", "o", _INK, area=4),
        Line2D([], [], color=_INK, linewidth=1.3, label="P&L"),
        Line2D([], [], color=_SELL, linewidth=1.0, linestyle="--", label="fees"),
    ]
    figure.legend(
        handles=marks,
        loc="upper left",
        bbox_to_anchor=(_LEFT / size.width - 0.01, 1.0),
        ncols=len(marks) if size.width > 8 else 5,
        frameon=False,
        fontsize=size.font,
        labelcolor=_SOFT,
        handletextpad=0.3,
        columnspacing=1.1,
        handlelength=1.4,
        borderaxespad=0.1,
    )
