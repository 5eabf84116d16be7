"""Keys are derived per purpose, signatures hold over exactly their parts, rotation has no gap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments.errors import WireError
from fragments.signing import Keyring, from_text, to_text

OLD, NEW = "o" * 40, "n" * 40


def code(error: pytest.ExceptionInfo[WireError]) -> str:
    return error.value.code


@pytest.mark.parametrize("secrets", [[], [""], ["short"], ["x" * 40, "short"]])
def test_weak_secrets_are_refused_with_what_to_do(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="TWOPASS_SECRET"):
        Keyring(secrets)


def test_parse_takes_commas_and_blanks() -> None:
    ring = Keyring.parse(f" {NEW},\n {OLD} ")

    assert len(ring.keys("include")) == 2
    assert "n" * 8 not in repr(ring)


def test_rotation_verifies_old_and_signs_new() -> None:
    before, during, after = Keyring([OLD]), Keyring([NEW, OLD]), Keyring([NEW])

    during.verify("include", before.sign("include", b"x"), b"x")
    after.verify("include", during.sign("include", b"x"), b"x")
    with pytest.raises(WireError) as error:
        after.verify("include", before.sign("include", b"x"), b"x")
    assert code(error) == "unknown-key"


def test_a_signature_for_one_purpose_opens_no_other(keyring: Keyring) -> None:
    with pytest.raises(WireError):
        keyring.verify("shell", keyring.sign("include", b"x"), b"x")


@given(st.lists(st.binary(max_size=8), max_size=4), st.lists(st.binary(max_size=8), max_size=4))
def test_parts_are_unambiguous(first: list[bytes], second: list[bytes]) -> None:
    ring = Keyring([OLD])

    assert (ring.digest("etag", *first) == ring.digest("etag", *second)) == (first == second)


@given(st.binary(max_size=200), st.integers(0, 10_000), st.integers(1, 255))
def test_any_flipped_byte_of_a_seal_is_noticed(payload: bytes, place: int, flip: int) -> None:
    ring = Keyring([OLD])
    sealed = bytearray(ring.seal("shell", payload))
    sealed[place % len(sealed)] ^= flip

    with pytest.raises(WireError):
        ring.open("shell", bytes(sealed))


@pytest.mark.parametrize("length", [0, 1, 35])
def test_a_short_signature_is_an_error_not_a_crash(keyring: Keyring, length: int) -> None:
    with pytest.raises(WireError) as error:
        keyring.open("shell", b"x" * length)
    assert code(error) == "signature"


@given(st.binary(max_size=100))
def test_text_form_round_trips(data: bytes) -> None:
    assert from_text(to_text(data)) == data


@given(st.text(max_size=20))
def test_any_text_decodes_to_what_encodes_to_it_or_fails(text: str) -> None:
    try:
        data = from_text(text)
    except WireError:
        return
    assert to_text(data) == text
