"""The commands with which the network operator changes and reads the registry. They work while `serve` runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from noderr.coordinator.database import Database, sqlite_url
from noderr.coordinator.errors import RegistryError
from noderr.coordinator.network import known_nodes
from noderr.coordinator.node_store import NodeStore
from noderr.coordinator.registry import Enrolment, Registry, parse_enrolment
from noderr.coordinator.settings import CoordinatorSettings, port_defaults
from noderr.core.data_claim import check_owner
from noderr.core.data_dir import prepare_data_dir
from noderr.core.identity import load_identity
from noderr.core.settings_loader import load_settings
from noderr.types import ServiceManifest
from noderr.types.signing.node_key import node_id
from noderr.utils import Clock, SystemClock


def operate(options: argparse.Namespace, manifest: ServiceManifest, environ: Mapping[str, str]) -> None:
    """Run one command. Raises `CoreError`."""
    settings = load_settings(environ, CoordinatorSettings, port_defaults(manifest))
    data_dir = prepare_data_dir(settings.data_dir, manifest.name)
    check_owner(data_dir, manifest.name)
    if options.command == "key":
        print(load_identity(data_dir, settings.private_key()).public_key.hex())
        return
    database = Database(settings.postgres_url() or sqlite_url(data_dir))
    try:
        database.migrate()
        _change(options, Registry(database), NodeStore(database), SystemClock(), settings.heartbeat_seconds)
    finally:
        database.close()


def _change(
    options: argparse.Namespace, registry: Registry, store: NodeStore, clock: Clock, heartbeat_seconds: int
) -> None:
    match options.command:
        case "migrate":
            print("the database has this version's schema")
        case "enrol":
            enrolments = _enrolments(options)
            added = registry.enrol(enrolments, clock.now_ns())
            for enrolment in enrolments:
                print(node_id(enrolment.public_key), enrolment.tier)
            print(f"{len(enrolments)} node(s) enrolled, {added} of them new")
        case "suspend" | "restore":
            registry.suspend(options.node_id, suspended=options.command == "suspend")
            print(f"node {options.node_id} is {'suspended' if options.command == 'suspend' else 'heard again'}")
        case "desire":
            registry.desire(options.tier, options.version)
            print(f"{options.tier}: {options.version or 'no version in particular'}")
        case "nodes":
            print(_table(store, clock, heartbeat_seconds))


def _enrolments(options: argparse.Namespace) -> list[Enrolment]:
    if options.public_key:
        if not options.tier:
            raise RegistryError("--public-key needs --tier")
        return [parse_enrolment(options.public_key, options.tier, options.address)]
    try:
        text = sys.stdin.read() if options.source == "-" else Path(options.source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryError(f"--from {options.source}: cannot be read: {error}") from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) not in (2, 3):
            raise RegistryError(f"{options.source}, line {number}: write tier, public key and, if you like, address")
        try:
            found.append(parse_enrolment(words[1], words[0], *words[2:]))
        except RegistryError as error:
            raise RegistryError(f"{options.source}, line {number}: {error}") from error
    return found


def _table(store: NodeStore, clock: Clock, heartbeat_seconds: int) -> str:
    nodes = known_nodes(store.all_nodes(), clock.now_ns(), heartbeat_seconds)
    if not nodes:
        return "no node is enrolled"
    head = ("node id", "tier", "state", "version", "ready", "peers", "records", "address")
    rows = [
        (
            node.node_id,
            node.tier,
            f"{node.state}, suspended" if node.suspended else node.state,
            node.version or "–",
            {True: "yes", False: "no", None: "–"}[node.ready],
            f"{node.peers_connected}/{node.peers_configured}",
            str(node.records),
            node.address or "–",
        )
        for node in nodes
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    )
