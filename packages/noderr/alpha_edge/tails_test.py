"""Probabilities against scipy's."""

from __future__ import annotations

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
@given(st.floats(0, 100), st.integers(1, 5), st.integers(1, 5_000))
def test_f(f: float, numerator: int, denominator: int) -> None:
    assert f_tail(f, numerator, denominator) == pytest.approx(
        stats.f.sf(f, numerator, denominator), rel=1e-9, abs=1e-12
    )
