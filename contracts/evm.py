"""An EVM in this process (py-evm, Cancun) and contracts on it, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eth.abc import ComputationAPI, SignedTransactionAPI
from eth.constants import BLANK_ROOT_HASH, CREATE_CONTRACT_ADDRESS, ZERO_ADDRESS, ZERO_HASH32
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun import CancunVM
from eth.vm.forks.cancun.state import CancunState
from eth.vm.spoof import SpoofTransaction
from eth_abi.abi import decode
from eth_account import Account
from eth_typing import Address, BlockNumber

from contracts.artifact import Artifact, Item, decode_error, load_artifact
from noderr.types.signing.account_key import AccountKey

NOW_S = 1_790_000_000
"""Where a chain's time stands until it is set, in Unix seconds."""
_GAS = 29_000_000
"""Of a transaction: enough for everything here, and less than a block holds."""
_REFUND_QUOTIENT = 5
"""At most a fifth of the gas is given back (EIP-3529)."""


class Reverted(Exception):
    """A call that reverted with an error of its contract, or of one that this one called."""

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
class Log:
    """An event as the chain keeps it: the address of the contract that emitted it, topics of 32 bytes, data."""

    contract: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a transaction did: its gas, all of it, and its events by name."""

    gas_used: int
    events: Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """What a signed transaction did, which alone has a hash."""

    transaction: bytes
    gas_used: int
    logs: tuple[Log, ...]


@dataclass
class Evm:
    """One chain. `now_s` is the time of the next block, in Unix seconds: set it at will."""

    chain_id: int = 84532
    now_s: int = NOW_S
    _db: AtomicDB = field(default_factory=AtomicDB)
    _root: Any = BLANK_ROOT_HASH
    _errors: dict[bytes, Item] = field(default_factory=dict)

    def deploy(self, name: str, *arguments: Any, sender: bytes) -> Contract:
        """A new contract. Raises `Reverted`."""
        artifact = load_artifact(name)
        # Who is called may pass on the error of whom it calls.
        self._errors.update(artifact.errors)
        done = self._run(sender, CREATE_CONTRACT_ADDRESS, artifact.creation(*arguments), keep=True)
        return Contract(self, artifact, done.computation.msg.storage_address, done.gas_used)

    def transact(self, key: AccountKey, to: bytes, data: bytes) -> SignedReceipt:
        """A transaction that the key signs. Raises `Reverted`: what a node would not even estimate is not sent."""
        state = self._state()
        unsigned = {
            "nonce": state.get_nonce(Address(key.address)),
            "gasPrice": 0,
            "gas": _GAS,
            "to": to,
            "value": 0,
            "data": data,
            "chainId": self.chain_id,
        }
        raw = Account.sign_transaction(unsigned, key.secret).raw_transaction
        signed = CancunVM.get_transaction_builder().decode(bytes(raw))
        done = self._apply(state, signed, keep=True)
        return SignedReceipt(signed.hash, done.gas_used, _logs(done.computation))

    def call(self, to: bytes, data: bytes) -> bytes:
        """What `eth_call` returns. Raises `Reverted`, and `KeyError` for a reason that has no name."""
        return self._run(ZERO_ADDRESS, to, data, keep=False).computation.output

    def _run(self, sender: bytes, to: bytes, data: bytes, *, keep: bool) -> _Done:
        state = self._state()
        transaction = CancunVM.create_unsigned_transaction(
            nonce=state.get_nonce(Address(sender)), gas_price=0, gas=_GAS, to=Address(to), value=0, data=data
        )
        # It has every member of a signed transaction but a class.
        spoof: Any = SpoofTransaction(transaction, from_=sender)
        return self._apply(state, spoof, keep=keep)

    def _state(self) -> CancunState:
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
        return CancunState(self._db, context, self._root)

    def _apply(self, state: CancunState, transaction: SignedTransactionAPI, *, keep: bool) -> _Done:
        done = state.apply_transaction(transaction)
        if done.is_error:
            raise Reverted(*decode_error(self._errors, done.output))
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
        return Receipt(done.gas_used, dict(self._event(log) for log in _logs(done.computation)))

    def _call(self, sender: bytes, function: str, arguments: tuple[Any, ...], *, keep: bool) -> _Done:
        data = self.artifact.call(function, *arguments)
        return self.evm._run(sender, self.address, data, keep=keep)

    def _event(self, log: Log) -> tuple[str, tuple[Any, ...]]:
        """Its name and values, in the order of the event's declaration."""
        first, *others = log.topics
        item = self.artifact.events[first]
        plain = iter(decode([t for t, index in zip(item.inputs, item.indexed, strict=True) if not index], log.data))
        indexed = iter(others)
        values = (
            decode([kind], next(indexed))[0] if index else next(plain)
            for kind, index in zip(item.inputs, item.indexed, strict=True)
        )
        return item.name, tuple(values)


def _logs(computation: ComputationAPI) -> tuple[Log, ...]:
    return tuple(
        Log(contract, tuple(topic.to_bytes(32, "big") for topic in topics), data)
        for contract, topics, data in computation.get_log_entries()
    )
