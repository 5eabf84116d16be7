"""A long bounded run of the ESI parser and evaluation on documents nobody would write.

    python -m tests.fuzz.fuzz_esi [--seconds 60] [--seed 1]

Every document is mutated from pieces of the grammar, fed in random chunks, played with fragments in
random order, and held to what must always be true: no error but LimitExceeded, the same program
whatever the chunks, an end, bounded fetches, nothing fetched that the guard refuses.
"""

from __future__ import annotations

import random
import sys
import time

from fragments.esi import DestinationGuard, Evaluation, Fetch, Limits, Parser, RequestView, parse
from fragments.esi.program import Program
from tests.fuzz.command_line import fuzz

PIECES = [
    b"<esi:include src='/a'/>", b"<esi:include src=\"/$(QUERY_STRING{q})\" alt='/b'/>",
    b"<esi:include src='//evil.example/'/>", b"<esi:include src=", b"</esi:include>", b"<esi:try>",
    b"<esi:attempt>", b"</esi:attempt>", b"<esi:except>", b"</esi:except>", b"</esi:try>",
    b"<esi:choose>", b"<esi:when test=\"$(HTTP_COOKIE{a}) == 'b' & !(1 < 2)\">", b"</esi:when>",
    b"<esi:when test='((('>", b"<esi:otherwise>", b"</esi:otherwise>", b"</esi:choose>",
    b"<esi:vars>", b"$(HTTP_COOKIE{a}|'d')", b"$(", b"</esi:vars>", b"<esi:remove>",
    b"</esi:remove>", b"<esi:comment>", b"</esi:comment>", b"<!--esi ", b"-->", b"<![CDATA[",
    b"]]>", b"<esi:inline name='/a'>", b"</esi:inline>", b"<", b">", b"'", b'"', b"\x00", b"\xff",
    b"text", b"&#x26;", b" ", b"/",
]  # fmt: skip
LIMITS = Limits(document=1 << 20, includes=64, elements=2000)
REQUEST = RequestView(
    "GET",
    "http",
    "shop.example",
    "/p?q=..%2F..",
    [("cookie", "a=b; s=<x>")],
    cookies=frozenset({"a"}),
)


def document(rng: random.Random) -> bytes:
    """Pieces in a row, some bytes of them changed."""
    raw = bytearray(b"".join(rng.choices(PIECES, k=rng.randrange(1, 60))))
    for _ in range(rng.randrange(3)):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw)


def chunked(raw: bytes, rng: random.Random) -> Program:
    """The program of the document fed in random pieces."""
    parser = Parser(LIMITS)
    position = 0
    while position < len(raw):
        size = rng.choice((1, 2, 7, 100))
        parser.feed(raw[position : position + size])
        position += size
    return parser.close()


def play(program: Program, rng: random.Random) -> None:
    """Play the program to its end. Raises AssertionError where something cannot be."""
    evaluation = Evaluation(
        program, REQUEST, DestinationGuard(), LIMITS, is_strict=rng.random() < 0.2
    )
    waiting: list[int] = []
    fetches = 0
    while True:
        evaluation.output()
        for action in evaluation.actions():
            if isinstance(action, Fetch):
                fetches += 1
                assert action.destination.host == "shop.example", action
                waiting.append(action.id)
            else:
                waiting.remove(action.id)
        if not waiting:
            break
        settle(evaluation, waiting.pop(rng.randrange(len(waiting))), rng)
    assert evaluation.is_finished, "the page never ends"
    assert fetches <= LIMITS.includes, "too many fetches"


def settle(evaluation: Evaluation, fetch_id: int, rng: random.Random) -> None:
    """One fragment comes, or not."""
    kind = rng.random()
    if kind < 0.3:
        evaluation.fail(fetch_id, "fuzz")
    elif kind < 0.5:
        evaluation.fulfil(fetch_id, parse(document(rng), LIMITS))
    else:
        evaluation.feed(fetch_id, b"<part>")
        evaluation.fulfil(fetch_id, b"<rest>")


def run(seconds: float, seed: int) -> int:
    """Fuzz for that long; returns how many documents were played."""
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        rng = random.Random(f"{seed}-{count}")
        raw = document(rng)
        try:
            program = parse(raw, LIMITS)
            assert chunked(raw, rng) == program, "chunks change the program"
            play(program, rng)
        except Exception:
            print(f"seed {seed}, document {count}: {raw!r}", file=sys.stderr)
            raise
        count += 1
    return count


if __name__ == "__main__":
    fuzz("esi", __doc__, run)
