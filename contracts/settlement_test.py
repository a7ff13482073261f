"""A trade settles once, for its executor, with both certificates; whatever is changed reverts with its own reason."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from contracts.deployment import ADMIN
from contracts.evm import NOW_S, Evm, Reverted
from contracts.settlement import CONTRACT, SettlementChain, deploy_settlement, settle_arguments
from contracts.trades import (
    EPOCHS,
    EXECUTOR,
    EXPIRES_S,
    KEYS,
    TRADE,
    Story,
    call_refused,
    refused,
    text,
    trading_chain,
    voters,
)
from noderr.types.consensus import Choice
from noderr.types.consensus.certificate_reference import CERTIFICATE_TYPE, CertificateReference
from noderr.types.consensus.execution import EXECUTION_TYPE, ExecutionReport
from noderr.types.consensus.trade_proposal import TRADE_PROPOSAL_TYPE
from noderr.types.signing.account_key import AccountKey
from noderr.validator_consensus.checks import PASSED, CheckStatus, ExecutionEvidence
from noderr.validator_consensus.execution_testing import FILL, ORDER
from noderr.validator_consensus.settlement import SETTLED_TOPIC, SettlementCheck, SettlementLog

OUTSIDER = AccountKey(b"\x77" * 32)
OTHER = b"\xee" * 32
ZERO = bytes(32)


@pytest.fixture
def chain() -> SettlementChain:
    """Four voters in each tier."""
    return trading_chain()


async def test_a_trade_settles_and_validators_find_it(chain: SettlementChain) -> None:
    trade = Story(domain=chain.domain).trade()
    receipt = chain.settle(EXECUTOR, trade, NOW_S + 3)
    digest = trade.execution.digest
    assert receipt.logs == (SettlementLog(chain.address, (SETTLED_TOPIC, TRADE, digest)),)
    assert (receipt.succeeded, receipt.to, receipt.finalised) == (True, chain.address, True)
    assert chain.contract.read("executionOf", TRADE) == digest
    report = ExecutionReport(epoch=1, round=7, execution=trade.execution, settlement_transaction=receipt.transaction)
    check, evidence = SettlementCheck(chain, chain.address), ExecutionEvidence()
    assert await check.evaluate(report, evidence) == PASSED
    fewer = copy.replace(report, execution=copy.replace(trade.execution, fills=(FILL,)))
    assert (await check.evaluate(fewer, evidence)).status is CheckStatus.FAILED
    unknown = copy.replace(report, settlement_transaction=OTHER)
    assert (await check.evaluate(unknown, evidence)).status is CheckStatus.INSUFFICIENT


def test_a_trade_settles_once(chain: SettlementChain) -> None:
    trade = Story(domain=chain.domain).trade()
    chain.settle(EXECUTOR, trade, NOW_S)
    settled = ("AlreadySettled", TRADE, trade.execution.digest)
    assert refused(chain, trade) == settled
    fewer = Story(domain=chain.domain, execution={"fills": (FILL,)}).trade()
    assert refused(chain, fewer) == settled
    by_another = Story(domain=chain.domain, executor=KEYS[1]).trade()
    assert refused(chain, by_another, KEYS[1]) == settled
    # Another trade because of the same signal is another trade.
    second = Story(domain=chain.domain, proposal={"id": OTHER}, execution={"trade_id": OTHER}).trade()
    assert chain.settle(EXECUTOR, second, NOW_S).logs[0].topics[1:] == (OTHER, second.execution.digest)


def test_only_its_executor_settles_it(chain: SettlementChain) -> None:
    trade = Story(domain=chain.domain).trade()
    theirs = Story(domain=chain.domain, executor=KEYS[1]).trade()
    assert refused(chain, trade, KEYS[1]) == ("WrongExecution", theirs.execution.digest, trade.execution.digest)
    assert refused(chain, theirs, EXECUTOR) == ("WrongExecution", trade.execution.digest, theirs.execution.digest)


def test_only_validators_of_the_current_epoch_settle(chain: SettlementChain) -> None:
    by_outsider = Story(domain=chain.domain, executor=OUTSIDER).trade()
    assert refused(chain, by_outsider, OUTSIDER) == ("NotAValidator", text(OUTSIDER.address), True, EPOCHS[1])
    trade = Story(domain=chain.domain).trade()
    chain.deployment.publish(voters(1, [OUTSIDER], EPOCHS[1] + 1))
    assert refused(chain, trade) == ("NotAValidator", text(EXECUTOR.address), True, EPOCHS[1] + 1)
    chain.settle(OUTSIDER, by_outsider, NOW_S)


def test_where_no_validators_are_published_nobody_settles() -> None:
    bare = deploy_settlement([voters(3), voters(2)], now_s=NOW_S)
    trade = Story(domain=bare.domain).trade()
    assert refused(bare, trade) == ("NotAValidator", text(EXECUTOR.address), False, 0)


@pytest.mark.parametrize("choice", [Choice.REJECT, Choice.ABSTAIN])
@pytest.mark.parametrize(("tier", "who"), [(3, "oracles"), (2, "guardians")])
def test_both_tiers_approve(chain: SettlementChain, tier: int, who: str, choice: Choice) -> None:
    trade = Story(domain=chain.domain, **{who: {"choice": choice}}).trade()  # type: ignore[arg-type]
    assert refused(chain, trade) == ("NotApproved", tier, choice)


def test_each_certificate_is_of_its_tier(chain: SettlementChain) -> None:
    trade = Story(domain=chain.domain).trade()
    swapped = copy.replace(trade, oracles=trade.guardians, guardians=trade.oracles)
    assert refused(chain, swapped) == ("WrongTier", 2, 3)
    assert refused(chain, copy.replace(trade, guardians=trade.oracles)) == ("WrongTier", 3, 2)
    validators = Story(domain=chain.domain, guardians={"tier": 1, "epoch": EPOCHS[1]}).trade()
    assert refused(chain, validators) == ("WrongTier", 1, 2)


def test_the_guardians_round_was_about_this_trade(chain: SettlementChain) -> None:
    trade = Story(domain=chain.domain, guardians={"topic": OTHER}).trade()
    assert refused(chain, trade) == ("WrongTrade", OTHER, TRADE)


@pytest.mark.parametrize(
    "story",
    [
        {"proposal": {"snapshot": OTHER}},
        {"proposal": {"ruleset": OTHER}},
        {"proposal": {"expires_at_s": EXPIRES_S + 1}},
        {"proposal": {"order": copy.replace(ORDER, client_order_id="a-2")}},
        {"oracles": {"topic": OTHER}},
        {"oracles": {"subject": OTHER}},
        {"oracles": {"round": 4}},
        {"oracles": {"epoch": 88}},
        {"guardians": {"round": 6}},
        {"guardians": {"epoch": 99}},
        {"guardians": {"subject": OTHER}},
    ],
)
def test_the_proposal_is_for_this_round_and_because_of_this_signal(
    chain: SettlementChain, story: dict[str, Any]
) -> None:
    honest = Story(domain=chain.domain).trade()
    # Everything is as in the story but the approved proposal, or the part of it that the executor hands over.
    subject = story.get("guardians", {}).get("subject", honest.proposal.digest)
    told = story | {"guardians": story.get("guardians", {}) | {"subject": subject}}
    if "order" in story.get("proposal", {}):
        told["execution"] = story["proposal"]
    trade = Story(domain=chain.domain, **told).trade()
    name, made, approved = refused(chain, trade)
    assert (name, approved) == ("WrongProposal", subject)
    assert made != approved


def test_a_proposal_that_names_another_signal_is_no_ground(chain: SettlementChain) -> None:
    honest = Story(domain=chain.domain).trade()
    signal = copy.replace(honest.proposal.signal, round=4)
    trade = Story(domain=chain.domain, proposal={"signal": signal}).trade()
    assert refused(chain, trade) == ("WrongProposal", honest.proposal.digest, trade.proposal.digest)


def test_the_execution_is_of_this_proposal_and_pins_these_certificates(chain: SettlementChain) -> None:
    honest = Story(domain=chain.domain).trade()
    lies: list[dict[str, Any]] = [{"proposal": OTHER}]
    for who in ("oracles", "guardians"):
        reference: CertificateReference = getattr(honest.execution, who)
        fields: dict[str, Any] = {"epoch": 99, "round": 99, "topic": OTHER, "certificate": OTHER}
        lies += [{who: copy.replace(reference, **{name: value})} for name, value in fields.items()]
    for lie in lies:
        trade = Story(domain=chain.domain, execution=lie).trade()
        assert refused(chain, trade) == ("WrongExecution", honest.execution.digest, trade.execution.digest)
    # A quorum of other signers is another certificate.
    for who in ("oracles", "guardians"):
        others = Story(domain=chain.domain, **{f"{who.removesuffix('s')}_signers": KEYS[1:]}).trade()  # type: ignore[arg-type]
        mixed = copy.replace(honest, **{who: getattr(others, who)})
        assert refused(chain, mixed) == ("WrongExecution", others.execution.digest, honest.execution.digest)


def test_what_is_claimed_is_what_the_parts_make(chain: SettlementChain) -> None:
    trade = Story(domain=chain.domain).trade()
    oracles, guardians, trade_id, execution, parts = settle_arguments(trade)
    assert call_refused(chain, oracles, guardians, trade_id, OTHER, parts) == ("WrongExecution", execution, OTHER)
    assert call_refused(chain, oracles, guardians, trade_id, ZERO, parts) == ("WrongExecution", execution, ZERO)
    assert call_refused(chain, oracles, guardians, OTHER, execution, parts) == ("WrongTrade", TRADE, OTHER)
    order, fills, snapshot, ruleset, expires = parts
    for changed in (
        (OTHER, fills, snapshot, ruleset, expires),
        (order, fills, OTHER, ruleset, expires),
        (order, fills, snapshot, OTHER, expires),
        (order, fills, snapshot, ruleset, expires + 1),
    ):
        assert call_refused(chain, oracles, guardians, trade_id, execution, changed)[0] == "WrongProposal"
    other_fills = (order, OTHER, snapshot, ruleset, expires)
    assert call_refused(chain, oracles, guardians, trade_id, execution, other_fills)[0] == "WrongExecution"


def test_it_needs_a_verifier() -> None:
    with pytest.raises(Reverted, match="NotAVerifier"):
        Evm().deploy(CONTRACT, b"\x12" * 20, sender=ADMIN)


def test_the_types_are_pythons(chain: SettlementChain) -> None:
    assert chain.contract.read("CERTIFICATE_TYPE_HASH") == CERTIFICATE_TYPE.type_hash
    assert chain.contract.read("PROPOSAL_TYPE_HASH") == TRADE_PROPOSAL_TYPE.type_hash
    assert chain.contract.read("EXECUTION_TYPE_HASH") == EXECUTION_TYPE.type_hash
    assert chain.contract.read("verifier") == text(chain.deployment.verifier.address)
    assert chain.contract.read("registry") == text(chain.deployment.registry.address)


def test_it_has_nothing_to_own(chain: SettlementChain) -> None:
    functions = chain.contract.artifact.functions
    assert [name for name, function in functions.items() if not function.reads_only] == ["settle"]


def test_the_same_story_gives_the_same_bytes_twice() -> None:
    chains = [trading_chain(), trading_chain()]
    receipts = [one.settle(EXECUTOR, Story(domain=one.domain).trade(), NOW_S + 3) for one in chains]
    assert receipts[0] == receipts[1]
    # In another process too: this is where the third contract that ADMIN deploys stands.
    assert text(chains[0].address) == "0xddd511f772b5dbcbc5d62b539d3a69022d200590"
