"""Blocks about `messages` in unchanged templates become holes by themselves.

With `origin.templatetags.twopass_auto` among the engine's builtins, the outermost `{% if %}`,
`{% for %}`, `{% with %}` or `{% include … with %}` that starts at the variable `messages` is
rendered per visitor: it is a fragment that may write, found by its place in the template.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final, cast

from django.http import HttpRequest
from django.template import Context, Node, NodeList, TemplateSyntaxError
from django.template.base import FilterExpression, Parser, Template, Token
from django.template.context import RequestContext
from django.template.defaultfilters import length
from django.template.defaulttags import ForNode, IfNode, TemplateLiteral
from django.utils.safestring import SafeString

from fragments.include import Include

from . import inherited_blocks, passes
from .arguments import is_plain, plain_arguments
from .conf import get_settings
from .django_blocks import declare, emit, reference_to, render_isolated
from .messages import message_cookies
from .node_variables import free_variables, roots_of
from .registry import FragmentOptions

VARIABLE: Final = "messages"
logger = logging.getLogger("twopass.auto_holes")

_inside: ContextVar[bool] = ContextVar("twopass_inside_auto_hole", default=False)


@contextlib.contextmanager
def inside_hole() -> Iterator[None]:
    """While the outermost block renders, those within it are parts of it."""
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


def may_be_hole() -> bool:
    """Whether a block about messages is a hole here: in a request, and not inside another."""
    return passes.current() is not None and not _inside.get()


class AutoHoleNode(Node):
    """A node of Django that is a hole wherever `messages` are the request's own."""

    child_nodelists = ("inner",)

    def __init__(self, inner: Node, name: str) -> None:
        self.node = inner
        self.name = name
        self._needed: frozenset[str] | None = None

    def __repr__(self) -> str:
        return f"<AutoHoleNode {self.name} {self.node!r}>"

    @property
    def inner(self) -> NodeList:
        """The node, as `get_nodes_by_type` wants to see it."""
        return NodeList([self.node])

    @property
    def options(self) -> FragmentOptions:
        """A private fragment that writes: showing messages takes them out of their storage."""
        cookies = message_cookies() if is_empty_without_messages(self.node) else ()
        return FragmentOptions(writes=True, when_cookies=cookies)

    def render(self, context: Context) -> SafeString:
        """A marker, or the node as Django renders it where no hole is wanted."""
        if may_be_hole() and is_about_the_request(context):
            include = self._include(context)
            if include is not None:
                return emit(include)
        return cast(SafeString, self.node.render_annotated(context))

    def render_alone(
        self, template: Template, request: HttpRequest | None, arguments: Mapping[str, Any]
    ) -> SafeString:
        """The node with a context of `arguments` and context processors only."""
        with inside_hole():
            return render_isolated(self.inner, template, request, arguments)

    def _include(self, context: Context) -> Include | None:
        reference = reference_to(self, self.name, context)
        if reference is None:
            return None
        chains = inherited_blocks.chains_for(self.node, context)
        needed = self._variables(chains)
        arguments, unfit = captured(needed, context)
        if unfit or chains is None:
            self._complain(str(reference), unfit)
            return None
        if chains:
            arguments[inherited_blocks.ARGUMENT] = inherited_blocks.to_argument(chains)
        return Include.of("block", str(reference), plain_arguments(str(reference), arguments))

    def _variables(self, chains: inherited_blocks.Chains | None) -> set[str]:
        """What the node needs: the same each time, but for the blocks that a page overrides."""
        if chains:
            return free_variables([self.node, *inherited_blocks.nodes_of(chains)])
        if self._needed is None:
            self._needed = frozenset(free_variables([self.node]))
        return set(self._needed)

    def _complain(self, reference: str, unfit: set[str]) -> None:
        template, line = reference.partition("#")[0], cast(Token, self.token).lineno
        what = (
            f"the page's own {', '.join(sorted(unfit))}" if unfit else "an override from a string"
        )
        text = (
            f"{template}, line {line}: the block about messages uses {what}, which the second pass "
            "does not have. Put what it needs into a context processor, or write "
            '{% second_pass "messages" writes=True key=… %}…{% endsecond_pass %} around it'
        )
        if get_settings().strict:
            raise TemplateSyntaxError(text)
        # rendered here, it meets the guard, and the page is passed: slow, but right
        logger.warning("%s", text, extra={"template": template, "line": line})


def wrap(parser: Parser, token: Token, node: Node, expressions: list[object]) -> Node:
    """`node`, as a hole when one of its `expressions` starts at `messages`."""
    if not any(starts_at_messages(expression) for expression in expressions):
        return node
    # the parser does this for the nodes that it sees, and {% include %} needs it
    node.token = token
    if parser.origin is not None:
        node.origin = parser.origin
    data = cast(Any, parser).extra_data
    number = data["twopass.auto"] = data.get("twopass.auto", 0) + 1
    hole = AutoHoleNode(node, f"{VARIABLE}:{number}")
    declare(parser, hole.name, hole)
    return hole


def starts_at_messages(expression: object) -> bool:
    """Whether a variable in `expression` is `messages` or something of it."""
    return VARIABLE in roots_of(expression)


def is_about_the_request(context: Context) -> bool:
    """Whether `messages` are those of django.contrib.messages: a page may call its own data so.

    Compares identities, since a look at them would fire the guard.
    """
    request = getattr(context, "request", None)
    stored = getattr(request, "_messages", None)
    return stored is not None and context.get(VARIABLE) is stored


def captured(names: set[str], context: Context) -> tuple[dict[str, object], set[str]]:
    """The page's own plain values of `names`, and those names whose values cannot travel."""
    provided = _processor_values(context)
    values: dict[str, object] = {}
    unfit: set[str] = set()
    for name in names:
        if name not in context or name in ("True", "False", "None"):
            continue
        value = context[name]
        if name in provided and provided[name] is value:
            continue
        if is_plain(value):
            values[name] = value
        else:
            unfit.add(name)
    return values, unfit


def _processor_values(context: Context) -> Mapping[str, object]:
    if isinstance(context, RequestContext) and hasattr(context, "_processors_index"):
        values: dict[str, object] = context.dicts[context._processors_index]
        return values
    return {}


def is_empty_without_messages(node: Node) -> bool:
    """Whether `node` certainly renders nothing when there are no messages."""
    if isinstance(node, ForNode):
        return _is_plainly_messages(node.sequence) and not node.nodelist_empty
    if isinstance(node, IfNode):
        return all(_is_false_without(condition) for condition, _ in node.conditions_nodelists)
    return False


def _is_false_without(condition: Any) -> bool:
    if condition is None:  # {% else %}
        return False
    if isinstance(condition, TemplateLiteral):
        return _is_plainly_messages(condition.value)
    if condition.id == "and":
        return _is_false_without(condition.first) or _is_false_without(condition.second)
    return condition.id == "or" and all(
        _is_false_without(side) for side in (condition.first, condition.second)
    )


def _is_plainly_messages(expression: object) -> bool:
    return (
        isinstance(expression, FilterExpression)
        and str(expression.var) == VARIABLE
        and all(filter_ is length for filter_, _ in expression.filters)
    )
