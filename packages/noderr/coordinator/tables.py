"""The tables, the same in SQLite and PostgreSQL. `migrations/` makes them; a test compares the two.

Times are UTC nanoseconds since the Unix epoch, keys and ids hexadecimal digits, sizes bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

nodes = Table(
    "nodes",
    metadata,
    Column("node_id", String(40), primary_key=True),
    Column("public_key", String(64), nullable=False, unique=True),
    Column("tier", String(16), nullable=False),
    Column("address", String(300), nullable=False, server_default=""),
    Column("suspended", Boolean, nullable=False, default=False),
    Column("enrolled_at_ns", BigInteger, nullable=False),
    # What the last heartbeat said; `heartbeat_at_ns` is when it came.
    Column("heartbeat_sequence", BigInteger, nullable=False, default=0),
    Column("heartbeat_at_ns", BigInteger),
    Column("clock_offset_ns", BigInteger),
    Column("version", String(64)),
    Column("started_at_ns", BigInteger),
    Column("alive", Boolean),
    Column("ready", Boolean),
    Column("missing", Text, nullable=False, default="[]"),
    Column("peers_connected", Integer, nullable=False, default=0),
    Column("peers_configured", Integer, nullable=False, default=0),
    Column("resident_memory_bytes", BigInteger, nullable=False, default=0),
    Column("spooled_records", BigInteger, nullable=False, default=0),
    # Telemetry: the highest sequence taken, how many records, and how many numbers were skipped.
    Column("last_sequence", BigInteger, nullable=False, default=0),
    Column("records", BigInteger, nullable=False, default=0),
    Column("lost_records", BigInteger, nullable=False, default=0),
)

records = Table(
    "records",
    metadata,
    Column("node_id", String(40), ForeignKey("nodes.node_id"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("received_at_ns", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("records_by_arrival", "received_at_ns"),
)

desired_versions = Table(
    "desired_versions",
    metadata,
    Column("tier", String(16), primary_key=True),
    Column("version", String(64), nullable=False),
)
