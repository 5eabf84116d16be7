"""From tokens to a program: nesting, and what becomes of documents that get it wrong.

Whatever can go on without guessing goes on and is noted as a problem: a stray end tag and an
unknown element's tags are dropped, an element never closed is closed by its parent or the end.
Only limits stop a document.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import ExpressionError, LimitExceeded, Problem
from .expressions import Expression, parse_expression
from .lexer import EndTag, Lexer, StartTag, Text, Token
from .limits import DEFAULT_LIMITS, Limits
from .program import Block, Broken, Choose, Include, Literal, Node, Program, Substitution, Try
from .variables import parse_template

# The parent that gives these elements their meaning.
_PARENTS = {"when": "choose", "otherwise": "choose", "attempt": "try", "except": "try"}
_STRUCTURES = frozenset(_PARENTS.values())


@dataclass(slots=True)
class _Frame:
    """An element that is open. `marks`: where the bodies of void elements in it began."""

    name: str
    offset: int
    attributes: dict[str, str] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    substitutes: bool = False
    marks: dict[str, int] = field(default_factory=dict)
    branches: list[tuple[Expression | None, Block]] = field(default_factory=list)
    blocks: dict[str, Block] = field(default_factory=dict)

    @property
    def is_structure(self) -> bool:
        """Whether only certain elements mean something directly inside."""
        return self.name in _STRUCTURES


class Parser:
    """Compiles one document, fed in any chunks.

    Raises LimitExceeded from `feed` and `close`; everything else that is wrong is a `Problem`.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._lexer = Lexer(limits)
        self._stack = [_Frame("", 0)]
        self._text: list[bytes] = []
        self._inlines: dict[str, Block] = {}
        self._problems: list[Problem] = []
        self._too_deep = 0
        self._elements = 0
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the document."""
        self._size += len(data)
        for token in self._lexer.feed(data):
            self._take(token)

    def close(self) -> Program:
        """The program; the document is whole."""
        for token in self._lexer.close():
            self._take(token)
        self._flush_text()
        while len(self._stack) > 1:
            self._note(self._stack[-1].offset, f"<esi:{self._stack[-1].name}> is never closed")
            self._pop(is_closed=False)
        return Program(
            _merged(self._stack[0].nodes), self._inlines, tuple(self._problems), self._size
        )

    def _take(self, token: Token) -> None:
        if isinstance(token, Text):
            self._text.append(token.data)
            return
        self._flush_text()
        if isinstance(token, StartTag):
            self._start(token)
        else:
            self._end(token)

    def _note(self, offset: int, message: str) -> None:
        if len(self._problems) < self._limits.problems:
            self._problems.append(Problem(offset, message))

    def _flush_text(self) -> None:
        """Text is kept until the next tag: a variable may come in two chunks."""
        data = b"".join(self._text)
        self._text.clear()
        frame = self._stack[-1]
        if not data or self._too_deep or frame.is_structure:
            return
        if frame.substitutes and b"$(" in data:
            template = parse_template(data.decode("utf-8", "surrogateescape"))
            if any(not isinstance(piece, str) for piece in template):
                frame.nodes.append(Substitution(template))
                return
        frame.nodes.append(Literal(data))

    # Start tags

    def _start(self, tag: StartTag) -> None:
        self._elements += 1
        if self._elements > self._limits.elements:
            raise LimitExceeded(f"an ESI document has more than {self._limits.elements} elements")
        if self._too_deep:
            self._too_deep += not (tag.is_empty or tag.name in _VOID)
            return
        if tag.name in _VOID:
            _VOID[tag.name](self, tag)
            if not tag.is_empty:
                self._stack[-1].marks[tag.name] = len(self._stack[-1].nodes)
        elif tag.name in _BLOCKS:
            self._open(tag)
        else:
            self._note(tag.offset, f"<esi:{tag.name}> is not known; its tags are left out")

    def _open(self, tag: StartTag) -> None:
        if len(self._stack) > self._limits.nesting:
            self._note(tag.offset, f"elements are nested deeper than {self._limits.nesting}")
            self._too_deep = 0 if tag.is_empty else 1
            return
        attributes = self._attributes(tag)
        parent = self._stack[-1]
        name = tag.name
        if name in _PARENTS and parent.name != _PARENTS[name]:
            self._note(tag.offset, f"<esi:{name}> stands outside of <esi:{_PARENTS[name]}>")
        elif parent.is_structure and _PARENTS.get(name) != parent.name:
            self._note(tag.offset, f"<esi:{name}> stands directly in <esi:{parent.name}>")
        substitutes = parent.substitutes or name == "vars"
        frame = _Frame(name, tag.offset, attributes or {}, substitutes=substitutes)
        self._stack.append(frame)
        if tag.is_empty:
            self._pop(is_closed=True)

    def _attributes(self, tag: StartTag) -> dict[str, str] | None:
        """The attributes by name; None when one stands twice: then which one counts is a guess."""
        found = dict(tag.attributes)
        if len(found) == len(tag.attributes):
            return found
        self._note(tag.offset, f"<esi:{tag.name}> has an attribute twice")
        return None

    def _include(self, tag: StartTag) -> None:
        frame = self._stack[-1]
        if frame.is_structure:
            self._note(tag.offset, f"<esi:include> stands directly in <esi:{frame.name}>")
            return
        attributes = self._attributes(tag)
        if attributes is None or not attributes.get("src", "").strip():
            reason = "an include without a single src"
            self._note(tag.offset, reason)
            frame.nodes.append(Broken(reason))
            return
        alt = attributes.get("alt", "").strip()
        frame.nodes.append(
            Include(
                parse_template(attributes["src"].strip()),
                parse_template(alt) if alt else None,
                attributes.get("onerror") == "continue",
                self._duration(tag, "maxwait", attributes.get("maxwait"), _MAXWAIT),
                self._duration(tag, "ttl", attributes.get("ttl"), _TTL),
            )
        )

    def _duration(
        self, tag: StartTag, name: str, value: str | None, units: dict[str, float]
    ) -> float | None:
        """The attribute in seconds; None when it is not given or no duration."""
        if value is None:
            return None
        match = _DURATION.fullmatch(value.strip())
        if match is None or match[2] not in units:
            self._note(tag.offset, f"{name}={value!r} is no duration and does not count")
            return None
        return int(match[1]) * units[match[2]]

    def _comment(self, tag: StartTag) -> None:
        """A comment leaves nothing; the body of one with an end tag goes at the end tag."""

    # End tags

    def _end(self, tag: EndTag) -> None:
        if self._too_deep:
            self._too_deep -= tag.name not in _VOID
            return
        if tag.name in _VOID:
            mark = self._stack[-1].marks.pop(tag.name, None)
            if mark is not None:
                del self._stack[-1].nodes[mark:]
            return
        if not any(frame.name == tag.name for frame in self._stack):
            if tag.name in _BLOCKS:
                self._note(tag.offset, f"</esi:{tag.name}> closes nothing")
            return
        while self._stack[-1].name != tag.name:
            self._note(self._stack[-1].offset, f"<esi:{self._stack[-1].name}> is never closed")
            self._pop(is_closed=False)
        self._pop(is_closed=True)

    def _pop(self, *, is_closed: bool) -> None:
        frame = self._stack.pop()
        _BLOCKS[frame.name](self, frame, self._stack[-1], is_closed)

    def _close_choose(self, frame: _Frame, parent: _Frame, is_closed: bool) -> None:
        otherwise = frame.blocks.get("otherwise")
        branches = frame.branches + ([(None, otherwise)] if otherwise is not None else [])
        if not parent.is_structure:
            parent.nodes.append(Choose(tuple(branches)))

    def _close_when(self, frame: _Frame, parent: _Frame, is_closed: bool) -> None:
        if parent.name != "choose":
            return
        try:
            test = parse_expression(frame.attributes.get("test", ""), self._limits)
        except ExpressionError as error:
            # What cannot be decided is not shown.
            self._note(frame.offset, f"<esi:when>: {error}; the branch is never taken")
            return
        parent.branches.append((test, _merged(frame.nodes)))

    def _close_part(self, frame: _Frame, parent: _Frame, is_closed: bool) -> None:
        """`otherwise`, `attempt`, `except`: the first of each counts."""
        if parent.name == _PARENTS[frame.name]:
            parent.blocks.setdefault(frame.name, _merged(frame.nodes))

    def _close_try(self, frame: _Frame, parent: _Frame, is_closed: bool) -> None:
        if not parent.is_structure:
            attempt, fallback = frame.blocks.get("attempt", ()), frame.blocks.get("except", ())
            parent.nodes.append(Try(attempt, fallback))

    def _close_vars(self, frame: _Frame, parent: _Frame, is_closed: bool) -> None:
        if not parent.is_structure:
            parent.nodes.extend(frame.nodes)

    def _close_remove(self, frame: _Frame, parent: _Frame, is_closed: bool) -> None:
        # Without its end tag it would swallow the rest of the page.
        if not is_closed and not parent.is_structure:
            parent.nodes.extend(frame.nodes)

    def _close_inline(self, frame: _Frame, parent: _Frame, is_closed: bool) -> None:
        name = frame.attributes.get("name", "").strip()
        if not is_closed:
            self._close_remove(frame, parent, is_closed)
        elif name:
            self._inlines.setdefault(name, _merged(frame.nodes))
        else:
            self._note(frame.offset, "<esi:inline> without a name")


# As Akamai, where both come from, writes them: milliseconds; seconds or a number with a unit.
_DURATION = re.compile(r"([0-9]{1,9})([a-z]*)")
_MAXWAIT = {"": 0.001, "ms": 0.001, "s": 1.0}
_TTL = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

_VOID: dict[str, Callable[[Parser, StartTag], None]] = {
    "include": Parser._include,
    "comment": Parser._comment,
}
_BLOCKS: dict[str, Callable[[Parser, _Frame, _Frame, bool], None]] = {
    "choose": Parser._close_choose,
    "when": Parser._close_when,
    "otherwise": Parser._close_part,
    "try": Parser._close_try,
    "attempt": Parser._close_part,
    "except": Parser._close_part,
    "vars": Parser._close_vars,
    "remove": Parser._close_remove,
    "inline": Parser._close_inline,
}


def _merged(nodes: list[Node]) -> Block:
    """The nodes with neighbouring literals joined."""
    merged: list[Node] = []
    run: list[bytes] = []
    for node in nodes:
        if isinstance(node, Literal):
            run.append(node.data)
            continue
        if run:
            merged.append(Literal(b"".join(run)))
            run = []
        merged.append(node)
    if run:
        merged.append(Literal(b"".join(run)))
    return tuple(merged)


def parse(document: bytes, limits: Limits = DEFAULT_LIMITS) -> Program:
    """Compile a whole document. Raises LimitExceeded."""
    parser = Parser(limits)
    parser.feed(document)
    return parser.close()
