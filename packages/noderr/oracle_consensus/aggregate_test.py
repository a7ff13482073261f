"""From observations to a signal: a table worked out by hand, and what no liars and no order can change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.core.consensus.testing import NOW_S
from noderr.oracle_consensus.aggregate import Aggregation, aggregate
from noderr.oracle_consensus.market import Market
from noderr.oracle_consensus.messages import Observation, Reveal, commitment, observations_digest
from noderr.oracle_consensus.testing import MARKET, MODEL, PLACE
from noderr.types.consensus import Signed, VoterSet
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.keccak import keccak256
from noderr.types.trading import Direction, Signal

SALT = b"\5" * 32
OTHER_MODEL = b"\x08" * 32
COMMIT_SECONDS = 4


def address(number: int) -> bytes:
    return number.to_bytes(20, "big")


def seen_by_all(observations: Mapping[int, Observation]) -> tuple[Signed[Reveal], ...]:
    """Reveals of oracles each of which had the commitments of all."""
    seen = tuple(sorted(commitment(address(one), what, SALT) for one, what in observations.items()))
    return tuple(
        Signed(Reveal(**PLACE, observation=what, salt=SALT, seen=seen), address(one), b"")
        for one, what in sorted(observations.items())
    )


def observed(prediction_e8: int, confidence_bps: int = 7_000, **changes: Any) -> Observation:
    fields: dict[str, Any] = {
        "prediction_e8": prediction_e8,
        "confidence_bps": confidence_bps,
        "mid_price_e8": 64_000 * 10**8,
        "observed_at_s": NOW_S,
        "model_hash": MODEL,
    }
    return Observation(**(fields | changes))


def agree(
    reveals: tuple[Signed[Reveal], ...], weights: Mapping[int, int] | None = None, market: Market = MARKET
) -> AgreedSignal:
    weights = weights or {1: 1, 2: 1, 3: 1, 4: 1}
    voters = VoterSet(3, 9, {address(number): weight for number, weight in weights.items()})
    return aggregate(reveals, voters, market, start_s=NOW_S, commit_seconds=COMMIT_SECONDS)


def signal_of(observations: Mapping[int, Observation], weights: Mapping[int, int] | None = None) -> Signal:
    signal = agree(seen_by_all(observations), weights).signal
    assert signal is not None
    return signal


def test_each_number_is_the_median_of_its_own() -> None:
    # Sorted: -300k 100k 200k 900k; 2000 5000 6000 9000; 10 20 30 40; +0 +1 +2 +3. Of four the second is the median.
    found = signal_of(
        {
            1: observed(200_000, 9_000, mid_price_e8=10, observed_at_s=NOW_S + 3),
            2: observed(-300_000, 5_000, mid_price_e8=20, observed_at_s=NOW_S),
            3: observed(900_000, 6_000, mid_price_e8=30, observed_at_s=NOW_S + 1),
            4: observed(100_000, 2_000, mid_price_e8=40, observed_at_s=NOW_S + 2),
        }
    )
    assert found == Signal(
        symbol="BTC/USD",
        horizon_seconds=300,
        direction=Direction.BUY,
        prediction_e8=100_000,
        confidence_bps=5_000,
        mid_price_e8=20,
        observed_at_s=NOW_S + 1,
        model_hash=keccak256(MODEL),
    )


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ({1: 1, 2: 1, 3: 1, 4: 1}, 200_000),
        ({1: 1, 2: 1, 3: 1, 4: 3}, 300_000),
        ({1: 1, 2: 1, 3: 1, 4: 4}, 400_000),
        ({1: 30, 2: 10, 3: 10, 4: 10}, 100_000),
        ({1: 29, 2: 10, 3: 10, 4: 10}, 200_000),
    ],
)
def test_weights_move_the_median(weights: dict[int, int], expected: int) -> None:
    seen = {number: observed(100_000 * number) for number in (1, 2, 3, 4)}
    assert signal_of(seen, weights).prediction_e8 == expected


@pytest.mark.parametrize(
    ("prediction_e8", "direction"),
    [
        (10_001, Direction.BUY),
        (10_000, Direction.HOLD),
        (0, Direction.HOLD),
        (-10_000, Direction.HOLD),
        (-10_001, Direction.SELL),
    ],
)
def test_within_the_dead_band_nothing_is_to_be_done(prediction_e8: int, direction: Direction) -> None:
    assert signal_of({number: observed(prediction_e8) for number in range(1, 5)}).direction is direction


def test_who_abstains_takes_confidence_away() -> None:
    sure = {number: observed(1) for number in range(1, 5)}
    assert signal_of(sure).confidence_bps == 7_000
    assert signal_of(sure | {4: Observation(abstain=True)}).confidence_bps == 5_250
    assert signal_of({one: sure[one] for one in (1, 2, 3)}).confidence_bps == 7_000, "who is away abstains not"


def test_with_less_than_two_thirds_there_is_no_signal() -> None:
    seen = {number: observed(1) for number in range(1, 5)}
    none = seen | {3: Observation(abstain=True), 4: Observation(abstain=True)}
    reveals = seen_by_all(none)
    assert agree(reveals) == AgreedSignal(observations=observations_digest(reveals), signal=None)
    two_thirds = {1: 2, 2: 2, 3: 1, 4: 1}
    assert agree(reveals, two_thirds).signal is not None


def test_nobody_says_anything() -> None:
    assert agree(seen_by_all({number: Observation(abstain=True) for number in range(1, 5)})).signal is None
    assert agree(()).signal is None


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"observed_at_s": NOW_S - 60}, True),
        ({"observed_at_s": NOW_S - 61}, False),
        ({"observed_at_s": NOW_S + COMMIT_SECONDS + 2}, True),
        ({"observed_at_s": NOW_S + COMMIT_SECONDS + 3}, False),
        ({"model_hash": OTHER_MODEL}, False),
    ],
)
def test_what_counts(changes: dict[str, Any], counts: bool) -> None:
    seen = {number: observed(1) for number in range(1, 4)} | {4: observed(1, **changes)}
    assert signal_of(seen).confidence_bps == (7_000 if counts else 5_250)


@pytest.mark.parametrize(
    ("witnesses", "counts"),
    [((), False), ((4,), False), ((1, 4), False), ((1, 2), False), ((1, 2, 4), True), ((1, 2, 3), True)],
)
def test_an_observation_counts_if_a_quorum_had_its_commitment(witnesses: tuple[int, ...], counts: bool) -> None:
    seen = {number: observed(1) for number in range(1, 5)}
    made = {number: commitment(address(number), what, SALT) for number, what in seen.items()}
    reveals = tuple(
        Signed(
            Reveal(
                **PLACE,
                observation=what,
                salt=SALT,
                seen=tuple(sorted(made[one] for one in made if one != 4 or number in witnesses)),
            ),
            address(number),
            b"",
        )
        for number, what in seen.items()
    )
    signal = agree(reveals).signal
    assert signal is not None
    assert signal.confidence_bps == (7_000 if counts else 5_250)


def test_the_models_hash_is_of_those_that_counted_in_any_order() -> None:
    market = Market(symbol="BTC/USD", horizon_seconds=300, models=frozenset({MODEL, OTHER_MODEL}))
    seen = {number: observed(1, model_hash=OTHER_MODEL if number == 1 else MODEL) for number in range(1, 5)}
    signal = agree(seen_by_all(seen), market=market).signal
    assert signal is not None
    assert signal.model_hash == keccak256(MODEL + OTHER_MODEL)


I64 = st.integers(-(2**63), 2**63 - 1)


@st.composite
def committees(draw: st.DrawFn) -> tuple[dict[int, int], list[int], tuple[Signed[Reveal], ...]]:
    """Weights, the liars, who have less than a third, and reveals in which anybody may have seen any commitments."""
    weights = dict(enumerate(draw(st.lists(st.integers(1, 100), min_size=4, max_size=10)), 1))
    liars: list[int] = []
    for number in draw(st.permutations(list(weights))):
        if 3 * sum(weights[one] for one in [*liars, number]) < sum(weights.values()):
            liars.append(number)
    centre = draw(st.integers(-(10**6), 10**6))
    made: dict[int, Observation] = {}
    for number in weights:
        if draw(st.integers(0, 9)) == 0:
            made[number] = Observation(abstain=True)
        elif number in liars:
            made[number] = observed(draw(st.sampled_from([-(2**63), 2**63 - 1]) | I64), draw(st.integers(0, 10_000)))
        else:
            made[number] = observed(centre + draw(st.integers(-1000, 1000)), draw(st.integers(6_000, 8_000)))
    commitments = [commitment(address(number), what, SALT) for number, what in made.items()]
    present = [number for number in weights if draw(st.integers(0, 9)) > 0]
    reveals = []
    for number in present:
        unseen = draw(st.sets(st.sampled_from(commitments), max_size=1))
        salt = b"\6" * 32 if number in liars and draw(st.booleans()) else SALT
        message = Reveal(**PLACE, observation=made[number], salt=salt, seen=tuple(sorted(set(commitments) - unseen)))
        reveals.append(Signed(message, address(number), b""))
    return weights, liars, tuple(reveals)


@settings(max_examples=500, deadline=None)
@given(committees())
def test_liars_below_a_third_cannot_move_it_out_of_what_the_honest_say(
    committee: tuple[dict[int, int], list[int], tuple[Signed[Reveal], ...]],
) -> None:
    weights, liars, reveals = committee
    signal = agree(reveals, weights).signal
    honest = [
        reveal.message.observation
        for reveal in reveals
        if int.from_bytes(reveal.signer, "big") not in liars and not reveal.message.observation.abstain
    ]
    if signal is not None:
        said = [one.prediction_e8 for one in honest]
        assert min(said) <= signal.prediction_e8 <= max(said)
        assert signal.confidence_bps <= max(one.confidence_bps for one in honest)


@settings(deadline=None)
@given(committees(), st.randoms(use_true_random=False))
def test_the_order_does_not_matter(
    committee: tuple[dict[int, int], list[int], tuple[Signed[Reveal], ...]], shuffler: Any
) -> None:
    weights, _, reveals = committee
    shuffled = list(reveals)
    shuffler.shuffle(shuffled)
    assert agree(tuple(shuffled), weights).signal == agree(reveals, weights).signal


def test_a_round_remembers_what_it_aggregated_and_nothing_else() -> None:
    voters = VoterSet(3, 9, {address(number): 1 for number in range(1, 5)})
    told = Aggregation(voters, MARKET, start_s=NOW_S, commit_seconds=COMMIT_SECONDS)
    some, others = (seen_by_all({one: observed(value) for one in range(1, 5)}) for value in (500, 600))
    assert told(some) is told(some)
    assert (told(others), told(some)) == (agree(others), agree(some))


def test_liars_with_a_third_of_what_counts_are_the_limit() -> None:
    # Three of four voters of one weight count: two liars of them are half, and the lower half decides.
    seen = {1: observed(500), 2: observed(-(10**9)), 3: observed(-(10**9))}
    assert signal_of(seen).prediction_e8 == -(10**9)
