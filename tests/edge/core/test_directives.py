from __future__ import annotations

import pytest
from heads import fields
from hypothesis import given
from hypothesis import strategies as st

from edge.core.directives import (
    MAX_DELTA,
    ResponseDirectives,
    request_directives,
    response_directives,
    surrogate_control,
    targeted_directives,
)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"max-age=60", 60),
        (b"MAX-AGE=60", 60),
        (b'max-age="60"', 60),
        (b"max-age=060", 60),
        (b"a=b, max-age=60, foo", 60),
        (b"max-age=60, max-age=60", 60),
        (b"max-age=2147483648", MAX_DELTA),
        (b"max-age=99999999999999999999999999", MAX_DELTA),
        (b"max-age=60, max-age=61", 0),
        (b"max-age=-1", 0),
        (b"max-age=1.5", 0),
        (b"max-age", 0),
        (b"max-age=", 0),
        (b"max-age=abc", 0),
        (b"max-age=60s", 0),
        (b"max-age =60", 0),
        (b"max-age= 60", 0),
        (b"max-age='60'", 0),
        (b"public", None),
        (b'x="max-age=60"', None),
    ],
)
def test_max_age(value: bytes, seconds: float | None) -> None:
    assert response_directives(value).max_age == seconds


@pytest.mark.parametrize(
    "value",
    [
        b"no-store",
        b"No-Store",
        b"no-store=1",
        b"max-age=60,no-store",
        b'x="unclosed, no-store',
        b'x="a, b", no-store',
        b'x="a\\", b", no-store',
        b",,no-store,,",
        b"max-age=60\t,\tno-store",
    ],
)
def test_no_store_is_seen(value: bytes) -> None:
    assert response_directives(value).no_store


@pytest.mark.parametrize(
    "value", [b'x="no-store"', b"no-stores", b"x-no-store", b'x="a, no-store"']
)
def test_no_store_is_not_imagined(value: bytes) -> None:
    assert not response_directives(value).no_store


def test_field_lists_qualify() -> None:
    directives = response_directives(b'no-cache="Set-Cookie, X-A", private="x-b"')

    assert not directives.no_cache
    assert directives.no_cache_fields == {b"set-cookie", b"x-a"}
    assert not directives.private
    assert directives.private_fields == {b"x-b"}


@pytest.mark.parametrize(
    "value", [b"private", b'private=""', b"private=x-b", b'private="a b"', b'private="a", private']
)
def test_a_doubtful_private_is_wholly_private(value: bytes) -> None:
    assert response_directives(value).private


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(value: bytes) -> None:
    directives = response_directives(value)
    request_directives([(b"cache-control", value)])
    surrogate_control([(b"surrogate-control", value)], b"twopass")

    assert directives.max_age is None or 0 <= directives.max_age <= MAX_DELTA


_token = st.text("abcxyz-", min_size=1, max_size=8)
_argument = st.one_of(st.none(), _token, st.text('ab ,="\\', max_size=8))


@given(
    st.lists(st.tuples(_token, _argument), max_size=5),
    st.integers(0, 10**6),
    st.integers(0, 5),
)
def test_unknown_directives_neither_hide_nor_change_a_known_one(
    unknown: list[tuple[str, str | None]], age: int, position: int
) -> None:
    members = [
        name
        if argument is None
        else '{}="{}"'.format(name, argument.replace("\\", "\\\\").replace('"', '\\"'))
        for name, argument in unknown
    ]
    members.insert(position, f"max-age={age}")

    assert response_directives(", ".join(members).encode()).max_age == age


def test_pragma_counts_only_without_cache_control() -> None:
    assert request_directives(fields("Pragma: no-cache")).no_cache
    assert not request_directives(fields("Pragma: no-cache\nCache-Control: max-age=1")).no_cache
    assert not request_directives(fields("Pragma: nothing")).no_cache


def test_max_stale_without_a_value_is_any() -> None:
    assert request_directives(fields("Cache-Control: max-stale")).max_stale == MAX_DELTA
    assert request_directives(fields("Cache-Control: max-stale=5")).max_stale == 5


def test_request_directives() -> None:
    asked = request_directives(
        fields("Cache-Control: no-store, only-if-cached\nCache-Control: min-fresh=3, max-age=0")
    )

    assert asked.no_store
    assert asked.only_if_cached
    assert asked.min_fresh == 3
    assert asked.max_age == 0


class TestTargeted:
    @staticmethod
    def read(value: str) -> ResponseDirectives | None:
        return targeted_directives(fields(f"CDN-Cache-Control: {value}"), b"cdn-cache-control")

    def test_values_are_typed(self) -> None:
        directives = self.read('max-age=600, must-revalidate, private="x-a", no-store=?0')

        assert directives == ResponseDirectives(
            max_age=600, must_revalidate=True, private_fields=frozenset({b"x-a"})
        )

    @pytest.mark.parametrize(
        "value", ["", "max-age=", "max-age=60,", "MAX-AGE=60", "a b", "max-age=60; =1"]
    )
    def test_what_does_not_parse_is_not_there(self, value: str) -> None:
        assert self.read(value) is None

    @pytest.mark.parametrize(
        "value", ['max-age="60"', "max-age=1.5", "max-age=-1", "max-age", "max-age=(1 2)"]
    )
    def test_a_wrong_type_is_stale(self, value: str) -> None:
        directives = self.read(value)

        assert directives is not None
        assert directives.max_age == 0

    def test_parameters_are_ignored(self) -> None:
        directives = self.read("max-age=5;x=1")

        assert directives is not None
        assert directives.max_age == 5

    def test_the_last_of_equal_keys_counts(self) -> None:
        directives = self.read("max-age=5, max-age=7")

        assert directives is not None
        assert directives.max_age == 7


class TestSurrogateControl:
    def test_freshness_and_extension(self) -> None:
        control = surrogate_control(
            fields('Surrogate-Control: max-age=60+30, content="ESI/1.0 X/1"'), b"twopass"
        )

        assert control is not None
        assert (control.max_age, control.extension) == (60, 30)
        assert control.content == ("ESI/1.0", "X/1")
        assert control.controls_caching

    def test_targeting(self) -> None:
        control = surrogate_control(
            fields("Surrogate-Control: max-age=60, max-age=5;twopass, no-store;other"), b"twopass"
        )

        assert control is not None
        assert control.max_age == 5
        assert not control.no_store

    def test_no_store_remote_is_for_others(self) -> None:
        control = surrogate_control(fields("Surrogate-Control: no-store-remote"), b"twopass")

        assert control is not None
        assert not control.no_store
        assert not control.controls_caching

    @pytest.mark.parametrize("value", [";", " ; x", ";;", "", ";twopass", '"'])
    def test_what_names_no_directive_says_nothing(self, value: str) -> None:
        control = surrogate_control(fields(f"Surrogate-Control: {value}"), b"twopass")

        assert control is not None
        assert not control.controls_caching

    def test_absent(self) -> None:
        assert surrogate_control([], b"twopass") is None

    def test_content_alone_says_nothing_about_storing(self) -> None:
        control = surrogate_control(fields('Surrogate-Control: content="ESI/1.0"'), b"twopass")

        assert control is not None
        assert not control.controls_caching
