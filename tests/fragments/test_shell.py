"""A shell means the same on both sides, and only the origin can make one."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments.codec import pack
from fragments.csrf import CSRF
from fragments.dimensions import Dimension
from fragments.errors import WireError
from fragments.shell import NONCE, FragmentHole, Shell
from fragments.signing import Keyring

RING = Keyring(["a-secret-that-only-tests-know-0123456789"])

names = st.text(max_size=10)
durations = st.floats(0, 1e9)
holes = st.one_of(
    st.just(CSRF),
    st.just(NONCE),
    st.builds(
        FragmentHole,
        token=st.binary(min_size=1, max_size=40),
        scope=st.sampled_from(["public", "private", "no-store"]),
        dimensions=st.tuples(names),
        cookies=st.tuples(names),
        when_cookies=st.tuples(names),
        writes=st.booleans(),
        deadline=st.none() | durations,
        alt=st.none() | st.binary(max_size=20),
        placeholder=st.binary(max_size=20),
    ),
)
parts = st.lists(st.binary(max_size=30) | holes, max_size=12).map(tuple)
shells = st.builds(
    Shell,
    status=st.integers(200, 599),
    headers=st.lists(st.tuples(names, parts), max_size=3).map(tuple),
    body=parts,
    max_age=durations,
    stale_while_revalidate=durations,
    stale_if_error=durations,
    groups=st.tuples(names),
    dimensions=st.just((Dimension("currency", "cookie", "currency", ("EUR", "USD"), "EUR"),)),
    values=st.tuples(st.tuples(names, names)),
    query=st.none() | st.tuples(names),
    gate=st.booleans(),
    release=names,
)


@given(shells)
def test_the_wire_form_round_trips(shell: Shell) -> None:
    assert Shell.decode(shell.encode(RING), RING) == shell


def test_a_hole_that_stands_twice_is_one_hole() -> None:
    hole = FragmentHole(b"token")
    shell = Shell(200, (), (b"a", hole, b"b", hole, CSRF), 60)

    assert shell.holes() == (hole, CSRF)


@given(st.binary(max_size=200))
def test_any_bytes_are_no_shell(data: bytes) -> None:
    with pytest.raises(WireError):
        Shell.decode(data, RING)


def sealed(**changes: object) -> bytes:
    document = {
        "v": 1, "status": 200, "headers": [], "body": [b"x", 0], "holes": [{"kind": "csrf"}],
        "max_age": 60, "swr": 0, "sie": 0, "groups": [], "dimensions": [], "values": [],
        "query": None, "gate": False, "release": "",
    }  # fmt: skip
    return RING.seal("shell", pack(document | changes))


def test_a_document_that_the_origin_did_not_seal_is_no_shell() -> None:
    """A file that a customer uploaded could be sent with a shell's content type."""
    payload = sealed()[36:]
    foreign = Keyring(["another-secret-0123456789-0123456789-xx"])

    for forged in (
        bytes(36) + payload,
        foreign.seal("shell", payload),
        RING.seal("include", payload),
    ):
        with pytest.raises(WireError):
            Shell.decode(forged, RING)


def test_the_smallest_document_is_a_shell() -> None:
    assert Shell.decode(sealed(), RING).body == (b"x", CSRF)
    assert Shell.decode(sealed(later_field=1), RING).max_age == 60


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"v": 2}, "version"),
        ({"v": True}, "type"),
        ({"status": 99}, "type"),
        ({"status": "200"}, "type"),
        ({"body": [1]}, "type"),
        ({"body": [-1]}, "type"),
        ({"body": [True]}, "type"),
        ({"body": ["text"]}, "type"),
        ({"body": None}, "type"),
        ({"holes": [{"kind": "moon"}]}, "type"),
        ({"holes": [{"kind": "csrf"}] * 1025}, "size"),
        ({"headers": [["a"]]}, "type"),
        ({"max_age": -1}, "type"),
        ({"max_age": float("nan")}, "type"),
        ({"max_age": float("inf")}, "type"),
        ({"groups": [1]}, "type"),
        ({"groups": "ab"}, "type"),
        ({"values": [["a"]]}, "type"),
        ({"gate": 1}, "type"),
    ],
)
def test_a_sealed_but_wrong_document_is_refused(changes: dict[str, object], code: str) -> None:
    with pytest.raises(WireError) as error:
        Shell.decode(sealed(**changes), RING)
    assert error.value.code == code


@given(shells, st.data())
def test_a_cut_shell_is_refused(shell: Shell, data: st.DataObject) -> None:
    encoded = shell.encode(RING)
    length = data.draw(st.integers(0, len(encoded) - 1))

    with pytest.raises(WireError):
        Shell.decode(encoded[:length], RING)


def test_a_shell_is_a_value() -> None:
    shell = Shell(200, (), (b"x",), 60)

    with pytest.raises(dataclasses.FrozenInstanceError):
        shell.max_age = 1  # type: ignore[misc]
