"""For tests: Kraken's spot rules, as "Kraken API Center" publishes its requests and answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from noderr.exchanges.ccxt_testing import T0, Answer, Books, Listed, Request

# "Spot REST Authentication", the example under "Setting the API-Sign Parameter": nobody's real key.
SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="  # noqa: S105
EXAMPLE_NONCE = "1616492376594"
EXAMPLE = "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
EXAMPLE_PATH = "/0/private/AddOrder"
EXAMPLE_SIGNATURE = "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
API_KEY = "API-KEY-OF-NOBODY"

_STATUS = {"open": "open", "filled": "closed", "canceled": "canceled", "expired": "expired"}
_T0_SECONDS = T0 // 10**9


def signature(path: str, body: str) -> str:
    """HMAC-SHA512 of (URI path + SHA256(nonce + POST data)) and the base64 decoded secret."""
    digest = hashlib.sha256((parse_qs(body)["nonce"][0] + body).encode()).digest()
    return base64.b64encode(
        hmac.new(base64.b64decode(SECRET), path.encode() + digest, hashlib.sha512).digest()
    ).decode()


class KrakenServer(Books):
    name, create_path, symbol = "kraken", "AddOrder", "BTC/USD"

    def __init__(self) -> None:
        super().__init__()
        self._last_nonce = 0

    def urls(self, base: str) -> Mapping[str, str]:
        return {"public": base, "private": base}

    def answer(self, request: Request) -> Answer:
        said = self._said(request)
        return 200, {"error": [said]} if isinstance(said, str) else {"error": [], "result": said}

    def _said(self, request: Request) -> str | dict[str, Any]:  # noqa: PLR0911, PLR0912 (one for each endpoint)
        match request.path:
            case "/0/public/Assets":
                return _ASSETS
            case "/0/public/AssetPairs":
                return {"XXBTZUSD": _pair("XBT", "XXBT", 1, "0.1"), "LTCUSD": _pair("LTC", "XLTC", 2, "0.01")}
        values, headers = request.values, request.headers
        if headers.get("api-key") != API_KEY:
            return "EAPI:Invalid key"
        if headers.get("api-sign") != signature(request.path, request.body):
            return "EAPI:Invalid signature"
        if int(values["nonce"]) <= self._last_nonce:
            return "EAPI:Invalid nonce"
        self._last_nonce = int(values["nonce"])
        match request.path.removeprefix("/0/private/"):
            case "AddOrder":
                return self._create(values)
            case "CancelOrder":
                return self._cancel(values)
            case "OpenOrders":
                return {"open": self._listed(values, ("open",))}
            case "ClosedOrders":
                found = self._listed(values, ("filled", "canceled", "expired"))
                return {"closed": found, "count": len(found)}
            case "QueryOrders":
                return {_txid(one): _order(one) for one in self.orders if _txid(one) == values["txid"]}
            case "QueryTrades":
                asked = values["txid"].split(",")
                assert len(asked) <= 20
                return {one: self._trade(one) for one in asked}
            case "TradeVolume":
                return {
                    "currency": "ZUSD",
                    "volume": "200709587.4223",
                    "fees": {"XXBTZUSD": {"fee": "0.1000"}},
                    "fees_maker": {"XXBTZUSD": {"fee": "0.0200"}},
                }
            case "BalanceEx":
                return {"ZUSD": {"balance": "25435.21", "hold_trade": "8249.76"}, "ETH.S": {"balance": "1.5"}}
        raise AssertionError(f"{request.path} is not among these rules")

    def _create(self, values: Mapping[str, str]) -> str | dict[str, Any]:
        if values["pair"] != "XXBTZUSD":
            return "EQuery:Unknown asset pair"
        assert values["oflags"].split(",")[0] == "fciq"
        assert values["deadline"].endswith("Z")
        if self.open_order(values["cl_ord_id"]):
            return "EOrder:Duplicate cl_ord_id"
        price = Decimal(values["price"]) if "price" in values else None
        quantity = Decimal(values["volume"])
        if quantity > 100:
            return "EOrder:Insufficient funds"
        if price is not None and price * quantity < 5:
            return "EOrder:Order minimum not met"
        if "post" in values["oflags"] and price is not None and price > 50000:
            return "EOrder:Post only order"
        made = Listed(
            number=1 + len(self.orders),
            client_id=values["cl_ord_id"],
            side=values["type"],
            kind=values["ordertype"],
            tif=values.get("timeinforce", "GTC"),
            quantity=quantity,
            price=price,
            expires=values.get("expiretm", "0"),
        )
        self.orders.append(made)
        return {"descr": {"order": _words(made)}, "txid": [_txid(made)]}

    def _cancel(self, values: Mapping[str, str]) -> str | dict[str, Any]:
        if (found := self.open_order(values["cl_ord_id"])) is None:
            return "EOrder:Unknown order"
        found.status = "canceled"
        return {"count": 1}

    def _listed(self, values: Mapping[str, str], states: tuple[str, ...]) -> dict[str, Any]:
        asked = values.get("cl_ord_id")
        mine = [one for one in self.orders if one.status in states and asked in (None, one.client_id)]
        return {_txid(one): _order(one) for one in mine}

    def _trade(self, trade_id: str) -> dict[str, Any]:
        for one in self.orders:
            for number, price, quantity in one.trades:
                if _trade_id(number) == trade_id:
                    return {
                        "ordertxid": _txid(one),
                        "postxid": "TKH2SE-M7IF5-CFI7LT",
                        "pair": "XXBTZUSD",
                        "time": float(_T0_SECONDS) + number / 1000,
                        "type": one.side,
                        "ordertype": one.kind,
                        "price": str(price),
                        "cost": str(price * quantity),
                        "fee": "0.26000",
                        "vol": str(quantity),
                        "margin": "0.00000",
                        "misc": "",
                        "maker": True,
                    }
        raise AssertionError(f"nobody can know of the trade {trade_id}")


def _txid(one: Listed) -> str:
    return f"OQCLML-BW3P3-{one.number:06d}"


def _trade_id(number: int) -> str:
    return f"TCCCTY-WE2O6-{number:06d}"


def _words(one: Listed) -> str:
    return f"{one.side} {one.quantity} XBTUSD @ {one.kind} {one.price or ''}".strip()


def _order(one: Listed) -> dict[str, Any]:
    ended = {} if one.status == "open" else {"closetm": _T0_SECONDS + 2.5, "reason": None}
    return ended | {
        "refid": None,
        "userref": 0,
        **({"cl_ord_id": one.client_id} if one.client_id else {}),
        "status": _STATUS[one.status],
        "opentm": _T0_SECONDS + 0.0078,
        "starttm": 0,
        "expiretm": int(one.expires),
        "descr": {
            "pair": "XBTUSD",
            "type": one.side,
            "ordertype": one.kind,
            "price": str(one.price or "0"),
            "price2": "0",
            "leverage": "none",
            "order": _words(one),
            "close": "",
        },
        "vol": str(one.quantity),
        "vol_exec": str(one.filled),
        "cost": "0.0",
        "fee": "0.0",
        "price": "0.0",
        "stopprice": "0.00000",
        "limitprice": "0.00000",
        "misc": "",
        "oflags": "fciq",
        "trades": [_trade_id(number) for number, _, _ in one.trades],
    }


_ASSETS = {
    name: {"aclass": "currency", "altname": alt, "decimals": digits, "display_decimals": 5, "status": "enabled"}
    for name, alt, digits in (("XXBT", "XBT", 10), ("ZUSD", "USD", 4), ("XLTC", "LTC", 10))
}


def _pair(alt: str, base: str, price_digits: int, tick: str) -> dict[str, Any]:
    return {
        "altname": f"{alt}USD",
        "wsname": f"{alt}/USD",
        "aclass_base": "currency",
        "base": base,
        "aclass_quote": "currency",
        "quote": "ZUSD",
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": price_digits,
        "lot_decimals": 8,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, 0.26], [50000, 0.24]],
        "fees_maker": [[0, 0.16], [50000, 0.14]],
        "fee_volume_currency": "ZUSD",
        "ordermin": "0.00005",
        "costmin": "0.5",
        "tick_size": tick,
        "status": "online",
    }
