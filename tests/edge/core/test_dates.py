from __future__ import annotations

import pytest
from heads import NOW
from hypothesis import given
from hypothesis import strategies as st

from edge.core.dates import format_http_date, parse_http_date

EXAMPLE = 784111777.0


@pytest.mark.parametrize(
    "value",
    [
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
    ],
)
def test_all_three_forms_are_read(value: bytes) -> None:
    assert parse_http_date(value, NOW) == EXAMPLE


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"0",
        b"-1",
        b"Sun, 06 Nov 1994 08:49:37",
        b"Sun, 06 Nov 1994 08:49:37 UTC",
        b"Sun, 06 Nov 1994 08:49:37 +0100",
        b"sun, 06 nov 1994 08:49:37 gmt",
        b"Sun, 6 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Nov 94 08:49:37 GMT",
        b"Sun, 31 Feb 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 25:49:37 GMT",
        b"Sun, 06  Nov 1994 08:49:37 GMT",
        b"1994-11-06T08:49:37Z",
        b"Sun, 06 Nov 1994 08:49:37 GMT junk",
    ],
)
def test_what_is_not_a_date_is_none(value: bytes) -> None:
    assert parse_http_date(value, NOW) is None


def test_two_digits_more_than_fifty_years_ahead_are_the_past() -> None:
    near = parse_http_date(b"Friday, 01-Jan-60 00:00:00 GMT", NOW)
    far = parse_http_date(b"Friday, 01-Jan-80 00:00:00 GMT", NOW)

    assert near is not None
    assert near > NOW
    assert far == 315532800.0


def test_a_leap_second_is_the_second_before() -> None:
    assert parse_http_date(b"Sat, 31 Dec 2016 23:59:60 GMT", NOW) == 1483228799.0


@given(st.integers(min_value=0, max_value=250_000_000_000))
def test_what_is_written_is_read_back(moment: int) -> None:
    assert parse_http_date(format_http_date(moment), NOW) == moment


@given(st.binary(max_size=60))
def test_any_bytes_are_a_date_or_none(value: bytes) -> None:
    parsed = parse_http_date(value, NOW)

    assert parsed is None or isinstance(parsed, float)
