"""Bytes from outside cannot cost more than they weigh."""

from __future__ import annotations

import msgpack
import pytest

from fragments.codec import MAX_ITEMS, Fields, pack, unpack
from fragments.errors import WireError


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed"),
        (b"\xc1", "malformed"),
        (pack({}) + b"x", "malformed"),
        (b"\xdd\xff\xff\xff\xff", "malformed"),
        (b"\xdf\xff\xff\xff\xff", "malformed"),
        (b"\xc6\xff\xff\xff\xff", "malformed"),
        (b"\x91" * 100_000, "malformed"),
        (msgpack.packb(msgpack.ExtType(5, b"x")), "malformed"),
        (msgpack.packb({1: 2}), "malformed"),
        (msgpack.packb([0] * (MAX_ITEMS + 1)), "malformed"),
        (b"\xa2\xff\xfe", "malformed"),
        (b"x" * 65, "size"),
    ],
)
def test_hostile_documents_are_refused(data: bytes, code: str) -> None:
    limit = 64 if code == "size" else 10_000_000

    with pytest.raises(WireError) as error:
        unpack(data, limit)
    assert error.value.code == code


def test_a_boolean_is_no_number_and_a_number_no_boolean() -> None:
    fields = Fields({"flag": True, "number": 1}, "document")

    with pytest.raises(WireError, match=r"document\.flag is bool, not int"):
        fields.get("flag", int)
    with pytest.raises(WireError):
        fields.get("number", bool)
    assert fields.get("number", float) == 1.0


def test_absent_and_nil_are_one() -> None:
    fields = Fields({"nil": None}, "document")

    assert fields.optional("nil", str) is None
    assert fields.optional("absent", str) is None
    with pytest.raises(WireError):
        fields.get("absent", str)


@pytest.mark.parametrize("value", [None, [], 1, {1: 2}, {b"x": 1}])
def test_only_maps_with_text_keys_have_fields(value: object) -> None:
    with pytest.raises(WireError):
        Fields(value, "document")
