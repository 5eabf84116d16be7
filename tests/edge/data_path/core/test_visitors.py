"""Cookies, identities, epochs: who is whom."""

from __future__ import annotations

import pytest

from edge.core import cookies
from edge.core.fragment_key import NOBODY, PUBLIC, KnownReads, Visit, strictest
from edge.core.visitor import Visitor, epoch_from_bytes
from edge.csrf import csrf_for
from edge.epoch import is_over
from fragments.bundle import Reads
from fragments.csrf import mask, unmask
from fragments.manifest import CookieSpec
from fragments.shell import FragmentHole
from fragments.signing import Keyring

KEYRING = Keyring(["k" * 40])
EPOCH = "e" * 22


def visitor(*lines: str) -> Visitor:
    return Visitor([(b"cookie", line.encode("latin-1")) for line in lines], "sessionid")


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((), {}),
        (("a=1; b=2",), {"a": "1", "b": "2"}),
        (("a=1;b=2", "c=3"), {"a": "1", "b": "2", "c": "3"}),
        (("a=1; a=2",), {"a": "2"}),
        (("a=b=c",), {"a": "b=c"}),
        (("plain",), {"": "plain"}),
        (("; ;=;",), {}),
        (('a="x y"',), {"a": '"x y"'}),
        (("a=\xe4",), {"a": "\xe4"}),
    ],
)
def test_cookies_are_read_as_django_does(lines: tuple[str, ...], found: dict[str, str]) -> None:
    headers = [(b"cookie", line.encode("latin-1")) for line in lines]

    assert cookies.parse(headers) == found
    assert cookies.parse([(b"cookie", cookies.field_of(found))] if found else []) == found


def test_the_number_of_cookies_is_bounded() -> None:
    line = "; ".join(f"c{number}=1" for number in range(1000))

    assert len(visitor(line).cookies) == cookies.MAX_COOKIES


def test_a_cookie_is_taken_out_and_the_rest_stays_as_it_stood() -> None:
    headers = [(b"cookie", b"a=1;  twopass_epoch=x; b"), (b"cookie", b"twopass_epoch=y")]

    assert cookies.forwarded(headers) == [(b"cookie", b"a=1; b")]


def test_set_cookie_says_all_that_the_project_wants() -> None:
    spec = CookieSpec("c", 60, "shop.test", "/x", secure=True, httponly=True, samesite="Strict")

    assert cookies.set_cookie(spec, "v") == (
        b"set-cookie",
        b"c=v; Path=/x; Domain=shop.test; Max-Age=60; Secure; HttpOnly; SameSite=Strict",
    )
    plain = CookieSpec("c", samesite=None)
    assert cookies.set_cookie(plain, "v") == (b"set-cookie", b"c=v; Path=/")


def test_identities_differ_by_session_and_epoch_and_by_nothing_else() -> None:
    lines = [
        "sessionid=a", "sessionid=b", f"sessionid=a; twopass_epoch={EPOCH}",
        f"sessionid=a; twopass_epoch={'f' * 22}", f"twopass_epoch={EPOCH}",
    ]  # fmt: skip
    identities = {visitor(line).identity(KEYRING) for line in lines}

    assert len(identities) == 5
    assert visitor("sessionid=a; x=1").identity(KEYRING) in identities
    assert visitor("sessionid=a").account(KEYRING) == visitor(lines[2]).account(KEYRING)


@pytest.mark.parametrize("value", ["", "short", "x" * 23, "e" * 21 + "\n", "é" * 22])
def test_an_epoch_of_another_form_is_none(value: str) -> None:
    found = visitor(f"twopass_epoch={value}")

    assert (found.epoch, found.has_own_key) == ("", False)
    assert "twopass_epoch" not in found.cookies


def test_an_epoch_is_128_random_bits() -> None:
    assert visitor(f"twopass_epoch={epoch_from_bytes(bytes(range(16)))}").has_own_key


@pytest.mark.parametrize(
    ("is_unsafe", "headers", "over"),
    [
        (False, (), False),
        (True, (), True),
        (True, ((b"twopass-keeps-fragments", b"?1"),), False),
        (True, ((b"twopass-keeps-fragments", b" ?1;x=1"),), False),
        (True, ((b"twopass-keeps-fragments", b"?0"),), True),
        (True, ((b"twopass-keeps-fragments", b"true"),), True),
        (False, ((b"set-cookie", b"sessionid=x; Path=/"),), True),
        (False, ((b"set-cookie", b"other=x"),), False),
        (True, ((b"twopass-keeps-fragments", b"?1"), (b"set-cookie", b"sessionid=")), True),
    ],
)
def test_what_ends_an_epoch(
    is_unsafe: bool, headers: tuple[tuple[bytes, bytes], ...], over: bool
) -> None:
    assert is_over(is_unsafe, headers, "sessionid") is over


