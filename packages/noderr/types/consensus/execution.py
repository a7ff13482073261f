"""What validators attest: how one approved order was executed, by whom, and where it was settled.

The contract that settles logs the `Execution`'s digest. The report adds the transaction, which cannot contain a digest
that is made of its own hash, and the validators' round. The vote's topic is the trade's id, its subject the report's
`digest`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from noderr.types.consensus.certificate_reference import CERTIFICATE_REFERENCE_STRUCT, CertificateReference
from noderr.types.consensus.order_struct import ORDER_STRUCT, order_struct
from noderr.types.consensus.signed import TypedMessage
from noderr.types.consensus.vote import MAX_U64
from noderr.types.eip712 import StructType, parse_struct_type
from noderr.types.signing.account_key import ADDRESS_BYTES
from noderr.types.tier_numbers import VALIDATOR_TIER
from noderr.types.trading.checks import check_bytes, check_integer
from noderr.types.trading.decimals import decimal_text
from noderr.types.trading.errors import FieldError
from noderr.types.trading.fill import Fill
from noderr.types.trading.money import Money
from noderr.types.trading.order import Order

_EXECUTION_STRUCT = (
    "Execution(bytes32 tradeId,address executor,bytes32 proposal,CertificateReference oracles,"
    "CertificateReference guardians,Order order,Fill[] fills)"
)
_FILL_STRUCT = (
    "Fill(string fillId,string clientOrderId,string venue,string symbol,string side,string price,string quantity,"
    "string fee,string feeCurrency,string liquidity,uint64 atNs)"
)
EXECUTION_TYPE = parse_struct_type(_EXECUTION_STRUCT + CERTIFICATE_REFERENCE_STRUCT + _FILL_STRUCT + ORDER_STRUCT)
EXECUTION_REPORT_TYPE = parse_struct_type(
    "ExecutionReport(uint64 epoch,uint64 round,Execution execution,bytes32 settlementTransaction)"
    + CERTIFICATE_REFERENCE_STRUCT
    + _EXECUTION_STRUCT
    + _FILL_STRUCT
    + ORDER_STRUCT
)

MAX_FILLS = 1000
_NOT_SETTLED = b"\0" * 32


@dataclass(frozen=True, kw_only=True)
class Execution(TypedMessage):
    """`trade_id` is the proposal's id, `proposal` its digest. `fills` ascend strictly by time, venue and id.

    A fill names `order`, not the child order that a venue saw. Whether the fills are what was approved, a check tells.
    """

    TYPE: ClassVar[StructType] = EXECUTION_TYPE

    trade_id: bytes
    executor: bytes
    proposal: bytes
    oracles: CertificateReference
    guardians: CertificateReference
    order: Order
    fills: tuple[Fill, ...]

    def __post_init__(self) -> None:
        check_bytes(self, "trade_id", self.trade_id, 32)
        check_bytes(self, "executor", self.executor, ADDRESS_BYTES)
        check_bytes(self, "proposal", self.proposal, 32)
        if not 1 <= len(self.fills) <= MAX_FILLS:
            raise FieldError("Execution", "fills", len(self.fills), f"1 to {MAX_FILLS} fills")
        places = [(fill.at_ns, fill.venue, fill.fill_id) for fill in self.fills]
        if any(not first < second for first, second in pairwise(places)):
            raise FieldError("Execution", "fills", places, "strictly ascending by time, venue and id")
        if len({place[1:] for place in places}) != len(places):
            raise FieldError("Execution", "fills", places, "each fill of a venue once")

    @property
    def executed_at_ns(self) -> int:
        """When the last fill was made."""
        return self.fills[-1].at_ns

    @property
    def fees(self) -> tuple[Money, ...]:
        """What all fills cost together, one amount a currency, ascending by currency. Raises `InexactError`."""
        totals: dict[str, Money] = {}
        for fill in self.fills:
            known = totals.get(fill.fee.currency)
            totals[fill.fee.currency] = fill.fee if known is None else known + fill.fee
        return tuple(totals[currency] for currency in sorted(totals))

    def struct(self) -> Mapping[str, object]:
        return {
            "tradeId": self.trade_id,
            "executor": self.executor,
            "proposal": self.proposal,
            "oracles": self.oracles.struct(),
            "guardians": self.guardians.struct(),
            "order": order_struct(self.order),
            "fills": [_fill_struct(fill) for fill in self.fills],
        }

    @property
    def digest(self) -> bytes:
        """`hashStruct`, 32 bytes: what the settlement contract logs."""
        return self.struct_hash


@dataclass(frozen=True, kw_only=True)
class ExecutionReport(TypedMessage):
    """`epoch` and `round` are the validators'. `settlement_transaction` is a hash, or None while there is none."""

    TYPE: ClassVar[StructType] = EXECUTION_REPORT_TYPE

    epoch: int
    round: int
    execution: Execution
    settlement_transaction: bytes | None = None

    def __post_init__(self) -> None:
        check_integer(self, "epoch", self.epoch, 0, MAX_U64)
        check_integer(self, "round", self.round, 0, MAX_U64)
        if self.settlement_transaction is not None:
            check_bytes(self, "settlement_transaction", self.settlement_transaction, 32)
            if self.settlement_transaction == _NOT_SETTLED:
                raise FieldError("ExecutionReport", "settlement_transaction", _NOT_SETTLED, "None: zero is no hash")

    @property
    def tier(self) -> int:
        """Whose votes it asks for."""
        return VALIDATOR_TIER

    @property
    def topic(self) -> bytes:
        """The topic of the votes: an executor may report one thing about one trade in one round."""
        return self.execution.trade_id

    def struct(self) -> Mapping[str, object]:
        return {
            "epoch": self.epoch,
            "round": self.round,
            "execution": self.execution.struct(),
            "settlementTransaction": self.settlement_transaction or _NOT_SETTLED,
        }

    @property
    def digest(self) -> bytes:
        """`hashStruct`, 32 bytes: the subject of the votes."""
        return self.struct_hash


def _fill_struct(fill: Fill) -> Mapping[str, object]:
    return {
        "fillId": fill.fill_id,
        "clientOrderId": fill.client_order_id,
        "venue": fill.venue,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "price": decimal_text(fill.price),
        "quantity": decimal_text(fill.quantity),
        "fee": decimal_text(fill.fee.amount),
        "feeCurrency": fill.fee.currency,
        "liquidity": fill.liquidity.value,
        "atNs": fill.at_ns,
    }
