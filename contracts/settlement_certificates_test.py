"""What the verifier says of a certificate is what the settlement contract says of a trade with it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from contracts.deployment import ADMIN
from contracts.evm import NOW_S, Reverted
from contracts.settlement import SettlementChain
from contracts.spoiling import with_part
from contracts.trades import EPOCHS, EXECUTOR, EXPIRES_S, KEYS, Story, refused, text, trading_chain
from noderr.types.consensus.certificate_reference import CertificateReference
from noderr.types.signing.account_key import AccountKey

OUTSIDER = AccountKey(b"\x77" * 32)


@pytest.fixture
def chain() -> SettlementChain:
    """Four voters in each tier."""
    return trading_chain()


@pytest.mark.parametrize(("tier", "who", "signers"), [(3, "oracles", "oracle"), (2, "guardians", "guardian")])
def test_the_verifiers_reasons_pass_through(chain: SettlementChain, tier: int, who: str, signers: str) -> None:
    def told(**story: Any) -> tuple[Any, ...]:
        return refused(chain, Story(domain=chain.domain, **story).trade())

    assert told(**{who: {"expires_at_s": NOW_S - 1}}) == ("Expired", NOW_S - 1, NOW_S)
    assert told(**{f"{signers}_signers": KEYS[:2]}) == ("NoQuorum", 20, 40)
    with_outsider = sorted([*KEYS, OUTSIDER], key=lambda key: key.address)
    place = with_outsider.index(OUTSIDER)
    assert told(**{f"{signers}_signers": with_outsider}) == ("NotAMember", place, text(OUTSIDER.address))
    # Epoch and proposal agree, so that only the verifier finds it.
    newer = {who: {"epoch": EPOCHS[tier] + 1}} | ({"proposal": {"epoch": EPOCHS[2] + 1}} if tier == 2 else {})
    assert told(**newer) == ("WrongEpoch", tier, EPOCHS[tier] + 1, True, EPOCHS[tier])
    elsewhere = copy.replace(chain.domain, chain_id=1)
    name, index, voter = refused(chain, Story(domain=elsewhere).trade())
    assert (name, index, voter) == ("BadSignature", 0, text(KEYS[0].address))
    chain.deployment.registry.send(ADMIN, "pause")
    assert told() == ("RegistryPaused",)


@pytest.mark.parametrize("who", ["oracles", "guardians"])
def test_no_signature_can_be_changed(chain: SettlementChain, who: str) -> None:
    honest = Story(domain=chain.domain).trade()
    changed = with_part(getattr(honest, who), 1, codes=1)
    spoiled = Story(domain=chain.domain, execution={who: CertificateReference.of(changed)}).trade()
    both: dict[str, Any] = {who: changed}
    trade = copy.replace(spoiled, **both)
    assert refused(chain, trade) == ("BadSignature", 1, text(KEYS[1].address))


def test_it_settles_until_the_certificates_expire(chain: SettlementChain) -> None:
    trade = Story(domain=chain.domain).trade()
    with pytest.raises(Reverted, match="Expired"):
        chain.settle(EXECUTOR, trade, EXPIRES_S + 1)
    assert chain.settle(EXECUTOR, trade, EXPIRES_S).succeeded
