"""The order in which services start, from what each requires; they stop in the reverse order."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from noderr.core.errors import ServiceError
from noderr.core.service import Service


def start_waves(services: Sequence[Service]) -> tuple[tuple[Service, ...], ...]:
    """Groups of services; each group requires only services of groups before it.

    Raises `ServiceError` when a name is used twice, a required service is not there, or services require each other.
    """
    by_name: dict[str, Service] = {}
    for service in services:
        if service.name in by_name:
            raise ServiceError(f"two services are named {service.name!r}: give each a name of its own")
        by_name[service.name] = service
    for service in services:
        for name in service.requires:
            if name not in by_name:
                raise ServiceError(f"service {service.name!r} requires {name!r}, which this process does not have")
    sorter = TopologicalSorter({service.name: service.requires for service in services})
    try:
        sorter.prepare()
    except CycleError as error:
        raise ServiceError(f"services require each other: {' -> '.join(error.args[1])}") from error
    waves = []
    while sorter.is_active():
        ready = set(sorter.get_ready())
        waves.append(tuple(service for service in services if service.name in ready))
        sorter.done(*ready)
    return tuple(waves)
