"""Only what the origin signed is an include, in whatever text it stands."""

from __future__ import annotations

import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments.errors import WireError
from fragments.include import MAX_TOKEN, Include, has_marker, marker, split_markers
from fragments.signing import Keyring

RING = Keyring(["a-secret-that-only-tests-know-0123456789"])
BASKET = Include.of("fragment", "basket", {"size": 3, "currency": "EUR"})

arguments = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.text(max_size=12)
    | st.binary(max_size=12)
    | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from(["fragment", "block", "nonce"]),
    st.text(max_size=30),
    st.dictionaries(st.text(max_size=8), arguments, max_size=4),
)
def test_tokens_round_trip(kind: str, name: str, args: dict[str, object]) -> None:
    include = Include.of(kind, name, args)  # type: ignore[arg-type]

    assert Include.verify(include.token(RING), RING) == include


def test_the_order_of_arguments_does_not_change_the_token() -> None:
    other = Include.of("fragment", "basket", {"currency": "EUR", "size": 3})

    assert other.token(RING) == BASKET.token(RING)


def test_equal_arguments_of_other_types_are_other_includes() -> None:
    values: tuple[int | bool | float, ...] = (1, True, 1.0)
    tokens = [Include.of("fragment", "basket", {"a": value}).token(RING) for value in values]

    assert len(set(tokens)) == 3
    found = [Include.verify(token, RING).args[0][1] for token in tokens * 2]
    assert [type(value) for value in found] == [int, bool, float] * 2


def test_what_a_renderer_does_to_an_argument_is_not_seen_by_the_next() -> None:
    token = Include.of("fragment", "basket", {"keys": [1, 2]}).token(RING)
    keys = Include.verify(token, RING).args[0][1]
    assert isinstance(keys, list)
    keys.append(3)

    assert Include.verify(token, RING).args == (("keys", [1, 2]),)


def test_one_ring_does_not_vouch_for_another() -> None:
    other = Keyring(["another-secret-that-only-tests-know-9876543210"])
    token = BASKET.token(RING)
    Include.verify(token, RING)

    with pytest.raises(WireError):
        Include.verify(token, other)


def test_objects_are_refused_with_the_mend() -> None:
    with pytest.raises(TypeError, match="a primary key, not the object"):
        Include.of("fragment", "basket", {"user": object()})  # type: ignore[dict-item]


def test_a_token_has_a_bound() -> None:
    with pytest.raises(WireError, match="size"):
        Include.of("fragment", "basket", {"text": "x" * MAX_TOKEN}).token(RING)


@given(st.binary(max_size=300))
def test_any_bytes_are_no_include(data: bytes) -> None:
    with pytest.raises(WireError):
        Include.verify(data, RING)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_token_is_no_include(place: int, value: int) -> None:
    token = bytearray(BASKET.token(RING))
    index = place % len(token)
    if token[index] == value:
        return
    token[index] = value

    with pytest.raises(WireError):
        Include.verify(bytes(token), RING)


def test_a_token_of_another_secret_is_no_include() -> None:
    foreign = BASKET.token(Keyring(["another-secret-0123456789-0123456789-xx"]))

    with pytest.raises(WireError) as error:
        Include.verify(foreign, RING)
    assert error.value.code == "unknown-key"


@given(st.lists(st.binary(max_size=30) | st.just(None), max_size=8))
def test_markers_are_found_wherever_they_stand(pieces: list[bytes | None]) -> None:
    token = BASKET.token(RING)
    text = b"".join(marker(token).encode() if piece is None else piece for piece in pieces)

    parts = split_markers(text, RING)

    rebuilt = b"".join(p if isinstance(p, bytes) else marker(p[0]).encode() for p in parts)
    assert rebuilt == text
    assert sum(not isinstance(part, bytes) for part in parts) == pieces.count(None)


@given(st.text(max_size=60))
def test_nothing_a_customer_types_becomes_an_include(text: str) -> None:
    typed = f"[[2p:{text}]] [[2p:{text}.{'A' * 48}]]".encode()

    assert all(isinstance(part, bytes) for part in split_markers(typed, RING))


def test_a_marker_survives_escaping_and_serialising() -> None:
    text = marker(BASKET.token(RING))

    assert html.escape(text) == text
    assert json.dumps(text) == f'"{text}"'
    assert has_marker(text.encode())
    assert not has_marker(b"[[2p:]] [[2p:x]]")
