from __future__ import annotations

import io

from rich.console import Console

from publisher.ui import PlainUi, TerminalUi, ui_for


def test_log_gets_plain_lines() -> None:
    out = io.StringIO()
    ui = ui_for(Console(file=out, width=20))
    assert type(ui) is PlainUi
    with ui.bar("upload", 10) as progress:
        progress(10)
    ui.say("upload [oracle]/a-line-that-is-longer-than-the-console, read back")
    assert out.getvalue() == "upload [oracle]/a-line-that-is-longer-than-the-console, read back\n"


def test_terminal_gets_bars_that_go_away() -> None:
    out = io.StringIO()
    ui = ui_for(Console(file=out, force_terminal=True, width=100))
    assert type(ui) is TerminalUi
    with ui.bar("upload oracle-0.1.0.tar.gz", 10) as progress:
        progress(5)
        progress(10)
    assert "oracle-0.1.0.tar.gz" in out.getvalue()
    assert "10/10 bytes" in out.getvalue()
    # The line of the bar is erased.
    assert out.getvalue().endswith("\x1b[2K")
