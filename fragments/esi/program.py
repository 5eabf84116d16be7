"""What a document compiles to: nodes to be played in order, nothing left to parse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import Problem
from .expressions import Expression, variables
from .variables import Template, Variable


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes that go out as they are."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Substitution:
    """Text of `<esi:vars>` with variables in it."""

    template: Template


@dataclass(frozen=True, slots=True)
class Include:
    """`<esi:include>`. Durations are seconds.

    `maxwait` bounds the wait for this fragment; `ttl` is the lifetime the document gives it.
    `continues` is `onerror="continue"`: a failure leaves nothing behind.
    """

    src: Template
    alt: Template | None = None
    continues: bool = False
    maxwait: float | None = None
    ttl: float | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """An include that cannot run: it fails where it stands, as one whose fetch failed would."""

    reason: str


@dataclass(frozen=True, slots=True)
class Choose:
    """`<esi:choose>`: the block of the first test that holds; None tests true (`otherwise`)."""

    branches: tuple[tuple[Expression | None, Block], ...]


@dataclass(frozen=True, slots=True)
class Try:
    """`<esi:try>`: `attempt`, or `fallback` (`except`) when an include in it fails."""

    attempt: Block
    fallback: Block


Node = Literal | Substitution | Include | Broken | Choose | Try
Block = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled document.

    `inlines` are the bodies of `<esi:inline>` by name: includes of this document that name one use
    it without a fetch. `problems` say what was left out and why; `size` is the document's.
    """

    block: Block
    inlines: Mapping[str, Block] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    size: int = 0

    @property
    def is_static(self) -> bool:
        """Whether the page is the same for every request and needs no fetch."""
        return all(isinstance(node, Literal) for node in self.block)

    def variables(self) -> frozenset[str]:
        """Names of the variables that the page can depend on, in whichever branch."""
        names = set[str]()
        for block in (self.block, *self.inlines.values()):
            names |= _block_variables(block)
        return frozenset(names)


def _block_variables(block: Block) -> set[str]:
    names = set[str]()
    for node in block:
        match node:
            case Substitution(template):
                names |= _template_variables(template)
            case Include(src, alt):
                names |= _template_variables(src) | _template_variables(alt or ())
            case Choose(branches):
                for test, body in branches:
                    names |= variables(test) if test is not None else frozenset()
                    names |= _block_variables(body)
            case Try(attempt, fallback):
                names |= _block_variables(attempt) | _block_variables(fallback)
            case Literal() | Broken():
                pass
    return names


def _template_variables(template: Template) -> set[str]:
    return {piece.name for piece in template if isinstance(piece, Variable)}
