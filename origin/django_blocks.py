"""`{% second_pass %}` of Django templates: a node that can also be rendered by reference."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol, cast

from django.http import HttpRequest
from django.template import (
    Context,
    Node,
    NodeList,
    RequestContext,
    TemplateDoesNotExist,
    TemplateSyntaxError,
)
from django.template.backends.base import BaseEngine
from django.template.backends.django import DjangoTemplates
from django.template.base import FilterExpression, Parser, Template
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.utils.safestring import SafeString, mark_safe

from fragments.errors import WireError
from fragments.include import Include

from . import inherited_blocks, passes
from .arguments import plain_arguments
from .references import BlockNotFound, Reference, alias_of
from .registry import Fragment, FragmentOptions

EXTRA_DATA: Final = "twopass"
"""Our key in Parser.extra_data, which ends on the template: every block of it by name."""


class Block(Protocol):
    """A node that renders by reference."""

    @property
    def options(self) -> FragmentOptions:
        """How its fragment may be kept."""

    def render_alone(
        self, template: Template, request: HttpRequest | None, arguments: Mapping[str, Any]
    ) -> SafeString:
        """The block with a context of `arguments` and context processors only."""


class SecondPassNode(Node):
    """An inline block that is rendered per visitor."""

    def __init__(
        self,
        name: str,
        nodelist: NodeList,
        arguments: Mapping[str, FilterExpression],
        options: FragmentOptions,
    ) -> None:
        self.name = name
        self.nodelist = nodelist
        self.arguments = arguments
        self.options = options

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def render(self, context: Context) -> SafeString:
        """A marker; outside any request the block itself. Raises UnfitArgument."""
        values = {name: value.resolve(context) for name, value in self.arguments.items()}
        reference = reference_to(self, self.name, context)
        arguments = plain_arguments(f"{{% second_pass {self.name!r} %}}", values)
        if passes.current() is None:
            template = cast(Template, context.template)
            return self.render_alone(template, getattr(context, "request", None), arguments)
        if reference is None:
            raise TemplateSyntaxError(
                f"{{% second_pass {self.name!r} %}} stands in a template made from a string, where "
                "the second pass cannot find it: put the template into a file that a loader finds"
            )
        return emit(Include.of("block", str(reference), arguments))

    def render_alone(
        self, template: Template, request: HttpRequest | None, arguments: Mapping[str, Any]
    ) -> SafeString:
        """The block with a context of `arguments` and context processors only."""
        return render_isolated(self.nodelist, template, request, arguments)


def emit(include: Include) -> SafeString:
    """The marker for `include`. Raises TemplateSyntaxError when its arguments are too long."""
    try:
        return passes.emit(include)
    except WireError as error:
        raise TemplateSyntaxError(
            f"{include.name}: {error}; pass keys, and read the rest inside"
        ) from error


def render_isolated(
    nodes: Iterable[Node],
    template: Template,
    request: HttpRequest | None,
    values: Mapping[str, Any],
) -> SafeString:
    """`nodes` as they render wherever they stand: in no context but `values` and processors."""
    autoescape = template.engine.autoescape
    context: Context = (
        Context(dict(values), autoescape=autoescape)
        if request is None
        else RequestContext(request, dict(values), autoescape=autoescape)
    )
    context.template_name = template.name or "unknown"
    with context.render_context.push_state(template), context.bind_template(template):
        force = inherited_blocks.block_context(template, values)
        if force is not None:
            context.render_context[BLOCK_CONTEXT_KEY] = force
        return mark_safe(NodeList(nodes).render(context))  # noqa: S308 (a template's output)


def reference_to(node: Node, name: str, context: Context) -> Reference | None:
    """The reference to `node` in the template where it stands, None when no loader knows that."""
    origin = node.origin
    if not origin.template_name or origin.loader is None:
        return None
    engine = cast(Template, context.template).engine
    return Reference(str(origin.template_name), name, alias_of(engine))


def declare(parser: Parser, name: str, block: Block) -> None:
    """Make `block` findable in the template being compiled. Raises TemplateSyntaxError."""
    # Django 5.2 has extra_data for this purpose; its type stubs do not know it yet
    blocks = cast(Any, parser).extra_data.setdefault(EXTRA_DATA, {})
    if name in blocks:
        where = str(parser.origin.template_name) if parser.origin else None
        raise TemplateSyntaxError(
            f"{{% second_pass {name!r} %}} appears more than once in {where or 'the template'}: "
            "its name is what the second pass finds it by, so give each its own"
        )
    blocks[name] = block


def blocks_of(template: Template) -> dict[str, Block]:
    """The blocks that stand in `template` itself (not in its parents or includes), by name."""
    blocks: dict[str, Block] = cast(Any, template).extra_data.get(EXTRA_DATA, {})
    return blocks


def find_django_block(reference: Reference, backend: BaseEngine) -> Fragment:
    """The block as a fragment. Raises BlockNotFound."""
    try:
        found = cast(DjangoTemplates, backend).get_template(reference.template)
    except TemplateDoesNotExist as error:
        raise BlockNotFound(f"{reference}: the template does not exist") from error
    template = found.template
    blocks = blocks_of(template)
    block = blocks.get(reference.name)
    if block is None:
        close = difflib.get_close_matches(reference.name, blocks, 1)
        hint = f" (it has {close[0]!r})" if close else ""
        raise BlockNotFound(f"{reference}: the template has no such block{hint}")

    def render(request: HttpRequest, **arguments: object) -> SafeString:
        return block.render_alone(template, request, arguments)

    return Fragment(str(reference), render, block.options)
