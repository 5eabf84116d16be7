"""Builtins that make blocks about `messages` holes, in templates that know nothing of two-pass.

"OPTIONS": {"builtins": ["origin.templatetags.twopass_auto"]}
"""

from __future__ import annotations

from django.template import Library, Node
from django.template.base import Parser, Token
from django.template.defaulttags import do_for, do_if, do_with
from django.template.loader_tags import do_include

from ..auto_holes import wrap

register = Library()


@register.tag("if")
def compile_if(parser: Parser, token: Token) -> Node:
    """Django's `{% if %}`."""
    node = do_if(parser, token)
    return wrap(parser, token, node, [condition for condition, _ in node.conditions_nodelists])


@register.tag("for")
def compile_for(parser: Parser, token: Token) -> Node:
    """Django's `{% for %}`."""
    node = do_for(parser, token)
    return wrap(parser, token, node, [node.sequence])


@register.tag("with")
def compile_with(parser: Parser, token: Token) -> Node:
    """Django's `{% with %}`."""
    node = do_with(parser, token)
    return wrap(parser, token, node, list(node.extra_context.values()))


@register.tag("include")
def compile_include(parser: Parser, token: Token) -> Node:
    """Django's `{% include %}`: a hole where messages are handed on under another name."""
    node = do_include(parser, token)
    return wrap(parser, token, node, list(node.extra_context.values()))
