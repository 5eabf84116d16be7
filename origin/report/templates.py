"""The holes that a template holds, with its parents and includes as far as they are named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.template import Node, TemplateDoesNotExist, engines
from django.template import TemplateSyntaxError as DjangoSyntaxError
from django.template.base import Template
from django.template.loader_tags import ExtendsNode, IncludeNode, construct_relative_path

from .. import registry
from ..auto_holes import AutoHoleNode
from ..django_blocks import blocks_of
from ..registry import FragmentOptions, UnknownFragment
from ..templatetags.twopass import FragmentNode

_OPTIONS: Final = "twopass_options_"


@dataclass(frozen=True, slots=True)
class Hole:
    """A place in a template that is filled per visitor. `options` is None for an unknown name."""

    template: str
    kind: str
    name: str
    options: FragmentOptions | None

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        options = self.options
        return {
            "template": self.template,
            "kind": self.kind,
            "name": self.name,
            "scope": options and options.scope,
            "when_cookie": list(options.when_cookies) if options else None,
            "max_age": options and options.max_age,
            "writes": options and options.writes,
        }


def holes_of(name: str) -> list[Hole]:
    """The holes of template `name`, in no template twice. Empty for one that cannot be loaded."""
    found: dict[Hole, None] = {}
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        holes, referenced = _look_into(current)
        found.update((hole, None) for hole in holes)
        waiting += referenced
    return list(found)


def _look_into(name: str) -> tuple[list[Hole], list[str]]:
    for backend in engines.all():
        try:
            template: Any = backend.get_template(name)
        except (TemplateDoesNotExist, DjangoSyntaxError):
            continue
        if hasattr(backend, "env"):
            return _of_jinja2(backend.env, template.template)
        return _of_django(template.template)
    return [], []


def _of_django(template: Template) -> tuple[list[Hole], list[str]]:
    name = str(template.name)
    blocks = blocks_of(template)
    inner = {
        below.name
        for node in blocks.values()
        if isinstance(node, AutoHoleNode)
        for below in node.node.get_nodes_by_type(AutoHoleNode)
        if isinstance(below, AutoHoleNode)
    }
    holes = [
        Hole(name, "messages" if isinstance(node, AutoHoleNode) else "block", block, node.options)
        for block, node in blocks.items()
        if block not in inner
    ]
    referenced: list[str] = []
    for node in template.nodelist.get_nodes_by_type(Node):
        if isinstance(node, FragmentNode) and isinstance(node.name.var, str):
            holes.append(_fragment(name, node.name.var))
        referenced += _named_by(node)
    return holes, referenced


def _named_by(node: Node) -> Iterator[str]:
    expression: Any = None
    if isinstance(node, ExtendsNode):
        expression = node.parent_name
    elif isinstance(node, IncludeNode):
        expression = node.template
    else:
        return
    if isinstance(expression.var, str) and not expression.filters:
        yield construct_relative_path(str(node.origin.template_name), expression.var)


def _of_jinja2(environment: Any, template: Any) -> tuple[list[Hole], list[str]]:
    from jinja2 import nodes
    from jinja2.meta import find_referenced_templates

    from ..block_options import options_from

    holes: list[Hole] = []
    for key, function in template.blocks.items():
        if key.startswith(_OPTIONS):
            name, literals, of_messages = json.loads("".join(function(template.new_context())))
            kind = "block" if of_messages is None else "messages"
            holes.append(Hole(template.name, kind, name, options_from(literals)))
    source = environment.loader.get_source(environment, template.name)[0]
    tree = environment.parse(source, template.name)
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "fragment" and call.args:
            argument = call.args[0]
            if isinstance(argument, nodes.Const):
                holes.append(_fragment(template.name, str(argument.value)))
    return holes, [name for name in find_referenced_templates(tree) if name]


def _fragment(template: str, name: str) -> Hole:
    try:
        return Hole(template, "fragment", name, registry.find(name).options)
    except UnknownFragment:
        return Hole(template, "fragment", name, None)
