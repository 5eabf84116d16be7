"""gzip from prepared blocks: three decoders that share no code agree with what was meant."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import zlib

import deflate
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.deflate import COMBINED_FROM, HEADER, Checksum, append, block, end, stored

texts = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda text, n: text * n, st.binary(min_size=1, max_size=40), st.integers(1, 500)),
)
documents = st.lists(st.tuples(st.booleans(), texts), max_size=12)


def gzipped(document: list[tuple[bool, bytes]]) -> tuple[bytes, bytes]:
    """The document and its gzip; True marks what is secret."""
    pieces, crc = [HEADER], 0
    plain = b"".join(text for _, text in document)
    for is_secret, text in document:
        made = None if is_secret else block(text)
        pieces += stored(text) if made is None else [made.wire]
        crc = append(crc, text, made)
    return plain, b"".join([*pieces, end(crc, len(plain))])


def by_gzip(data: bytes) -> bytes:
    """GNU gzip, which has an inflate of its own."""
    program = shutil.which("gzip")
    assert program is not None
    return subprocess.run([program, "-dc"], input=data, capture_output=True, check=True).stdout


@given(documents)
def test_zlib_and_libdeflate_read_any_document(document: list[tuple[bool, bytes]]) -> None:
    plain, data = gzipped(document)

    assert zlib.decompress(data, wbits=31) == plain
    assert gzip.decompress(data) == plain
    assert bytes(deflate.gzip_decompress(data, len(plain) + 1)) == plain


@settings(max_examples=40)  # each is a process
@given(documents)
def test_gnu_gzip_reads_any_document(document: list[tuple[bool, bytes]]) -> None:
    plain, data = gzipped(document)

    assert by_gzip(data) == plain


@pytest.mark.parametrize("seed", range(8))
def test_gzip_reads_them(seed: int) -> None:
    document = [
        (number % 3 == seed % 3, bytes([seed, number]) * (number * 400 + 1)) for number in range(9)
    ]

    plain, data = gzipped(document)

    assert by_gzip(data) == plain


def test_long_secrets_are_parted() -> None:
    plain, data = gzipped([(True, b"s" * 200_000), (False, b"x" * 200_000)])

    assert by_gzip(data) == zlib.decompress(data, wbits=31) == plain


@given(st.lists(st.one_of(st.none(), texts), max_size=10), st.binary(min_size=1, max_size=64))
def test_a_checksum_with_places_is_that_of_the_whole(
    parts: list[bytes | None], text: bytes
) -> None:
    checksum = Checksum(
        [None if part is None else (part, block(part)) for part in parts], len(text)
    )

    assert checksum.of(text) == zlib.crc32(b"".join(text if p is None else p for p in parts))


@pytest.mark.parametrize("size", [COMBINED_FROM - 1, COMBINED_FROM, 70_000, 200_001])
def test_large_literals_are_combined(size: int) -> None:
    literal = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    made = block(literal)
    checksum = Checksum([(b"head", None), None, (literal, made), None, (literal, made)], 64)
    text = bytes(range(64))

    assert (made.power is not None) == (size >= COMBINED_FROM)
    assert append(zlib.crc32(b"before"), literal, made) == zlib.crc32(b"before" + literal)
    assert checksum.of(text) == zlib.crc32(b"head" + text + literal + text + literal)


def test_a_secret_gets_no_shorter_by_what_stands_beside_it() -> None:
    """BREACH: whoever guesses a secret in text of their own sees no difference in length."""
    secret = b"token=5f2a9c"
    lengths = {
        len(gzipped([(False, guess * 20), (True, secret), (False, guess)])[1])
        - len(block(guess * 20).wire)
        - len(block(guess).wire)
        for guess in (b"token=5f2a9c", b"token=000000", b"xxxxxxxxxxxx")
    }

    assert len(lengths) == 1
