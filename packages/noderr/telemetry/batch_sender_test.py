"""Records on their way to the coordinator, through all that happens to answers: nothing doubled, and nothing lost."""

from __future__ import annotations

import asyncio

import pytest

from noderr.telemetry.testing import (
    STRANGER_KEY,
    Fault,
    Request,
    refusal,
    until,
)
from noderr.telemetry.testing_faults import breaks, loses_answer, says, signs, truncates
from noderr.telemetry.testing_link import Rig
from noderr.types.wire.telemetry_pb2 import BatchReply, Record


async def test_records_are_sent_as_they_come_and_forgotten_when_taken(rig: Rig) -> None:
    async with rig.running():
        await rig.record("a", "b")
        await until(lambda: rig.arrived("a", "b"))
        await rig.record("c")
        await until(lambda: rig.arrived("a", "b", "c"))
        assert rig.counted("telemetry", "accepted") == 2
        assert rig.sample("noderr_telemetry_sent_total") == 3
    assert list(rig.coordinator.stored) == [1, 2, 3]


async def test_more_than_a_batch_arrives_in_order(rig: Rig) -> None:
    names = [str(number) for number in range(1201)]
    async with rig.running():
        await rig.record(*names)
        await until(lambda: rig.arrived(*names))
    assert [len(batch.records) for batch in rig.coordinator.batches] == [500, 500, 201]


@pytest.mark.parametrize("fault", [loses_answer, truncates(), breaks, says(refusal(503, "unavailable"))])
async def test_a_batch_without_an_answer_is_sent_again_and_nothing_is_doubled_or_lost(rig: Rig, fault: Fault) -> None:
    rig.coordinator.faults["telemetry"].extend([fault, fault])
    async with rig.running():
        await rig.record("a", "b")
        for failures in range(2):
            limit = 2.0**failures
            assert limit / 2 <= await rig.clock.pause_of("_batches") <= limit
            assert rig.telemetry.state.records == 2 + failures
            await rig.record(f"later {failures}")
            await rig.clock.wake("_batches")
        await until(lambda: rig.arrived("a", "b", "later 0", "later 1"))
        assert rig.sample("noderr_telemetry_sent_total") == 4
        assert rig.counted("telemetry", "unreachable") + rig.counted("telemetry", "refused") == 2
    assert sorted(rig.coordinator.stored) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "fault",
    [
        signs("telemetry reply", BatchReply(accepted_sequence=3), key=STRANGER_KEY),
        signs("telemetry reply", BatchReply(accepted_sequence=3), context=bytes(64)),
        signs("heartbeat reply", BatchReply(accepted_sequence=3)),
        signs("telemetry reply", BatchReply()),
        signs("telemetry reply", BatchReply(accepted_sequence=1)),
        says(refusal(400, "malformed", next_sequence=50)),
    ],
)
async def test_nothing_is_forgotten_on_a_word_that_is_not_believed(rig: Rig, fault: Fault) -> None:
    async with rig.running():
        await rig.record("a")
        await until(lambda: rig.arrived("a"))
        rig.coordinator.faults["telemetry"].append(fault)
        await rig.record("b", "c")
        await rig.clock.pause_of("_batches")
        assert (await rig.telemetry.spool.state()).records == 2
        await rig.clock.wake("_batches")
        await until(lambda: rig.arrived("a", "b", "c"))
    assert list(rig.coordinator.stored) == [1, 2, 3]


async def test_a_part_that_is_taken_is_forgotten_and_the_rest_sent(rig: Rig) -> None:
    rig.coordinator.faults["telemetry"].append(signs("telemetry reply", BatchReply(accepted_sequence=2)))
    async with rig.running():
        await rig.record("a", "b", "c")
        await until(lambda: rig.telemetry.state.records == 0)
        assert rig.sample("noderr_telemetry_sent_total") == 3
    assert [record.sequence for record in rig.coordinator.batches[0].records] == [3]


async def test_no_more_is_forgotten_than_was_sent(rig: Rig) -> None:
    async def too_much(request: Request, writer: asyncio.StreamWriter) -> None:
        await rig.record("written meanwhile")
        await signs("telemetry reply", BatchReply(accepted_sequence=1 << 63))(request, writer)

    async with rig.running():
        rig.coordinator.faults["telemetry"].append(too_much)
        await rig.record("a")
        await until(lambda: rig.arrived("written meanwhile"))
        assert rig.sample("noderr_telemetry_sent_total") == 2


async def test_an_old_data_directory_is_numbered_anew_above_what_the_coordinator_has(rig: Rig) -> None:
    rig.coordinator.stored = {number: Record(sequence=number) for number in (1, 2, 3)}
    rig.coordinator.last_sequence = 3
    async with rig.running():
        await rig.record("a", "b")
        assert 0.5 <= await rig.clock.pause_of("_batches") <= 1  # Not at once, for ever.
        await rig.clock.wake("_batches")
        await until(lambda: rig.telemetry.state.records == 0 and len(rig.coordinator.stored) == 5)
        await rig.record("c")
        await until(lambda: len(rig.coordinator.stored) == 6)
        assert rig.counted("telemetry", "refused") == 1
    names = {number: rig.coordinator.stored[number].service_changed.service for number in (4, 5, 6)}
    assert names == {4: "a", 5: "b", 6: "c"}


@pytest.mark.parametrize("next_sequence", [0, 1, 1 << 62, (1 << 63) - 1])
async def test_a_refusal_cannot_use_up_the_numbers_or_set_them_back(rig: Rig, next_sequence: int) -> None:
    rig.coordinator.faults["telemetry"].append(says(refusal(409, "sequence-conflict", next_sequence=next_sequence)))
    rig.coordinator.faults["heartbeat"].append(says(refusal(409, "old-sequence", next_sequence=next_sequence)))
    async with rig.running() as link:
        await rig.record("a")
        await until(lambda: link.problem is not None and "not believed" in link.problem)
        await rig.clock.wake("_heartbeats")
        await rig.clock.wake("_batches")
        await until(lambda: rig.arrived("a"))
    assert list(rig.coordinator.stored) == [1]
    assert rig.coordinator.last_heartbeat == 2
