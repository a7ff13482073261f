"""Probabilities against scipy's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from noderr.alpha_edge.tails import f_tail, incomplete_beta, t_cdf


@settings(max_examples=200)
@given(st.floats(0, 1), st.floats(0.1, 5_000), st.floats(0.1, 5_000))
def test_the_incomplete_beta_function(x: float, a: float, b: float) -> None:
    assert incomplete_beta(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-9, abs=1e-12)


@settings(max_examples=100)
@given(st.floats(-40, 40), st.integers(1, 5_000))
def test_students_t(t: float, freedom: int) -> None:
    assert t_cdf(t, freedom) == pytest.approx(stats.t.cdf(t, freedom), rel=1e-9, abs=1e-12)


@settings(max_examples=100)
@given(st.floats(1e-4, 100), st.integers(1, 5), st.integers(1, 5_000))
def test_f(f: float, numerator: int, denominator: int) -> None:
    assert f_tail(f, numerator, denominator) == pytest.approx(
        stats.f.sf(f, numerator, denominator), rel=1e-9, abs=1e-12
    )


@given(st.floats(1e-15, 100))
def test_f_of_one_and_one_degree_is_an_arc_tangent(f: float) -> None:
    """Near nothing scipy's loses its digits; here there is a closed form."""
    assert f_tail(f, 1, 1) == pytest.approx(2 / math.pi * math.atan(1 / math.sqrt(f)), rel=1e-12)
