"""Runs all checks. A failure of one hides only those that need what it found."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from noderr.core.errors import SettingsError
from noderr.core.packages import missing_packages
from noderr.core.preflight.machine_checks import (
    check_data_dir,
    check_database,
    check_descriptors,
    check_disk,
    check_key,
    check_memory,
    check_ports,
    check_processors,
)
from noderr.core.preflight.network_checks import check_coordinator, check_peer
from noderr.core.preflight.result import CheckResult, Outcome
from noderr.core.settings import NodeSettings
from noderr.core.settings_loader import load_settings, tier_defaults
from noderr.types import TierManifest
from noderr.utils import Clock


def run_preflight(environ: Mapping[str, str], manifest: TierManifest, clock: Clock) -> list[CheckResult]:
    """Every check's result, in the order of the table."""
    try:
        settings = load_settings(environ, NodeSettings, tier_defaults(manifest))
    except SettingsError as error:
        found = [
            CheckResult("settings", Outcome.FAILED, problem, "mend it and check again") for problem in error.problems
        ]
        return [*found, *_machine(manifest)]
    results = [CheckResult("settings", Outcome.OK, "all are valid"), _packages(manifest)]
    data_result, data_dir = check_data_dir(settings, manifest)
    results.append(data_result)
    if data_dir is not None:
        results += [
            check_key(data_dir, settings),
            check_disk(data_dir, settings, manifest),
            check_database(data_dir),
        ]
    results += check_ports(settings)
    results += _machine(manifest)
    return results + asyncio.run(_network(settings, clock))


def _machine(manifest: TierManifest) -> list[CheckResult]:
    return [check_processors(manifest), check_memory(manifest), check_descriptors()]


def _packages(manifest: TierManifest) -> CheckResult:
    absent = missing_packages(manifest)
    if absent:
        found = f"{len(absent)} of the {len(manifest.packages)} that a {manifest.tier} lists are not in this build"
        return CheckResult(
            "packages", Outcome.WARNING, f"{found}: {', '.join(absent)}", "update; until then it is not ready"
        )
    return CheckResult("packages", Outcome.OK, f"all {len(manifest.packages)} are in this build")


async def _network(settings: NodeSettings, clock: Clock) -> list[CheckResult]:
    peers = asyncio.gather(*(check_peer(peer) for peer in settings.peer_addresses()))
    return [*await check_coordinator(settings, clock), *await peers]
