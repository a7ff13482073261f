"""The first schema: nodes, their telemetry records, desired versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "nodes",
        sa.Column("node_id", sa.String(40), primary_key=True),
        sa.Column("public_key", sa.String(64), nullable=False, unique=True),
        sa.Column("tier", sa.String(16), nullable=False),
        sa.Column("address", sa.String(300), nullable=False, server_default=""),
        sa.Column("suspended", sa.Boolean, nullable=False),
        sa.Column("enrolled_at_ns", sa.BigInteger, nullable=False),
        sa.Column("heartbeat_sequence", sa.BigInteger, nullable=False),
        sa.Column("heartbeat_at_ns", sa.BigInteger),
        sa.Column("clock_offset_ns", sa.BigInteger),
        sa.Column("version", sa.String(64)),
        sa.Column("started_at_ns", sa.BigInteger),
        sa.Column("alive", sa.Boolean),
        sa.Column("ready", sa.Boolean),
        sa.Column("missing", sa.Text, nullable=False),
        sa.Column("peers_connected", sa.Integer, nullable=False),
        sa.Column("peers_configured", sa.Integer, nullable=False),
        sa.Column("resident_memory_bytes", sa.BigInteger, nullable=False),
        sa.Column("spooled_records", sa.BigInteger, nullable=False),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("lost_records", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "records",
        sa.Column("node_id", sa.String(40), sa.ForeignKey("nodes.node_id"), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("received_at_ns", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("records_by_arrival", "records", ["received_at_ns"])
    op.create_table(
        "desired_versions",
        sa.Column("tier", sa.String(16), primary_key=True),
        sa.Column("version", sa.String(64), nullable=False),
    )
