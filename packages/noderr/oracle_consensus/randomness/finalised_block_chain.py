"""The blocks of a chain as one of its nodes shows them, over JSON-RPC: the oracle's own, or one that it trusts."""

from __future__ import annotations

from noderr.core.json_rpc_chain import Block, BlockTag, ChainReader
from noderr.core.json_rpc_errors import JsonRpcError
from noderr.oracle_consensus.errors import NoRandomnessError
from noderr.oracle_consensus.randomness.finalised_block import BlockHeader


class NodeChain:
    """See `Chain`."""

    def __init__(self, reader: ChainReader) -> None:
        self._reader = reader

    async def finalised_number(self) -> int:
        """See `Chain`."""
        return (await self._block("finalized")).number

    async def header(self, number: int) -> BlockHeader:
        """See `Chain`."""
        block = await self._block(number)
        return BlockHeader(number=block.number, hash=block.hash, mix_hash=block.mix_hash)

    async def _block(self, at: BlockTag) -> Block:
        try:
            block = await self._reader.block(at)
        except JsonRpcError as error:
            raise NoRandomnessError(f"the chain does not show block {at}: {error}") from error
        if block is None:
            raise NoRandomnessError(f"the chain has no block {at} yet: ask again later")
        return block
