"""Who belongs to the network, and which version each tier is to run. Every change is one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, text, update

from noderr.coordinator.database import Database
from noderr.coordinator.errors import RegistryError
from noderr.coordinator.tables import desired_versions, nodes
from noderr.core.peer_address import split_host_port
from noderr.types import Version
from noderr.types.signing.node_key import node_id, parse_public_key

TIERS = ("oracle", "guardian", "validator")


@dataclass(frozen=True)
class Enrolment:
    """A node to be heard. `public_key` is raw; `address` host:port, or empty when it says so itself."""

    public_key: bytes
    tier: str
    address: str = ""


def parse_enrolment(public_key: str, tier: str, address: str = "") -> Enrolment:
    """Read an enrolment as a person writes it. Raises `RegistryError`."""
    if tier not in TIERS:
        raise RegistryError(f"tier {tier!r} does not exist: choose one of {', '.join(TIERS)}")
    try:
        if address:
            split_host_port(address)
        return Enrolment(parse_public_key(public_key), tier, address)
    except ValueError as error:
        raise RegistryError(str(error)) from error


class Registry:
    """The registry in a database. Every method blocks and raises `StoreUnavailableError` besides its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enrol(self, enrolments: list[Enrolment], now_ns: int) -> int:
        """Add nodes, all or none; returns how many are new. One that is there already with the same tier is no error,
        and gets the address if one is given.

        Raises `RegistryError` for one that is there with another tier.
        """
        added = 0
        with self._database.transaction() as connection:
            _lock_registry(connection)
            for enrolment in enrolments:
                identifier = node_id(enrolment.public_key)
                found = connection.execute(select(nodes.c.tier).where(nodes.c.node_id == identifier)).scalar()
                if found is None:
                    connection.execute(
                        insert(nodes).values(
                            node_id=identifier,
                            public_key=enrolment.public_key.hex(),
                            tier=enrolment.tier,
                            address=enrolment.address,
                            enrolled_at_ns=now_ns,
                        )
                    )
                    added += 1
                elif found != enrolment.tier:
                    raise RegistryError(
                        f"node {identifier} is enrolled as {found}, not {enrolment.tier}: a key belongs to one tier; "
                        "give the node a key of its own for the other"
                    )
                elif enrolment.address:
                    connection.execute(
                        update(nodes).where(nodes.c.node_id == identifier).values(address=enrolment.address)
                    )
        return added

    def suspend(self, identifier: str, *, suspended: bool) -> None:
        """Hear the node no more, or again. Raises `RegistryError` when there is none of this id."""
        with self._database.transaction() as connection:
            done = connection.execute(
                update(nodes).where(nodes.c.node_id == identifier).values(suspended=suspended)
            ).rowcount
        if not done:
            raise RegistryError(f"no node {identifier!r} is enrolled: `nodes` lists them")

    def desire(self, tier: str, version: str | None) -> None:
        """Wish for a version of a tier, or for none in particular. Raises `RegistryError`."""
        if tier not in TIERS:
            raise RegistryError(f"tier {tier!r} does not exist: choose one of {', '.join(TIERS)}")
        if version is not None:
            try:
                Version(version)
            except ValueError as error:
                raise RegistryError(str(error)) from error
        with self._database.transaction() as connection:
            _lock_registry(connection)
            connection.execute(delete(desired_versions).where(desired_versions.c.tier == tier))
            if version is not None:
                connection.execute(insert(desired_versions).values(tier=tier, version=version))

    def desired(self) -> dict[str, str]:
        """The wished version of each tier that has one."""
        with self._database.transaction() as connection:
            return {row.tier: row.version for row in connection.execute(select(desired_versions))}


def _lock_registry(connection: Connection) -> None:
    """One change at a time, so that two people who add the same thing do not collide. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE desired_versions IN SHARE ROW EXCLUSIVE MODE"))
