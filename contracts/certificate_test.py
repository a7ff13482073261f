"""A certificate from Python passes; every way to spoil it reverts with its own reason, which is Python's too."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from contracts.deployment import ADMIN, TIER, Deployment, account_keys, certificate_of, deploy, vote, voter_set
from contracts.evm import Evm, Reverted
from contracts.spoiling import ORDER, high_s, with_part, with_signature
from contracts.verdicts import certificate_tuple, contract_certificate, python_certificate
from noderr.types.consensus import Certificate, Choice, Vote, VoterSet, make_certificate, sign
from noderr.types.signing.account_key import AccountKey

EPOCH = 9
WEIGHTS = (7, 11, 13, 17)
KEYS = account_keys(4)
OUTSIDER = AccountKey(b"\x77" * 32)
VOTERS = voter_set(KEYS, WEIGHTS, EPOCH)
NOW_S = Evm().now_s
VOTE = vote(EPOCH, NOW_S + 60)


@pytest.fixture
def chain() -> Deployment:
    """With an epoch of four voters."""
    deployment = deploy()
    deployment.publish(VOTERS)
    return deployment


def signed_by(chain: Deployment, keys: Sequence[AccountKey] = KEYS, said: Vote = VOTE) -> Certificate:
    return certificate_of(keys, said, chain.domain)


def refused(chain: Deployment, certificate: Certificate, voters: VoterSet = VOTERS) -> tuple[Any, ...]:
    """The contract's error, which is Python's reason."""
    with pytest.raises(Reverted) as caught:
        chain.verifier.read("verify", certificate_tuple(certificate))
    assert python_certificate(chain, voters, certificate) == caught.value.name
    return (caught.value.name, *caught.value.arguments)


def text(address: bytes) -> str:
    return f"0x{address.hex()}"


@pytest.mark.parametrize("choice", Choice)
def test_a_certificate_from_python_passes(chain: Deployment, choice: Choice) -> None:
    certificate = signed_by(chain, KEYS[1:], copy.replace(VOTE, choice=choice))
    assert contract_certificate(chain, certificate) == 11 + 13 + 17
    assert python_certificate(chain, VOTERS, certificate) == 11 + 13 + 17


def test_each_voter_signs_its_own_codes(chain: Deployment) -> None:
    said = [sign(copy.replace(VOTE, codes=n), key, chain.domain) for n, key in enumerate(KEYS, 2**32 - 4)]
    certificate = make_certificate(said)
    assert contract_certificate(chain, certificate) == python_certificate(chain, VOTERS, certificate) == 48


def test_the_digest_is_what_python_signs(chain: Deployment) -> None:
    _, name, version, chain_id, contract, _, _ = chain.verifier.read("eip712Domain")
    domain = chain.domain
    assert (name, version, chain_id, contract) == ("NodeOS", "1", domain.chain_id, text(domain.verifying_contract))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("round", 6),
        ("topic", b"\3" * 32),
        ("subject", b"\3" * 32),
        ("choice", Choice.REJECT),
        ("expires_at_s", NOW_S + 61),
    ],
)
def test_no_field_can_be_changed(chain: Deployment, field: str, value: Any) -> None:
    changed = copy.replace(signed_by(chain), **{field: value})
    assert refused(chain, changed) == ("BadSignature", 0, text(KEYS[0].address))


def test_codes_cannot_be_changed(chain: Deployment) -> None:
    assert refused(chain, with_part(signed_by(chain), 2, codes=1)) == ("BadSignature", 2, text(KEYS[2].address))


@pytest.mark.parametrize("choice", [0, 4, 255])
def test_a_choice_that_is_none_is_malformed(chain: Deployment, choice: int) -> None:
    changed = copy.replace(signed_by(chain), choice=choice)  # type: ignore[arg-type]  # what bytes may hold
    assert refused(chain, changed) == ("Malformed", "choice", choice)


@pytest.mark.parametrize("tier", [0, 1, 2, 4])
def test_another_tier_has_other_voters(chain: Deployment, tier: int) -> None:
    changed = copy.replace(signed_by(chain), tier=tier)
    assert refused(chain, changed) == ("WrongEpoch", tier, EPOCH, False, 0)


@pytest.mark.parametrize("epoch", [0, EPOCH - 1, EPOCH + 1, 2**64 - 1])
def test_another_epoch_has_other_voters(chain: Deployment, epoch: int) -> None:
    changed = copy.replace(signed_by(chain), epoch=epoch)
    assert refused(chain, changed) == ("WrongEpoch", TIER, epoch, True, EPOCH)


def test_who_voted_in_an_older_epoch_proves_nothing_now(chain: Deployment) -> None:
    newer = voter_set(KEYS[:1], [1], EPOCH + 1)
    chain.publish(newer)
    assert refused(chain, signed_by(chain), newer) == ("WrongEpoch", TIER, EPOCH, True, EPOCH + 1)


def test_a_certificate_holds_to_its_last_second(chain: Deployment) -> None:
    certificate = signed_by(chain)
    chain.evm.now_s = VOTE.expires_at_s
    assert contract_certificate(chain, certificate) == 48
    chain.evm.now_s += 1
    assert refused(chain, certificate) == ("Expired", VOTE.expires_at_s, VOTE.expires_at_s + 1)


def test_one_voter_counts_once(chain: Deployment) -> None:
    certificate = signed_by(chain)
    one = certificate.signatures[1]
    assert refused(chain, copy.replace(certificate, signatures=(one, one))) == (
        "Duplicate",
        1,
        text(one.voter),
    )


def test_voters_ascend(chain: Deployment) -> None:
    certificate = signed_by(chain)
    first, second, third, fourth = certificate.signatures
    swapped = copy.replace(certificate, signatures=(first, third, second, fourth))
    assert refused(chain, swapped) == ("Duplicate", 2, text(second.voter))


def test_an_outsider_spoils_a_quorum(chain: Deployment) -> None:
    certificate = signed_by(chain, [*KEYS, OUTSIDER])
    place = [part.voter for part in certificate.signatures].index(OUTSIDER.address)
    assert refused(chain, certificate) == ("NotAMember", place, text(OUTSIDER.address))


def test_a_voter_cannot_be_named_who_did_not_sign(chain: Deployment) -> None:
    certificate = signed_by(chain, KEYS[:3])
    assert refused(chain, with_part(certificate, 2, voter=KEYS[3].address)) == (
        "BadSignature",
        2,
        text(KEYS[3].address),
    )


def _flip(position: int) -> Callable[[bytes], bytes]:
    return lambda signature: (signature[:position] + bytes([signature[position] ^ 1]) + signature[position + 1 :])


@pytest.mark.parametrize(
    "spoil",
    [
        *(pytest.param(_flip(position), id=f"byte {position}") for position in (0, 15, 31, 32, 47, 63)),
        pytest.param(lambda s: s[:64] + bytes([55 - s[64]]), id="the other v"),
        *(pytest.param(lambda s, v=v: s[:64] + bytes([v]), id=f"v {v}") for v in (0, 1, 26, 29, 255)),
        pytest.param(high_s, id="high s"),
        pytest.param(lambda s: bytes(32) + s[32:], id="r zero"),
        pytest.param(lambda s: s[:32] + bytes(32) + s[64:], id="s zero"),
        pytest.param(lambda s: ORDER.to_bytes(32, "big") + s[32:], id="r the order"),
        pytest.param(lambda s: b"\xff" * 32 + s[32:], id="r above all"),
        pytest.param(lambda s: s[:32] + ORDER.to_bytes(32, "big") + s[64:], id="s the order"),
        pytest.param(lambda s: b"", id="none"),
        pytest.param(lambda s: s[:64], id="64 bytes"),
        pytest.param(lambda s: s + b"\0", id="66 bytes"),
        pytest.param(lambda s: bytes(65), id="zeros"),
    ],
)
def test_a_spoiled_signature_is_refused(chain: Deployment, spoil: Callable[[bytes], bytes]) -> None:
    certificate = signed_by(chain)
    spoiled = with_signature(certificate, 1, spoil(certificate.signatures[1].signature))
    assert spoiled != certificate
    assert refused(chain, spoiled) == ("BadSignature", 1, text(KEYS[1].address))


def test_no_signature_at_all_is_no_quorum(chain: Deployment) -> None:
    assert refused(chain, copy.replace(signed_by(chain), signatures=())) == ("NoQuorum", 0, 48)


@pytest.mark.parametrize(("weights", "signers"), [((1, 1, 1), 2), ((3, 5, 4), 2), ((2**127, 2**127, 2**127), 2)])
def test_exactly_two_thirds_are_no_quorum(weights: tuple[int, ...], signers: int) -> None:
    chain = deploy()
    voters = voter_set(KEYS[: len(weights)], weights, EPOCH)
    chain.publish(voters)
    weight, total = sum(weights[:signers]), sum(weights)
    assert 3 * weight == 2 * total
    assert refused(chain, signed_by(chain, KEYS[:signers]), voters) == ("NoQuorum", weight, total)
    heavier = voter_set(KEYS[: len(weights)], (weights[0] + 1, *weights[1:]), EPOCH + 1)
    chain.publish(heavier)
    newer = signed_by(chain, KEYS[:signers], vote(EPOCH + 1, NOW_S))
    assert contract_certificate(chain, newer) == python_certificate(chain, heavier, newer) == weight + 1


def test_it_counts_on_one_chain_and_for_one_contract(chain: Deployment) -> None:
    other_chain = deploy(chain_id=1)
    assert other_chain.verifier.address == chain.verifier.address, "nothing but the chain differs"
    other_contract = copy.replace(
        chain, verifier=chain.evm.deploy("CertificateVerifier", chain.registry.address, sender=ADMIN)
    )
    other_chain.publish(VOTERS)
    for other in (other_chain, other_contract):
        assert refused(other, signed_by(chain)) == ("BadSignature", 0, text(KEYS[0].address))
        assert contract_certificate(other, signed_by(other)) == 48


def test_a_pause_stops_certificates_too(chain: Deployment) -> None:
    certificate = signed_by(chain)
    chain.registry.send(ADMIN, "pause")
    assert contract_certificate(chain, certificate) == "RegistryPaused"
    chain.registry.send(ADMIN, "unpause")
    assert contract_certificate(chain, certificate) == 48


def test_a_verifier_needs_a_registry() -> None:
    with pytest.raises(Reverted, match="NotARegistry"):
        Evm().deploy("CertificateVerifier", b"\x12" * 20, sender=ADMIN)


def test_the_verifier_has_nothing_to_own(chain: Deployment) -> None:
    assert all(function.reads_only for function in chain.verifier.artifact.functions.values())
