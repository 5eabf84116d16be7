"""`{% block %}` inside an automatic hole: which overrides were in force where it stood.

In a second pass the page's chain of `{% extends %}` is not run. So a hole that holds blocks takes
along, for each, the templates whose versions of it apply, from the root to the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.template import Context, Node
from django.template.base import Template
from django.template.loader_tags import BLOCK_CONTEXT_KEY, BlockContext, BlockNode

ARGUMENT: Final = ":blocks"
"""No template variable can have this name."""

Chains = dict[str, list[BlockNode]]


def chains_for(node: Node, context: Context) -> Chains | None:
    """The versions of each block in `node`; None when one is from a template without a name."""
    force: BlockContext | None = context.render_context.get(BLOCK_CONTEXT_KEY)
    chains: Chains = {}
    waiting: list[Node] = [node]
    while waiting:
        for block in _blocks_in(waiting.pop()):
            if force is not None and block.name not in chains:
                chains[block.name] = list(force.blocks[block.name])
                waiting += chains[block.name]
    named = all(block.origin.template_name for chain in chains.values() for block in chain)
    return chains if named else None


def nodes_of(chains: Chains | None) -> list[Node]:
    """Every version, for a look at the variables that it uses."""
    return [block for chain in (chains or {}).values() for block in chain]


def to_argument(chains: Chains) -> list[object]:
    """`chains` as they travel: [[block, [template, …]], …]."""
    return [
        [name, [str(block.origin.template_name) for block in chain]]
        for name, chain in sorted(chains.items())
    ]


def block_context(template: Template, arguments: Mapping[str, Any]) -> BlockContext | None:
    """The overrides that `arguments` name, found in their templates. None without any."""
    if ARGUMENT not in arguments:
        return None
    force = BlockContext()
    for name, templates in arguments[ARGUMENT]:
        for other in templates:
            loaded = template.engine.get_template(other)
            found = [block for block in _blocks_in_all(loaded.nodelist) if block.name == name]
            force.blocks[name] += found[:1]
    return force


def _blocks_in(node: Node) -> list[BlockNode]:
    return [found for found in node.get_nodes_by_type(BlockNode) if isinstance(found, BlockNode)]


def _blocks_in_all(nodes: Iterable[Node]) -> list[BlockNode]:
    return [block for node in nodes for block in _blocks_in(node)]
