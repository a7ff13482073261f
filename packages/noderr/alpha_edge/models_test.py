"""Models are told apart by their hashes, and each has its machine."""

from __future__ import annotations

import dataclasses

import pytest

from noderr.alpha_edge.errors import ParameterError
from noderr.alpha_edge.forecaster import Forecaster
from noderr.alpha_edge.models import Parameters, machine_of, models_for, name_of
from noderr.alpha_edge.parameters import ModelParameters
from noderr.alpha_edge.queue_imbalance import ImbalanceParameters, QueueImbalance


@pytest.mark.parametrize("parameters", [ModelParameters(), ImbalanceParameters()])
def test_each_parameter_makes_another_model(parameters: Parameters) -> None:
    others = [
        dataclasses.replace(parameters, **{field.name: getattr(parameters, field.name) + step})
        for field in dataclasses.fields(parameters)
        for step in [2 if field.name == "imbalance_buckets" else 1]
    ]
    hashes = {one.model_hash() for one in (parameters, *others)}
    assert len(hashes) == 1 + len(dataclasses.fields(parameters))
    assert {len(one) for one in hashes} == {32}
    assert type(parameters)().model_hash() == parameters.model_hash()


def test_models_of_one_horizon_are_two_and_those_of_another_are_others() -> None:
    of = {seconds: [one.model_hash() for one in models_for(seconds)] for seconds in (10, 300)}
    assert len({*of[10], *of[300]}) == 4
    assert [one.horizon_seconds for one in models_for(300)] == [300, 300]
    assert [name_of(one) for one in models_for(10)] == ["alpha-edge.order-flow", "alpha-edge.queue-imbalance"]
    assert [type(machine_of(one)) for one in models_for(10)] == [Forecaster, QueueImbalance]
    with pytest.raises(ParameterError, match="horizon_seconds"):
        models_for(0)
