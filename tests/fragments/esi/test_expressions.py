from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page import view

from fragments.esi import ExpressionError
from fragments.esi.expressions import evaluate, parse_expression, variables

REQUEST = view(
    target="/page?a=1&b=two&empty=&ten=10&nine=9",
    headers=[("accept-language", "en-GB, fr;q=0.5")],
)


def holds(text: str) -> bool:
    return evaluate(parse_expression(text), REQUEST)


@pytest.mark.parametrize(
    "text",
    [
        "1==1",
        "1 == 1.0",
        "'abc' == 'abc'",
        "'a' != 'b'",
        "2 < 10",
        "'b' > 'a'",
        "1 <= 1",
        "1 >= 1",
        "-1 < 0",
        "$(QUERY_STRING{a}) == 1",
        "$(QUERY_STRING{ten}) > $(QUERY_STRING{nine})",
        "$(QUERY_STRING{b}) == 'two'",
        "$(QUERY_STRING{b}) == two",
        "$(QUERY_STRING{none}|'two') == 'two'",
        "$(QUERY_STRING{b})",
        "!$(QUERY_STRING{empty})",
        "!$(QUERY_STRING{none})",
        "!!1",
        "!(1==2)",
        "!1==2",
        "1==2 | 1==1",
        "1==1 & 2==2",
        "1==1 | 1==1 & 1==2",
        "(1==2 & 1==1) || 3==3",
        "!('a' == 'b') && !('c' == 'd')",
        "$(HTTP_ACCEPT_LANGUAGE{en-gb})",
        "$(HTTP_ACCEPT_LANGUAGE{fr})",
        "  1==1  ",
        "(((1==1)))",
        "(1==1) == (2==2)",
        "true",
    ],
)
def test_true(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "1==2",
        "'a' == 'A'",
        "10 < 9",
        "'10' == 'ten'",
        "0",
        "false",
        "''",
        "$(QUERY_STRING{none})",
        "$(UNKNOWN)",
        "$(HTTP_ACCEPT_LANGUAGE{de})",
        # An empty or undefined operand makes any comparison false.
        "$(QUERY_STRING{none}) == ''",
        "$(QUERY_STRING{none}) != 'x'",
        "$(QUERY_STRING{none}) == $(QUERY_STRING{none})",
        "1==1 & 1==2 | 1==3",
        "!1==1",
    ],
)
def test_false(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    "text",
    ["", "(", ")", "()", "==", "1 ==", "1 == == 2", "1 2", "'a", "$(", "$(a", "$x", "1 = 1", "!",
     "1 &", "| 1", "a matches 'b'", "(1==1", "1==1)", "1==2==3", "=" * 10, "(" * 300 + "1"],
)  # fmt: skip
def test_nonsense_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(text)


def test_an_expression_has_limits() -> None:
    with pytest.raises(ExpressionError, match="parts"):
        parse_expression("&".join(["1"] * 200))
    with pytest.raises(ExpressionError, match="deep"):
        parse_expression("(" * 40 + "1" + ")" * 40)
    assert holds("!" * 200 + "1")


def test_what_decides_is_known() -> None:
    expression = parse_expression("$(A) == 'x' | !($(B{c}) & $(D))")

    assert variables(expression) == {"A", "B", "D"}


@given(st.text("()!&|=<>'$ a1", max_size=40))
def test_any_text_is_an_expression_or_an_error(text: str) -> None:
    try:
        expression = parse_expression(text)
    except ExpressionError:
        return

    assert evaluate(expression, REQUEST) in (True, False)


_operands = st.sampled_from(["1", "0", "'a'", "''", "$(QUERY_STRING{a})", "$(NONE)", "1==1", "2<1"])
_expressions = st.recursive(
    _operands,
    lambda inner: st.one_of(
        inner.map(lambda text: f"!({text})"),
        st.tuples(inner, st.sampled_from("&|"), inner).map(lambda t: f"({t[0]}){t[1]}({t[2]})"),
    ),
    max_leaves=8,
)


@given(_expressions, _expressions)
def test_logic_follows_de_morgan(left: str, right: str) -> None:
    assert holds(f"!(({left})&({right}))") == holds(f"!({left})|!({right})")
