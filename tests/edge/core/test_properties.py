"""Whatever fields a response has: it is judged, and what is forbidden is never stored."""

from __future__ import annotations

from heads import NOW, get
from hypothesis import given
from hypothesis import strategies as st

from edge.core.messages import Field, ResponseHead
from edge.core.policy import CachePolicy, Reuse, assess, may_replace_error, reuse

_NAMES = st.sampled_from(
    [b"cache-control", b"cdn-cache-control", b"surrogate-control", b"expires", b"date", b"age",
     b"vary", b"etag", b"last-modified", b"pragma", b"set-cookie", b"connection", b"content-type",
     b"avail-language", b"cookie-indices", b"x-other"]
)  # fmt: skip
_PIECES = st.sampled_from(
    [b"max-age=60", b"s-maxage=5", b"no-store", b"private", b"no-cache", b"public", b"max-age",
     b'private="x"', b"must-revalidate", b"stale-while-revalidate=9", b"stale-if-error=9", b"*",
     b"must-understand", b"Tue, 14 Nov 2023 23:13:20 GMT", b"0", b"-1", b'"a"', b"W/", b"en;d",
     b"cookie", b"99999999999999999999", b"=", b'"', b",", b";", b" ", b"\xff"]
)  # fmt: skip
_values = st.lists(_PIECES, max_size=5).map(b", ".join) | st.binary(max_size=20)
_headers = st.lists(st.tuples(_NAMES, _values), max_size=6)
_statuses = st.sampled_from([200, 203, 206, 301, 304, 400, 404, 429, 500, 503, 599])


@given(_headers, _statuses, st.floats(0, 100))
def test_every_response_is_judged(headers: list[Field], status: int, delay: float) -> None:
    found = assess(get(), ResponseHead(status, headers), NOW - delay, NOW, CachePolicy(grace=50))

    facts = found.facts
    assert facts.fresh_until <= facts.revalidate_until <= facts.error_until
    assert facts.age(NOW) >= 0
    assert isinstance(reuse(facts, NOW), Reuse)


@given(_headers, _statuses)
def test_no_store_and_private_alone_in_charge_are_final(headers: list[Field], status: int) -> None:
    rest = [
        (name, value)
        for name, value in headers
        if name not in (b"cache-control", b"cdn-cache-control", b"surrogate-control")
    ]
    for directive in (b"no-store", b"private"):
        control = [(b"cache-control", b"max-age=60, " + directive)]
        found = assess(get(), ResponseHead(status, rest + control), NOW, NOW, CachePolicy())
        assert found.refusal is not None


@given(_headers)
def test_a_cookie_is_never_stored_by_default(headers: list[Field]) -> None:
    response = ResponseHead(200, [*headers, (b"set-cookie", b"a=b")])

    assert assess(get(), response, NOW, NOW, CachePolicy()).refusal is not None


@given(_headers)
def test_what_forbids_stale_answers_has_no_window(headers: list[Field]) -> None:
    rest = [(name, value) for name, value in headers if b"control" not in name]
    control = [(b"cache-control", b"max-age=60, stale-if-error=99, must-revalidate")]
    facts = assess(get(), ResponseHead(200, rest + control), NOW, NOW, CachePolicy(grace=50)).facts

    assert not may_replace_error(facts, NOW + 61)
    assert reuse(facts, NOW + 61) is Reuse.VALIDATE
