"""Replays a recorded stretch of a real exchange through the local network, from market data to attested trades.

./pants run tests/loop:replay -- --recordings DIR --seed 7 --journal FILE --json FILE --page FILE
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from noderr.types.trading import FieldError
from tests.loop.errors import LoopError
from tests.loop.options import ReplayOptions
from tests.loop.picture import picture_of
from tests.loop.quote_tape import QuoteTape
from tests.loop.recorded_market import read_kraken
from tests.loop.report import report_of
from tests.loop.world import World

_SECOND_NS = 1_000_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the loop ran; 1 when something was not as it must be; 2 for what cannot be replayed."""
    parser = _parser()
    given = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    console = Console(stderr=True)
    try:
        options = _options(given)
        market = read_kraken(given.recordings)
    except (LoopError, FieldError, OSError) as error:
        console.print(f"replay: {error}", style="red", highlight=False)
        return 2
    with tempfile.TemporaryDirectory() as folder, Progress(console=console, transient=True) as bar:
        task = bar.add_task("replaying", total=(market.end_ns - market.begin_ns) / _SECOND_NS)
        began = time.monotonic()
        try:
            world = World(market, options, Path(folder))
        except LoopError as error:
            console.print(f"replay: {error}", style="red", highlight=False)
            return 2
        tape = QuoteTape(world.validators[0].books, world.symbols, world.timeline.now_ns)
        world.validators[0].followers.append(tape)
        try:
            world.run(lambda at_ns: bar.update(task, completed=(at_ns - market.begin_ns) / _SECOND_NS))
            report = report_of(world, time.monotonic() - began)
        finally:
            world.close()
    if given.journal is not None:
        world.journal.write(given.journal)
    if given.json is not None:
        given.json.write_text(json.dumps(report, indent=2) + "\n")
    if given.chart is not None or given.page is not None:
        _draw(given, world, tape, report)
    _print(Console(), report)
    return 0


def _draw(given: argparse.Namespace, world: World, tape: QuoteTape, report: dict[str, Any]) -> None:
    # Loading matplotlib takes as long as a fifth of a replay.
    from tests.loop.chart import write_chart
    from tests.loop.page import write_page

    market = world.market
    picture = picture_of(world.journal, tape.by_symbol, world.options.currency, market.begin_ns, market.end_ns)
    if given.chart is not None:
        write_chart(picture, given.chart)
    if given.page is not None:
        write_page(given.page, world.journal, picture, report)


def _chart_path(text: str) -> Path:
    path = Path(text)
    if path.suffix not in (".svg", ".png"):
        raise argparse.ArgumentTypeError(f"{text}: name a file that ends in .svg or .png")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="replay", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--recordings", type=Path, required=True, metavar="DIR", help="folder with KRAKEN.ws.* recordings of cryptofeed"
    )
    parser.add_argument("--seed", type=int, default=7, help="of accounts, delays and salts; default 7")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="write every step, one line of JSON each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the replay as one HTML file")
    parser.add_argument("--chart", type=_chart_path, metavar="FILE", help="draw it, as .svg or .png")
    parser.add_argument("--currency", default="USD", help="trade what is quoted in it; default USD")
    parser.add_argument("--symbol", action="append", default=[], help="trade only this one; may come several times")
    parser.add_argument("--cash", default="100000", help="what the account opens with; default 100000")
    parser.add_argument("--taker-fee", default="0.0026", help="fraction of the notional; default 0.0026")
    return parser


def _options(given: argparse.Namespace) -> ReplayOptions:
    """Raises `FieldError`."""
    return copy.replace(
        ReplayOptions(seed=given.seed),
        currency=given.currency,
        symbols=tuple(given.symbol),
        cash=_number("--cash", given.cash),
        taker_fee=_number("--taker-fee", given.taker_fee),
    )


def _number(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise FieldError("replay", name, text, "a decimal number, such as 0.0026") from error


def _print(console: Console, report: dict) -> None:  # type: ignore[type-arg]
    trades, account, signals = report["trades"], report["account"], report["signals"]
    lines = [
        ("signals", ", ".join(f"{count} {name}" for name, count in signals["by_direction"].items()) or "none"),
        ("votes of guardians", ", ".join(f"{count} {name}" for name, count in report["votes"]["guardians"].items())),
        ("trades", f"{trades['proposed']} proposed, {trades['approved']} approved, {trades['settled']} settled"),
        ("orders, fills", f"{trades['orders']}, {trades['fills']}"),
        ("attested", ", ".join(f"{count} {name}" for name, count in trades["attested"].items()) or "none"),
        ("P&L", f"{account['pnl']} {account['currency']}, of which fees {account['fees']}"),
        ("journal", f"{report['journal']['entries']} entries, sha256 {report['journal']['sha256']}"),
        ("took", f"{report['wall']['seconds']} s"),
    ]
    for name, words in lines:
        console.print(f"{name:<20} {words}", highlight=False, soft_wrap=True)
    table = Table("stage (market's time)", "count", "p50 ms", "p95 ms", "most ms")
    for one in report["latencies"]:
        figures = ("p50_ms", "p95_ms", "most_ms")
        cells = ["–" if one[key] is None else f"{one[key]:.1f}" for key in figures]
        table.add_row(one["stage"], str(one["count"]), *cells)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
