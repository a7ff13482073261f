"""The gate before every trade: named checks of an order against limits, a portfolio and what was approved before."""

from noderr.risk_engine.decision import Decision, Outcome, Reason
from noderr.risk_engine.errors import LimitsError, RiskError
from noderr.risk_engine.flow import OrderFlow
from noderr.risk_engine.gate import PreTradeGate
from noderr.risk_engine.limits import InstrumentLimits, RiskLimits
from noderr.risk_engine.reason_code import ReasonCode
from noderr.risk_engine.snapshot import OpenOrder, PortfolioSnapshot, Reference
from noderr.risk_engine.trading_state import TradingState

__all__ = [
    "Decision",
    "InstrumentLimits",
    "LimitsError",
    "OpenOrder",
    "OrderFlow",
    "Outcome",
    "PortfolioSnapshot",
    "PreTradeGate",
    "Reason",
    "ReasonCode",
    "Reference",
    "RiskError",
    "RiskLimits",
    "TradingState",
]
