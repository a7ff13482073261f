"""EIP-712: typed data, its digest, and the domain that binds a signature to one chain and one contract."""

from noderr.types.eip712.domain import Domain, digest_of_hash, typed_data_digest
from noderr.types.eip712.errors import TypedDataError, TypeStringError
from noderr.types.eip712.struct_type import StructType, parse_struct_type

__all__ = [
    "Domain",
    "StructType",
    "TypeStringError",
    "TypedDataError",
    "digest_of_hash",
    "parse_struct_type",
    "typed_data_digest",
]
