"""Tokens of the sentinel become holes whoever rendered them; nobody else's token slips through."""

from __future__ import annotations

import base64
import re
from hashlib import sha256

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from fragments.csrf import (
    ALPHABET,
    CSRF,
    _long_runs,
    is_secret,
    looks_like_field,
    mask,
    secret_from_bytes,
    sentinels,
    split_tokens,
    unmask,
)
from fragments.signing import Keyring

if not settings.configured:
    settings.configure()

from django.middleware import csrf as django_csrf  # needs settings

SENTINEL = secret_from_bytes(sha256(b"sentinel").digest())
OTHER = secret_from_bytes(sha256(b"other").digest())
masks = st.binary(min_size=32, max_size=32)


@given(masks)
def test_django_accepts_our_masking(mask_bytes: bytes) -> None:
    token = mask(SENTINEL, mask_bytes).decode()

    assert django_csrf._unmask_cipher_token(token) == SENTINEL
    assert django_csrf._does_token_match(token, SENTINEL)


def test_we_read_djangos_masking() -> None:
    tokens = [django_csrf._mask_cipher_secret(SENTINEL) for _ in range(100)]

    assert {unmask(token) for token in tokens} == {SENTINEL}
    assert len(set(tokens)) == 100


def test_the_alphabet_is_djangos() -> None:
    assert ALPHABET.decode() == django_csrf.CSRF_ALLOWED_CHARS


@pytest.mark.parametrize("text", ["", "x" * 31, "x" * 33, "x" * 63, "ü" * 32, "x" * 63 + "-"])
def test_what_is_no_token_unmasks_to_nothing(text: str) -> None:
    assert unmask(text) is None


def test_a_bare_secret_is_its_own_unmasking() -> None:
    assert is_secret(OTHER)
    assert unmask(OTHER) == OTHER


@given(masks, st.text("abcXYZ019", max_size=70), st.text("abcXYZ019", max_size=70))
def test_a_token_is_found_inside_a_longer_run(mask_bytes: bytes, before: str, after: str) -> None:
    token = mask(SENTINEL, mask_bytes)
    body = before.encode() + token + after.encode()

    parts = split_tokens(body, [SENTINEL])

    assert CSRF in parts
    assert b"".join(token if part is CSRF else part for part in parts) == body  # type: ignore[misc]


@given(st.lists(masks | st.binary(max_size=40), max_size=6))
def test_cutting_loses_nothing(pieces: list[bytes]) -> None:
    tokens = [mask(SENTINEL, piece) if len(piece) == 32 else piece for piece in pieces]
    body = b'"'.join(tokens)

    kept = [part for part in split_tokens(body, [SENTINEL]) if isinstance(part, bytes)]

    assert len(b"".join(kept)) + 64 * (len(split_tokens(body, [SENTINEL])) - len(kept)) == len(body)


@given(masks)
def test_a_visitors_token_is_no_hole(mask_bytes: bytes) -> None:
    body = b'<input value="' + mask(OTHER, mask_bytes) + b'">'

    assert split_tokens(body, [SENTINEL]) == [body]


def test_a_token_under_the_old_secret_is_found_during_rotation() -> None:
    ring = Keyring(["n" * 40, "o" * 40])
    new, old = sentinels(ring)
    body = mask(new, bytes(32)) + b" " + mask(old, bytes(32))

    assert new != old
    assert split_tokens(body, sentinels(ring)) == [CSRF, b" ", CSRF]


@pytest.mark.parametrize(
    "template",
    [
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}">',
        '<meta name="csrf-token" content="{}">',
        'window.csrfToken = "{}"',
        '<body data-csrf="{}">',
        '{{"XSRF": "{}"}}',
        'hx-headers=\'{{"X-CSRFToken": "{}"}}\'',
    ],
)
def test_a_leftover_token_is_noticed(template: str) -> None:
    leftover = template.format(mask(OTHER, bytes(range(32))).decode()).encode()

    assert looks_like_field(leftover)


@pytest.mark.parametrize(
    "text",
    [
        b'<input name="csrfmiddlewaretoken" value="',
        b"how does a csrf token work?",
        b'<script integrity="sha256-' + base64.b64encode(bytes(64)) + b'">',
    ],
)
def test_other_text_is_left_alone(text: bytes) -> None:
    assert not looks_like_field(text)


def test_a_long_run_of_base64_costs_little() -> None:
    run = base64.b64encode(bytes(range(256)) * 400).replace(b"+", b"a").replace(b"/", b"b")

    assert split_tokens(run, [SENTINEL]) == [run]


@given(st.binary(max_size=40), st.integers(60, 70), st.binary(max_size=40), st.integers(0, 130))
def test_runs_are_those_that_a_regular_expression_finds(
    before: bytes, first: int, between: bytes, second: int
) -> None:
    body = before + b"Q7" * first + between + b"z" * second

    expected = [found.span() for found in re.finditer(rb"[A-Za-z0-9]{64,}", body)]
    assert list(_long_runs(body)) == expected


@pytest.mark.parametrize("word", [b"csrf", b"CsRf", b"xsrf", b"XSRF"])
@pytest.mark.parametrize("gap", [0, 1, 199, 200])
def test_a_field_is_known_by_any_letter_case_and_within_two_hundred_bytes(
    word: bytes, gap: int
) -> None:
    run = b"k" * 64

    assert looks_like_field(word + b"-" * gap + run)
    assert looks_like_field(b"srf" + word + b"-" * gap + run)
    assert not looks_like_field(b"srf " + run)
    assert not looks_like_field(word + b"-" * 201 + run)
