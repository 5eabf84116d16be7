"""Content codings undone, and what is none."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from edge.core.codings import CodingError, codings_of, decoded

LIMIT = 1 << 20


def _bare_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


ENCODERS: list[tuple[bytes, Callable[[bytes], bytes]]] = [
    (b"gzip", gzip.compress),
    (b"x-gzip", gzip.compress),
    (b"deflate", zlib.compress),
    (b"deflate", _bare_deflate),
    (b"br", brotli.compress),
    (b"zstd", zstandard.compress),
]


@pytest.mark.parametrize(("coding", "encode"), ENCODERS)
@given(data=st.binary(max_size=5000))
def test_what_was_encoded_comes_back(
    coding: bytes, encode: Callable[[bytes], bytes], data: bytes
) -> None:
    assert decoded(encode(data), [coding], LIMIT) == data


@pytest.mark.parametrize(("coding", "encode"), ENCODERS)
@pytest.mark.parametrize("size", [1001, 100_000, 50 * LIMIT])
def test_no_more_than_is_allowed(
    coding: bytes, encode: Callable[[bytes], bytes], size: int
) -> None:
    body = encode(bytes(size))

    assert decoded(encode(bytes(1000)), [coding], 1000) == bytes(1000)
    with pytest.raises(CodingError, match="more than 1000 bytes"):
        decoded(body, [coding], 1000)


@pytest.mark.parametrize(("coding", "encode"), ENCODERS)
def test_what_is_cut_or_broken_is_nothing(coding: bytes, encode: Callable[[bytes], bytes]) -> None:
    whole = encode(bytes(range(256)) * 40)
    for body in (whole[: len(whole) // 2], whole[:-1], b"\xff\xff\xff\xffno such thing"):
        with pytest.raises(CodingError):
            decoded(body, [coding], LIMIT)


def test_several_members_and_several_codings() -> None:
    two = gzip.compress(b"one") + gzip.compress(b"two")
    assert decoded(two, [b"gzip"], LIMIT) == b"onetwo"
    assert decoded(gzip.compress(brotli.compress(b"x")), [b"br", b"gzip"], LIMIT) == b"x"
    with pytest.raises(CodingError, match="more than 3"):
        decoded(b"", [b"gzip"] * 4, LIMIT)


def test_bombs_in_many_members_are_bounded_too() -> None:
    with pytest.raises(CodingError, match="more than"):
        decoded(gzip.compress(bytes(LIMIT // 2)) * 10, [b"gzip"], LIMIT)


@pytest.mark.parametrize(
    ("value", "codings"),
    [(None, []), (b"identity", []), (b"", []), (b" GZIP ,br", [b"gzip", b"br"])],
)
def test_names(value: bytes | None, codings: list[bytes]) -> None:
    assert codings_of(value) == codings


def test_unknown_ones_are_refused() -> None:
    with pytest.raises(CodingError, match="'dcb' is not known"):
        decoded(b"x", [b"dcb"], LIMIT)
