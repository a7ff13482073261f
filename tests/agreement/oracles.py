"""Oracles as processes on loopback, without a coordinator: they need none to agree."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from noderr.core.consensus.membership import Membership, read_membership
from noderr.types.consensus import VoterSet
from noderr.types.tier_numbers import ORACLE_TIER
from tests.network.plan import Member, plan_network
from tests.network.processes import HOST, ProcessNetwork, free_ports


def node_seed(number: int) -> Ed25519PrivateKey:
    """The key of a `PeerNode` with this seed."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


class OracleProcesses(ProcessNetwork):
    """`count` oracles of equal weight that are in one voters' file; those that are started see something."""

    def __init__(self, count: int, folder: Path, *, round_ms: int, environ: dict[str, str] | None = None) -> None:
        keys = [node_seed(number) for number in range(count + 1)]
        plan = plan_network({"oracle": count}, free_ports(2 * (1 + count)), host=HOST, keys=keys)
        super().__init__(plan, folder, {"NODEOS_LOG_LEVEL": "info"} | (environ or {}))
        voters = plan.voters(genesis_unix_s=int(time.time()) - 1, round_ms={"oracle": round_ms})
        self.voters_file.write_bytes(voters)

    @property
    def membership(self) -> Membership:
        """What the voters' file says."""
        return read_membership(self.voters_file)

    @property
    def oracles(self) -> Sequence[Member]:
        return self.plan.nodes

    @property
    def voters(self) -> VoterSet:
        """The oracles."""
        voters = self.membership.voters(ORACLE_TIER)
        assert voters is not None, "they are all in the file"
        return voters

    def logged(self, member: Member, event: str) -> Iterator[dict[str, Any]]:
        """What it has logged under this name, over all its lives; a line that a kill cut off is none."""
        for line in self.log(member).read_text(errors="replace").splitlines():
            if f'"{event}"' in line:
                try:
                    found = json.loads(line)
                except json.JSONDecodeError:
                    continue
                if found.get("event") == event:
                    yield found

    def _command(self, kind: str) -> list[str]:
        return [sys.executable, "-m", "tests.agreement.observing_node"]
