"""Small pure parts: headers that leave, health, positions, times, prepared shells."""

from __future__ import annotations

import pytest

from edge.core.cache_status import CacheStatus, Forward
from edge.core.health import Health
from edge.core.lsn import later, position
from edge.core.outbound import canonical_text
from edge.core.page_headers import (
    NO_STORE,
    PRIVATE,
    SHARED,
    cache_control,
    entity_tag,
    is_not_modified,
    page_fields,
    relayed_fields,
    verdict_fields,
)
from edge.core.plan import Ask, Plan
from edge.core.prepared import Expiry, PreparedShell, prepare_fragment, prepare_shell
from edge.core.purge import Labels
from fragments.csrf import CSRF
from fragments.dimensions import Dimension
from fragments.shell import NONCE, FragmentHole, Part, Shell
from fragments.signing import Keyring

Headers = tuple[tuple[str, tuple[Part, ...]], ...]
KEYRING = Keyring(["k" * 40])
CONTROL = ("cache-control", (b"max-age=60",))
COOKIE = Dimension("c", "cookie", "c", ("a", "b"), "a")
DEVICE = Dimension("d", "header", "X-Device", ("pc", "tv"), "pc")


def shell(
    *body: Part, headers: tuple[tuple[str, tuple[Part, ...]], ...] = (), **more: object
) -> PreparedShell:
    return prepare_shell(Shell(200, headers, body, 60.0, **more), "http://s/", 0.0)  # type: ignore[arg-type]


def hole(name: bytes = b"t", **more: object) -> FragmentHole:
    return FragmentHole(name, **more)  # type: ignore[arg-type]


def asked(*holes: FragmentHole) -> Plan:
    return Plan(asked=[Ask(one, (b"", b"", b"")) for one in holes])


@pytest.mark.parametrize(
    ("page", "plan", "expected"),
    [
        (shell(b"x"), Plan(), SHARED),
        (shell(b"x", headers=(CONTROL,)), Plan(), None),
        (shell(hole(scope="public"), headers=(CONTROL,)), Plan(), SHARED),
        (shell(hole(), headers=(CONTROL,)), Plan(), PRIVATE),
        (shell(CSRF), Plan(), PRIVATE),
        (shell(NONCE), Plan(), PRIVATE),
        (shell(b"x", headers=(CONTROL,), dimensions=(COOKIE,)), Plan(), PRIVATE),
        (shell(b"x", headers=(CONTROL,), dimensions=(DEVICE,)), Plan(), None),
        (shell(b"x", gate=True), Plan(), NO_STORE),
        (shell(hole(scope="no-store")), asked(hole(scope="no-store")), NO_STORE),
        (shell(hole(scope="no-store", when_cookies=("m",))), Plan(), PRIVATE),
    ],
)
def test_cache_control_is_the_strictest_parts(
    page: PreparedShell, plan: Plan, expected: tuple[bytes, bytes] | None
) -> None:
    assert cache_control(page, plan) == expected


def test_a_cookie_makes_any_page_private() -> None:
    cookie = (b"set-cookie", b"a=1")
    fields = page_fields(shell(b"x", headers=(CONTROL,)), Plan(), b"", b"", [cookie])

    assert PRIVATE in fields
    assert cookie in fields
    assert [name for name, _ in fields].count(b"cache-control") == 1


def test_holes_in_headers_are_filled() -> None:
    policy = ("content-security-policy", (b"script-src 'nonce-", NONCE, b"'"))
    fields = dict(page_fields(shell(NONCE, headers=(policy,)), Plan(), b"", b"abc", []))

    assert fields[b"content-security-policy"] == b"script-src 'nonce-abc'"


def test_header_dimensions_join_vary_once() -> None:
    page = shell(b"x", headers=(("vary", (b"Accept, x-device",)),), dimensions=(DEVICE,))

    assert (b"vary", b"Accept, x-device") in page_fields(page, Plan(), b"", b"", [])
    other = shell(b"x", headers=(("vary", (b"Accept",)),), dimensions=(DEVICE,))
    assert (b"vary", b"Accept, x-device") in page_fields(other, Plan(), b"", b"", [])


def test_what_must_not_leave_with_a_shell_does_not() -> None:
    names = [
        "set-cookie",
        "etag",
        "content-length",
        "twopass-x",
        "surrogate-key",
        "connection",
        "age",
    ]
    page = shell(b"x", headers=tuple((name, (b"1",)) for name in names))

    assert [name for name, _ in page.fields] == [b"date"]


def _held(content: bytes) -> Plan:
    fragment = prepare_fragment((content,), Labels(""), Expiry.starting(0, 1, 0, 0))
    return Plan(held={hole(): fragment})


