from __future__ import annotations

import pytest
from heads import fields
from hypothesis import assume, given
from hypothesis import strategies as st

from edge.core.availability import vary_rule
from edge.core.vary import (
    MAX_VARY_FIELDS,
    VaryRule,
    best_language,
    cookies,
    variant_key,
    vary_fields,
)


def test_names_are_sorted_lowered_and_single() -> None:
    assert vary_fields(fields("Vary: B, a\nVary: A")) == (b"a", b"b")
    assert vary_fields([]) == ()


@pytest.mark.parametrize(
    "value",
    ["*", "a, *", "*, a", "a b", "a;b", ", ".join(f"h{n}" for n in range(MAX_VARY_FIELDS + 1))],
)
def test_what_cannot_be_compared_never_matches(value: str) -> None:
    assert vary_fields(fields(f"Vary: {value}")) is None
    assert vary_rule(fields(f"Vary: {value}")) is None


RULE = VaryRule((b"x-a", b"x-b"))


def key(text: str, rule: VaryRule = RULE) -> bytes:
    return variant_key(b"k", rule, fields(text))


def test_absent_differs_from_empty() -> None:
    assert key("X-A:") != key("")


def test_order_of_other_fields_does_not_matter() -> None:
    assert key("X-B: 2\nC: 3\nX-A: 1") == key("X-A: 1\nX-B: 2")


def test_split_lines_are_one_list() -> None:
    assert key("X-A: 1\nX-A: 2") == key("X-A: 1, 2")


def test_accept_lists_ignore_case_and_blanks() -> None:
    rule = VaryRule((b"accept-encoding",))

    assert key("Accept-Encoding: gzip,BR", rule) == key("accept-encoding: gzip , br", rule)
    assert key("Accept-Encoding: gzip", rule) != key("Accept-Encoding: br", rule)


def test_without_vary_there_is_one_response() -> None:
    assert key("X-A: 1", VaryRule()) == b"k"


_values = st.none() | st.text("a=:1-\t;", max_size=5).map(str.strip)


@given(st.tuples(_values, _values), st.tuples(_values, _values))
def test_variants_are_injective(one: tuple, other: tuple) -> None:  # type: ignore[type-arg]
    assume(one != other)

    def of(pair: tuple) -> bytes:  # type: ignore[type-arg]
        headers = [
            (name, v.encode())
            for name, v in zip((b"x-a", b"x-b"), pair, strict=True)
            if v is not None
        ]
        return variant_key(b"k", RULE, headers)

    assert of(one) != of(other)


class TestAvailabilityHints:
    def test_languages_fold_to_what_is_there(self) -> None:
        rule = vary_rule(fields("Vary: Accept-Language\nAvail-Language: fr, en;d, de"))

        assert rule == VaryRule((b"accept-language",), languages=(b"en", b"fr", b"de"))
        assert key("Accept-Language: de-AT, fr;q=0.5", rule) == key("Accept-Language: de", rule)
        assert key("Accept-Language: ja", rule) == key("", rule) == key("Accept-Language: en", rule)

    def test_cookies_fold_to_the_named(self) -> None:
        rule = vary_rule(fields('Vary: Cookie\nCookie-Indices: "ab", "cur"'))

        assert rule == VaryRule((b"cookie",), cookies=(b"ab", b"cur"))
        assert key("Cookie: sid=1; cur=EUR", rule) == key("Cookie: cur=EUR; sid=2", rule)
        assert key("Cookie: cur=EUR", rule) != key("Cookie: cur=USD", rule)
        assert key("Cookie: cur=", rule) != key("Cookie: x=1", rule)

    @pytest.mark.parametrize("hint", ["en,", "en, 1", "(en)", ""])
    def test_a_broken_hint_is_no_hint(self, hint: str) -> None:
        rule = vary_rule(fields(f"Vary: Accept-Language\nAvail-Language: {hint}"))

        assert rule == VaryRule((b"accept-language",))

    def test_a_hint_without_its_axis_in_vary_does_nothing(self) -> None:
        assert vary_rule(fields("Avail-Language: en")) == VaryRule()

    def test_tokens_are_no_cookie_names(self) -> None:
        assert vary_rule(fields("Vary: Cookie\nCookie-Indices: ab")) == VaryRule((b"cookie",))


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, b"en"),
        (b"", b"en"),
        (b"de", b"de"),
        (b"de-AT-1996", b"de"),
        (b"fr;q=0, de;q=0.1", b"de"),
        (b"fr;q=0.2, de;q=0.8", b"de"),
        (b"*", b"en"),
        (b";;;,,q=", b"en"),
    ],
)
def test_language_lookup(accept: bytes | None, chosen: bytes) -> None:
    assert best_language((b"en", b"de", b"fr"), accept) == chosen


def test_cookies_take_the_first_of_equal_names() -> None:
    assert cookies(fields("Cookie: a=1; b=2; a=3\nCookie: c=4; junk")) == {
        b"a": b"1",
        b"b": b"2",
        b"c": b"4",
    }
