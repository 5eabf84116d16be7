"""Which variables a piece of a Django template needs from around it, read off its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from django.template import Node, NodeList, TemplateDoesNotExist, Variable
from django.template.base import FilterExpression, Template, Token, TokenType
from django.template.defaulttags import ForNode, WithNode
from django.template.loader_tags import IncludeNode, construct_relative_path
from django.template.smartif import TokenBase

_BINDING: Final = ("asvar", "target_var", "var_name", "variable", "variable_name")
"""Attributes by which tags name the variable that they set for what follows."""
_MAX_INCLUDES: Final = 16
"""Levels of includes to look through; a template that includes itself ends there."""


def roots_of(value: object) -> set[str]:
    """The variables at which an expression starts: `messages` for `messages|length`."""
    if isinstance(value, FilterExpression):
        return roots_of(value.var) | {
            root
            for _, arguments in value.filters
            for is_variable, argument in arguments
            if is_variable
            for root in roots_of(argument)
        }
    if isinstance(value, Variable):
        return {str(value.lookups[0])} if value.lookups else set()
    if isinstance(value, TokenBase):  # a condition of {% if %}: a tree of operators
        found = roots_of(getattr(value, "value", None))
        for side in (value.first, value.second):
            found |= roots_of(side)
        return found
    return set()


def free_variables(nodes: Iterable[Node], depth: int = 0) -> set[str]:
    """The variables that `nodes` use and do not set themselves.

    What a tag with `takes_context` reads of the context is its own secret, and not found.
    """
    found: set[str] = set()
    bound: set[str] = set()
    for node in nodes:
        own = {
            name
            for attribute in _BINDING
            if isinstance(name := getattr(node, attribute, None), str)
        }
        found |= _free(node, depth) - bound - own
        bound |= own
    return found


def _free(node: Node, depth: int) -> set[str]:
    if isinstance(node, ForNode):
        loop, empty = cast(NodeList, node.nodelist_loop), cast(NodeList, node.nodelist_empty)
        inside = free_variables(loop, depth) - {*node.loopvars, "forloop"}
        return roots_of(node.sequence) | inside | free_variables(empty, depth)
    if isinstance(node, WithNode):
        names, values = _assignments(node.extra_context)
        return values | (free_variables(node.nodelist, depth) - names)
    if isinstance(node, IncludeNode):
        names, values = _assignments(node.extra_context)
        return values | roots_of(node.template) | (_of_included(node, depth) - names)
    found: set[str] = set()
    for name, value in vars(node).items():
        if name not in ("token", "origin"):
            found |= _of_attribute(value, depth)
    return found


def _of_attribute(value: Any, depth: int) -> set[str]:
    if isinstance(value, NodeList):
        return free_variables(value, depth)
    if isinstance(value, Node):
        return free_variables([value], depth)
    if isinstance(value, Token):  # {% blocktranslate %} keeps the tokens of its text
        if value.token_type != TokenType.VAR:
            return set()
        return {value.contents.split("|")[0].split(".")[0].strip()}
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return roots_of(value)
    return {name for item in value for name in _of_attribute(item, depth)}


def _assignments(context: Mapping[str, FilterExpression]) -> tuple[set[str], set[str]]:
    return set(context), {root for value in context.values() for root in roots_of(value)}


def _of_included(node: IncludeNode, depth: int) -> set[str]:
    name = node.template.var
    loader = getattr(node.origin, "loader", None)
    if node.isolated_context or depth >= _MAX_INCLUDES or not isinstance(name, str) or not loader:
        return set()
    try:
        path = construct_relative_path(cast(str, node.origin.template_name), name)
        included: Template = loader.engine.get_template(path)
    except TemplateDoesNotExist:
        return set()  # rendering will say so, better than an analysis could
    return free_variables(included.nodelist, depth + 1)
