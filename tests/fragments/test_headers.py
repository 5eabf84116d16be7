"""A proof holds for one request, at about this time, and for nothing else."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments.errors import WireError
from fragments.headers import MAX_SKEW, ProvenRequest, prove, verify_proof
from fragments.signing import Keyring

NOW = 1_790_000_000.0
REQUEST = ProvenRequest("POST", "shop.example", "/_twopass/fragments", b"body")


def test_a_proof_says_what_is_asked_for(keyring: Keyring) -> None:
    assert verify_proof(keyring, REQUEST, prove(keyring, REQUEST, "second", NOW), NOW) == "second"


def test_the_case_of_the_host_does_not_matter(keyring: Keyring) -> None:
    upper = dataclasses.replace(REQUEST, host="SHOP.example")

    assert verify_proof(keyring, REQUEST, prove(keyring, upper, "first", NOW), NOW) == "first"


@pytest.mark.parametrize(
    "change",
    [{"method": "GET"}, {"host": "evil.example"}, {"target": "/other"}, {"body": b"other"}],
)
def test_a_proof_holds_for_one_request_only(keyring: Keyring, change: dict[str, object]) -> None:
    value = prove(keyring, REQUEST, "second", NOW)

    with pytest.raises(WireError) as error:
        verify_proof(keyring, dataclasses.replace(REQUEST, **change), value, NOW)  # type: ignore[arg-type]
    assert error.value.code == "signature"


def test_the_kind_cannot_be_changed(keyring: Keyring) -> None:
    value = prove(keyring, REQUEST, "probe", NOW).replace("probe", "first")

    with pytest.raises(WireError):
        verify_proof(keyring, REQUEST, value, NOW)


@pytest.mark.parametrize("skew", [-MAX_SKEW - 2, MAX_SKEW + 2])
def test_clocks_apart_are_named(keyring: Keyring, skew: float) -> None:
    value = prove(keyring, REQUEST, "second", NOW)

    with pytest.raises(WireError, match="run NTP") as error:
        verify_proof(keyring, REQUEST, value, NOW + skew)
    assert error.value.code == "clock-skew"


@pytest.mark.parametrize("skew", [-MAX_SKEW + 2, 0, MAX_SKEW - 2])
def test_clocks_a_little_apart_are_fine(keyring: Keyring, skew: float) -> None:
    value = prove(keyring, REQUEST, "second", NOW)

    assert verify_proof(keyring, REQUEST, value, NOW + skew) == "second"


@given(st.text(max_size=100))
def test_any_text_is_no_proof(value: str) -> None:
    ring = Keyring(["a-secret-that-only-tests-know-0123456789"])

    with pytest.raises(WireError):
        verify_proof(ring, REQUEST, value, NOW)
