"""Jinja2 templates' parts about `messages` become holes by themselves.

    "OPTIONS": {"extensions": ["origin.jinja2_auto_holes.AutoHolesExtension"]}

The outermost `{% if %}`, `{% for %}`, `{% with %}` or `{{ … }}` that starts at `messages`, at
`get_messages(request)` or at a name set to one of them is rendered per visitor.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from django.http import HttpRequest
from jinja2 import Environment, TemplateRuntimeError, Undefined, nodes
from jinja2.compiler import CodeGenerator
from jinja2.ext import Extension
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context
from markupsafe import Markup

from fragments.include import Include

from .arguments import is_plain, plain_arguments
from .auto_holes import may_be_hole
from .conf import get_settings
from .jinja2 import BlockCodeGenerator, emit, use_code_generator
from .jinja2_blocks import (
    block_nodes,
    copy_of,
    defined_names,
    definitions_of,
    is_authors,
    processor_values,
)
from .references import Reference, alias_of

VARIABLE: Final = "messages"
FUNCTION: Final = "get_messages"
_ALWAYS_THERE: Final = frozenset({"request", "csrf_input", "csrf_token"})

logger = logging.getLogger("twopass.auto_holes")


class AutoHolesExtension(Extension):
    """Makes holes of what shows messages."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        # whatever the order of extensions: holes are put first, then all blocks are completed
        use_code_generator(environment, BlockCodeGenerator)
        use_code_generator(environment, _AutoHoleCodeGenerator)

    def place(
        self,
        context: Context,
        where: tuple[str, str, int],
        stores: list[object],
        values: Mapping[str, object],
    ) -> Markup | None:
        """A marker, or None where the part is to be rendered in its place.

        `where`: template, name of the hole, line. `stores`: what it takes for messages. `values`:
        what else it uses.
        """
        request = context.get("request")
        if not (isinstance(request, HttpRequest) and may_be_hole()):
            return None
        stored = getattr(request, "_messages", None)
        # a page may call its own data `messages`; identity, since a closer look fires the guard
        if stored is None or any(store is not stored for store in stores):
            return None
        template, name, line = where
        arguments, unfit = self._captured(request, values)
        if unfit:
            _complain(template, line, unfit)
            return None
        reference = str(Reference(template, name, alias_of(self.environment)))
        return emit(Include.of("block", reference, plain_arguments(reference, arguments)))

    def _captured(
        self, request: HttpRequest, values: Mapping[str, object]
    ) -> tuple[dict[str, object], set[str]]:
        found: dict[str, object] = {}
        unfit: set[str] = set()
        for name, value in values.items():
            if isinstance(value, Undefined) or value is self.environment.globals.get(name, request):
                continue
            if is_plain(value):
                found[name] = value
            else:
                unfit.add(name)
        if unfit:
            unfit -= set(processor_values(self.environment, request))
        return found, unfit


def _complain(template: str, line: int, unfit: set[str]) -> None:
    text = (
        f"{template}, line {line}: the part about messages uses the page's own "
        f"{', '.join(sorted(unfit))}, which the second pass does not have. Put what it needs into "
        'a context processor, or write {% second_pass "messages", writes=True, key=… %}…'
        "{% endsecond_pass %} around it"
    )
    if get_settings().strict:
        raise TemplateRuntimeError(text)
    # rendered in place, it meets the guard, and the page is passed: slow, but right
    logger.warning("%s", text, extra={"template": template, "line": line})


class _AutoHoleCodeGenerator(CodeGenerator):
    """Sees the whole template before it is compiled."""

    def visit_Template(self, node: nodes.Template, frame: Any = None) -> None:
        """Put holes into templates that a second pass can find."""
        if self.name is not None:
            _Holes(self.environment, node, self.name).put()
            node.set_environment(self.environment)
        super().visit_Template(node, frame)


