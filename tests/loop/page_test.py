"""The page and the chart: what they show is what the journal has, nothing is fetched, nothing is taken as code."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pytest

from tests.loop.chart import write_chart
from tests.loop.errors import OptionError
from tests.loop.journal import ReplayJournal
from tests.loop.options import ReplayOptions
from tests.loop.page import page, write_page
from tests.loop.picture import Picture, picture_of
from tests.loop.recorded_market import read_kraken
from tests.loop.replay import main
from tests.loop.replaying import run_world
from tests.loop.report import report_of
from tests.loop.trade_story import trade_stories
from tests.pages.browser import Browser

NASTY = "</p><script>alert(1)</script>"
LOOKS = {"wide": (1280, False), "phone": (390, False), "dark": (1280, True)}


@dataclass(frozen=True)
class Shown:
    journal: ReplayJournal
    picture: Picture
    report: dict[str, Any]


@pytest.fixture(scope="module")
def shown(made_up: Path, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    market = read_kraken(made_up)
    watched = run_world(market, tmp_path_factory.mktemp("nodes"), ReplayOptions(seed=7))
    picture = picture_of(watched.journal, watched.tape.by_symbol, "USD", market.begin_ns, market.end_ns)
    return Shown(watched.journal, picture, report_of(watched.world, 1.5))


def test_the_picture_has_each_mark_of_the_journal(shown: Shown) -> None:
    def drawn(count: Callable[[Any], int]) -> int:
        return sum(count(market) for market in shown.picture.markets)

    def told(kind: str) -> int:
        return sum(1 for _ in shown.journal.of(kind))

    assert drawn(lambda one: len(one.orders)) == told("order") > 0
    assert drawn(lambda one: len(one.fills)) == told("fill") > 0
    assert drawn(lambda one: len(one.asked)) == told("proposed") > 0
    assert drawn(lambda one: sum(asked.approved for asked in one.asked)) == told("approved") > 0
    assert drawn(lambda one: len(one.decisions)) == shown.report["signals"]["rounds"]


def test_the_line_of_what_was_earned_ends_at_the_report_s_figure(shown: Shown) -> None:
    account = shown.report["account"]
    assert shown.picture.earned[0][1] == 0
    assert shown.picture.earned[-1][1] == pytest.approx(float(account["pnl"]), rel=1e-12)
    assert shown.picture.fees[-1][1] == pytest.approx(float(account["fees"]), rel=1e-12)
    times = [at for at, _ in shown.picture.earned]
    assert times == sorted(times)


def test_every_trade_is_on_the_page_with_all_that_happened_to_it(shown: Shown) -> None:
    html = page(shown.journal, shown.picture, shown.report)
    stories = trade_stories(shown.journal)
    assert len(stories) == shown.report["trades"]["proposed"]
    for story in stories:
        assert f'title="0x{story.id.hex()}"' in html
        assert len(story.votes) == 4
        assert bool(story.orders) == story.approved
        assert bool(story.transaction) == bool(story.fills)
        assert story.transaction is None or f'title="0x{story.transaction.hex()}"' in html
        assert story.attestation.choice or not story.transaction or story.attestation.problems
    assert shown.report["journal"]["sha256"] in html


def test_the_page_asks_nobody_for_anything(shown: Shown) -> None:
    html = page(shown.journal, shown.picture, shown.report)
    assert "<script" not in html
    assert "default-src 'none'" in html
    # Names of SVG's own vocabulary are no addresses; besides them there is none.
    assert set(re.findall(r"https?://[^\"'\s]+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert set(re.findall(r'(?:href|src)="([^#"][^"]*)"', html)) == {"data:,"}
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids)), "both pictures are in one page"


def test_what_somebody_else_wrote_is_text(shown: Shown) -> None:
    journal = ReplayJournal()
    for entry in shown.journal.entries:
        facts = dict(entry.facts)
        if entry.kind == "guardian-vote":
            facts["reasons"] = [NASTY]
        journal.add(entry.at_ns, entry.node, entry.kind, **facts)
    recording = {**shown.report["recording"], "venue": NASTY, "unanswered": [NASTY]}
    html = page(journal, shown.picture, {**shown.report, "recording": recording})
    assert NASTY not in html
    assert escape(NASTY, quote=False) in html.replace("&#39;", "'")


def test_the_chart_is_the_same_for_the_same_picture(shown: Shown, tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg", "one.png"):
        write_chart(shown.picture, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OptionError, match="svg"):
        write_chart(shown.picture, tmp_path / "one.pdf")


def test_a_replay_of_which_nothing_came_has_a_page_too(shown: Shown) -> None:
    journal = ReplayJournal()
    picture = picture_of(journal, {market.symbol: [] for market in shown.picture.markets}, "USD", 0, 1)
    assert "Nothing was proposed" in page(journal, picture, shown.report)


def test_the_command_refuses_what_it_cannot_replay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--recordings", str(tmp_path)]) == 2
    assert "KRAKEN.ws" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--recordings", str(tmp_path), "--chart", "chart.pdf"])


@pytest.mark.parametrize("look", LOOKS)
def test_how_the_page_looks(shown: Shown, chromium: Browser, screenshots: Path, tmp_path: Path, look: str) -> None:
    width, dark = LOOKS[look]
    path = tmp_path / "page.html"
    write_page(path, shown.journal, shown.picture, shown.report)
    with chromium.page(path.as_uri(), width=width, dark=dark) as window:
        window.screenshot(screenshots / f"replay-{look}.png")
        assert "settled trades attested" in window.text()
        assert window.run("document.documentElement.scrollWidth") <= width, "the page is wider than the window"
        shown_charts = window.run(
            "[...document.querySelectorAll('figure svg')].filter(one => one.clientWidth > 0).length"
        )
        assert shown_charts == 1
        assert window.complaints == []
        assert {url for url in window.asked if not url.startswith("data:")} == {path.as_uri()}
