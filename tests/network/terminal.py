"""The live table in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tests.network.views import MemberView

_STYLES = {"ready": "bold green", "all but packages": "green", "waiting": "yellow"}
_LONGEST_REASON = 3


def status_table(views: Sequence[MemberView], seconds: float, left: float | None) -> RenderableType:
    """All members at one moment, `seconds` after the start; `left` is the time that remains, if that is limited."""
    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    for name, justify in (("member", "left"), ("state", "left"), ("peers", "right"), ("memory", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("page", no_wrap=True)
    table.add_column("waits for", ratio=1)
    for view in views:
        table.add_row(
            Text(view.member.name, "bold"),
            Text(view.state, _STYLES.get(view.state, "red")),
            f"{view.peers_connected}/{view.peers_configured}" if view.peers_configured else "",
            f"{view.resident_bytes / 1e6:.0f} MB" if view.resident_bytes else "",
            Text(view.url, style=f"link {view.url}"),
            Text(reasons(view), "dim"),
        )
    return Group(Text(headline(views, seconds, left), "bold"), Text(""), table, Text(""), Text(footnote(views), "dim"))


def headline(views: Sequence[MemberView], seconds: float, left: float | None) -> str:
    """The network in a sentence."""
    alive = sum(view.alive for view in views)
    ready = sum(view.ready for view in views)
    end = f", {left:.0f} s to go" if left is not None else ", Ctrl-C ends it"
    return f"NodeOS local network, {seconds:.0f} s{end}: {alive} of {len(views)} alive, {ready} ready"


def reasons(view: MemberView) -> str:
    """What a member waits for, the first few."""
    shown = "; ".join(view.waiting_for[:_LONGEST_REASON])
    more = len(view.waiting_for) - _LONGEST_REASON
    return f"{shown}; and {more} more" if more > 0 else shown


def footnote(views: Sequence[MemberView]) -> str:
    """Why nodes that run well are not ready."""
    counts = {view.member.kind: len(view.absent_packages) for view in views if view.absent_packages}
    if not counts:
        return ""
    each = ", ".join(f"{count} of a {kind}'s" for kind, count in counts.items())
    return (
        f"“all but packages” is not ready: {each} packages are not in this build yet, and nothing stands in for them."
    )
