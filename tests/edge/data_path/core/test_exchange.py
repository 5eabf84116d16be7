"""The transition table, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.core.cache_status import CacheStatus, Forward
from edge.core.exchange import (
    after_fetch,
    after_lookup,
    after_plain_lookup,
    after_probe,
    after_validation,
    begin,
)
from edge.core.facts import Facts
from edge.core.inbound import Inbound
from edge.core.messages import RequestHead
from edge.core.policy import Reuse
from edge.core.prepared import Expiry, PreparedShell, prepare_shell
from edge.core.purge import Labels
from edge.core.site import PageRecord, Site
from edge.core.steps import (
    Ask,
    Declined,
    Fail,
    Failed,
    Fetch,
    Found,
    Lookup,
    Pass,
    PlainFound,
    PlainLookup,
    Probe,
    Relay,
    Serve,
    Shelled,
    Splice,
    Step,
    Undecided,
    Unfit,
    Validate,
    Validated,
)
from edge.core.stored import StoredResponse
from edge.core.visitor import Visitor
from fragments.manifest import Manifest
from fragments.shell import Shell

NOW = 1000.0
SITE = Site.of(
    Manifest("sessionid", None, bypass_cookies=("preview",), varying_headers=("HX-Request",))
)
RECORD = PageRecord()
KEY = b"http://s/p"


def shell(age: float = 0.0) -> PreparedShell:
    """Fresh for 10 s, refreshable until 20, good against errors until 30."""
    prepared = prepare_shell(Shell(200, (), (b".",), 10.0), "http://s/p", NOW - age)
    return replace(prepared, expiry=Expiry.starting(NOW - age, 10, 10, 20))


def stored(age: float = 0.0, **facts: bool) -> StoredResponse:
    born = NOW - age
    found = Facts(200, born, born + 10, born + 20, born + 30, etag=b'"x"', **facts)
    return StoredResponse(KEY, found, (), b".", Labels("http://s/p"), None, 1)


def first_step(
    method: bytes = b"GET",
    *headers: tuple[bytes, bytes],
    site: Site | None = SITE,
    record: PageRecord | None = None,
    marked: str | None = None,
    has_body: bool = False,
) -> Step:
    head = RequestHead(method, b"http", b"s", b"/p", headers)
    visitor = None if site is None else Visitor(headers, "sessionid")
    return begin(Inbound(head, "", b"/p", None, has_body), visitor, site, record, marked)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (first_step(b"POST"), Pass(Forward.METHOD, "method")),
        (first_step(b"FROB", record=RECORD), Pass(Forward.METHOD, "method")),
        (first_step(has_body=True, record=RECORD), Pass(Forward.BYPASS, "body")),
        (first_step(site=None), PlainLookup()),
        (first_step(record=RECORD), Lookup()),
        (first_step(b"HEAD", record=RECORD), Lookup()),
        (first_step(), PlainLookup(probes=True)),
        (first_step(b"HEAD"), PlainLookup()),
        (first_step(marked="plain"), PlainLookup()),
        (first_step(marked="guard"), Pass(Forward.BYPASS, "guard")),
        (first_step(b"GET", (b"authorization", b"x")), PlainLookup()),
        (
            first_step(b"GET", (b"authorization", b"x"), record=RECORD),
            Pass(Forward.BYPASS, "authorization"),
        ),
        (first_step(b"GET", (b"cookie", b"preview=1")), Pass(Forward.BYPASS, "bypass-cookie")),
        (first_step(b"GET", (b"hx-request", b"1")), Pass(Forward.BYPASS, "varying-header")),
    ],
)
def test_begin(found: Step, expected: Step) -> None:
    assert found == expected


FRESH, REFRESHABLE, STALE, DEAD = shell(), shell(15), shell(25), shell(35)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Found(marked="guard"), Pass(Forward.BYPASS, "guard")),
        (Found(FRESH, marked="plain"), PlainLookup()),
        (Found(), Fetch(Forward.URI_MISS)),
        (Found(FRESH), Splice(FRESH, CacheStatus(ttl=10))),
        (
            Found(REFRESHABLE),
            Splice(REFRESHABLE, CacheStatus(ttl=-5, detail="stale-while-revalidate"), refresh=True),
        ),
        (Found(STALE), Fetch(Forward.STALE, STALE)),
        (Found(STALE, paused=True), Splice(STALE, CacheStatus(ttl=-15, detail="stale-if-error"))),
        (Found(DEAD, paused=True), Fetch(Forward.STALE)),
    ],
)
def test_after_lookup(found: Found, expected: Step) -> None:
    assert after_lookup(found, NOW) == expected


MISS = Fetch(Forward.URI_MISS)


@pytest.mark.parametrize(
    ("step", "fetched", "expected"),
    [
        (
            MISS,
            Shelled(FRESH, KEY, stored=True),
            Splice(FRESH, CacheStatus(Forward.URI_MISS, 200, 10, stored=True)),
        ),
        (
            MISS,
            Shelled(FRESH, KEY, stored=True, collapsed=True),
            Splice(FRESH, CacheStatus(Forward.URI_MISS, 200, 10, collapsed=True)),
        ),
        (MISS, Shelled(FRESH, b"another", stored=True), Lookup()),
        (MISS, Declined("guard", 204), Pass(Forward.BYPASS, "guard")),
        (MISS, Declined("plain", 200), PlainLookup()),
        (MISS, Declined("error", 500), Pass(Forward.BYPASS, "error")),
        (MISS, Failed(504, "timeout"), Fail(504, "timeout", Forward.URI_MISS)),
        (
            Fetch(Forward.STALE, STALE),
            Failed(502, "connect"),
            Splice(STALE, CacheStatus(ttl=-15, detail="stale-if-error")),
        ),
        (
            Fetch(Forward.STALE, STALE),
            Declined("error", 204),
            Splice(STALE, CacheStatus(ttl=-15, detail="stale-if-error")),
        ),
        (Fetch(Forward.STALE, STALE), Declined("status", 204), Pass(Forward.BYPASS, "status")),
    ],
)
def test_after_fetch(step: Fetch, fetched: Shelled | Declined | Failed, expected: Step) -> None:
    assert after_fetch(step, fetched, KEY, NOW) == expected


@pytest.mark.parametrize(
    ("probed", "expected"),
    [
        (Declined("plain", 302), Relay(CacheStatus(Forward.URI_MISS, 302))),
        (Declined("csrf", 200), Relay(CacheStatus(Forward.URI_MISS, 200, detail="csrf"))),
        (Failed(502, "connect"), Fail(502, "connect", Forward.URI_MISS)),
        (Undecided("plain"), Ask(Forward.URI_MISS)),
        (Undecided("gone"), Probe()),
        (Undecided("timeout"), Probe(joins=False)),
        (Shelled(FRESH, b"another", stored=True), Lookup()),
    ],
)
def test_after_probe(probed: Declined | Failed | Undecided | Shelled, expected: Step) -> None:
    assert after_probe(probed, KEY, NOW) == expected


NEW, OLD, OLDER = stored(), stored(15), stored(25)
IF_ERROR = CacheStatus(ttl=-15, detail="stale-if-error")


@pytest.mark.parametrize(
    ("step", "found", "expected"),
    [
        (PlainLookup(probes=True), PlainFound(), Probe()),
        (PlainLookup(), PlainFound(), Ask(Forward.URI_MISS)),
        (PlainLookup(), PlainFound(has_variants=True), Ask(Forward.VARY_MISS)),
        (
            PlainLookup(probes=True),
            PlainFound(only_if_cached=True),
            Fail(504, "only-if-cached", Forward.URI_MISS),
        ),
        (PlainLookup(probes=True), PlainFound(NEW, Reuse.FRESH), Serve(NEW, CacheStatus(ttl=10))),
        (
            PlainLookup(),
            PlainFound(OLD, Reuse.STALE_WHILE_REVALIDATE),
            Serve(OLD, CacheStatus(ttl=-5, detail="stale-while-revalidate"), refresh=True),
        ),
        (
            PlainLookup(),
            PlainFound(OLD, Reuse.STALE_WHILE_REVALIDATE, paused=True),
            Serve(OLD, CacheStatus(ttl=-5, detail="stale-while-revalidate")),
        ),
        (PlainLookup(), PlainFound(OLDER), Validate(OLDER)),
        (PlainLookup(), PlainFound(OLDER, paused=True), Serve(OLDER, IF_ERROR)),
    ],
)
def test_after_plain_lookup(step: PlainLookup, found: PlainFound, expected: Step) -> None:
    assert after_plain_lookup(step, found, NOW) == expected


@pytest.mark.parametrize(
    ("old", "outcome", "expected"),
    [
        (
            OLDER,
            Validated(NEW, 304),
            Serve(NEW, CacheStatus(Forward.STALE, 304, 10, stored=True)),
        ),
        (OLDER, Unfit(503), Serve(OLDER, IF_ERROR)),
        (OLDER, Unfit(404), Ask(Forward.STALE)),
        (stored(35), Unfit(503), Ask(Forward.STALE)),
        (OLDER, Failed(502, "connect"), Serve(OLDER, IF_ERROR)),
        (stored(35), Failed(502, "connect"), Fail(502, "connect", Forward.STALE)),
        (
            stored(35, forbids_stale=True),
            Failed(502, "connect"),
            Fail(504, "connect", Forward.STALE),
        ),
    ],
)
def test_after_validation(
    old: StoredResponse, outcome: Validated | Unfit | Failed, expected: Step
) -> None:
    assert after_validation(Validate(old), outcome, collapsed=False, now=NOW) == expected


def test_who_shared_a_validation_says_so() -> None:
    step = after_validation(Validate(OLDER), Validated(NEW, 200), collapsed=True, now=NOW)

    assert step == Serve(NEW, CacheStatus(Forward.STALE, 200, 10, collapsed=True))
