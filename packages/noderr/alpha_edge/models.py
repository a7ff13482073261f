"""The models that there are, each by its parameters: another value is another model, with another hash."""

from __future__ import annotations

from noderr.alpha_edge.forecaster import Forecaster
from noderr.alpha_edge.parameters import MODEL_NAME as ORDER_FLOW
from noderr.alpha_edge.parameters import ModelParameters
from noderr.alpha_edge.queue_imbalance import MODEL_NAME as QUEUE_IMBALANCE
from noderr.alpha_edge.queue_imbalance import ImbalanceParameters, QueueImbalance

type Parameters = ModelParameters | ImbalanceParameters
type Machine = Forecaster | QueueImbalance


def machine_of(parameters: Parameters) -> Machine:
    """A new machine of one stream."""
    if isinstance(parameters, ImbalanceParameters):
        return QueueImbalance(parameters)
    return Forecaster(parameters)


def models_for(horizon_seconds: int) -> tuple[Parameters, ...]:
    """What an oracle asks for this horizon: the first that has a forecast is believed. Raises `ParameterError`."""
    return ModelParameters(horizon_seconds=horizon_seconds), ImbalanceParameters(horizon_seconds=horizon_seconds)


def name_of(parameters: Parameters) -> str:
    """For people and metrics."""
    return QUEUE_IMBALANCE if isinstance(parameters, ImbalanceParameters) else ORDER_FLOW
