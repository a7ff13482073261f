"""Binance spot. Facts: "Binance Spot API Docs", REST: General Information, Trading and Account endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from noderr.exchanges.ccxt_dialect import Told, milliseconds_to_ns
from noderr.exchanges.ccxt_import import ccxt_errors
from noderr.exchanges.errors import InvalidOrderError
from noderr.exchanges.rate_limits import Pool
from noderr.exchanges.venue import FeeSchedule
from noderr.types.trading import Fill, Liquidity, Money, Order, OrderState, OrderType, Side, TimeInForce
from noderr.types.trading.decimals import add

_TIFS = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
_STATES = {
    "NEW": OrderState.NEW,
    "PENDING_NEW": OrderState.NEW,
    "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED,
    "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELED,
    "REJECTED": OrderState.REJECTED,
    "EXPIRED": OrderState.EXPIRED,
    "EXPIRED_IN_MATCH": OrderState.EXPIRED,
}
_WEIGHTS = {"exchangeInfo": 20, "order": 4, "openOrders": 80, "myTrades": 20, "account": 20, "account/commission": 20}
_PAGE = 1000
_RECV_WINDOW_MS = 5000


class BinanceDialect:
    """Ids of orders that are over may be used again there, so a second send is never harmless."""

    name = "binance"
    has_sandbox = True
    one_at_a_time = False
    # The venue drops a request that comes later than its `recvWindow` after its time stamp, which may lie a second
    # ahead of its clock; the rest is for what is queued behind its gate.
    settle_seconds = _RECV_WINDOW_MS / 1000 + 5
    # 6,000 of weight a minute and 100 orders in 10 s are allowed; a burst and the rate stay below that in any window.
    pools: ClassVar[Mapping[str, Pool]] = {"weight": Pool(50, 1500), "orders": Pool(8, 20)}
    options: ClassVar[Mapping[str, Any]] = {
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchMargins": False,
            "recvWindow": _RECV_WINDOW_MS,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
        },
        "has": {"fetchCurrencies": False},
    }

    def costs(self, path: str, method: str) -> Mapping[str, float]:
        if path == "order" and method == "POST":
            return {"weight": 1, "orders": 1}
        if path == "order" and method == "DELETE":
            return {"weight": 1}
        return {"weight": _WEIGHTS.get(path, 20)}

    def create_params(self, order: Order, post_only: bool, now_ns: int) -> Mapping[str, Any]:
        params: dict[str, Any] = {"newClientOrderId": order.client_order_id}
        if order.time_in_force not in _TIFS:
            raise InvalidOrderError(
                f"{order.client_order_id}: time_in_force is {order.time_in_force.value}: it has GTC, IOC and FOK"
            )
        if order.type is OrderType.MARKET:
            if order.time_in_force is not TimeInForce.IOC:
                raise InvalidOrderError(
                    f"{order.client_order_id}: a fill-or-kill market order: binance fills what it can; use a limit"
                )
        elif post_only:
            params["postOnly"] = True  # Becomes LIMIT_MAKER, which has no time in force.
        else:
            params["timeInForce"] = _TIFS[order.time_in_force]
        return params

    async def find(self, exchange: Any, client_order_id: str, symbol: str, venue_order_id: str | None) -> Told | None:
        by = {"origClientOrderId": client_order_id} if venue_order_id is None else {"orderId": venue_order_id}
        try:
            answer = await exchange.privateGetOrder({"symbol": exchange.market(symbol)["id"], **by})
        except ccxt_errors().OrderNotFound:
            return None
        return _told(answer, symbol)

    async def open(self, exchange: Any) -> list[Told]:
        answers = await exchange.privateGetOpenOrders({})
        return [_told(one, exchange.safe_market(one["symbol"], None, None, "spot")["symbol"]) for one in answers]

    async def fills(self, exchange: Any, told: Told) -> tuple[Fill, ...]:
        asked = {"symbol": told.raw["symbol"], "orderId": told.venue_order_id, "limit": _PAGE}
        trades: list[Mapping[str, Any]] = []
        while True:
            page = await exchange.privateGetMyTrades(asked)
            trades += page
            if len(page) < _PAGE:
                break
            asked["fromId"] = int(page[-1]["id"]) + 1
        fills = [_fill(trade, told.order, exchange) for trade in trades]
        return tuple(sorted(fills, key=lambda fill: (fill.at_ns, int(fill.fill_id))))

    async def fees(self, exchange: Any, symbol: str) -> FeeSchedule:
        """The sum of all commissions, without the discount for paying in BNB: fees are never told too low."""
        answer = await exchange.privateGetAccountCommission({"symbol": exchange.market(symbol)["id"]})
        maker = taker = Decimal(0)
        for kind in ("standardCommission", "specialCommission", "taxCommission"):
            part = answer.get(kind) or {}
            maker = add(maker, Decimal(part.get("maker", "0")))
            taker = add(taker, Decimal(part.get("taker", "0")))
        return FeeSchedule(maker=maker, taker=taker)


def _told(answer: Mapping[str, Any], symbol: str) -> Told:
    market = answer["type"] == "MARKET"
    tif = TimeInForce.IOC if market else {text: tif for tif, text in _TIFS.items()}[answer["timeInForce"]]
    state = _STATES[answer["status"]]
    if state is OrderState.EXPIRED and tif is not TimeInForce.GTC:
        state = OrderState.CANCELED  # Binance says so of what IOC and FOK orders could not fill.
    order = Order(
        client_order_id=answer["clientOrderId"],
        symbol=symbol,
        side=Side(answer["side"].lower()),
        type=OrderType.MARKET if market else OrderType.LIMIT,
        quantity=Decimal(answer["origQty"]),
        limit_price=None if market else Decimal(answer["price"]),
        time_in_force=tif,
        created_at_ns=milliseconds_to_ns(answer["time"]),
    )
    return Told(
        order=order,
        venue_order_id=str(answer["orderId"]),
        state=state,
        filled=Decimal(answer["executedQty"]),
        changed_at_ns=milliseconds_to_ns(answer["updateTime"]),
        raw=answer,
    )


def _fill(trade: Mapping[str, Any], order: Order, exchange: Any) -> Fill:
    return Fill(
        fill_id=str(trade["id"]),
        client_order_id=order.client_order_id,
        venue="binance",
        symbol=order.symbol,
        side=order.side,
        price=Decimal(trade["price"]),
        quantity=Decimal(trade["qty"]),
        fee=Money(Decimal(trade["commission"]), exchange.safe_currency_code(trade["commissionAsset"])),
        liquidity=Liquidity.MAKER if trade["isMaker"] else Liquidity.TAKER,
        at_ns=milliseconds_to_ns(trade["time"]),
    )