def test_tags_cover_every_part() -> None:
    page = shell(b"x", hole())
    tags = {
        entity_tag(page, _held(b"a"), None, KEYRING),
        entity_tag(page, _held(b"b"), None, KEYRING),
        entity_tag(shell(b"y", hole()), _held(b"a"), None, KEYRING),
        entity_tag(page, _held(b"a"), None, Keyring(["j" * 40])),
        entity_tag(shell(b"x", hole(), headers=(CONTROL,)), _held(b"a"), None, KEYRING),
        entity_tag(shell(b"x", hole(), CSRF), _held(b"a"), "one", KEYRING),
        entity_tag(shell(b"x", hole(), CSRF), _held(b"a"), "two", KEYRING),
    }

    assert len(tags) == 7
    assert all(tag is not None and tag.startswith(b'W/"') for tag in tags)


@pytest.mark.parametrize(
    ("page", "plan"),
    [
        (shell(hole()), asked(hole())),
        (shell(NONCE), Plan()),
        (shell(b"x", gate=True), Plan()),
        (shell(hole()), Plan(refresh=[Ask(hole(), (b"", b"", b""))])),
    ],
)
def test_pages_that_may_be_others_the_next_time_have_no_tag(
    page: PreparedShell, plan: Plan
) -> None:
    assert entity_tag(page, plan, None, KEYRING) is None


def test_a_condition_names_the_tag_weakly() -> None:
    def ask(value: bytes, tag: bytes | None = b'W/"a"') -> bool:
        return is_not_modified([(b"if-none-match", value)], tag)

    assert ask(b'"x", W/"a"')
    assert ask(b'"a"')
    assert ask(b"*")
    assert not ask(b'"b"')
    assert not ask(b"*", None)


def test_relayed_fields_keep_all_but_ours_and_the_connections() -> None:
    received = [
        (b"x", b"1"), (b"x", b"2"), (b"connection", b"x-hop"), (b"x-hop", b"1"),
        (b"twopass-pass", b"guard"), (b"surrogate-control", b"x"), (b"set-cookie", b"a"),
        (b"cache-status", b"inner; hit"), (b"via", b"1.1 inner"), (b"age", b"3"),
    ]  # fmt: skip

    fields = relayed_fields(received, CacheStatus(Forward.METHOD))

    assert fields == [
        (b"x", b"1"), (b"x", b"2"), (b"set-cookie", b"a"), (b"age", b"3"),
        (b"cache-status", b"inner; hit, twopass;fwd=method"), (b"via", b"1.1 inner, 1.1 twopass"),
    ]  # fmt: skip


def test_a_verdict_is_never_stored_and_writes_no_lines() -> None:
    told = (("Location", "/login\r\nX: 1"), ("Cache-Control", "max-age=9"), ("Content-Length", "5"))

    assert verdict_fields(told) == [(b"location", b"/loginX: 1"), NO_STORE]


def test_the_breaker_trips_and_lets_one_probe_through() -> None:
    health = Health(threshold=3, pause=1.0)
    for _ in range(3):
        assert health.may_try(10.0)
        health.failed(10.0)

    assert health.state(10.5) == "open"
    assert not health.may_try(10.5)
    assert health.state(11.0) == "half-open"
    assert health.may_try(11.0)
    assert not health.may_try(11.1)
    health.answered(11.2)
    assert health.state(11.3) == "closed"


@pytest.mark.parametrize(
    ("text", "at"),
    [("0/16B3748", 0x16B3748), ("1/0", 1 << 32), ("x", None), ("1/123456789", None), ("1/", None)],
)
def test_positions_in_the_log(text: str, at: int | None) -> None:
    assert position(text) == at


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (None, None, None),
        (None, "0/1", "0/1"),
        ("0/2", None, "0/2"),
        ("0/FF", "0/100", "0/100"),
        ("1/0", "0/FFFFFFFF", "1/0"),
        ("x", "0/1", "0/1"),
        ("0/1", "x", "0/1"),
        ("x", "y", None),
    ],
)
def test_the_later_position_counts(
    first: str | None, second: str | None, expected: str | None
) -> None:
    assert later(first, second) == expected


def test_softened_things_are_stale_and_still_shown_for_a_moment() -> None:
    soft = Expiry.starting(100.0, 60, 0, 0).softened(110.0)

    assert not soft.is_fresh(110.0)
    assert soft.may_refresh(139.9)
    assert not soft.may_refresh(140.0)
    assert Expiry.starting(0, 60, 300, 600).softened(10.0).error_until == 610


def test_a_canonical_text_leads_back_to_its_value() -> None:
    matches = (("mobile safari", "tablet"), ("mobile", "phone"))
    device = Dimension("d", "header", "User-Agent", ("pc", "phone", "tablet"), "pc", (), matches)

    assert canonical_text(device, "phone") == "mobile"
    assert canonical_text(device, "tablet") == "mobile safari"
    assert canonical_text(device, "pc") == "pc"
    hidden = Dimension("d", "header", "U", ("a", "b"), "a", (), (("x", "a"), ("xy", "b")))
    assert canonical_text(hidden, "b") is None


def test_literals_are_merged_and_empty_ones_left_out() -> None:
    page = shell(b"a", b"", b"b", hole(), b"", b"c")

    assert page.body == (b"ab", hole(), b"c")
    assert not page.is_whole
    assert shell(b"a").is_whole
