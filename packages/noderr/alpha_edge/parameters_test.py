"""A changed parameter is another model; parameters that contradict each other are none."""

from __future__ import annotations

from copy import replace
from dataclasses import fields
from typing import Any

import pytest

from noderr.alpha_edge.errors import ParameterError
from noderr.alpha_edge.parameters import FOR_SECONDS, ModelParameters


def test_every_parameter_is_in_the_hash() -> None:
    base = ModelParameters()
    changed = [
        replace(base, **{one.name: getattr(base, one.name) + (2 if one.name == "imbalance_buckets" else 1)})
        for one in fields(base)
    ]
    hashes = {base.model_hash(), FOR_SECONDS.model_hash(), *(one.model_hash() for one in changed)}
    assert len(hashes) == len(changed) + 2
    assert {len(one) for one in hashes} == {32}
    assert ModelParameters().model_hash() == base.model_hash()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bar_ms": 0}, "bar_ms is 0"),
        ({"bar_ms": 1.5}, "positive int"),
        ({"levels": True}, "positive int"),
        ({"bar_ms": 10_001}, "at least as long as a bar"),
        ({"window_bars": 150}, "min_bars must fit"),
        ({"window_bars": 20_000}, "10000 at most"),
        ({"min_bars": 9}, "nothing can be tested"),
        ({"short_bars": 80}, "short_bars < long_bars"),
        ({"calm_percent": 100}, "below 100"),
        ({"levels": 11}, "10 at most"),
        ({"imbalance_buckets": 4}, "odd"),
        ({"significance_bps": 5_000}, "below 5000"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        replace(ModelParameters(), **change)
