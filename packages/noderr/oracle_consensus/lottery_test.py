"""The lottery: exact chances, a draw that anyone repeats, no committee of ones own choice, rest that never stalls."""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.oracle_consensus.errors import CommitteeError, LotteryError
from noderr.oracle_consensus.lottery import (
    SEED_TYPE,
    Committee,
    CommitteeParams,
    beacon_seed,
    select_committee,
    verify_committee,
)
from noderr.types.keccak import keccak256

PARAMS = CommitteeParams()
FOUR = CommitteeParams(minimum=4, target=4, maximum=4, cooldown=0)
CONTRACT = b"\xaa" * 20


def seed(number: int) -> bytes:
    return keccak256(number.to_bytes(8, "big"))


def pool(*powers: int) -> dict[bytes, int]:
    return {number.to_bytes(20, "big"): power for number, power in enumerate(powers, start=1)}


def exact_chances(powers: Mapping[bytes, int], count: int) -> dict[frozenset[bytes], Fraction]:
    """The chance of each set under successive sampling, added up over all orders of drawing."""
    chances: dict[frozenset[bytes], Fraction] = {}
    for order in itertools.permutations(powers, count):
        chance, left = Fraction(1), sum(powers.values())
        for one in order:
            chance *= Fraction(powers[one], left)
            left -= powers[one]
        chances[frozenset(order)] = chances.get(frozenset(order), Fraction(0)) + chance
    return chances


def chi_square(counted: Counter[Any], chances: Mapping[Any, Fraction | float]) -> float:
    draws = counted.total()
    return sum((counted[one] - draws * float(p)) ** 2 / (draws * float(p)) for one, p in chances.items())


def test_committees_come_as_often_as_successive_sampling_says() -> None:
    powers = pool(1, 2, 3, 4, 5, 9)
    chances = exact_chances(powers, 4)
    assert sum(chances.values()) == 1
    drawn = Counter(frozenset(select_committee(powers, seed(n), FOUR, ()).members) for n in range(12_000))
    # 15 sets, 14 degrees of freedom: 36.12 is exceeded once in a thousand (tables of chi-square, e.g. NIST/SEMATECH
    # 1.3.6.7.4). The seeds are fixed, so that this passes always or never.
    assert len(chances) == 15
    assert chi_square(drawn, chances) < 36.12
    # The same test sees a draw without weights.
    assert chi_square(drawn, dict.fromkeys(chances, 1 / 15)) > 1000


def test_the_first_is_drawn_in_proportion_to_power() -> None:
    powers = pool(1, 2, 3, 4, 10)
    drawn = Counter(select_committee(powers, seed(n), FOUR, ()).members[0] for n in range(8_000))
    # 4 degrees of freedom: 18.47 is exceeded once in a thousand.
    assert chi_square(drawn, {one: Fraction(power, 20) for one, power in powers.items()}) < 18.47


@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_the_order_of_the_pool_does_not_matter(number: int, shuffler: Any) -> None:
    powers = pool(*range(1, 31))
    shuffled = list(powers.items())
    shuffler.shuffle(shuffled)
    assert select_committee(dict(shuffled), seed(number), PARAMS, ()) == select_committee(
        powers, seed(number), PARAMS, ()
    )


@given(st.lists(st.integers(0, 2**128), min_size=7, max_size=40), st.binary(min_size=32, max_size=32))
def test_members_are_different_and_have_power(powers: list[int], drawn_by: bytes) -> None:
    able = {oracle for oracle, power in pool(*powers).items() if power}
    if len(able) < PARAMS.minimum:
        with pytest.raises(LotteryError, match="wait for more"):
            select_committee(pool(*powers), drawn_by, PARAMS, ())
        return
    committee = select_committee(pool(*powers), drawn_by, PARAMS, ())
    assert len(set(committee.members)) == len(committee.members) == min(10, len(able))
    assert set(committee.members) <= able


def test_a_committee_is_the_same_for_ever() -> None:
    # Computed with this code: nodes of two versions must draw the same.
    members = select_committee(pool(*range(1, 31)), seed(1), PARAMS, ()).members
    assert [int.from_bytes(member, "big") for member in members] == [24, 30, 22, 14, 26, 20, 21, 1, 23, 16]


