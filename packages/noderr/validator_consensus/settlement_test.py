"""The check of the settlement: this execution, this contract, for good."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from noderr.validator_consensus.checks import PASSED, CheckResult, CheckStatus
from noderr.validator_consensus.execution_testing import CONTRACT, FILL, TRADE, TRANSACTION, Trade
from noderr.validator_consensus.settlement import SETTLED_TOPIC, SettlementCheck, SettlementLog, SettlementReceipt

WHOLE = Trade()
LOG = SettlementLog(CONTRACT, (SETTLED_TOPIC, TRADE, WHOLE.execution.digest))
RECEIPT = SettlementReceipt(transaction=TRANSACTION, succeeded=True, to=CONTRACT, finalised=True, logs=(LOG,))


class Chain:
    def __init__(self, receipt: SettlementReceipt | None) -> None:
        self._receipt = receipt

    async def receipt(self, transaction: bytes) -> SettlementReceipt | None:
        assert transaction == TRANSACTION
        return self._receipt


async def says(receipt: SettlementReceipt | None, trade: Trade = WHOLE) -> CheckResult:
    return await SettlementCheck(Chain(receipt), CONTRACT).evaluate(trade.report, trade.evidence)


async def test_what_the_contract_logged_for_good_passes() -> None:
    assert await says(RECEIPT) == PASSED
    other = copy.replace(LOG, topics=(b"\0" * 32,))
    assert await says(copy.replace(RECEIPT, logs=(other, LOG))) == PASSED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"succeeded": False}, "was reverted"),
        ({"to": b"\0" * 20}, "did not go to the settlement contract"),
        ({"to": None}, "did not go to the settlement contract"),
        ({"logs": ()}, "did not log this execution"),
        ({"logs": (copy.replace(LOG, contract=b"\0" * 20),)}, "did not log"),
        ({"logs": (copy.replace(LOG, topics=LOG.topics[:2]),)}, "did not log"),
        ({"logs": (copy.replace(LOG, topics=(b"\0" * 32, *LOG.topics[1:])),)}, "did not log"),
        ({"logs": (copy.replace(LOG, topics=(SETTLED_TOPIC, b"\0" * 32, LOG.topics[2])),)}, "did not log"),
        ({"logs": (copy.replace(LOG, topics=(*LOG.topics[:2], WHOLE.report.digest)),)}, "did not log"),
    ],
)
async def test_a_final_transaction_that_settles_something_else_fails(changes: dict[str, Any], reason: str) -> None:
    result = await says(copy.replace(RECEIPT, **changes))
    assert result.status is CheckStatus.FAILED
    assert reason in result.detail
    pending = await says(copy.replace(RECEIPT, **changes, finalised=False))
    assert pending.status is CheckStatus.INSUFFICIENT


async def test_other_fills_than_the_settled_ones_fail() -> None:
    fewer = Trade(execution_changes={"fills": (FILL,)})
    assert (await says(RECEIPT, fewer)).status is CheckStatus.FAILED


@pytest.mark.parametrize("receipt", [None, copy.replace(RECEIPT, transaction=b"\0" * 32)])
async def test_a_transaction_that_the_chain_does_not_know_is_insufficient(receipt: SettlementReceipt | None) -> None:
    assert (await says(receipt)).status is CheckStatus.INSUFFICIENT


async def test_what_is_not_settled_is_insufficient() -> None:
    assert (await says(RECEIPT, Trade(transaction=None))).status is CheckStatus.INSUFFICIENT


def test_the_event_is_what_solidity_names_it() -> None:
    assert SETTLED_TOPIC.hex() == "170651f316bde520e85f746dca889e6e682e61f5fb18b86705e17a10b127ad07"
