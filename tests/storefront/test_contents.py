"""Basket contents, pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.storefront.basket.contents import (
    MOST_LINES,
    MOST_PIECES,
    changed,
    decode,
    encode,
    merged,
)

contents = st.dictionaries(st.integers(1, 10**9), st.integers(1, MOST_PIECES), max_size=MOST_LINES)


@given(contents)
def test_what_was_encoded_decodes_in_the_same_order(before: dict[int, int]) -> None:
    assert list(decode(encode(before)).items()) == list(before.items())


@given(st.text(max_size=40))
def test_any_text_decodes_to_contents_or_is_refused(text: str) -> None:
    try:
        found = decode(text)
    except ValueError:
        return
    assert all(key > 0 and 0 < value <= MOST_PIECES for key, value in found.items())


@pytest.mark.parametrize("text", ["1", "1x", "x1", "1x0", "0x1", "1x100", "-1x2", "1x1x1"])
def test_damaged_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)


def test_too_many_lines_are_refused() -> None:
    text = encode(dict.fromkeys(range(1, MOST_LINES + 2), 1))
    with pytest.raises(ValueError, match="40 different things"):
        decode(text)


def test_quantity_zero_takes_out() -> None:
    assert changed({1: 2, 2: 3}, 1, 0) == {2: 3}


def test_quantity_is_capped() -> None:
    assert changed({}, 1, 500) == {1: MOST_PIECES}


def test_a_full_basket_takes_changes_but_nothing_new() -> None:
    full = dict.fromkeys(range(1, MOST_LINES + 1), 1)
    assert changed(full, 1, 5)[1] == 5
    with pytest.raises(ValueError, match="40 different things"):
        changed(full, 999, 1)


@given(contents, contents)
def test_merging_twice_is_merging_once(mine: dict[int, int], brought: dict[int, int]) -> None:
    once = merged(mine, brought)
    assert merged(once, brought) == once


def test_merging_keeps_the_larger_quantity() -> None:
    assert merged({1: 2, 2: 5}, {1: 4, 3: 1}) == {1: 4, 2: 5, 3: 1}
