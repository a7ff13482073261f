"""Records from the spool to the coordinator, each exactly once: a batch is forgotten only when it is stored there.

The coordinator knows every record by its sequence, so a batch whose answer was lost and that is sent again changes
nothing there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from noderr.telemetry.errors import RefusedError, UntrustedError
from noderr.telemetry.metrics import NodeMetrics
from noderr.telemetry.recorder import TelemetryService
from noderr.telemetry.request_outcome import counted, next_free
from noderr.types.wire.telemetry_pb2 import Batch
from noderr.utils import Clock

if TYPE_CHECKING:  # Its HTTP library is heavy, and a node without a coordinator does not need it.
    from noderr.telemetry.coordinator_client import CoordinatorClient

_log = structlog.get_logger("noderr.telemetry.coordinator")

_BATCH_RECORDS, _BATCH_BYTES = 500, 512 * 1024


class BatchSender:
    """Sends what waits in the spool of `telemetry`."""

    def __init__(self, url: str, telemetry: TelemetryService, metrics: NodeMetrics, clock: Clock) -> None:
        self._url = url
        self._telemetry = telemetry
        self._metrics = metrics
        self._clock = clock

    async def send(self, client: CoordinatorClient) -> bool:
        """Send the oldest records; whether there were any. Raises `CoordinatorError` and `StoreError`."""
        spool = self._telemetry.spool
        records = await spool.batch(_BATCH_RECORDS, _BATCH_BYTES)
        if not records:
            return False
        first, last = records[0].sequence, records[-1].sequence
        dropped = self._telemetry.state.dropped
        message = Batch(records=records, sent_at_unix_ns=self._clock.now_ns(), dropped_records=dropped)
        try:
            with counted(self._metrics, "telemetry"):
                reply = await client.telemetry(message)
        except RefusedError as error:
            if error.code == "sequence-conflict":
                # This data directory is older than what the coordinator has: it was restored from a backup.
                first_free = next_free(error, first)
                _log.warning("telemetry_renumbered", first_sequence=first_free, reason=error.message)
                await spool.renumber(first_free)
            raise  # Not again at once: one that always says this would keep the node busy.
        if reply.accepted_sequence < first:
            raise UntrustedError(
                f"{self._url} accepts up to {reply.accepted_sequence}, and {first} to {last} were sent"
            )
        # Never more than was sent, whatever it says.
        await spool.acknowledge(min(reply.accepted_sequence, last))
        self._metrics.telemetry_sent.inc(sum(record.sequence <= reply.accepted_sequence for record in records))
        await self._telemetry.refresh()
        return True
