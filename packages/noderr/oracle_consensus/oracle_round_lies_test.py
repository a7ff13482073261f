"""One round of the oracles among liars: what does not belong is refused for its own reason, and lies are evidence."""

from __future__ import annotations

import contextlib
import copy
from collections import deque
from typing import Any

import pytest
from coincurve import PublicKey

from noderr.core.consensus.actions import Accuse, Broadcast, Decided, Failed
from noderr.core.consensus.status import Status
from noderr.core.consensus.testing import DOMAIN, NOW_NS, NOW_S, vote
from noderr.oracle_consensus.messages import Commit, Observation, Reveal
from noderr.oracle_consensus.oracle_round import OracleRound, Phase
from noderr.oracle_consensus.testing import (
    ADDRESSES,
    KEYS,
    MARKET,
    OUTSIDER,
    PLACE,
    TIMING,
    agreed,
    begun,
    commit,
    do,
    hear,
    leader,
    observation,
    report,
    reveal,
    revealed,
    salt,
    vote_for,
)
from noderr.types.consensus import (
    AccountSignatures,
    CertificateError,
    Evidence,
    Reason,
    RefusedMessage,
    Signed,
    check_signature,
    make_certificate,
    sign,
    verify_evidence,
)
from noderr.types.signing.account_key import AccountKey

STALE = {"observed_at_s": NOW_S - MARKET.max_age_seconds - 1}
FUTURE = {"observed_at_s": NOW_S + 4 + MARKET.max_lead_seconds + 1}
UNKNOWN = {"model_hash": b"\x66" * 32}
# Of secp256k1's points (SEC 2).
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def refusal(machine: OracleRound, message: Signed[Any]) -> Reason:
    """Why the round does not take it."""
    with pytest.raises(RefusedMessage) as caught:
        machine.on_message(message, NOW_NS)
    return caught.value.reason


def prove(evidence: Evidence[Any], offender: int) -> None:
    """The evidence convicts this oracle."""
    verify_evidence(evidence, DOMAIN, AccountSignatures())
    assert evidence.offender == ADDRESSES[offender]


def test_a_commitment_after_the_reveals_have_begun_is_refused() -> None:
    machine = begun()
    hear(machine, [commit(1), commit(2)])
    machine.on_time(NOW_NS + TIMING.commit_ns)
    assert machine.phase is Phase.REVEAL
    assert refusal(machine, commit(3)) is Reason.EXPIRED
    assert refusal(machine, commit(2)) is Reason.DUPLICATE, "only that it is late is new"


@pytest.mark.parametrize("make", [commit, reveal])
def test_two_messages_of_a_kind_are_evidence_and_the_first_counts(make: Any) -> None:
    machine = begun()
    first, second = make(1), make(1, observation(1, prediction_e8=7))
    hear(machine, [first])
    [accusation] = hear(machine, [second])
    assert isinstance(accusation, Accuse)
    prove(accusation.evidence, 1)
    assert first in [*machine.commits, *machine.reveals]
    assert second not in [*machine.commits, *machine.reveals]


def test_two_reports_of_a_view_are_evidence_and_get_one_vote() -> None:
    machine = revealed()
    told, other = report(), report(0, [reveal(0), reveal(1), reveal(2)])
    assert hear(machine, [told]) == [Broadcast(vote_for(0, told))]
    [accusation] = hear(machine, [other])
    assert isinstance(accusation, Accuse)
    prove(accusation.evidence, leader(0))


def test_reports_of_two_views_are_no_evidence() -> None:
    machine = revealed()
    hear(machine, [report(0)])
    assert hear(machine, [report(1)]) == []


def test_who_tells_the_leader_something_else_is_found_out() -> None:
    machine = revealed()
    other = reveal(2, observation(2, prediction_e8=7))
    told = report(0, [reveal(0), reveal(1), other, reveal(3)])
    accusation, voted = hear(machine, [told])
    assert isinstance(accusation, Accuse)
    prove(accusation.evidence, 2)
    assert voted == Broadcast(vote_for(0, told))
    again = report(1, [reveal(0), reveal(1), reveal(2, observation(2, prediction_e8=8)), reveal(3)])
    assert hear(machine, [again]) == [], "it was found out already, and the report is taken nevertheless"


