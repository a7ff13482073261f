"""The models that there are, each by its parameters: another value is another model, with another hash."""

from __future__ import annotations

from noderr.alpha_edge.forecaster import Forecaster
from noderr.alpha_edge.parameters import ModelParameters
from noderr.alpha_edge.queue_imbalance import ImbalanceParameters, QueueImbalance

type Parameters = ModelParameters | ImbalanceParameters
type Machine = Forecaster | QueueImbalance


def machine_of(parameters: Parameters) -> Machine:
    """A new machine of one stream."""
    if isinstance(parameters, ImbalanceParameters):
        return QueueImbalance(parameters)
    return Forecaster(parameters)