class _Holes:
    """The holes of one template."""

    def __init__(self, environment: Environment, template: nodes.Template, name: str) -> None:
        self._environment = environment
        self._template = template
        self._name = name
        self._aliases = _aliases_in(template)
        self._made = 0

    def put(self) -> None:
        """Change the template."""
        self._walk(self._template)

    def _walk(self, node: nodes.Node) -> None:
        for field in node.fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                value[:] = [new for item in value for new in self._changed(item)]
            elif isinstance(value, nodes.Node):
                self._walk(value)

    def _changed(self, item: object) -> Iterable[object]:
        if isinstance(item, nodes.Output):
            return self._of_output(item)
        if isinstance(item, nodes.Macro) or not isinstance(item, nodes.Node):
            return [item]  # in a macro, `messages` is what its caller says
        shows = any(self._shows_messages(expression) for expression in _expressions(item))
        if shows and not any(is_authors(block) for block in item.find_all(nodes.Block)):
            return self._hole(item, self._is_empty_without(item))
        self._walk(item)
        return [item]

    def _of_output(self, output: nodes.Output) -> Iterable[nodes.Node]:
        kept: list[nodes.Expr] = []
        for expression in output.nodes:
            if self._shows_messages(expression):
                if kept:
                    yield nodes.Output(kept, lineno=output.lineno)
                    kept = []
                part = nodes.Output([expression], lineno=expression.lineno)
                yield from self._hole(part, is_empty=False)
            else:
                kept.append(expression)
        if kept:
            yield nodes.Output(kept, lineno=output.lineno)

    def _hole(self, item: nodes.Node, is_empty: bool) -> list[nodes.Node]:
        self._made += 1
        name = f"{VARIABLE}:{self._made}"
        used = {found.name for found in item.find_all(nodes.Name)}
        aliases = [self._aliases[alias] for alias in self._aliases if alias in used]
        body = [*(copy_of(alias) for alias in aliases), item]
        place = nodes.Name(f"_twopass_hole_{self._made}", "store", lineno=item.lineno)
        marker = nodes.Name(place.name, "load", lineno=item.lineno)
        call = nodes.Call(
            nodes.ExtensionAttribute(AutoHolesExtension.identifier, "place"),
            [
                nodes.ContextReference(),
                nodes.Const((self._name, name, item.lineno)),
                nodes.List([nodes.Name(source, "load") for source in self._sources(used)]),
                self._free(item, used),
            ],
            [],
            None,
            None,
        )
        definition = block_nodes(self._name, name, body, {"writes": True}, of_messages=is_empty)
        block, about = cast("list[nodes.Block]", definition.body)
        block.scoped = True  # in its place it sees the page's variables
        found: list[nodes.Node] = [
            nodes.Assign(place, call),
            nodes.If(marker, [nodes.Output([marker])], [], [block]),
            nodes.If(nodes.Const(False), [about], [], []),
        ]
        return [node.set_lineno(item.lineno) for node in found]

    def _sources(self, used: set[str]) -> list[str]:
        return sorted(used & {VARIABLE, *self._aliases})

    def _free(self, item: nodes.Node, used: set[str]) -> nodes.Dict:
        """The variables from around it, but for those that a second pass has anyway."""
        alone = nodes.Template([copy_of(item)])
        alone.set_environment(self._environment)
        provided = {VARIABLE, FUNCTION, *self._aliases, *_ALWAYS_THERE}
        for definition in definitions_of(self._template):
            provided |= defined_names(definition)
        names = (find_undeclared_variables(alone) & used) - provided
        return nodes.Dict(
            [nodes.Pair(nodes.Const(name), nodes.Name(name, "load")) for name in sorted(names)]
        )

    def _shows_messages(self, expression: nodes.Node) -> bool:
        """Whether a variable in `expression` is messages."""
        names = {VARIABLE, *self._aliases}
        below = [expression, *expression.find_all((nodes.Name, nodes.Call))]
        return any(
            (isinstance(found, nodes.Name) and found.name in names) or _is_get_messages(found)
            for found in below
        )

    def _is_empty_without(self, item: nodes.Node) -> bool:
        """Whether `item` certainly renders nothing when there are no messages."""
        if isinstance(item, nodes.For):
            return self._is_plainly_messages(item.iter) and not item.else_
        if isinstance(item, nodes.If):
            return self._is_false_without(item.test) and not item.elif_ and not item.else_
        return False

    def _is_false_without(self, test: nodes.Node) -> bool:
        if isinstance(test, nodes.And):
            return self._is_false_without(test.left) or self._is_false_without(test.right)
        return self._is_plainly_messages(test)

    def _is_plainly_messages(self, expression: nodes.Node | None) -> bool:
        if isinstance(expression, nodes.Filter) and expression.name in ("length", "count"):
            expression = expression.node
        if isinstance(expression, nodes.Name):
            return expression.name in {VARIABLE, *self._aliases}
        return expression is not None and _is_get_messages(expression)


def _aliases_in(template: nodes.Template) -> dict[str, nodes.Assign]:
    """Names that the template's top sets to messages: {% set news = get_messages(request) %}."""
    found: dict[str, nodes.Assign] = {}
    for node in template.body:
        if isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
            value = node.node
            is_name = isinstance(value, nodes.Name) and value.name == VARIABLE
            if is_name or _is_get_messages(value):
                found[node.target.name] = node
    return found


def _is_get_messages(node: nodes.Node) -> bool:
    return (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name == FUNCTION
    )


def _expressions(node: nodes.Node) -> list[nodes.Node]:
    """What a statement evaluates to decide or to name something."""
    if isinstance(node, nodes.If):
        return [node.test, *(branch.test for branch in node.elif_)]
    if isinstance(node, nodes.For):
        return [node.iter]
    return list(node.values) if isinstance(node, nodes.With) else []
