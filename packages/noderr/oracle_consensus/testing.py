"""For tests: a committee of four oracles with real keys, and what each says in round 5."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from noderr.core.consensus.actions import Action, Broadcast, Sign
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.testing import DOMAIN, NOW_NS, NOW_S, keys, voter_set
from noderr.oracle_consensus.aggregate import aggregate
from noderr.oracle_consensus.market import SECOND_NS, Market, Timing
from noderr.oracle_consensus.messages import Commit, Observation, Report, Reveal, commitment
from noderr.oracle_consensus.oracle_round import OracleRound
from noderr.types.consensus import AccountSignatures, Choice, ProtocolMessage, Signed, Vote, VoterSet, sign
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.signing.account_key import AccountKey

KEYS = keys(4)
ADDRESSES = [key.address for key in KEYS]
VOTERS = voter_set(KEYS)
ROUND = 5
MODEL = b"\7" * 32
MARKET = Market(symbol="BTC/USD", horizon_seconds=300, models=frozenset({MODEL}))
TIMING = Timing()
PLACE: dict[str, Any] = {"epoch": VOTERS.epoch, "round": ROUND, "topic": MARKET.topic}
OUTSIDER = AccountKey(b"\x77" * 32)


def leader(view: int) -> int:
    """Who leads round 5 in this view, as an index of `KEYS`."""
    return (ROUND + view) % len(KEYS)


def oracle_round(me: int | AccountKey = 0, *, voters: VoterSet = VOTERS, timing: Timing = TIMING) -> OracleRound:
    """A fresh round of this oracle; of somebody who is none, if a key is given."""
    key = KEYS[me] if isinstance(me, int) else me
    context = RoundContext(key.address, voters, DOMAIN, AccountSignatures())
    return OracleRound(context, ADDRESSES, MARKET, timing, round_=ROUND, start_ns=NOW_NS)


def observation(oracle: int, **changes: Any) -> Observation:
    """What this oracle sees: a return of 0.010 and up, the higher its index."""
    fields: dict[str, Any] = {
        "prediction_e8": 1_000_000 + 100_000 * oracle,
        "confidence_bps": 6_000 + 500 * oracle,
        "mid_price_e8": (64_000 + oracle) * 10**8,
        "observed_at_s": NOW_S + 1,
        "model_hash": MODEL,
    }
    return Observation(**(fields | changes))


def salt(oracle: int) -> bytes:
    """Nobody else knows it."""
    return hashlib.sha256(f"salt {oracle}".encode()).digest()


def commit(oracle: int, what: Observation | None = None, **changes: Any) -> Signed[Commit]:
    """The commitment of this oracle to what it sees."""
    made = commitment(ADDRESSES[oracle], what or observation(oracle), salt(oracle))
    return sign(Commit(**(PLACE | {"commitment": made} | changes)), KEYS[oracle], DOMAIN)


def commitments(of: Iterable[int] = range(4)) -> tuple[bytes, ...]:
    """What an oracle that has these commitments says that it has seen."""
    return tuple(sorted(commit(one).message.commitment for one in of))


def reveal(oracle: int, what: Observation | None = None, **changes: Any) -> Signed[Reveal]:
    """What opens this oracle's commitment, after it had those of all."""
    fields = PLACE | {"observation": what or observation(oracle), "salt": salt(oracle), "seen": commitments()}
    return sign(Reveal(**(fields | changes)), KEYS[oracle], DOMAIN)


def agreed(reveals: Sequence[Signed[Reveal]]) -> AgreedSignal:
    """What follows from them."""
    commit_seconds = TIMING.commit_ns // SECOND_NS
    return aggregate(tuple(reveals), VOTERS, MARKET, start_s=NOW_S, commit_seconds=commit_seconds)


def report(
    view: int = 0, reveals: Sequence[Signed[Reveal]] | None = None, *, by: AccountKey | None = None, **changes: Any
) -> Signed[Report]:
    """The report of this view's leader on these reveals, of all if none are given."""
    told = tuple(reveal(one) for one in range(4)) if reveals is None else tuple(reveals)
    fields = PLACE | {"view": view, "reveals": told, "subject": changes.get("subject") or agreed(told).digest}
    return sign(Report(**(fields | changes)), by or KEYS[leader(view)], DOMAIN)


def vote_for(oracle: int, of: Signed[Report], **changes: Any) -> Signed[Vote]:
    """This oracle's vote for what the report says."""
    fields: dict[str, Any] = PLACE | {
        "tier": VOTERS.tier,
        "subject": of.message.subject,
        "choice": Choice.APPROVE,
        "expires_at_s": NOW_S + TIMING.valid_seconds,
    }
    return sign(Vote(**(fields | changes)), KEYS[oracle], DOMAIN)


def do(machine: OracleRound, actions: Iterable[Action], key: AccountKey, now_ns: int = NOW_NS) -> list[Action]:
    """Sign whatever the machine wants signed, as a guard does that has nothing against it; what is left to do."""
    left: list[Action] = []
    for action in actions:
        if isinstance(action, Sign):
            left += do(machine, machine.on_signed(sign(action.message, key, DOMAIN), now_ns), key, now_ns)
        else:
            left.append(action)
    return left


def hear(
    machine: OracleRound, messages: Iterable[Signed[ProtocolMessage]], me: int = 0, now_ns: int = NOW_NS
) -> list[Action]:
    """All that is to be done after these messages."""
    left: list[Action] = []
    for message in messages:
        left += do(machine, machine.on_message(message, now_ns), KEYS[me], now_ns)
    return left


def begun(me: int = 0, what: Observation | None = None, timing: Timing = TIMING) -> OracleRound:
    """A round in which this oracle has committed itself."""
    machine = oracle_round(me, timing=timing)
    sent = do(machine, machine.observe(what or observation(me), salt(me)), KEYS[me])
    assert sent == [Broadcast(commit(me, what))]
    return machine


def revealed(me: int = 0) -> OracleRound:
    """A round in which all have revealed at once, and the first leader's report is due."""
    machine = begun(me)
    others = [one for one in range(4) if one != me]
    hear(machine, map(commit, others), me)
    hear(machine, map(reveal, others), me)
    return machine


def decided(me: int = 0) -> OracleRound:
    """A round that ended well."""
    machine = revealed(me)
    told = report()
    hear(machine, [told] if me != leader(0) else [], me)
    hear(machine, [vote_for(one, told) for one in range(4) if one != me][:2], me)
    return machine
