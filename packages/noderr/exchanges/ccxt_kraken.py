"""Kraken spot. Facts: "Kraken API Center", Spot REST: Add Order, Get Open/Closed Orders, Query Orders/Trades Info."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from noderr.exchanges.ccxt_dialect import Told, seconds_to_ns
from noderr.exchanges.errors import InvalidOrderError, VenueError
from noderr.exchanges.rate_limits import Pool
from noderr.exchanges.venue import FeeSchedule
from noderr.types.trading import Fill, Liquidity, Money, Order, OrderState, OrderType, Side, TimeInForce

_SECOND_NS = 1_000_000_000
_DEADLINE_SECONDS = 10
_TRADES_A_QUERY = 20
_TIFS = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.GTD: "GTD"}
_PUBLIC = frozenset({"Assets", "AssetPairs", "SystemStatus", "Time"})
_CALLS = {"TradesHistory": 2, "QueryTrades": 2}


class KrakenDialect:
    """An id is unique among open orders there, so a second send is never harmless."""

    name = "kraken"
    has_sandbox = False
    one_at_a_time = True
    # The engine refuses what comes to it after the `deadline` that goes with every order.
    settle_seconds = _DEADLINE_SECONDS + 5.0
    # The lowest verification: 15 calls, a third of one back each second; 60 for orders of a pair, one back a second.
    pools: ClassVar[Mapping[str, Pool]] = {"public": Pool(1, 5), "calls": Pool(0.33, 15), "orders": Pool(1, 60)}
    options: ClassVar[Mapping[str, Any]] = {}

    def costs(self, path: str, method: str) -> Mapping[str, float]:
        if path in _PUBLIC:
            return {"public": 1}
        if path == "AddOrder":
            return {"orders": 1}
        if path == "CancelOrder":
            return {"orders": 8}  # The most: an order that is younger than 5 s.
        return {"calls": _CALLS.get(path, 1)}

    def create_params(self, order: Order, post_only: bool, now_ns: int) -> Mapping[str, Any]:
        deadline = datetime.fromtimestamp(now_ns // _SECOND_NS + _DEADLINE_SECONDS, UTC)
        params: dict[str, Any] = {
            "cl_ord_id": order.client_order_id,
            "deadline": deadline.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "oflags": "fciq",  # Fees in the quote currency, for sells too.
        }
        if order.time_in_force is TimeInForce.FOK:
            raise InvalidOrderError(
                f"{order.client_order_id}: time_in_force is fill-or-kill: kraken spot has no such order"
            )
        if order.type is OrderType.LIMIT:
            params["timeinforce"] = _TIFS[order.time_in_force]
            if post_only:
                params["postOnly"] = True
        if order.expires_at_ns is not None:
            seconds, rest = divmod(order.expires_at_ns, _SECOND_NS)
            if rest:
                raise InvalidOrderError(
                    f"{order.client_order_id}: expires_at_ns is {order.expires_at_ns}: kraken has whole seconds only"
                )
            params["expiretm"] = str(seconds)
        return params

    async def find(self, exchange: Any, client_order_id: str, symbol: str, venue_order_id: str | None) -> Told | None:
        if venue_order_id is not None:
            answer = await exchange.privatePostQueryOrders({"txid": venue_order_id, "trades": "true"})
            return _only(answer["result"], exchange, client_order_id)
        # Open ones first: one that ends between the two questions is in the second answer.
        asked = {"cl_ord_id": client_order_id, "trades": "true"}
        for ask, key in ((exchange.privatePostOpenOrders, "open"), (exchange.privatePostClosedOrders, "closed")):
            found = _only((await ask(asked))["result"][key], exchange, client_order_id)
            if found is not None:
                return found
        return None

    async def open(self, exchange: Any) -> list[Told]:
        answer = await exchange.privatePostOpenOrders({"trades": "true"})
        return [_told(txid, one, exchange) for txid, one in answer["result"]["open"].items()]

    async def fills(self, exchange: Any, told: Told) -> tuple[Fill, ...]:
        ids = list(told.raw.get("trades") or ())
        fills = []
        for begin in range(0, len(ids), _TRADES_A_QUERY):
            asked = ids[begin : begin + _TRADES_A_QUERY]
            answer = (await exchange.privatePostQueryTrades({"txid": ",".join(asked)}))["result"]
            fills += [_fill(trade_id, answer[trade_id], told) for trade_id in asked]
        return tuple(sorted(fills, key=lambda fill: (fill.at_ns, fill.fill_id)))

    async def fees(self, exchange: Any, symbol: str) -> FeeSchedule:
        """Of the account's volume tier. Percent there, fractions here."""
        pair = exchange.market(symbol)["id"]
        result = (await exchange.privatePostTradeVolume({"pair": pair}))["result"]
        taker = result["fees"][pair]["fee"]
        maker = (result.get("fees_maker") or {}).get(pair, {"fee": taker})["fee"]
        return FeeSchedule(maker=Decimal(maker).scaleb(-2), taker=Decimal(taker).scaleb(-2))


