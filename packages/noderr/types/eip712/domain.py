"""The domain separator, and the digest that is signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from noderr.types.eip712.struct_type import StructType, parse_struct_type
from noderr.types.keccak import keccak256

_DOMAIN = parse_struct_type("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")


@dataclass(frozen=True)
class Domain:
    """Where a signature counts. `verifying_contract` is the 20 bytes of an address."""

    name: str
    version: str
    chain_id: int
    verifying_contract: bytes

    @cached_property
    def separator(self) -> bytes:
        """`domainSeparator`, 32 bytes. Raises `TypedDataError`."""
        return _DOMAIN.hash_struct(
            {
                "name": self.name,
                "version": self.version,
                "chainId": self.chain_id,
                "verifyingContract": self.verifying_contract,
            }
        )

    @cached_property
    def prefix(self) -> bytes:
        """What stands before `hashStruct` in all that is signed here: 34 bytes."""
        return b"\x19\x01" + self.separator


def typed_data_digest(domain: Domain, struct: StructType, value: Mapping[str, object]) -> bytes:
    """The 32 bytes that are signed: keccak256(0x1901 ‖ domain separator ‖ hashStruct). Raises `TypedDataError`."""
    return digest_of_hash(domain, struct.hash_struct(value))


def digest_of_hash(domain: Domain, struct_hash: bytes) -> bytes:
    """The same, of a `hashStruct` that is known."""
    return keccak256(domain.prefix + struct_hash)
