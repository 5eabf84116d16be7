"""Whatever a visitor sends, a dimension takes one of its declared values."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments.dimensions import Dimension, open_context, seal_context
from fragments.errors import WireError
from fragments.signing import Keyring

CURRENCY = Dimension("currency", "cookie", "currency", ("EUR", "USD"), "EUR")
LANGUAGE = Dimension("language", "language", "django_language", ("en", "de", "pt-br"), "en")
DEVICE = Dimension(
    "device",
    "header",
    "User-Agent",
    ("desktop", "mobile"),
    "desktop",
    matches=(("Mobi", "mobile"),),
)
BANNER = Dimension("banner", "bucket", "ab_banner", ("a", "b"), "a", weights=(1, 3))
GROUP = Dimension("group", "context", "group", ("retail", "trade"), "retail")
ALL = (CURRENCY, LANGUAGE, DEVICE, BANNER, GROUP)


@given(
    st.dictionaries(st.sampled_from(["currency", "django_language", "ab_banner"]), st.text()),
    st.dictionaries(st.sampled_from(["user-agent", "accept-language"]), st.text()),
    st.dictionaries(st.just("group"), st.text()),
)
def test_values_come_from_the_closed_set(
    cookies: dict[str, str], headers: dict[str, str], context: dict[str, str]
) -> None:
    for dimension in ALL:
        assert dimension.reduce(cookies, headers, context) in (*dimension.values, None)


@pytest.mark.parametrize(
    ("accept", "value"),
    [
        ("", "en"),
        ("de", "de"),
        ("fr, de;q=0.5, en;q=0.4", "de"),
        ("de-AT", "de"),
        ("PT-BR", "pt-br"),
        ("en;q=0.1, de;q=0.9", "de"),
        ("de;q=0", "en"),
        ("de;q=2, ;;;, *", "en"),
        ("x" * 10_000, "en"),
    ],
)
def test_language_from_accept_language(accept: str, value: str) -> None:
    assert LANGUAGE.reduce({}, {"accept-language": accept}, {}) == value


@pytest.mark.parametrize("value", ["key account", "a,b", 'say "hi"', "back\\slash", "plain", ""])
def test_a_cookie_is_read_as_python_wrote_it(value: str) -> None:
    """The edge sees the quotes that Django puts around blanks and commas."""
    written: SimpleCookie = SimpleCookie({"group": value})
    group = Dimension("group", "cookie", "group", ("retail", value), "retail")

    assert group.reduce({"group": written["group"].coded_value}, {}, {}) == value


def test_the_language_cookie_wins() -> None:
    assert LANGUAGE.reduce({"django_language": "de"}, {"accept-language": "en"}, {}) == "de"
    assert LANGUAGE.reduce({"django_language": "xx"}, {"accept-language": "de"}, {}) == "de"


def test_a_header_is_matched_by_part() -> None:
    assert DEVICE.reduce({}, {"user-agent": "… iPhone … MOBILE"}, {}) == "mobile"
    assert DEVICE.reduce({}, {}, {}) == "desktop"


def test_buckets_are_drawn_by_weight() -> None:
    assert BANNER.reduce({}, {}, {}) is None
    assert BANNER.reduce({"ab_banner": "b"}, {}, {}) == "b"
    drawn = [BANNER.draw(step / 1000) for step in range(1000)]
    assert drawn.count("a") == 250


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Currency"}, "lower-case"),
        ({"values": ()}, "1 to 64"),
        ({"values": ("EUR", "EUR")}, "different"),
        ({"default": "GBP"}, "not a value"),
        ({"weights": (1, 1)}, "bucket"),
        ({"source": "moon"}, "unknown source"),
        ({"matches": (("x", "GBP"),)}, "undeclared"),
    ],
)
def test_unusable_definitions_are_refused(change: dict[str, object], message: str) -> None:
    definition: dict[str, object] = {
        "name": "currency",
        "source": "cookie",
        "field": "currency",
        "values": ("EUR", "USD"),
        "default": "EUR",
    }
    with pytest.raises(ValueError, match=message):
        Dimension(**(definition | change))  # type: ignore[arg-type]


@pytest.mark.parametrize("dimension", ALL, ids=lambda dimension: dimension.name)
def test_the_wire_form_round_trips(dimension: Dimension) -> None:
    assert Dimension.from_wire(dimension.to_wire()) == dimension


@pytest.mark.parametrize(
    "value", [None, [], {}, {"name": 1}, {**CURRENCY.to_wire(), "values": [1]}]
)
def test_a_bad_wire_form_is_an_error(value: object) -> None:
    with pytest.raises(WireError):
        Dimension.from_wire(value)


def test_a_context_is_bound_to_its_session(keyring: Keyring) -> None:
    cookie = seal_context(keyring, "session-of-alice", {"group": "trade"})

    assert open_context(keyring, "session-of-alice", cookie) == {"group": "trade"}
    assert open_context(keyring, "session-of-bob", cookie) == {}
    assert open_context(keyring, "", cookie) == {}


@given(st.text(max_size=80))
def test_a_forged_context_says_nothing(cookie: str) -> None:
    ring = Keyring(["a-secret-that-only-tests-know-0123456789"])

    assert open_context(ring, "session", cookie) == {}
    assert open_context(ring, "session\ud800", cookie) == {}
