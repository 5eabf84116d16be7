"""Playing a program for one request: fetches out, fragments in, the page in document order.

No I/O happens here. The caller performs what `actions` hands out, reports with `feed`, `fulfil` and
`fail` as things happen, and writes what `output` has ready, until `is_finished`. All includes of
the branches taken are asked for at once; those of branches not taken, never.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .destination import Destination, DestinationGuard, RefusedDestination, resolve
from .expressions import Expression, evaluate
from .limits import DEFAULT_LIMITS, Limits
from .program import Block, Broken, Choose, Include, Literal, Program, Substitution, Try
from .variables import RequestView, Template, render_text, render_url


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get this fragment. `maxwait` and `ttl` in seconds, None where the include has none."""

    id: int
    destination: Destination
    maxwait: float | None
    ttl: float | None
    depth: int
    is_alt: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """The fragment is not needed any more; no report is expected."""

    id: int


Action = Fetch | Cancel


@dataclass(frozen=True, slots=True)
class FragmentFailure:
    """A fragment that did not come. `url` is None where there was none to ask."""

    url: str | None
    reason: str


@dataclass(slots=True, eq=False)
class _Sequence:
    """Output in order: bytes and sequences still to be filled. Held: not to be written yet."""

    items: list[bytes | Literal | _Sequence] = field(default_factory=list)
    is_complete: bool = False
    is_held: bool = False
    is_written: bool = False


