"""The head of a response leaves with the first piece of its body, or by itself without delay."""

from __future__ import annotations

import asyncio
from typing import cast

from edge.corked import Corked


class Wire:
    """Keeps each write apart."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


def corked() -> tuple[Corked, Wire]:
    wire = Wire()
    return Corked(cast(asyncio.Transport, wire), asyncio.get_running_loop()), wire


async def test_head_and_first_piece_are_one_write_and_the_rest_is_not_held() -> None:
    out, wire = corked()

    for piece in (b"head;", b"one;", b"two;"):
        out.write(piece)

    assert wire.sent == [b"head;one;", b"two;"]
    await asyncio.sleep(0)
    assert wire.sent == [b"head;one;", b"two;"]


async def test_a_head_whose_body_is_slow_leaves_in_the_same_turn_of_the_loop() -> None:
    out, wire = corked()

    out.write(b"head;")
    assert wire.sent == []
    await asyncio.sleep(0)
    assert wire.sent == [b"head;"]
    out.write(b"late;")
    assert wire.sent == [b"head;", b"late;"]


async def test_nothing_is_lost_when_it_closes() -> None:
    out, wire = corked()

    out.write(b"head;")
    out.close()

    assert (wire.sent, out.is_closing()) == ([b"head;"], True)


async def test_nothing_is_written_to_who_has_left() -> None:
    out, wire = corked()

    out.write(b"head;")
    wire.close()
    await asyncio.sleep(0)

    assert wire.sent == []