def _only(orders: Mapping[str, Any], exchange: Any, client_order_id: str) -> Told | None:
    """The newest of them: the id of an order that is over may have been used again."""
    mine = [(txid, one) for txid, one in orders.items() if one.get("cl_ord_id") == client_order_id]
    if len(mine) < len(orders):
        raise VenueError(f"kraken was asked for {client_order_id} and told of other orders too: its answer is no proof")
    newest = max(mine, key=lambda one: Decimal(str(one[1]["opentm"])), default=None)
    return None if newest is None else _told(*newest, exchange)


def _told(txid: str, answer: Mapping[str, Any], exchange: Any) -> Told:
    words = answer["descr"]
    market = exchange.find_market_by_altname_or_id(words["pair"])
    if market is None:
        raise VenueError(f"kraken tells of {words['pair']!r}, which is none of its pairs")
    filled, expires = Decimal(answer["vol_exec"]), str(answer.get("expiretm") or "0")
    limit = words["ordertype"] == "limit"
    expires_at_ns = None if not limit or Decimal(expires) == 0 else seconds_to_ns(expires)
    order = Order(
        # Orders that somebody placed without an id are the account's too.
        client_order_id=answer.get("cl_ord_id") or f"kraken:{txid}",
        symbol=market["symbol"],
        side=Side(words["type"]),
        type=OrderType.LIMIT if limit else OrderType.MARKET,
        quantity=Decimal(answer["vol"]),
        limit_price=Decimal(words["price"]) if limit else None,
        # Kraken does not tell an IOC limit order from one that rests; the first are over at once.
        time_in_force=_tif(limit, expires_at_ns),
        expires_at_ns=expires_at_ns,
        created_at_ns=seconds_to_ns(answer["opentm"]),
    )
    return Told(
        order=order,
        venue_order_id=txid,
        state=_state(answer["status"], filled),
        filled=filled,
        changed_at_ns=seconds_to_ns(answer.get("closetm") or answer["opentm"]),
        raw=answer,
    )


def _tif(limit: bool, expires_at_ns: int | None) -> TimeInForce:
    if not limit:
        return TimeInForce.IOC
    return TimeInForce.GTC if expires_at_ns is None else TimeInForce.GTD


def _state(status: str, filled: Decimal) -> OrderState:
    match status:
        case "pending" | "open":
            return OrderState.PARTIALLY_FILLED if filled else OrderState.NEW
        case "closed":
            return OrderState.FILLED
        case "canceled":
            return OrderState.CANCELED
        case "expired":
            return OrderState.EXPIRED
    raise VenueError(f"kraken says that an order is {status!r}, which no document of it explains")


def _fill(trade_id: str, trade: Mapping[str, Any], told: Told) -> Fill:
    base, _, quote = told.order.symbol.partition("/")
    in_base = "fcib" in _flags(told.raw)
    return Fill(
        fill_id=trade_id,
        client_order_id=told.order.client_order_id,
        venue="kraken",
        symbol=told.order.symbol,
        side=told.order.side,
        price=Decimal(trade["price"]),
        quantity=Decimal(trade["vol"]),
        fee=Money(Decimal(trade["fee"]), base if in_base else quote),
        liquidity=Liquidity.MAKER if trade.get("maker") else Liquidity.TAKER,
        at_ns=seconds_to_ns(trade["time"]),
    )


def _flags(answer: Mapping[str, Any]) -> Iterable[str]:
    return str(answer.get("oflags") or "").split(",")
