"""Bytes leave in document order, each once, as soon as they are known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fragments.csrf import CSRF
from fragments.shell import NONCE, FragmentHole, Part
from fragments.splice import Splice, fill

HOLES = [FragmentHole(bytes([number])) for number in range(4)]
bodies = {hole: b"<%d>" % number for number, hole in enumerate(HOLES)}
parts = st.lists(st.binary(max_size=6) | st.sampled_from([*HOLES, CSRF, NONCE]), max_size=20)


def whole(document: list[Part]) -> bytes:
    known = {**bodies, CSRF: b"TOKEN", NONCE: b"NONCE"}
    return b"".join(part if isinstance(part, bytes) else known[part] for part in document)


@given(parts, st.permutations(HOLES))
def test_any_order_of_arrival_gives_the_same_page(
    document: list[Part], arrivals: list[FragmentHole]
) -> None:
    splice = Splice(document, b"TOKEN", b"NONCE")
    output = splice.take()
    for hole in arrivals:
        splice.fill(hole, bodies[hole])
        output += splice.take()
        assert whole(document).startswith(output)

    assert output == whole(document)
    assert splice.is_done
    assert splice.take() == b""


def test_what_stands_before_an_open_hole_leaves_at_once() -> None:
    splice = Splice([b"head", HOLES[0], b"middle", HOLES[1], b"tail"])

    assert splice.take() == b"head"
    assert splice.awaited == HOLES[0]
    splice.fill(HOLES[1], b"B")
    assert splice.take() == b""
    assert splice.missing() == [HOLES[0]]
    splice.fill(HOLES[0], b"A")
    assert splice.take() == b"AmiddleBtail"
    assert splice.awaited is None
    assert repr(splice) == "<Splice done of 5>"


def test_a_second_filling_changes_nothing() -> None:
    splice = Splice([HOLES[0], b"-", HOLES[0]])
    splice.fill(HOLES[0], b"A")
    splice.fill(HOLES[0], b"B")

    assert splice.take() == b"A-A"


def test_a_fragment_is_filled_with_the_visitors_token() -> None:
    assert fill((b"<", CSRF, b"|", NONCE, b">"), b"TOKEN", b"N") == b"<TOKEN|N>"
