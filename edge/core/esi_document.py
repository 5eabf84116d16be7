"""Responses that are ESI documents: which are, and what of them is kept beside their bytes."""

from __future__ import annotations

from dataclasses import dataclass

from edge.core.codings import CodingError, codings_of, decoded
from edge.core.directives import surrogate_control
from edge.core.messages import Headers, combined
from fragments.esi import LimitExceeded, Limits, Program, parse
from fragments.esi.limits import DEFAULT_LIMITS
from fragments.esi.program import Block, Choose, Try

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
    """

    program: Program
    body: bytes
    was_coded: bool
    size: int
    variables: frozenset[str]


def asks_for_esi(headers: Headers) -> bool:
    """Whether the response itself says that it is to be processed (Edge Architecture §2.3)."""
    control = surrogate_control(headers, SURROGATE)
    return control is not None and "ESI/1.0" in control.content


def compile_document(headers: Headers, body: bytes, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Compile the body as it came. Raises DocumentError."""
    codings = codings_of(combined(headers, b"content-encoding"))
    try:
        text = decoded(body, codings, limits.document)
        program = parse(text, limits)
    except (CodingError, LimitExceeded) as error:
        raise DocumentError(str(error)) from error
    size = len(text) + NODE_BYTES * _nodes(program)
    return Document(program, text, bool(codings), size, program.variables())


def _nodes(program: Program) -> int:
    return sum(_count(block) for block in (program.block, *program.inlines.values()))


def _count(block: Block) -> int:
    count = len(block)
    for node in block:
        if isinstance(node, Choose):
            count += sum(_count(body) for _, body in node.branches)
        elif isinstance(node, Try):
            count += _count(node.attempt) + _count(node.fallback)
    return count
