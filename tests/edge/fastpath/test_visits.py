"""Visits are counted alike on both paths, and outlive what they are visits of."""

from __future__ import annotations

import pytest
from bench import Bench
from lines import Line, Lines, request

from edge.core.visits import Visits
from fragments.dimensions import Dimension
from origin import Answer, ScriptedOrigin, shell

CURRENCY = Dimension("currency", "cookie", "currency", ("EUR", "USD"), "EUR")
STYLE = Answer(200, [("cache-control", "max-age=60"), ("etag", '"v1"')], b"css" * 50)


@pytest.fixture(autouse=True)
def shop(origin: ScriptedOrigin) -> None:
    origin.routes("^/whole", "^/short", "^/page")
    origin.pages |= {
        "/whole": shell(b"<h1>whole</h1>"),
        "/page": shell(b"page"),
        "/style.css": STYLE,
        "/varied": lambda seen: Answer(
            200, [("cache-control", "max-age=60"), ("vary", "Accept-Language")], b"v"
        ),
        "/plain": Answer(200, [("cache-control", "no-store")], b"never stored"),
        "/short": shell(b"never stored", max_age=0),
    }


def counts(bench: Bench) -> dict[str, float]:
    """Visits by path."""
    return {url.removeprefix("http://shop.test"): n for url, n in bench.edge.visits()}


async def ask(line: Line, target: str, *fields: str, method: str = "GET", times: int = 1) -> None:
    for _ in range(times):
        await line.ask(request(target, *fields, method=method))


@pytest.mark.parametrize("is_fast", [True, False], ids=["fast", "slow"])
async def test_each_answer_from_the_store_counts(bench: Bench, lines: Lines, is_fast: bool) -> None:
    target = "/whole"
    await ask(lines.slow(), target)
    before = counts(bench).get(target, 0)
    line, found = (lines.fast() if is_fast else lines.slow()), lines.hits.found

    await ask(line, target, times=5)
    await ask(line, target, method="HEAD")
    await ask(line, target, "If-None-Match: *")

    assert counts(bench)[target] == before + 7
    assert (lines.hits.found - found > 5) is is_fast


async def test_plain_responses_do_not_count(bench: Bench, lines: Lines) -> None:
    """A shop has more pictures than pages; nobody rebuilds them."""
    for target in ("/style.css", "/varied"):
        for line in (lines.slow(), lines.fast()):
            await ask(line, target, times=3)
            await ask(line, target, "Range: bytes=0-3", "Cookie: a=1")

    assert lines.hits.found > 3
    assert counts(bench) == {}


@pytest.mark.parametrize("is_fast", [True, False], ids=["fast", "slow"])
async def test_variants_and_ignorable_parameters_count_to_one_page(
    bench: Bench, lines: Lines, origin: ScriptedOrigin, is_fast: bool
) -> None:
    line = lines.fast() if is_fast else lines.slow()
    for cookie in ("a=1", "currency=USD", "sessionid=ann"):
        await ask(line, "/whole", f"Cookie: {cookie}", times=2)
    await ask(line, "/whole?utm_source=x", times=3)
    await ask(line, "/whole?a=1")

    assert counts(bench) == {"/whole": 9, "/whole?a=1": 1}


async def test_what_is_not_stored_does_not_count(bench: Bench, lines: Lines) -> None:
    for target in ("/plain", "/none", "/short", "/plain?x=1"):
        await ask(lines.slow(), target, times=2)
        await ask(lines.fast(), target, times=2)

    assert counts(bench) == {}


@pytest.mark.parametrize("is_fast", [True, False], ids=["fast", "slow"])
async def test_what_is_fetched_ahead_does_not_count(
    bench: Bench, lines: Lines, is_fast: bool
) -> None:
    line = lines.fast() if is_fast else lines.slow()
    await ask(lines.slow(), "/whole", "Sec-Purpose: prefetch", times=2)
    await ask(line, "/whole", "Sec-Purpose: prefetch", times=2)

    assert counts(bench) == {}


@pytest.mark.parametrize("is_soft", [True, False], ids=["soft", "hard"])
async def test_a_purge_takes_no_visit_away(bench: Bench, lines: Lines, is_soft: bool) -> None:
    await ask(lines.fast(), "/whole", times=5)
    await ask(lines.fast(), "/page", times=3)

    bench.purge(everything=True, soft=is_soft)
    assert counts(bench) == {"/whole": 5, "/page": 3}
    await ask(lines.fast(), "/page", times=4)
    bench.purge(groups=("x",), urls=("http://shop.test/whole",))

    assert counts(bench) == {"/page": 7, "/whole": 5}


async def test_hits_on_a_page_that_was_let_go_count_anew(
    bench: Bench, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the fast path remembers holds on to its count; nothing may be added to a dead one."""
    memory = bench.edge.memory
    monkeypatch.setattr(memory, "visits", Visits(memory._visits_dropped, 8))
    fast = lines.fast()
    await ask(fast, "/whole", times=3)
    for number in range(9):
        await ask(fast, f"/page?n={number}", times=4)
    assert "/whole" not in counts(bench)

    found = lines.hits.found
    await ask(fast, "/whole", times=5)

    assert lines.hits.found == found + 5
    assert counts(bench)["/whole"] == 5


async def test_the_sweep_takes_visits_in(bench: Bench, lines: Lines) -> None:
    await ask(lines.fast(), "/whole", times=4)
    bench.edge.memory.visits.fold(bench.clock())
    bench.clock.tick(86400)
    await ask(lines.fast(), "/page", times=3)

    assert list(counts(bench).items()) == [("/page", 3), ("/whole", 2)]
