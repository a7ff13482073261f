"""The live table in the terminal, and the same in lines for a file or a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tests.network.plan import COORDINATOR
from tests.network.views import MemberView

_STYLES = {"ready": "bold green", "all but packages": "green", "waiting": "yellow", "starting": "yellow"}
_HEALTH_STYLES = {"healthy": "green", "starting": "yellow"}
_LONGEST_REASON = 3
_MOST_LINES = 8


def status_table(views: Sequence[MemberView], seconds: float, left: float | None) -> RenderableType:
    """All members at one moment, `seconds` after the start; `left` is the time that remains, if that is limited."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    containers = any(view.health for view in views)
    # Widths that do not change while states do, or the columns jump; a narrow terminal cuts the page, which is a link.
    table.add_column("member", no_wrap=True, min_width=max(len(view.member.name) for view in views))
    table.add_column("state", no_wrap=True, min_width=16)
    if containers:
        table.add_column("health", no_wrap=True, min_width=9)
    table.add_column("connected", justify="right", no_wrap=True, min_width=9)
    table.add_column("alive after", justify="right", no_wrap=True, min_width=11)
    table.add_column("memory", justify="right", no_wrap=True, min_width=6)
    table.add_column("page", no_wrap=True)
    for view in views:
        table.add_row(
            Text(view.member.name, "bold"),
            Text(view.state, _STYLES.get(view.state, "bold red")),
            *([Text(view.health or "", _HEALTH_STYLES.get(view.health or "", "bold red"))] if containers else []),
            _connected(view),
            f"{view.seconds_to_alive:.1f} s" if view.seconds_to_alive is not None else "",
            f"{view.resident_bytes / 1e6:.0f} MB" if view.resident_bytes else "",
            Text(view.url, style=f"link {view.url}"),
        )
    parts: list[RenderableType] = [Text(headline(views, seconds, left), "bold"), Text(""), table]
    for below in (_reasons_of_all(views), [Text(footnote(views), "dim")] if footnote(views) else []):
        parts += [Text(""), *below] if below else []
    return Group(*parts)


def _reasons_of_all(views: Sequence[MemberView]) -> list[Text]:
    """A line for each reason to wait and all who have it: in the table they would make it jump."""
    names: dict[str, list[str]] = {}
    for view in views:
        for reason in _reasons(view):
            names.setdefault(reason, []).append(view.member.name)
    lines = [Text.assemble((f"{_members(who)} ", "bold"), (reason, "yellow")) for reason, who in names.items()]
    shown = lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        shown.append(Text(f"and {len(lines) - _MOST_LINES} more reasons to wait", "yellow"))
    for line in shown:
        line.no_wrap, line.overflow = True, "ellipsis"
    return shown


def _members(names: Sequence[str]) -> str:
    """Names in short: `coordinator, oracle-1,3:`."""
    kinds: dict[str, list[str]] = {}
    for name in names:
        kind, _, number = name.rpartition("-")
        kinds.setdefault(kind, []).append(number)
    return ", ".join(f"{kind}-{','.join(numbers)}" if kind else numbers[0] for kind, numbers in kinds.items()) + ":"


def plain_table(views: Sequence[MemberView]) -> str:
    """The members in lines."""
    lines = [
        f"  {view.member.name:<13} {view.state:<17} {_connected(view):>7}  {view.url}  {reasons(view)}".rstrip()
        for view in views
    ]
    return "\n".join([*lines, *filter(None, [footnote(views)])])


def headline(views: Sequence[MemberView], seconds: float, left: float | None) -> str:
    """The network in a sentence."""
    end = f"{left:.0f} s to go" if left is not None else "Ctrl-C ends it"
    return f"NodeOS on this machine for {seconds:.0f} s, {end}: {_tally(views)}"


def reasons(view: MemberView) -> str:
    """What a member waits for, the first few; and that it had to be started again."""
    found = _reasons(view)
    more = len(found) - _LONGEST_REASON
    return "; ".join([*found[:_LONGEST_REASON], *([f"and {more} more"] if more > 0 else [])])


def _reasons(view: MemberView) -> tuple[str, ...]:
    again = view.container_restarts
    return (*([f"ended and was started again {again}×"] if again else []), *view.waiting_for)


def footnote(views: Sequence[MemberView]) -> str:
    """Why nodes that run well are not ready."""
    counts = {view.member.kind: len(view.absent_packages) for view in views if view.absent_packages}
    if not counts:
        return ""
    each = ", ".join(f"{count} of {'an' if kind[0] in 'aeiou' else 'a'} {kind}" for kind, count in counts.items())
    return f"Packages that are not in this build yet: {each}. Nothing stands in for them, so these nodes are not ready."


def summary(views: Sequence[MemberView], report: Path | None) -> str:
    """What is said when all is over."""
    others = ", ".join(f"{view.member.name}: {view.state}" for view in views if not view.alive)
    troubled = f" Not alive: {others}." if others else ""
    return f"At the end {_tally(views)}.{troubled} All is stopped and removed." + (
        f" Report: {report}" if report else ""
    )


def _tally(views: Sequence[MemberView]) -> str:
    nodes = [view for view in views if view.member.kind != COORDINATOR]
    alive, ready = sum(view.alive for view in nodes), sum(view.ready for view in nodes)
    connected = sum(view.alive and view.peers_connected == view.peers_configured for view in nodes)
    others = "".join(f", {view.member.name} {view.state}" for view in views if view.member.kind == COORDINATOR)
    return f"{alive} of {len(nodes)} nodes alive, {connected} fully connected, {ready} ready{others}"


def _connected(view: MemberView) -> str:
    return f"{view.peers_connected}/{view.peers_configured}" if view.answers and view.peers_configured else ""
