"""The driver: what a machine wants is signed by the guard first, sent together, and timed; what fails stays small."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Sequence

import pytest
import structlog.testing

from noderr.core.consensus.actions import Action, Broadcast, Failed, Failure, Send
from noderr.core.consensus.driver_testing import DEADLINE_SECONDS, KEYS, VOTERS, DriverRig, signed, until
from noderr.core.consensus.errors import GuardError
from noderr.core.consensus.status import Status
from noderr.core.consensus.testing import DOMAIN, NOW_S, vote
from noderr.types.consensus import (
    Choice,
    ProtocolMessage,
    Reason,
    RefusedMessage,
    Signed,
    make_certificate,
    sign,
    verify_certificate,
)
from noderr.types.signing.account_key import AccountKey


async def test_a_vote_is_on_the_disk_before_it_is_sent() -> None:
    rig = DriverRig()
    round_ = rig.open()
    async with rig.running():
        rig.cast(round_)
        await until(lambda: bool(rig.bundles))
    assert rig.bundles == [[signed(0)]]
    assert signed(0).message.digest_in(DOMAIN) in rig.on_disk[0]
    assert round_.tally.votes[KEYS[0].address] == signed(0)


async def test_signatures_are_made_one_after_another_in_the_order_of_asking() -> None:
    asked: list[int] = []
    at_once: list[int] = []
    lock = threading.Lock()

    class Signer:
        def permit_all(self, messages: Sequence[ProtocolMessage]) -> list[GuardError | None]:
            at_once.append(0 if lock.acquire(blocking=False) else 1)
            try:
                asked.extend(message.round for message in messages)
                return [None] * len(messages)
            finally:
                lock.release()

        def sign_all(self, messages: Sequence[ProtocolMessage]) -> list[Signed[ProtocolMessage]]:
            return [sign(message, KEYS[0], DOMAIN) for message in messages]

    rig = DriverRig(signer=Signer())
    async with rig.running():
        for number in (5, 6, 4):
            rig.cast(rig.open(number))
        await until(lambda: len(asked) == 3)
    assert asked == [5, 6, 4]
    assert set(at_once) == {0}


async def test_what_is_asked_for_together_is_sent_together_and_on_the_disk_before() -> None:
    rig = DriverRig()
    topics = [bytes([number]) * 32 for number in range(1, 6)]
    async with rig.running():
        for topic in topics:
            rig.cast(rig.open(topic=topic))
        await until(lambda: bool(rig.bundles))
    assert rig.bundles == [[signed(0, topic=topic) for topic in topics]]
    assert all(signed(0, topic=topic).message.digest_in(DOMAIN) in rig.on_disk[0] for topic in topics)


async def test_an_own_message_that_counts_no_more_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = DriverRig()
    round_ = rig.open()

    def refuse(_signed: object, _now_ns: int) -> list[Action]:
        raise RefusedMessage(Reason.EXPIRED, "the round went on while the disk was at work")

    monkeypatch.setattr(round_, "on_signed", refuse)
    async with rig.running():
        rig.cast(round_)
        await until(lambda: rig.refused() == {"expired": 1})
        rig.cast(rig.open(6))
        await until(lambda: bool(rig.bundles))
    assert rig.bundles == [[signed(0, round=6)]]


async def test_what_the_guard_refuses_is_counted_and_never_sent() -> None:
    rig = DriverRig()
    rig.guard.refuse_through(3, 9, 5)
    async with rig.running():
        rig.cast(rig.open(5))
        rig.cast(rig.open(6))
        await until(lambda: bool(rig.bundles))
    assert rig.bundles == [[signed(0, round=6)]]
    assert rig.count("guarded_total") == 1


async def test_a_disk_that_fails_ends_the_run_and_nothing_is_sent() -> None:
    rig = DriverRig()
    rig.disk.fails = True
    rig.cast(rig.open())
    with pytest.raises(OSError, match="the disk is gone"):
        async with asyncio.timeout(5):
            await rig.driver.run()
    assert rig.bundles == []


async def test_what_one_turn_of_the_loop_wants_sent_goes_out_together() -> None:
    rig = DriverRig()
    round_ = rig.open()
    rig.driver.do(round_, [Broadcast(signed(1)), Broadcast(signed(2))])
    rig.driver.do(round_, [Broadcast(signed(3))])
    assert rig.bundles == [], "not while the machine may want more"
    await asyncio.sleep(0)
    assert rig.bundles == [[signed(1), signed(2), signed(3)]]
    rig.driver.do(round_, [Broadcast(signed(1))])
    await asyncio.sleep(0)
    assert rig.bundles[1:] == [[signed(1)]]


async def test_what_nobody_would_take_is_not_sent_and_that_is_told() -> None:
    rig = DriverRig()
    round_ = rig.open()
    certificate = make_certificate([signed(1)])
    endless = copy.replace(certificate, signatures=certificate.signatures * 6000)
    with structlog.testing.capture_logs() as logged:
        rig.driver.do(round_, [Broadcast(endless), Broadcast(signed(1)), Send(KEYS[1].address, endless)])
        await asyncio.sleep(0)
    assert rig.bundles == [[signed(1)]]
    assert rig.sent == []
    assert rig.refused() == {"oversized": 2}
    errors = [line for line in logged if line["log_level"] == "error"]
    assert [line["event"] for line in errors] == ["own_message_not_sent"] * 2
    assert "a certificate of" in errors[0]["reason"]


async def test_a_decision_is_told_counted_timed_and_sent_to_who_misses_it() -> None:
    rig = DriverRig()
    round_ = rig.open()
    async with rig.running():
        rig.cast(round_)
        await until(lambda: bool(rig.bundles))
        await rig.clock.advance(0.25)
        rig.deliver(signed(1), signed(2))
        assert rig.sent == []
        await rig.clock.advance(2)
        await until(lambda: bool(rig.sent))
    [decided] = rig.decided
    verify_certificate(decided.certificate, VOTERS, DOMAIN, now_s=NOW_S)
    assert rig.sent == [(KEYS[3].address, [decided.certificate])]
    assert rig.count("rounds_total", outcome="decided") == 1
    assert rig.count("round_duration_seconds_sum") == 0.25


async def test_who_has_two_opinions_is_accused() -> None:
    rig = DriverRig()
    rig.open()
    rig.deliver(signed(1), signed(1, choice=Choice.REJECT))
    [evidence] = rig.accused
    assert (evidence.first, evidence.second) == (signed(1), signed(1, choice=Choice.REJECT))
    assert rig.count("equivocations_total") == 1
    assert rig.refused() == {"equivocation": 1}


async def test_a_round_without_a_majority_has_failed_at_its_deadline() -> None:
    rig = DriverRig()
    round_ = rig.open()
    async with rig.running():
        rig.cast(round_)
        await until(lambda: bool(rig.bundles))
        await rig.clock.advance(DEADLINE_SECONDS - 0.001)
        assert rig.failed == []
        assert len(rig.bundles) == DEADLINE_SECONDS, "its vote was sent every second, in case it was lost"
        await rig.clock.advance(0.001)
        assert rig.failed == [Failed(Failure.TIMEOUT)]
        assert rig.count("rounds_total", outcome="timeout") == 1
        await rig.clock.advance(60)
        assert len(rig.bundles) == DEADLINE_SECONDS
    assert round_.status is Status.FAILED


async def test_a_split_vote_fails_at_once() -> None:
    rig = DriverRig()
    rig.open()
    rig.deliver(*(signed(voter, choice=Choice.REJECT if voter < 2 else Choice.APPROVE) for voter in range(4)))
    assert rig.failed == [Failed(Failure.NO_MAJORITY)]
    assert rig.count("rounds_total", outcome="no-majority") == 1


async def test_an_earlier_deadline_that_comes_later_is_kept() -> None:
    rig = DriverRig()
    rig.open(5)
    async with rig.running():
        await rig.clock.advance(4)
        rig.open(6)
        await rig.clock.advance(6)
        assert rig.count("rounds_total", outcome="timeout") == 1
        await rig.clock.advance(4)
        assert rig.count("rounds_total", outcome="timeout") == 2


async def test_early_messages_wait_for_their_round() -> None:
    rig = DriverRig()
    early = [signed(voter, round=6) for voter in (1, 2, 3)]
    assert rig.deliver(*early) is None
    assert rig.refused() == {}
    rig.open(5)
    assert rig.decided == []
    round_ = rig.open(6)
    assert [one.certificate for one in rig.decided] == [make_certificate(early)]
    assert round_.certificate == make_certificate(early)


async def test_an_early_message_is_judged_when_its_round_opens() -> None:
    rig = DriverRig()
    rig.deliver(signed(1, round=6), signed(1, round=6), signed(1, round=6, epoch=8))
    rig.open(6)
    assert rig.refused() == {"duplicate": 1, "wrong-epoch": 1}


async def test_forged_early_messages_wait_for_nothing_and_push_nobody_out() -> None:
    # Once they were kept unchecked: a flood of them displaced what was true, and opening the round checked them all.
    rig = DriverRig()
    rig.deliver(honest := signed(2, round=6))
    for bundle in range(1, 20):
        forged = [
            copy.replace(signed(1, round=6), signature=bytes([bundle, number]) * 16 + b"\1" * 32 + b"\x1b")
            for number in range(1, 256)
        ]
        rig.deliver(*forged)
    assert rig.refused() == {"bad-signature": 19}
    assert rig.signatures.asked == 20
    round_ = rig.open(6)
    assert list(round_.tally.votes.values()) == [honest]
    assert rig.signatures.asked == 21


async def test_opening_a_round_checks_at_most_two_messages_of_a_kind_of_each_voter() -> None:
    rig = DriverRig()
    for voter in range(4):
        for code in range(100):
            rig.deliver(signed(voter, round=6, codes=code))
    asked = rig.signatures.asked
    assert asked == 8, "what has no place is not checked"
    round_ = rig.open(6)
    assert rig.signatures.asked == asked + 8
    assert len(round_.tally.votes) == len(rig.accused) == 4, "two that differ are evidence, early as well"


async def test_who_signs_ever_more_early_messages_has_no_more_of_them_checked() -> None:
    rig = DriverRig()
    for number in range(3000):
        rig.deliver(signed(1, round=6, topic=number.to_bytes(32)))
    checked = rig.signatures.asked
    assert checked < 1000
    assert rig.refused() == {"busy": 3000 - checked}
    rig.round_now = 8
    rig.deliver(signed(1, round=9))
    assert rig.signatures.asked == checked + 1, "what waited for rounds that are over makes room"


async def test_an_early_message_of_no_member_or_of_another_epoch_is_refused_at_once() -> None:
    rig = DriverRig()
    rig.deliver(sign(vote(round=6), AccountKey(b"\x77" * 32), DOMAIN), signed(1, round=6, epoch=8))
    assert rig.refused() == {"not-a-member": 1, "wrong-epoch": 1}
    assert rig.signatures.asked == 0


async def test_a_certificate_may_be_early_too() -> None:
    rig = DriverRig()
    certificate = make_certificate([signed(voter) for voter in (1, 2, 3)])
    rig.deliver(certificate)
    round_ = rig.open()
    assert round_.certificate == certificate


async def test_the_oldest_rounds_that_are_over_make_room() -> None:
    rig = DriverRig(keep=3)
    for number in range(5, 10):
        rig.open(number)
        rig.deliver(*(signed(voter, round=number) for voter in (1, 2, 3)))
        rig.round_now = number + 1
    assert [number for number, _ in rig.driver.rounds] == [7, 8, 9]
    rig.deliver(signed(1, round=5))
    assert rig.refused() == {"replayed": 1}


async def test_no_burst_of_rounds_pushes_out_one_that_is_under_way() -> None:
    rig = DriverRig(keep=3)
    under_way = rig.open(topic=b"\xff" * 32)
    for number in range(50):
        rig.open(topic=bytes([number]) * 32)
        rig.deliver(*(signed(voter, topic=bytes([number]) * 32) for voter in (1, 2, 3)))
    assert len(rig.driver.rounds) == 3
    rig.deliver(*(signed(voter, topic=under_way.topic) for voter in (1, 2, 3)))
    assert under_way.status is Status.DECIDED
    assert (len(rig.decided), rig.failed) == (51, [])


async def test_when_all_rounds_are_under_way_a_new_one_is_refused() -> None:
    rig = DriverRig(keep=3)
    under_way = [rig.open(topic=bytes([number]) * 32) for number in range(3)]
    with pytest.raises(RefusedMessage) as caught:
        rig.open(topic=b"\7" * 32)
    assert caught.value.reason is Reason.BUSY
    assert list(rig.driver.rounds.values()) == under_way
    rig.deliver(*(signed(voter, topic=b"\1" * 32) for voter in (1, 2, 3)))
    new = rig.open(topic=b"\7" * 32)
    assert list(rig.driver.rounds.values()) == [under_way[0], under_way[2], new]


async def test_a_round_that_failed_early_stays_before_those_that_are_decided() -> None:
    rig = DriverRig(keep=2)
    split, decided = rig.open(topic=b"\3" * 32), rig.open()
    choices = (Choice.APPROVE, Choice.APPROVE, Choice.REJECT, Choice.REJECT)
    rig.deliver(*(signed(voter, topic=split.topic, choice=choice) for voter, choice in enumerate(choices)))
    rig.deliver(*(signed(voter, topic=decided.topic) for voter in (1, 2, 3)))
    assert (split.status, decided.status) == (Status.FAILED, Status.DECIDED)
    first = rig.open(topic=b"\4" * 32)
    assert list(rig.driver.rounds.values()) == [split, first], "a certificate may still come"
    second = rig.open(topic=b"\5" * 32)
    assert list(rig.driver.rounds.values()) == [first, second]


async def test_a_round_that_is_dropped_without_an_end_has_failed() -> None:
    rig = DriverRig(keep=1)
    rig.open(5)
    await rig.clock.advance(DEADLINE_SECONDS)  # And nobody has looked at it.
    rig.open(6)
    assert rig.failed == [Failed(Failure.TIMEOUT)]
    assert rig.count("rounds_total", outcome="timeout") == 1


async def test_a_decision_that_is_never_explained_has_failed_when_it_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = DriverRig(keep=1)
    round_ = rig.open(5)
    monkeypatch.setattr(round_, "on_time", lambda _now_ns: [])
    round_.status = Status.DECIDED
    with pytest.raises(RefusedMessage, match="busy: "):
        rig.open(6)
    await rig.clock.advance(DEADLINE_SECONDS)
    rig.open(6)
    assert rig.failed == [Failed(Failure.TIMEOUT)]


async def test_cancellation_ends_the_run_wherever_it_is() -> None:
    # A cancellation that came while the driver let go of its waiting was once lost, and it ran on for ever.
    for turns in range(40):
        rig = DriverRig(keep=16)
        task = asyncio.create_task(rig.driver.run())
        for turn in range(turns):
            if turn % 3 == 0:
                rig.open(turn)
            await asyncio.sleep(0)
        rig.open(turns)  # Something changes in the very moment of the cancellation.
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=2)
        assert done, f"it still runs, cancelled after {turns} turns"
        assert task.cancelled()


async def test_who_ends_the_driver_waits_for_the_disk() -> None:
    asked, on_disk = threading.Event(), threading.Event()
    wrote: list[bool] = []

    class Slow:
        def permit_all(self, messages: Sequence[ProtocolMessage]) -> list[GuardError | None]:
            asked.set()
            wrote.append(on_disk.wait(5))
            return [None] * len(messages)

        def sign_all(self, messages: Sequence[ProtocolMessage]) -> list[Signed[ProtocolMessage]]:
            return [sign(message, KEYS[0], DOMAIN) for message in messages]

    rig = DriverRig(signer=Slow())
    task = asyncio.create_task(rig.driver.run())
    rig.cast(rig.open())
    await until(asked.is_set)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=0.05)
    assert not done, "the file would be closed under the thread that writes to it"
    on_disk.set()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()
    assert wrote == [True]
    assert rig.bundles == []
