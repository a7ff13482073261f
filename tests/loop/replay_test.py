"""What holds in every replay, from the journal's file alone: of a made-up market, and of a recorded one if there is."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path

import pytest

from tests.loop.replaying import Line, Replayed, replay
from tests.loop.seen_books import SeenBooks

QUORUM = 3
"""Of four guardians."""


@pytest.fixture(scope="module", params=["made-up", "recorded"])
def replayed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    recordings: Path = request.getfixturevalue("made_up" if request.param == "made-up" else "recordings")
    return replay(recordings, tmp_path_factory.mktemp("replay"), seed=7, hash_seed=1)


def by_order(replayed: Replayed) -> dict[str, Line]:
    return {line.facts["order"]: line for line in replayed.of("order")}


def fills_of(replayed: Replayed) -> dict[str, list[Line]]:
    found = defaultdict(list)
    for line in replayed.of("fill"):
        found[line.facts["order"]].append(line)
    return found


def test_something_was_traded(replayed: Replayed) -> None:
    assert len(replayed.of("fill")) >= 3
    assert {line.facts["side"] for line in replayed.of("order")} == {"buy", "sell"}


def test_the_same_seed_writes_the_same_bytes_and_another_does_not(replayed: Replayed, tmp_path: Path) -> None:
    again = replay(replayed.recordings, tmp_path, seed=7, hash_seed=2)
    assert again.content == replayed.content
    assert again.chart == replayed.chart
    assert replay(replayed.recordings, tmp_path, seed=8, hash_seed=1).content != replayed.content


def test_before_each_order_a_quorum_of_guardians_approved_it(replayed: Replayed) -> None:
    approving: dict[str, set[str]] = defaultdict(set)
    approved: Counter[str] = Counter()
    for line in replayed.lines:
        trade = line.facts.get("trade", "")
        if line.kind == "guardian-vote" and line.facts["choice"] == "APPROVE":
            approving[trade].add(line.node)
        elif line.kind == "approved":
            assert len(approving[trade]) >= QUORUM
            assert int(line.facts["signers"]) >= QUORUM
            approved[trade] += 1
        elif line.kind == "order":
            assert approved[trade] == 1, "an order is sent for what was approved, once"


def test_no_order_is_larger_or_dearer_than_what_was_approved(replayed: Replayed) -> None:
    proposals = {line.facts["trade"]: line.facts for line in replayed.of("proposed")}
    filled: dict[str, Fraction] = defaultdict(Fraction)
    orders = by_order(replayed)
    for line in replayed.lines:
        if line.kind == "order":
            proposal, facts = proposals[line.facts["trade"]], line.facts
            assert (facts["symbol"], facts["side"]) == (proposal["symbol"], proposal["side"])
            assert Fraction(facts["quantity"]) + filled[facts["trade"]] <= Fraction(proposal["quantity"])
            worse = Fraction(facts["limit_price"]) - Fraction(proposal["limit_price"])
            assert (worse if facts["side"] == "buy" else -worse) <= 0
        elif line.kind == "fill":
            filled[orders[line.facts["order"]].facts["trade"]] += Fraction(line.facts["quantity"])
    for trade, quantity in filled.items():
        assert 0 < quantity <= Fraction(proposals[trade]["quantity"])


def test_fills_keep_to_their_order_and_its_time(replayed: Replayed) -> None:
    orders, options = by_order(replayed), replayed.report["options"]
    for order_id, fills in fills_of(replayed).items():
        order = orders[order_id]
        assert sum(Fraction(line.facts["quantity"]) for line in fills) <= Fraction(order.facts["quantity"])
        for line in fills:
            worse = Fraction(line.facts["price"]) - Fraction(order.facts["limit_price"])
            assert (worse if order.facts["side"] == "buy" else -worse) <= 0
            assert int(line.facts["traded_ns"]) >= order.at_ns + options["venue_order_ns"]
            assert line.at_ns >= int(line.facts["traded_ns"]) + options["venue_report_ns"]


def test_each_fill_is_at_a_price_that_was_there_for_as_much(replayed: Replayed) -> None:
    books, orders = SeenBooks(replayed.recordings), by_order(replayed)
    late_ns = replayed.report["options"]["feed_most_ns"]
    for order_id, fills in fills_of(replayed).items():
        facts = orders[order_id].facts
        taken: dict[Fraction, Fraction] = defaultdict(Fraction)
        for line in fills:
            taken[Fraction(line.facts["price"])] += Fraction(line.facts["quantity"])
        traded_ns = int(fills[0].facts["traded_ns"])
        seen = books.sides(facts["symbol"], facts["side"], traded_ns - late_ns, traded_ns)
        assert any(all(side.get(price, 0) >= size for price, size in taken.items()) for side in seen)


def test_money_is_conserved_to_the_last_digit(replayed: Replayed) -> None:
    account, options, orders = replayed.report["account"], replayed.report["options"], by_order(replayed)
    cash, fees = Fraction(options["cash"]), Fraction(0)
    held: dict[str, Fraction] = defaultdict(Fraction)
    for line in replayed.of("fill"):
        order = orders[line.facts["order"]].facts
        quantity, price = Fraction(line.facts["quantity"]), Fraction(line.facts["price"])
        signed = quantity if order["side"] == "buy" else -quantity
        held[order["symbol"]] += signed
        cash -= signed * price + Fraction(line.facts["fee"])
        fees += Fraction(line.facts["fee"])
        owed = quantity * price * Fraction(options["taker_fee"])
        assert abs(Fraction(line.facts["fee"]) - owed) <= Fraction(1, 10**8)
    marks = {one["symbol"]: Fraction(one["mark"]) for one in account["positions"]}
    assert {one["symbol"]: Fraction(one["quantity"]) for one in account["positions"]} == held
    assert all(quantity >= 0 for quantity in held.values()), "nothing is sold that is not held"
    equity = cash + sum(quantity * marks[symbol] for symbol, quantity in held.items())
    assert equity == Fraction(account["equity"])
    assert equity - Fraction(options["cash"]) == Fraction(account["pnl"])
    assert fees == Fraction(account["fees"])
    parts = [Fraction(one["realised_pnl"]) + Fraction(one["unrealised_pnl"]) for one in account["positions"]]
    assert sum(parts) == Fraction(account["pnl"])


def test_what_was_filled_was_settled_once_and_attested_or_it_says_why_not(replayed: Replayed) -> None:
    orders = by_order(replayed)
    traded = {orders[line.facts["order"]].facts["trade"] for line in replayed.of("fill")}
    settled = Counter(line.facts["trade"] for line in replayed.of("settled"))
    assert settled == Counter(traded)
    attested = {line.facts["trade"]: line.facts for line in replayed.of("attested")}
    failed = {line.facts["trade"]: line.facts["failure"] for line in replayed.of("attestation-failed")}
    for trade in settled:
        votes = [line for line in replayed.of("validator-vote") if line.facts["trade"] == trade]
        if trade in attested:
            assert int(attested[trade]["signers"]) >= QUORUM
            assert sum(line.facts["choice"] == attested[trade]["choice"] for line in votes) >= QUORUM
        else:
            assert failed.get(trade) or any(line.facts["details"] for line in votes)
    assert sum(facts["choice"] == "APPROVE" for facts in attested.values()) >= len(settled) - 1


def test_the_report_follows_from_the_journal(replayed: Replayed) -> None:
    report = replayed.report
    trades = report["trades"]
    counts = Counter(line.kind for line in replayed.lines)
    assert report["journal"]["entries"] == len(replayed.lines)
    told = {"proposed": "proposed", "approved": "approved", "orders": "order", "fills": "fill", "settled": "settled"}
    assert {name: trades[name] for name in told} == {name: counts[kind] for name, kind in told.items()}
    for votes, kind in (("guardians", "guardian-vote"), ("validators", "validator-vote")):
        assert report["votes"][votes] == Counter(line.facts["choice"] for line in replayed.of(kind))
    decisions = {(line.facts["symbol"], line.facts["round"]): line.facts for line in replayed.of("agreed")}
    directions = Counter(facts["direction"] or "NO SIGNAL" for facts in decisions.values())
    assert report["signals"]["by_direction"] == directions
    assert report["signals"]["rounds"] == len(decisions)
    first: dict[str, Line] = {}
    for line in replayed.of("approved"):
        first.setdefault(line.facts["trade"], line)
    proposed = {line.facts["trade"]: line.at_ns for line in replayed.of("proposed")}
    took = sorted(line.at_ns - proposed[trade] for trade, line in first.items())
    stage = next(one for one in report["latencies"] if one["stage"] == "proposed → approved")
    assert (stage["count"], stage["most_ms"]) == (len(took), took[-1] / 1_000_000)
    assert stage["p50_ms"] == took[(len(took) + 1) // 2 - 1] / 1_000_000
