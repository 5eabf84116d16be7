"""A long bounded run of the bundle codec on bytes that nobody would send.

    python -m tests.fuzz.fuzz_bundle [--seconds 60] [--seed 1]

Requests and streams of frames are made at random, then changed: bytes flipped, cut, doubled, values
replaced by others of every kind. Whatever comes, decoding gives what it can stand for or raises
WireError, the same however the bytes are cut; what was taken is encoded and taken again unchanged.
"""

from __future__ import annotations

import random
import sys
import time
from typing import Any

import msgpack

from fragments.bundle import (
    BundleRequest,
    End,
    Frame,
    FrameDecoder,
    Head,
    Message,
    Reads,
    Verdict,
    encode_message,
)
from fragments.csrf import CSRF
from fragments.errors import WireError
from fragments.shell import NONCE
from tests.fuzz.command_line import fuzz

ODD: list[Any] = [
    None, True, -1, 0, 1, 2**63, 2**64 - 1, -0.0, 1e308, float("nan"), float("inf"), "", "\x00",
    "v", "private", "none", b"", b"\xff", [], [[]], [["a"]], [["a", "b"]], {}, {"v": 1},
    msgpack.ExtType(1, b"x"), msgpack.Timestamp(1), [b"x"] * 300,
]  # fmt: skip


def message(rng: random.Random) -> Message:
    """A head, a fragment or an end, within the limits."""
    kind = rng.random()
    if kind < 0.2:
        verdict = Verdict(rng.choice((200, 302, 599)), (("location", "/"),), b"x")
        return Head(
            rng.choice(("none", "valid", "unknown")),
            rng.choice((None, 0.0, 3600.5)),
            ("user:1",),
            rng.choice((None, verdict)),
        )
    if kind < 0.3:
        return End(rng.randrange(300))
    parts = rng.choices([b"", b"text", b"\x00\xff" * 40, CSRF, NONCE], k=rng.randrange(6))
    reads = Reads(("seen",), ("accept",), rng.random() < 0.5)
    return Frame(
        rng.randrange(256), rng.choice((100, 200, 500)), tuple(parts),
        rng.choice(("public", "private", "no-store")), rng.random() * 100, 1.0, 2.0, ("a", "b"),
        reads, rng.random() < 0.5, rng.random(),
    )  # fmt: skip


def request(rng: random.Random) -> BundleRequest:
    """A request within the limits."""
    tokens = tuple(rng.randbytes(rng.randrange(1, 40)) for _ in range(rng.randrange(4)))
    return BundleRequest(
        "http://shop.example/p?q=1", tokens, rng.random() < 0.5, rng.random() < 0.5,
        rng.choice((None, "s" * 32)), (("language", "en"),), rng.random() * 10,
    )  # fmt: skip


def stream(rng: random.Random) -> bytes:
    """Frames, most often in an order that could be."""
    frames = [message(rng) for _ in range(rng.randrange(6))]
    if rng.random() < 0.8:
        frames = [Head("valid"), *(f for f in frames if isinstance(f, Frame)), End(len(frames))]
    return b"".join(_framed(_changed(encode_message(f)[4:], rng), rng) for f in frames)


def _framed(payload: bytes, rng: random.Random) -> bytes:
    length = len(payload) if rng.random() < 0.97 else rng.randrange(2**32)
    return length.to_bytes(4, "big") + payload


def _changed(data: bytes, rng: random.Random) -> bytes:
    kind = rng.random()
    if kind < 0.4:
        return data
    if kind < 0.7:
        document: dict[str, Any] = msgpack.unpackb(data)
        name = rng.choice(list(document))
        if rng.random() < 0.2:
            del document[name]
        else:
            document[name] = rng.choice(ODD)
        changed: bytes = msgpack.packb(document)
        return changed
    raw = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw[: rng.randrange(len(raw) + 1)] if kind > 0.9 else raw)


def decoded(data: bytes, rng: random.Random, sizes: tuple[int, ...]) -> list[Message] | str:
    """The messages of a stream that comes in pieces, or the code of its error."""
    decoder, found, position = FrameDecoder(), [], 0
    try:
        while position < len(data):
            size = rng.choice(sizes)
            found += decoder.receive_data(data[position : position + size])
            position += size
        decoder.close()
    except WireError as error:
        return error.code
    return found


def run(seconds: float, seed: int) -> int:
    """Fuzz for that long; returns how many documents were taken apart."""
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        rng = random.Random(f"{seed}-{count}")
        data = b""
        try:
            data = _changed(request(rng).encode(), rng)
            _try_request(data)
            data = stream(rng)
            _try_stream(data, rng)
        except Exception:
            print(f"seed {seed}, document {count}: {data!r}", file=sys.stderr)
            raise
        count += 2
    return count


def _try_request(data: bytes) -> None:
    try:
        taken = BundleRequest.decode(data)
    except WireError:
        return
    assert BundleRequest.decode(taken.encode()) == taken, "taken again it is another"


def _try_stream(data: bytes, rng: random.Random) -> None:
    whole = decoded(data, rng, (len(data) or 1,))
    assert decoded(data, rng, (1, 3, 50)) == whole, "pieces change what is read"
    if isinstance(whole, list):
        again = b"".join(map(encode_message, whole))
        assert decoded(again, rng, (len(again),)) == whole, "taken again it is another"


if __name__ == "__main__":
    fuzz("bundle", __doc__, run)
