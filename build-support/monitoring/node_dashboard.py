"""The dashboard of one process: everything that a node's operator asks about it."""

from __future__ import annotations

from monitoring.dashboard import Dashboard, Variable
from monitoring.fleet import Fleet
from monitoring.link_rows import peers_row, reporting_row
from monitoring.process_rows import bus_row, machine_row, state_row, work_row
from monitoring.trading_rows import consensus_row, execution_row, feeds_row, models_row, trading_row


def node_dashboard(fleet: Fleet) -> Dashboard:
    """Nodes and services alike, chosen by job and node."""
    return Dashboard(
        uid="noderr-node",
        title="NodeOS node",
        description="One or more nodes: is it up, is it ready, and what keeps it busy.",
        variables=(
            Variable("job", "Tier or service", f'up{{job=~"{"|".join(fleet.jobs)}"}}', "job"),
            Variable("node", "Node", 'up{job=~"$job"}', "node"),
        ),
        rows=(
            state_row(),
            work_row(),
            peers_row(),
            models_row(),
            consensus_row(),
            trading_row(),
            execution_row(),
            feeds_row(),
            bus_row(),
            reporting_row(),
            machine_row(fleet),
        ),
    )
