"""Bundles mean the same on both sides, in any chunking, and a cut one is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments.bundle import (
    MAX_FRAME,
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
from fragments.codec import pack
from fragments.csrf import CSRF
from fragments.errors import WireError
from fragments.shell import NONCE

names = st.text(max_size=10)
texts = st.lists(names, max_size=3).map(tuple)
durations = st.floats(0, 1e9)
requests = st.builds(
    BundleRequest,
    page=names,
    includes=st.lists(st.binary(max_size=20), max_size=5).map(tuple),
    gate=st.booleans(),
    nobody=st.booleans(),
    csrf_secret=st.none() | st.text("aZ9", min_size=32, max_size=32),
    values=st.lists(st.tuples(names, names), max_size=3).map(tuple),
    deadline=durations,
)
heads = st.builds(
    Head,
    session=st.sampled_from(["none", "valid", "unknown"]),
    session_age=st.none() | durations,
    groups=texts,
    verdict=st.none()
    | st.builds(
        Verdict,
        status=st.integers(200, 599),
        headers=st.lists(st.tuples(names, names), max_size=2).map(tuple),
        body=st.binary(max_size=20),
    ),
)
frames = st.builds(
    Frame,
    index=st.integers(0, 255),
    status=st.integers(100, 599),
    body=st.lists(st.binary(max_size=20) | st.just(CSRF) | st.just(NONCE), max_size=4).map(tuple),
    scope=st.sampled_from(["public", "private", "no-store"]),
    max_age=durations,
    stale_while_revalidate=durations,
    stale_if_error=durations,
    groups=texts,
    reads=st.builds(Reads, cookies=texts, headers=texts, url=st.booleans()),
    wrote=st.booleans(),
    rendering=durations,
)


def receive(data: bytes, size: int) -> list[Message]:
    decoder = FrameDecoder()
    messages = [
        message
        for start in range(0, len(data), size)
        for message in decoder.receive_data(data[start : start + size])
    ]
    decoder.close()
    return messages


@given(requests)
def test_a_request_round_trips(request: BundleRequest) -> None:
    assert BundleRequest.decode(request.encode()) == request


@given(heads, st.lists(frames, max_size=4), st.integers(1, 50))
def test_frames_round_trip_in_any_chunking(head: Head, bodies: list[Frame], size: int) -> None:
    messages: list[Message] = [head, *bodies, End(len(bodies))]
    data = b"".join(encode_message(message) for message in messages)

    assert receive(data, size) == messages


@given(heads, st.data())
def test_a_cut_stream_is_truncated(head: Head, data: st.DataObject) -> None:
    stream = encode_message(head) + encode_message(End(0))
    cut = data.draw(st.integers(0, len(stream) - 1))

    with pytest.raises(WireError) as error:
        receive(stream[:cut], 7)
    assert error.value.code == "truncated"


HEAD, END = encode_message(Head("none")), encode_message(End(0))


@pytest.mark.parametrize(
    "stream",
    [END, encode_message(Frame(0, 200)), HEAD + HEAD, HEAD + END + END, HEAD + END + HEAD],
    ids=["end first", "fragment first", "two heads", "two ends", "head after the end"],
)
def test_messages_in_a_wrong_place_are_refused(stream: bytes) -> None:
    with pytest.raises(WireError) as error:
        receive(stream, 1000)
    assert error.value.code == "malformed"


def test_a_length_beyond_the_bound_is_refused_before_anything_is_kept() -> None:
    with pytest.raises(WireError) as error:
        list(FrameDecoder().receive_data((MAX_FRAME + 1).to_bytes(4, "big")))
    assert error.value.code == "size"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_clear_error(data: bytes) -> None:
    with pytest.raises(WireError):
        BundleRequest.decode(data)
    with pytest.raises(WireError):
        receive(data, 11)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"v": 2}, "version"),
        ({"includes": [b""] * 257}, "size"),
        ({"includes": ["text"]}, "type"),
        ({"includes": [b"x" * 5000]}, "type"),
        ({"csrf_secret": "short"}, "type"),
        ({"csrf_secret": "x" * 31 + "\n"}, "type"),
        ({"deadline": -1}, "type"),
        ({"page": b"bytes"}, "type"),
        ({"nobody": 1}, "type"),
    ],
)
def test_a_wrong_request_is_refused(change: dict[str, object], code: str) -> None:
    document: dict[str, object] = {
        "v": 1, "page": "http://shop/", "includes": [], "gate": False, "nobody": False,
        "csrf_secret": None, "values": [], "deadline": 1.0,
    }  # fmt: skip
    BundleRequest.decode(pack(document))

    with pytest.raises(WireError) as error:
        BundleRequest.decode(pack(document | change))
    assert error.value.code == code
