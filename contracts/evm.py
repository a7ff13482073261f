"""An EVM in this process (py-evm, Cancun) and contracts on it, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eth.abc import ComputationAPI
from eth.constants import BLANK_ROOT_HASH, CREATE_CONTRACT_ADDRESS, ZERO_ADDRESS, ZERO_HASH32
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun import CancunVM
from eth.vm.forks.cancun.state import CancunState
from eth.vm.spoof import SpoofTransaction
from eth_abi.abi import decode
from eth_typing import Address, BlockNumber

from contracts.artifact import Artifact, load_artifact

_GAS = 29_000_000
"""Of a transaction: enough for everything here, and less than a block holds."""
_REFUND_QUOTIENT = 5
"""At most a fifth of the gas is given back (EIP-3529)."""


class Reverted(Exception):
    """A call that reverted with one of its contract's errors."""

    def __init__(self, name: str, arguments: tuple[Any, ...]) -> None:
        self.name = name
        self.arguments = arguments
        super().__init__(f"{name}{arguments}")


@dataclass(frozen=True, slots=True)
class _Done:
    """A transaction that went through; `gas_used` is all that its sender would pay for."""

    computation: ComputationAPI
    gas_used: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a transaction did: its gas, all of it, and its events by name."""

    gas_used: int
    events: Mapping[str, tuple[Any, ...]]


@dataclass
class Evm:
    """One chain. `now_s` is the time of the next block, in Unix seconds: set it at will."""

    chain_id: int = 84532
    now_s: int = 1_790_000_000
    _db: AtomicDB = field(default_factory=AtomicDB)
    _root: Any = BLANK_ROOT_HASH

    def deploy(self, name: str, *arguments: Any, sender: bytes) -> Contract:
        """A new contract. Raises `Reverted`."""
        artifact = load_artifact(name)
        done = self._run(artifact, sender, CREATE_CONTRACT_ADDRESS, artifact.creation(*arguments), keep=True)
        return Contract(self, artifact, done.computation.msg.storage_address, done.gas_used)

    def _run(self, artifact: Artifact, sender: bytes, to: bytes, data: bytes, *, keep: bool) -> _Done:
        context = ExecutionContext(
            coinbase=ZERO_ADDRESS,
            timestamp=self.now_s,
            block_number=BlockNumber(1),
            difficulty=0,
            mix_hash=ZERO_HASH32,
            gas_limit=_GAS,
            prev_hashes=(),
            chain_id=self.chain_id,
            base_fee_per_gas=0,
            excess_blob_gas=0,
        )
        state = CancunState(self._db, context, self._root)
        transaction = CancunVM.create_unsigned_transaction(
            nonce=state.get_nonce(Address(sender)), gas_price=0, gas=_GAS, to=Address(to), value=0, data=data
        )
        # It has every member of a signed transaction but a class.
        done = state.apply_transaction(SpoofTransaction(transaction, from_=sender))  # type: ignore[arg-type]
        if done.is_error:
            raise Reverted(*artifact.error(done.output))
        if keep:
            state.persist()
            self._root = state.state_root
        used = transaction.intrinsic_gas + done.get_gas_used()
        return _Done(done, used - min(done.get_gas_refund(), used // _REFUND_QUOTIENT))


@dataclass(frozen=True)
class Contract:
    """A deployed contract. Every call is a transaction of its own; `read` forgets what it did."""

    evm: Evm
    artifact: Artifact
    address: bytes
    deployed_gas: int

    def read(self, function: str, *arguments: Any) -> Any:
        """What a view returns: the value, or the tuple where there are several. Raises `Reverted`."""
        done = self._call(ZERO_ADDRESS, function, arguments, keep=False)
        values = self.artifact.result(function, done.computation.output)
        return values[0] if len(values) == 1 else values

    def gas(self, function: str, *arguments: Any) -> int:
        """The gas of the transaction that a call would be."""
        return self._call(ZERO_ADDRESS, function, arguments, keep=False).gas_used

    def send(self, sender: bytes, function: str, *arguments: Any) -> Receipt:
        """Call for good. Raises `Reverted`."""
        done = self._call(sender, function, arguments, keep=True)
        events = dict(self._event(topics, data) for _, topics, data in done.computation.get_log_entries())
        return Receipt(done.gas_used, events)

    def _call(self, sender: bytes, function: str, arguments: tuple[Any, ...], *, keep: bool) -> _Done:
        data = self.artifact.call(function, *arguments)
        return self.evm._run(self.artifact, sender, self.address, data, keep=keep)

    def _event(self, topics: tuple[int, ...], data: bytes) -> tuple[str, tuple[Any, ...]]:
        """Its name and values, in the order of the event's declaration."""
        first, *others = (topic.to_bytes(32, "big") for topic in topics)
        item = self.artifact.events[first]
        plain = iter(decode([t for t, index in zip(item.inputs, item.indexed, strict=True) if not index], data))
        indexed = iter(others)
        values = (
            decode([kind], next(indexed))[0] if index else next(plain)
            for kind, index in zip(item.inputs, item.indexed, strict=True)
        )
        return item.name, tuple(values)
