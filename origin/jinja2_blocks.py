"""Inline blocks of Jinja2 templates, compiled so that they can be rendered by reference.

A block becomes a block of Jinja2 under a name that no template can write, hence a function of the
compiled template, which also survives a bytecode cache. Its options are a second such block.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

from django.http import HttpRequest
from django.template import engines
from django.template.backends.utils import csrf_input_lazy, csrf_token_lazy
from jinja2 import Environment, TemplateNotFound, nodes
from jinja2.runtime import Context, new_context
from markupsafe import Markup

from .auto_holes import inside_hole
from .block_options import options_from
from .messages import message_cookies
from .references import BlockNotFound, Reference
from .registry import Fragment

PREFIX: Final = "twopass_block_"
OPTIONS_PREFIX: Final = "twopass_options_"


def block_nodes(
    template: str | None,
    name: str,
    body: Sequence[nodes.Node],
    options: Mapping[str, object],
    *,
    of_messages: bool | None = None,
) -> nodes.If:
    """Statements that define the block and print nothing where they stand.

    `of_messages` is given for automatic holes: whether they are empty without messages.
    """
    block = nodes.Block(function_name(template, name), list(body), False, False)
    text = nodes.TemplateData(json.dumps([name, dict(options), of_messages]))
    about = nodes.Block(
        function_name(template, name, OPTIONS_PREFIX), [nodes.Output([text])], False, False
    )
    return nodes.If(nodes.Const(False), [block, about], [], [])


def function_name(template: str | None, name: str, prefix: str = PREFIX) -> str:
    """The block's name in the compiled template.

    It holds the template's, since blocks of a page and of its parents come into one dictionary.
    """
    safe = "".join(char if char.isalnum() else f"_{ord(char):x}_" for char in name)
    return f"{prefix}{zlib.crc32((template or '').encode()):08x}_{safe}"


def is_authors(block: nodes.Block) -> bool:
    """Whether `block` is one that the template's author wrote, not one of ours."""
    return not block.name.startswith((PREFIX, OPTIONS_PREFIX))


def twice_defined(template: nodes.Template) -> tuple[str, int] | None:
    """Name and line of a block whose name stands for two."""
    seen: set[str] = set()
    for block in template.find_all(nodes.Block):
        if block.name in seen and block.name.startswith(OPTIONS_PREFIX):
            data = block.find(nodes.TemplateData)
            name: str = json.loads(data.data)[0] if data else block.name
            return name, block.lineno
        seen.add(block.name)
    return None


def give_definitions(template: nodes.Template) -> None:
    """Copy into each of our blocks the imports and macros of the template's top that it uses.

    A block that is rendered alone runs without the template's own top level.
    """
    definitions = definitions_of(template)
    if not definitions:
        return
    for block in list(template.find_all(nodes.Block)):
        if block.name.startswith(PREFIX):
            block.body[:0] = _used(definitions, block)


def definitions_of(template: nodes.Template) -> list[nodes.Node]:
    """The imports and macros at the template's top."""
    kinds = (nodes.Import, nodes.FromImport, nodes.Macro)
    return [node for node in template.body if isinstance(node, kinds)]


def _used(definitions: Sequence[nodes.Node], block: nodes.Block) -> list[nodes.Node]:
    wanted = {name.name for name in block.find_all(nodes.Name)}
    used: list[nodes.Node] = []
    for definition in reversed(definitions):
        if wanted & defined_names(definition):
            used.insert(0, copy_of(definition))
            wanted |= {name.name for name in definition.find_all(nodes.Name)}
    return used


def copy_of(node: nodes.Node) -> nodes.Node:
    """A copy of `node` and all below it, in the same environment."""
    environment = node.environment
    return deepcopy(node, {id(environment): environment})


def defined_names(definition: nodes.Node) -> set[str]:
    """What an import or a macro brings into its template."""
    if isinstance(definition, nodes.Import):
        return {definition.target}
    if isinstance(definition, nodes.FromImport):
        return {name[1] if isinstance(name, tuple) else name for name in definition.names}
    return {definition.name} if isinstance(definition, nodes.Macro) else set()


def render_in_place(
    context: Context, template: str | None, name: str, arguments: Mapping[str, Any]
) -> Markup:
    """The block, for code outside any request: as `find_jinja2_block` would render it."""
    environment = context.environment
    blocks = {key: functions[0] for key, functions in context.blocks.items()}
    request = context.get("request")
    values = _values(environment, request if isinstance(request, HttpRequest) else None, arguments)
    alone = new_context(environment, template, blocks, values, globals=environment.globals)
    return _run(environment, blocks[function_name(template, name)], alone)


def find_jinja2_block(reference: Reference, backend: Any) -> Fragment:
    """The block as a fragment. Raises BlockNotFound."""
    environment: Environment = backend.env
    try:
        template = environment.get_template(reference.template)
    except TemplateNotFound as error:
        raise BlockNotFound(f"{reference}: the template does not exist") from error
    function = template.blocks.get(function_name(template.name, reference.name))
    about = template.blocks.get(function_name(template.name, reference.name, OPTIONS_PREFIX))
    if function is None or about is None:
        raise BlockNotFound(f"{reference}: the template has no such block")
    block = function
    _, literals, of_messages = json.loads("".join(about(template.new_context())))
    options = options_from(literals)
    if of_messages:
        options = replace(options, when_cookies=message_cookies())

    def render(request: HttpRequest, **arguments: object) -> Markup:
        values = _values(environment, request, arguments)
        with inside_hole() if of_messages is not None else nullcontext():
            return _run(environment, block, template.new_context(values))

    return Fragment(str(reference), render, options)


def processor_values(environment: Environment, request: HttpRequest) -> dict[str, Any]:
    """What Django's backend adds to every context of `environment`."""
    values: dict[str, Any] = {
        "request": request,
        "csrf_input": csrf_input_lazy(request),
        "csrf_token": csrf_token_lazy(request),
    }
    for backend in engines.all():
        if getattr(backend, "env", None) is environment:
            for processor in getattr(backend, "template_context_processors", ()):
                values.update(processor(request))
    return values


def _values(
    environment: Environment, request: HttpRequest | None, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    provided = {} if request is None else processor_values(environment, request)
    return {**provided, **arguments}


def _run(environment: Environment, function: Any, context: Context) -> Markup:
    try:
        return Markup(environment.concat(function(context)))  # noqa: S704 (a template's output)
    except Exception:  # noqa: BLE001 (rewritten to name the template's line, and raised again)
        environment.handle_exception()
