"""Jinja2: `{% second_pass %}`, `fragment()` and `csp_nonce()` (docs/templates.md).

Put the path of an extension into the backend's options:

    "OPTIONS": {"extensions": ["origin.jinja2.TwoPassExtension"]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest
from jinja2 import Environment, TemplateRuntimeError, nodes, pass_context
from jinja2.compiler import CodeGenerator
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from markupsafe import Markup

from fragments.errors import WireError
from fragments.include import Include

from . import passes, registry, rendering
from .arguments import plain_arguments
from .block_options import OPTION_NAMES, options_from
from .jinja2_blocks import (
    block_nodes,
    give_definitions,
    is_authors,
    render_in_place,
    twice_defined,
)
from .references import NAME, Reference, alias_of


class TwoPassExtension(Extension):
    """The tags and functions of two-pass rendering."""

    tags = {"second_pass"}

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals.setdefault("fragment", fragment)
        environment.globals.setdefault("csp_nonce", csp_nonce)
        use_code_generator(environment, BlockCodeGenerator)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """{% second_pass "name", key=expression, scope="private" %}…{% endsecond_pass %}."""
        line = next(parser.stream).lineno
        name = self._name(parser)
        keywords = self._keywords(parser)
        options = {
            key: _literal(parser, key, keywords.pop(key)) for key in OPTION_NAMES & {*keywords}
        }
        try:
            options_from(options)
        except ValueError as error:
            parser.fail(f"second_pass {name!r}: {error}", line)
        body = parser.parse_statements(("name:endsecond_pass",), drop_needle=True)
        _refuse_inheritance(parser, name, body, line)
        arguments = nodes.Dict([nodes.Pair(nodes.Const(key), keywords[key]) for key in keywords])
        call = self.call_method(
            "_place",
            [nodes.ContextReference(), nodes.Const(parser.name), nodes.Const(name), arguments],
            lineno=line,
        )
        return [
            nodes.Output([call]).set_lineno(line),
            block_nodes(parser.name, name, body, options).set_lineno(line),
        ]

    def _name(self, parser: Parser) -> str:
        token = parser.stream.current
        if token.type != "string" or not NAME.match(str(token.value)):
            parser.fail(
                'second_pass begins with a name in quotes, like {% second_pass "basket" %}: '
                "letters, digits, . _ and -",
                token.lineno,
            )
        return str(next(parser.stream).value)

    def _keywords(self, parser: Parser) -> dict[str, nodes.Expr]:
        found: dict[str, nodes.Expr] = {}
        while parser.stream.current.type != "block_end":
            parser.stream.skip_if("comma")
            key = parser.stream.expect("name")
            parser.stream.expect("assign")
            if key.value in found:
                parser.fail(f"second_pass: {key.value} is given twice", key.lineno)
            found[key.value] = parser.parse_expression()
        return found

    def _place(
        self, context: Context, template: str | None, name: str, values: Mapping[str, object]
    ) -> Markup:
        """What stands in the page: a marker; outside any request the block itself."""
        arguments = plain_arguments(f"second_pass {name!r}", values)
        if passes.current() is None:
            return render_in_place(context, template, name, arguments)
        if template is None:
            raise TemplateRuntimeError(
                f"second_pass {name!r} stands in a template made from a string, where the second "
                "pass cannot find it: put the template where the loader finds it"
            )
        reference = Reference(template, name, alias_of(self.environment))
        return emit(Include.of("block", str(reference), arguments))


@pass_context
def fragment(context: Context, name: str, /, **values: object) -> Markup:
    """The place of a registered fragment: `{{ fragment("basket", currency=currency) }}`.

    Raises UnknownFragment, UnfitArgument.
    """
    registry.find(name)
    include = Include.of("fragment", name, plain_arguments(f"fragment({name!r})", values))
    if passes.current() is not None:
        return emit(include)
    request = context.get("request")
    if not isinstance(request, HttpRequest):
        raise TemplateRuntimeError(f"fragment({name!r}) needs a request in the context")
    return Markup(rendering.render(include, request))  # noqa: S704 (a renderer gives HTML)


@pass_context
def csp_nonce(context: Context) -> str:
    """The nonce of this response: `<script nonce="{{ csp_nonce() }}">`."""
    if passes.current() is not None:
        return Markup(passes.nonce())  # noqa: S704 (a marker)
    return str(getattr(context.get("request"), "csp_nonce", ""))


def emit(include: Include) -> Markup:
    """The marker for `include`. Raises TemplateRuntimeError when its arguments are too long."""
    try:
        return Markup(passes.emit(include))  # noqa: S704 (a marker)
    except WireError as error:
        raise TemplateRuntimeError(
            f"{include.name}: {error}; pass keys, and read the rest inside"
        ) from error


def use_code_generator(environment: Environment, mixin: type[CodeGenerator]) -> None:
    """Have `environment` compile with `mixin` in front of the generator it has."""
    known = environment.code_generator_class
    if not issubclass(known, mixin):
        environment.code_generator_class = type(mixin.__name__, (mixin, known), {})


class BlockCodeGenerator(CodeGenerator):
    """Sees the whole template before it is compiled."""

    def visit_Template(self, node: nodes.Template, frame: Any = None) -> None:
        """Check the names of blocks, and give each block the macros that it uses."""
        twice = twice_defined(node)
        if twice is not None:
            where = self.name or "the template"
            self.fail(
                f"second_pass {twice[0]!r} appears more than once in {where}: its name is what the "
                "second pass finds it by, so give each its own",
                twice[1],
            )
        give_definitions(node)
        super().visit_Template(node, frame)


_FORBIDDEN: Final = {
    "super": "has no parent there: put it outside",
    "self": "has no other blocks there",
}


def _refuse_inheritance(parser: Parser, name: str, body: list[nodes.Node], line: int) -> None:
    for node in body:
        blocks = [node, *node.find_all(nodes.Block)]
        if any(isinstance(block, nodes.Block) and is_authors(block) for block in blocks):
            parser.fail(
                f"a block inside second_pass {name!r} could not be overridden in the second pass: "
                "put the second_pass into the block",
                line,
            )
        for found in node.find_all(nodes.Name):
            if found.name in _FORBIDDEN:
                parser.fail(
                    f"{found.name} inside second_pass {name!r} {_FORBIDDEN[found.name]}",
                    found.lineno,
                )


def _literal(parser: Parser, key: str, expression: nodes.Expr) -> object:
    try:
        return expression.as_const()
    except nodes.Impossible:
        parser.fail(
            f"second_pass: {key} must be a literal, since the edge asks for it before anything is "
            "rendered; what differs from page to page is an argument",
            expression.lineno,
        )
