"""Voting power and its cap: always less than a third, no more taken than needed, and nothing depends on the order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.oracle_consensus.errors import PowerError
from noderr.oracle_consensus.voting_power import capped_powers, voting_power

POWERS = st.dictionaries(
    st.binary(min_size=20, max_size=20), st.integers(1, 2**100) | st.integers(1, 9), min_size=4, max_size=12
)


def numbered(*powers: int) -> dict[bytes, int]:
    return {number.to_bytes(20, "big"): power for number, power in enumerate(powers, start=1)}


@pytest.mark.parametrize(
    ("stake", "reputation", "power"),
    [
        (125_000 * 10**18, 100, 125_000 * 10**18),
        (1000, 50, 500),
        (199, 50, 99),
        (1, 99, 0),
        (10**24, 0, 0),
        (0, 100, 0),
    ],
)
def test_power_is_stake_times_reputation(stake: int, reputation: int, power: int) -> None:
    assert voting_power(stake, reputation) == power


@pytest.mark.parametrize(
    ("stake", "reputation"), [(-1, 50), (1 << 128, 50), (1.0, 50), (True, 50), (1, -1), (1, 101), (1, 50.0), (1, True)]
)
def test_stake_and_reputation_that_are_none(stake: Any, reputation: Any) -> None:
    with pytest.raises(PowerError):
        voting_power(stake, reputation)


@pytest.mark.parametrize(
    ("powers", "capped"),
    [
        ((10, 10, 10, 10), (10, 10, 10, 10)),
        # Four equal ones are a quarter each, and of the whole 1000 only 14 can stay: 3 · 14 < 14 + 10 + 10 + 10.
        ((1000, 10, 10, 10), (14, 10, 10, 10)),
        ((1000, 1000, 10, 10), (19, 19, 10, 10)),
        ((1000, 1000, 1000, 1), (1000, 1000, 1000, 1)),
        ((1000, 1000, 999, 1), (999, 999, 999, 1)),
        # Exactly a third is too much.
        ((2, 2, 1, 1), (1, 1, 1, 1)),
        ((5, 4, 4, 2), (4, 4, 4, 2)),
    ],
)
def test_caps_worked_out_by_hand(powers: tuple[int, ...], capped: tuple[int, ...]) -> None:
    assert capped_powers(numbered(*powers)) == numbered(*capped)


@given(POWERS)
def test_nobody_has_a_third_and_nobody_gains(powers: dict[bytes, int]) -> None:
    capped = capped_powers(powers)
    assert capped.keys() == powers.keys()
    assert all(3 * power < sum(capped.values()) for power in capped.values())
    assert all(0 < capped[voter] <= powers[voter] for voter in powers)


@given(POWERS)
def test_no_higher_cap_would_do(powers: dict[bytes, int]) -> None:
    capped = capped_powers(powers)
    if capped != powers:
        higher = [min(power, max(capped.values()) + 1) for power in powers.values()]
        assert 3 * max(higher) >= sum(higher)


@given(st.lists(st.integers(1, 60), min_size=4, max_size=6))
def test_it_is_the_largest_of_all_caps_tried_one_by_one(powers: list[int]) -> None:
    if 3 * max(powers) < sum(powers):
        assert capped_powers(numbered(*powers)) == numbered(*powers)
        return
    cap = max(c for c in range(1, max(powers) + 1) if 3 * c < sum(min(power, c) for power in powers))
    assert capped_powers(numbered(*powers)) == numbered(*(min(power, cap) for power in powers))


@given(POWERS, st.data())
def test_more_power_for_one_takes_from_nobody(powers: dict[bytes, int], data: st.DataObject) -> None:
    voter = data.draw(st.sampled_from(sorted(powers)))
    more = powers | {voter: powers[voter] + data.draw(st.integers(0, 2**100))}
    before, after = capped_powers(powers), capped_powers(more)
    assert all(after[one] >= before[one] for one in powers)


@given(POWERS)
def test_who_had_more_has_not_less(powers: dict[bytes, int]) -> None:
    capped = capped_powers(powers)
    ranked = sorted(powers, key=lambda voter: powers[voter])
    assert [capped[voter] for voter in ranked] == sorted(capped.values())


@given(POWERS)
def test_capping_twice_is_capping_once_in_any_order(powers: dict[bytes, int]) -> None:
    capped = capped_powers(powers)
    assert capped_powers(capped) == capped
    assert capped_powers(dict(sorted(powers.items(), reverse=True))) == capped


def test_who_has_no_power_is_left_out() -> None:
    assert capped_powers(numbered(1, 1, 1, 1, 0)) == numbered(1, 1, 1, 1)


@pytest.mark.parametrize("powers", [(), (1, 1, 1), (5, 5, 5, 0), (1, 1, 1, -1)])
def test_powers_that_cannot_be_capped(powers: tuple[int, ...]) -> None:
    with pytest.raises(PowerError):
        capped_powers(numbered(*powers))
