"""For tests: Binance's spot rules, as "Binance Spot API Docs" publishes its requests and answers."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from noderr.exchanges.ccxt_testing import T0, Answer, Books, Listed, Request

# "Binance Spot API Docs", Request Security, "SIGNED Endpoint Examples for POST /api/v3/order": nobody's real key.
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105
EXAMPLE = (
    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
)
EXAMPLE_SIGNATURE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"

_STATUS = {"open": "NEW", "filled": "FILLED", "canceled": "CANCELED", "expired": "EXPIRED"}


def signature(said: str) -> str:
    """HMAC SHA256 over the query and the body."""
    return hmac.new(SECRET.encode(), said.encode(), hashlib.sha256).hexdigest()


class BinanceServer(Books):
    name, create_path, symbol = "binance", "order", "BTC/USDT"

    def urls(self, base: str) -> Mapping[str, str]:
        return dict.fromkeys(("public", "private"), f"{base}/api/v3")

    def answer(self, request: Request) -> Answer:  # noqa: PLR0911 (one return for each endpoint)
        if request.path == "/api/v3/exchangeInfo":
            return 200, _EXCHANGE_INFO
        said, _, sent = (request.query + request.body).rpartition("&signature=")
        if request.headers.get("x-mbx-apikey") != API_KEY:
            return 400, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
        if sent != signature(said):
            return 400, {"code": -1022, "msg": "Signature for this request is not valid."}
        values = request.values
        if not 0 < int(values["recvWindow"]) <= 60000 or int(values["timestamp"]) < T0 // 10**6:
            return 400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
        match request.method, request.path.removeprefix("/api/v3/"):
            case "POST", "order":
                return self._create(values)
            case "GET", "order":
                found = self._find(values)
                return (200, _order(found)) if found else (400, {"code": -2013, "msg": "Order does not exist."})
            case "DELETE", "order":
                return self._cancel(values)
            case "GET", "openOrders":
                return 200, [_order(one) for one in self.orders if one.status == "open"]
            case "GET", "myTrades":
                return 200, self._trades(values)
            case "GET", "account/commission":
                return 200, _COMMISSION
            case "GET", "account":
                return 200, {"balances": [{"asset": "BTC", "free": "4723846.89208129", "locked": "0.10000000"}]}
        raise AssertionError(f"{request.method} {request.path} is not among these rules")

    def _create(self, values: Mapping[str, str]) -> Answer:
        if values["symbol"] != "BTCUSDT":
            return 400, {"code": -1121, "msg": "Invalid symbol."}
        if self.open_order(values["newClientOrderId"]):
            return 400, {"code": -2010, "msg": "Duplicate order sent."}
        price = Decimal(values["price"]) if "price" in values else None
        quantity = Decimal(values["quantity"])
        if quantity > 100:
            return 400, {"code": -2010, "msg": "Account has insufficient balance for requested action."}
        if price is not None and price * quantity < 5:
            return 400, {"code": -1013, "msg": "Filter failure: NOTIONAL"}
        if values["type"] == "LIMIT_MAKER" and price is not None and price > 50000:
            return 400, {"code": -2010, "msg": "Order would immediately match and take."}
        made = Listed(
            number=28 + len(self.orders),
            client_id=values["newClientOrderId"],
            side=values["side"],
            kind=values["type"],
            tif=values.get("timeInForce", "GTC"),
            quantity=quantity,
            price=price,
        )
        self.orders.append(made)
        return 200, {**_order(made), "transactTime": T0 // 10**6 + 5, "fills": []}

    def _find(self, values: Mapping[str, str]) -> Listed | None:
        mine = (str(values.get("orderId")), values.get("origClientOrderId"))
        found = [one for one in self.orders if str(one.number) == mine[0] or one.client_id == mine[1]]
        return found[-1] if found else None

    def _cancel(self, values: Mapping[str, str]) -> Answer:
        found = self._find(values)
        if found is None or found.status != "open":
            return 400, {"code": -2011, "msg": "Unknown order sent."}
        found.status = "canceled"
        return 200, {**_order(found), "origClientOrderId": found.client_id, "clientOrderId": "cancelMyOrder1"}

    def _trades(self, values: Mapping[str, str]) -> list[dict[str, Any]]:
        first, most = int(values.get("fromId", "0")), int(values["limit"])
        found = next(one for one in self.orders if str(one.number) == values["orderId"])
        return [
            {
                "symbol": "BTCUSDT",
                "id": number,
                "orderId": found.number,
                "orderListId": -1,
                "price": str(price),
                "qty": str(quantity),
                "quoteQty": str(price * quantity),
                "commission": "0.00010100",
                "commissionAsset": "BNB",
                "time": T0 // 10**6 + number,
                "isBuyer": found.side == "BUY",
                "isMaker": False,
                "isBestMatch": True,
            }
            for number, price, quantity in found.trades
            if number >= first
        ][:most]


def _order(one: Listed) -> dict[str, Any]:
    status = "PARTIALLY_FILLED" if one.status == "open" and one.filled else _STATUS[one.status]
    return {
        "symbol": "BTCUSDT",
        "orderId": one.number,
        "orderListId": -1,
        "clientOrderId": one.client_id,
        "price": str(one.price or "0.00000000"),
        "origQty": str(one.quantity),
        "executedQty": str(one.filled),
        "cummulativeQuoteQty": str(sum((price * quantity for _, price, quantity in one.trades), Decimal(0))),
        "status": status,
        "timeInForce": one.tif,
        "type": one.kind,
        "side": one.side,
        "stopPrice": "0.0",
        "icebergQty": "0.0",
        "time": T0 // 10**6 + 5,
        "updateTime": T0 // 10**6 + 2000,
        "isWorking": True,
        "workingTime": T0 // 10**6 + 5,
        "origQuoteOrderQty": "0.000000",
        "selfTradePreventionMode": "NONE",
    }


_COMMISSION = {
    "symbol": "BTCUSDT",
    "standardCommission": {"maker": "0.00000010", "taker": "0.00000020", "buyer": "0.00000030", "seller": "0.00000040"},
    "specialCommission": {"maker": "0.01000000", "taker": "0.02000000", "buyer": "0.03000000", "seller": "0.04000000"},
    "taxCommission": {"maker": "0.00000112", "taker": "0.00000114", "buyer": "0.00000118", "seller": "0.00000116"},
    "discount": {
        "enabledForAccount": True,
        "enabledForSymbol": True,
        "discountAsset": "BNB",
        "discount": "0.75000000",
    },
}


def _symbol(base: str, tick: str) -> dict[str, Any]:
    return {
        "symbol": f"{base}USDT",
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": "USDT",
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
            # Less than the server asks for: a minimum that was raised since the markets were read.
            {"filterType": "NOTIONAL", "minNotional": "1.00000000", "applyMinToMarket": True, "avgPriceMins": 5},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


_EXCHANGE_INFO = {
    "timezone": "UTC",
    "serverTime": T0 // 10**6,
    "rateLimits": [],
    # The second was taken off the list since the markets were read.
    "symbols": [_symbol("BTC", "0.01000000"), _symbol("LTC", "0.00100000")],
}
