"""Reads a PromQL expression into a tree, so that names, labels and functions are told apart as Prometheus does it.

That an expression is PromQL is for `promtool` to say; this reads what it accepts, and refuses the rest loudly.
The grammar is Prometheus' own, from its documentation of operators and selectors.
"""

from __future__ import annotations

from typing import NoReturn

from monitoring.errors import PromQlError
from monitoring.promql_tokens import Token, tokens
from monitoring.promql_tree import Aggregation, Binary, Call, Constant, Expression, Matcher, Matching, Selector

AGGREGATIONS = frozenset(
    {"avg", "bottomk", "count", "count_values", "group", "max", "min", "quantile", "stddev", "stdvar", "sum", "topk"}
)
_BINDING = {
    **dict.fromkeys(("or",), 1),
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(("==", "!=", "<=", "<", ">=", ">"), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%", "atan2"), 5),
    "^": 6,
}
_SIGN_BINDING = 6
_MATCHERS = ("=", "!=", "=~", "!~")


def parse(expression: str) -> Expression:
    """The tree of an expression. Raises `PromQlError`."""
    reader = _Reader(expression)
    tree = reader.binary(0)
    if reader.next.kind != "end":
        reader.fail("an operator or the end")
    return tree


class _Reader:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = list(tokens(expression))
        self._place = 0

    @property
    def next(self) -> Token:
        return self._tokens[self._place]

    def fail(self, wanted: str) -> NoReturn:
        found = self.next.text or "the end"
        raise PromQlError(f"{self._expression!r}: {wanted} expected at {self.next.at}, found {found!r}")

    def binary(self, least: int) -> Expression:
        """An expression whose operators bind at least as tightly as `least`."""
        left = self._signed()
        while (binding := self._binding()) and binding >= least:
            operator = self._take().text
            matching = self._matching()
            # Only powers group from the right.
            left = Binary(operator, left, self.binary(binding if operator == "^" else binding + 1), matching)
        return left

    def _binding(self) -> int:
        return _BINDING.get(self.next.text, 0) if self.next.kind in ("symbol", "word") else 0

    def _signed(self) -> Expression:
        if self._taken("-") or self._taken("+"):
            return self.binary(_SIGN_BINDING)
        found = self._operand()
        while self._modified():
            pass
        return found

    def _operand(self) -> Expression:
        token = self.next
        if token.kind in ("number", "string"):
            return Constant(self._take().text)
        if self._taken("("):
            inside = self.binary(0)
            self._want(")")
            return inside
        if token.kind != "word":
            self.fail("a metric by its name, a function or a number")
        self._take()
        if token.text in AGGREGATIONS and self.next.text in ("(", "by", "without"):
            return self._aggregation(token.text)
        if token.text.lower() in ("inf", "nan"):
            return Constant(token.text)
        if self.next.text == "(":
            return Call(token.text, self._arguments())
        return Selector(token.text, self._matchers())

    def _aggregation(self, operator: str) -> Expression:
        grouping = self._grouping()
        arguments = self._arguments()
        kind, labels = grouping or self._grouping() or ("by", ())
        return Aggregation(operator, kind, labels, arguments)

    def _grouping(self) -> tuple[str, tuple[str, ...]] | None:
        if self.next.text not in ("by", "without"):
            return None
        return self._take().text, self._labels()

    def _matching(self) -> Matching:
        self._taken("bool")
        if self.next.text not in ("on", "ignoring"):
            return Matching()
        kind, labels = self._take().text, self._labels()
        if self.next.text not in ("group_left", "group_right"):
            return Matching(kind, labels)
        group = self._take().text
        return Matching(kind, labels, group, self._labels() if self.next.text == "(" else ())

    def _arguments(self) -> tuple[Expression, ...]:
        self._want("(")
        found: list[Expression] = []
        while not self._taken(")"):
            found.append(self.binary(0))
            self._comma(")")
        return tuple(found)

    def _labels(self) -> tuple[str, ...]:
        self._want("(")
        found: list[str] = []
        while not self._taken(")"):
            found.append(self._kind("word", "a label"))
            self._comma(")")
        return tuple(found)

    def _matchers(self) -> tuple[Matcher, ...]:
        found: list[Matcher] = []
        if self._taken("{"):
            while not self._taken("}"):
                label = self._kind("word", "a label")
                if self.next.text not in _MATCHERS:
                    self.fail("one of " + " ".join(_MATCHERS))
                found.append(Matcher(label, self._take().text, self._kind("string", "a string")[1:-1]))
                self._comma("}")
        return tuple(found)

    def _modified(self) -> bool:
        """Step over a range, a subquery's step, an offset or a time, if one comes next."""
        if self._taken("["):
            self._kind("duration", "a duration")
            if self._taken(":") and self.next.kind == "duration":
                self._take()
            self._want("]")
        elif self._taken("offset"):
            self._taken("-")
            self._kind("duration", "a duration")
        elif self._taken("@"):
            self._kind("number", "a time")
        else:
            return False
        return True

    def _take(self) -> Token:
        token = self.next
        self._place += 1
        return token

    def _taken(self, text: str) -> bool:
        """Step over the next token if it is `text`, and say whether it was."""
        found = self.next.text == text and self.next.kind in ("symbol", "word")
        self._place += found
        return found

    def _want(self, text: str) -> None:
        if not self._taken(text):
            self.fail(text)

    def _kind(self, kind: str, wanted: str) -> str:
        if self.next.kind != kind:
            self.fail(wanted)
        return self._take().text

    def _comma(self, closing: str) -> None:
        if not self._taken(",") and self.next.text != closing:
            self.fail(f", or {closing}")
