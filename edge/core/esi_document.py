"""Responses that are ESI documents: which are, and what of them is kept beside their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edge.core.codings import CodingError, codings_of, decoded
from edge.core.deflate import Block, block, blocks_size
from edge.core.directives import surrogate_control
from edge.core.messages import Headers, combined
from fragments.esi import LimitExceeded, Limits, Program, parse
from fragments.esi.limits import DEFAULT_LIMITS
from fragments.esi.program import Block as Nodes
from fragments.esi.program import Choose, Literal, Node, Try

SURROGATE = b"twopass"
"""Our name, at which an origin may aim a directive of Surrogate-Control."""

NODE_BYTES = 400
"""What a node of a program is taken to cost in memory."""


class DocumentError(ValueError):
    """A response that says it is an ESI document and cannot be played as one."""


@dataclass(frozen=True, slots=True)
class Document:
    """An ESI document, compiled. `body`: its bytes without content coding; `was_coded`: it came

    with one. `size`: what the program costs beside the body. `variables`: those it can show.
    `blocks`: its literals deflated, each by itself; None where it is not for all, or came without
    a coding.
    """

    program: Program
    body: bytes
    was_coded: bool
    size: int
    variables: frozenset[str]
    blocks: Mapping[bytes, Block] | None = None


def asks_for_esi(headers: Headers) -> bool:
    """Whether the response itself says that it is to be processed (Edge Architecture §2.3)."""
    control = surrogate_control(headers, SURROGATE)
    return control is not None and "ESI/1.0" in control.content


def compile_document(
    headers: Headers, body: bytes, limits: Limits = DEFAULT_LIMITS, *, is_for_all: bool = False
) -> Document:
    """Compile the body as it came. Raises DocumentError.

    `is_for_all`: nothing in it is one visitor's, so that its text may be compressed.
    """
    codings = codings_of(combined(headers, b"content-encoding"))
    try:
        text = decoded(body, codings, limits.document)
        program = parse(text, limits)
    except (CodingError, LimitExceeded) as error:
        raise DocumentError(str(error)) from error
    nodes = list(_nodes(program.block))
    count = len(nodes) + sum(len(list(_nodes(inline))) for inline in program.inlines.values())
    blocks = None
    if codings and is_for_all:
        blocks = {node.data: block(node.data) for node in nodes if isinstance(node, Literal)}
    size = len(text) + NODE_BYTES * count + blocks_size((blocks or {}).values())
    return Document(program, text, bool(codings), size, program.variables(), blocks)


def _nodes(block: Nodes) -> Iterator[Node]:
    for node in block:
        yield node
        if isinstance(node, Choose):
            for _, body in node.branches:
                yield from _nodes(body)
        elif isinstance(node, Try):
            yield from _nodes(node.attempt)
            yield from _nodes(node.fallback)
