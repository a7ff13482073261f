"""Proposals that are not voted on: junk, others' words and ids, and more than one executor may have at once."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from noderr.core.peers.errors import PeerRefusedError
from noderr.core.peers.testing import PeerNode, until
from noderr.guardian_consensus.service_testing import Asked, Guardians, prove
from noderr.types.consensus import Choice, Signed
from noderr.types.consensus.proposal_request import proposal_request_to_wire
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.types.wire import handover_pb2 as pb

LONG_MS = 4_000
STRANGER = PeerNode(96, "validator")


REFUSALS: dict[str, tuple[str, Callable[[Guardians], bytes]]] = {
    "expired": ("expired", lambda them: _changed(them, expires_at_s=them.genesis_s)),
    "future": ("future", lambda them: them.asked(them.proposal(rounds_ahead=3))),
    "replayed": ("replayed", lambda them: them.asked(them.proposal(rounds_ahead=-2))),
    "wrong epoch": ("wrong-epoch", lambda them: _changed(them, epoch=2)),
    "a stranger's": ("not-a-member", lambda them: them.asked(them.proposal(executor=STRANGER), STRANGER)),
    "another's id": ("wrong-subject", lambda them: them.asked(them.proposal(), them.rival)),
    "an id of one's own making": ("wrong-subject", lambda them: them.asked(them.proposal(id=b"\7" * 32))),
    "not signed": ("bad-signature", lambda them: _signed_by(them, b"\1" * 65)),
    "signed by another": ("bad-signature", lambda them: _signed_by(them, _rival_s_signature(them))),
    "another trade under the signature": ("bad-signature", lambda them: _exchanged(them, proposal=_another(them))),
    "a proof taken away": ("bad-signature", lambda them: _exchanged(them, decision=None)),
    "no protobuf": ("malformed", lambda _them: b"\xff" * 40),
    "nothing": ("malformed", lambda _them: b""),
    "a digest too short": ("malformed", lambda them: _short_digest(them.asked(them.proposal()))),
    "oversized": ("oversized", lambda _them: bytes(600_000)),
}


def _short_digest(content: bytes) -> bytes:
    message = pb.ProposalRequest.FromString(content)
    message.proposal.snapshot = message.proposal.snapshot[1:]
    return message.SerializeToString()


def _signed_by(guardians: Guardians, signature: bytes) -> bytes:
    message = pb.ProposalRequest.FromString(guardians.asked(guardians.proposal()))
    message.signature = signature
    return message.SerializeToString()


def _rival_s_signature(guardians: Guardians) -> bytes:
    return guardians.signed(guardians.proposal(), guardians.rival).signature


def _another(guardians: Guardians) -> TradeProposal:
    """Of the same id."""
    return guardians.proposal(snapshot=b"\6" * 32)


def _exchanged(guardians: Guardians, **changes: Any) -> bytes:
    """What the executor signed, and under its signature something else."""
    honest = guardians.signed(guardians.proposal())
    return proposal_request_to_wire(Signed(copy.replace(honest.message, **changes), honest.signer, honest.signature))


def _changed(guardians: Guardians, **changes: Any) -> bytes:
    base = guardians.proposal()
    order = copy.replace(base.order, created_at_ns=(guardians.genesis_s - 60) * 10**9)
    return guardians.asked(copy.replace(base, order=order, **changes))


async def test_proposals_that_do_not_count_are_refused_by_their_reason(tmp_path: Path) -> None:
    evaluators = [Asked() for _ in range(4)]
    guardians = Guardians(tmp_path, evaluators, round_ms=LONG_MS)
    async with guardians.voting():
        first = guardians.nodes[0]
        for name, (reason, make) in REFUSALS.items():
            before = first.refused(reason)
            with pytest.raises(PeerRefusedError, match=reason):
                await guardians.propose_bytes(make(guardians))
            assert first.refused(reason) == before + 1, name
        assert [one.proposals for one in evaluators] == [[]] * 4
        proposal = guardians.proposal()
        await guardians.propose(proposal)
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.APPROVE)


async def test_who_saw_a_proposal_cannot_show_another_of_its_id_first(tmp_path: Path) -> None:
    guardians = Guardians(tmp_path, [Asked() for _ in range(4)], round_ms=LONG_MS)
    async with guardians.voting():
        proposal = guardians.proposal()
        other = copy.replace(proposal, snapshot=b"\6" * 32)
        for to in range(4):
            with pytest.raises(PeerRefusedError, match="wrong-subject"):
                await guardians.propose_bytes(guardians.asked(other, guardians.rival), to)
            with pytest.raises(PeerRefusedError, match="bad-signature"):
                await guardians.propose_bytes(_exchanged(guardians, proposal=other), to)
        await guardians.propose(proposal)
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.APPROVE)


async def test_one_executor_has_so_many_rounds_at_once_and_the_other_s_go_on(tmp_path: Path) -> None:
    guardians = Guardians(tmp_path, [Asked(hangs=range(1_000, 1_100)) for _ in range(4)], round_ms=LONG_MS)
    rival = guardians.rival

    def asked(number: int) -> bytes:
        return guardians.asked(guardians.proposal(number, executor=rival), rival)

    async with guardians.voting():
        for number in range(1_000, 1_032):
            await guardians.propose_bytes(asked(number))
        for number in range(1_032, 1_040):
            with pytest.raises(PeerRefusedError, match="too-many"):
                await guardians.propose_bytes(asked(number))
        assert guardians.nodes[0].refused("too-many") == 8
        proposal = guardians.proposal()
        await guardians.propose(proposal)
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.APPROVE)


async def test_an_executor_has_room_again_when_its_rounds_are_over(tmp_path: Path) -> None:
    guardians = Guardians(tmp_path, [Asked(hangs=range(1_000, 1_100)) for _ in range(4)], round_ms=LONG_MS)
    async with guardians.voting():
        expires_at_s = int(time.time()) + 2
        for number in range(1_000, 1_032):
            await guardians.propose(guardians.proposal(number, expires_at_s=expires_at_s))
        with pytest.raises(PeerRefusedError, match="too-many"):
            await guardians.propose(guardians.proposal())
        await until(lambda: time.time() > expires_at_s)
        proposal = guardians.proposal()
        await guardians.propose(proposal)
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.APPROVE)
