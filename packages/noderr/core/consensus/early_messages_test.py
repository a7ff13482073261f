"""Early messages: taken in order, once, and never more than so many bytes of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from noderr.core.consensus.early_messages import EarlyMessages
from noderr.core.consensus.testing import DOMAIN, keys, vote
from noderr.types.consensus import ProtocolMessage, Signed, sign

VOTES: list[Signed[ProtocolMessage]] = [sign(vote(), key, DOMAIN) for key in keys(4)]
HERE, THERE = (5, b"\1" * 32), (6, b"\1" * 32)


def test_each_round_takes_its_own_once_and_in_order() -> None:
    early = EarlyMessages(1000)
    for key, one in ((HERE, VOTES[0]), (THERE, VOTES[1]), (HERE, VOTES[2])):
        early.keep(key, one, 100)
    assert early.take(HERE) == [VOTES[0], VOTES[2]]
    assert early.take(HERE) == []
    assert early.take(THERE) == [VOTES[1]]


def test_the_round_that_waits_longest_gives_way() -> None:
    early = EarlyMessages(250)
    for key, one in ((HERE, VOTES[0]), (THERE, VOTES[1]), (HERE, VOTES[2]), (THERE, VOTES[3])):
        early.keep(key, one, 100)
    assert early.take(HERE) == []
    assert early.take(THERE) == [VOTES[1], VOTES[3]]


def test_its_oldest_give_way_first() -> None:
    early = EarlyMessages(250)
    for one in VOTES[:3]:
        early.keep(HERE, one, 100)
    assert early.take(HERE) == [VOTES[1], VOTES[2]]
    early.keep(HERE, VOTES[0], 251)
    assert early.take(HERE) == [], "what does not fit at all is not kept"


@given(st.lists(st.tuples(st.sampled_from([HERE, THERE]), st.integers(1, 400), st.booleans()), max_size=40))
def test_what_was_taken_makes_room(steps: list[tuple[tuple[int, bytes], int, bool]]) -> None:
    early = EarlyMessages(1000)
    kept: dict[tuple[int, bytes], list[int]] = {}
    for key, size, taken in steps:
        early.keep(key, VOTES[0], size)
        kept.setdefault(key, []).append(size)
        while sum(map(sum, kept.values())) > 1000:
            oldest = next(iter(kept))
            kept[oldest].pop(0)
            if not kept[oldest]:
                del kept[oldest]
        if taken:
            assert len(early.take(key)) == len(kept.pop(key, []))
        assert len(early) == sum(map(len, kept.values()))
