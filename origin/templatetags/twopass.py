"""`{% load twopass %}`: second_pass, fragment, csp_nonce (docs/templates.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.template import Context, Library, Node, NodeList, TemplateSyntaxError
from django.template.base import (
    FilterExpression,
    Parser,
    Token,
    Variable,
    VariableNode,
    token_kwargs,
)
from django.template.loader_tags import BlockNode
from django.utils.safestring import SafeString, mark_safe

from fragments.include import Include

from .. import passes, registry, rendering
from ..arguments import plain_arguments
from ..block_options import OPTION_NAMES, options_from
from ..django_blocks import SecondPassNode, declare, emit
from ..references import NAME
from ..registry import FragmentOptions

register = Library()

_CONSTANTS: Final = {"True": True, "False": False, "None": None}


@register.tag("second_pass")
def compile_second_pass(parser: Parser, token: Token) -> SecondPassNode:
    """A block that is rendered for each visitor, into a page that is rendered for nobody.

    {% second_pass "hello" when_cookie="sessionid" %}Hello {{ user.first_name }}{% endsecond_pass %}

    The block sees its arguments and what context processors provide, nothing else of the page.
    """
    name_expression, keywords = _bits(parser, token)
    name = _literal("name", name_expression)
    if not isinstance(name, str) or not NAME.match(name):
        raise TemplateSyntaxError(
            '{% second_pass %} begins with a name in quotes, like {% second_pass "basket" %}: '
            "letters, digits, . _ and -"
        )
    options = _options(name, keywords)
    nodelist = parser.parse(("endsecond_pass",))
    parser.delete_first_token()
    _refuse_inheritance(name, nodelist)
    arguments = {key: value for key, value in keywords.items() if key not in OPTION_NAMES}
    node = SecondPassNode(name, nodelist, arguments, options)
    declare(parser, name, node)
    return node


class FragmentNode(Node):
    """The place of a registered fragment."""

    def __init__(self, name: FilterExpression, arguments: Mapping[str, FilterExpression]) -> None:
        self.name = name
        self.arguments = arguments

    def __repr__(self) -> str:
        return f"<FragmentNode {self.name}>"

    def render(self, context: Context) -> SafeString:
        """A marker; outside any request the fragment itself. Raises UnknownFragment."""
        name = str(self.name.resolve(context))
        registry.find(name)
        values = {key: value.resolve(context) for key, value in self.arguments.items()}
        include = Include.of(
            "fragment", name, plain_arguments(f"{{% fragment {name!r} %}}", values)
        )
        if passes.current() is not None:
            return emit(include)
        request = getattr(context, "request", None)
        if request is None:
            raise TemplateSyntaxError(
                f"{{% fragment {name!r} %}} needs a request: render the template with request=…"
            )
        return mark_safe(rendering.render(include, request))  # noqa: S308 (a renderer gives HTML)


@register.tag("fragment")
def compile_fragment(parser: Parser, token: Token) -> FragmentNode:
    """A fragment registered with `@fragment`: {% fragment "basket" currency=currency %}."""
    return FragmentNode(*_bits(parser, token))


@register.simple_tag(takes_context=True)
def csp_nonce(context: Context) -> str:
    """The nonce of this response: <script nonce="{% csp_nonce %}">."""
    if passes.current() is not None:
        return passes.nonce()
    # django-csp and Django's own middleware both put it there
    return str(getattr(getattr(context, "request", None), "csp_nonce", ""))


def _bits(parser: Parser, token: Token) -> tuple[FilterExpression, dict[str, FilterExpression]]:
    tag, *bits = token.split_contents()
    if not bits or "=" in bits[0].partition('"')[0].partition("'")[0]:
        raise TemplateSyntaxError(
            f'{{% {tag} %}} begins with a name: {{% {tag} "name" key=value %}}'
        )
    rest = bits[1:]
    keywords: dict[str, FilterExpression] = token_kwargs(rest, parser)
    if rest:
        raise TemplateSyntaxError(
            f"{{% {tag} {bits[0]} %}}: {rest[0]!r} is no argument; write key=value"
        )
    return parser.compile_filter(bits[0]), keywords


def _options(name: str, keywords: Mapping[str, FilterExpression]) -> FragmentOptions:
    literals = {key: _literal(key, value) for key, value in keywords.items() if key in OPTION_NAMES}
    try:
        return options_from(literals)
    except ValueError as error:
        raise TemplateSyntaxError(f"{{% second_pass {name!r} %}}: {error}") from error


def _literal(key: str, expression: FilterExpression) -> Any:
    """The value of a constant: options are read off the template, without a request."""
    variable = expression.var
    if not expression.filters:
        if not isinstance(variable, Variable):
            return variable
        if variable.literal is not None:
            return variable.literal
        if variable.var in _CONSTANTS:
            return _CONSTANTS[str(variable.var)]
    raise TemplateSyntaxError(
        f"{{% second_pass %}}: {key}={expression.token} must be a literal, since the edge asks for "
        "it before anything is rendered; what differs from page to page is an argument"
    )


def _refuse_inheritance(name: str, nodelist: NodeList) -> None:
    if nodelist.get_nodes_by_type(BlockNode):
        raise TemplateSyntaxError(
            f"{{% block %}} inside {{% second_pass {name!r} %}} could not be overridden in the "
            "second pass: put the second_pass into the block"
        )
    for node in nodelist.get_nodes_by_type(VariableNode):
        if isinstance(node, VariableNode) and str(node.filter_expression) == "block.super":
            raise TemplateSyntaxError(
                f"{{{{ block.super }}}} inside {{% second_pass {name!r} %}} has no parent in the "
                "second pass: put it outside"
            )