def signed_again(signed: Signed[Any], secret: int, nonce: int = 99) -> Signed[Any]:
    """Another signature by the same key, whose holder chose another nonce."""
    digest = int.from_bytes(signed.message.digest_in(DOMAIN), "big")
    x, y = PublicKey.from_secret(nonce.to_bytes(32, "big")).point()
    s = pow(nonce, -1, _ORDER) * (digest + x * secret) % _ORDER
    odd = y & 1
    if s > _ORDER // 2:
        s, odd = _ORDER - s, 1 - odd
    return copy.replace(signed, signature=x.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + odd]))


def test_a_reveal_with_two_signatures_is_one_reveal_and_holds_nothing_up() -> None:
    secret = next(one for one in range(1, 5) if AccountKey(one.to_bytes(32, "big")).address == ADDRESSES[2])
    other = signed_again(reveal(2), secret)
    check_signature(other, DOMAIN, AccountSignatures())
    assert other != reveal(2)
    machine = revealed()
    told = report(0, [reveal(0), reveal(1), other, reveal(3)])
    assert hear(machine, [told]) == [Broadcast(vote_for(0, told))]
    assert refusal(machine, report()) is Reason.DUPLICATE, "the leader has said the same: it is not to be accused"


def unopened(oracle: int) -> Signed[Reveal]:
    """A reveal that does not open its commitment."""
    return reveal(oracle, salt=b"\x55" * 32)


def test_a_reveal_that_opens_nothing_does_not_count() -> None:
    honest = [reveal(0), reveal(1), reveal(2)]
    signal, alone = agreed([*honest, unopened(3)]).signal, agreed(honest).signal
    assert signal is not None
    assert alone is not None
    assert signal.prediction_e8 == alone.prediction_e8
    assert signal.confidence_bps == alone.confidence_bps * 3 // 4, "it is there and says nothing"


def test_a_copied_commitment_opens_to_nothing() -> None:
    copied = sign(Commit(**PLACE, commitment=commit(1).message.commitment), KEYS[3], DOMAIN)
    machine = begun()
    hear(machine, [commit(1), commit(2), copied])
    seen = tuple(sorted({commit(one).message.commitment for one in (0, 1, 2)}))
    copy = reveal(3, observation(1), salt=salt(1), seen=seen)
    honest = [reveal(one, seen=seen) for one in (0, 1, 2)]
    with_copy, without = agreed([*honest, copy]).signal, agreed([*honest, unopened(3)]).signal
    assert with_copy == without


@pytest.mark.parametrize("changes", [STALE, FUTURE, UNKNOWN])
def test_what_does_not_count_is_an_abstention(changes: dict[str, Any]) -> None:
    bad = observation(3, prediction_e8=10**9, **changes)
    assert _agreed_with(bad) == _agreed_with(Observation(abstain=True))
    assert _agreed_with(bad) != _agreed_with(observation(3, prediction_e8=10**9))


def _agreed_with(last: Observation) -> object:
    seen = tuple(sorted(commit(one, last if one == 3 else None).message.commitment for one in range(4)))
    return agreed([reveal(0, seen=seen), reveal(1, seen=seen), reveal(2, seen=seen), reveal(3, last, seen=seen)]).signal


