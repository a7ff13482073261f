"""Veto codes: they fit what is signed, each has words, and a bit without a meaning is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.guardian_consensus.errors import CodeError
from noderr.guardian_consensus.veto import NO_VETO, Veto, describe_veto, parse_veto

ALL = sum(Veto)


def test_the_bits_are_those_that_were_signed_before() -> None:
    # Votes are kept and shown for years: a bit that changes its meaning changes what was said.
    assert [(veto.name, int(veto).bit_length() - 1) for veto in Veto] == [
        ("RISK", 0),
        ("COMPLIANCE", 1),
        ("SAFETY", 2),
        ("STALE_SNAPSHOT", 3),
        ("UNKNOWN_SNAPSHOT", 4),
        ("UNKNOWN_RULESET", 5),
        ("UNKNOWN_INSTRUMENT", 6),
        ("WRONG_CERTIFICATE", 7),
        ("WRONG_ORDER", 8),
        ("EXPIRED", 9),
        ("EVALUATOR_FAILED", 10),
        ("EVALUATOR_TIMED_OUT", 11),
        ("NO_EVALUATOR", 12),
    ]
    assert ALL < 1 << 32


@pytest.mark.parametrize("veto", list(Veto))
def test_each_code_has_words_of_its_own(veto: Veto) -> None:
    [words] = describe_veto(veto)
    others = [text for other in Veto if other is not veto for text in describe_veto(other)]
    assert words
    assert words not in others


def test_several_codes_are_described_from_the_lowest_bit() -> None:
    both = Veto.EXPIRED | Veto.RISK
    assert describe_veto(both) == describe_veto(Veto.RISK) + describe_veto(Veto.EXPIRED)
    assert describe_veto(NO_VETO) == ()


@given(st.integers(0, 2**32 - 1))
def test_a_number_is_parsed_just_when_every_bit_is_known(number: int) -> None:
    if number & ~ALL:
        with pytest.raises(CodeError, match="has bits"):
            parse_veto(number)
    else:
        assert int(parse_veto(number)) == number
        assert len(describe_veto(parse_veto(number))) == number.bit_count()


@given(st.integers(0, ALL))
def test_every_set_of_known_codes_is_parsed(number: int) -> None:
    assert int(parse_veto(number)) == number


@pytest.mark.parametrize("number", [-1, 2**32, 2**64, True, 1.0, "1", None])
def test_what_is_no_uint32_is_refused(number: object) -> None:
    with pytest.raises(CodeError, match="must be an int from 0 to 4294967295"):
        parse_veto(number)
