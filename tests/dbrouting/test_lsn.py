"""Positions in the log as PostgreSQL writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbrouting import format_lsn, parse_lsn


@given(st.integers(0, 2**64 - 1))
def test_round_trip(lsn):
    assert parse_lsn(format_lsn(lsn)) == lsn
    assert parse_lsn(lsn) == lsn


def test_the_manuals_example():
    assert parse_lsn("16/B374D848") == 0x16_B374D848
    assert format_lsn(0x16_B374D848) == "16/B374D848"


def test_none_is_no_demand():
    assert parse_lsn(None) == 0


@pytest.mark.parametrize("value", ["", "16", "16/", "/1", "x/1", "1/2/3", "123456789/1", -1, 2**64])
def test_anything_else_is_refused(value):
    with pytest.raises(ValueError, match="no log sequence number"):
        parse_lsn(value)
