"""The expressions of `test` (ESI 1.0 §4.2): parsed on store, evaluated for each request.

    or      = and *( "|" and )
    and     = not *( "&" not )
    not     = "!" not / compare
    compare = operand [ ( "==" / "!=" / "<=" / ">=" / "<" / ">" ) operand ]
    operand = "(" or ")" / variable / "'" text "'" / number / word

Comparison binds tighter than "!", that tighter than "&", that tighter than "|", as §4.2 orders
them. `&&` and `||` are read as their single forms.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ExpressionError
from .limits import DEFAULT_LIMITS, Limits
from .variables import RequestView, Variable, match_variable


@dataclass(frozen=True, slots=True)
class Value:
    """A literal. A number compares as one with another number, else as its text."""

    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`; false when an operand is empty or undefined (§4.2)."""

    sign: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Not:
    """`!operand`."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class AllOf:
    """Operands joined by `&`."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Operands joined by `|`."""

    operands: tuple[Expression, ...]


Expression = Value | Variable | Comparison | Not | AllOf | AnyOf

_LEXEME = re.compile(
    r"\s*(?:(?P<sign>==|!=|<=|>=|<|>)|(?P<mark>&&?|\|\|?|!|\(|\))"
    r"|'(?P<text>[^']*)'|(?P<word>[^\s()<>=!&|'$]+)|(?P<variable>\$\())"
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")


def parse_expression(text: str, limits: Limits = DEFAULT_LIMITS) -> Expression:
    """Raises ExpressionError saying what was expected where."""
    return _ExpressionParser(text, limits).parse()


_Lexeme = tuple[str, "str | Variable", int]


class _ExpressionParser:
    """Recursive descent over a list of lexemes; their number bounds the recursion."""

    def __init__(self, text: str, limits: Limits) -> None:
        self._lexemes = list(_lexemes(text))
        self._position = 0
        if len(self._lexemes) > limits.expression:
            raise ExpressionError(f"an expression has more than {limits.expression} parts")
        self._nesting_left = limits.nesting

    def parse(self) -> Expression:
        expression = self._any_of()
        if self._position < len(self._lexemes):
            _, found, at = self._lexemes[self._position]
            raise ExpressionError(f"expected an operator at {at}, not {found!r}")
        return expression

    def _peek(self) -> tuple[str, str | Variable]:
        if self._position >= len(self._lexemes):
            return "end", ""
        kind, value, _ = self._lexemes[self._position]
        return kind, value

    def _takes(self, *marks: str) -> bool:
        kind, value = self._peek()
        if kind == "mark" and value in marks:
            self._position += 1
            return True
        return False

    def _any_of(self) -> Expression:
        operands = [self._all_of()]
        while self._takes("|", "||"):
            operands.append(self._all_of())
        return operands[0] if len(operands) == 1 else AnyOf(tuple(operands))

    def _all_of(self) -> Expression:
        operands = [self._negation()]
        while self._takes("&", "&&"):
            operands.append(self._negation())
        return operands[0] if len(operands) == 1 else AllOf(tuple(operands))

    def _negation(self) -> Expression:
        count = 0
        while self._takes("!"):
            count += 1
        expression = self._comparison()
        for _ in range(count):
            expression = Not(expression)
        return expression

    def _comparison(self) -> Expression:
        left = self._operand()
        kind, sign = self._peek()
        if kind != "sign" or not isinstance(sign, str):
            return left
        self._position += 1
        return Comparison(sign, left, self._operand())

    def _operand(self) -> Expression:
        if self._takes("("):
            self._nesting_left -= 1
            if self._nesting_left < 0:
                raise ExpressionError("parentheses are nested too deep")
            expression = self._any_of()
            if not self._takes(")"):
                raise ExpressionError("a parenthesis is not closed")
            self._nesting_left += 1
            return expression
        kind, value = self._peek()
        if kind == "variable" and isinstance(value, Variable):
            self._position += 1
            return value
        if kind == "value" and isinstance(value, str):
            self._position += 1
            return Value(value)
        raise ExpressionError(f"expected an operand, not {value or 'the end'!r}")


def _lexemes(text: str) -> list[_Lexeme]:
    found: list[_Lexeme] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _LEXEME.match(text, position)
        if match is None:
            raise ExpressionError(f"cannot read {text[position : position + 20]!r}")
        start, position = match.start(match.lastgroup or 0), match.end()
        if match.lastgroup == "variable":
            variable = match_variable(text, start)
            if variable is None:
                raise ExpressionError(f"no variable at {text[start : start + 20]!r}")
            found.append(("variable", variable[0], start))
            position = variable[1]
        elif match.lastgroup in ("text", "word"):
            found.append(("value", match[match.lastgroup], start))
        else:
            kind = match.lastgroup or ""
            found.append((kind, match[kind], start))
    return found


def evaluate(expression: Expression, request: RequestView) -> bool:
    """Whether the expression holds for the request."""
    match expression:
        case AnyOf(operands):
            return any(evaluate(operand, request) for operand in operands)
        case AllOf(operands):
            return all(evaluate(operand, request) for operand in operands)
        case Not(operand):
            return not evaluate(operand, request)
        case Comparison(sign, left, right):
            return _compare(sign, _text(left, request), _text(right, request))
        case Value() | Variable():
            # A non-empty value is true, except the words and number that say otherwise.
            text = _text(expression, request)
            return text not in ("", "0", "false") if isinstance(expression, Value) else text != ""


def _text(operand: Expression, request: RequestView) -> str:
    match operand:
        case Value(text):
            return text
        case Variable():
            return request.value(operand)
        case _:
            return "true" if evaluate(operand, request) else "false"


def _compare(sign: str, left: str, right: str) -> bool:
    if not left or not right:
        return False
    if _NUMBER.fullmatch(left) and _NUMBER.fullmatch(right):
        return _COMPARE[sign](float(left), float(right))
    return _COMPARE[sign](left, right)


def variables(expression: Expression) -> frozenset[str]:
    """The names of the variables that decide the expression."""
    match expression:
        case Variable(name):
            return frozenset({name})
        case AnyOf(operands) | AllOf(operands):
            return frozenset[str]().union(*(variables(operand) for operand in operands))
        case Not(operand):
            return variables(operand)
        case Comparison(_, left, right):
            return variables(left) | variables(right)
        case _:
            return frozenset()
