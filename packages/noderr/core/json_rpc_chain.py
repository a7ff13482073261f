"""A chain, read only, as one node of it shows it. Each answer comes with the chain's id, from the same request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from noderr.core.json_rpc import JsonRpc, Question
from noderr.core.json_rpc_errors import JsonRpcAnswerError, WrongChainError
from noderr.core.json_rpc_hex import data, quantity, to_data, to_quantity

type BlockTag = int | Literal["latest", "safe", "finalized"]
"""A block's number, or the newest one: seen, justified, final."""


@dataclass(frozen=True, slots=True)
class ContractCall:
    """A contract's address, and the data of a call to it."""

    to: bytes
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What is read of a block's header; `timestamp_s` in Unix seconds."""

    number: int
    hash: bytes
    mix_hash: bytes
    timestamp_s: int


class ChainReader:
    """`chain_id` is the chain that is meant (EIP-155). Every method raises `JsonRpcError`."""

    def __init__(self, rpc: JsonRpc, chain_id: int) -> None:
        self._rpc = rpc
        self.chain_id = chain_id

    async def call(self, calls: Sequence[ContractCall], at: BlockTag = "latest") -> list[bytes]:
        """What the calls return (`eth_call`), in their order; empty where there is no contract."""
        questions = [
            Question("eth_call", ({"to": to_data(one.to), "data": to_data(one.data)}, _tag(at))) for one in calls
        ]
        return [self._read(data, result, "eth_call") for result in await self._ask(questions)]

    async def block(self, at: BlockTag) -> Block | None:
        """None where the chain has no such block yet."""
        [found] = await self._ask([Question("eth_getBlockByNumber", (_tag(at), False))])
        return None if found is None else self._read(_block, found, "eth_getBlockByNumber")

    async def _ask(self, questions: Sequence[Question]) -> list[object]:
        chain, *results = await self._rpc.ask([Question("eth_chainId"), *questions])
        found = self._read(quantity, chain, "eth_chainId")
        if found != self.chain_id:
            raise WrongChainError(f"{self._rpc.name} is a node of chain {found}, and chain {self.chain_id} is meant")
        return results

    def _read[T](self, reader: Callable[[object], T], value: object, method: str) -> T:
        try:
            return reader(value)
        except ValueError as error:
            raise JsonRpcAnswerError(f"{self._rpc.name} answers {method} wrongly: {error}") from error


def _tag(at: BlockTag) -> str:
    return to_quantity(at) if isinstance(at, int) else at


def _block(value: object) -> Block:
    if not isinstance(value, Mapping):
        raise ValueError("a block is an object")
    return Block(
        number=quantity(value.get("number")),
        hash=_word(value, "hash"),
        mix_hash=_word(value, "mixHash"),
        timestamp_s=quantity(value.get("timestamp")),
    )


def _word(value: Mapping[str, object], name: str) -> bytes:
    word = data(value.get(name))
    if len(word) != 32:
        raise ValueError(f"{name} has {len(word)} bytes: it must have 32")
    return word