@pytest.mark.parametrize("make", [commit, reveal])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"epoch": 8}, Reason.WRONG_EPOCH),
        ({"round": 4}, Reason.WRONG_SUBJECT),
        ({"topic": b"\4" * 32}, Reason.WRONG_SUBJECT),
    ],
)
def test_messages_of_elsewhere_are_refused(make: Any, changes: dict[str, Any], reason: Reason) -> None:
    assert refusal(begun(), make(1, **changes)) is reason


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (sign(vote(tier=2, **PLACE), KEYS[1], DOMAIN), Reason.WRONG_EPOCH),
        (sign(Commit(**PLACE, commitment=b"\1" * 32), OUTSIDER, DOMAIN), Reason.NOT_A_MEMBER),
        (copy.replace(commit(1), signer=ADDRESSES[2]), Reason.BAD_SIGNATURE),
        (sign(commit(1).message, KEYS[1], copy.replace(DOMAIN, chain_id=1)), Reason.BAD_SIGNATURE),
        (copy.replace(reveal(1), signature=b"\0" * 65), Reason.BAD_SIGNATURE),
        (sign(vote(**PLACE, expires_at_s=NOW_S - 1), KEYS[1], DOMAIN), Reason.EXPIRED),
    ],
)
def test_forged_and_foreign_messages_are_refused(message: Signed[Any], reason: Reason) -> None:
    assert refusal(begun(), message) is reason


def test_a_refused_message_changes_nothing() -> None:
    machine = begun()
    refusal(machine, copy.replace(commit(1), signer=ADDRESSES[2]))
    assert [one.signer for one in machine.commits] == [ADDRESSES[0]]
    assert hear(machine, [commit(1), commit(2)]) == []


def test_a_certificate_of_too_few_or_of_elsewhere_ends_nothing() -> None:
    machine = revealed()
    told = report()
    hear(machine, [told])
    for certificate, reason in (
        (make_certificate([vote_for(1, told), vote_for(2, told)]), Reason.NO_QUORUM),
        (make_certificate([vote_for(one, told, round=4) for one in (1, 2, 3)]), Reason.WRONG_SUBJECT),
        (make_certificate([vote_for(one, told, expires_at_s=NOW_S - 1) for one in (1, 2, 3)]), Reason.EXPIRED),
    ):
        with pytest.raises(CertificateError) as caught:
            machine.on_certificate(certificate, NOW_NS)
        assert caught.value.reason is reason
    assert machine.certificate is None


def test_lies_of_one_do_not_stop_the_three() -> None:
    machine = begun()
    sent = hear(machine, [commit(1), commit(2), commit(3), commit(3, observation(3, prediction_e8=9))])
    sent += hear(machine, [reveal(1), reveal(2), unopened(3), reveal(3)])
    told = report(0, [reveal(0), reveal(1), reveal(2), reveal(3)])
    sent += hear(machine, [told, vote_for(3, told, subject=b"\6" * 32), vote_for(1, told), vote_for(2, told)])
    assert not any(isinstance(action, Failed) for action in sent)
    assert isinstance(sent[-1], Decided)


def test_a_leader_that_shows_its_report_to_one_only_does_not_fail_the_round() -> None:
    liar, target = leader(0), leader(3)
    honest = [one for one in range(4) if one != liar]
    machines = {one: revealed(one) for one in honest}
    # One that leads nothing any more, and whose own reveal is left out: later leaders would report all four.
    lie = report(0, [reveal(one) for one in range(4) if one != target])
    waiting = deque((target, action) for action in hear(machines[target], [lie], target))
    for now_ns in range(NOW_NS, NOW_NS + TIMING.round_ns, TIMING.resend_ns // 2):
        for one in honest:
            waiting.extend(
                (one, action) for action in do(machines[one], machines[one].on_time(now_ns), KEYS[one], now_ns)
            )
        while waiting:
            sender, action = waiting.popleft()
            if not isinstance(action, Broadcast) or not isinstance(action.payload, Signed):
                continue
            for one in honest:
                with contextlib.suppress(RefusedMessage):
                    made = hear(machines[one], [action.payload], one, now_ns) if one != sender else []
                    waiting.extend((one, further) for further in made)
        if all(machine.status is Status.DECIDED for machine in machines.values()):
            break
    assert {machine.status for machine in machines.values()} == {Status.DECIDED}
    assert {machine.view for machine in machines.values()} == {0}, "within the first leader's own time"
