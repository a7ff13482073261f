"""Errors of `noderr.types.eip712`.

TypesError
├── TypeStringError    text that is no EIP-712 type
├── TypedDataError     a value that is not of its type; names the member, the value and what it must be
└── UnencodableError   inside of the package: the same, on its way to where the member's whole path is known
"""

from __future__ import annotations

from noderr.types.errors import TypesError


class TypeStringError(TypesError, ValueError):
    """Not the encoding of a struct type, such as `Mail(address to,string contents)`."""


class TypedDataError(TypesError, ValueError):
    """The value of a member is not of the member's type."""

    def __init__(self, member: str, value: object, wanted: str) -> None:
        self.member = member
        shown = repr(value)
        super().__init__(f"{member} is {shown if len(shown) <= 80 else shown[:77] + '...'}: it must be {wanted}")


class UnencodableError(TypesError):
    """`path` is the member's, as far out as it has come."""

    def __init__(self, value: object, wanted: str) -> None:
        self.value = value
        self.wanted = wanted
        self.path = ""
        super().__init__(wanted)

    def below(self, step: str) -> UnencodableError:
        """The same, one step further out."""
        self.path = step + self.path
        return self
