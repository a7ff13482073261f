"""A validator that proposes what nobody agreed on, and a stranger that proposes: guardians let neither trade."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from noderr.core.consensus.handover import PROPOSAL_TOPIC
from noderr.guardian_consensus.veto import Veto
from noderr.types.consensus import Signed, sign
from noderr.types.consensus.proposal_request import (
    ProposalRequest,
    proposal_request_from_wire,
    proposal_request_to_wire,
)
from noderr.types.signing.account_key import AccountKey
from tests.loop.options import ReplayOptions
from tests.loop.recorded_market import RecordedMarket, read_kraken
from tests.loop.replaying import Watched, beginning, run_world
from tests.loop.world import World

_OPTIONS = ReplayOptions(seed=7)
STRANGER = AccountKey(b"\2" * 32)


@pytest.fixture(scope="module")
def market(made_up: Path) -> RecordedMarket:
    return read_kraken(made_up)


def test_a_trade_whose_signal_is_not_proven_is_rejected_by_every_guardian(
    market: RecordedMarket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unproven(world: World, asked: ProposalRequest) -> Signed[ProposalRequest]:
        assert asked.decision is not None
        certificate = asked.decision.certificate
        few = copy.replace(asked.decision, certificate=copy.replace(certificate, signatures=certificate.signatures[:2]))
        return sign(copy.replace(asked, decision=few), world.network.validators[0].key, world.network.domain)

    watched = _asking(market, tmp_path, monkeypatch, unproven)
    votes = list(watched.journal.of("guardian-vote"))
    assert len(votes) == 4 * watched.count("proposed") > 0
    assert {(one.facts["choice"], one.facts["codes"]) for one in votes} == {("REJECT", int(Veto.WRONG_CERTIFICATE))}
    _nothing_was_done(watched)


def test_a_trade_that_no_validator_signed_is_voted_on_by_nobody(
    market: RecordedMarket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = _asking(market, tmp_path, monkeypatch, lambda world, asked: sign(asked, STRANGER, world.network.domain))
    refused = [one.facts["reason"] for one in watched.journal.of("refused")]
    assert len(refused) == 4 * watched.count("proposed") > 0
    assert set(refused) == {"not-a-member"}
    assert watched.count("guardian-vote") == 0
    _nothing_was_done(watched)


def _asking(
    market: RecordedMarket,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[World, ProposalRequest], Signed[ProposalRequest]],
) -> Watched:
    """The beginning, with other requests to the guardians than the traders'."""

    def change(world: World) -> None:
        send = world.links.send

        def asking(sender: str, to: str, topic: str, payload: bytes) -> None:
            if topic == PROPOSAL_TOPIC:
                payload = proposal_request_to_wire(ask(world, proposal_request_from_wire(payload).message))
            send(sender, to, topic, payload)

        monkeypatch.setattr(world.links, "send", asking)

    return run_world(beginning(market, 13), folder, _OPTIONS, change)


def _nothing_was_done(watched: Watched) -> None:
    for kind in ("approved", "order", "fill", "settled"):
        assert watched.count(kind) == 0