def _visit(line: str, *headers: tuple[bytes, bytes], url: bytes = b"http://s/p") -> Visit:
    fields = [*([(b"cookie", line.encode())] if line else []), *headers]
    who = Visitor(fields, "sessionid")
    return Visit(
        b"http://s", url, who, {"cur": "eur"}, who.identity(KEYRING),
        {"cur": "currency"}, frozenset({"currency", "csrftoken"}),
    )  # fmt: skip


HOLE = FragmentHole(b"t")
READS = KnownReads(cookies=("basket",))


@pytest.mark.parametrize(
    ("line", "hole", "reads", "nobody"),
    [
        ("", HOLE, None, True),
        ("", HOLE, READS, True),
        ("sessionid=a", HOLE, READS, False),
        ("sessionid=", HOLE, READS, True),
        ("basket=1", HOLE, None, False),
        ("basket=1", HOLE, READS, False),
        ("other=1", HOLE, None, False),
        ("other=1", HOLE, READS, True),
        ("currency=usd; csrftoken=x", HOLE, None, True),
        ("other=1", FragmentHole(b"t", cookies=("other",)), READS, False),
        ("other=1", FragmentHole(b"t", when_cookies=("other",)), READS, False),
    ],
)
def test_who_is_nobody_to_a_fragment(
    line: str, hole: FragmentHole, reads: KnownReads | None, nobody: bool
) -> None:
    visit = _visit(line)

    assert visit.is_nobody(hole, reads) is nobody
    assert (visit.key(hole, reads)[1] == NOBODY) is nobody


def test_private_keys_differ_by_all_that_was_read() -> None:
    reads = KnownReads(("basket",), ("user-agent",), url=True)
    agent = (b"user-agent", b"A")
    visits = [
        _visit("sessionid=a", agent),
        _visit("sessionid=b", agent),
        _visit("sessionid=a; basket=", agent),
        _visit("sessionid=a; basket=1", agent),
        _visit("sessionid=a"),
        _visit("sessionid=a", (b"user-agent", b"")),
        _visit("sessionid=a", agent, url=b"http://s/q"),
    ]

    assert len({visit.key(HOLE, reads) for visit in visits}) == len(visits)


def test_no_value_can_imitate_another_key() -> None:
    reads = KnownReads(("a", "b"))
    one = _visit("sessionid=s; a=1\nb=1:2".replace("\n", "%0A"))
    two = _visit("sessionid=s; a=1; b=2")

    assert one.key(HOLE, reads) != two.key(HOLE, reads)


def test_public_fragments_are_everybodys_until_they_read_something() -> None:
    public = FragmentHole(b"t", scope="public", dimensions=("cur",))
    visit = _visit("sessionid=a; currency=usd", (b"user-agent", b"A"))

    assert visit.key(public, None)[1] == PUBLIC
    assert visit.key(public, KnownReads(("currency",)))[1] == PUBLIC
    assert visit.key(public, KnownReads(("other",)))[1] == visit.identity
    assert visit.key(public, KnownReads((), ("user-agent",)))[1] == visit.identity
    assert visit.key(public, KnownReads(url=True)) != visit.key(public, None)


def test_known_reads_only_grow() -> None:
    known = KnownReads(("a",), ("x",), url=True)

    assert known.widened(Reads(("a",), ("X",)), has_csrf=False) is known
    grown = known.widened(Reads(("b",), ("Y",)), has_csrf=True)
    assert grown == KnownReads(("a", "b"), ("x", "y"), url=True, has_csrf=True)
    assert not KnownReads(tuple(map(str, range(40)))).is_bounded


def test_the_stricter_scope_holds() -> None:
    assert strictest("public", "private") == strictest("private", "public") == "private"
    assert strictest("no-store", "public") == "no-store"


def test_a_visitors_secret_is_read_whatever_its_form() -> None:
    spec, secret = CookieSpec("csrftoken"), "s" * 32
    masked = mask(secret, bytes(32)).decode()
    for cookie in (secret, masked):
        found = csrf_for(spec, {"csrftoken": cookie}, bytes, mints=False)
        assert found is not None
        assert (found.secret, found.minted, found.field) == (secret, False, None)
        assert unmask(found.token.decode()) == secret
        assert found.token is found.token


@pytest.mark.parametrize("cookie", [None, "", "x" * 31, "x" * 63 + "!", "x" * 65])
def test_a_secret_is_minted_where_there_is_none_that_django_would_take(cookie: str | None) -> None:
    held = {} if cookie is None else {"csrftoken": cookie}
    spec = CookieSpec("csrftoken", max_age=10)

    assert csrf_for(spec, held, bytes, mints=False) is None
    minted = csrf_for(spec, held, bytes, mints=True)
    assert minted is not None
    assert minted.field == (
        b"set-cookie",
        f"csrftoken={minted.secret}; Path=/; Max-Age=10; SameSite=Lax".encode(),
    )