@dataclass(slots=True, eq=False)
class _Attempt:
    """A try that is not decided: `undecided` fetches can fail it, `owned` ones fall with it."""

    sequence: _Sequence
    fallback: Block
    context: _Context
    undecided: set[int] = field(default_factory=set)
    owned: set[int] = field(default_factory=set)
    is_open: bool = True
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class _Context:
    """Where a node stands. `attempts`: the tries around it, and whether a failure counts there."""

    base: str
    depth: int
    ancestors: frozenset[str]
    inlines: Mapping[str, Block]
    attempts: tuple[tuple[_Attempt, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A fetch under way, and what to do with what comes."""

    include: Include
    place: _Sequence
    context: _Context
    url: str | None
    is_alt: bool


def as_bytes(piece: bytes | Literal) -> bytes:
    """What a piece of the page says."""
    return piece.data if isinstance(piece, Literal) else piece


class Evaluation:
    """One page being assembled.

    `is_strict`: a failed include without `onerror` and outside of a try fails the page (`error`
    says why) instead of leaving its place empty.
    """

    def __init__(
        self,
        program: Program,
        request: RequestView,
        guard: DestinationGuard,
        limits: Limits = DEFAULT_LIMITS,
        *,
        is_strict: bool = False,
    ) -> None:
        self.failures: list[FragmentFailure] = []
        self.error: str | None = None
        self._request = request
        self._guard = guard
        self._limits = limits
        self._is_strict = is_strict
        self._waiting: dict[int, _Waiting] = {}
        self._actions: list[Action] = []
        self._fetches = 0
        root = _Sequence()
        self._cursor: list[tuple[_Sequence, int]] = [(root, 0)]
        context = _Context(request.url, 0, frozenset({request.url}), {})
        self._walk(program.block, root, replace(context, inlines=self._inlines(program, context)))
        root.is_complete = True

    @property
    def is_finished(self) -> bool:
        """Whether every byte has been handed out, or the page has failed."""
        return self.error is not None or not self._cursor

    def actions(self) -> list[Action]:
        """What to do now; each action is handed out once."""
        actions, self._actions = self._actions, []
        return actions

    def output(self) -> bytes:
        """The bytes that have become ready since the last call."""
        return b"".join(map(as_bytes, self.pieces()))

    def pieces(self) -> list[bytes | Literal]:
        """The same in pieces: the document's own literals as they are, all else as bytes."""
        ready: list[bytes | Literal] = []
        while self._cursor and self.error is None:
            sequence, index = self._cursor[-1]
            if sequence.is_held:
                break
            if index < len(sequence.items):
                item, sequence.items[index] = sequence.items[index], b""
                self._cursor[-1] = (sequence, index + 1)
                if isinstance(item, _Sequence):
                    self._cursor.append((item, 0))
                else:
                    sequence.is_written = True
                    ready.append(item)
            elif sequence.is_complete:
                self._cursor.pop()
            else:
                break
        return ready

    # Reports. Those for fetches cancelled or settled already are ignored: they may have crossed.

    def feed(self, fetch_id: int, data: bytes) -> None:
        """Bytes of a fragment that is no ESI document; more or `fulfil` follow."""
        waiting = self._waiting.get(fetch_id)
        if waiting is not None and data:
            waiting.place.items.append(data)

    def fulfil(self, fetch_id: int, content: bytes | Program = b"") -> None:
        """The fragment is whole: its (last) bytes, or the program of an ESI document."""
        waiting = self._waiting.pop(fetch_id, None)
        if waiting is None:
            return
        if isinstance(content, Program):
            self._expand(waiting.url or waiting.context.base, content.block, content, waiting)
        elif content:
            waiting.place.items.append(content)
        waiting.place.is_complete = True
        self._settle(fetch_id, waiting.context)

    def fail(self, fetch_id: int, reason: str) -> None:
        """The fragment did not come, or broke off. What of it was not written yet is dropped."""
        waiting = self._waiting.pop(fetch_id, None)
        if waiting is None:
            return
        self._source_failed(waiting, reason)
        self._settle(fetch_id, waiting.context)

    # Walking

    def _walk(self, block: Block, into: _Sequence, context: _Context) -> None:
        for node in block:
            match node:
                case Literal(data):
                    into.items.append(node if context.depth == 0 else data)
                case Substitution(template):
                    text = render_text(template, self._request)
                    into.items.append(text.encode("utf-8", "surrogateescape"))
                case Choose(branches):
                    self._walk(self._chosen(branches), into, context)
                case Try():
                    self._try(node, into, context)
                case Include():
                    self._include(node, into, context)
                case Broken(reason):
                    self.failures.append(FragmentFailure(None, reason))
                    self._fail_place(reason, context)

    def _chosen(self, branches: tuple[tuple[Expression | None, Block], ...]) -> Block:
        for test, block in branches:
            if test is None or evaluate(test, self._request):
                return block
        return ()

    def _try(self, node: Try, into: _Sequence, context: _Context) -> None:
        sequence = _Sequence(is_held=True)
        into.items.append(sequence)
        attempt = _Attempt(sequence, node.fallback, context)
        inner = replace(context, attempts=(*context.attempts, (attempt, True)))
        self._walk(node.attempt, sequence, inner)
        sequence.is_complete = True
        attempt.is_open = False
        self._decide(attempt)

    def _include(self, include: Include, into: _Sequence, context: _Context) -> None:
        place = _Sequence()
        into.items.append(place)
        self._ask(include, place, context, is_alt=False)

    def _ask(self, include: Include, place: _Sequence, context: _Context, *, is_alt: bool) -> None:
        """Start on one source of an include; one that may not be asked for fails at once."""
        url: str | None = None
        template = include.alt if is_alt and include.alt is not None else include.src
        try:
            destination = self._destination(template, context)
            url = destination.url
            inline = context.inlines.get(url)
            self._check_bounds(url, context)
            if inline is None:
                self._guard.check(destination, self._request.host)
        except RefusedDestination as refusal:
            self._source_failed(_Waiting(include, place, context, url, is_alt), str(refusal))
            return
        waiting = _Waiting(include, place, context, url, is_alt)
        if inline is not None:
            self._expand(context.base, inline, None, waiting)
            place.is_complete = True
        else:
            self._start_fetch(waiting, destination)

    def _destination(self, template: Template, context: _Context) -> Destination:
        return resolve(render_url(template, self._request), context.base, self._limits)

    def _check_bounds(self, url: str, context: _Context) -> None:
        if url in context.ancestors:
            raise RefusedDestination("the include is inside of itself")
        if context.depth >= self._limits.depth:
            raise RefusedDestination(f"includes are nested deeper than {self._limits.depth}")
        if self._fetches >= self._limits.includes:
            raise RefusedDestination(f"a page has more than {self._limits.includes} includes")

    def _start_fetch(self, waiting: _Waiting, destination: Destination) -> None:
        self._fetches += 1
        fetch_id, include, context = self._fetches, waiting.include, waiting.context
        self._waiting[fetch_id] = waiting
        for attempt, counts in context.attempts:
            attempt.owned.add(fetch_id)
            if counts:
                attempt.undecided.add(fetch_id)
        self._actions.append(
            Fetch(
                fetch_id,
                destination,
                include.maxwait,
                include.ttl,
                context.depth + 1,
                waiting.is_alt,
            )
        )

    def _expand(self, base: str, block: Block, program: Program | None, waiting: _Waiting) -> None:
        """Play an ESI fragment (or an inline of this document) in the place of its include."""
        outer = waiting.context
        attempts = outer.attempts
        if program is not None and not self._is_strict:
            # A fragment that came is a success; what fails inside of it costs its own place.
            attempts = tuple((attempt, False) for attempt, _ in attempts)
        context = _Context(
            base,
            outer.depth + 1,
            outer.ancestors | {waiting.url or base},
            outer.inlines,
            attempts,
        )
        if program is not None:
            inlines = {**outer.inlines, **self._inlines(program, context)}
            context = replace(context, inlines=inlines)
        self._walk(block, waiting.place, context)

    def _inlines(self, program: Program, context: _Context) -> dict[str, Block]:
        """The document's inlines by absolute URL; a name that is no URL here is unreachable."""
        found: dict[str, Block] = {}
        for name, block in program.inlines.items():
            try:
                found[resolve(name, context.base, self._limits).url] = block
            except RefusedDestination as refusal:
                self.failures.append(FragmentFailure(name, str(refusal)))
        return found

    # Failing

    def _source_failed(self, waiting: _Waiting, reason: str) -> None:
        self.failures.append(FragmentFailure(waiting.url, reason))
        place, include = waiting.place, waiting.include
        if not place.is_written:
            place.items.clear()
            if include.alt is not None and not waiting.is_alt:
                self._ask(include, place, waiting.context, is_alt=True)
                return
        place.is_complete = True
        if not include.continues:
            self._fail_place(reason, waiting.context)

    def _fail_place(self, reason: str, context: _Context) -> None:
        """An include has failed for good and nothing says to go on without it."""
        if context.attempts and context.attempts[-1][1]:
            attempt = context.attempts[-1][0]
            attempt.has_failed = True
            self._decide(attempt)
        elif self._is_strict:
            self._abort(reason)

    def _decide(self, attempt: _Attempt) -> None:
        """Release the attempt when all of it came; play the fallback when something failed."""
        if attempt.is_open or not attempt.sequence.is_held:
            return
        if attempt.has_failed:
            self._cancel(attempt.owned)
            attempt.sequence.items.clear()
            self._walk(attempt.fallback, attempt.sequence, attempt.context)
            attempt.sequence.is_held = False
        elif not attempt.undecided:
            attempt.sequence.is_held = False

    def _settle(self, fetch_id: int, context: _Context) -> None:
        for attempt, _ in reversed(context.attempts):
            attempt.owned.discard(fetch_id)
            attempt.undecided.discard(fetch_id)
            self._decide(attempt)

    def _cancel(self, fetch_ids: set[int]) -> None:
        for fetch_id in sorted(fetch_ids):
            waiting = self._waiting.pop(fetch_id, None)
            if waiting is None:
                continue
            self._actions.append(Cancel(fetch_id))
            for attempt, _ in waiting.context.attempts:
                attempt.undecided.discard(fetch_id)
                if attempt.owned is not fetch_ids:
                    attempt.owned.discard(fetch_id)
        fetch_ids.clear()

    def _abort(self, reason: str) -> None:
        self.error = reason
        self._cancel(set(self._waiting))
        self._cursor.clear()
