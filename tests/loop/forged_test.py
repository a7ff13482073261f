"""Certificates that prove nothing, and guardians that are silent or halted: no order comes of any of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from noderr.core.consensus.handover import APPROVAL_TOPIC, PROPOSAL_TOPIC
from noderr.safety_control.safety_log import Kind, SafetyLog
from noderr.types.consensus import Certificate, Choice, sign
from noderr.types.consensus.certificate import make_certificate
from noderr.types.consensus.on_wire import certificate_from_wire, certificate_to_wire
from noderr.types.signing.account_key import AccountKey
from noderr.types.wire import consensus_pb2
from tests.loop.journal import Entry
from tests.loop.membership import Member
from tests.loop.options import ReplayOptions
from tests.loop.recorded_market import RecordedMarket, read_kraken
from tests.loop.replaying import Watched, beginning, run_world
from tests.loop.world import World

_SECOND_NS = 1_000_000_000
_OPTIONS = ReplayOptions(seed=7)
type Change = Callable[[World, Certificate], Certificate]


@pytest.fixture(scope="module")
def market(made_up: Path) -> RecordedMarket:
    return read_kraken(made_up)


def signed_by(world: World, certificate: Certificate, members: Iterable[Member]) -> Certificate:
    """The same, as if these had voted it: their signatures are true."""
    domain = world.network.domain
    vote = certificate.vote_of(certificate.signatures[0])
    return make_certificate(sign(vote, member.key, domain) for member in members)


def strangers_keys(world: World, certificate: Certificate) -> Certificate:
    """In the guardians' names, signed by somebody else."""
    domain = world.network.domain
    parts = [
        copy.replace(part, signature=sign(certificate.vote_of(part), _stranger(number), domain).signature)
        for number, part in enumerate(certificate.signatures)
    ]
    return copy.replace(certificate, signatures=tuple(parts))


def strangers(world: World, certificate: Certificate) -> Certificate:
    """Of people who do not vote."""
    return signed_by(world, certificate, [Member(f"stranger-{one}", 2, _stranger(one)) for one in range(4)])


def validators(world: World, certificate: Certificate) -> Certificate:
    """Of another tier's voters."""
    return signed_by(world, certificate, world.network.validators)


def too_few(_world: World, certificate: Certificate) -> Certificate:
    return copy.replace(certificate, signatures=certificate.signatures[:2])


def one_voter_many_times(_world: World, certificate: Certificate) -> Certificate:
    return copy.replace(certificate, signatures=certificate.signatures[:1] * 4)


def yes_of_a_no(_world: World, certificate: Certificate) -> Certificate:
    """Said to be another choice than what was signed."""
    turned = Choice.APPROVE if certificate.choice is Choice.REJECT else Choice.REJECT
    return copy.replace(certificate, choice=turned)


def a_longer_life(_world: World, certificate: Certificate) -> Certificate:
    return copy.replace(certificate, expires_at_s=certificate.expires_at_s + 3_600)


def another_subject(world: World, certificate: Certificate) -> Certificate:
    """Really signed by the guardians, for the same trade's id: but about another proposal."""
    other = copy.replace(certificate, subject=bytes(31) + b"\1")
    return signed_by(world, other, world.network.guardians)


def _stranger(number: int) -> AccountKey:
    return AccountKey(bytes(31) + bytes([number + 1]))


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (strangers_keys, "bad-signature"),
        (strangers, "not-a-member"),
        (validators, "not-a-member"),
        (too_few, "no-quorum"),
        (one_voter_many_times, "duplicate"),
        (yes_of_a_no, "bad-signature"),
        (a_longer_life, "bad-signature"),
        (another_subject, "wrong-subject"),
    ],
)
def test_a_forged_certificate_is_refused_and_nothing_is_ordered(
    market: RecordedMarket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forge: Change, reason: str
) -> None:
    def change(world: World) -> None:
        send = world.links.send

        def forging(sender: str, to: str, topic: str, payload: bytes) -> None:
            if topic == APPROVAL_TOPIC:
                certificate = certificate_from_wire(consensus_pb2.Certificate.FromString(payload))
                payload = certificate_to_wire(forge(world, certificate)).SerializeToString()
            send(sender, to, topic, payload)

        monkeypatch.setattr(world.links, "send", forging)

    watched = run_world(beginning(market, 13), tmp_path, _OPTIONS, change)
    refused = [one.facts["reason"] for one in watched.journal.of("refused")]
    assert watched.count("proposed") > 0
    assert len(refused) >= watched.count("proposed")
    assert set(refused) == {reason}
    _nothing_was_done(watched)


