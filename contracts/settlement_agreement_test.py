"""Whatever trade Python makes, the contract makes the same digests; and whatever bit falls, nothing else is settled."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from eth_abi.exceptions import DecodingError
from hypothesis import event, given, settings
from hypothesis import strategies as st

from contracts.evm import NOW_S, Reverted
from contracts.settlement import settle_call
from contracts.trades import EXECUTOR, EXPIRES_S, KEYS, TRADE, Story, trading_chain
from noderr.types.trading import Liquidity
from noderr.validator_consensus.execution_testing import FILL, ORDER

U64 = st.integers(0, 2**64 - 1)
WORDS = st.binary(min_size=32, max_size=32)
IDS = st.text("abcXYZ019_.:-", min_size=1, max_size=64)
AMOUNTS = st.decimals("0.00000001", "99999999", places=8)
SIGNERS = st.sampled_from([tuple(KEYS), *(tuple(key for key in KEYS if key is not left) for left in KEYS)])
BASE = trading_chain()
HONEST = settle_call(Story(domain=BASE.domain).trade())


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Approved and executed by the rules; everything that the rules leave open is drawn."""
    trade_id, order_id = draw(WORDS), draw(IDS)
    order = copy.replace(ORDER, client_order_id=order_id, quantity=draw(AMOUNTS), limit_price=draw(AMOUNTS))
    fill = copy.replace(FILL, client_order_id=order_id, liquidity=draw(st.sampled_from(Liquidity)))
    fills = tuple(
        copy.replace(fill, fill_id=f"f-{n}", price=draw(AMOUNTS), quantity=Decimal(n + 1), at_ns=FILL.at_ns + n)
        for n in range(draw(st.integers(1, 5)))
    )
    rounds, executor = draw(st.tuples(U64, U64)), draw(st.sampled_from(KEYS))
    proposal: dict[str, Any] = {"id": trade_id, "round": rounds[1], "order": order}
    return Story(
        domain=BASE.domain,
        executor=executor,
        oracle_signers=draw(SIGNERS),
        guardian_signers=draw(SIGNERS),
        oracles={"round": rounds[0], "topic": draw(WORDS), "subject": draw(WORDS), "codes": draw(st.integers(0, 9))},
        guardians={"round": rounds[1], "expires_at_s": draw(st.integers(NOW_S, 2**64 - 1))},
        proposal=proposal | {"snapshot": draw(WORDS), "ruleset": draw(WORDS), "expires_at_s": EXPIRES_S},
        execution={"trade_id": trade_id, "order": order, "fills": fills},
    )


@settings(deadline=None, max_examples=60)
@given(stories())
def test_what_python_makes_settles(story: Story) -> None:
    chain, trade = trading_chain(), story.trade()
    assert chain.domain == BASE.domain
    receipt = chain.settle(story.executor, trade, NOW_S)
    assert [log.topics[1:] for log in receipt.logs] == [(trade.execution.trade_id, trade.execution.digest)]


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 8 * len(HONEST) - 1))
def test_a_bit_that_falls_settles_nothing_else(bit: int) -> None:
    chain = trading_chain()
    digest = Story(domain=chain.domain).trade().execution.digest
    data = bytearray(HONEST)
    data[bit // 8] ^= 1 << bit % 8
    try:
        done = chain.deployment.evm.transact(EXECUTOR, chain.address, bytes(data))
    except Reverted as reverted:
        event(reverted.name)
    except (KeyError, DecodingError):
        # No function's selector, or no ABI encoding: reverts without a name.
        event("no name")
    else:
        # Padding, that nothing reads: a call with its own selector and members.
        event("padding")
        assert [log.topics[1:] for log in done.logs] == [(TRADE, digest)]
