from __future__ import annotations

import pytest

from monitoring.errors import PromQlError
from monitoring.promql import parse
from monitoring.promql_tree import Aggregation, Binary, Call, Constant, Matcher, Matching, Selector

A, B, C = (Selector(name, ()) for name in "abc")


def test_names_are_told_from_functions_keywords_labels_and_strings() -> None:
    tree = parse('sum by (job) (rate(a{by="sum(b)", on=~`c{}`}[5m])) # and d')
    matchers = (Matcher("by", "=", "sum(b)"), Matcher("on", "=~", "c{}"))
    assert tree == Aggregation("sum", "by", ("job",), (Call("rate", (Selector("a", matchers),)),))


def test_a_metric_may_be_called_as_an_aggregation_or_a_unit() -> None:
    assert parse("sum + m") == Binary("+", Selector("sum", ()), Selector("m", ()))
    assert parse("count{}") == Selector("count", ())


def test_grouping_may_stand_on_either_side() -> None:
    assert parse("sum by (x, y,) (a)") == parse("sum(a) by (x, y)") == Aggregation("sum", "by", ("x", "y"), (A,))
    assert parse("sum without () (a)") == Aggregation("sum", "without", (), (A,))
    assert parse("sum(a)") == Aggregation("sum", "by", (), (A,))
    assert parse("topk(3, a)") == Aggregation("topk", "by", (), (Constant("3"), A))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b * c", Binary("+", A, Binary("*", B, C))),
        ("a - b - c", Binary("-", Binary("-", A, B), C)),
        ("a ^ b ^ c", Binary("^", A, Binary("^", B, C))),
        ("(a + b) * c", Binary("*", Binary("+", A, B), C)),
        ("a or b and c", Binary("or", A, Binary("and", B, C))),
        ("a > b and c", Binary("and", Binary(">", A, B), C)),
        ("a > bool b", Binary(">", A, B)),
        ("-a * b", Binary("*", A, B)),
        ("a / on (x) b", Binary("/", A, B, Matching("on", ("x",)))),
        ("a / ignoring (x) group_left b", Binary("/", A, B, Matching("ignoring", ("x",), "group_left"))),
        ("a * on (x) group_right (y) b", Binary("*", A, B, Matching("on", ("x",), "group_right", ("y",)))),
    ],
)
def test_operators_bind_as_in_prometheus(text: str, tree: object) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    "text", ["a[5m]", "a offset 1h", "a offset -1h30m", "a @ 1609746000", "a[1h:5m] offset 1d", "a[1h:]"]
)
def test_ranges_offsets_and_times_are_stepped_over(text: str) -> None:
    assert parse(text) == A


@pytest.mark.parametrize("text", ["1", "0x1F", "4e9", ".5", "1.5e-3", "Inf", "NaN", '"text"', "'text'"])
def test_constants(text: str) -> None:
    assert parse(text) == Constant(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a metric by its name"),
        ("a b", "an operator or the end expected at 2, found 'b'"),
        ("sum(a", r"\) expected"),
        ('{__name__="a"}', "a metric by its name"),
        ("a{x}", "one of = != =~ !~"),
        ("a{x=1}", "a string expected"),
        ("a[5]", "a duration expected"),
        ("a $ b", "no PromQL from"),
        ('a{x="open}', "no PromQL from"),
        ("5x", "no PromQL from"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(PromQlError, match=says):
        parse(text)