class TestForgery:
    POOL = pool(*range(1, 31))
    TRUE = select_committee(POOL, seed(1), PARAMS, ())

    def test_the_drawn_committee_verifies(self) -> None:
        verify_committee(self.TRUE, self.POOL, seed(1), PARAMS, ())

    @pytest.mark.parametrize(
        "forge",
        [
            lambda true: tuple(sorted(TestForgery.POOL)[:10]),
            lambda true: true[::-1],
            lambda true: true[:-1],
            lambda true: (*true, next(one for one in sorted(TestForgery.POOL) if one not in true)),
            lambda true: (true[0], *true[:-1]),
            lambda true: (b"\xee" * 20, *true[1:]),
            lambda true: (),
        ],
    )
    def test_a_chosen_committee_is_refused(self, forge: Any) -> None:
        chosen = copy.replace(self.TRUE, members=forge(self.TRUE.members))
        with pytest.raises(CommitteeError):
            verify_committee(chosen, self.POOL, seed(1), PARAMS, ())

    def test_another_seed_pool_history_or_rule_is_refused(self) -> None:
        others: list[tuple[Mapping[bytes, int], bytes, CommitteeParams, list[tuple[bytes, ...]]]] = [
            (self.POOL, seed(2), PARAMS, []),
            (self.POOL | {self.TRUE.members[-1]: 10**6}, seed(1), PARAMS, []),
            (self.POOL, seed(1), PARAMS, [self.TRUE.members]),
            (self.POOL, seed(1), CommitteeParams(target=11), []),
        ]
        for given_pool, given_seed, params, history in others:
            with pytest.raises(CommitteeError):
                verify_committee(self.TRUE, given_pool, given_seed, params, history)

    def test_a_seed_of_ones_own_is_refused(self) -> None:
        mine = select_committee(self.POOL, seed(7), PARAMS, ())
        with pytest.raises(CommitteeError):
            verify_committee(mine, self.POOL, seed(1), PARAMS, ())
        with pytest.raises(CommitteeError):
            verify_committee(Committee(seed(1), mine.members), self.POOL, seed(1), PARAMS, ())


@pytest.mark.parametrize("size", range(7, 61))
def test_rest_never_stalls_and_is_kept(size: int) -> None:
    powers = pool(*(1 + number % 5 for number in range(size)))
    rounds = PARAMS.effective_cooldown(size)
    history: list[tuple[bytes, ...]] = []
    for number in range(30):
        committee = select_committee(powers, seed(number), PARAMS, history)
        verify_committee(committee, powers, seed(number), PARAMS, history)
        assert PARAMS.minimum <= len(committee.members) <= PARAMS.target
        resting = set(itertools.chain.from_iterable(history[-rounds:] if rounds else []))
        assert not resting & set(committee.members)
        history.append(committee.members)


@pytest.mark.parametrize(("size", "left"), [(25, 5), (26, 6), (27, 7)])
def test_where_two_rounds_of_rest_would_starve_the_third(size: int, left: int) -> None:
    # The reference rests two committees of ten whatever the pool: with 25 or 26 oracles it then throws for ever.
    assert size - 2 * PARAMS.target == left
    rests = 2 if left >= PARAMS.minimum else 1
    assert PARAMS.effective_cooldown(size) == rests


@pytest.mark.parametrize(
    ("size", "rounds"), [(6, 0), (7, 0), (16, 0), (17, 1), (26, 1), (27, 2), (36, 2), (37, 3), (47, 3), (1000, 3)]
)
def test_the_effective_cooldown(size: int, rounds: int) -> None:
    assert PARAMS.effective_cooldown(size) == rounds


def test_committees_from_a_time_of_larger_ones_do_not_stall_it() -> None:
    powers = pool(*[1] * 17)
    large = sorted(powers)[:15]
    assert PARAMS.effective_cooldown(17) == 1
    assert len(select_committee(powers, seed(1), PARAMS, [large]).members) == 10


def test_the_seed_differs_wherever_the_round_does() -> None:
    given_seed = beacon_seed(84532, CONTRACT, 1, 2, b"\1" * 32)
    others = {
        beacon_seed(1, CONTRACT, 1, 2, b"\1" * 32),
        beacon_seed(84532, b"\xbb" * 20, 1, 2, b"\1" * 32),
        beacon_seed(84532, CONTRACT, 2, 2, b"\1" * 32),
        beacon_seed(84532, CONTRACT, 1, 3, b"\1" * 32),
        beacon_seed(84532, CONTRACT, 2, 1, b"\1" * 32),
        beacon_seed(84532, CONTRACT, 1, 2, b"\2" * 32),
    }
    assert len(others - {given_seed}) == 6
    # What a contract computes: keccak256(abi.encode(TYPE_HASH, chainId, address, epoch, round, randomness)).
    words = [84532, int.from_bytes(CONTRACT, "big"), 1, 2]
    encoded = SEED_TYPE.type_hash + b"".join(word.to_bytes(32, "big") for word in words) + b"\1" * 32
    assert given_seed == keccak256(encoded)


@pytest.mark.parametrize(
    "sizes",
    [
        {"minimum": 3},
        {"minimum": 11},
        {"target": 16},
        {"target": 6},
        {"maximum": 9},
        {"maximum": 257},
        {"cooldown": -1},
    ],
)
def test_params_that_contradict_each_other(sizes: dict[str, int]) -> None:
    with pytest.raises(LotteryError):
        CommitteeParams(**sizes)


def test_what_cannot_be_drawn_from_is_refused() -> None:
    with pytest.raises(LotteryError, match="6 oracles have power"):
        select_committee(pool(*[1] * 6, 0), seed(1), PARAMS, ())
    with pytest.raises(LotteryError, match="a power is -1"):
        select_committee(pool(*[1] * 9, -1), seed(1), PARAMS, ())
    with pytest.raises(LotteryError, match="31 bytes"):
        select_committee(pool(*[1] * 9), b"\1" * 31, PARAMS, ())