def test_a_certificate_of_another_trade_or_of_yesterday_executes_nothing(
    market: RecordedMarket, tmp_path: Path
) -> None:
    mixed: list[tuple[int, int]] = []

    def mix(world: World, _now_ns: int) -> None:
        """As soon as two trades are approved: the one with the other's certificate, while both are valid."""
        engine = world.traders[0].engine
        approved = [trade.approved for trade in engine.trades.values()]
        if len(approved) >= 2 and not mixed:
            first, second = approved[-2:]
            before = _count(world, "order")
            engine.execute(copy.replace(first, guardian_certificate=second.guardian_certificate))
            engine.execute(copy.replace(first, oracle_certificate=second.oracle_certificate))
            engine.execute(copy.replace(first, guardian_certificate=first.oracle_certificate))
            engine.execute(copy.replace(first, guardian_certificate=None))
            mixed.append((before, _count(world, "order")))

    expired: list[tuple[int, int]] = []
    options = copy.replace(_OPTIONS, tail_ns=12 * _SECOND_NS)
    world = World(beginning(market, 14), options, tmp_path)
    try:
        world.run(lambda now_ns: mix(world, now_ns))
        engine = world.traders[0].engine
        approved = [trade.approved for trade in engine.trades.values()]
        before = _count(world, "order")
        for one in approved:
            engine.execute(one)
        expired.append((before, _count(world, "order")))
    finally:
        world.close()
    reasons = [str(one.facts["reason"]) for one in world.journal.of("refused")]
    assert reasons[:4] == ["other-proposal", "other-signal", "wrong-tier", "no-certificate"]
    assert reasons[4:] == ["certificate-expired"] * len(approved)
    assert all(before == after for before, after in mixed + expired)


@pytest.mark.parametrize("silent", [1, 2, 4])
def test_guardians_that_never_answer(market: RecordedMarket, tmp_path: Path, silent: int) -> None:
    def change(world: World) -> None:
        for guardian in world.guardians[:silent]:
            world.links.on(guardian.name, PROPOSAL_TOPIC, lambda _sender, _content: None)

    watched = run_world(beginning(market, 13), tmp_path, _OPTIONS, change)
    assert watched.count("proposed") > 0
    if silent == 1:
        assert watched.count("order") > 0, "one of four is too few to stop the others"
    else:
        _nothing_was_done(watched)


@pytest.mark.parametrize("halted", [1, 2])
def test_guardians_that_a_person_has_halted(market: RecordedMarket, tmp_path: Path, halted: int) -> None:
    """By the safety log on their disks, as the command does it, while they run."""
    halt_ns = market.begin_ns + 13 * _SECOND_NS
    done: list[int] = []

    def halt(world: World, now_ns: int) -> None:
        if now_ns < halt_ns or done:
            return
        done.append(now_ns)
        for guardian in world.guardians[:halted]:
            log = SafetyLog(tmp_path / guardian.name)
            world.timeline.await_(log.append(Kind.HALT, "operator", "a test", now_ns))
            world.timeline.await_(log.close())

    watched = run_world(market, tmp_path, _OPTIONS, meanwhile=halt)
    votes = [one for one in watched.journal.of("guardian-vote") if one.at_ns > halt_ns]
    names = {guardian.name for guardian in watched.world.guardians[:halted]}
    said = {one.facts["choice"] for one in votes if one.node in names}
    assert said == {"REJECT"}
    assert any(one.facts["choice"] == "APPROVE" for one in votes if one.node not in names)
    before, after = _split(watched, "approved", halt_ns)
    assert before
    assert bool(after) is (halted == 1), "one is outvoted, two of four are not"


def _split(watched: Watched, kind: str, at_ns: int) -> tuple[list[Entry], list[Entry]]:
    entries = list(watched.journal.of(kind))
    return [one for one in entries if one.at_ns <= at_ns], [one for one in entries if one.at_ns > at_ns]


def _count(world: World, kind: str) -> int:
    return sum(1 for _ in world.journal.of(kind))


def _nothing_was_done(watched: Watched) -> None:
    for kind in ("approved", "order", "fill", "settled"):
        assert watched.count(kind) == 0
